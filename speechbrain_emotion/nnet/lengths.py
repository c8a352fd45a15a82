"""Relative lengths and the masks made from them.

SpeechBrain describes padding by *relative lengths*: a tensor [batch] with
each item's share of the longest one. Here every true length is the rounded
product, so that no float error ever adds or drops a step.
"""

import torch

from speechbrain.dataio.dataio import length_to_mask


def true_lengths(lens, size):
    """Turns relative lengths into numbers of valid steps.

    Arguments
    ---------
    lens : torch.Tensor
        Relative lengths, [batch], each in [0, 1].
    size : int
        Number of steps of the padded batch.

    Returns
    -------
    torch.Tensor
        Number of valid steps of each item, [batch], int64.

    Example
    -------
    >>> true_lengths(torch.tensor([1.0, 1 / 3]), 30)
    tensor([30, 10])
    """
    # float64: a float32 product is off by one step from 2**24 steps on. On
    # the CPU, because not every device has float64.
    steps = torch.round(lens.to("cpu", torch.float64) * size).long()
    return steps.to(lens.device)


def full_lengths(x):
    """Gives every item of a batch its full length.

    Arguments
    ---------
    x : torch.Tensor
        A batch, [batch, ...].

    Returns
    -------
    torch.Tensor
        Ones, [batch], on the device of ``x``.

    Example
    -------
    >>> full_lengths(torch.rand(2, 16000))
    tensor([1., 1.])
    """
    return torch.ones(x.shape[0], device=x.device)


def valid_mask(lens, size):
    """Marks the valid steps of a padded batch.

    Arguments
    ---------
    lens : torch.Tensor
        Relative lengths, [batch].
    size : int
        Number of steps of the padded batch.

    Returns
    -------
    torch.Tensor
        [batch, size], bool, True where the step is valid.

    Example
    -------
    >>> valid_mask(torch.tensor([1.0, 0.5]), 4)
    tensor([[ True,  True,  True,  True],
            [ True,  True, False, False]])
    """
    lengths = true_lengths(lens, size)
    return length_to_mask(lengths, max_len=size, dtype=torch.bool)
