"""Answers with segments, made by hand and by hypothesis."""

from hypothesis import strategies as st

from speechbrain_emotion.dataio.transcript import Transcript
from speechbrain_emotion.dataio.words import Word
from speechbrain_emotion.inference.prediction import Prediction, Segment

LABELS = ["happy", "sad", "really angry"]


def segment(start, end, label="sad", text=None):
    """A segment; one without a label has no answer."""
    if label is None:
        return Segment(start, end, None, None, {}, text)
    scores = {name: 0.625 if name == label else 0.1875 for name in LABELS}
    return Segment(start, end, label, 0.625, scores, text, ("speech",))


def answer(*segments, words=(), source="clips/my clip.wav"):
    """An answer with such segments, and words as (text, start, end)."""
    words = [Word(*word) for word in words]
    transcript = None
    if words:
        text = " ".join(word.text for word in words)
        transcript = Transcript(text, words, "en")
    return Prediction(
        "happy",
        0.5,
        dict(zip(LABELS, [0.5, 0.25, 0.25])),
        source=source,
        segments=segments,
        transcript=transcript,
    )


# What formats give a meaning, besides all other letters.
NASTY = ['"', "\n", "\r\n\n", "\t", "-->", "<b>", "&amp;", "\u2028", "[x]", "¿"]
TEXTS = st.lists(
    st.sampled_from(NASTY)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    max_size=5,
).map("".join)


@st.composite
def answers(draw):
    """Answers whose segments follow each other, some without a length."""
    segments, time = [], 0.0
    for gap, length in draw(
        st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)))
    ):
        start, time = time + gap / 1000, time + (gap + length) / 1000
        label = draw(st.sampled_from([*LABELS, None]))
        segments.append(segment(start, time, label, draw(st.none() | TEXTS)))
    return answer(*segments)


def normal(text):
    """A text as it stands on one line."""
    return " ".join((text or "").split())
