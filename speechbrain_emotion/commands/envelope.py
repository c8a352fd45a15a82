"""The outline of a recording's waveform, for a picture."""

import dataclasses

import numpy as np
import torch

from speechbrain.dataio import audio_io
from speechbrain_emotion.dataio.audio import check_file, reading
from speechbrain_emotion.dataio.streaming import stream_audio

BINS_PER_SECOND = 200


@dataclasses.dataclass(frozen=True)
class Envelope:
    """The outline of a waveform.

    Arguments
    ---------
    low : numpy.ndarray
        The lowest sample in each bin of time, [bins].
    high : numpy.ndarray
        The highest, [bins].
    seconds : float
        Length of the recording.
    """

    low: np.ndarray
    high: np.ndarray
    seconds: float

    def shrink(self, count):
        """Joins bins.

        Arguments
        ---------
        count : int
            How many to keep at most.

        Returns
        -------
        Envelope

        Example
        -------
        >>> low, high = np.array([-1, -2, 0]), np.array([1, 2, 5])
        >>> Envelope(low, high, 3.0).shrink(2).high.tolist()
        [1, 5]
        """
        n_bins = len(self.low)
        if n_bins <= count:
            return self
        starts = np.arange(count) * n_bins // count
        return Envelope(
            np.minimum.reduceat(self.low, starts),
            np.maximum.reduceat(self.high, starts),
            self.seconds,
        )


def read_envelope(path):
    """Reads the outline of an audio file, block by block.

    Arguments
    ---------
    path : str or Path
        The file, of any length.

    Returns
    -------
    Envelope
        With 200 bins a second, or fewer where the sample rate is less. Its
        length is what could be read, whatever the header says.

    Raises
    ------
    OSError, AudioError
        As ``load_audio``.

    Example
    -------
    >>> path = getfixture("tmpdir") / "ramp.wav"
    >>> audio_io.save(path, torch.linspace(-0.5, 0.5, 16001)[None], 16000)
    >>> envelope = read_envelope(path)
    >>> envelope.low.shape, envelope.seconds
    ((201,), 1.0000625)
    """
    check_file(path)
    with reading(path):
        rate = audio_io.info(str(path)).sample_rate
    size = max(1, rate // BINS_PER_SECOND)
    # Lists of small tensors would keep the memory of the blocks in pieces.
    low, high, rest, n_samples = bytearray(), bytearray(), torch.empty(0), 0
    for block in stream_audio(path, rate):
        n_samples += block.numel()
        block = torch.cat((rest, block))
        whole = block.numel() // size * size
        bins, rest = block[:whole].view(-1, size), block[whole:]
        low += bins.amin(dim=1).numpy().tobytes()
        high += bins.amax(dim=1).numpy().tobytes()
    if rest.numel():
        low += rest.min().numpy().tobytes()
        high += rest.max().numpy().tobytes()
    low, high = (np.frombuffer(x, np.float32) for x in (low, high))
    return Envelope(low, high, n_samples / rate)
