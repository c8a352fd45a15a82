"""Answers in the formats of the command line."""

import csv
import io
import json

from speechbrain_emotion.commands.tables import format_table, one_line


def format_csv(predictions, labels):
    """Formats answers as rows of CSV.

    Arguments
    ---------
    predictions : list of Prediction
        Answered or failed.
    labels : list of str
        The labels of the model.

    Returns
    -------
    str

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Prediction
    >>> answer = Prediction.from_scores({"sad": 0.25, "happy": 0.75}, text="Oh")
    >>> print(format_csv([answer], ["happy", "sad"]), end="")
    ,Oh,happy,0.75,0.75,0.25,0,
    """
    return _rows(
        [p.source, p.text and one_line(p.text), p.label, p.score]
        + [p.scores.get(label) for label in labels]
        + [p.enrolled, p.error]
        for p in predictions
    )


def csv_header(labels):
    """Formats the row above those of ``format_csv``.

    Arguments
    ---------
    labels : list of str
        The labels of the model.

    Returns
    -------
    str

    Example
    -------
    >>> csv_header(["happy", "sad"])
    'source,text,label,score,happy,sad,enrolled,error\\n'
    """
    after = ["enrolled", "error"]
    return _rows([["source", "text", "label", "score", *labels, *after]])


def format_jsonl(predictions, labels):
    """Formats answers as one line of JSON each.

    Arguments
    ---------
    predictions : list of Prediction
        Answered or failed.
    labels : list of str
        Not used: each answer names its labels.

    Returns
    -------
    str

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Prediction
    >>> failed = Prediction.failed("there is no ...", source="a.wav")
    >>> print(format_jsonl([failed], ["happy"]), end="")
    {"label": null, "score": null, "scores": {}, "source": "a.wav", ...}
    """
    # Letters of all languages stay as they are.
    lines = (json.dumps(p.to_dict(), ensure_ascii=False) for p in predictions)
    return "".join(f"{line}\n" for line in lines)


def format_json(predictions, labels):
    """Formats answers as one list in JSON.

    Arguments
    ---------
    predictions : list of Prediction
        Answered or failed.
    labels : list of str
        Not used: each answer names its labels.

    Returns
    -------
    str

    Example
    -------
    >>> format_json([], ["happy"])
    '[]\\n'
    """
    answers = [p.to_dict() for p in predictions]
    return json.dumps(answers, indent=2, ensure_ascii=False) + "\n"


def format_answered(predictions, labels):
    """Formats those that are answered as a text table.

    Arguments
    ---------
    predictions : list of Prediction
        Answered or failed.
    labels : list of str
        Not used: each answer names its labels.

    Returns
    -------
    str

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Prediction
    >>> failed = Prediction.failed("there is no ...", source="a.wav")
    >>> format_answered([failed], ["happy"])
    ''
    """
    answered = [p for p in predictions if p.error is None]
    return format_table(answered) + "\n" if answered else ""


def _rows(rows):
    """Rows of CSV."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
