"""Every row of tests/recipes/*.csv: the debug run and its checks."""

import csv
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ROWS = [
    row
    for path in sorted((ROOT / "tests" / "recipes").glob("*.csv"))
    for row in csv.DictReader(path.open())
]


def name(row):
    return pathlib.Path(row["Hparam_file"]).stem


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_debug_run(row, tmp_path):
    command = (
        f"{sys.executable} {row['Script_file']} {row['Hparam_file']} "
        f"{row['test_debug_flags']} --output_folder={tmp_path} --device=cpu"
    )
    result = subprocess.run(
        command,
        shell=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    checks = row["test_debug_checks"]
    (files,) = re.findall(r"file_exists=\[(.*?)\]", checks)
    missing = [f for f in files.split(",") if not (tmp_path / f).is_file()]
    assert not missing
    (check,) = re.findall(r"performance_check=\[(.*?)\]", checks)
    log, key, bound, epoch = (part.strip() for part in check.split(","))
    (line,) = (
        line
        for line in (tmp_path / log).read_text().splitlines()
        if epoch in line
    )
    (value,) = re.findall(rf"{key}: ([\d.e+-]+)", line)
    assert float(value) < float(bound.removeprefix("<"))


def test_every_yaml_of_a_recipe_is_listed():
    listed = {row["Hparam_file"] for row in ROWS}
    found = (ROOT / "recipes").glob("*/*/hparams/*.yaml")
    assert {str(path.relative_to(ROOT)) for path in found} == listed
