"""Fusion of speech and text into one vector per utterance.

Every fusion takes two padded sequences with their relative lengths. A length
of 0 says that the modality is missing for this utterance: nobody gave a text,
or there is no audio. A sequence may also have a single step, such as the CLS
vector of a text. What lies in the padding, or in the place of a missing
modality, is never read.

The tokens of a text may have weights between 0 and 1: how far each is to be
trusted. The text is then their weighted mean, and what it contributes is
scaled by the mean of the weights, the *trust*: with 1 the result is that
without weights, and as the weights go to 0 it goes to that without a text.
"""

import torch
from torch import nn

from speechbrain_emotion.nnet.cross_attention import CrossAttention
from speechbrain_emotion.nnet.lengths import valid_mask
from speechbrain_emotion.nnet.pooling import MeanPooling, mean_weight
from speechbrain_emotion.nnet.standardization import Standardization


class PooledFusion(nn.Module):
    """Base of the fusions that average each modality over time first.

    A subclass implements ``_fuse``.

    Arguments
    ---------
    speech_size : int
        Dimension of a frame.
    text_size : int
        Dimension of a token.
    output_size : int
        Dimension of the fused vector.
    """

    def __init__(self, speech_size, text_size, output_size):
        super().__init__()
        self.speech_size = speech_size
        self.text_size = text_size
        self.output_size = output_size
        self.pool_speech = MeanPooling(speech_size)
        self.pool_text = MeanPooling(text_size)

    def forward(self, speech, speech_lens, text, text_lens, text_weights=None):
        """Pools and fuses a batch.

        Arguments
        ---------
        speech : torch.Tensor
            Frames, [batch, frames, speech_size].
        speech_lens : torch.Tensor
            Relative lengths, [batch]; 0 where there is no speech.
        text : torch.Tensor
            Tokens, [batch, tokens, text_size].
        text_lens : torch.Tensor
            Relative lengths, [batch]; 0 where there is no text.
        text_weights : torch.Tensor
            How far each token is trusted, [batch, tokens], from 0 to 1; by
            default 1.

        Returns
        -------
        torch.Tensor
            Fused vectors, [batch, output_size].
        """
        return self._fuse(
            self.pool_speech(speech, speech_lens),
            _is_present(speech, speech_lens),
            self.pool_text(text, text_lens, text_weights),
            _trust(text, text_lens, text_weights),
        )

    def _fuse(self, speech, has_speech, text, trust):
        """Fuses pooled vectors, [batch, dim], zeros where one is missing.

        The presence of speech is bool, [batch, 1]; the trust in the text is
        a number from 0, where it is missing, to 1, [batch, 1].
        """
        raise NotImplementedError


class ConcatFusion(PooledFusion):
    """Pooled speech and pooled text side by side.

    A missing modality is zeros, and text goes to zeros with its trust.

    Reference: Pan et al., SoftwareX 34, 2026, 102677, mode "concat".

    Arguments
    ---------
    speech_size : int
        Dimension of a frame.
    text_size : int
        Dimension of a token. The output size is the sum of both.
    standardize : list of str
        Of which modalities, "speech" and "text", each dimension is brought to
        mean 0 and variance 1 by the statistics of the training data. Zeros
        are then the mean of what is missing, and a linear head answers from
        the other modality as if it were alone.

    Raises
    ------
    ValueError
        If there is no such modality.

    Example
    -------
    >>> speech = torch.tensor([[[1.0], [3.0]], [[5.0], [5.0]]])
    >>> text = torch.tensor([[[7.0, 8.0]], [[float("nan")] * 2]])
    >>> fusion = ConcatFusion(speech_size=1, text_size=2)
    >>> fusion(speech, torch.ones(2), text, torch.tensor([1.0, 0.0]))
    tensor([[2., 7., 8.],
            [5., 0., 0.]])
    """

    def __init__(self, speech_size, text_size, standardize=()):
        super().__init__(speech_size, text_size, speech_size + text_size)
        if not isinstance(standardize, list | tuple) or not (
            {*standardize} <= {"speech", "text"}
        ):
            raise ValueError(
                f"standardize={standardize!r}: expected a list of 'speech', "
                "'text', both or none"
            )
        self.standardize_speech = self.standardize_text = None
        if "speech" in standardize:
            self.standardize_speech = Standardization(speech_size)
        if "text" in standardize:
            self.standardize_text = Standardization(text_size)

    def _fuse(self, speech, has_speech, text, trust):
        if self.standardize_speech is not None:
            speech = self.standardize_speech(speech, has_speech.squeeze(-1))
        if self.standardize_text is not None:
            text = self.standardize_text(text, trust.squeeze(-1) > 0)
        return torch.cat([speech, trust * text], dim=-1)


