"""Runs recipes in this process, in which torch is loaded already."""

import contextlib
import csv
import logging
import os
import pathlib
import runpy
import shlex
import sys
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROWS = [
    row
    for path in sorted((ROOT / "tests" / "recipes").glob("*.csv"))
    for row in csv.DictReader(path.open())
]


def row_name(row):
    """Name of the test of a row of tests/recipes/*.csv."""
    return f"{row['Dataset']}-{pathlib.Path(row['Hparam_file']).stem}"


def debug_flags(row):
    """What the debug run of a row overrides, key -> value."""
    flags = shlex.split(row["test_debug_flags"])
    return dict(flag.removeprefix("--").split("=", 1) for flag in flags)


def command_line(row, flags, output_folder):
    """What runs the script of a row, from the root of the repository.

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
    list of str
        The script and its arguments.
    """
    return [
        row["Script_file"],
        row["Hparam_file"],
        *(f"--{key}={value}" for key, value in flags.items()),
        f"--output_folder={output_folder}",
        "--device=cpu",
    ]


def run_row(row, flags, output_folder):
    """Runs the script of a row in this process; see ``command_line``."""
    arguments = command_line(row, flags, output_folder)
    root, folder = logging.getLogger(), os.getcwd()
    handlers, level = root.handlers[:], root.level
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(sys, "argv", arguments))
        stack.enter_context(mock.patch.object(sys, "excepthook"))
        stack.enter_context(mock.patch.dict(os.environ))
        os.chdir(ROOT)
        try:
            runpy.run_path(row["Script_file"], run_name="__main__")
        finally:
            os.chdir(folder)
            for handler in set(root.handlers) - set(handlers):
                handler.close()
            root.handlers[:] = handlers
            root.setLevel(level)
