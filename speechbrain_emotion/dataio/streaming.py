"""Reading of audio in blocks, so that any length fits into memory."""

import functools
import math

import soundfile
import torch

from speechbrain.augment.time_domain import Resample
from speechbrain_emotion.dataio.audio import (
    NO_SAMPLES,
    NO_SOUND,
    AudioError,
    bad_samples_message,
    check_file,
    is_silent,
    reading,
    reduced_rates,
)

BLOCK_SECONDS = 10


def stream_audio(path, sample_rate=16000):
    """Yields a file as ``load_audio`` reads it, in blocks.

    Arguments
    ---------
    path : str or Path
        The file, of any sample rate and number of channels.
    sample_rate : int
        Sample rate of the result, in Hz.

    Yields
    ------
    torch.Tensor
        Blocks of the mono waveform, [samples], float32.

    Raises
    ------
    OSError, AudioError
        As ``load_audio``, but with what was sound already yielded: samples
        that are not finite and silence are known at the end only. Silent is
        what has no block above -80 dB.

    Example
    -------
    >>> path = getfixture("tmpdir") / "stereo.wav"
    >>> soundfile.write(path, 0.1 * torch.rand(48000 * 25, 2), 48000)
    >>> sum(block.numel() for block in stream_audio(path)) / 16000
    25.0
    """
    check_file(path)
    with reading(path):
        file = soundfile.SoundFile(path)
    with file:
        period, period_out = reduced_rates(file.samplerate, sample_rate)
        size = -(-BLOCK_SECONDS * file.samplerate // period) * period
        blocks = check_blocks(_read_blocks(file, size, path), f"'{path}'")
        mono = (block.mean(dim=1) for block in blocks)
        yield from _resample(mono, period, period_out)


def split_waveform(wav, sample_rate=16000):
    """Yields a waveform in such blocks.

    Arguments
    ---------
    wav : torch.Tensor
        Waveform, [samples].
    sample_rate : int
        Its sample rate, in Hz.

    Yields
    ------
    torch.Tensor
        Blocks, [samples], float32.

    Example
    -------
    >>> blocks = split_waveform(torch.rand(16000 * 25))
    >>> [block.numel() for block in blocks]
    [160000, 160000, 80000]
    """
    for block in wav.split(BLOCK_SECONDS * sample_rate):
        yield block.to("cpu", torch.float32)


def check_blocks(blocks, name):
    """Yields the blocks of a recording, and checks them as a whole.

    Arguments
    ---------
    blocks : iterable of torch.Tensor
        Each [samples] or [samples, channels].
    name : str
        How messages call the recording.

    Yields
    ------
    torch.Tensor
        The blocks, up to the first that is not finite.

    Raises
    ------
    AudioError
        At the end, if there is no sample, if some are not finite, or if every
        block is silent.

    Example
    -------
    >>> list(check_blocks([torch.zeros(3)], "clip"))
    Traceback (most recent call last):
    ...
    speechbrain_emotion.dataio.audio.AudioError: clip is silent (below ...
    """
    n_samples = n_bad = 0
    silent = True
    for block in blocks:
        n_samples += block.numel()
        n_bad += int((~torch.isfinite(block)).sum())
        # The rest is read to count what is wrong.
        if not n_bad:
            silent = silent and is_silent(block)
            yield block
    if not n_samples:
        raise AudioError(f"{name} {NO_SAMPLES}")
    if n_bad:
        raise AudioError(bad_samples_message(name, n_bad, n_samples))
    if silent:
        raise AudioError(f"{name} {NO_SOUND}")


def _read_blocks(file, size, path):
    """Reads to the end, wherever the header says that it is."""
    while True:
        with reading(path):
            block = file.read(size, "float32", always_2d=True)
        if not len(block):
            return
        yield torch.from_numpy(block)


@functools.lru_cache
def _resampler(period, period_out):
    """Keeps the filters of each pair of rates."""
    return Resample(period, period_out)


def _resample(blocks, period, period_out):
    """Makes of each period's samples others; but for the last, blocks have
    whole periods."""
    if period == period_out:
        yield from blocks
        return
    resample = _resampler(period, period_out)
    # The filter is finite. So much is read twice that no output is computed
    # beside a cut.
    margin = math.ceil(resample.resampler.width / period) * period
    margin_out = margin // period * period_out
    samples, done = torch.empty(0), 0
    for block in blocks:
        if len(samples):
            yield resample(samples[None])[0, done:-margin_out]
            samples, done = samples[-2 * margin :], margin_out
        samples = torch.cat((samples, block))
    if len(samples):
        yield resample(samples[None])[0, done:]
