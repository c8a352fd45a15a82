"""Pooling of frames into one vector per utterance, over the true lengths.

SpeechBrain's ``StatisticsPooling`` adds random noise, in evaluation too, and
gives NaN for an empty utterance. These poolings are deterministic; they never
read a padded frame, whatever it holds; an empty utterance gives zeros (and
deviations of 1e-5).
"""

import torch
from torch import nn

from speechbrain_emotion.nnet.lengths import valid_mask


def _valid(x, lens):
    """Zeroes the padded frames; returns them and the mask, [batch, time, 1]."""
    mask = valid_mask(lens, x.shape[1]).unsqueeze(-1)
    # masked_fill, not a product: NaN * 0 is NaN.
    return x.masked_fill(~mask, 0.0), mask


def weighted_statistics(x, weights):
    """Computes weighted means and standard deviations over time.

    Arguments
    ---------
    x : torch.Tensor
        Frames, [batch, time, dim]; finite wherever the weight is zero.
    weights : torch.Tensor
        Weights, [batch, time, 1] or [batch, time, dim], which sum to 1 over
        time (or are all 0 for an empty utterance).

    Returns
    -------
    torch.Tensor
        Means and deviations side by side, [batch, 2 * dim].

    Example
    -------
    >>> x = torch.tensor([[[1.0], [3.0]]])
    >>> weighted_statistics(x, torch.full((1, 2, 1), 0.5))
    tensor([[2., 1.]])
    """
    mean = (x * weights).sum(dim=1)
    variance = ((x - mean.unsqueeze(1)) ** 2 * weights).sum(dim=1)
    # The clamp keeps the gradient of the square root finite.
    return torch.cat([mean, variance.clamp(min=1e-10).sqrt()], dim=-1)


def mean_weight(weights, mask):
    """Averages the weights of the valid steps.

    Arguments
    ---------
    weights : torch.Tensor
        [batch, time].
    mask : torch.Tensor
        [batch, time], bool, True where a step is valid.

    Returns
    -------
    torch.Tensor
        [batch, 1]; exactly 1 where all weights are, 0 where no step is valid.

    Example
    -------
    >>> weights = torch.tensor([[1.0, 0.5, torch.nan]])
    >>> mean_weight(weights, torch.tensor([[True, True, False]]))
    tensor([[0.7500]])
    """
    total = weights.masked_fill(~mask, 0.0).sum(dim=1, keepdim=True)
    return total / mask.sum(dim=1, keepdim=True).clamp(min=1)


def _uniform_weights(mask, dtype):
    """Gives every valid frame the same share."""
    return mask.to(dtype) / mask.sum(dim=1, keepdim=True).clamp(min=1)


def _relative_weights(weights, mask):
    """Gives every valid frame its share of the weights; 0 if all are 0."""
    weights = weights.unsqueeze(-1).masked_fill(~mask, 0.0)
    total = weights.sum(dim=1, keepdim=True)
    return weights / total.masked_fill(total == 0, 1.0)


class MeanPooling(nn.Module):
    """Averages the valid frames of each utterance, weighted if wanted.

    Arguments
    ---------
    input_size : int
        Dimension of a frame; also the output size.

    Example
    -------
    >>> x = torch.tensor([[[1.0], [3.0], [float("nan")]]])
    >>> MeanPooling(1)(x, torch.tensor([2 / 3]))
    tensor([[2.]])
    >>> weights = torch.tensor([[0.3, 0.1, 1.0]])
    >>> MeanPooling(1)(x, torch.tensor([2 / 3]), weights)
    tensor([[1.5000]])
    """

    def __init__(self, input_size):
        super().__init__()
        self.input_size = self.output_size = input_size

    def forward(self, x, lens, weights=None):
        """Pools the frames.

        Arguments
        ---------
        x : torch.Tensor
            Frames, [batch, time, dim].
        lens : torch.Tensor
            Relative lengths, [batch].
        weights : torch.Tensor
            What each frame counts beside the others, [batch, time], not
            negative. By default all count the same.

        Returns
        -------
        torch.Tensor
            [batch, dim]; zeros where all weights are 0.
        """
        x, mask = _valid(x, lens)
        if weights is None:
            shares = _uniform_weights(mask, x.dtype)
        else:
            shares = _relative_weights(weights, mask).to(x.dtype)
        return (x * shares).sum(dim=1)


class StatisticsPooling(nn.Module):
    """Means and standard deviations of the valid frames of each utterance.

    Reference: Snyder et al., "X-Vectors: Robust DNN Embeddings for Speaker
    Recognition", ICASSP 2018.

    Arguments
    ---------
    input_size : int
        Dimension of a frame; the output size is twice that.

    Example
    -------
    >>> x = torch.tensor([[[1.0], [3.0], [9.0]]])
    >>> StatisticsPooling(1)(x, torch.tensor([2 / 3]))
    tensor([[2., 1.]])
    """

    def __init__(self, input_size):
        super().__init__()
        self.input_size = input_size
        self.output_size = 2 * input_size

    def forward(self, x, lens):
        """Pools the frames.

        Arguments
        ---------
        x : torch.Tensor
            Frames, [batch, time, dim].
        lens : torch.Tensor
            Relative lengths, [batch].

        Returns
        -------
        torch.Tensor
            [batch, 2 * dim].
        """
        x, mask = _valid(x, lens)
        return weighted_statistics(x, _uniform_weights(mask, x.dtype))


class AttentiveStatisticsPooling(nn.Module):
    """Means and standard deviations weighted by a learned attention.

    Reference: Okabe et al., "Attentive Statistics Pooling for Deep Speaker
    Embedding", Interspeech 2018.

    Arguments
    ---------
    input_size : int
        Dimension of a frame; the output size is twice that.
    attention_size : int
        Width of the hidden layer of the attention.

    Example
    -------
    >>> pool = AttentiveStatisticsPooling(8, attention_size=4)
    >>> pool(torch.rand(2, 10, 8), torch.tensor([1.0, 0.5])).shape
    torch.Size([2, 16])
    """

    def __init__(self, input_size, attention_size=128):
        super().__init__()
        self.input_size = input_size
        self.output_size = 2 * input_size
        self.attention = nn.Sequential(
            nn.Linear(input_size, attention_size),
            nn.Tanh(),
            nn.Linear(attention_size, 1),
        )

    def forward(self, x, lens):
        """Pools the frames.

        Arguments
        ---------
        x : torch.Tensor
            Frames, [batch, time, dim].
        lens : torch.Tensor
            Relative lengths, [batch].

        Returns
        -------
        torch.Tensor
            [batch, 2 * dim].
        """
        x, mask = _valid(x, lens)
        # A finite floor, not -inf: an empty utterance must not give NaN.
        floor = torch.finfo(x.dtype).min
        scores = self.attention(x).masked_fill(~mask, floor)
        weights = scores.softmax(dim=1).masked_fill(~mask, 0.0)
        return weighted_statistics(x, weights)
