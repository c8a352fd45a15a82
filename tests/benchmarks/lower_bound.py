"""How long the encoder's matrix products alone take on this machine.

The shapes and weights are those of the model, one product after the other and
nothing between them. For each shape the faster way to multiply counts: torch's
own, which in float32 is MKL on CPUs, or oneDNN. An encoder made of these
products cannot be faster; one that packs its weights, or never writes out its
attention, could be.
"""

import collections
from functools import partial

import torch
from torch import nn

from speechbrain_emotion.nnet.linear import ONEDNN

# Which ways to multiply count.
BOUNDS = {"": ("torch", "oneDNN"), " with torch's product": ("torch",)}


def bound(times, precision, ways):
    """Seconds of all products of a precision, each in its fastest way."""
    fastest = {}
    for (kind, name, *key), seconds in times.items():
        if kind == "product" and name == precision and key[1] in ways:
            known = fastest.get(key[0], float("inf"))
            fastest[key[0]] = min(known, *seconds)
    return sum(fastest.values())


def products(model, n_frames):
    """(shape, way) -> function that computes all products of that shape.

    The model is one of transformers, and reads one clip.
    """
    weights = collections.defaultdict(list)
    for module in model.modules():
        pointwise = getattr(module, "kernel_size", None) == (1,)
        if isinstance(module, nn.Linear) or pointwise:
            weight = module.weight.flatten(1)
            weights[weight.shape].append(weight)
    calls = _attention(model, n_frames)
    for (outputs, inputs), group in weights.items():
        x = _random(model, n_frames, inputs)
        shape = f"{inputs} x {outputs}"
        transposed = [weight.T for weight in group]
        calls[shape, "torch"] = partial(_multiply, x, transposed)
        if ONEDNN and model.device.type == "cpu":
            calls[shape, "oneDNN"] = partial(_multiply_onednn, x, group)
    return calls


def _attention(model, n_frames):
    """The products of the attention, all heads at once."""
    config = model.config
    heads, layers = config.num_attention_heads, config.num_hidden_layers
    size = config.hidden_size // heads
    left = config.left_max_position_embeddings
    n_distances = left + config.right_max_position_embeddings + 1
    x = _random(model, heads, n_frames, size)
    scores = _random(model, heads, n_frames, n_frames)
    distances = _random(model, n_distances, size)
    pairs = {
        "queries x keys": (x, x.transpose(1, 2)),
        "queries x distances": (x.flatten(0, 1), distances.T),
        "scores x values": (scores, x),
    }
    return {
        (name, "torch"): partial(_multiply, left, layers * [right])
        for name, (left, right) in pairs.items()
    }


def _random(model, *shape):
    return torch.randn(shape, dtype=model.dtype, device=model.device)


def _multiply(x, others):
    for other in others:
        torch.matmul(x, other)


def _multiply_onednn(x, weights):
    for weight in weights:
        torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
