"""``speechbrain-emotion experiment``: tables of its runs and their results."""

import os
import shlex
import statistics

from speechbrain_emotion.commands.tables import align
from speechbrain_emotion.training.run_state import FIGURES, describe_state
from speechbrain_emotion.training.settings import FOLD_KEYS

TITLES = {"uar": "UAR", "accuracy": "accuracy", "macro_f1": "macro-F1"}


def format_plan(runs):
    """Lists runs, how far they are, and their folders.

    Arguments
    ---------
    runs : list of Run
        The runs of an experiment.

    Returns
    -------
    str

    Example
    -------
    >>> from pathlib import Path
    >>> from speechbrain_emotion.training.grid import Run
    >>> print(format_plan([Run({"seed": "1"}, (), "", {}, Path("none/1"))]))
    seed  state  output folder
    1     new    none/1
    """
    rows = [[*runs[0].values, "state", "output folder"]]
    for run in runs:
        state = describe_state(run.folder)
        rows.append([*run.values.values(), state, str(run.folder)])
    return align(rows, n_left=len(rows[0]))


def format_summary(runs, figures):
    """Shows the results of each run, then means and standard deviations.

    Figures are averaged over the folds first, then over the seeds, and the
    deviation is that over the seeds; where there is one seed, over the folds.
    Where other keys are varied, each of their combinations has a mean.

    Arguments
    ---------
    runs : list of Run
        The runs of an experiment.
    figures : dict
        Name of a run -> its figures, see ``read_figures``; failed runs have
        none, and leave their combination without a mean.

    Returns
    -------
    str

    Example
    -------
    >>> from pathlib import Path
    >>> from speechbrain_emotion.training.grid import Run
    >>> runs = [
    ...     Run({"seed": seed}, (), "", {}, Path(f"results/{seed}"))
    ...     for seed in "12"
    ... ]
    >>> figures = {
    ...     "seed=1": {"uar": 0.7, "accuracy": 0.8, "macro_f1": 0.6},
    ...     "seed=2": {"uar": 0.8, "accuracy": 0.8, "macro_f1": 0.7},
    ... }
    >>> print(format_summary(runs, figures))
    seed    UAR  accuracy  macro-F1
    1      70.0      80.0      60.0
    2      80.0      80.0      70.0
    <BLANKLINE>
    mean ± standard deviation over 2 seeds, in %
           UAR    accuracy    macro-F1
    75.0 ± 7.1  80.0 ± 0.0  65.0 ± 7.1
    <BLANKLINE>
    confidence intervals: speechbrain-emotion results results
    """
    keys = list(runs[0].values)
    rows = [[*keys, *TITLES.values()]]
    for run in runs:
        found = figures.get(run.name)
        cells = (
            ["failed", "-", "-"]
            if found is None
            else [f"{100 * found[name]:.1f}" for name in FIGURES]
        )
        rows.append([*run.values.values(), *cells])
    parts = [align(rows, n_left=len(keys))]
    means = _format_means(runs, figures)
    if means:
        parts.append(means)
    if figures:
        folders = [run.folder for run in runs if run.name in figures]
        parts.append(
            "confidence intervals: speechbrain-emotion results "
            f"{shlex.quote(_common_folder(folders))}"
        )
    return "\n\n".join(parts)


def _format_means(runs, figures):
    """Means and deviations of each combination; empty where none is due."""
    groups = {}
    for run in runs:
        compared = [v for key, v in run.values.items() if not _averaged(key)]
        seeds = groups.setdefault(tuple(compared), {})
        found = figures.get(run.name)
        seeds.setdefault(run.values.get("seed"), []).append(found)
    # All combinations of values are run, so that all groups are alike.
    n_seeds = len(seeds)
    n_folds = len(next(iter(seeds.values())))
    if n_seeds == n_folds == 1:
        return ""
    compared = [key for key in runs[0].values if not _averaged(key)]
    rows = [[*compared, *TITLES.values()]]
    for values, seeds in groups.items():
        rows.append([*values, *(_mean(seeds, name) for name in FIGURES)])
    over = f"{n_seeds} seeds" if n_seeds > 1 else f"{n_folds} folds"
    caption = f"mean ± standard deviation over {over}, in %"
    if n_seeds > 1 and n_folds > 1:
        caption = f"mean over {n_folds} folds for each seed, then {caption}"
    return f"{caption}\n{align(rows, n_left=len(compared))}"


def _averaged(key):
    """Whether figures are averaged over the values of a key."""
    return key == "seed" or key in FOLD_KEYS


def _mean(seeds, name):
    """Mean and deviation of a figure: seed -> figures of each fold."""
    if any(found is None for folds in seeds.values() for found in folds):
        return "-"  # over fewer folds it would be another figure
    values = [[found[name] for found in folds] for folds in seeds.values()]
    if len(values) > 1:
        values = [statistics.fmean(folds) for folds in values]
    else:
        (values,) = values
    mean, deviation = statistics.fmean(values), statistics.stdev(values)
    return f"{100 * mean:.1f} ± {100 * deviation:.1f}"


def _common_folder(folders):
    """The folder that all lie in."""
    if not all(
        folder.is_absolute() == folders[0].is_absolute() for folder in folders
    ):
        folders = [folder.absolute() for folder in folders]
    return os.path.commonpath(folders) or "."
