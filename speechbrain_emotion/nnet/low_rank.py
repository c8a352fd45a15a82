"""Low-rank factorisation of linear and convolutional layers.

A layer with the weight W [out, in] is replaced by two, up [out, rank] and
down [rank, in], which saves parameters where the rank is small. Given the
second moments C of the layer's inputs, the factors that change its outputs
least come from the singular value decomposition of W C^(1/2) rather than of
W itself.

Reference: Chen et al., "DRONE: Data-aware Low-rank Compression for Large NLP
Models", NeurIPS 2021.
"""

import torch
from torch import nn


def low_rank_layer(layer, rank):
    """Builds an untrained low-rank replacement of a layer.

    Arguments
    ---------
    layer : torch.nn.Linear or torch.nn.Conv1d
        The layer to replace.
    rank : int
        Number of dimensions between the two factors.

    Returns
    -------
    torch.nn.Sequential
        The layer "down", without a bias, and the layer "up".

    Example
    -------
    >>> pair = low_rank_layer(nn.Linear(64, 32), rank=4)
    >>> pair(torch.rand(2, 64)).shape
    torch.Size([2, 32])
    >>> sum(p.numel() for p in pair.parameters())
    416
    """
    bias = layer.bias is not None
    if isinstance(layer, nn.Conv1d):
        if (*layer.dilation, layer.groups) != (1, 1):
            raise ValueError(
                "dilated or grouped convolutions cannot be factorised"
            )
        down = nn.Conv1d(
            layer.in_channels,
            rank,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            bias=False,
        )
        up = nn.Conv1d(rank, layer.out_channels, 1, bias=bias)
    else:
        down = nn.Linear(layer.in_features, rank, bias=False)
        up = nn.Linear(rank, layer.out_features, bias=bias)
    return nn.Sequential(down, up)


@torch.no_grad()
def factorize_(pair, layer, moments=None):
    """Sets a low-rank pair to the best approximation of a layer.

    Arguments
    ---------
    pair : torch.nn.Sequential
        As ``low_rank_layer`` builds it; changed in place.
    layer : torch.nn.Linear or torch.nn.Conv1d
        The layer to approximate.
    moments : torch.Tensor
        Second moments of its inputs, [in, in], as ``input_moments`` sums them
        up; by default all directions count the same.

    Returns
    -------
    torch.nn.Sequential
        The pair.

    Example
    -------
    >>> layer = nn.Linear(8, 8)
    >>> pair = factorize_(low_rank_layer(layer, rank=8), layer)
    >>> x = torch.rand(2, 8)
    >>> torch.allclose(pair(x), layer(x), atol=1e-5)
    True
    """
    weight = layer.weight.flatten(1).double()
    if moments is None:
        moments = torch.eye(weight.shape[1], device=weight.device)
    root, inverse_root = _roots(moments.double())
    u, s, vh = torch.linalg.svd(weight @ root, full_matrices=False)
    down, up = pair
    rank = down.weight.shape[0]
    # The square root of the singular values goes to each factor, so that both
    # train at the same pace.
    scale = s[:rank].sqrt()
    down.weight.copy_(
        (scale[:, None] * vh[:rank] @ inverse_root).view_as(down.weight)
    )
    up.weight.copy_((u[:, :rank] * scale).view_as(up.weight))
    if layer.bias is not None:
        up.bias.copy_(layer.bias)
    return pair


def input_moments(layer, x):
    """Sums the outer products of a layer's inputs.

    Arguments
    ---------
    layer : torch.nn.Linear or torch.nn.Conv1d
        The layer.
    x : torch.Tensor
        Its input: [..., in] for a linear layer, [batch, channels, time] for a
        convolution.

    Returns
    -------
    torch.Tensor
        [in, in], where a convolution's "in" is channels times kernel size.

    Example
    -------
    >>> input_moments(nn.Linear(2, 3), torch.tensor([[1.0, 2.0]]))
    tensor([[1., 2.],
            [2., 4.]])
    """
    if isinstance(layer, nn.Conv1d):
        x = nn.functional.pad(x, 2 * layer.padding)
        x = x.unfold(2, layer.kernel_size[0], layer.stride[0])
        x = x.transpose(1, 2)  # [batch, time, channels, kernel]
        x = x.flatten(2)
    x = x.flatten(0, -2)
    return x.T @ x


def _roots(moments, ridge=1e-4):
    """The square root of a symmetric matrix and its inverse."""
    moments = moments / moments.diagonal().mean()
    values, vectors = torch.linalg.eigh(moments)
    values = values.clamp(min=0) + ridge
    root = (vectors * values.sqrt()) @ vectors.T
    return root, (vectors * values.rsqrt()) @ vectors.T
