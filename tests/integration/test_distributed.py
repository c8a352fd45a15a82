"""Two processes train, validate and test as one with larger batches."""

import os
import socket
import subprocess
import sys

import pytest
import torch
from toy_training import assert_same

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
EQUAL = ["plain", "frozen", "accumulated"]


def torchrun(*command):
    """Runs a script in two processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node=2"]
    return subprocess.run(
        [sys.executable, *launcher, f"--master_port={port}", *command],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=180,
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory, pytestconfig):
    """Folders of the trainings in one process and in two."""
    alone, together = (tmp_path_factory.mktemp(name) for name in ("1", "2"))
    script = pytestconfig.rootpath / "tests/integration/distributed_training.py"
    # Not in this process, where other tests have set seeds and variables.
    results = [
        subprocess.run(
            [sys.executable, str(script), str(alone)],
            capture_output=True,
            text=True,
            env=ENVIRONMENT,
        ),
        torchrun(str(script), str(together)),
    ]
    for result in results:
        assert result.returncode == 0, result.stdout + result.stderr
    return alone, together


def load(folder, name, rank=0):
    return torch.load(folder / name / f"result{rank}.pt", weights_only=False)


@pytest.mark.parametrize("name", EQUAL)
def test_the_same_training(name, folders):
    alone, *together = (
        load(folders[0], name),
        *(load(folders[1], name, rank) for rank in range(2)),
    )
    for rank in range(2):
        assert_same(
            alone["weights"], together[rank]["weights"], rtol=1e-5, atol=1e-6
        )
        assert together[rank]["loss"] == pytest.approx(alone["loss"], rel=1e-5)
        assert together[rank]["small"] == pytest.approx(alone["small"], 1e-5)
        assert together[rank]["train_loss"] == pytest.approx(
            alone["train_loss"], rel=1e-5
        )
    if name == "plain":
        for step, given in enumerate(alone["given"]):
            shares = [part["given"][step] for part in together]
            assert sorted(sum(shares, [])) == sorted(given)


@pytest.mark.parametrize("name", EQUAL)
def test_the_same_results(name, folders):
    """Exactly: the weights differ in the last bit, the answers do not."""
    alone, together = (folder / name for folder in folders)
    for file in ("report.txt", "report.json"):
        assert (alone / file).read_text() == (together / file).read_text()
    first, second = (
        [line.split(",") for line in (f / "predictions.csv").open()]
        for f in (alone, together)
    )
    assert [row[:8] for row in first] == [row[:8] for row in second]
    assert len(first) == 6
    for row, other in zip(first[1:], second[1:]):
        assert [*map(float, row[8:])] == pytest.approx(
            [*map(float, other[8:])], abs=2e-5
        )
    log, other_log = (
        (f / "train_log.txt").read_text() for f in (alone, together)
    )
    assert log == other_log


def test_stops_in_all_processes(folders):
    for folder in folders:
        log = (folder / "stopper" / "train_log.txt").read_text()
        assert log.count("Epoch: ") == 3
    states = [load(folders[1], "stopper", rank) for rank in range(2)]
    assert len(states[0]["given"]) == len(states[1]["given"]) == 3


@pytest.mark.parametrize("name", ["balanced", "seconds"])
def test_samplers(name, folders):
    """Each has a share of what one process draws; shares are as large."""
    alone = load(folders[0], name)["given"]
    shares = [load(folders[1], name, rank)["given"] for rank in range(2)]
    assert len(shares[0]) == len(shares[1]) > 1
    once = sorted(id for batch in alone for id in batch)
    together = sorted(id for part in shares for batch in part for id in batch)
    if name == "balanced":
        assert together == once
    else:  # of an odd number of batches the first comes twice
        assert set(together) == set(once)
    weights = [load(folders[1], name, rank)["weights"] for rank in range(2)]
    assert_same(*weights, rtol=0, atol=0)


def test_resumes_with_the_random_numbers_of_each_process(folders):
    for rank in range(2):
        whole, stopped = (
            load(folders[1], name, rank) for name in ("whole", "stopped")
        )
        assert whole["given"][5:] == stopped["given"]
        assert whole["drawn"][5:] == stopped["drawn"]
        assert_same(whole["weights"], stopped["weights"], rtol=0, atol=0)
    drawn = [load(folders[1], "whole", rank)["drawn"] for rank in range(2)]
    assert not set(drawn[0]) & set(drawn[1])


def test_recipe(pytestconfig, tmp_path):
    root = pytestconfig.rootpath
    recipe = root / "recipes/RAVDESS/emotion_recognition"
    annotation = root / "tests/samples/annotation"
    result = torchrun(
        str(recipe / "train.py"),
        str(recipe / "hparams/train_small.yaml"),
        f"--data_folder={root}/tests/samples/CREMA-D",
        f"--train_annotation={annotation}/CREMA-D_train.json",
        f"--valid_annotation={annotation}/CREMA-D_dev.json",
        f"--test_annotation={annotation}/CREMA-D_dev.json",
        f"--output_folder={tmp_path}",
        "--skip_prep=True",
        "--number_of_epochs=1",
        "--num_workers=0",
        "--batch_size=4",
        "--encoder_dim=32",
        "--num_layers=1",
        "--ffn_dim=64",
        "--device=cpu",
        "--distributed_backend=gloo",
    )
    assert result.returncode == 0, result.stdout + result.stderr
    table = (tmp_path / "predictions.csv").read_text().splitlines()
    assert len(table) == 7
    assert (tmp_path / "export/model.safetensors").is_file()
