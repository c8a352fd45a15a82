"""Experiments with the recipe on real clips: two seeds, stopped, resumed."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time

import pytest

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def command(pytestconfig, tmp_path):
    """A quick experiment, from the debug run that tests/recipes lists."""
    with open(pytestconfig.rootpath / "tests/recipes/RAVDESS.csv") as fin:
        (row,) = (
            row
            for row in csv.DictReader(fin)
            if row["Hparam_file"].endswith("/train_small.yaml")
        )
    flags = row["test_debug_flags"]
    assert "--number_of_epochs=30" in flags
    flags = flags.replace("--number_of_epochs=30", "--number_of_epochs=2")
    return [
        sys.executable,
        "-m",
        "speechbrain_emotion.cli",
        "experiment",
        row["Script_file"],
        row["Hparam_file"],
        "--vary=seed=1,2",
        *shlex.split(flags),
        "--device=cpu",
        "--ckpt_interval_minutes=0",
        "--ckpt_interval_steps=1",
        f"--output_folder=!ref {tmp_path}/<test_fold>/<seed>",
    ]


def run(command):
    return subprocess.run(
        command, capture_output=True, text=True, env=ENVIRONMENT
    )


def stop_first_run(command, folder):
    """Sends Ctrl-C once the first run has saved a checkpoint."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    deadline = time.monotonic() + 120
    while not list(folder.glob("save/CKPT*/CKPT.yaml")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 130, messages
    return messages


def test_two_seeds(command, tmp_path):
    first, second = tmp_path / "1" / "1", tmp_path / "1" / "2"
    messages = stop_first_run(command, first)
    assert "[1/2] seed=1: stopped" in messages
    assert not (first / "predictions.csv").exists() and not second.exists()

    result = run(command)
    assert result.returncode == 0, result.stderr
    log = (first / "experiment.log").read_text()
    assert "resumes it from the last checkpoint" in log
    assert "Loading a checkpoint" in (first / "log.txt").read_text()
    for folder in (first, second):
        assert (folder / "predictions.csv").is_file()
        assert (folder / "export" / "model.safetensors").is_file()
    report = json.loads((second / "report.json").read_text())["all"]
    assert f"[2/2] seed=2: UAR {100 * report['uar']:.1f} %" in result.stderr
    assert "over 2 seeds" in result.stdout

    # What the script saved is recognised as made by this command.
    dates = [(folder / "log.txt").stat().st_mtime for folder in (first, second)]
    result = run(command)
    assert result.returncode == 0
    assert result.stderr.count("was finished") == 2
    assert dates == [
        (folder / "log.txt").stat().st_mtime for folder in (first, second)
    ]
    result = run([*command, "--num_heads=1"])
    assert result.returncode == 2
    assert "a run with other values of num_heads." in result.stderr
