"""``speechbrain-emotion experiment``: its arguments."""

import argparse

EXAMPLES = """examples:
  speechbrain-emotion experiment train.py hparams/train_small.yaml \\
      --vary test_fold=1-5 --vary seed=1,2,3 --data_folder=/path/to/RAVDESS
  speechbrain-emotion experiment train.py hparams/train_small.yaml \\
      --vary lr=0.001,0.0001 --output_folder='!ref results/<lr>' --dry-run

Finished runs are left as they are: stopped with Ctrl-C, the same command goes
on where it was. A second Ctrl-C ends the current run at once.

exit codes: 0 all runs finished, 1 some failed, 2 wrong call, 130 stopped with
Ctrl-C or SIGTERM
"""


def add_parser(commands):
    """Adds the command ``experiment``.

    Arguments
    ---------
    commands : argparse action
        What ``ArgumentParser.add_subparsers`` gives.

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_parser(parser.add_subparsers())
    >>> argv = ["experiment", "train.py", "train.yaml", "--vary=seed=1,2"]
    >>> parser.parse_args(argv).vary
    ['seed=1,2']
    """
    experiment = commands.add_parser(
        "experiment",
        help="train with each combination of folds, seeds or other values",
        usage="speechbrain-emotion experiment SCRIPT YAML [--vary "
        "KEY=VALUES ...] [options] [--KEY=VALUE ...]",
        description="Runs a recipe once for each combination of values, one "
        "run after the other. Every other --KEY=VALUE, a hyperparameter or "
        "an option of SpeechBrain, is passed on to all runs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    experiment.set_defaults(run=_run, overrides=[])
    experiment.add_argument("script", metavar="SCRIPT", help="e.g. train.py")
    experiment.add_argument(
        "hparams",
        metavar="YAML",
        help="hyperparameters, named as seen from here or from SCRIPT",
    )
    experiment.add_argument(
        "--vary",
        action="append",
        default=[],
        metavar="KEY=VALUES",
        help="a hyperparameter and its values, e.g. seed=1,2,3 or "
        "test_fold=1-5 or spk=Actor_01,Actor_02; output_folder must depend "
        "on it. In the summary, figures are averaged over seed and what "
        "chooses the test part, such as test_fold or test_speaker; other keys "
        "are compared",
    )
    experiment.add_argument(
        "--nproc-per-node",
        type=_positive,
        default=1,
        metavar="N",
        help="run each under torchrun with N processes, e.g. one per GPU",
    )
    experiment.add_argument(
        "--dry-run",
        action="store_true",
        help="list the runs, their folders, and which are finished",
    )
    experiment.add_argument(
        "--verbose",
        action="store_true",
        help="show what the runs print; experiment.log in their folders "
        "keeps it in any case",
    )


def _positive(text):
    """A whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return number


_positive.__name__ = "whole number"  # as argparse calls it


def _run(args):
    """Runs the command."""
    from speechbrain_emotion.commands.experiment_runs import run_experiment

    return run_experiment(args)
