"""A checkpoint that does not fit is an error that names the tensors."""

import pytest
import torch
from safetensors.torch import save_file

from speechbrain_emotion.utils.parameter_transfer import (
    CheckpointError,
    FolderPretrainer,
    load_safetensors,
)


@pytest.fixture
def module():
    return torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 4))


def save(path, state):
    save_file({k: v.clone() for k, v in state.items()}, path)
    return path


def test_fits(module, tmp_path):
    path = save(tmp_path / "m.safetensors", module.state_dict())
    fresh = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 4))
    load_safetensors(fresh, path)
    for ours, theirs in zip(fresh.parameters(), module.parameters()):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: s.pop("1.bias"), "missing: 1.bias"),
        (lambda s: s.update(extra=torch.ones(1)), "unexpected: extra"),
        (
            lambda s: s.update({"0.bias": torch.ones(5)}),
            r"0.bias has the shape \(5,\), expected \(3,\)",
        ),
    ],
)
def test_does_not_fit(module, tmp_path, change, message):
    state = dict(module.state_dict())
    change(state)
    path = save(tmp_path / "m.safetensors", state)
    before = [p.clone() for p in module.parameters()]
    with pytest.raises(CheckpointError, match=message):
        load_safetensors(module, path)
    assert all(map(torch.equal, before, module.parameters()))


def test_not_safetensors(module, tmp_path):
    path = tmp_path / "m.safetensors"
    torch.save(module.state_dict(), path)
    with pytest.raises(CheckpointError, match="no safetensors file"):
        load_safetensors(module, path)


def test_folder_can_be_moved(module, tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "m.safetensors", module.state_dict())
        pretrainer = FolderPretrainer({"m": module}, {"m": "m.safetensors"})
        found = pretrainer.collect_files(default_source=tmp_path / name)
        assert str(found["m"]) == str(tmp_path / name / "m.safetensors")
        pretrainer.load_collected()


def test_a_part_of_a_model_in_a_folder_beside(tmp_path):
    whole = torch.nn.ModuleDict({"head": torch.nn.Linear(2, 3)})
    beside, folder = tmp_path / "beside", tmp_path / "model"
    beside.mkdir()
    folder.mkdir()
    save_file(whole.state_dict(), beside / "model.safetensors")
    head = torch.nn.Linear(2, 3)

    def load(path):
        pretrainer = FolderPretrainer(
            {"head": head}, {"head": path}, prefixes={"head": "head."}
        )
        pretrainer.collect_files(default_source=str(folder))
        pretrainer.load_collected()

    load("../beside/model.safetensors")
    assert torch.equal(head.weight, whole["head"].weight)
    with pytest.raises(FileNotFoundError, match="complete the folder"):
        load("../missing/model.safetensors")
    for path in ("../../beside/model.safetensors", "../model.safetensors"):
        with pytest.raises(ValueError, match="nor in one beside it"):
            load(path)
