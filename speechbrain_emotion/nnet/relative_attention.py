"""Self-attention with relative keys, exact, in memory linear in time.

The score of query i and key j is q_i . (k_j + e_{j - i}), where the distance
j - i is clamped to the range that has embeddings. Written down as it stands,
this takes a tensor [query, key, head dimension] of embeddings. Here the
queries are multiplied with the few embeddings there are, and the products put
in their places: a row of the bias holds them in order, one key further right
from query to query, with the outermost repeated to both ends. Queries are
taken in blocks, so that no tensor [query, key] exists as a whole.

Reference: Shaw et al., "Self-Attention with Relative Position
Representations", NAACL 2018.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers.masking_utils import AttentionMaskInterface

# Name of this attention in a config of transformers.
ATTENTION = "speechbrain_emotion_blocks"

# Queries in a block times bytes of a number: what was fastest.
BLOCK_BYTES = 512


class RelativeKeyAttention(nn.Module):
    """Multi-head self-attention with embeddings of clamped distances.

    Its parameters are named as those of Wav2Vec2-BERT in transformers.

    Arguments
    ---------
    input_size : int
        Dimension of a frame, of the queries and of the values.
    num_heads : int
        Number of heads, among which it is divided.
    max_left : int
        Greatest distance to a key before the query, in frames; those further
        away count as that far.
    max_right : int
        The same to a key after it.
    dropout : float
        Dropout of the attention weights in training.

    Example
    -------
    >>> attention = RelativeKeyAttention(8, 2, max_left=2, max_right=1)
    >>> mask = torch.tensor([[True, True, True], [True, False, False]])
    >>> attention(torch.rand(2, 3, 8), mask)[0].shape
    torch.Size([2, 3, 8])
    """

    def __init__(self, input_size, num_heads, max_left, max_right, dropout=0.0):
        super().__init__()
        self.num_heads = num_heads
        self.max_left = max_left
        self.dropout = dropout
        self.linear_q = nn.Linear(input_size, input_size)
        self.linear_k = nn.Linear(input_size, input_size)
        self.linear_v = nn.Linear(input_size, input_size)
        self.linear_out = nn.Linear(input_size, input_size)
        self.distance_embedding = nn.Embedding(
            max_left + 1 + max_right, input_size // num_heads
        )

    def forward(self, hidden_states, attention_mask=None, **_):
        """Lets each frame attend to all frames of its clip.

        Arguments
        ---------
        hidden_states : torch.Tensor
            Frames, [batch, time, input_size].
        attention_mask : torch.Tensor
            True where a frame is no padding, [batch, time]. None: all.
        **_
            Not used: what transformers passes to other attentions.

        Returns
        -------
        frames : torch.Tensor
            [batch, time, input_size].
        weights : None
            They never exist as a whole.
        """
        q, k, v = (
            linear(hidden_states).unflatten(-1, (self.num_heads, -1))
            for linear in (self.linear_q, self.linear_k, self.linear_v)
        )
        frames = relative_key_attention(
            *(x.transpose(1, 2) for x in (q, k, v)),
            self.distance_embedding.weight,
            self.max_left,
            attention_mask,
            self.dropout if self.training else 0.0,
        )
        return self.linear_out(frames.transpose(1, 2).flatten(2)), None


def relative_key_attention(
    q, k, v, embeddings, max_left, mask=None, dropout=0.0
):
    """Attends with relative keys, block of queries by block.

    Arguments
    ---------
    q : torch.Tensor
        Queries, [batch, heads, time, dim].
    k : torch.Tensor
        Keys, [batch, heads, time, dim].
    v : torch.Tensor
        Values, [batch, heads, time, dim].
    embeddings : torch.Tensor
        Embeddings of the distances -max_left, ..., 0, 1, ..., [distances,
        dim].
    max_left : int
        Greatest distance to the left.
    mask : torch.Tensor
        True where a key is no padding, [batch, time]. None: all.
    dropout : float
        Share of the attention weights that are dropped.

    Returns
    -------
    torch.Tensor
        [batch, heads, time, dim].

    Example
    -------
    >>> q, k, v = torch.rand(3, 1, 2, 5, 4)
    >>> zero = torch.zeros(3, 4)  # no relative keys: plain attention
    >>> x = relative_key_attention(q, k, v, zero, max_left=1)
    >>> y = F.scaled_dot_product_attention(q, k, v)
    >>> torch.allclose(x, y, atol=1e-6)
    True
    """
    n_heads, n_frames = q.shape[1:3]
    if mask is not None and mask.shape != (len(q), n_frames):
        raise ValueError(
            f"a mask has the shape [batch, time], here {[len(q), n_frames]}, "
            f"not {list(mask.shape)}"
        )
    embeddings = embeddings.to(q.dtype).T
    tracked = torch.is_grad_enabled() and any(
        x.requires_grad for x in (q, k, v, embeddings)
    )
    q, k, v = (x.flatten(0, 1) for x in (q, k, v))
    padding = None
    if mask is not None:
        padding = ~mask.bool().repeat_interleave(n_heads, 0).unsqueeze(1)
    size = BLOCK_BYTES // q.element_size()
    blocks = []
    for start in range(0, n_frames, size):
        arguments = (
            q[:, start : start + size],
            k,
            v,
            embeddings,
            start - max_left,
            padding,
            dropout,
        )
        # In training the scores are computed again rather than kept.
        blocks.append(
            checkpoint(_attend, *arguments, use_reentrant=False)
            if tracked
            else _attend(*arguments)
        )
    return torch.cat(blocks, dim=1).unflatten(0, (-1, n_heads))


def _attend(q, k, v, embeddings, offset, padding, dropout):
    """Attention of a block of queries to all keys, [rows, time, dim]."""
    scale = q.shape[-1] ** -0.5
    bias = _spread((q * scale) @ embeddings, offset, k.shape[1])
    if padding is not None:
        bias = bias.masked_fill(padding, torch.finfo(bias.dtype).min)
    if q.is_cuda:
        return F.scaled_dot_product_attention(
            q, k, v, bias, dropout_p=dropout, scale=scale
        )
    # On a CPU two products and a softmax outrun the fused kernel.
    scores = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=scale)
    return F.dropout(scores.softmax(dim=-1), dropout) @ v


def _mask_as_it_is(attention_mask=None, **_):
    """Gives the attention the mask [batch, time], not [query, key]."""
    return attention_mask


# Here, so that a model that was pickled finds it as well.
AttentionMaskInterface.register(ATTENTION, _mask_as_it_is)


def _spread(products, offset, n_keys):
    """Puts products of queries and embeddings in the places of their keys.

    Arguments
    ---------
    products : torch.Tensor
        [..., queries, distances].
    offset : int
        Position of the first query minus the greatest distance to the left.
    n_keys : int
        Number of keys.

    Returns
    -------
    torch.Tensor
        [..., queries, keys].

    Example
    -------
    >>> products = torch.tensor([[10, 11, 12], [20, 21, 22]])
    >>> _spread(products, offset=0, n_keys=5)  # the first query at key 1
    tensor([[10, 11, 12, 12, 12],
            [20, 20, 21, 22, 22]])
    """
    *batch, n_queries, n_distances = products.shape
    # Rows in which every query finds its part, the last query's first key at
    # the beginning.
    width = n_keys + n_queries
    left = offset + n_queries - 1
    right = width - left - n_distances
    inner = products[..., max(-left, 0) : n_distances - max(-right, 0)]
    rows = torch.cat(
        (
            products[..., :1].expand(*batch, n_queries, max(left, 0)),
            inner,
            products[..., -1:].expand(*batch, n_queries, max(right, 0)),
        ),
        dim=-1,
    )
    # From row to row one column less: a view that starts one further left.
    rows = rows.flatten(-2)[..., n_queries - 1 : -1]
    return rows.unflatten(-1, (n_queries, width - 1))[..., :n_keys]
