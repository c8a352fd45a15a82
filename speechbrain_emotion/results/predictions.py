"""The predictions of a finished run, as its ``predictions.csv`` holds them."""

import csv
import pathlib
from dataclasses import dataclass

import numpy as np

from speechbrain_emotion.training.reports import COLUMNS

# By how much the probabilities of a clip may miss 1: they are rounded.
TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model answered to clips, and what is true of them.

    Arguments
    ---------
    labels : tuple of str
        The classes in index order.
    clips : numpy.ndarray of str
        "corpus/id" of each clip, [n_clips].
    corpora : numpy.ndarray of str
        Corpus of each clip, [n_clips].
    speakers : numpy.ndarray of str
        "corpus/speaker" of each clip, "" where unknown, [n_clips].
    genders : numpy.ndarray of str
        Gender of each speaker, "" where unknown, [n_clips].
    true : numpy.ndarray of int
        True class, [n_clips].
    predicted : numpy.ndarray of int
        Predicted class, [n_clips].
    probabilities : numpy.ndarray of float
        Of each class, [n_clips, n_classes].
    """

    labels: tuple
    clips: np.ndarray
    corpora: np.ndarray
    speakers: np.ndarray
    genders: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray

    def __len__(self):
        """Number of clips."""
        return len(self.clips)

    @property
    def correct(self):
        """Whether each clip is classified correctly, [n_clips]."""
        return self.true == self.predicted

    @property
    def confidence(self):
        """Probability of each predicted class, [n_clips]."""
        return self.probabilities[np.arange(len(self)), self.predicted]

    def select(self, index):
        """Takes some of the clips.

        Arguments
        ---------
        index : numpy.ndarray
            Mask, or indices in the wanted order.

        Returns
        -------
        Predictions
        """
        columns = {name: getattr(self, name)[index] for name in _ARRAYS}
        return Predictions(self.labels, **columns)

    @classmethod
    def join(cls, several):
        """Puts predictions one after another.

        Arguments
        ---------
        several : list of Predictions
            With the same labels.

        Returns
        -------
        Predictions
        """
        columns = {
            name: np.concatenate([getattr(some, name) for some in several])
            for name in _ARRAYS
        }
        return cls(several[0].labels, **columns)


_ARRAYS = (
    "clips",
    "corpora",
    "speakers",
    "genders",
    "true",
    "predicted",
    "probabilities",
)


def read_predictions(path):
    """Reads a ``predictions.csv``.

    Arguments
    ---------
    path : str or Path
        The file: the columns ``COLUMNS``, then one for each label with its
        probability.

    Returns
    -------
    Predictions

    Raises
    ------
    ValueError
        If the file is not as it should be; the message names file and line.

    Example
    -------
    >>> path = getfixture("tmp_path") / "predictions.csv"
    >>> _ = path.write_text(
    ...     "id,corpus,spk_id,gender,session,video,emo,predicted,happy,sad\\n"
    ...     "a1,mine,Eva,female,,,sad,happy,0.75,0.25\\n"
    ... )
    >>> predictions = read_predictions(path)
    >>> predictions.speakers.tolist(), predictions.confidence.tolist()
    (['mine/Eva'], [0.75])
    """
    path = pathlib.Path(path)
    line = 1
    try:
        with open(path, encoding="utf-8", newline="") as fin:
            reader = csv.reader(fin, strict=True)
            labels = _labels(next(reader, []))
            rows, lines = [], {}
            for row in reader:
                line = reader.line_num
                rows.append(_parse(row, labels))
                first = lines.setdefault(rows[-1][0], line)
                if first != line:
                    raise ValueError(f"clip {row[0]!r} is in line {first}, too")
        if not rows:
            raise ValueError("no clip follows the header")
    # A UnicodeDecodeError is a ValueError.
    except (ValueError, csv.Error) as error:
        raise ValueError(f"'{path}', line {line}: {error}") from error
    clips, corpora, speakers, genders, *numbers = zip(*rows)
    strings = (np.array(x) for x in (clips, corpora, speakers, genders))
    return Predictions(labels, *strings, *map(np.array, numbers))


def _labels(header):
    """The labels that the header names."""
    labels = tuple(header[len(COLUMNS) :])
    if tuple(header[: len(COLUMNS)]) != COLUMNS or len(labels) < 2:
        raise ValueError(
            f"the columns are {','.join(header)}, not {','.join(COLUMNS)} and "
            "two labels or more"
        )
    if len(set(labels)) < len(labels):
        raise ValueError(f"a label has two columns: {', '.join(labels)}")
    return labels


def _parse(row, labels):
    """The fields of ``Predictions`` from a line."""
    if len(row) != len(COLUMNS) + len(labels):
        raise ValueError(
            f"{len(row)} cells instead of {len(COLUMNS) + len(labels)}"
        )
    clip, corpus, speaker, gender, _, _, true, predicted = row[: len(COLUMNS)]
    for label in (true, predicted):
        if label not in labels:
            raise ValueError(
                f"{label!r} is none of the labels {', '.join(labels)}"
            )
    probabilities = [float(cell) for cell in row[len(COLUMNS) :]]
    # Written so that NaN fails.
    if not (
        min(probabilities) >= 0 and abs(sum(probabilities) - 1) < TOLERANCE
    ):
        raise ValueError(
            "the probabilities are not from 0 to 1 with the sum 1: "
            + ", ".join(row[len(COLUMNS) :])
        )
    return (
        f"{corpus}/{clip}",
        corpus,
        f"{corpus}/{speaker}" if speaker else "",
        gender,
        labels.index(true),
        labels.index(predicted),
        probabilities,
    )
