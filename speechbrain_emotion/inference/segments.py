"""Where the parts of an utterance start and end."""

import itertools
import math

from speechbrain_emotion.dataio.audio import AudioError
from speechbrain_emotion.dataio.transcript import TOLERANCE, Transcript
from speechbrain_emotion.dataio.words import TextError
from speechbrain_emotion.inference.known import (
    SEGMENTS,
    SHORTEST_SEGMENT,
    SPOKEN,
)
from speechbrain_emotion.inference.pieces import said
from speechbrain_emotion.inference.voice_activity import speech_segments

# About as long as the utterances that models are trained on.
WINDOW_SECONDS = 3.0
LONGEST = 1e8  # three years; the length in a header may be a placeholder


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
    elif segments is not None and (
        not isinstance(segments, str) or segments not in SEGMENTS
    ):
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
        and SHORTEST_SEGMENT <= window_seconds < math.inf
    ):
        raise ValueError(
            f"window_seconds is {window_seconds!r}: give at least {SHORTEST_SEGMENT} s"
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


def find_segments(segments, seconds, text, blocks, name, window_seconds=None):
    """Finds the parts of an utterance, and what is said in them.

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
    bounds : list of tuple of float
        Start and end of each, in seconds, within the audio.
    texts : list of str, Passage or None
        What is said in each.

    Raises
    ------
    TextError
        If words or sentences are asked for, and there is no text, or none
        with times.
    AudioError
        If a pair lies behind the audio or its length is not known, and
        whatever the blocks raise.

    Example
    -------
    >>> find_segments("windows", 7.0, "Oh!", None, "clip")
    ([(0.0, 3.0), (3.0, 6.0), (6.0, 7.0)], ['Oh!', 'Oh!', 'Oh!'])
    """
    if needs_times(segments):
        texts = _spoken(segments, text, name)
        bounds = [_within(x.start, x.end, seconds) for x in texts]
        return bounds, texts
    if segments == "windows":
        bounds = _windows(seconds, window_seconds or WINDOW_SECONDS, name)
    elif segments == "vad":
        bounds = [
            _within(*bound, seconds) for bound in speech_segments(blocks())
        ]
    else:
        bounds = [_checked(*pair, seconds, name) for pair in segments]
    return bounds, [said(text, *bound) for bound in bounds]


def _spoken(segments, text, name):
    """Words or sentences as passages."""
    times = "a Transcript with the times of its words, or a transcriber"
    if text is None:
        raise TextError(
            f"{name} has no text, whose {segments} were asked for: give {times}"
        )
    if not isinstance(text, Transcript) or (text.text and not text.words):
        raise TextError(
            f"the text of {name} has no times, which {segments} need: give "
            f"{times} and no text"
        )
    if segments == "sentences":
        return text.sentences
    return [text.passage_of(i, i + 1) for i in range(len(text.words))]


def _within(start, end, seconds):
    """A segment within the audio that has a frame at least."""
    start = min(start, max(0.0, seconds - SHORTEST_SEGMENT))
    return start, min(max(end, start + SHORTEST_SEGMENT), seconds)


def _checked(start, end, seconds, name):
    """A segment that a caller gave."""
    start, end = float(start), float(end)
    if start >= seconds or end > seconds + TOLERANCE:
        raise AudioError(
            f"the segment from {start:g} to {end:g} s lies behind the end of "
            f"{name}, which lasts {seconds:g} s"
        )
    return start, min(end, seconds)


def _windows(seconds, length, name):
    """Windows of equal length, side by side."""
    if seconds > LONGEST:
        raise AudioError(
            f"{name} does not say how long it is: write it anew, e.g. with "
            "ffmpeg or sox, to have it cut into windows"
        )
    # Not a sum, which would drift.
    count = math.ceil(seconds / length - 1e-9)
    starts = [i * length for i in range(count)] + [seconds]
    bounds = list(itertools.pairwise(starts))
    # What is less than a frame has no answer.
    return [b for b in bounds if b[1] - b[0] >= SHORTEST_SEGMENT] or bounds[:1]


def _check_pair(pair):
    """Makes sure that a segment is one."""
    form = f"the segment {pair!r}: give (start, end) in seconds, start < end"
    try:
        start, end = map(float, pair)
    except (TypeError, ValueError) as error:
        raise ValueError(form) from error
    if not 0 <= start < end < math.inf:
        raise ValueError(form)
