"""The picture of ``timeline``, and the outline of the waveform in it."""

import io
import weakref

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import (
    given,
    strategies as st,
)
from timeline_answers import LABELS, answer, segment

from speechbrain_emotion.commands import envelope as outlines
from speechbrain_emotion.commands.envelope import Envelope, read_envelope
from speechbrain_emotion.commands.timeline_plot import (
    check_picture,
    draw_timeline,
    place_words,
    score_columns,
)
from speechbrain_emotion.dataio import streaming
from speechbrain_emotion.dataio.words import Word


def flat(seconds):
    """The outline of a recording."""
    return Envelope(np.full(9, -0.5), np.full(9, 0.25), seconds)


def draw(prediction, seconds, envelope=None):
    """Draws a figure in full; gives its panels, without the colour bar."""
    figure = draw_timeline(prediction, envelope or flat(seconds))
    figure.savefig(io.BytesIO(), dpi=50)
    return figure.axes[:-1]


def speech(count, seconds):
    """So many words, each with its own half of the time left for a pause."""
    step = seconds / count
    return [
        (f"word{i}", i * step + step / 4, i * step + 3 * step / 4)
        for i in range(count)
    ]


@pytest.mark.parametrize("rate", [16000, 44100, 22050, 150])
@pytest.mark.parametrize("samples", [1, 79, 80, 160_000, 160_001, 400_003])
def test_an_outline_is_that_of_the_waveform(tmp_path, rate, samples):
    wav = np.random.default_rng(0).uniform(-0.5, 0.5, samples)
    wav[0] = 0.9
    soundfile.write(tmp_path / "a.wav", np.append(wav, -0.9), rate, "FLOAT")
    envelope = read_envelope(tmp_path / "a.wav")
    wav = np.append(wav, -0.9).astype(np.float32)
    size = max(1, rate // outlines.BINS_PER_SECOND)
    parts = [wav[i : i + size] for i in range(0, len(wav), size)]
    assert envelope.low.tolist() == [part.min() for part in parts]
    assert envelope.high.tolist() == [part.max() for part in parts]
    assert envelope.seconds == (samples + 1) / rate


def test_an_outline_is_read_block_by_block(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", 0.1 * torch.rand(16000 * 35), 16000)
    blocks, kept = [], []

    def stream(*args):
        for block in streaming.stream_audio(*args):
            kept.append(sum(ref() is not None for ref in blocks))
            blocks.append(weakref.ref(block))
            yield block

    monkeypatch.setattr(outlines, "stream_audio", stream)
    assert read_envelope(tmp_path / "a.wav").seconds == 35
    assert len(kept) == 4 and max(kept) <= 1


@given(st.integers(1, 50), st.integers(1, 50))
def test_a_shrunk_outline_keeps_the_extremes(n_bins, count):
    values = np.random.default_rng(n_bins).uniform(0, 1, n_bins)
    shrunk = Envelope(-values, values, 2.0).shrink(count)
    assert len(shrunk.low) == len(shrunk.high) == min(n_bins, count)
    assert shrunk.high.max() == values.max() == -shrunk.low.min()
    assert shrunk.seconds == 2.0


def test_score_columns():
    segments = [
        segment(0.0, 1.0, "sad"),
        segment(1.0, 2.0, None),
        segment(3.0, 3.0, "happy"),  # of no length
        segment(3.5, 4.0, "sad"),
        segment(3.5, 4.0, "happy"),  # at the same time
        segment(5.0, 5.0, "sad"),  # at the end
    ]
    columns = score_columns(segments, LABELS, 5.0, count=10)
    missing = [*range(2, 6), 8]
    assert np.flatnonzero(np.isnan(columns[0])).tolist() == missing
    assert columns[:, 0].tolist() == [0.1875, 0.625, 0.1875]
    assert columns[:, 6].tolist() == [0.625, 0.1875, 0.1875]
    assert columns[:2, 7].tolist() == [0.40625, 0.40625]
    assert columns[:, 9].tolist() == [0.1875, 0.625, 0.1875]


def test_panels():
    prediction = answer(
        segment(0.0, 1.0, "sad"),
        segment(1.0, 2.0, None),
        segment(2.0, 4.0, "really angry"),
        # No formulas, and no good ones.
        words=[("$^$", 0.0, 0.5), ("Oh", 2.0, 3.0)],
        source="clips/$_$.wav",
    )
    waveform, words, scores = draw(prediction, 4.0)
    assert waveform.get_title() == "$_$.wav: happy 0.50 as a whole"
    assert [text.get_text() for text in words.texts] == ["$^$", "Oh"]
    names = [label.get_text() for label in scores.get_yticklabels()]
    assert names == LABELS
    assert scores.get_xlim() == (0, 4)
    (image,) = scores.images
    columns = image.get_array()
    assert columns.mask[0, 300:600].all()
    assert not columns.mask[0, :300].any()
    (lines,) = scores.collections
    assert [path.tolist() for path in lines.get_segments()] == [
        [[0.0, 1.0], [1.0, 1.0]],
        [[2.0, 2.0], [4.0, 2.0]],
    ]


def test_without_words_or_answers():
    for prediction in (answer(), answer(segment(0.0, 1.0, None))):
        waveform, scores = draw(prediction, 2.0)
        assert scores.images[0].get_array().mask.all()
        assert not scores.collections[0].get_segments()


def test_a_long_name_and_a_long_word():
    words = [("a" * 30, 0.0, 1.0)]
    waveform, panel, _ = draw(
        answer(words=words, source=f"{'b' * 90}.wav"), 20.0
    )
    assert len(waveform.get_title()) < 90 and "…" in waveform.get_title()
    assert panel.texts[0].get_text() == "a" * 13 + "…"


@pytest.mark.parametrize(
    "count, seconds, written, rotation",
    [(5, 3, 5, 0), (50, 20, 50, 90), (1500, 600, 0, 90), (9000, 3600, 0, 90)],
)
def test_words_are_written_where_there_is_room(
    count, seconds, written, rotation
):
    words = [Word(*word) for word in speech(count, seconds)]
    places, turned = place_words(words, seconds)
    assert (len(places), turned) == (written, rotation)
    assert [word for word, _ in places] == words[:written]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30))))
