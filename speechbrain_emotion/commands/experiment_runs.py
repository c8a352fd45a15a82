"""``speechbrain-emotion experiment``: one run after the other."""

import dataclasses
import os
import shlex
import sys
import time

from speechbrain_emotion.commands.experiment_summary import (
    format_plan,
    format_summary,
)
from speechbrain_emotion.commands.launching import StopSignals, launch
from speechbrain_emotion.training.grid import plan_runs
from speechbrain_emotion.training.run_state import (
    describe_state,
    find_conflict,
    read_figures,
    write_record,
)

LOG = "experiment.log"


def run_experiment(args):
    """Answers ``experiment``.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line; its ``overrides`` are those to pass on.

    Returns
    -------
    int
        Exit code: 0, 1 if a run failed, 130 if a signal stopped the runs.

    Raises
    ------
    OSError, ValueError
        If the call cannot be obeyed; see ``plan_runs``. No run has begun.
    """
    hparams_file = _find_hparams(args.script, args.hparams)
    runs = plan_runs(hparams_file, args.vary, args.overrides)
    launcher = [sys.executable]
    if args.nproc_per_node > 1:
        launcher += ["-m", "torch.distributed.run", "--standalone"]
        launcher += ["--nproc-per-node", str(args.nproc_per_node)]
        # It changes the batch, and so the results.
        processes = {"nproc_per_node": args.nproc_per_node}
        runs = [
            dataclasses.replace(run, options={**run.options, **processes})
            for run in runs
        ]
    _check_folders(runs)
    if args.dry_run:
        print(format_plan(runs))
        return 0
    command = [*launcher, args.script, hparams_file]
    with StopSignals() as signals:
        failed = _run_all(runs, command, signals, args.verbose)
        if signals.requested:
            print(
                "stopped; the same command goes on from here", file=sys.stderr
            )
            return 130
    figures = {
        run.name: read_figures(run.folder) for run in runs if run not in failed
    }
    print(format_summary(runs, figures))
    return 1 if failed else 0


def format_duration(seconds):
    """Writes a duration as one says it.

    Arguments
    ---------
    seconds : float
        The duration.

    Returns
    -------
    str

    Example
    -------
    >>> [format_duration(seconds) for seconds in (9.6, 250, 3000, 3900)]
    ['10 s', '4 min 10 s', '50 min', '1 h 5 min']
    """
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 600:
        return f"{seconds // 60} min {seconds % 60} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _find_hparams(script, hparams_file):
    """The YAML file, which may be named as seen from the script."""
    beside = os.path.join(os.path.dirname(script), hparams_file)
    found = hparams_file if os.path.exists(hparams_file) else beside
    for path in (script, found):
        if not os.path.isfile(path):
            raise FileNotFoundError(f"there is no file '{path}'")
    return found


def _check_folders(runs):
    """Refuses folders whose results are not those of their runs."""
    for run in runs:
        conflict = find_conflict(run.folder, run.hparams, run.options)
        if conflict is not None:
            raise ValueError(
                f"the output folder '{run.folder}' of {run.name} holds "
                f"{conflict}. Name another one with --output_folder=..., or "
                "delete it."
            )
        if describe_state(run.folder) == "finished":
            read_figures(run.folder)


def _run_all(runs, command, signals, verbose):
    """Does all runs that are not finished; gives those that failed."""
    durations, failed = [], []
    for number, run in enumerate(runs, start=1):
        title = f"[{number}/{len(runs)}] {run.name}: "
        if describe_state(run.folder) == "finished":
            _tell(f"{title}{_uar(run)}, was finished")
            continue
        _tell(title, end="\n" if verbose else "")
        begin = time.monotonic()
        problem = _run_one(run, command, signals, verbose)
        durations.append(time.monotonic() - begin)
        took = format_duration(durations[-1])
        if verbose:
            _tell(title, end="")
        if problem is None:
            left = _time_left(runs[number:], durations)
            _tell(f"{_uar(run)} in {took}{left}")
        elif signals.requested:
            _tell(f"stopped after {took}")
        else:
            failed.append(run)
            _tell(f"failed after {took}: {problem}")
        if signals.requested:
            break
    return failed


def _run_one(run, command, signals, verbose):
    """Does one run; gives what went wrong, or None."""
    command = [*command, *run.arguments]
    log_file = run.folder / LOG
    write_record(run.folder, command, run.options, finished=False)
    with open(log_file, "a", encoding="utf-8") as log:
        print(f"$ {shlex.join(command)}", file=log)
    code, tail = launch(command, log_file, signals, verbose)
    lines = "".join(f"\n    {line}" for line in tail)
    if code != 0:
        return f"exit code {code}, see '{log_file}'{lines}"
    if not (run.folder / "predictions.csv").is_file():
        return f"the script left no predictions.csv in '{run.folder}'{lines}"
    try:
        read_figures(run.folder)
    except (OSError, ValueError) as error:
        return str(error)
    write_record(run.folder, command, run.options, finished=True)
    return None


def _time_left(waiting, durations):
    """How long the runs that are not finished may take, in words."""
    count = sum(describe_state(run.folder) != "finished" for run in waiting)
    if count == 0:
        return ""
    mean = sum(durations) / len(durations)
    return f" (about {format_duration(mean * count)} left)"


def _uar(run):
    """The result of a run, in words."""
    return f"UAR {100 * read_figures(run.folder)['uar']:.1f} %"


def _tell(text, end="\n"):
    """Prints progress, which is not part of the answer."""
    print(text, end=end, file=sys.stderr, flush=True)
