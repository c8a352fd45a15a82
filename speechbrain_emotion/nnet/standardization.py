"""Standardisation by the statistics of training data."""

import torch
import torch.nn.functional as F
from torch import nn


class Standardization(nn.BatchNorm1d):
    """Brings each dimension to mean 0 and variance 1, where there is data.

    The statistics are averages over all training batches, of the rows that
    have data. The other rows become zeros, which are then the mean of those
    that have.

    Arguments
    ---------
    input_size : int
        Number of dimensions.

    Example
    -------
    >>> standardize = Standardization(1)
    >>> x, there = torch.tensor([[1.0], [3.0], [9.0]]), [True, True, False]
    >>> standardize(x, torch.tensor(there)).flatten()
    tensor([-1.0000,  1.0000,  0.0000])
    >>> standardize.eval().running_mean
    tensor([2.])
    """

    def __init__(self, input_size):
        super().__init__(input_size, affine=False, momentum=None)

    def forward(self, x, there):
        """Standardises a batch.

        Arguments
        ---------
        x : torch.Tensor
            [batch, input_size].
        there : torch.Tensor
            Which rows have data, [batch], bool.

        Returns
        -------
        torch.Tensor
            [batch, input_size].
        """
        data = x[there]
        if self.training and len(data) < 2:
            # One row has no variance: as in evaluation.
            data = F.batch_norm(data, self.running_mean, self.running_var)
        else:
            data = super().forward(data)
        standardized = torch.zeros_like(x)
        standardized[there] = data.to(x.dtype)
        return standardized


class FrozenStandardization(nn.Module):
    """Standardises by statistics that another training has learned.

    They are those of a head that was trained on the same frozen encoder, such
    as ``LinearHead``, and are loaded into this module by its names for them.
    Nothing changes them: what has been standardised once stays so.

    Arguments
    ---------
    input_size : int
        Number of dimensions.

    Raises
    ------
    ValueError
        When it is called before statistics have been loaded.

    Example
    -------
    >>> standardize = FrozenStandardization(1)
    >>> head = nn.BatchNorm1d(1, affine=False, momentum=None)
    >>> _ = head(torch.tensor([[1.0], [3.0]]))
    >>> _ = standardize.load_state_dict(head.state_dict())
    >>> frames = torch.tensor([[[2.0], [4.0]]])
    >>> standardize(frames).flatten()
    tensor([0.0000, 1.4142])
    """

    def __init__(self, input_size):
        super().__init__()
        self.in_features = self.out_features = input_size
        self.register_buffer("running_mean", torch.zeros(input_size))
        self.register_buffer("running_var", torch.ones(input_size))
        self.register_buffer("num_batches_tracked", torch.tensor(0))
        self.eps = 1e-5  # as BatchNorm1d

    def forward(self, x):
        """Standardises the last dimension.

        Arguments
        ---------
        x : torch.Tensor
            [..., input_size].

        Returns
        -------
        torch.Tensor
            The same shape.
        """
        if self.num_batches_tracked == 0:
            raise ValueError(
                "FrozenStandardization has no statistics: load those of a "
                "head that was trained on the same encoder, whose names begin "
                "with 'classifier.standardize.'"
            )
        scale = (self.running_var + self.eps).rsqrt()
        return (x - self.running_mean) * scale
