"""Encoders whose weights are stored in half precision.

Autocast, as ``run_opts={"precision": "bf16"}`` switches it on, converts the
weights of every layer each time it is called. For inference they are better
converted once, which halves the memory, too. Autocast then finds them as it
wants them and keeps the rest, such as normalisations, in float32.
"""

from torch import nn

# The layers that autocast computes in lower precision.
PRODUCTS = (nn.Linear, nn.Conv1d)


def store_weights(model, dtype):
    """Converts the weights of matrix products and convolutions.

    Arguments
    ---------
    model : torch.nn.Module
        Changed in place; from now on to be called under autocast.
    dtype : torch.dtype
        E.g. torch.bfloat16.

    Returns
    -------
    torch.nn.Module
        The same model.

    Example
    -------
    >>> import torch
    >>> model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    >>> model = store_weights(model, torch.bfloat16)
    >>> [layer.weight.dtype for layer in model]
    [torch.bfloat16, torch.float32]
    """
    for layer in model.modules():
        if isinstance(layer, PRODUCTS):
            layer.to(dtype)
    return model
