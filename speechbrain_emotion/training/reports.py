"""The files in which a training leaves its test results."""

import csv
import logging
import math
import pathlib

from speechbrain_emotion.dataio.manifests import write_json
from speechbrain_emotion.utils.metrics import ClassificationMetrics
from speechbrain_emotion.utils.whole_files import written_whole

# What of the manifest goes beside each prediction.
DESCRIPTION = ("corpus", "spk_id", "gender", "session", "video")
# What stands before the probabilities of the labels.
COLUMNS = ("id", *DESCRIPTION, "emo", "predicted")


def refuse_divergence(metrics, epoch):
    """Refuses predictions of a model whose training diverged.

    Arguments
    ---------
    metrics : ClassificationMetrics
        The predictions, with probabilities.
    epoch : int
        Which epoch the model is of.

    Raises
    ------
    ValueError
        If a probability is NaN.

    Example
    -------
    >>> metrics = ClassificationMetrics(["sad", "happy"])
    >>> metrics.append(["a"], [[math.nan, math.nan]], [1])
    >>> refuse_divergence(metrics, epoch=3)
    Traceback (most recent call last):
    ...
    ValueError: to 1 of 1 test clips the model of epoch 3 gives no ...
    """
    broken = sum(not all(map(math.isfinite, p)) for p in metrics.probabilities)
    if broken:
        raise ValueError(
            f"to {broken} of {len(metrics.ids)} test clips the model of epoch "
            f"{epoch} gives no probabilities (NaN), because training "
            "diverged: train in another output folder with a lower learning "
            "rate"
        )


def reports_by_group(metrics, group_of):
    """Reports on all clips and, where there are several, on each group.

    Arguments
    ---------
    metrics : ClassificationMetrics
        The predictions.
    group_of : dict
        Id of a clip -> its group, e.g. the corpus.

    Returns
    -------
    dict
        "all", then the name of each group -> ``ClassificationReport``.

    Example
    -------
    >>> metrics = ClassificationMetrics(["sad", "happy"])
    >>> metrics.append(["a", "b"], [0, 0], [0, 1])
    >>> reports = reports_by_group(metrics, {"a": "TESS", "b": "nEMO"})
    >>> {name: report.accuracy for name, report in reports.items()}
    {'all': 0.5, 'TESS': 1.0, 'nEMO': 0.0}
    """
    reports = {"all": metrics.summarize()}
    names = sorted({group_of[id] for id in metrics.ids})
    if len(names) == 1:
        return reports
    clips = list(zip(metrics.ids, metrics.predictions, metrics.targets))
    for name in names:
        part = ClassificationMetrics(metrics.labels)
        part.append(
            *zip(*(clip for clip in clips if group_of[clip[0]] == name))
        )
        reports[name] = part.summarize()
    return reports


def write_reports(folder, reports):
    """Writes test results as text, JSON and picture.

    Arguments
    ---------
    folder : str or pathlib.Path
        Where to; it is made where it does not exist.
    reports : dict
        What ``reports_by_group`` returned.

    Returns
    -------
    str
        The text.

    Example
    -------
    >>> metrics = ClassificationMetrics(["sad", "happy"])
    >>> metrics.append(["a", "b"], [0, 0], [0, 1])
    >>> folder = getfixture("tmp_path")
    >>> text = write_reports(folder, {"all": metrics.summarize()})
    >>> sorted(path.name for path in folder.iterdir())
    ['confusion_matrix.png', 'report.json', 'report.txt']
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join(
        f"== {name} ==\n{report}" for name, report in reports.items()
    )
    (folder / "report.txt").write_text(text + "\n", encoding="utf-8")
    results = {name: report.to_dict() for name, report in reports.items()}
    write_json(folder / "report.json", results)
    # Its search for fonts would fill the experiment's log.
    logging.getLogger("matplotlib").setLevel(logging.WARNING)
    reports["all"].plot_confusion_matrix(folder / "confusion_matrix.png")
    return text


def write_predictions(path, metrics, utterances):
    """Writes a table of what was predicted, as a whole or not at all.

    Arguments
    ---------
    path : str or pathlib.Path
        The CSV file. Its columns are id, corpus, spk_id, gender, session,
        video, emo (the true label), predicted (the label), and for each label
        its probability, with 6 significant digits.
    metrics : ClassificationMetrics
        The predictions, with probabilities.
    utterances : dict
        Id -> manifest entry, in the order of the rows.

    Example
    -------
    >>> metrics = ClassificationMetrics(["sad", "happy"])
    >>> metrics.append(["a"], [[0.75, 0.25]], [1])
    >>> path = getfixture("tmp_path") / "predictions.csv"
    >>> write_predictions(path, metrics, {"a": {"spk_id": "09"}})
    >>> print(path.read_text(), end="")
    id,corpus,spk_id,gender,session,video,emo,predicted,sad,happy
    a,,09,,,,happy,sad,0.75,0.25
    """
    labels = metrics.labels
    clips = zip(metrics.predictions, metrics.targets, metrics.probabilities)
    found = dict(zip(metrics.ids, clips, strict=True))
    with written_whole(path) as unfinished:
        with open(unfinished, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*COLUMNS, *labels])
            for id, entry in utterances.items():
                # A debug run reads a few batches only.
                if id in found:
                    writer.writerow(_row(id, entry, found[id], labels))


def _row(id, entry, found, labels):
    """The cells of a clip."""
    predicted, true, probabilities = found
    return [
        id,
        *(entry.get(column, "") for column in DESCRIPTION),
        labels[true],
        labels[predicted],
        *(f"{value:.6g}" for value in probabilities),
    ]
