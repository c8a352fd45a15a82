"""Praat's TextGrid: tiers of intervals that cover a recording."""

import itertools

from speechbrain_emotion.commands.tables import one_line

# Tiers are of whole microseconds, so that intervals meet exactly.
MICROSECONDS = 1_000_000
SHORTEST = 1_000  # no interval may be empty; words of Whisper may
# Segments of such words have a frame, and may run into the next.
OVERLAP = 25_000

HEADER = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = {end}
tiers? <exists>
size = {count}
item []:
"""
TIER = """    item [{number}]:
        class = "IntervalTier"
        name = {name}
        xmin = 0
        xmax = {end}
        intervals: size = {count}
"""
INTERVAL = """        intervals [{number}]:
            xmin = {start}
            xmax = {end}
            text = {text}
"""


def format_textgrid(prediction, duration):
    """Formats an answer as a TextGrid, in Praat's long form.

    It has the tiers "emotion", with the label of each segment; "words", where
    they are known; and "text", with what is said in each segment, where that
    is something else. What has no length gets a millisecond.

    Arguments
    ---------
    prediction : Prediction
        An answer with segments.
    duration : float
        Length of the audio, in seconds.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If segments overlap, which a tier cannot hold.

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import (
    ...     Prediction,
    ...     Segment,
    ... )
    >>> segments = (Segment(0.5, 1.0, "sad", 0.9, {}),)
    >>> answer = Prediction("sad", 0.9, {}, segments=segments)
    >>> print(format_textgrid(answer, 2.0))
    File type = "ooTextFile"
    ...
            intervals [2]:
                xmin = 0.500000
                xmax = 1.000000
                text = "sad"
            intervals [3]:
                xmin = 1.000000
                xmax = 2.000000
                text = ""
    <BLANKLINE>
    """
    tiers = {
        name: _place(name, entries)
        for name, entries in _tiers(prediction).items()
    }
    end = max(
        [
            round(duration * MICROSECONDS),
            SHORTEST,
            *(tier[-1][1] for tier in tiers.values() if tier),
        ]
    )
    text = HEADER.format(end=_seconds(end), count=len(tiers))
    for number, (name, intervals) in enumerate(tiers.items(), start=1):
        text += _format_tier(number, name, _fill(intervals, end), end)
    return text


def _tiers(prediction):
    """What each tier says: name -> list of (start, end, text), in seconds."""
    segments = prediction.segments
    transcript = prediction.transcript
    words = [] if transcript is None else transcript.words
    tiers = {"emotion": [(s.start, s.end, s.label or "") for s in segments]}
    if words:
        tiers["words"] = [(w.start, w.end, w.text) for w in words]
    texts = [s.text for s in segments if s.text]
    if texts and texts != [w.text for w in words]:
        tiers["text"] = [(s.start, s.end, s.text or "") for s in segments]
    return tiers


def _place(name, entries):
    """Puts entries in order, each with a length, in microseconds."""
    entries = sorted(entries, key=lambda entry: entry[:2])
    for before, entry in itertools.pairwise(entries):
        if round((before[1] - entry[0]) * MICROSECONDS) > OVERLAP:
            raise ValueError(
                f"segments overlap: one ends at {before[1]:g} s, the next "
                f"starts at {entry[0]:g} s; the tier '{name}' of a TextGrid "
                "cannot hold them: choose another format"
            )
    placed, done = [], 0
    for start, end, text in entries:
        # Behind what was lengthened.
        start = max(round(start * MICROSECONDS), done)
        done = max(round(end * MICROSECONDS), start + SHORTEST)
        placed.append((start, done, text))
    return placed


def _fill(intervals, end):
    """Adds empty intervals, so that all of the time is covered."""
    filled, done = [], 0
    for interval in [*intervals, (end, end, "")]:
        if interval[0] > done:
            filled.append((done, interval[0], ""))
        if interval[1] > interval[0]:
            filled.append(interval)
        done = interval[1]
    return filled


def _format_tier(number, name, intervals, end):
    """A tier in Praat's long form."""
    text = TIER.format(
        number=number,
        name=_quote(name),
        end=_seconds(end),
        count=len(intervals),
    )
    return text + "".join(
        INTERVAL.format(
            number=i,
            start=_seconds(start),
            end=_seconds(end),
            text=_quote(text),
        )
        for i, (start, end, text) in enumerate(intervals, start=1)
    )


def _seconds(microseconds):
    """A time as it is written."""
    return f"{microseconds / MICROSECONDS:.6f}"


def _quote(text):
    """A string of Praat's, on one line."""
    return '"' + one_line(text).replace('"', '""') + '"'
