"""Imports of packages that are not needed by all."""

import importlib
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from speechbrain_emotion.utils.extras import import_extra

LOUD_PACKAGE = """
import os
import torch
torch.set_num_threads(torch.get_num_threads() + 1)
os.environ["CHANGED_BY_LOUD"] = "new"
os.environ["SET_BY_LOUD"] = "new"
os.environ.pop("REMOVED_BY_LOUD")
VALUE = 7
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_side_effects_are_undone(folder, monkeypatch):
    (folder / "loud_package.py").write_text(LOUD_PACKAGE)
    monkeypatch.setenv("CHANGED_BY_LOUD", "old")
    monkeypatch.setenv("REMOVED_BY_LOUD", "old")
    before = dict(os.environ), torch.get_num_threads()
    assert import_extra("loud_package", "asr").VALUE == 7
    assert (dict(os.environ), torch.get_num_threads()) == before


def test_afterwards_nothing_is_undone(folder, monkeypatch):
    (folder / "slow_package.py").write_text("")
    monkeypatch.setenv("CHANGED_MEANWHILE", "old")
    real, n_threads = importlib.import_module, torch.get_num_threads()

    def while_others_work(name):
        os.environ["CHANGED_MEANWHILE"] = "new"
        torch.set_num_threads(n_threads + 1)
        return real(name)

    package = import_extra("slow_package", "asr")
    monkeypatch.setattr(importlib, "import_module", while_others_work)
    try:
        assert import_extra("slow_package", "asr") is package
        assert os.environ["CHANGED_MEANWHILE"] == "new"
        assert torch.get_num_threads() == n_threads + 1
    finally:
        torch.set_num_threads(n_threads)


def test_imports_in_two_threads(folder, monkeypatch):
    (folder / "slow_package.py").write_text(
        "import os, time\n"
        "os.environ['SET_BY_SLOW'] = 'new'\n"
        "time.sleep(0.1)\n"
        "VALUE = 7"
    )
    (folder / "slower_package.py").write_text("import time; time.sleep(0.3)")
    monkeypatch.setenv("SET_BY_SLOW", "old")
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(import_extra, "slow_package", "asr")
        while os.environ["SET_BY_SLOW"] == "old" and not first.done():
            time.sleep(0.01)
        # What it finds is not to be restored.
        pool.submit(import_extra, "slower_package", "asr")
        same = pool.submit(import_extra, "slow_package", "asr")
    assert first.result().VALUE == same.result().VALUE == 7
    assert os.environ["SET_BY_SLOW"] == "old"


@pytest.mark.parametrize("package", ["no_such_package", "needs_another"])
def test_what_is_missing(folder, package):
    (folder / "needs_another.py").write_text("import no_such_package")
    with pytest.raises(ModuleNotFoundError) as error:
        import_extra(package, "asr")
    assert f"'{package}'" in str(error.value)
    assert "No module named 'no_such_package'" in str(error.value)
    assert 'pip install "speechbrain-emotion[asr]"' in str(error.value)
