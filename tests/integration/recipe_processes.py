"""Runs recipes in processes of their own, which can be stopped."""

import os
import subprocess
import sys

from recipe_runs import ROOT


def start(row, flags, output_folder):
    """Starts the script of a row as ``run_row`` runs it.

    Arguments
    ---------
    row : dict
        Of tests/recipes/*.csv.
    flags : dict
        Overrides, key -> value.
    output_folder : str or pathlib.Path
        Where the script writes.

    Returns
    -------
    subprocess.Popen
        The process, whose output and errors come together.
    """
    return subprocess.Popen(
        [
            sys.executable,
            row["Script_file"],
            row["Hparam_file"],
            *(f"--{key}={value}" for key, value in flags.items()),
            f"--output_folder={output_folder}",
            "--device=cpu",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finish(process):
    """Waits for a process; gives its exit code and all that it has said."""
    messages, _ = process.communicate(timeout=180)
    return process.returncode, messages
