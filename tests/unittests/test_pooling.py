"""Poolings read the valid frames, and nothing else."""

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)

from speechbrain_emotion.nnet.pooling import (
    AttentiveStatisticsPooling,
    MeanPooling,
    StatisticsPooling,
)

POOLINGS = [MeanPooling, StatisticsPooling, AttentiveStatisticsPooling]


@pytest.fixture(params=POOLINGS)
def pooling(request):
    torch.manual_seed(0)
    return request.param(5).eval()


def pad_batch(clips, extra):
    """Pads clips with NaN, so that any leak shows."""
    longest = max(len(clip) for clip in clips) + extra
    batch = torch.full((len(clips), longest, 5), float("nan"))
    for row, clip in zip(batch, clips):
        row[: len(clip)] = clip
    return batch, torch.tensor([len(clip) / longest for clip in clips])


@settings(deadline=None, max_examples=30)
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    extra=st.integers(0, 20),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("kind", POOLINGS)
def test_padding_and_batch_mates_change_nothing(kind, lengths, extra, seed):
    torch.manual_seed(seed)
    pooling = kind(5).eval()
    clips = [torch.randn(n, 5) for n in lengths]
    together = pooling(*pad_batch(clips, extra))
    alone = torch.cat([pooling(*pad_batch([clip], 0)) for clip in clips])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


def test_statistics_are_those_of_the_valid_frames():
    x = torch.randn(7, 5)
    batch, lens = pad_batch([x], 3)
    expected = torch.cat([x.mean(0), x.std(0, unbiased=False)])
    torch.testing.assert_close(StatisticsPooling(5)(batch, lens)[0], expected)
    torch.testing.assert_close(MeanPooling(5)(batch, lens)[0], x.mean(0))


def test_attention_weighs_frames():
    pooling = AttentiveStatisticsPooling(5)
    with torch.no_grad():
        for parameter in pooling.attention.parameters():
            parameter.zero_()
    x = torch.randn(2, 9, 5)
    lens = torch.tensor([1.0, 4 / 9])
    uniform = StatisticsPooling(5)(x, lens)
    torch.testing.assert_close(pooling(x, lens), uniform)
    with torch.no_grad():
        pooling.attention[0].weight.fill_(1.0)
        pooling.attention[2].weight.fill_(1.0)
    assert not torch.allclose(pooling(x, lens), uniform)


def test_output_size(pooling):
    out = pooling(torch.randn(2, 4, 5), torch.ones(2))
    assert out.shape == (2, pooling.output_size)


def test_empty_utterance_and_gradients_are_finite(pooling):
    x = torch.zeros(2, 4, 5, requires_grad=True)
    out = pooling(x, torch.tensor([0.0, 1.0]))
    assert torch.isfinite(out).all()
    out.sum().backward()
    assert torch.isfinite(x.grad).all()


def test_two_runs_agree(pooling):
    x, lens = torch.randn(2, 4, 5), torch.ones(2)
    assert torch.equal(pooling(x, lens), pooling(x, lens))
