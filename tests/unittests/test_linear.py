"""Linear layers with oneDNN."""

import copy
import pickle

import pytest
import torch
from hypothesis import (
    HealthCheck,
    given,
    settings,
    strategies as st,
)

from speechbrain_emotion.nnet import linear
from speechbrain_emotion.nnet.linear import OneDnnLinear


@pytest.fixture(autouse=True)
def all_sizes(monkeypatch):
    """Takes oneDNN for small products, too."""
    monkeypatch.setattr(linear, "MIN_WEIGHTS", 0)


SHAPES = st.lists(st.integers(1, 9), min_size=0, max_size=3)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    shape=SHAPES, size_in=st.integers(1, 70), size_out=st.integers(1, 70),
    bias=st.booleans(),
)  # fmt: skip
def test_equals_torch(shape, size_in, size_out, bias):
    layer = OneDnnLinear(size_in, size_out, bias)
    x = torch.randn(*shape, size_in)
    with torch.no_grad():
        y = layer(x)
        expected = torch.nn.functional.linear(x, layer.weight, layer.bias)
    assert y.shape == expected.shape
    torch.testing.assert_close(y, expected, atol=1e-5, rtol=1e-5)


def test_takes_any_memory_layout():
    layer = OneDnnLinear(6, 5)
    x = torch.randn(6, 4, 3).transpose(0, 2)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), layer(x.contiguous()))


def test_empty_batch():
    with torch.no_grad():
        assert OneDnnLinear(6, 5)(torch.empty(0, 6)).shape == (0, 5)


def test_gradients_reach_input_and_parameters():
    layer = OneDnnLinear(3, 2).double()
    x = torch.randn(4, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_precisions(dtype):
    layer = OneDnnLinear(3, 2).to(dtype)
    with torch.no_grad():
        assert layer(torch.randn(4, 3, dtype=dtype)).dtype == dtype


def test_follows_autocast():
    layer = OneDnnLinear(3, 2)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(4, 3)).dtype == torch.bfloat16


def test_of_shares_the_parameters_and_the_mode():
    layer = torch.nn.Linear(3, 2).eval()
    fast = OneDnnLinear.of(layer)
    assert fast.weight is layer.weight and fast.bias is layer.bias
    assert not fast.training
    assert OneDnnLinear.of(torch.nn.Linear(3, 2, bias=False)).bias is None


def test_can_be_copied_and_pickled():
    layer = OneDnnLinear(3, 2)
    x = torch.randn(4, 3)
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(copied(x), layer(x))


def test_the_numbers_of_rows_are_few_and_little_larger():
    found = [linear._rounded(n) for n in range(1, 5000)]
    assert all(n <= m < n + max(32, n / 16 + 1) for n, m in enumerate(found, 1))
    assert len(set(found)) < 80


def test_can_be_traced():
    layer = OneDnnLinear(3, 2).eval()
    x = torch.randn(4, 3)
    with torch.no_grad():
        traced = torch.jit.trace(layer, x)
        torch.testing.assert_close(traced(x), layer(x))
