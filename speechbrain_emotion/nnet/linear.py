"""Linear layers that are fast on every CPU."""

import torch
import torch.nn.functional as F
from torch import nn

ONEDNN = torch.backends.mkldnn.is_available()
# Smaller products gain little, and lose where other processes keep the
# cores busy: MKL does them on one.
MIN_WEIGHTS = 2**19


class OneDnnLinear(nn.Linear):
    """Linear layer that infers with oneDNN's matrix product.

    In float32 torch multiplies with MKL, which uses a fraction of a CPU that
    is not Intel's: on an AMD EPYC the same product takes oneDNN, which comes
    with torch, less than half the time. In half precision torch calls oneDNN
    itself. With gradients, under autocast, on other devices and for small
    weights it is torch's own layer.

    Arguments
    ---------
    *args, **kwargs
        See ``torch.nn.Linear``.

    Example
    -------
    >>> layer = OneDnnLinear(4, 3)
    >>> x = torch.rand(2, 5, 4)
    >>> with torch.no_grad():
    ...     y = layer(x)
    >>> torch.allclose(y, layer(x), atol=1e-6)
    True
    """

    @classmethod
    def of(cls, layer):
        """Makes a layer of the parameters of another one, not of copies.

        Arguments
        ---------
        layer : torch.nn.Linear
            The other layer.

        Returns
        -------
        OneDnnLinear
        """
        size = layer.in_features, layer.out_features
        new = cls(*size, layer.bias is not None, device="meta")
        new.weight, new.bias = layer.weight, layer.bias
        return new.train(layer.training)

    def forward(self, x):
        """Computes x W^T + b.

        Arguments
        ---------
        x : torch.Tensor
            [..., in_features].

        Returns
        -------
        torch.Tensor
            [..., out_features].
        """
        plain = x.dtype == self.weight.dtype == torch.float32
        if (
            not ONEDNN
            or not plain
            or x.device.type != "cpu"
            or self.weight.numel() < MIN_WEIGHTS
            or torch.is_grad_enabled()
            or torch.is_autocast_enabled("cpu")
            or torch.compiler.is_compiling()
            or torch.jit.is_tracing()
        ):
            return F.linear(x, self.weight, self.bias)
        # oneDNN keeps memory for every number of rows that it ever saw.
        rows = x.reshape(-1, x.shape[-1])
        more = _rounded(len(rows)) - len(rows)
        # What torch.compile makes of a linear layer on the CPU.
        y = torch.ops.mkldnn._linear_pointwise(
            F.pad(rows, (0, 0, 0, more)), self.weight, self.bias, "none", [], ""
        )
        return y[: len(rows)].view(*x.shape[:-1], self.out_features)


def _rounded(number):
    """The next of a few numbers, at most a sixteenth or 31 more."""
    step = max(32, 1 << number.bit_length() - 5 if number > 31 else 0)
    return -(-number // step) * step
