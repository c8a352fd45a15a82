"""The picture of ``timeline``: waveform, words and scores over time."""

import pathlib

import numpy as np
from matplotlib.figure import Figure

WIDTH, DPI = 12, 120  # inches, pixels an inch
COLUMNS = 1200  # of the waveform and the heat map, about a pixel each
FONT = 8  # points
PANEL = 0.86  # of the width
NAME_WIDTH, LONGEST = 60, 14  # characters of a file's name, of a word
LETTER = 0.65  # width of a letter, as a part of its height
# Words are written where so many of them find room, or else none.
READABLE = 0.7


def check_picture(path):
    """Makes sure, before any work is done, that a picture can be drawn.

    Arguments
    ---------
    path : str or Path
        The picture.

    Raises
    ------
    ValueError
        If its name does not end as that of a picture.

    Example
    -------
    >>> check_picture("a.png")
    >>> check_picture("a.doc")
    Traceback (most recent call last):
    ...
    ValueError: --plot 'a.doc' is no picture: name a file that ends with ...
    """
    endings = Figure().canvas.get_supported_filetypes()
    if pathlib.Path(path).suffix[1:].lower() not in endings:
        raise ValueError(
            f"--plot '{path}' is no picture: name a file that ends with "
            f"{', '.join(f'.{ending}' for ending in sorted(endings))}"
        )


def draw_timeline(prediction, envelope):
    """Draws the waveform, the words and the scores of an answer.

    Arguments
    ---------
    prediction : Prediction
        The answer, with segments.
    envelope : Envelope
        That of its audio.

    Returns
    -------
    Figure
        To be saved with a resolution of ``DPI``.
    """
    transcript = prediction.transcript
    words = () if transcript is None else transcript.words
    labels = list(prediction.scores)
    seconds = envelope.seconds
    places, rotation = place_words(words, seconds)
    heights = [1.5, 0.35 * max(3, len(labels))]
    if words:
        heights.insert(1, 0.25 if not places else 0.9 if rotation else 0.45)
    figure = Figure(figsize=(WIDTH, sum(heights) + 1.2), layout="constrained")
    panels = figure.subplots(
        len(heights), 1, sharex=True, height_ratios=heights
    )
    panels[0].set_title(_title(prediction), parse_math=False)
    _draw_waveform(panels[0], envelope.shrink(COLUMNS))
    if words:
        _draw_words(panels[1], words, places, rotation)
    image = _draw_scores(panels[-1], prediction.segments, labels, seconds)
    figure.colorbar(image, ax=panels[-1], label="score", pad=0.01, aspect=12)
    panels[-1].set_xlim(0, seconds)
    panels[-1].set_xlabel("time (s). Orange: highest score; grey: no answer")
    return figure


def place_words(words, seconds):
    """Finds room for words in a picture.

    Arguments
    ---------
    words : list of Word
        All words of the recording.
    seconds : float
        Its length.

    Returns
    -------
    places : list of tuple
        For each word that has room, the word and the time in seconds at which
        to write it; empty where too many would be left out.
    rotation : int
        By how many degrees they are turned: 0 or 90.

    Example
    -------
    >>> from speechbrain_emotion.dataio.words import Word
    >>> words = [Word("Oh!", i, i + 0.5) for i in range(20)]
    >>> places, rotation = place_words(words, 20.0)
    >>> len(places), round(places[1][1], 2), rotation
    (20, 1.25, 0)
    >>> place_words(words, 200.0)
    ([], 90)
    """
    upright = [LETTER * FONT * (len(_shorten(word)) + 1) for word in words]
    places = _with_room(words, upright, seconds, slack=0.5 * FONT)
    if len(places) == len(words):
        return places, 0
    turned = [1.1 * FONT] * len(words)
    places = _with_room(words, turned, seconds, slack=1.5 * FONT)
    return places if len(places) >= READABLE * len(words) else [], 90