class MeanFusion(PooledFusion):
    """Mean of pooled speech and pooled text.

    Where one of them is missing, the other stands alone; where both are, the
    result is zeros. The text counts as much as it is trusted; alone, it goes
    to zeros with its trust.

    Reference: Pan et al., SoftwareX 34, 2026, 102677, mode "mean".

    Arguments
    ---------
    speech_size : int
        Dimension of a frame; also the output size.
    text_size : int
        Dimension of a token; the same.

    Raises
    ------
    ValueError
        If the two sizes differ.

    Example
    -------
    >>> speech = torch.tensor([[[1.0], [3.0]], [[5.0], [5.0]]])
    >>> text = torch.tensor([[[8.0]], [[float("nan")]]])
    >>> fusion = MeanFusion(speech_size=1, text_size=1)
    >>> fusion(speech, torch.ones(2), text, torch.tensor([1.0, 0.0]))
    tensor([[5.],
            [5.]])
    """

    def __init__(self, speech_size, text_size):
        _check_equal(speech_size, text_size, type(self).__name__)
        super().__init__(speech_size, text_size, speech_size)

    def _fuse(self, speech, has_speech, text, trust):
        return (speech + trust * text) / (has_speech + trust).clamp(min=1)


class MultiHeadFusion(PooledFusion):
    """The attention of the published UMUTeam models, over pooled vectors.

    Each of the heads attends from text to speech, and with the layers named
    "reverse" from speech to text; both add the value once more as a residual.
    The pooled vectors are sequences of length 1. The softmax over a single
    key is 1, so each direction is v + v, whatever query and key are. Hence
    ``Wq``, ``Wk``, ``Wq_reverse``, ``Wk_reverse`` and ``norm``, which act on
    queries and keys alone, are never called. They are here because the
    published checkpoints hold them, and frozen because no gradient would
    ever reach them.

    This is what the published model computes for one clip. For a batch its
    own code attends across the clips, a defect: here no clip sees another.
    For attention between frames and tokens see ``CrossAttentionFusion``.

    The value of a missing modality is zeros, and that of text goes to zeros
    with its trust. Dropout is applied to the
    heads' outputs, before ``proj``.

    Reference: Pan et al., SoftwareX 34, 2026, 102677, mode "multihead".

    Arguments
    ---------
    speech_size : int
        Dimension of a frame; also the output size.
    text_size : int
        Dimension of a token; the same.
    num_heads : int
        Number of heads, each as wide as the input.
    dropout : float
        Dropout probability, in training only.

    Raises
    ------
    ValueError
        If the two sizes differ.

    Example
    -------
    >>> fusion = MultiHeadFusion(speech_size=8, text_size=8)
    >>> frames, cls = torch.rand(2, 10, 8), torch.rand(2, 1, 8)
    >>> fusion(frames, torch.tensor([1.0, 0.5]), cls, torch.ones(2)).shape
    torch.Size([2, 8])
    """

    def __init__(self, speech_size, text_size, num_heads=8, dropout=0.3):
        _check_equal(speech_size, text_size, type(self).__name__)
        super().__init__(speech_size, text_size, speech_size)
        self.heads = nn.ModuleList(
            _FullWidthHead(speech_size) for _ in range(num_heads)
        )
        self.dropout = nn.Dropout(dropout)
        self.proj = nn.Linear(num_heads * speech_size, speech_size)

    def _fuse(self, speech, has_speech, text, trust):
        heads = [head(speech, has_speech, text, trust) for head in self.heads]
        return self.proj(self.dropout(torch.cat(heads, dim=-1)))


class _FullWidthHead(nn.Module):
    """One head of ``MultiHeadFusion``, with the published names."""

    def __init__(self, size):
        super().__init__()
        self.Wq = nn.Linear(size, size)
        self.Wk = nn.Linear(size, size)
        self.Wv = nn.Linear(size, size)
        self.Wq_reverse = nn.Linear(size, size)
        self.Wk_reverse = nn.Linear(size, size)
        self.Wv_reverse = nn.Linear(size, size)
        self.linear_out = nn.Linear(2 * size, size)
        self.norm = nn.LayerNorm(size)
        # A trainable parameter without a gradient stops distributed training.
        for layer in (
            self.Wq,
            self.Wk,
            self.Wq_reverse,
            self.Wk_reverse,
            self.norm,
        ):
            layer.requires_grad_(False)

    def forward(self, speech, has_speech, text, trust):
        """Takes what ``_fuse`` takes; gives [batch, size]."""
        # The bias must not stand in for a missing modality.
        v = self.Wv(speech).masked_fill(~has_speech, 0.0)
        v_reverse = trust * self.Wv_reverse(text)
        # Attention over a single key gives v, and the residual adds v.
        return self.linear_out(2 * torch.cat([v, v_reverse], dim=-1))


