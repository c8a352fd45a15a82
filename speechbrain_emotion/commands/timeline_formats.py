"""One answer with segments in the formats of ``timeline``.

Each function takes the answer and the length of the audio in seconds, and
gives a text.
"""

import csv
import io
import json
import pathlib

from speechbrain_emotion.commands.tables import align, one_line
from speechbrain_emotion.commands.textgrid import format_textgrid


def format_json(prediction, duration):
    """Formats all that is known as one object in JSON.

    Arguments
    ---------
    prediction : Prediction
        An answer with segments.
    duration : float
        Not used.

    Returns
    -------
    str

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Prediction
    >>> answer = Prediction.from_scores({"happy": 0.75, "sad": 0.25})
    >>> json.loads(format_json(answer, 1.0))["label"]
    'happy'
    """
    # Letters of all languages stay as they are.
    return json.dumps(prediction.to_dict(), indent=2, ensure_ascii=False) + "\n"


def format_csv(prediction, duration):
    """Formats segments as rows of CSV, below a row of names.

    Arguments
    ---------
    prediction : Prediction
        An answer with segments.
    duration : float
        Not used.

    Returns
    -------
    str
        Where there is no answer, label and scores are empty.

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Segment
    >>> from speechbrain_emotion.inference.prediction import Prediction
    >>> scores = {"happy": 0.75, "sad": 0.25}
    >>> segments = (Segment(0.0, 1.5, "happy", 0.75, scores, "Oh, yes!"),)
    >>> answer = Prediction.from_scores(scores, segments=segments)
    >>> print(format_csv(answer, 2.0), end="")
    start,end,text,label,score,happy,sad
    0.000,1.500,"Oh, yes!",happy,0.75,0.75,0.25
    """
    labels = list(prediction.scores)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["start", "end", "text", "label", "score", *labels])
    for s in prediction.segments:
        times = [f"{s.start:.3f}", f"{s.end:.3f}"]
        scores = [s.scores.get(label) for label in labels]
        writer.writerow([*times, one_line(s.text), s.label, s.score, *scores])
    return buffer.getvalue()


def format_rttm(prediction, duration):
    """Formats segments as NIST's RTTM, the emotion in place of the speaker.

    Arguments
    ---------
    prediction : Prediction
        An answer with segments, and with the name of its file.
    duration : float
        Not used.

    Returns
    -------
    str
        One line for each segment that has an answer, with its score as the
        confidence.

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Segment
    >>> from speechbrain_emotion.inference.prediction import Prediction
    >>> segments = (Segment(0.0, 1.5, "happy", 0.75, {}),)
    >>> answer = Prediction("sad", 0.9, {}, "my clip.wav", segments=segments)
    >>> print(format_rttm(answer, 2.0), end="")
    SPEAKER my_clip 1 0.000 1.500 <NA> <NA> happy 0.750 <NA>
    """
    name = _field(pathlib.Path(prediction.source).stem)
    return "".join(
        f"SPEAKER {name} 1 {start / 1000:.3f} {(end - start) / 1000:.3f} "
        f"<NA> <NA> {_field(s.label)} {s.score:.3f} <NA>\n"
        for start, end, s in _answered(prediction)
    )


