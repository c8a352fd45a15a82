"""Attention of one sequence to another."""

from torch import nn
from torch.nn.functional import scaled_dot_product_attention


class CrossAttention(nn.Module):
    """Multi-head attention to another sequence, residual and LayerNorm.

    Unlike in ``torch.nn.MultiheadAttention``, which can give NaN, an item
    with nothing to attend to gets an attention of exactly zero: only the
    residual goes through the LayerNorm.

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
    >>> import torch
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

    def forward(self, x, memory, memory_mask):
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

        Returns
        -------
        torch.Tensor
            [batch, steps, size].
        """
        nothing = ~memory_mask.any(dim=1).view(-1, 1, 1)
        # Whether a softmax over no key at all is NaN depends on the kernel
        # that torch chooses. So where nothing is valid everything is let in,
        # and what comes out is dropped.
        mask = memory_mask[:, None, None, :] | nothing.unsqueeze(-1)
        attended = scaled_dot_product_attention(
            self._split(self.query(x)),
            self._split(self.key(memory)),
            self._split(self.value(memory)),
            attn_mask=mask,
        )
        attended = self.out(attended.transpose(1, 2).flatten(2))
        attended = attended.masked_fill(nothing, 0.0)
        return self.norm(x + self.dropout(attended))

    def _split(self, x):
        """Gives each head its dimensions, [batch, heads, steps, size]."""
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
