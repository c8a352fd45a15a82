"""What each of several processes gets; see also test_distributed.py."""

import functools
import operator

import pytest
import torch
from hypothesis import (
    given,
    strategies as st,
)
from toy_training import clips, dataset

from speechbrain.dataio.sampler import DynamicBatchSampler
from speechbrain_emotion.training import shares
from speechbrain_emotion.training.random_state import RandomState
from speechbrain_emotion.training.shares import Share, interleave


@given(size=st.integers(1, 30), n=st.integers(1, 6))
def test_even_shares(size, n):
    parts = [Share(range(size), rank, n, even=True) for rank in range(n)]
    dealt = interleave([list(part) for part in parts])
    assert dealt[:size] == list(range(size))
    assert dealt[size:] == [i % size for i in range(len(dealt) - size)]
    assert len({len(list(part)) for part in parts}) == 1
    assert all(len(part) == len(list(part)) for part in parts)
    assert len(dealt) < size + n


@given(size=st.integers(0, 30), n=st.integers(1, 6))
def test_exact_shares(size, n):
    parts = [Share(range(size), rank, n, even=False) for rank in range(n)]
    assert interleave([list(part) for part in parts]) == list(range(size))
    assert all(len(part) == len(list(part)) for part in parts)


class Processes:
    """Stands for one of several processes."""

    def __init__(self, monkeypatch, n_processes):
        self.set = functools.partial(monkeypatch.setattr, shares)
        self.set("process_count", lambda: n_processes)
        self.n_processes = n_processes

    def each(self, function):
        """What a function gives in each process."""
        found = []
        for rank in range(self.n_processes):
            self.set("process_rank", lambda rank=rank: rank)
            found.append(function())
        return found


def test_steps_are_those_of_larger_batches(monkeypatch):
    monkeypatch.setenv("SB_GLOBAL_SEED", "3")
    data = range(12)

    def drawn(epoch):
        options = {"batch_size": 2, "shuffle": True}
        share = shares.share_training(data, options)["sampler"]
        share.set_epoch(epoch)
        return list(share)

    (alone,) = Processes(monkeypatch, 1).each(lambda: drawn(1))
    first, second = Processes(monkeypatch, 2).each(lambda: drawn(1))
    for step in range(3):
        together = first[2 * step :][:2] + second[2 * step :][:2]
        assert sorted(together) == sorted(alone[4 * step :][:4])
    assert Processes(monkeypatch, 2).each(lambda: drawn(2))[0] != first
    monkeypatch.setenv("SB_GLOBAL_SEED", "4")
    assert Processes(monkeypatch, 1).each(lambda: drawn(1)) != [alone]


@pytest.mark.parametrize("seconds", [1.0, 3.0, 20.0])
def test_batches_of_seconds(seconds, monkeypatch):
    data = dataset(clips(30))

    def drawn(epoch):
        batches = DynamicBatchSampler(
            data,
            max_batch_length=seconds,
            num_buckets=4,
            length_func=operator.itemgetter("length"),
        )
        options = {"batch_sampler": batches}
        share = shares.share_training(data, options)["batch_sampler"]
        share.set_epoch(epoch)
        return list(share)

    for epoch in range(3):
        parts = Processes(monkeypatch, 3).each(lambda: drawn(epoch))
        (alone,) = Processes(monkeypatch, 1).each(lambda: drawn(epoch))
        assert interleave(parts)[: len(alone)] == alone
        assert len({len(part) for part in parts}) == 1
        assert {i for batch in alone for i in batch} == set(range(30))


@pytest.mark.parametrize("size", [1, 2, 5, 7])
def test_evaluation_has_the_batches_of_one_process(size, monkeypatch):
    def drawn():
        options = {"batch_size": 2, "num_workers": 0}
        return list(shares.share_evaluation(range(size), options).values())[-1]

    (alone,) = Processes(monkeypatch, 1).each(lambda: list(drawn()))
    parts = Processes(monkeypatch, 3).each(lambda: list(drawn()))
    assert interleave(parts) == alone


def test_a_sampler_and_shuffling_exclude_each_other():
    with pytest.raises(ValueError, match="a sampler or shuffle"):
        shares.share_training([1], {"sampler": [0], "shuffle": True})


def test_random_state_of_other_processes(tmp_path, monkeypatch, caplog):
    from speechbrain_emotion.training import random_state

    path, found = tmp_path / "random.ckpt", []
    monkeypatch.setattr(random_state, "process_count", lambda: 2)
    for rank in range(2):
        monkeypatch.setattr(random_state, "process_rank", lambda r=rank: r)
        torch.manual_seed(rank)
        RandomState().save(path)
        found.append(torch.rand(1))
    for rank in range(2):
        monkeypatch.setattr(random_state, "process_rank", lambda r=rank: r)
        RandomState().load(path, end_of_epoch=False)
        assert torch.equal(torch.rand(1), found[rank])
    assert not caplog.records
    monkeypatch.setattr(random_state, "process_count", lambda: 3)
    RandomState().load(path, end_of_epoch=False)
    assert "saved by 2 processes, not 3" in caplog.text
    assert "and, in this epoch, clips" in caplog.text
