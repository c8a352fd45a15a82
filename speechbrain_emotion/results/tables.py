"""Results as Markdown tables, with notes below."""

from speechbrain_emotion.results.bootstrap import FIGURES
from speechbrain_emotion.utils.metrics import AVERAGES

TITLES = {name: AVERAGES[name] for name in FIGURES}
LEGEND = (
    "Percent over all folds together, the mean ± standard deviation over "
    "seeds, and in brackets the 95 % confidence interval: 2,000 bootstrap "
    "resamples of speakers."
)
TESTED = (
    "McNemar's exact test on the clips that both answered, p-values corrected "
    "after Holm; not distinguishable: p >= 0.05. It takes clips as "
    "independent; where there are few speakers, p is too small."
)
CALIBRATED = (
    "Expected calibration error (15 bins, Guo et al., 2017), log loss and "
    "Brier score (0 to 2) of the probabilities; of each, lower is better."
)


def format_results(results):
    """Formats results as text.

    Arguments
    ---------
    results : Results
        The results.

    Returns
    -------
    str
        Markdown, readable in a terminal as well.
    """
    sections = [_experiments(results.rows)]
    if any(row.groups for row in results.rows):
        sections.append(_groups(results.rows))
    if len(results.rows) > 1:
        sections.append(_comparisons(results))
    sections.append(_calibration(results.rows))
    if results.unfinished:
        paths = "\n".join(f"- {path}" for path in results.unfinished)
        sections.append(
            "## Not finished\n\nThese runs have no predictions.csv and are "
            f"not counted:\n\n{paths}"
        )
    return "\n\n".join(sections)


def markdown_table(header, rows, n_left=1):
    """Formats a Markdown table whose columns line up.

    Arguments
    ---------
    header : list of str
        Titles of the columns.
    rows : list of list of str
        The cells.
    n_left : int
        How many columns are flush left; the others are flush right.

    Returns
    -------
    str

    Example
    -------
    >>> print(markdown_table(["name", "UAR"], [["a|b", "71.4 [60.0, 80.0]"]]))
    | name |               UAR |
    | :--- | ----------------: |
    | a\\|b | 71.4 [60.0, 80.0] |
    """
    cells = [
        [str(cell).replace("|", "\\|") for cell in row]
        for row in [header, *rows]
    ]
    widths = [max(3, *map(len, column)) for column in zip(*cells)]
    ruler = [
        ":" + "-" * (w - 1) if i < n_left else "-" * (w - 1) + ":"
        for i, w in enumerate(widths)
    ]
    return "\n".join(
        "| "
        + " | ".join(
            cell.ljust(w) if i < n_left else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths))
        )
        + " |"
        for row in [cells[0], ruler, *cells[1:]]
    )


def _experiments(rows):
    """The published table."""
    notes = {}
    header = [
        "experiment",
        "corpora",
        "protocol",
        *TITLES.values(),
        "clips",
        "speakers",
        "folds",
        "seeds",
    ]
    cells = []
    for row in rows:
        experiment, summary = row.experiment, row.summary
        mark = " (!)" if experiment.leaks else ""
        numbers = [notes.setdefault(n, len(notes) + 1) for n in row.notes]
        references = f" [{', '.join(map(str, numbers))}]" if numbers else ""
        cells.append(
            [
                experiment.name + mark + references,
                experiment.corpora,
                experiment.protocol,
                *_figures(summary),
                summary.clips,
                summary.speakers or "unknown",
                experiment.n_folds,
                summary.seeds,
            ]
        )
    parts = [f"# Results\n\n{LEGEND}", markdown_table(header, cells, n_left=3)]
    if any(row.experiment.leaks for row in rows):
        parts.append(
            "(!) The split is leaky: the test part is not new to the model, "
            "and the figures are higher than for new recordings."
        )
    parts += [f"[{number}] {note}" for note, number in notes.items()]
    return "\n\n".join(parts)


def _groups(rows):
    """The figures of corpora and genders."""
    cells = [
        [
            row.experiment.name,
            f"{value} *" if summary.note else value,
            *_figures(summary),
            summary.clips,
            summary.speakers or "unknown",
        ]
        for row in rows
        for (_, value), summary in row.groups.items()
    ]
    header = ["experiment", "group", *TITLES.values(), "clips", "speakers"]
    parts = [
        "## By corpus and gender",
        markdown_table(header, cells, n_left=2),
    ]
    notes = {s.note for row in rows for s in row.groups.values() if s.note}
    parts += [f"\\* {note}" for note in sorted(notes)]
    return "\n\n".join(parts)


def _comparisons(results):
    """The tests between experiments."""
    parts = ["## Comparisons"]
    if results.comparisons:
        header = ["1st", "2nd", "clips", "only 1st right", "only 2nd right"]
        cells = [
            [
                c.first,
                c.second,
                f"{c.clips} ({c.left_out} left out)" if c.left_out else c.clips,
                f"{c.only_first:g}",
                f"{c.only_second:g}",
                _p(c.p),
                _p(c.corrected),
                c.verdict,
            ]
            for c in results.comparisons
        ]
        header += ["p", "p (Holm)", "verdict"]
        parts += [TESTED, markdown_table(header, cells, n_left=2)]
        if any(c.left_out for c in results.comparisons):
            parts.append(
                "Left out are clips that only one of the two has answered."
            )
        if any(c.seeds > 1 for c in results.comparisons):
            parts.append(
                "Numbers of clips are means over seeds; p-values of the seeds "
                "are combined (Rueger, 1978)."
            )
    for reason, pairs in results.not_compared.items():
        names = "\n".join(f"- {first} and {second}" for first, second in pairs)
        parts.append(f"Not compared, because {reason}:\n\n{names}")
    return "\n\n".join(parts)


def _calibration(rows):
    """The quality of the probabilities."""
    cells = [
        [
            row.experiment.name,
            f"{100 * row.calibration.error:.1f} %",
            f"{row.calibration.log_loss:.3f}",
            f"{row.calibration.brier:.3f}",
        ]
        for row in rows
    ]
    header = ["experiment", "calibration error", "log loss", "Brier score"]
    table = markdown_table(header, cells)
    return f"## Calibration\n\n{CALIBRATED}\n\n{table}"


def _figures(summary):
    """The cells of the figures."""
    cells = []
    for name in FIGURES:
        figure = summary.figures[name]
        std = "" if figure.std is None else f" ± {100 * figure.std:.1f}"
        cells.append(
            f"{100 * figure.value:.1f}{std} "
            f"[{100 * figure.low:.1f}, {100 * figure.high:.1f}]"
        )
    return cells


def _p(value):
    """A p-value as text."""
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"
