"""Learned mixture of hidden states."""

import pytest
import torch

from speechbrain_emotion.nnet.layer_mixing import LayerMixing


def test_starts_as_the_mean():
    states = torch.randn(5, 2, 7, 3)
    mixed = LayerMixing(5)(tuple(states))
    torch.testing.assert_close(mixed, states.mean(0))


def test_one_large_weight_selects_its_state():
    mixing = LayerMixing(4)
    mixing.weights.data[2] = 100.0
    states = torch.randn(4, 2, 7, 3)
    torch.testing.assert_close(mixing(states), states[2])


def test_weights_learn():
    mixing = LayerMixing(3)
    mixing(torch.randn(3, 2, 7, 3)).square().sum().backward()
    assert mixing.weights.grad.abs().min() > 0


def test_wrong_number_of_states():
    with pytest.raises(ValueError, match="3 hidden states and was given 2"):
        LayerMixing(3)(torch.randn(2, 1, 4, 3))
