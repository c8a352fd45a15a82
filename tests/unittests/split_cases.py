"""What the tests of the splits have in common."""

from collections import Counter
from dataclasses import replace

from corpora_layouts import utterance
from hypothesis import strategies as st

from speechbrain_emotion.dataio.protocol import PARTS

EMOTIONS = ["angry", "happy", "neutral", "sad"]


@st.composite
def corpora(draw):
    """Clips of the speakers A to E in up to four classes."""
    speakers = "ABCDE" + draw(st.text("ABCDE", max_size=60))
    return [
        utterance(
            str(number),
            emo=draw(st.sampled_from(EMOTIONS)),
            spk_id=speaker,
        )
        for number, speaker in enumerate(speakers)
    ]


def clips_of(**counts):
    """So many clips of each class."""
    return [
        utterance(f"{emo}{number}", emo=emo)
        for emo, count in counts.items()
        for number in range(count)
    ]


def with_fields(clips, **fields):
    """The clips with other values of some fields."""
    return [replace(clip, **fields) for clip in clips]


def ids(parts):
    """The ids of the clips in each part."""
    return {part: sorted(clip.id for clip in parts[part]) for part in PARTS}


def sizes(parts):
    """The numbers of clips in each part."""
    return [len(parts[part]) for part in PARTS]


def classes(clips):
    """The number of clips of each class."""
    return Counter(clip.emo for clip in clips)


def assert_each_clip_is_in_one_part(clips, parts):
    """Fails where a clip is in no part or in two."""
    placed = [clip.id for part in PARTS for clip in parts[part]]
    assert sorted(placed) == sorted(clip.id for clip in clips)