class CrossAttentionFusion(nn.Module):
    """Attention between frames and tokens, in both directions.

    Both modalities are projected to a common width. Every frame attends to
    the tokens and every token to the frames, each with residual and
    LayerNorm; the means of the frames and of the tokens come out side by
    side. Positions are not encoded here: the encoders' outputs know theirs.

    Where one modality is missing, its half is zeros, and the other half is
    what the other modality gives alone: the attention adds exactly zero. A
    token's weight multiplies what is paid to it of the frames' attention;
    what the frames take from the text, and the half of the text, go to zeros
    with the trust in it.

    Reference: Vaswani et al., "Attention Is All You Need", NeurIPS 2017;
    Tsai et al., "Multimodal Transformer for Unaligned Multimodal Language
    Sequences", ACL 2019.

    Arguments
    ---------
    speech_size : int
        Dimension of a frame.
    text_size : int
        Dimension of a token.
    attention_size : int
        The common width; the output size is twice that.
    num_heads : int
        Number of heads, a divisor of ``attention_size``.
    dropout : float
        Dropout probability of the attentions' outputs, in training only.

    Raises
    ------
    ValueError
        If the heads cannot share the attention size equally.

    Example
    -------
    >>> fusion = CrossAttentionFusion(8, 6, attention_size=4, num_heads=2)
    >>> frames, tokens = torch.rand(2, 10, 8), torch.rand(2, 3, 6)
    >>> frame_lens, token_lens = torch.tensor([[1.0, 0.5], [1.0, 0.0]])
    >>> fusion(frames, frame_lens, tokens, token_lens).shape
    torch.Size([2, 8])
    """

    def __init__(
        self,
        speech_size,
        text_size,
        attention_size=256,
        num_heads=4,
        dropout=0.1,
    ):
        super().__init__()
        self.speech_size = speech_size
        self.text_size = text_size
        self.output_size = 2 * attention_size
        self.project_speech = nn.Linear(speech_size, attention_size)
        self.project_text = nn.Linear(text_size, attention_size)
        sizes = (attention_size, num_heads, dropout)
        self.speech_to_text = CrossAttention(*sizes)
        self.text_to_speech = CrossAttention(*sizes)
        self.pool = MeanPooling(attention_size)

    def forward(self, speech, speech_lens, text, text_lens, text_weights=None):
        """Fuses a batch.

        Arguments
        ---------
        speech : torch.Tensor
            Frames, [batch, frames, speech_size].
        speech_lens : torch.Tensor
            Relative lengths, [batch]; 0 where there is no speech.
        text : torch.Tensor
            Tokens, [batch, tokens, text_size].
        text_lens : torch.Tensor
            Relative lengths, [batch]; 0 where there is no text.
        text_weights : torch.Tensor
            How far each token is trusted, [batch, tokens], from 0 to 1; by
            default 1.

        Returns
        -------
        torch.Tensor
            Fused vectors, [batch, output_size]: speech, then text.
        """
        speech_mask = valid_mask(speech_lens, speech.shape[1])
        text_mask = valid_mask(text_lens, text.shape[1])
        # Cleared before the first layer: a NaN would spoil its gradient.
        speech = self.project_speech(_clear_padding(speech, speech_mask))
        text = self.project_text(_clear_padding(text, text_mask))
        fused_speech = self.speech_to_text(
            speech, text, text_mask, text_weights
        )
        fused_text = self.text_to_speech(text, speech, speech_mask)
        pooled_speech = self.pool(fused_speech, speech_lens)
        pooled_text = self.pool(fused_text, text_lens, text_weights)
        trust = _trust(text, text_lens, text_weights)
        return torch.cat([pooled_speech, trust * pooled_text], dim=-1)


def _is_present(x, lens):
    """Says which items have any valid step, [batch, 1], bool."""
    return valid_mask(lens, x.shape[1]).any(dim=1, keepdim=True)


def _trust(text, text_lens, weights):
    """Says how far each text is trusted, [batch, 1]; 0 where it is missing."""
    mask = valid_mask(text_lens, text.shape[1])
    if weights is None:
        weights = mask.float()
    return mean_weight(weights, mask).to(text.dtype)


def _clear_padding(x, mask):
    """Zeroes the padded steps, whatever they hold."""
    return x.masked_fill(~mask.unsqueeze(-1), 0.0)


def _check_equal(speech_size, text_size, name):
    """Refuses modalities of different widths."""
    if speech_size != text_size:
        raise ValueError(
            f"{name} needs speech and text of equal width, but "
            f"speech_size={speech_size} and text_size={text_size}: project "
            "one of them to the other's width."
        )
