"""Output folders: no results of one experiment under another's settings."""

import json

import pytest
from hyperpyyaml import resolve_references

from speechbrain.utils.run_opts import RunOptions
from speechbrain_emotion.training.run_record import RunRecord
from speechbrain_emotion.training.run_state import describe_state

YAML = """
lr: 0.1
data_folder: !PLACEHOLDER
output_folder: results
log: !ref <output_folder>/log.txt
num_workers: 2
valid_dataloader_opts:
    num_workers: !ref <num_workers>
card:
    title: A model
"""


@pytest.fixture
def start(tmp_path):
    """Starts a run, as a recipe's script does; gives its record."""
    path = tmp_path / "train.yaml"
    path.write_text(YAML)

    def start_run(*argv, folder="results"):
        folder = tmp_path / folder
        if "--data_folder" not in "".join(argv):
            argv = ["--data_folder=clips", *argv]
        argv = [*argv, f"--output_folder={folder}"]
        options = RunOptions.from_command_line_args([str(path), *argv])
        hparams_file, run_opts, overrides = options
        record = RunRecord(hparams_file, run_opts, overrides, folder)
        with open(path) as fin:
            resolved = resolve_references(fin, overrides).getvalue()
        (folder / "hyperparams.yaml").write_text(resolved)
        return record

    return start_run


def test_a_run_is_finished_when_its_script_has_ended(start):
    record = start("--precision=bf16", "--device=cpu")
    (record.folder / "predictions.csv").touch()
    assert describe_state(record.folder) == "started"
    record.finish()
    assert describe_state(record.folder) == "finished"
    start("--precision=bf16")  # again: it may be stopped
    assert describe_state(record.folder) == "started"
    known = json.loads((record.folder / "experiment.json").read_text())
    assert known["options"] == {"precision": "bf16"}


@pytest.mark.parametrize(
    "argument,keys",
    [
        ("--lr=0.2", "lr"),
        ("--data_folder=noisy", "data_folder"),
        ("--grad_accumulation_factor=8", "grad_accumulation_factor"),
        ("--debug", "debug"),
    ],
)
def test_other_settings_are_refused(start, argument, keys):
    record = start()
    record.finish()
    folder = record.folder
    before = {path: path.read_text() for path in folder.iterdir()}
    words = f"' holds a run with other values of {keys}: name another output f"
    with pytest.raises(ValueError, match=words):
        start(argument)
    assert {path: path.read_text() for path in folder.iterdir()} == before


def test_settings_that_change_no_result(start, tmp_path):
    record = start()
    start("--num_workers=0", "--card={title: Mine}", "--device=cuda:0")
    start("--noprogressbar", "--ckpt_interval_steps=3")
    record.folder.rename(tmp_path / "moved")
    start(folder="moved")


def test_the_number_of_processes_counts(start, monkeypatch):
    start()
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="other values of nproc_per_node"):
        start()