def format_vtt(prediction, duration):
    """Formats segments as WebVTT, for subtitles.

    Arguments
    ---------
    prediction : Prediction
        An answer with segments.
    duration : float
        Not used.

    Returns
    -------
    str
        One cue for each segment that has an answer.

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Segment
    >>> from speechbrain_emotion.inference.prediction import Prediction
    >>> segments = (Segment(0.0, 1.5, "happy", 0.75, {}, "Me & you!"),)
    >>> answer = Prediction("sad", 0.9, {}, segments=segments)
    >>> print(format_vtt(answer, 2.0), end="")
    WEBVTT
    <BLANKLINE>
    00:00:00.000 --> 00:00:01.500
    [happy 0.75] Me &amp; you!
    """
    cues = [
        f"{_timestamp(start)} --> {_timestamp(end)}\n{_escape(_caption(s))}\n"
        for start, end, s in _answered(prediction)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def format_audacity(prediction, duration):
    """Formats segments as a label track of Audacity.

    Arguments
    ---------
    prediction : Prediction
        An answer with segments.
    duration : float
        Not used.

    Returns
    -------
    str
        One line for each segment that has an answer: start, end and label,
        with tabs between them.

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Segment
    >>> from speechbrain_emotion.inference.prediction import Prediction
    >>> segments = (Segment(0.0, 1.5, "happy", 0.75, {}, "Oh!"),)
    >>> answer = Prediction("sad", 0.9, {}, segments=segments)
    >>> format_audacity(answer, 2.0)
    '0.000\\t1.500\\t[happy 0.75] Oh!\\n'
    """
    return "".join(
        f"{start / 1000:.3f}\t{end / 1000:.3f}\t{_caption(s)}\n"
        for start, end, s in _answered(prediction)
    )


def format_segments(prediction, duration):
    """Formats segments as a text table, below it the answer as a whole.

    Arguments
    ---------
    prediction : Prediction
        An answer with segments.
    duration : float
        Not used.

    Returns
    -------
    str

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Segment
    >>> from speechbrain_emotion.inference.prediction import Prediction
    >>> segments = (
    ...     Segment(0.0, 1.5, "happy", 0.75, {}, "Oh!"),
    ...     Segment(9.5, 10.0, None, None, {}),
    ... )
    >>> answer = Prediction("sad", 0.9, {}, segments=segments)
    >>> print(format_segments(answer, 10.0), end="")
    start    end  label  score  text
     0.00   1.50  happy   0.75  Oh!
     9.50  10.00  -          -
    <BLANKLINE>
    as a whole: sad 0.90
    """
    segments = prediction.segments
    times = [["start", *(f"{s.start:.2f}" for s in segments)]]
    times.append(["end", *(f"{s.end:.2f}" for s in segments)])
    widths = [max(map(len, column)) for column in times]
    starts, ends = (
        [time.rjust(width) for time in column]
        for column, width in zip(times, widths)
    )
    labels = ["label", *(s.label or "-" for s in segments)]
    scores = [
        "score",
        *("-" if s.label is None else f"{s.score:.2f}" for s in segments),
    ]
    lines = align([*zip(starts, ends, labels, scores)], n_left=3).splitlines()
    texts = ["text", *(one_line(s.text) for s in segments)]
    table = "".join(
        f"{line}  {text}".rstrip() + "\n" for line, text in zip(lines, texts)
    )
    return table + f"\nas a whole: {prediction.label} {prediction.score:.2f}\n"


FORMATS = {
    "table": format_segments,
    "json": format_json,
    "csv": format_csv,
    "rttm": format_rttm,
    "vtt": format_vtt,
    "textgrid": format_textgrid,
    "audacity": format_audacity,
}


def _answered(prediction):
    """Segments that have an answer, in order: (start, end, segment).

    Times are in milliseconds. Readers refuse what has no length, as words of
    Whisper may: these get one.
    """
    answered = [s for s in prediction.segments if s.label is not None]
    for s in sorted(answered, key=lambda s: (s.start, s.end)):
        start = round(1000 * s.start)
        yield start, max(round(1000 * s.end), start + 1), s


def _caption(segment):
    """The answer for a segment and what is said, on one line."""
    return one_line(
        f"[{segment.label} {segment.score:.2f}] {segment.text or ''}"
    )


def _field(text):
    """A text as a field of RTTM, between spaces."""
    return "_".join(text.split())


def _escape(text):
    """A text as WebVTT writes it."""
    for letter, escaped in [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")]:
        text = text.replace(letter, escaped)
    return text


def _timestamp(milliseconds):
    """A time as WebVTT writes it."""
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"
