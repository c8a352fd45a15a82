"""Low-rank layers approximate what they replace."""

import pytest
import torch
from torch import nn

from speechbrain_emotion.lobes.low_rank import insert_low_rank
from speechbrain_emotion.lobes.whisper import WhisperEncoder
from speechbrain_emotion.nnet.low_rank import (
    factorize_,
    input_moments,
    low_rank_layer,
)

CONFIG = {
    "d_model": 32,
    "encoder_layers": 2,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
}
RANKS = {"encoder.conv2": 8, "encoder.layers.*": 6}


@pytest.fixture(
    params=[
        (nn.Linear(24, 16), (50, 24)),
        (nn.Linear(24, 16, bias=False), (2, 50, 24)),
        (nn.Conv1d(8, 16, 3, stride=2, padding=1), (2, 8, 51)),
    ],
    ids=["linear", "linear without bias", "convolution"],
)
def layer_and_input(request):
    layer, shape = request.param
    torch.manual_seed(0)
    # Correlated inputs, as real activations are.
    x = torch.randn(*shape)
    dim = 1 if isinstance(layer, nn.Conv1d) else -1
    mixing = torch.randn(x.shape[dim], 5) @ torch.randn(5, x.shape[dim])
    x = (x.transpose(dim, -1) @ mixing).transpose(dim, -1)
    return layer, x


def error(pair, layer, x):
    with torch.no_grad():
        return (pair(x) - layer(x)).square().sum().item()


def test_full_rank_is_exact(layer_and_input):
    layer, x = layer_and_input
    pair = factorize_(low_rank_layer(layer, rank=16), layer)
    torch.testing.assert_close(pair(x), layer(x), rtol=1e-4, atol=1e-4)


def test_rank_of_the_inputs_is_enough(layer_and_input):
    layer, x = layer_and_input
    moments = input_moments(layer, x)
    by_data = factorize_(low_rank_layer(layer, rank=4), layer, moments)
    by_weight = factorize_(low_rank_layer(layer, rank=4), layer)
    assert error(by_data, layer, x) < 0.5 * error(by_weight, layer, x)


def test_moments_are_those_that_the_weights_meet(layer_and_input):
    layer, x = layer_and_input
    # Energy of the outputs without bias = trace(W C W').
    weight = layer.weight.flatten(1)
    bias = 0 if layer.bias is None else layer.bias
    out = layer(x)
    if isinstance(layer, nn.Conv1d):
        out = out.transpose(1, 2)
    expected = (out - bias).square().sum()
    found = (weight @ input_moments(layer, x) @ weight.T).trace()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-3)


def test_wildcard_without_a_layer():
    with pytest.raises(ValueError, match=r"\['nothing.*'\] match no layer"):
        insert_low_rank(nn.Sequential(nn.Linear(2, 2)), {"nothing.*": 1})


def test_whisper_with_low_rank_layers():
    full = WhisperEncoder(config=CONFIG)
    small = WhisperEncoder(config=CONFIG, low_rank=RANKS, layer=[1, 2])
    count = lambda m: sum(p.numel() for p in m.parameters())  # noqa: E731
    assert count(small) < 0.6 * count(full)
    wavs, lens = torch.randn(2, 8000), torch.tensor([1.0, 0.5])
    frames, _ = small.eval()(wavs, lens)
    assert frames.shape[-1] == small.output_size == 64
    again = WhisperEncoder(**small.export_arguments()).eval()
    again.load_state_dict(small.state_dict())
    assert torch.equal(again(wavs, lens)[0], frames)


def test_low_rank_needs_a_config(tmp_path):
    with pytest.raises(ValueError, match="no pretrained weights"):
        WhisperEncoder(source=str(tmp_path), low_rank=RANKS)


@pytest.mark.parametrize("layer", [[], [3], [0, "last"], "first"])
def test_impossible_layers(layer):
    with pytest.raises(ValueError, match="index or indexes"):
        WhisperEncoder(config=CONFIG, layer=layer)