def test_written_words_do_not_touch(steps):
    words, time = [], 0.0
    for gap, length in steps:
        start, time = time + gap / 100, time + (gap + length) / 100
        words.append(Word("word", start, time))
    places, rotation = place_words(words, 20.0)
    points = 0.86 * 12 * 72 / 20.0
    width = 8 if rotation else 4 * 8 * 0.6
    times = [time for _, time in places]
    assert all(np.diff(times) * points >= width)
    for word, time in places:
        assert abs(time - (word.start + word.end) / 2) * points <= 12.001


def test_an_hour_of_words_can_be_drawn():
    words = speech(9000, 3600)
    labels = [*LABELS, None]
    segments = [
        segment(start, end, labels[i % 4])
        for i, (_, start, end) in enumerate(words)
    ]
    bins = np.random.default_rng(0).uniform(0, 1, 720_000)
    axes = draw(
        answer(*segments, words=words), 3600, Envelope(-bins, bins, 3600.0)
    )
    assert len(axes) == 3 and not axes[1].texts
    (outline,) = axes[0].collections
    assert len(outline.get_paths()[0].vertices) < 3000


@pytest.mark.parametrize("name", ["a.png", "b/a.PDF", "a.svg"])
def test_pictures(name):
    check_picture(name)


@pytest.mark.parametrize("name", ["a", "a.", "png", "a.doc"])
def test_no_pictures(name):
    with pytest.raises(ValueError, match=f"--plot '{name}' is no picture"):
        check_picture(name)
