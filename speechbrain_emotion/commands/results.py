"""``speechbrain-emotion results``: tables of finished runs."""

import argparse
import os

EXAMPLES = """examples:
  speechbrain-emotion results results/
  speechbrain-emotion results results/whisper_none results/w2v_bert --output tables
  speechbrain-emotion results "results/*/emobox_*" --output tables

exit codes: 0 done, 2 wrong call, broken or no finished runs,
130 stopped with Ctrl-C
"""


def add_parser(commands):
    """Adds the command ``results`` to the command line.

    Arguments
    ---------
    commands : argparse._SubParsersAction
        What ``ArgumentParser.add_subparsers`` gave.

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_parser(parser.add_subparsers())
    >>> parser.parse_args(["results", "results/whisper"]).runs
    ['results/whisper']
    """
    results = commands.add_parser(
        "results",
        help="make tables of the test results of trainings",
        description="Pools the folds and seeds of each experiment, and gives "
        "its figures with confidence intervals, tests of the differences and "
        "calibration.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    results.set_defaults(run=run_results)
    results.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="output folders of trainings, folders that hold such at any "
        'depth, and quoted patterns such as "results/*/emobox_*"',
    )
    results.add_argument(
        "--output",
        metavar="FOLDER",
        help="write results.md, results.json, results.csv, confusion matrices "
        "and reliability diagrams here (default: only print)",
    )
    results.add_argument(
        "--name",
        help="pool all RUNs as one experiment of this name (default: those "
        "whose settings differ only in fold and seed)",
    )


def run_results(args):
    """Answers ``results``.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line.

    Returns
    -------
    int
        Exit code 0.

    Raises
    ------
    OSError, ValueError
        If there are no finished runs, one is broken, or the output folder
        cannot be made.
    """
    if args.output is not None and os.path.isfile(args.output):
        raise ValueError(f"--output '{args.output}' is a file: name a folder")
    if args.name is not None and not args.name.strip():
        raise ValueError("--name is empty: leave it out, or give a name")
    # Import SciPy and torch, which takes seconds.
    from speechbrain_emotion.commands.writers import open_output
    from speechbrain_emotion.results.report import Results

    results = Results.of(args.runs, args.name)
    with open_output(None, "table") as stream:
        print(results, file=stream)
    if args.output is not None:
        results.write(args.output)
    return 0