def score_columns(segments, labels, seconds, count=COLUMNS):
    """Computes the scores at equal steps of time.

    Arguments
    ---------
    segments : list of Segment
        The parts of the recording.
    labels : list of str
        The labels.
    seconds : float
        Length of the recording.
    count : int
        How many steps.

    Returns
    -------
    numpy.ndarray
        Scores, [labels, steps]: the mean where there are several segments,
        NaN where there is none, or no answer.

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Segment
    >>> segment = Segment(1.0, 2.0, "sad", 0.75, {"sad": 0.75})
    >>> score_columns([segment], ["sad"], 4.0, count=4)
    array([[ nan, 0.75,  nan,  nan]])
    """
    total = np.zeros((len(labels), count))
    times = np.zeros(count)
    for segment in segments:
        if segment.label is not None:
            first = min(round(segment.start / seconds * count), count - 1)
            end = max(round(segment.end / seconds * count), first + 1)
            scores = [segment.scores[label] for label in labels]
            total[:, first:end] += np.array(scores)[:, None]
            times[first:end] += 1
    return np.where(times > 0, total / np.maximum(times, 1), np.nan)


def _draw_waveform(axes, envelope):
    """Draws the outline of the waveform."""
    n_bins = len(envelope.low)
    times = (np.arange(n_bins) + 0.5) / n_bins * envelope.seconds
    axes.fill_between(times, envelope.low, envelope.high, color="C0", lw=0.5)
    level = max(np.abs(envelope.low).max(), np.abs(envelope.high).max())
    axes.set_ylim(-1.05 * level, 1.05 * level)
    axes.set_ylabel("waveform")


def _with_room(words, lengths, seconds, slack):
    """Words and times for those that need not be moved by more than slack.

    Lengths and slack are in points, on paper.
    """
    scale = PANEL * WIDTH * 72 / seconds
    places, done = [], -np.inf
    for word, length in zip(words, lengths):
        start = scale * (word.start + word.end) / 2 - length / 2
        moved = max(start, done)
        if moved - start <= slack:
            done = moved + length
            places.append((word, (moved + length / 2) / scale))
    return places


def _shorten(word):
    """A word as it is written."""
    text = word.text.strip()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _draw_words(axes, words, places, rotation):
    """Draws when words are said, and writes those that have a place."""
    if places and rotation:
        axes.set_ylabel("words")
    else:
        axes.set_ylabel("words", rotation=0, ha="right", va="center")
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    height = (0.12 if rotation else 0.25) if places else 1
    spans = [(word.start, word.end - word.start) for word in words]
    edges = {"edgecolor": "white", "lw": 0.8} if places else {"lw": 0}
    axes.broken_barh(spans, (0, height), color="0.5", **edges)
    for word, time in places:
        axes.text(
            time,
            height + 0.06,
            _shorten(word),
            rotation=rotation,
            ha="center",
            va="bottom",
            fontsize=FONT,
            parse_math=False,
            clip_on=True,
        )


def _draw_scores(axes, segments, labels, seconds):
    """Draws the scores as a heat map, and a line through the highest."""
    columns = score_columns(segments, labels, seconds)
    axes.set_facecolor("0.85")
    image = axes.imshow(
        columns,
        cmap="Blues",
        vmin=0,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
        extent=(0, seconds, len(labels) - 0.5, -0.5),
    )
    best = np.nan_to_num(columns, nan=-1).argmax(axis=0)
    best = np.where(np.isnan(columns[0]), -1, best)
    changes = np.flatnonzero(np.diff(best)) + 1
    edges = np.array([0, *changes, COLUMNS])
    starts, ends = edges[:-1], edges[1:]
    there = best[starts] >= 0
    axes.hlines(
        best[starts][there],
        starts[there] * seconds / COLUMNS,
        ends[there] * seconds / COLUMNS,
        color="C1",
        lw=1.5,
        capstyle="butt",
    )
    axes.set_yticks(range(len(labels)), labels, parse_math=False)
    return image


def _title(prediction):
    """File and answer."""
    name = pathlib.Path(prediction.source).name
    if len(name) > NAME_WIDTH:
        name = f"{name[: NAME_WIDTH - 1]}…"
    return f"{name}: {prediction.label} {prediction.score:.2f} as a whole"
