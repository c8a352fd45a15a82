"""Learned mixture of the layers of a pretrained encoder.

What a task needs is often strongest in the middle layers of an encoder, not
in the last one. SUPERB's remedy is to learn one weight per layer.
Reference: https://arxiv.org/abs/2105.01051
"""

import torch
from torch import nn


class LayerMixing(nn.Module):
    """Softmax-weighted sum over the hidden states of an encoder.

    The weights start equal. SpeechBrain's ``WeightedSSLModel`` computes the
    same sum, but only inside its own wrapper, which takes no lengths.

    Arguments
    ---------
    n_states : int
        Number of hidden states: the encoder's layers and their input.

    Example
    -------
    >>> import torch
    >>> mixing = LayerMixing(3)
    >>> states = [torch.full((1, 4, 8), float(i)) for i in range(3)]
    >>> mixing(states).shape
    torch.Size([1, 4, 8])
    >>> mixing(states)[0, 0, 0].item()
    1.0
    """

    def __init__(self, n_states):
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(n_states))

    def forward(self, hidden_states):
        """Mixes the hidden states.

        Arguments
        ---------
        hidden_states : sequence of torch.Tensor
            One tensor of any common shape for each state.

        Returns
        -------
        torch.Tensor
            Their weighted sum, in that shape.

        Raises
        ------
        ValueError
            If the number of states is not ``n_states``.
        """
        if len(hidden_states) != len(self.weights):
            raise ValueError(
                f"LayerMixing was built for {len(self.weights)} hidden "
                f"states and was given {len(hidden_states)}."
            )
        shares = torch.softmax(self.weights, dim=0)
        # One at a time: a stack of all layers would double the memory.
        return sum(share * state for share, state in zip(shares, hidden_states))
