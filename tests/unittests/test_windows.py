"""Every frame of a long recording is kept once, with all of its context."""

import functools

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)

from speechbrain_emotion.inference.windows import WindowLayout
from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
from speechbrain_emotion.lobes.whisper import WhisperEncoder


@st.composite
def recordings(draw):
    """A layout, a length of up to 10 windows, and how it comes in blocks."""
    frame = draw(st.sampled_from([1, 7, 320]))
    context = draw(st.integers(1, 5))
    size = 2 * context + draw(st.integers(1, 20))
    layout = WindowLayout(size * frame, context * frame, frame)
    n_samples = draw(st.integers(1, 10 * layout.size))
    cuts = draw(st.lists(st.integers(0, n_samples), max_size=9))
    return layout, n_samples, sorted(cuts)


@settings(deadline=None, max_examples=200)
@given(recordings())
def test_bookkeeping(recording):
    layout, n_samples, cuts = recording
    # Each sample says where it is.
    samples = torch.arange(float(n_samples))
    windows = list(layout.cut(samples.tensor_split(cuts)))
    assert len(windows) == layout.count(n_samples)
    kept = []
    for i, window in enumerate(windows):
        first_window, last_window = i == 0, i == len(windows) - 1
        start = int(window.samples[0])
        stop = start + len(window.samples)
        assert torch.equal(window.samples, samples[start:stop])
        assert start % layout.frame == 0
        assert len(window.samples) <= layout.size
        if len(windows) > 1:
            assert len(window.samples) > layout.size - layout.frame
        begin = start // layout.frame + window.first
        if first_window:
            assert begin == 0
        else:
            assert window.first * layout.frame >= layout.context
        if last_window:
            assert window.end is None and stop == n_samples
            end = -(-n_samples // layout.frame)
        else:
            assert window.end * layout.frame <= layout.size - layout.context
            end = start // layout.frame + window.end
        kept += range(begin, end)
    assert kept == list(range(-(-n_samples // layout.frame)))


def test_the_layout_of_an_encoder():
    class Encoder:
        sample_rate = 16000
        frame_samples = 320
        max_samples = 160 * 16000

    assert WindowLayout.of(Encoder()) == WindowLayout(160000, 16000, 320)
    Encoder.max_samples = 33000
    assert WindowLayout.of(Encoder()) == WindowLayout(32960, 3200, 320)


@functools.cache
def encoder(name):
    """A tiny encoder with random weights."""
    torch.manual_seed(0)
    if name == "whisper":
        config = {
            "d_model": 8,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 8,
        }
        return WhisperEncoder(config=config).eval()
    config = {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 8,
    }
    return W2VBertEncoder(config=config).eval()


@pytest.mark.parametrize("name", ["whisper", "w2v-bert"])
@settings(deadline=None, max_examples=20)
@given(n_samples=st.integers(560, 40000), remainder=st.integers(-2, 2))
def test_frames_of_encoders(name, n_samples, remainder):
    tiny = encoder(name)
    # Where a frame more or less is decided.
    n_samples = max(560, n_samples // 80 * 80 + remainder)
    torch.manual_seed(n_samples)
    wav = torch.randn(n_samples)
    n_frames = []
    for window in WindowLayout(6400, 640, 320).cut(wav.split(5000)):
        with torch.no_grad():
            frames = tiny(window.samples.unsqueeze(0))[0][0]
        assert len(frames) == tiny.count_frames(len(window.samples))
        n_frames.append(len(frames[window.first : window.end]))
    with torch.no_grad():
        at_once = tiny(wav.unsqueeze(0))[0].shape[1]
    assert sum(n_frames) == at_once == tiny.count_frames(n_samples)
