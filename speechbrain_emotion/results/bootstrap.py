"""Confidence intervals: the bootstrap over speakers."""

import numpy as np

from speechbrain_emotion.utils.ratio import ratio

# As the published table has them, and the recall that classes share equally.
FIGURES = ("accuracy", "weighted_precision", "weighted_f1", "macro_f1", "uar")
# Fewer speakers than this say little about how speakers differ.
FEW = 10
N_RESAMPLES = 2000
LEVEL = 0.95


def figures_of(confusion):
    """Computes the figures of many confusion matrices at once.

    They are those of ``ClassificationReport``, and NaN where there is no clip.

    Arguments
    ---------
    confusion : numpy.ndarray
        Number of clips by true (rows) and predicted class (columns),
        [..., n_classes, n_classes].

    Returns
    -------
    dict
        Name, of ``FIGURES`` -> [...].

    Example
    -------
    >>> figures_of(np.array([[2, 1], [0, 1]]))["uar"].round(3).item()
    0.833
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    support, answers = confusion.sum(axis=-1), confusion.sum(axis=-2)
    n_clips = support.sum(axis=-1)
    recall = ratio(hits, support)
    f1 = ratio(2 * hits, support + answers)
    occurs, either = support > 0, support + answers > 0
    figures = {
        "accuracy": ratio(hits.sum(axis=-1), n_clips),
        "weighted_precision": ratio(
            (ratio(hits, answers) * support).sum(axis=-1), n_clips
        ),
        "weighted_f1": ratio((f1 * support).sum(axis=-1), n_clips),
        "macro_f1": ratio(f1.sum(axis=-1), either.sum(axis=-1)),
        "uar": ratio(recall.sum(axis=-1), occurs.sum(axis=-1)),
    }
    return {
        name: np.where(n_clips > 0, values, np.nan)
        for name, values in figures.items()
    }


def confusions(true, predicted, groups, n_classes):
    """Counts a confusion matrix for each group of clips.

    Arguments
    ---------
    true : numpy.ndarray of int
        True class, [n].
    predicted : numpy.ndarray of int
        Predicted class, [n].
    groups : list of numpy.ndarray
        For each way to group the clips, the group of each, [n].
    n_classes : int
        Number of classes.

    Returns
    -------
    numpy.ndarray
        [n_groups of the first way, ..., n_classes, n_classes], the groups in
        sorted order.

    Example
    -------
    >>> confusions([0, 1], [0, 0], [np.array(["Eva", "Ann"])], 2).tolist()
    [[[0, 0], [1, 0]], [[1, 0], [0, 0]]]
    """
    found = [np.unique(group, return_inverse=True) for group in groups]
    shape = [len(names) for names, _ in found]
    counts = np.zeros((*shape, n_classes, n_classes), dtype=np.int32)
    np.add.at(counts, (*(index for _, index in found), true, predicted), 1)
    return counts


def bootstrap(true, predicted, units, seeds, n_classes):
    """Estimates how sure the figures are: 95 % percentile intervals.

    Units are drawn with replacement, each with all its clips, 2,000 times.
    Of several seeds the mean is taken, each seed with the same units. The
    result does not depend on the order of the clips.

    The interval is about other units, that is speakers, of the same kind. It
    does not tell how a model would differ that is trained on other clips.

    Reference: Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 13.

    Arguments
    ---------
    true : numpy.ndarray of int
        True class of each answer, [n].
    predicted : numpy.ndarray of int
        Predicted class, [n].
    units : numpy.ndarray of str
        What is drawn: the speaker of each answer, [n].
    seeds : numpy.ndarray
        The seed of the model that answered, [n].
    n_classes : int
        Number of classes.

    Returns
    -------
    dict
        Name, of ``FIGURES`` -> (low, high).

    Example
    -------
    >>> right = np.zeros(40, int)
    >>> units = np.arange(40) // 2
    >>> bootstrap(right, right, units, np.ones(40), 2)["accuracy"]
    (1.0, 1.0)
    """
    counts = confusions(true, predicted, [units, seeds], n_classes)
    n_units = len(counts)
    # Units that answered alike count as many of one kind, which makes clips
    # as fast as speakers.
    kinds, sizes = np.unique(
        counts.reshape(n_units, -1), axis=0, return_counts=True
    )
    weights = np.random.default_rng(0).multinomial(
        n_units, sizes / n_units, size=N_RESAMPLES
    )
    # In floating point, as matrices of integers are multiplied slowly.
    drawn = (weights.astype(float) @ kinds).reshape(-1, *counts.shape[1:])
    tail = 100 * (1 - LEVEL) / 2
    intervals = {}
    for name, values in figures_of(drawn).items():
        # A seed may lack the units that were drawn.
        means = np.nanmean(values, axis=1)
        low, high = np.percentile(means, [tail, 100 - tail])
        intervals[name] = (float(low), float(high))
    return intervals


def units_to_draw(predictions):
    """Chooses what the bootstrap draws, and says what that means.

    Arguments
    ---------
    predictions : Predictions
        The clips.

    Returns
    -------
    units : numpy.ndarray of str
        The speaker of each clip, or the clip itself where the speaker is
        unknown or all are of one speaker, [n_clips].
    note : str
        What readers must know about the intervals; "" for nothing.

    Example
    -------
    >>> from speechbrain_emotion.results.predictions import Predictions
    >>> clips, nobody = np.array(["a/1", "a/2"]), np.array(["", ""])
    >>> some = Predictions((), clips, None, nobody, None, None, None, None)
    >>> units_to_draw(some)[0].tolist()
    ['a/1', 'a/2']
    """
    unknown = predictions.speakers == ""
    units = np.where(unknown, predictions.clips, predictions.speakers)
    kind, notes = "speakers", []
    if unknown.all():
        kind = "clips"
        notes.append(
            "The speakers are unknown, so that the intervals are over clips; "
            "where clips share a speaker, they are too narrow."
        )
    elif unknown.any():
        n_unknown = len(np.unique(predictions.clips[unknown]))
        notes.append(
            f"The speakers of {n_unknown} clips are unknown; these count as "
            "if each had a speaker of its own."
        )
    elif len(np.unique(units)) == 1:
        kind, units = "clips", predictions.clips
        notes.append(
            "There is one speaker, so that the intervals are over clips; they "
            "tell nothing about other speakers."
        )
    n_units = len(np.unique(units))
    if n_units < FEW:
        they = "They" if notes else "The intervals"
        notes.append(f"{they} are unreliable, with so few {kind}: {n_units}.")
    return units, " ".join(notes)
