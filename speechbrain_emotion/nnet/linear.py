"""Linear layers that are fast on every CPU."""

import torch
import torch.nn.functional as F
from torch import nn

ONEDNN = torch.backends.mkldnn.is_available()


class OneDnnLinear(nn.Linear):
    """Linear layer that infers with oneDNN's matrix product.

    In float32 torch multiplies with MKL, which uses a fraction of a CPU that
    is not Intel's: on an AMD EPYC the same product takes oneDNN, which comes
    with torch, less than half the time. In half precision torch calls oneDNN
    itself. With gradients, under autocast and on other devices, it is torch's
    own layer.

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
            or torch.is_grad_enabled()
            or torch.is_autocast_enabled("cpu")
            or torch.compiler.is_compiling()
        ):
            return F.linear(x, self.weight, self.bias)
        # What torch.compile makes of a linear layer on the CPU.
        return torch.ops.mkldnn._linear_pointwise(
            x, self.weight, self.bias, "none", [], ""
        )
