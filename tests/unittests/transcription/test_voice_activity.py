"""Speech is found wherever and however loud it is, and nothing else."""

import functools
import math
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import (
    HealthCheck,
    given,
    settings,
    strategies as st,
)

from speechbrain_emotion.dataio.audio import load_audio
from speechbrain_emotion.dataio.pauses import cut_at_pauses
from speechbrain_emotion.inference import voice_activity
from speechbrain_emotion.inference.voice_activity import (
    speech_probabilities,
    speech_segments,
)

pytest.importorskip("silero_vad", reason="needs the extra asr")

RATE = 16000


def hiss(seconds, level=1e-4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return level * torch.randn(round(seconds * RATE), generator=generator)


@pytest.fixture(scope="module")
def clip(samples):
    """A sentence without what is around it."""
    wav = load_audio(samples / "1001_DFA_FEA_XX.flac")
    segments = speech_segments([wav])
    return wav[int(segments[0][0] * RATE) : int(segments[-1][1] * RATE)]


@pytest.fixture(scope="module")
def two_clips(clip):
    """From 2 s, and from 5 s after the end of that on."""
    return torch.cat([hiss(2), clip, hiss(5), clip, hiss(2)])


def test_segments(clip, two_clips):
    seconds = len(clip) / RATE
    segments = speech_segments([two_clips])
    first = [x for x in segments if x[1] < 2 + seconds + 2]
    second = [x for x in segments if x[0] > 2 + seconds + 2]
    assert len(first) + len(second) == len(segments)
    for found, start in ((first, 2), (second, 7 + seconds)):
        assert found[0][0] == pytest.approx(start, abs=0.15)
        assert found[-1][1] == pytest.approx(start + seconds, abs=0.15)


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sizes=st.lists(st.integers(1, 60000), min_size=1, max_size=9))
def test_any_blocks(two_clips, monkeypatch, sizes):
    short = functools.partial(cut_at_pauses, seconds=4.0)
    monkeypatch.setattr(voice_activity, "cut_at_pauses", short)
    expected = speech_segments([two_clips])
    assert len(expected) >= 2
    rest = len(two_clips) - sum(sizes)
    blocks = two_clips.split([*sizes, rest]) if rest > 0 else [two_clips]
    assert speech_segments(iter(blocks)) == expected


def test_chunks_change_little(clip, monkeypatch):
    """Speech without a pause, longer than a chunk."""
    recording = torch.cat([hiss(1), *[clip] * 4, hiss(1)])
    (whole,) = voice_activity.merge_segments(speech_segments([recording]), 0.5)
    short = functools.partial(cut_at_pauses, seconds=3.0)
    monkeypatch.setattr(voice_activity, "cut_at_pauses", short)
    (cut,) = voice_activity.merge_segments(speech_segments([recording]), 0.5)
    assert cut == pytest.approx(whole, abs=0.1)


def test_segments_that_touch_at_a_cut(monkeypatch):
    def certain(samples):
        return torch.ones(-(-len(samples) // 512))

    monkeypatch.setattr(voice_activity, "speech_probabilities", certain)
    assert speech_segments([torch.zeros(RATE * 300)]) == [(0.0, 300.0)]


@pytest.mark.parametrize("gain_db", [-40, -20, 0, 20])
def test_any_level(clip, two_clips, gain_db):
    recording = two_clips * 10 ** (gain_db / 20)
    recording = ((recording * 2**23).round() / 2**23).clamp(-1, 1)
    segments = speech_segments([recording])
    end = 7 + 2 * len(clip) / RATE
    assert segments[0][0] == pytest.approx(2, abs=0.2)
    assert segments[-1][1] == pytest.approx(end, abs=0.2)


def test_silence_is_no_speech(two_clips):
    """Below -80 dB."""
    assert speech_segments([3e-4 * two_clips]) == []


def test_beside_a_click(clip):
    recording = torch.cat([hiss(2, 1e-5), 0.02 * clip, hiss(2, 1e-5)])
    recording[8000:8200] = 0.9
    segments = speech_segments([recording])
    assert segments[0][0] == pytest.approx(2, abs=0.2)


def sine(frequency, seconds=6):
    time = torch.arange(seconds * RATE) / RATE
    return torch.sin(2 * math.pi * frequency * time)


@pytest.mark.parametrize(
    "recording",
    [
        torch.zeros(RATE),
        torch.full((RATE,), 0.3),
        hiss(6, 0.0005),
        hiss(6, 0.1),
        hiss(6, 0.2) * (sine(1) > 0),
        0.2 * sine(440),
        0.1 * (sine(220) + sine(277) + sine(330)),
        0.3 * sine(180) * (1 + sine(4)),
        torch.zeros(RATE).index_fill(0, torch.tensor([99]), 1.0),
        torch.tensor([0.5, -0.5] + [0.0] * RATE),
        torch.zeros(1),
        torch.empty(0),
    ],
)
def test_no_speech(recording):
    assert speech_segments([recording, recording]) == []


def test_nothing_else_is_changed(two_clips):
    torch.rand(3)
    state, n_threads = torch.get_rng_state(), torch.get_num_threads()
    voice_activity._load_detector.cache_clear()
    assert speech_segments([two_clips])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == n_threads


def test_several_threads(clip, two_clips):
    recordings = [two_clips, clip, hiss(3)] * 3
    expected = [speech_probabilities(x) for x in recordings]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(speech_probabilities, recordings))
    assert all(torch.equal(a, b) for a, b in zip(found, expected))


def test_other_sample_rates():
    with pytest.raises(ValueError, match="8000 Hz: speech is found at 16000"):
        speech_segments([hiss(1)], sample_rate=8000)
