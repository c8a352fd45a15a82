"""Reading of audio files, with errors that say what to do."""

import functools
import pathlib

import torch

from speechbrain.dataio import audio_io
from speechbrain.dataio.preprocess import AudioNormalizer

# -80 dB: what is left of silence after dither or compression.
SILENCE = 1e-4


class AudioError(ValueError):
    """An audio input that cannot be used; the message says why."""


def load_audio(path, sample_rate=16000):
    """Reads a file of any rate and number of channels as a mono waveform.

    Channels are averaged and the rate is converted by SpeechBrain's
    ``AudioNormalizer``. Formats are those of libsndfile: wav, flac, ogg,
    opus, mp3 and others.

    Arguments
    ---------
    path : str or Path
        The file.
    sample_rate : int
        Sample rate of the result, in Hz.

    Returns
    -------
    torch.Tensor
        Waveform, [samples], float32, full scale at 1.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    AudioError
        If the file is no readable audio, is empty or silent, or holds samples
        that are not finite.

    Example
    -------
    >>> from speechbrain.dataio import audio_io
    >>> path = getfixture("tmpdir") / "stereo.wav"
    >>> audio_io.save(path, 0.1 * torch.rand(2, 48000), 48000)
    >>> load_audio(path).shape
    torch.Size([16000])
    """
    signal, rate = _read(pathlib.Path(path))
    if signal.numel() == 0:
        raise AudioError(
            f"'{path}' holds no samples: record or export it again"
        )
    check_finite(signal, f"'{path}'")
    # Before the conversion: its filter would ring at the ends of an offset.
    check_sound(signal, f"'{path}'")
    return _normalizer(sample_rate)(signal, rate)


@functools.lru_cache
def _normalizer(sample_rate):
    """Keeps one normaliser, and with it its resampling filters, per rate."""
    return AudioNormalizer(sample_rate)


def _read(path):
    """Reads a file as [samples, channels] and its rate."""
    if path.is_dir():
        raise IsADirectoryError(
            f"'{path}' is a folder: name the audio files in it one by one"
        )
    if not path.is_file():
        raise FileNotFoundError(f"there is no audio file '{path}'")
    try:
        return audio_io.load(str(path), channels_first=False)
    except RuntimeError as error:
        raise AudioError(
            f"'{path}' cannot be read as audio ({error}): convert it to wav, "
            "flac, ogg, opus or mp3"
        ) from error


def check_finite(signal, name):
    """Refuses a waveform with NaN or infinite samples.

    Arguments
    ---------
    signal : torch.Tensor
        Waveform, any shape.
    name : str
        How the message calls it.

    Raises
    ------
    AudioError
        If a sample is not finite.

    Example
    -------
    >>> check_finite(torch.zeros(3), "clip 1")
    """
    bad = int((~torch.isfinite(signal)).sum())
    if bad:
        raise AudioError(
            f"{name} holds {bad} NaN or infinite samples out of "
            f"{signal.numel()}: export it again"
        )


def check_sound(signal, name):
    """Refuses silence: less than -80 dB RMS besides a constant offset.

    Arguments
    ---------
    signal : torch.Tensor
        Waveform, [samples] or [samples, channels].
    name : str
        How the message calls it.

    Raises
    ------
    AudioError
        If the waveform is silent.

    Example
    -------
    >>> check_sound(0.1 * torch.randn(16000), "clip 1")
    """
    if (signal - signal.mean(dim=0)).square().mean() < SILENCE**2:
        raise AudioError(
            f"{name} is silent (below -80 dB): there is no speech to recognise"
        )


def check_speech(signal, name, min_samples, sample_rate, max_samples=None):
    """Refuses a waveform that no emotion can be read from.

    Arguments
    ---------
    signal : torch.Tensor
        Waveform, [samples].
    name : str
        How the message calls it.
    min_samples : int
        Least number of samples that the model's encoder takes.
    sample_rate : int
        Sample rate, in Hz.
    max_samples : int
        Greatest number of samples that it takes; None for no limit.

    Raises
    ------
    AudioError
        If the waveform has more than one channel, is too short or too long,
        not finite, or digital silence.

    Example
    -------
    >>> check_speech(torch.zeros(16000), "clip 1", 560, 16000)
    Traceback (most recent call last):
    ...
    speechbrain_emotion.dataio.audio.AudioError: clip 1 is silent (below ...
    """
    if signal.ndim != 1:
        raise AudioError(
            f"{name} has the shape {tuple(signal.shape)}: a waveform is mono, "
            "[samples]"
        )
    if max_samples is not None and signal.numel() > max_samples:
        raise AudioError(
            f"{name} is too long: {signal.numel() / sample_rate:.1f} s, and "
            f"the model takes at most {max_samples / sample_rate:.1f} s; cut "
            "it into pieces"
        )
    if signal.numel() < min_samples:
        raise AudioError(
            f"{name} is too short: {signal.numel()} samples "
            f"({1000 * signal.numel() / sample_rate:.1f} ms at {sample_rate} "
            f"Hz), and the model needs {min_samples} "
            f"({1000 * min_samples / sample_rate:.1f} ms)"
        )
    check_finite(signal, name)
    check_sound(signal, name)
