"""The figures of experiments, with what readers must know about them."""

from dataclasses import dataclass

import numpy as np

from speechbrain_emotion.results.bootstrap import (
    FIGURES,
    bootstrap,
    confusions,
    figures_of,
    units_to_draw,
)
from speechbrain_emotion.results.calibration import Calibration
from speechbrain_emotion.results.predictions import Predictions


@dataclass(frozen=True)
class Figure:
    """A figure of an experiment, from 0 to 1.

    Arguments
    ---------
    value : float
        Over all folds together, the mean over seeds.
    std : float or None
        Standard deviation over seeds; None for one seed.
    low, high : float
        95 % confidence interval of the mean over seeds.
    """

    value: float
    std: float | None
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Summary:
    """The figures of an experiment, or of a part of its test clips.

    Arguments
    ---------
    figures : dict
        Name, of ``FIGURES`` -> ``Figure``.
    confusion : numpy.ndarray
        Number of answers by true (rows) and predicted class (columns), the
        sum over seeds.
    clips : int
        Number of clips.
    speakers : int
        Number of speakers that are known.
    seeds : int
        Number of seeds.
    note : str
        What readers must know about the intervals; "" for nothing.
    """

    figures: dict
    confusion: np.ndarray
    clips: int
    speakers: int
    seeds: int
    note: str


def summarize(by_seed):
    """Computes the figures of the seeds of an experiment.

    Arguments
    ---------
    by_seed : dict
        Seed -> ``Predictions``, at least one of which has a clip.

    Returns
    -------
    Summary
    """
    by_seed = {seed: some for seed, some in by_seed.items() if len(some)}
    answers = Predictions.join(list(by_seed.values()))
    seeds = np.repeat(list(by_seed), [len(some) for some in by_seed.values()])
    n_classes = len(answers.labels)
    true, predicted = answers.true, answers.predicted
    counts = confusions(true, predicted, [seeds], n_classes)
    units, note = units_to_draw(answers)
    intervals = bootstrap(true, predicted, units, seeds, n_classes)
    figures = {
        name: Figure(
            float(values.mean()),
            float(values.std(ddof=1)) if len(values) > 1 else None,
            *intervals[name],
        )
        for name, values in figures_of(counts).items()
    }
    return Summary(
        {name: figures[name] for name in FIGURES},
        counts.sum(axis=0),
        clips=len(np.unique(answers.clips)),
        speakers=len(np.setdiff1d(answers.speakers, [""])),
        seeds=len(by_seed),
        note=note,
    )


def summarize_groups(by_seed):
    """Computes the figures of each corpus and gender, where there are several.

    Clips of unknown gender are in no group of that kind.

    Arguments
    ---------
    by_seed : dict
        Seed -> ``Predictions``.

    Returns
    -------
    dict
        "corpus" or "gender", its value -> ``Summary``.
    """
    summaries = {}
    for kind, column in (("corpus", "corpora"), ("gender", "genders")):
        values = {v for some in by_seed.values() for v in getattr(some, column)}
        values.discard("")
        for value in sorted(values) if len(values) > 1 else []:
            summaries[kind, str(value)] = summarize(
                {
                    seed: some.select(getattr(some, column) == value)
                    for seed, some in by_seed.items()
                }
            )
    return summaries


def calibrate(by_seed):
    """Measures the calibration of the answers of all seeds.

    Arguments
    ---------
    by_seed : dict
        Seed -> ``Predictions``.

    Returns
    -------
    Calibration
    """
    answers = Predictions.join(list(by_seed.values()))
    return Calibration.of(
        answers.probabilities, answers.predicted, answers.true
    )


def notes_on(experiment, summary):
    """Says what readers of a row must know.

    Arguments
    ---------
    experiment : Experiment
        The experiment.
    summary : Summary
        Of all its clips.

    Returns
    -------
    list of str
        What leaks, then other notes.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> experiment = SimpleNamespace(
    ...     leaks=[],
    ...     warnings=["A clip cannot be read."],
    ...     folds_by_seed={"1": 5},
    ...     n_folds=5,
    ...     all_folds=6,
    ...     n_unanswered=0,
    ... )
    >>> notes_on(experiment, SimpleNamespace(note=""))
    ['A clip cannot be read.', 'Only 5 of 6 folds.']
    """
    notes = [f"Leaky split: {leak}" for leak in experiment.leaks]
    notes += experiment.warnings
    folds = experiment.folds_by_seed
    if len(set(folds.values())) > 1:
        counts = ", ".join(f"seed {seed} has {n}" for seed, n in folds.items())
        notes.append(f"Seeds differ in their folds: {counts}.")
    if experiment.all_folds and experiment.n_folds < experiment.all_folds:
        notes.append(
            f"Only {experiment.n_folds} of {experiment.all_folds} folds."
        )
    if experiment.n_unanswered:
        notes.append(
            f"{experiment.n_unanswered} test clips have no answer, as after "
            "--debug."
        )
    return notes + [summary.note] * bool(summary.note)
