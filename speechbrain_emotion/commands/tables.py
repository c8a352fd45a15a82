"""Plain-text tables."""

import textwrap

NAME_WIDTH = 40


def format_table(predictions, truth=None):
    """Formats predictions as a text table.

    Arguments
    ---------
    predictions : list of Prediction
        At least one, each answered and all by one model. Where some are
        adapted to a speaker, a column says from how many utterances.
    truth : list of str
        The true label of each, for a column of its own.

    Returns
    -------
    str

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Prediction
    >>> scores = {"happy": 0.75, "sad": 0.25}
    >>> print(format_table([Prediction.from_scores(scores, source="a.wav")]))
    input  predicted  probability  happy    sad
    a.wav  happy             0.75   0.75   0.25
    """
    labels = list(predictions[0].scores)
    header = ["input", *(["true"] if truth else []), "predicted"]
    adapted = any(p.enrolled for p in predictions)
    last = ["enrolled"] if adapted else []
    rows = [[*header, "probability", *labels, *last]]
    for i, p in enumerate(predictions):
        names = [_name(p), *([truth[i]] if truth else []), p.label]
        numbers = [p.score, *p.scores.values()]
        last = [str(p.enrolled)] if adapted else []
        rows.append(names + [f"{number:.2f}" for number in numbers] + last)
    return align(rows, n_left=len(header))


def align(rows, n_left):
    """Puts the cells of each column below each other.

    Arguments
    ---------
    rows : list of list of str
        The cells.
    n_left : int
        How many columns are flush left; the others are flush right.

    Returns
    -------
    str

    Example
    -------
    >>> print(align([["a", "b"], ["1", "1234567"]], n_left=1))
    a        b
    1  1234567
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < n_left else cell.rjust(max(width, 5))
            for i, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    )


def one_line(text):
    """Puts a text on one line.

    Arguments
    ---------
    text : str or None
        Any text.

    Returns
    -------
    str
        Its words with single spaces between them; empty where there is none.

    Example
    -------
    >>> one_line("Oh,\\n no!\\n")
    'Oh, no!'
    """
    return " ".join((text or "").split())


def _name(prediction):
    """What an answer is called: its file or id, or else its text."""
    text = textwrap.shorten(prediction.text or "-", NAME_WIDTH, placeholder="…")
    return prediction.source or text
