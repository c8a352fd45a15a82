"""Where there is speech in a recording, with Silero's voice detector.

Reference: https://github.com/snakers4/silero-vad
"""

import functools
import threading

import torch

from speechbrain_emotion.dataio.audio import SILENCE, is_silent
from speechbrain_emotion.dataio.pauses import cut_at_pauses
from speechbrain_emotion.utils.extras import import_extra

SAMPLE_RATE = 16000
FRAME = 512  # samples

# Shorter gaps are no pauses.
GAP_SECONDS = 0.1

# The detector misses recordings far below its usual level. The level is that
# of the loudest half second, so that clicks do not count.
LEVEL = 0.1  # RMS
LOUD_FRAMES = 16

# The detector keeps a state from frame to frame.
_lock = threading.Lock()


def speech_segments(blocks, sample_rate=SAMPLE_RATE):
    """Finds where somebody speaks, at any level.

    Arguments
    ---------
    blocks : iterable of torch.Tensor
        The recording, in blocks [samples] of any lengths.
    sample_rate : int
        Its sample rate; 16000.

    Returns
    -------
    list of tuple of float
        Start and end of each segment, in seconds. Pauses of a tenth of a
        second are left out.

    Raises
    ------
    ModuleNotFoundError
        If the package silero-vad is not installed.
    ValueError
        If the sample rate is another, or a block is not mono.

    Example
    -------
    >>> speech_segments([torch.zeros(16000), 0.1 * torch.rand(16000)])
    []
    """
    if sample_rate != SAMPLE_RATE:
        raise ValueError(
            f"the sample rate is {sample_rate} Hz: speech is found at "
            f"{SAMPLE_RATE} Hz; see stream_audio"
        )
    segments = []
    for first, chunk in cut_at_pauses(blocks, sample_rate):
        offset = first / sample_rate
        found = find_segments(speech_probabilities(chunk), len(chunk))
        segments += [(offset + start, offset + end) for start, end in found]
    return merge_segments(segments, GAP_SECONDS)


def speech_probabilities(samples):
    """Computes how likely there is speech.

    Arguments
    ---------
    samples : torch.Tensor
        Waveform, [samples], 16 kHz, a few minutes at most.

    Returns
    -------
    torch.Tensor
        For each 32 ms, [frames]; zeros where the waveform is silent.

    Raises
    ------
    ModuleNotFoundError
        If the package silero-vad is not installed.

    Example
    -------
    >>> bool(speech_probabilities(0.1 * torch.rand(16000)).max() < 0.3)
    True
    """
    padded = torch.nn.functional.pad(samples, (0, -len(samples) % FRAME))
    frames = padded.view(-1, FRAME)
    if is_silent(samples):
        return torch.zeros(len(frames))
    frames = _normalize(frames - samples.mean())
    with _lock, torch.inference_mode():
        detector = _load_detector()
        detector.reset_states()
        return torch.cat([detector(x, SAMPLE_RATE)[:, 0] for x in frames])


def find_segments(probabilities, n_samples):
    """Finds speech from its probabilities.

    Arguments
    ---------
    probabilities : torch.Tensor
        For each 32 ms, [frames].
    n_samples : int
        Length of the waveform.

    Returns
    -------
    list of tuple of float
        Start and end of each segment, in seconds.

    Example
    -------
    >>> find_segments(torch.tensor([0.1] * 20 + [0.9] * 40), 60 * 512)
    [(0.61, 1.92)]
    """
    silero = import_extra("silero_vad", "asr")
    found = silero.get_speech_timestamps_from_probs(
        probabilities.tolist(),
        audio_length_samples=n_samples,
        min_silence_duration_ms=round(1000 * GAP_SECONDS),
    )
    return [(s["start"] / SAMPLE_RATE, s["end"] / SAMPLE_RATE) for s in found]


def merge_segments(segments, gap):
    """Joins segments with little between them.

    Arguments
    ---------
    segments : list of tuple of float
        Start and end of each, in seconds, in order.
    gap : float
        How much is little, in seconds.

    Returns
    -------
    list of tuple of float

    Example
    -------
    >>> merge_segments([(0.0, 1.0), (1.05, 2.0), (3.0, 4.0)], gap=0.1)
    [(0.0, 2.0), (3.0, 4.0)]
    """
    merged = []
    for start, end in segments:
        if merged and start - merged[-1][1] < gap:
            start = merged.pop()[0]
        merged.append((start, end))
    return merged


def _normalize(frames):
    """Brings frames to a common level, as far as they have one."""
    powers = frames.square().mean(dim=1)
    loud = min(LOUD_FRAMES, (len(powers) + 1) // 2)
    level = float(powers.topk(loud).values[-1].sqrt())
    return (frames * (LEVEL / max(level, SILENCE))).clamp(-1, 1)


@functools.lru_cache
def _load_detector():
    """The model, which is in the package."""
    return import_extra("silero_vad", "asr").load_silero_vad()
