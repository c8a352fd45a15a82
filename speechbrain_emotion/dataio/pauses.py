"""Cutting of long recordings where nobody speaks, if possible."""

import torch

PAUSE_SECONDS = 0.2
SEARCHED = 0.25  # of a chunk, at its end
STEPS = 20  # in which the search passes over the length of a pause


def cut_at_pauses(blocks, sample_rate=16000, seconds=120.0):
    """Cuts a recording into chunks while it is read.

    A cut is in the middle of the quietest 0.2 s of the last quarter of a
    chunk. Where cuts are depends on the recording, not on its blocks.

    Arguments
    ---------
    blocks : iterable of torch.Tensor
        The recording, in blocks [samples] of any lengths.
    sample_rate : int
        Its sample rate, in Hz.
    seconds : float
        Greatest length of a chunk.

    Yields
    ------
    first : int
        Where the chunk starts, in samples.
    chunk : torch.Tensor
        Waveform, [samples]. The chunks joined are the recording.

    Raises
    ------
    ValueError
        If a chunk would have no samples, or a block is not mono.

    Example
    -------
    >>> recording = torch.tensor([1.0, -1.0]).repeat(75)
    >>> recording[80:90] = 0
    >>> chunks = cut_at_pauses(recording.split(64), 50, seconds=2.0)
    >>> [(first, len(chunk)) for first, chunk in chunks]
    [(0, 85), (85, 65)]
    """
    size = int(seconds * sample_rate)
    if size < 4:
        raise ValueError(
            f"chunks of {seconds} s have {size} samples: give at least "
            f"{4 / sample_rate:g} s"
        )
    pause = round(PAUSE_SECONDS * sample_rate)
    parts, first, n_samples = [], 0, 0
    for block in blocks:
        if block.ndim != 1:
            raise ValueError(
                f"a block has the shape {tuple(block.shape)}: a recording is "
                "a list of mono waveforms, [samples]"
            )
        parts.append(block)
        n_samples += len(block)
        if n_samples <= size:
            continue
        samples = torch.cat(parts)
        while len(samples) > size:
            cut = _find_pause(samples[:size], pause)
            yield first, samples[:cut]
            samples, first = samples[cut:], first + cut
        parts, n_samples = [samples], len(samples)
    if n_samples:
        yield first, torch.cat(parts)


def _find_pause(chunk, pause):
    """The middle of the quietest place at the end of a chunk."""
    searched = chunk[len(chunk) - int(SEARCHED * len(chunk)) :]
    pause = min(pause, len(searched))
    step = max(1, pause // STEPS)
    power = (searched - searched.mean()).square()[None]
    powers = torch.nn.functional.avg_pool1d(power, pause, step)
    middle = int(powers.argmin()) * step + pause // 2
    return len(chunk) - len(searched) + middle
