"""Fusions with random weights, and rows for them, padded with NaN."""

import torch
from torch import nn

from speechbrain_emotion.nnet.fusion import (
    ConcatFusion,
    CrossAttentionFusion,
    MeanFusion,
    MultiHeadFusion,
)

FUSIONS = [ConcatFusion, MeanFusion, MultiHeadFusion, CrossAttentionFusion]
EQUAL_WIDTHS = [MeanFusion, MultiHeadFusion]
# Numbers of frames and tokens where a modality, or both, are missing.
MISSING = [(0, 4), (5, 0), (0, 0)]


def build(kind, speech_size=4, text_size=6):
    """Builds a fusion; one width where the fusion needs equal ones."""
    if kind in EQUAL_WIDTHS:
        text_size = speech_size
    arguments = {}
    if kind is CrossAttentionFusion:
        arguments = {"attention_size": 8, "num_heads": 2}
    fusion = kind(speech_size, text_size, **arguments).eval()
    # Default biases are small: here a leak through one is not.
    for name, parameter in fusion.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return fusion


def random_rows(fusion, lengths):
    """Makes for each row a speech and a text of these numbers of steps."""
    return [
        (torch.randn(n, fusion.speech_size), torch.randn(m, fusion.text_size))
        for n, m in lengths
    ]


def pad(sequences, extra=0):
    """Pads with NaN, so that any leak shows; there is always a step."""
    longest = max(1, *map(len, sequences)) + extra
    size = sequences[0].shape[1]
    batch = torch.full((len(sequences), longest, size), float("nan"))
    for row, x in zip(batch, sequences):
        row[: len(x)] = x
    return batch, torch.tensor([len(x) / longest for x in sequences])


def fuse(fusion, rows, extra=(0, 0)):
    """Fuses rows as one batch."""
    speeches, texts = zip(*rows)
    return fusion(*pad(speeches, extra[0]), *pad(texts, extra[1]))


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)
