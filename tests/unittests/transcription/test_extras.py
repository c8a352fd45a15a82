"""Imports of packages that are not needed by all."""

import os
import sys

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
    for name in ("loud_package", "needs_another"):
        sys.modules.pop(name, None)


def test_side_effects_are_undone(folder, monkeypatch):
    (folder / "loud_package.py").write_text(LOUD_PACKAGE)
    monkeypatch.setenv("CHANGED_BY_LOUD", "old")
    monkeypatch.setenv("REMOVED_BY_LOUD", "old")
    before = dict(os.environ), torch.get_num_threads()
    assert import_extra("loud_package", "asr").VALUE == 7
    assert (dict(os.environ), torch.get_num_threads()) == before


@pytest.mark.parametrize("package", ["no_such_package", "needs_another"])
def test_what_is_missing(folder, package):
    (folder / "needs_another.py").write_text("import no_such_package")
    with pytest.raises(ModuleNotFoundError) as error:
        import_extra(package, "asr")
    assert f"'{package}'" in str(error.value)
    assert "No module named 'no_such_package'" in str(error.value)
    assert 'pip install "speechbrain-emotion[asr]"' in str(error.value)
