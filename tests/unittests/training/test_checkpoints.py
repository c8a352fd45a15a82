"""Trainings that are killed, above all while they save a checkpoint."""

import multiprocessing
import os
import random
import signal
import sys

import pytest
import torch
from toy_training import assert_same, train, weights

from speechbrain.utils.checkpoints import Checkpointer
from speechbrain_emotion.training.checkpoints import (
    UNFINISHED,
    discard_unfinished,
    save_whole,
)

OPTIONS = {"n_epochs": 2, "loader": {"batch_size": 2, "shuffle": True}}
OFTEN = {**OPTIONS, "run_opts": {"ckpt_interval_steps": 1}}
# What Python tells of before it happens.
FILE_EVENTS = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir")

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="needs processes that are forked"
)


def in_another_process(function, *args):
    """Starts a process that need not import everything again."""
    process = multiprocessing.get_context("fork").Process(
        target=function, args=args
    )
    process.start()
    return process


def train_and_die(folder, options, operation=None):
    """Dies of SIGKILL right before the nth time it changes its files."""
    done = 0

    def count(event, args):
        nonlocal done
        reads = event == "open" and "r" in str(args[1])
        if (
            event in FILE_EVENTS
            and not reads
            and str(args[0]).startswith(str(folder))
        ):
            done += 1
            if done == operation:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    train(folder, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The weights of a training that nothing interrupts."""
    return weights(train(tmp_path_factory.mktemp("whole"), **OFTEN))


@pytest.mark.parametrize(
    "options, most",
    [
        pytest.param(OFTEN, 25, id="often"),
        pytest.param(OPTIONS, 16, id="epoch"),
    ],
)
def test_killed_at_file_operations(options, most, whole, tmp_path):
    """Again and again; the last run comes through."""
    draw = random.Random(2)
    codes = []
    for _ in range(10):
        process = in_another_process(
            train_and_die, tmp_path, options, draw.randrange(1, most)
        )
        process.join(60)
        codes.append(process.exitcode)
    assert set(codes) <= {0, -signal.SIGKILL}
    assert codes.count(-signal.SIGKILL) > 2
    resumed = train(tmp_path, **options)
    assert_same(whole, weights(resumed), rtol=0, atol=0)
    assert not list((tmp_path / "save").glob(f"{UNFINISHED}/*"))


def test_killed_at_any_moment(whole, tmp_path):
    draw = random.Random(4)
    kills = 0
    for _ in range(6):
        process = in_another_process(train_and_die, tmp_path, OFTEN)
        process.join(draw.uniform(0.02, 0.5))
        process.kill()
        process.join(60)
        kills += process.exitcode == -signal.SIGKILL
    assert kills > 0
    assert_same(whole, weights(train(tmp_path, **OFTEN)), rtol=0, atol=0)


class Recoverable(torch.nn.Linear):
    """Fails to be saved, as where the disk is full."""

    fails = False

    def state_dict(self, *args, **kwargs):
        if self.fails:
            raise OSError("disk full")
        return super().state_dict(*args, **kwargs)


def test_a_save_that_fails_leaves_the_last_one(tmp_path):
    layers = {name: Recoverable(1, 1) for name in "ab"}
    checkpointer = Checkpointer(tmp_path, layers)
    save_whole(checkpointer, {"epoch": 1})
    layers["b"].fails = True
    with pytest.raises(OSError, match="disk full"):
        save_whole(checkpointer, {"epoch": 2})
    assert checkpointer.checkpoints_dir == tmp_path
    assert [c.meta["epoch"] for c in checkpointer.list_checkpoints()] == [1]
    assert list((tmp_path / UNFINISHED).iterdir())
    discard_unfinished(checkpointer)
    assert len(list(tmp_path.iterdir())) == 1
    layers["b"].fails = False
    save_whole(checkpointer, {"epoch": 3})
    assert checkpointer.recover_if_possible().meta["epoch"] == 3
    assert len(checkpointer.list_checkpoints()) == 2


def test_the_same_second_twice(tmp_path):
    checkpointer = Checkpointer(tmp_path, {"a": torch.nn.Linear(1, 1)})
    for epoch in range(5):
        save_whole(checkpointer, {"epoch": epoch})
    found = checkpointer.find_checkpoints()
    assert [c.meta["epoch"] for c in found] == [4, 3, 2, 1, 0]
