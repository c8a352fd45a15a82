"""Reading of audio files, with errors that say what to do."""

import contextlib
import functools
import os
from fractions import Fraction

import torch

from speechbrain.dataio import audio_io
from speechbrain.dataio.preprocess import AudioNormalizer

# -80 dB: what is left of silence after dither or compression.
SILENCE = 1e-4

MAX_FILTERS = 1000  # of a resampler

NO_SAMPLES = "holds no samples: record or export it again"
NO_SOUND = "is silent (below -80 dB): there is no speech to recognise"


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
    check_file(path)
    with reading(path):
        signal, rate = audio_io.load(str(path), channels_first=False)
    if signal.numel() == 0:
        raise AudioError(f"'{path}' {NO_SAMPLES}")
    check_finite(signal, f"'{path}'")
    # Before the conversion: its filter would ring at the ends of an offset.
    check_sound(signal, f"'{path}'")
    rate, sample_rate = reduced_rates(rate, sample_rate)
    return _normalizer(sample_rate)(signal, rate)


def reduced_rates(rate, sample_rate):
    """Reduces the ratio of two sample rates to small numbers.

    A resampler has a filter for each sample of the period after which both
    rates meet again. For odd rates, such as 44,101 Hz, these would take
    gigabytes: the ratio is then changed a little, by 0.02 % at most for
    rates that are in use.

    Arguments
    ---------
    rate : int
        Sample rate of the audio.
    sample_rate : int
        Sample rate that is wanted.

    Returns
    -------
    tuple of int
        Both, reduced.

    Example
    -------
    >>> reduced_rates(48000, 16000), reduced_rates(44100, 16000)
    ((3, 1), (441, 160))
    >>> reduced_rates(44101, 16000)
    (2183, 792)
    """
    ratio = Fraction(rate, sample_rate).limit_denominator(MAX_FILTERS)
    return ratio.numerator, ratio.denominator


@functools.lru_cache
def _normalizer(sample_rate):
    """Keeps one normaliser, and with it its resampling filters, per rate."""
    return AudioNormalizer(sample_rate)


def audio_length(path, sample_rate=16000):
    """Tells from a file's header how long ``load_audio`` will find it.

    Arguments
    ---------
    path : str or Path
        The file.
    sample_rate : int
        Sample rate of the result, in Hz.

    Returns
    -------
    int
        Number of samples. A header may be wrong, or say an immense number
        where it does not know.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    AudioError
        If the file is no readable audio.

    Example
    -------
    >>> from speechbrain.dataio import audio_io
    >>> path = getfixture("tmpdir") / "stereo.wav"
    >>> audio_io.save(path, 0.1 * torch.rand(2, 48000), 48000)
    >>> audio_length(path)
    16000
    """
    check_file(path)
    with reading(path):
        header = audio_io.info(str(path))
    rate, sample_rate = reduced_rates(header.sample_rate, sample_rate)
    return -(-header.frames * sample_rate // rate)


def check_file(path):
    """Makes sure that there is a file.

    Arguments
    ---------
    path : str or Path
        The file.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is none.
    """
    if os.path.isdir(path):
        raise IsADirectoryError(
            f"'{path}' is a folder: name the audio files in it one by one"
        )
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no audio file '{path}'")


@contextlib.contextmanager
def reading(path):
    """Explains what a library says about a file that it cannot read.

    Arguments
    ---------
    path : str or Path
        The file.

    Raises
    ------
    AudioError
        Instead of a RuntimeError.
    """
    try:
        yield
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
    n_bad = int((~torch.isfinite(signal)).sum())
    if n_bad:
        raise AudioError(bad_samples_message(name, n_bad, signal.numel()))


def bad_samples_message(name, n_bad, n_samples):
    """Says that samples are not finite.

    Arguments
    ---------
    name : str
        What holds them.
    n_bad : int
        How many are not finite.
    n_samples : int
        How many there are.

    Returns
    -------
    str
    """
    return (
        f"{name} holds {n_bad} NaN or infinite samples out of {n_samples}: "
        "export it again"
    )


def is_silent(signal):
    """Whether there is less than -80 dB RMS besides a constant offset.

    Arguments
    ---------
    signal : torch.Tensor
        Waveform, [samples] or [samples, channels].

    Returns
    -------
    bool

    Example
    -------
    >>> is_silent(torch.full((16000,), 0.1))
    True
    """
    return sound_power(signal) < SILENCE**2


def sound_power(signal):
    """Computes the mean square of what is besides a constant offset.

    Arguments
    ---------
    signal : torch.Tensor
        Waveform, [samples] or [samples, channels].

    Returns
    -------
    float

    Example
    -------
    >>> sound_power(torch.tensor([2.0, 1.0, 2.0, 1.0]))
    0.25
    """
    return float((signal - signal.mean(dim=0)).square().mean())


def check_sound(signal, name):
    """Refuses silence, as ``is_silent`` finds it.

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
    if is_silent(signal):
        raise AudioError(f"{name} {NO_SOUND}")


def check_speech(signal, name, min_samples, sample_rate):
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

    Raises
    ------
    AudioError
        If the waveform has more than one channel, is too short, not finite,
        or silent.

    Example
    -------
    >>> check_speech(torch.zeros(16000), "clip 1", 560, 16000)
    Traceback (most recent call last):
    ...
    speechbrain_emotion.dataio.audio.AudioError: clip 1 is silent (below ...
    """
    check_length(signal, name, min_samples, sample_rate)
    check_finite(signal, name)
    check_sound(signal, name)


def check_length(signal, name, min_samples, sample_rate):
    """Refuses what is no waveform, or is too short a one.

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

    Raises
    ------
    AudioError
        If the waveform has more than one channel, or is too short.
    """
    if signal.ndim != 1:
        raise AudioError(
            f"{name} has the shape {tuple(signal.shape)}: a waveform is mono, "
            "[samples]"
        )
    if signal.numel() < min_samples:
        raise AudioError(
            f"{name} is too short: {signal.numel()} samples "
            f"({1000 * signal.numel() / sample_rate:.1f} ms at {sample_rate} "
            f"Hz), and the model needs {min_samples} "
            f"({1000 * min_samples / sample_rate:.1f} ms)"
        )
