"""Runs recipes in processes of their own, which can be stopped."""

import os
import subprocess
import sys

from recipe_runs import ROOT, command_line


def start(row, flags, output_folder):
    """Starts the script of a row as ``run_row`` runs it.

    Returns
    -------
    subprocess.Popen
        The process, whose output and errors come together.
    """
    return subprocess.Popen(
        [sys.executable, *command_line(row, flags, output_folder)],
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
