"""A file read in blocks is the file read whole, and fails in the same way."""

import numpy as np
import pytest
import soundfile
import torch

from speechbrain_emotion.dataio import audio, streaming
from speechbrain_emotion.dataio.audio import (
    AudioError,
    audio_length,
    load_audio,
)
from speechbrain_emotion.dataio.streaming import split_waveform, stream_audio


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch):
    """Blocks of a second, so that a few seconds are long."""
    monkeypatch.setattr(streaming, "BLOCK_SECONDS", 1)


def noise(rate, seconds=3.3, channels=1):
    rng = np.random.default_rng(rate)
    return 0.1 * rng.standard_normal((round(rate * seconds), channels))


def write(path, samples, rate=16000, **kwargs):
    soundfile.write(path, samples, rate, **kwargs)
    return path


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    "rate", [8000, 11025, 16000, 22050, 24414, 44100, 48000]
)
def test_rates_and_channels(tmp_path, rate, channels):
    for seconds in (0.0004, 0.9, 2.0, 3.3):
        samples = noise(rate, seconds, channels)
        path = write(tmp_path / "clip.wav", samples, rate, subtype="FLOAT")
        whole = load_audio(path)
        streamed = torch.cat(list(stream_audio(path)))
        torch.testing.assert_close(streamed, whole, rtol=0, atol=1e-6)
        assert audio_length(path) == len(whole)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_formats(tmp_path, ending):
    path = write(tmp_path / f"clip.{ending}", noise(44100), 44100)
    whole = load_audio(path)
    streamed = torch.cat(list(stream_audio(path)))
    torch.testing.assert_close(streamed, whole, rtol=0, atol=1e-6)


def fail(path):
    """What whole and streamed reading say of a bad file."""
    messages = []
    for read in (load_audio, lambda path: list(stream_audio(path))):
        with pytest.raises((AudioError, OSError)) as error:
            read(path)
        assert str(path) in str(error.value)
        messages.append((type(error.value), str(error.value)))
    return messages


def not_finite():
    samples = noise(16000)
    samples[[7, 40000]] = np.nan
    return samples


@pytest.mark.parametrize(
    "samples, message",
    [
        (np.zeros(0), "holds no samples"),
        (not_finite(), "holds 2 NaN or infinite samples out of 52800"),
        (np.zeros(50000), "is silent"),
        (np.full(50000, 0.1), "is silent"),
    ],
)
@pytest.mark.parametrize("rate", [16000, 48000])
def test_bad_samples(tmp_path, samples, message, rate):
    path = write(tmp_path / "clip.wav", samples, rate, subtype="FLOAT")
    whole, streamed = fail(path)
    assert whole == streamed and message in whole[1]


def test_bad_files(tmp_path):
    (tmp_path / "text.wav").write_text("not audio")
    (tmp_path / "empty.wav").touch()
    for name in ("gone.wav", ".", "text.wav", "empty.wav"):
        whole, streamed = fail(tmp_path / name)
        assert whole[0] is streamed[0]
        with pytest.raises(whole[0]):
            audio_length(tmp_path / name)


@pytest.mark.parametrize("damage", ["cut off", "overwritten"])
def test_damaged_in_the_middle(tmp_path, damage):
    path = write(tmp_path / "clip.flac", noise(16000))
    whole = path.read_bytes()
    half = len(whole) // 2
    rest = b"" if damage == "cut off" else b"?" * half
    path.write_bytes(whole[:half] + rest)
    for _, message in fail(path):
        assert "cannot be read as audio" in message


def test_a_header_that_promises_more(tmp_path):
    path = write(tmp_path / "clip.wav", noise(16000))
    path.write_bytes(path.read_bytes()[:60044])
    streamed = torch.cat(list(stream_audio(path)))
    assert torch.equal(streamed, load_audio(path)) and len(streamed) == 30000


def test_a_header_that_does_not_know(tmp_path):
    path = write(tmp_path / "clip.flac", noise(16000))
    header = bytearray(path.read_bytes())
    header[21] &= 0xF0  # 36 bits: the number of samples
    header[22:26] = bytes(4)
    path.write_bytes(header)
    assert audio_length(path) > 1e9
    # libsndfile cannot find the end of such a file.
    with pytest.raises(AudioError, match="cannot be read as audio"):
        list(stream_audio(path))


def test_waveforms():
    wav = torch.from_numpy(noise(16000)[:, 0])
    blocks = list(split_waveform(wav))
    assert [len(block) for block in blocks] == [16000, 16000, 16000, 4800]
    assert torch.equal(torch.cat(blocks), wav.float())
    wav[20000] = torch.inf
    with pytest.raises(AudioError, match="clip holds 1 NaN or infinite"):
        list(streaming.check_blocks(split_waveform(wav), "clip"))
    with pytest.raises(AudioError, match="clip is silent"):
        list(streaming.check_blocks(split_waveform(torch.zeros(40000)), "clip"))


@pytest.mark.parametrize("rate", [44101, 22254, 8001])
def test_odd_rates_take_no_large_filters(rate, tmp_path):
    path = tmp_path / "odd.wav"
    times = torch.arange(25 * rate) / rate
    tone = 0.1 * torch.sin(2 * torch.pi * 440 * times)
    soundfile.write(path, tone.numpy(), rate)
    filters = streaming.Resample(*audio.reduced_rates(rate, 16000))
    whole = load_audio(path)
    assert filters.resampler.kernel.numel() < 4e6
    assert abs(len(whole) / 16000 - 25) < 25 * 2e-4
    streamed = torch.cat(list(stream_audio(path)))
    torch.testing.assert_close(streamed, whole, rtol=0, atol=1e-6)
    spectrum = torch.fft.rfft(whole[:16000]).abs()
    assert spectrum.argmax() == 440  # Hz
