"""What ``speechbrain-emotion results`` finds out, as data and as text."""

import csv
import dataclasses
import json
import pathlib
import re
from dataclasses import dataclass

from speechbrain_emotion.results.bootstrap import FIGURES
from speechbrain_emotion.results.calibration import Calibration
from speechbrain_emotion.results.comparison import compare
from speechbrain_emotion.results.experiments import Experiment, group_runs
from speechbrain_emotion.results.runs import find_runs, read_run
from speechbrain_emotion.results.summary import (
    Figure,
    Summary,
    calibrate,
    notes_on,
    summarize,
    summarize_groups,
)
from speechbrain_emotion.results.tables import format_results
from speechbrain_emotion.utils.metrics import ClassificationReport

NAMES = ("name", "corpora", "protocol")
COUNTS = ("clips", "speakers", "seeds")


@dataclass(frozen=True, eq=False)
class Row:
    """An experiment and all that is computed of it.

    Arguments
    ---------
    experiment : Experiment
        The experiment.
    summary : Summary
        Of all its test clips.
    groups : dict
        "corpus" or "gender", its value -> ``Summary``.
    calibration : Calibration
        Of its probabilities.
    """

    experiment: Experiment
    summary: Summary
    groups: dict
    calibration: Calibration

    @property
    def notes(self):
        """What readers must know, a list of str."""
        return notes_on(self.experiment, self.summary)


@dataclass(frozen=True, eq=False)
class Results:
    """The results of some runs.

    Arguments
    ---------
    rows : list of Row
        The experiments.
    comparisons : list of Comparison
        Tests between them.
    not_compared : dict
        Why others were not tested -> list of pairs of their names.
    unfinished : list of pathlib.Path
        Runs without predictions.
    """

    rows: list
    comparisons: list
    not_compared: dict
    unfinished: list

    @classmethod
    def of(cls, sources, name=None):
        """Reads runs and computes everything.

        Arguments
        ---------
        sources : list of str or Path
            See ``find_runs``.
        name : str
            See ``group_runs``.

        Returns
        -------
        Results

        Raises
        ------
        OSError, ValueError
            If there are no runs, none is finished, one is broken, or runs
            that belong together cannot be pooled.
        """
        finished, unfinished = find_runs(sources)
        if not finished:
            raise ValueError(
                "no run is finished, that is, has a predictions.csv: "
                + ", ".join(f"'{path}'" for path in unfinished)
            )
        experiments = group_runs([read_run(path) for path in finished], name)
        rows = [
            Row(
                experiment,
                summarize(experiment.by_seed),
                summarize_groups(experiment.by_seed),
                calibrate(experiment.by_seed),
            )
            for experiment in experiments
        ]
        return cls(rows, *compare(experiments), unfinished)

    def __str__(self):
        """The tables, in Markdown."""
        return format_results(self)

    def write(self, folder):
        """Writes tables and pictures.

        They are ``results.md``, ``results.json`` and ``results.csv`` (shares
        from 0 to 1), and for each experiment ``confusion_<name>.png`` and
        ``reliability_<name>.png``.

        Arguments
        ---------
        folder : str or Path
            Made if needed; files of the same names are replaced.
        """
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.md").write_text(f"{self}\n", encoding="utf-8")
        (folder / "results.json").write_text(
            json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n",
            encoding="utf-8",
        )
        self._write_csv(folder / "results.csv")
        for row, name in zip(self.rows, _file_names(self.rows)):
            report = ClassificationReport(
                row.experiment.labels, row.summary.confusion
            )
            report.plot_confusion_matrix(folder / f"confusion_{name}.png")
            row.calibration.plot(folder / f"reliability_{name}.png")

    def to_dict(self):
        """Gives everything in the types of JSON.

        Returns
        -------
        dict
        """
        return {
            "experiments": [_to_dict(row) for row in self.rows],
            "comparisons": [
                {**dataclasses.asdict(c), "verdict": c.verdict}
                for c in self.comparisons
            ],
            "not_compared": self.not_compared,
            "unfinished": [str(path) for path in self.unfinished],
        }

    def _write_csv(self, path):
        """Writes a line for each experiment and group."""
        fields = [field.name for field in dataclasses.fields(Figure)]
        with open(path, "w", encoding="utf-8", newline="") as fout:
            writer = csv.writer(fout)
            figures = [f"{name}_{f}" for name in FIGURES for f in fields]
            words = ["experiment", "corpora", "protocol", "by", "group"]
            more = [*COUNTS, "folds", "notes"]
            writer.writerow([*words, *figures, *more])
            for row in self.rows:
                all_clips = {("all", "all"): row.summary}
                for group, summary in (all_clips | row.groups).items():
                    numbers = [
                        getattr(summary.figures[name], field)
                        for name in FIGURES
                        for field in fields
                    ]
                    counts = [getattr(summary, name) for name in COUNTS]
                    notes = row.notes if summary is row.summary else []
                    writer.writerow(
                        [getattr(row.experiment, name) for name in NAMES]
                        + [*group, *numbers, *counts, row.experiment.n_folds]
                        + [" ".join(notes or [summary.note])]
                    )


def _to_dict(row):
    """A row in the types of JSON."""
    experiment = row.experiment
    return {
        **{name: getattr(experiment, name) for name in NAMES},
        "labels": list(experiment.labels),
        "folds": experiment.n_folds,
        "leaks": experiment.leaks,
        "warnings": experiment.warnings,
        "notes": row.notes,
        **_summary_dict(row.summary),
        "confusion": row.summary.confusion.tolist(),
        "calibration": row.calibration.to_dict(),
        "groups": [
            {"by": kind, "group": value, **_summary_dict(summary)}
            for (kind, value), summary in row.groups.items()
        ],
        "runs": [
            {"folder": str(run.folder), "seed": run.seed}
            for run in experiment.runs
        ],
    }


def _summary_dict(summary):
    """Figures and counts in the types of JSON."""
    return {
        "figures": {
            name: dataclasses.asdict(figure)
            for name, figure in summary.figures.items()
        },
        **{name: getattr(summary, name) for name in COUNTS},
        "note": summary.note,
    }


def _file_names(rows):
    """A part of a file name for each row, different ones."""
    names = []
    for row in rows:
        name = re.sub(r"[^\w.=-]+", "_", row.experiment.name).strip("_")
        names.append(f"{name}_{len(names)}" if name in names else name)
    return names
