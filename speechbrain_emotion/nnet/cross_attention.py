"""Attention of one sequence to another."""

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from speechbrain_emotion.nnet.pooling import mean_weight


class CrossAttention(nn.Module):
    """Multi-head attention to another sequence, residual and LayerNorm.

    Unlike in ``torch.nn.MultiheadAttention``, which can give NaN, an item
    with nothing to attend to gets an attention of exactly zero: only the
    residual goes through the LayerNorm. As the weights of all that there is
    to attend to go to 0, so does the attention.

    Reference: Vaswani et al., "Attention Is All You Need", NeurIPS 2017.

    Arguments
    ---------
    size : int
        Dimension of a step of either sequence.
    num_heads : int
        Number of heads, a divisor of ``size``.
    dropout : float
        Dropout probability of the attention's output, in training only.

    Raises
    ------
    ValueError
        If the heads cannot share the dimensions equally.

    Example
    -------
    >>> attend = CrossAttention(8, num_heads=2, dropout=0.1)
    >>> frames, tokens = torch.rand(1, 10, 8), torch.rand(1, 3, 8)
    >>> attend(frames, tokens, torch.tensor([[True, True, False]])).shape
    torch.Size([1, 10, 8])
    """

    def __init__(self, size, num_heads, dropout):
        super().__init__()
        if size % num_heads:
            raise ValueError(
                f"{num_heads} heads cannot share {size} dimensions equally: "
                "the attention size must be a multiple of num_heads."
            )
        self.num_heads = num_heads
        self.query = nn.Linear(size, size)
        self.key = nn.Linear(size, size)
        self.value = nn.Linear(size, size)
        self.out = nn.Linear(size, size)
        self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, memory, memory_mask, memory_weights=None):
        """Attends from each step of ``x`` to the valid steps of ``memory``.

        Arguments
        ---------
        x : torch.Tensor
            The steps that ask, [batch, steps, size].
        memory : torch.Tensor
            The steps attended to, [batch, keys, size]; finite in the padding
            too.
        memory_mask : torch.Tensor
            [batch, keys], bool, True where a step of ``memory`` is valid.
        memory_weights : torch.Tensor
            What each step counts, [batch, keys], from 0 to 1. They share out
            the attention, and their mean scales what comes of it. By default
            1.

        Returns
        -------
        torch.Tensor
            [batch, steps, size].
        """
        query = self._split(self.query(x))
        counts = memory_mask
        if memory_weights is not None:
            counts = counts & (memory_weights > 0)
        nothing = ~counts.any(dim=1).view(-1, 1, 1)
        # Whether a softmax over no key at all is NaN depends on the kernel
        # that torch chooses. So where nothing counts everything is let in,
        # and what comes out is dropped.
        mask = (counts | nothing.squeeze(-1))[:, None, None, :]
        if memory_weights is not None:
            # The softmax multiplies by what is the logarithm here.
            log_weights = memory_weights.masked_fill(~counts, 1.0).log()
            mask = torch.where(mask, log_weights[:, None, None, :], -torch.inf)
            mask = mask.to(query.dtype)
        attended = scaled_dot_product_attention(
            query,
            self._split(self.key(memory)),
            self._split(self.value(memory)),
            attn_mask=mask,
        )
        attended = self.out(attended.transpose(1, 2).flatten(2))
        attended = attended.masked_fill(nothing, 0.0)
        if memory_weights is not None:
            trust = mean_weight(memory_weights, memory_mask).to(attended.dtype)
            attended = trust.unsqueeze(-1) * attended
        return self.norm(x + self.dropout(attended))

    def _split(self, x):
        """Gives each head its dimensions, [batch, heads, steps, size]."""
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
