"""Where the parts of an utterance start and end."""

import itertools
import math

from speechbrain_emotion.dataio.audio import AudioError
from speechbrain_emotion.dataio.transcript import TOLERANCE, TextError
from speechbrain_emotion.inference.known import SEGMENTS, SPOKEN
from speechbrain_emotion.inference.voice_activity import speech_segments

# About as long as the utterances that models are trained on.
WINDOW_SECONDS = 3.0
# A word may have no length; a segment has a frame at least.
SHORTEST = 0.02


def check_segments(segments, window_seconds=None):
    """Makes sure that segments are of a kind that there is.

    Arguments
    ---------
    segments : str, list or None
        "words", "sentences", "windows" or "vad", or (start, end) pairs.
    window_seconds : float or None
        Length of the windows.

    Raises
    ------
    ValueError
        If they are not, or if there are no windows of that length.

    Example
    -------
    >>> check_segments("letters")
    Traceback (most recent call last):
    ...
    ValueError: segments 'letters': choose words, sentences, windows or vad, ...
    """
    if isinstance(segments, list | tuple):
        for pair in segments:
            _check_pair(pair)
    elif segments not in (None, *SEGMENTS):
        raise ValueError(
            f"segments {segments!r}: choose words, sentences, windows or vad, "
            "or give a list of (start, end) in seconds"
        )
    if window_seconds is None:
        return
    if segments != "windows":
        raise ValueError(
            f"window_seconds is {window_seconds}, but the segments are not "
            "'windows': leave it out"
        )
    if not (
        isinstance(window_seconds, int | float)
        and SHORTEST <= window_seconds < math.inf
    ):
        raise ValueError(
            f"window_seconds is {window_seconds!r}: give at least {SHORTEST} s"
        )


def needs_times(segments):
    """Whether segments are found in a transcript.

    Arguments
    ---------
    segments : str, list or None
        As ``check_segments``.

    Returns
    -------
    bool
    """
    return isinstance(segments, str) and segments in SPOKEN


def segment_bounds(segments, seconds, text, blocks, name, window_seconds=None):
    """Finds the parts of an utterance.

    Arguments
    ---------
    segments : str or list
        "words"; "sentences", which a full stop or a pause ends; "windows" of
        equal length, the last one perhaps shorter; "vad": stretches of
        speech; or (start, end) pairs, in seconds.
    seconds : float
        Length of the audio; infinite where there is none.
    text : str, Transcript or None
        What is said.
    blocks : callable
        Gives the audio, as blocks at 16 kHz. Called for "vad" only.
    name : str
        How messages call the utterance.
    window_seconds : float
        Length of the windows; by default 3 s.

    Returns
    -------
    list of tuple of float
        Start and end of each, in seconds. They lie within the audio.

    Raises
    ------
    TextError
        If words or sentences of a text without times are asked for.
    AudioError
        If a pair lies behind the audio, and whatever the blocks raise.

    Example
    -------
    >>> segment_bounds("windows", 7.0, None, None, "clip")
    [(0.0, 3.0), (3.0, 6.0), (6.0, 7.0)]
    """
    if isinstance(segments, str) and segments in SPOKEN:
        bounds = _spoken_bounds(segments, text, name)
    elif segments == "windows":
        bounds = _windows(seconds, window_seconds or WINDOW_SECONDS)
    elif segments == "vad":
        bounds = speech_segments(blocks())
    else:
        bounds = [(float(start), float(end)) for start, end in segments]
        for start, end in bounds:
            if end > seconds + TOLERANCE:
                raise AudioError(
                    f"the segment from {start:g} to {end:g} s lies behind "
                    f"the end of {name}, which lasts {seconds:g} s"
                )
    return [(start, min(end, seconds)) for start, end in bounds]


def _spoken_bounds(segments, text, name):
    """Start and end of words or sentences."""
    words = getattr(text, "words", ())
    if text and not words and getattr(text, "text", text):
        raise TextError(
            f"the text of {name} has no times, which {segments} need: give a "
            "Transcript with words, or no text, and it is transcribed"
        )
    if not words:
        return []
    spoken = words if segments == "words" else text.sentences
    return [(x.start, max(x.end, x.start + SHORTEST)) for x in spoken]


def _windows(seconds, length):
    """Windows of equal length, side by side."""
    if not math.isfinite(seconds):
        return []
    # Not a sum, which would drift.
    count = math.ceil(seconds / length - 1e-9)
    starts = [i * length for i in range(count)] + [seconds]
    bounds = list(itertools.pairwise(starts))
    # What is less than a frame has no answer.
    return [b for b in bounds if b[1] - b[0] >= SHORTEST] or bounds[:1]


def _check_pair(pair):
    """Makes sure that a segment is one."""
    form = f"the segment {pair!r}: give (start, end) in seconds, start < end"
    try:
        start, end = map(float, pair)
    except (TypeError, ValueError) as error:
        raise ValueError(form) from error
    if not 0 <= start < end < math.inf:
        raise ValueError(form)
