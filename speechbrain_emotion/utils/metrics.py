"""Figures by which emotion recognition is judged."""

from dataclasses import dataclass

import numpy as np
import torch

from speechbrain.utils.metric_stats import MetricStats
from speechbrain_emotion.utils.ratio import ratio


@dataclass(frozen=True, eq=False)
class ClassificationReport:
    """Accuracy, recall, precision and F1 of a classifier.

    Where a figure would divide by zero (the precision of a class that was
    never predicted, the recall of one that never occurred), it is 0. The
    figures equal those of scikit-learn with `zero_division=0`.

    Arguments
    ---------
    labels : tuple of str
        The classes in index order.
    confusion : numpy.ndarray
        Number of clips by true class (rows) and predicted class (columns).

    Example
    -------
    >>> report = ClassificationReport.from_indices(
    ...     predicted=[0, 0, 1, 1], true=[0, 0, 0, 1], labels=["happy", "sad"]
    ... )
    >>> report.accuracy
    0.75
    >>> round(report.uar, 3)
    0.833
    >>> report.confusion.tolist()
    [[2, 1], [0, 1]]
    """

    labels: tuple
    confusion: np.ndarray

    @classmethod
    def from_indices(cls, predicted, true, labels):
        """Counts predictions.

        Arguments
        ---------
        predicted : list of int
            Predicted class of each clip.
        true : list of int
            True class of each clip.
        labels : list of str
            The classes in index order.

        Returns
        -------
        ClassificationReport
            The report.

        Raises
        ------
        ValueError
            Where there is no clip, the numbers of predicted and true classes
            differ, or an index has no label.
        """
        if len(predicted) != len(true) or len(true) == 0:
            raise ValueError(
                "A report needs one predicted and one true class for each of "
                f"at least one clip, not {len(predicted)} and {len(true)}."
            )
        beyond = {*predicted, *true} - set(range(len(labels)))
        if beyond:
            raise ValueError(
                f"Class indices {sorted(beyond)} are none of the "
                f"{len(labels)} labels {', '.join(labels)}."
            )
        confusion = np.zeros((len(labels), len(labels)), dtype=int)
        np.add.at(confusion, (list(true), list(predicted)), 1)
        return cls(tuple(labels), confusion)

    @property
    def support(self):
        """Number of clips of each true class."""
        return self.confusion.sum(axis=1)

    @property
    def recall(self):
        """Recall of each class."""
        return ratio(self.confusion.diagonal(), self.support)

    @property
    def precision(self):
        """Precision of each class."""
        return ratio(self.confusion.diagonal(), self.confusion.sum(axis=0))

    @property
    def f1(self):
        """F1 of each class."""
        either = self.support + self.confusion.sum(axis=0)
        return ratio(2 * self.confusion.diagonal(), either)

    @property
    def accuracy(self):
        """Share of the clips that are classified correctly. It is also the
        recall weighted by support.
        """
        return float(self.confusion.trace() / self.confusion.sum())

    @property
    def uar(self):
        """Unweighted average recall, over the classes that truly occur."""
        return float(self.recall[self.support > 0].mean())

    @property
    def macro_f1(self):
        """Mean F1, over the classes that truly occur or are predicted."""
        occurs = self.support + self.confusion.sum(axis=0) > 0
        return float(self.f1[occurs].mean())

    @property
    def weighted_precision(self):
        """Precision weighted by the support of the classes."""
        return float(np.average(self.precision, weights=self.support))

    @property
    def weighted_recall(self):
        """Recall weighted by the support of the classes."""
        return float(np.average(self.recall, weights=self.support))

    @property
    def weighted_f1(self):
        """F1 weighted by the support of the classes."""
        return float(np.average(self.f1, weights=self.support))

    def to_dict(self):
        """Gives all figures in the types of JSON.

        Returns
        -------
        dict
            The single figures by name, `classes` with the figures of each
            class, and `confusion` as a list of rows.
        """
        columns = (self.precision, self.recall, self.f1, self.support)
        return {
            "clips": int(self.support.sum()),
            **{name: getattr(self, name) for name in AVERAGES},
            "classes": {
                label: dict(
                    zip(
                        ("precision", "recall", "f1", "support"),
                        row,
                        strict=True,
                    )
                )
                for label, *row in zip(
                    self.labels,
                    *(column.tolist() for column in columns),
                    strict=True,
                )
            },
            "confusion": self.confusion.tolist(),
        }

    def as_table(self):
        """Formats all figures as text, in percent.

        Returns
        -------
        str
            Averages, figures of each class and confusion matrix.

        Example
        -------
        >>> print(
        ...     ClassificationReport.from_indices(
        ...         [0, 0, 1, 1], [0, 0, 0, 1], ["happy", "sad"]
        ...     ).as_table()
        ... )
        accuracy            75.00 %
        UAR                 83.33 %
        macro F1            73.33 %
        weighted precision  87.50 %
        weighted recall     75.00 %
        weighted F1         76.67 %
        <BLANKLINE>
               precision  recall      F1  clips
        happy     100.00   66.67   80.00      3
        sad        50.00  100.00   66.67      1
        <BLANKLINE>
        Truth in rows, prediction in columns
               happy    sad
        happy      2      1
        sad        0      1
        """
        averages = [
            f"{title:18}  {100 * getattr(self, name):.2f} %"
            for name, title in AVERAGES.items()
        ]
        first = max(len(label) for label in self.labels)
        classes = [f"{'':{first}}  precision  recall      F1  clips"]
        for label, precision, recall, f1, support in zip(
            self.labels,
            self.precision,
            self.recall,
            self.f1,
            self.support,
            strict=True,
        ):
            classes.append(
                f"{label:{first}}  {100 * precision:9.2f}  {100 * recall:6.2f}"
                f"  {100 * f1:6.2f}  {support:5}"
            )
        cells = [self.labels, *self.confusion.tolist()]
        width = max(len(str(cell)) for row in cells for cell in row)
        matrix = [
            f"{label:{first}}  " + "  ".join(f"{c:>{width}}" for c in row)
            for label, row in zip(("", *self.labels), cells, strict=True)
        ]
        return "\n".join(
            [
                *averages,
                "",
                *classes,
                "",
                "Truth in rows, prediction in columns",
                *matrix,
            ]
        )

    __str__ = as_table

    def plot_confusion_matrix(self, path):
        """Draws the confusion matrix: counts in the cells, each row coloured
        by its shares.

        Arguments
        ---------
        path : str or pathlib.Path
            Image file to write; its suffix gives the format.
        """
        # Here, as matplotlib is slow to import; without pyplot, as that
        # would choose a backend for the whole process.
        from matplotlib.figure import Figure

        size = len(self.labels)
        shares = ratio(self.confusion, self.support[:, None])
        side = 2.5 + 0.7 * size
        figure = Figure(figsize=(side, side), layout="constrained")
        axes = figure.add_subplot()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(size), self.labels, rotation=45, ha="right")
        axes.set_yticks(range(size), self.labels)
        axes.set_xlabel("prediction")
        axes.set_ylabel("truth")
        axes.set_title(f"UAR {100 * self.uar:.1f} %")
        for (row, column), count in np.ndenumerate(self.confusion):
            axes.text(
                column,
                row,
                str(count),
                ha="center",
                va="center",
                color="white" if shares[row, column] > 0.5 else "black",
            )
        figure.savefig(path, dpi=150)


