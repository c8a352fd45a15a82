"""Experiments that are stopped, and go on."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from experiment_fixtures import starts, table

pytest_plugins = ["experiment_fixtures"]


def set_signals(sigint):
    signal.signal(signal.SIGINT, sigint)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup


def start(*argv, sigint=signal.SIG_DFL):
    """Starts an experiment of which the second run hangs."""
    argv = ["recipe/train.py", "hparams/train.yaml", "--vary=seed=1,2,3", *argv]
    return subprocess.Popen(
        [sys.executable, "-m", "speechbrain_emotion.cli", "experiment", *argv]
        + ["--data_folder=clips", "--slow=2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: set_signals(sigint),
    )


def wait_for(path, process):
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    "number, sigint",
    [
        (signal.SIGINT, signal.SIG_DFL),
        (signal.SIGTERM, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
        # Started in the background of a script.
        (signal.SIGTERM, signal.SIG_IGN),
    ],
)
def test_stop_and_go_on(recipe, experiment, number, sigint):
    process = start(sigint=sigint)
    folder = pathlib.Path("results/fold_1/2")
    wait_for(folder / "checkpoint", process)
    # As a terminal does, to the whole process group.
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert (folder / "interrupted").exists()
    assert "[2/3] seed=2: stopped after" in err
    assert "the same command goes on" in err and "[3/3]" not in err
    assert out == ""
    code, out, err = experiment("--vary=seed=1,2,3", "--slow=2")
    assert code == 0, err
    assert [starts(f"results/fold_1/{seed}") for seed in (1, 2, 3)] == [1, 2, 1]
    assert table(out)[2][:2] == ["2", "21.0"]


def test_ignored_signals_stay_ignored(recipe):
    process = start(sigint=signal.SIG_IGN)
    folder = pathlib.Path("results/fold_1/2")
    wait_for(folder / "checkpoint", process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None and not (folder / "interrupted").exists()
    process.terminate()
    process.communicate(timeout=30)
    assert (folder / "interrupted").exists()


def test_a_second_signal_ends_a_run_that_does_not_stop(recipe):
    process = start("--deaf=True")
    wait_for(pathlib.Path("results/fold_1/2/checkpoint"), process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "seed=2: stopped" in err
