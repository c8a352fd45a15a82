"""Every kind of bad audio has a clear error, every good format an answer."""

import numpy as np
import pytest
import soundfile
import torch

from speechbrain_emotion.dataio.audio import (
    AudioError,
    check_speech,
    load_audio,
)


def write(path, samples, rate=16000, **kwargs):
    soundfile.write(path, samples, rate, **kwargs)
    return path


def tone(rate, seconds=1.0, frequency=440.0):
    time = np.arange(int(rate * seconds)) / rate
    return (0.3 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no audio file .*gone.wav"):
        load_audio(tmp_path / "gone.wav")


def test_folder(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder"):
        load_audio(tmp_path)


def test_text_file_named_wav(tmp_path):
    path = tmp_path / "text.wav"
    path.write_text("not audio")
    with pytest.raises(AudioError, match="text.wav' cannot be read as audio"):
        load_audio(path)


def test_empty_byte_file(tmp_path):
    path = tmp_path / "empty.wav"
    path.write_bytes(b"")
    with pytest.raises(AudioError, match="cannot be read as audio"):
        load_audio(path)


def test_zero_samples(tmp_path):
    path = write(tmp_path / "none.wav", np.zeros(0, np.float32))
    with pytest.raises(AudioError, match="none.wav' holds no samples"):
        load_audio(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_not_finite(tmp_path, bad):
    samples = tone(16000)
    samples[7] = bad
    path = write(tmp_path / "bad.wav", samples, subtype="FLOAT")
    with pytest.raises(AudioError, match="holds 1 NaN or infinite samples"):
        load_audio(path)


@pytest.mark.parametrize("rate", [8000, 11025, 24414, 44100, 48000, 96000])
def test_other_rates_give_the_same_waveform(tmp_path, rate):
    wav = load_audio(write(tmp_path / "tone.wav", tone(rate), rate))
    assert abs(wav.numel() - 16000) <= 1
    middle = slice(1000, 15000)
    expected = torch.from_numpy(tone(16000))
    assert (wav[middle] - expected[middle]).abs().max() < 1e-3


def test_channels_are_averaged(tmp_path):
    left = tone(48000)
    stereo = np.stack([left, np.zeros_like(left)], axis=1)
    both = load_audio(write(tmp_path / "stereo.wav", stereo, 48000))
    mono = load_audio(write(tmp_path / "mono.wav", left / 2, 48000))
    assert both.ndim == 1
    torch.testing.assert_close(both, mono, rtol=0, atol=1e-4)


@pytest.mark.parametrize("ending", ["flac", "ogg", "mp3", "opus"])
def test_compressed_formats(tmp_path, ending):
    options = {"opus": {"format": "OGG", "subtype": "OPUS"}}
    path = write(
        tmp_path / f"tone.{ending}", tone(16000), **options.get(ending, {})
    )
    wav = load_audio(path)
    assert abs(wav.numel() - 16000) < 2000
    assert 0.25 < wav[2000:-2000].abs().max() < 0.35


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_silence_with_an_offset_or_dither(tmp_path, rate):
    rng = np.random.default_rng(0)
    offset = write(tmp_path / "offset.wav", np.full(rate, 0.1), rate)
    dither = write(
        tmp_path / "dither.wav", rng.integers(-1, 2, rate) / 32768, rate
    )
    for path in (offset, dither):
        with pytest.raises(AudioError, match="is silent"):
            load_audio(path)
    load_audio(write(tmp_path / "faint.wav", 0.01 * tone(rate), rate))


def test_speech_checks():
    with pytest.raises(AudioError, match="clip is too short: 100 samples"):
        check_speech(torch.rand(100), "clip", 560, 16000)
    with pytest.raises(AudioError, match="clip is silent"):
        check_speech(torch.zeros(16000), "clip", 560, 16000)
    with pytest.raises(AudioError, match="clip is silent"):
        check_speech(torch.full((16000,), 0.1), "clip", 560, 16000)
    with pytest.raises(AudioError, match="clip holds 16000 NaN"):
        check_speech(torch.full((16000,), torch.nan), "clip", 560, 16000)
    check_speech(torch.rand(560), "clip", 560, 16000)


def test_real_files_of_many_formats(shared):
    files = sorted((shared / "data" / "formats").iterdir())
    assert files
    for path in files:
        wav = load_audio(path)
        assert torch.isfinite(wav).all()
        length = soundfile.info(path).duration
        assert abs(wav.numel() / 16000 - length) < 0.01
