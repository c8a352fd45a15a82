"""Faster layers for pretrained models, with the same parameters and results.

transformers builds the models; here some of their layers are exchanged for
ours, which hold the same parameters under the same names.
"""

import torch
from torch import nn
from transformers.models.wav2vec2_bert.modeling_wav2vec2_bert import (
    Wav2Vec2BertModel,
    Wav2Vec2BertSelfAttention,
)

from speechbrain_emotion.nnet.linear import OneDnnLinear
from speechbrain_emotion.nnet.relative_attention import (
    ATTENTION,
    RelativeKeyAttention,
)


def accelerate(model):
    """Exchanges the layers of a pretrained model that can be faster.

    Linear layers become ``OneDnnLinear``; self-attention with relative keys,
    as Wav2Vec2-BERT has by default, becomes ``RelativeKeyAttention``. With
    other position embeddings the attention stays as it is.

    Arguments
    ---------
    model : torch.nn.Module
        Changed in place.

    Returns
    -------
    torch.nn.Module
        The same model.

    Example
    -------
    >>> model = accelerate(nn.Sequential(nn.Linear(2, 3), nn.Tanh()))
    >>> type(model[0]).__name__
    'OneDnnLinear'
    """
    _exchange(model, _has_relative_keys, _in_blocks)
    _exchange(model, lambda layer: type(layer) is nn.Linear, OneDnnLinear.of)
    for part in model.modules():
        if isinstance(part, Wav2Vec2BertModel) and _replaced(part):
            part.config._attn_implementation = ATTENTION
    return model


def _exchange(model, is_old, make_new):
    """Puts new layers in the places of old ones."""
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if is_old(layer):
                setattr(parent, name, make_new(layer))


def _has_relative_keys(layer):
    """Whether a layer is attention of the kind that we compute."""
    return (
        isinstance(layer, Wav2Vec2BertSelfAttention)
        and layer.position_embeddings_type == "relative_key"
    )


def _in_blocks(attention):
    """Our attention around the layers of transformers' one."""
    with torch.device("meta"):
        new = RelativeKeyAttention(
            attention.num_heads * attention.head_size,
            attention.num_heads,
            attention.left_max_position_embeddings,
            attention.right_max_position_embeddings,
            attention.dropout.p,
        )
    for name, _ in list(new.named_children()):
        setattr(new, name, getattr(attention, name))
    return new.train(attention.training)


def _replaced(model):
    """Whether a model has our attention."""
    return any(isinstance(m, RelativeKeyAttention) for m in model.modules())
