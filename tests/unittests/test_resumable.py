"""Batches of a training: other ones in every epoch, the same if resumed."""

import functools
import operator

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from torch import nn

from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.dataio.sampler import (
    DynamicBatchSampler,
    ReproducibleWeightedRandomSampler,
)
from speechbrain.utils.checkpoints import Checkpointer
from speechbrain.utils.epoch_loop import EpochCounter
from speechbrain_emotion.nnet.head import LinearHead
from speechbrain_emotion.training.resumable import ResumableBrain

LENGTHS = [1.0 + (7 * i % 40) / 10 for i in range(40)]
SECONDS = 12.0
KINDS = {
    "shuffle": {"shuffle": True, "batch_size": 4},
    "sampler": {
        "sampler": lambda dataset: ReproducibleWeightedRandomSampler(
            torch.ones(len(dataset)), len(dataset), replacement=True
        ),
        "batch_size": 4,
    },
    "seconds": {
        "batch_sampler": functools.partial(
            DynamicBatchSampler,
            max_batch_length=SECONDS,
            num_buckets=6,
            length_func=operator.itemgetter("length"),
            seed=1,
        )
    },
}


class CountingBrain(ResumableBrain):
    """Notes which utterances it is given; stops when it was given enough."""

    def __init__(self, *args, stop_after=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen, self.stop_after = [], stop_after

    def compute_forward(self, batch, stage):
        if len(self.seen) == self.stop_after:
            raise KeyboardInterrupt
        self.seen.append(batch.id)
        lengths = batch.length.float().unsqueeze(1)
        return self.modules.layer(lengths + torch.rand_like(lengths))

    def compute_objectives(self, predictions, batch, stage):
        return predictions.square().mean()

    def on_stage_end(self, stage, stage_loss, epoch=None):
        self.save_epoch({"loss": stage_loss}, min_keys=["loss"])


def train(folder, kind, stop_after=None):
    """Trains two epochs, or a part of them; gives batches and weights."""
    dataset = DynamicItemDataset(
        {f"clip{i}": {"length": x} for i, x in enumerate(LENGTHS)},
        output_keys=["id", "length"],
    )
    torch.manual_seed(0)
    modules = {"layer": nn.Linear(1, 1)}
    counter = EpochCounter(2)
    brain = CountingBrain(
        modules,
        opt_class=functools.partial(torch.optim.SGD, lr=0.01),
        run_opts={
            "device": "cpu",
            "noprogressbar": True,
            "ckpt_interval_steps": 1,
        },
        checkpointer=Checkpointer(folder, {**modules, "counter": counter}),
        stop_after=stop_after,
    )
    try:
        brain.fit(counter, dataset, train_loader_kwargs=KINDS[kind])
    except SystemExit:
        assert stop_after is not None
    return brain.seen, brain.modules.layer.weight.item()


@pytest.mark.parametrize("kind", KINDS)
def test_every_epoch_draws_anew(tmp_path, kind):
    seen, _ = train(tmp_path, kind)
    half = len(seen) // 2
    first, second = seen[:half], seen[half:]
    assert first != second
    if kind != "sampler":  # it draws with replacement
        for epoch in (first, second):
            assert len({id for batch in epoch for id in batch}) == 40


@settings(max_examples=6, deadline=None)
@given(kind=st.sampled_from(list(KINDS)), part=st.floats(0.1, 0.95))
def test_goes_on_with_the_same_batches(tmp_path_factory, kind, part):
    whole, weight = train(tmp_path_factory.mktemp("whole"), kind)
    folder = tmp_path_factory.mktemp("stopped")
    before, _ = train(folder, kind, stop_after=int(part * len(whole)))
    after, weight_after = train(folder, kind)
    assert before + after == whole
    assert weight_after == weight


def test_batches_of_seconds_hold_their_budget():
    dataset = DynamicItemDataset(
        {str(i): {"length": x} for i, x in enumerate(LENGTHS)}
    )
    for batch in KINDS["seconds"]["batch_sampler"](dataset):
        assert len(batch) * max(LENGTHS[i] for i in batch) <= SECONDS


def test_what_processes_on_the_cpu_cannot_share(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("LOCAL_RANK", "0")
    options = {
        "checkpointer": Checkpointer(tmp_path),
        "run_opts": {"device": "cpu"},
    }
    head = LinearHead(4, n_classes=2)
    with pytest.raises(ValueError, match="statistics of head.standardize, "):
        ResumableBrain({"head": head}, **options)
    head = LinearHead(4, n_classes=2, standardize=False)
    ResumableBrain({"head": head}, **options)
