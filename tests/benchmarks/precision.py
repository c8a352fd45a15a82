"""Precisions in which the encoders are measured."""

import copy

import torch

# Those that transformers and torch's matrix products have too.
DTYPES = {
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
PRECISIONS = ["fp32", "bf16"]


def reduced(encoder, precision):
    """Our encoder in a precision; the given one stays in float32."""
    if precision == "fp32":
        return encoder
    encoder = copy.deepcopy(encoder)
    encoder.model.to(DTYPES[precision])
    # The projector behind it stays in float32.
    encoder.register_forward_hook(
        lambda module, inputs, output: (output[0].float(), output[1])
    )
    return encoder