# The single figures of a report, and their titles in its table.
AVERAGES = {
    "accuracy": "accuracy",
    "uar": "UAR",
    "macro_f1": "macro F1",
    "weighted_precision": "weighted precision",
    "weighted_recall": "weighted recall",
    "weighted_f1": "weighted F1",
}


class ClassificationMetrics(MetricStats):
    """Collects predictions over batches and reports on all of them.

    Arguments
    ---------
    labels : list of str
        The classes in index order.

    Example
    -------
    >>> metrics = ClassificationMetrics(["happy", "sad"])
    >>> logits = torch.tensor([[0.4, 0.1], [0.2, 0.3]])
    >>> metrics.append(["a", "b"], logits, targets=torch.tensor([0, 0]))
    >>> metrics.append(["c"], torch.tensor([1]), targets=torch.tensor([1]))
    >>> metrics.summarize("uar")
    0.75
    >>> metrics.summarize().confusion.tolist()
    [[1, 1], [0, 1]]
    """

    def __init__(self, labels):
        self.labels = list(labels)
        self.clear()

    def clear(self):
        """Forgets all predictions."""
        self.ids = []
        self.predictions = []
        self.probabilities = []
        self.targets = []

    def append(self, ids, predictions, targets):
        """Stores the predictions of a batch.

        Arguments
        ---------
        ids : list of str
            Ids of the clips.
        predictions : torch.Tensor or list of int
            Probabilities of each clip, [batch, n_classes], of which the
            highest decides, or its predicted class, [batch] or [batch, 1].
            Other scores than probabilities are kept as if they were.
        targets : torch.Tensor or list of int
            True class of each clip, [batch] or [batch, 1].

        Raises
        ------
        ValueError
            Where there is not one prediction and one target for each id.
        """
        predictions = torch.as_tensor(predictions)
        probabilities = [None] * len(predictions)
        if predictions.shape[1:] == (len(self.labels),):
            probabilities = predictions.tolist()
            predictions = predictions.argmax(dim=1)
        predictions = predictions.flatten().tolist()
        targets = torch.as_tensor(targets).flatten().tolist()
        if not len(ids) == len(predictions) == len(targets):
            raise ValueError(
                f"{len(ids)} ids with {len(predictions)} predictions and "
                f"{len(targets)} targets; expected one class index for each."
            )
        self.ids.extend(ids)
        self.predictions.extend(predictions)
        self.probabilities.extend(probabilities)
        self.targets.extend(targets)

    def extend(self, other):
        """Adds what another object has stored, e.g. in another process.

        Arguments
        ---------
        other : ClassificationMetrics
            Of the same labels.
        """
        for name in ("ids", "predictions", "probabilities", "targets"):
            getattr(self, name).extend(getattr(other, name))

    def summarize(self, field=None):
        """Summarizes all clips so far.

        Arguments
        ---------
        field : str
            Name of one figure, as "uar". By default all.

        Returns
        -------
        float or ClassificationReport
            The figure, or all of them.
        """
        report = ClassificationReport.from_indices(
            self.predictions, self.targets, self.labels
        )
        return report if field is None else getattr(report, field)

    def write_stats(self, filestream):
        """Writes the report, and every clip that is classified wrongly.

        Arguments
        ---------
        filestream : file-like object
            Where to write.
        """
        wrong = [
            f"{id}: {self.labels[target]}, predicted {self.labels[prediction]}"
            for id, prediction, target in zip(
                self.ids, self.predictions, self.targets, strict=True
            )
            if prediction != target
        ]
        print(self.summarize(), file=filestream)
        print(f"\nWrong: {len(wrong)} of {len(self.ids)}", file=filestream)
        print(*wrong, sep="\n", file=filestream)
