"""Every row of tests/recipes/*.csv: the debug run and its checks."""

import re

import pytest
from recipe_runs import ROOT, ROWS, debug_flags, row_name, run_row


@pytest.mark.parametrize("row", ROWS, ids=row_name)
def test_debug_run(row, tmp_path):
    run_row(row, debug_flags(row), tmp_path)
    checks = row["test_debug_checks"]
    (files,) = re.findall(r"file_exists=\[(.*?)\]", checks)
    missing = [f for f in files.split(",") if not (tmp_path / f).is_file()]
    assert not missing
    (check,) = re.findall(r"performance_check=\[(.*?)\]", checks)
    log, key, bound, epoch = (part.strip() for part in check.split(","))
    (line,) = (
        line
        for line in (tmp_path / log).read_text().splitlines()
        if re.search(rf"{epoch}\b", line)
    )
    (value,) = re.findall(rf"{key}: ([\d.e+-]+)", line)
    assert float(value) < float(bound.removeprefix("<"))


def test_every_yaml_of_a_recipe_is_listed():
    listed = {row["Hparam_file"] for row in ROWS}
    found = (ROOT / "recipes").glob("*/*/hparams/*.yaml")
    assert {str(path.relative_to(ROOT)) for path in found} == listed
