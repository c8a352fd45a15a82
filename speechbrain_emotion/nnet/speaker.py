"""Moving the voice of a speaker to where the voices of all speakers are."""

import torch
import torch.distributed as dist
from torch import nn


class SpeakerNormalization(nn.Module):
    """Takes what is a speaker's own out of utterance embeddings.

    The mean of a speaker's embeddings is moved to the mean of the training
    data. It is estimated from few utterances and may be off, the more so if
    they are of one emotion; so it is shrunk towards no change, as if
    ``prior_utterances`` had been at the mean of the training data. Without a
    profile an embedding stays as it is.

    Where speech stands beside text, as in ``ConcatFusion``, it is what the
    first ``input_size`` dimensions hold, and only they are normalised. Zeros
    there mean that nothing was heard, and stay.

    It is the mean part of speaker-wise normalisation (C. Busso, A. Metallinou
    and S. Narayanan, "Iterative feature normalization for emotional speech
    detection", ICASSP 2011), shrunk as in MAP adaptation (D. Reynolds et al.,
    "Speaker verification using adapted Gaussian mixture models", Digital
    Signal Processing 10, 2000). SpeechBrain's ``InputNormalization`` works on
    frames, neither shrinks nor gives its statistics away, and its speaker
    mode is deprecated.

    Arguments
    ---------
    input_size : int
        Dimension of the embeddings, or of what is speech in them.
    prior_utterances : float
        The number of utterances for which half of a speaker's difference is
        taken out.

    Raises
    ------
    ValueError
        If ``prior_utterances`` is not positive.

    Example
    -------
    >>> normalize = SpeakerNormalization(1, prior_utterances=1)
    >>> _ = normalize(torch.tensor([[1.0], [3.0]]))  # training data
    >>> high = torch.tensor([[6.0], [6.0]])
    >>> means, counts = torch.tensor([[6.0], [6.0]]), torch.tensor([0, 3])
    >>> normalize.eval()(high, (means, counts))
    tensor([[6.],
            [3.]])
    """

    def __init__(self, input_size, prior_utterances=8):
        super().__init__()
        if not 0 < prior_utterances < float("inf"):
            raise ValueError(
                f"prior_utterances={prior_utterances!r}: give a positive number"
            )
        self.input_size = input_size
        self.prior_utterances = prior_utterances
        self.register_buffer("mean", torch.zeros(input_size))
        self.register_buffer("n_batches", torch.tensor(0))

    def forward(self, embeddings, profiles=None):
        """Normalises a batch; in training it also learns the mean.

        Arguments
        ---------
        embeddings : torch.Tensor
            [batch, dim], the first ``input_size`` dimensions of speech.
        profiles : tuple of torch.Tensor
            The mean embedding of each row's speaker, [batch, input_size], and
            of how many utterances it is, [batch]; rows with 0 stay as they
            are. None: all do.

        Returns
        -------
        torch.Tensor
            [batch, dim].
        """
        speech = embeddings[:, : self.input_size]
        heard = speech.any(dim=1, keepdim=True)
        if self.training:
            self._learn(speech.detach()[heard.squeeze(1)])
        if profiles is None:
            return embeddings
        # In the precision of the mean: float16 counts to 65,504 only.
        means, counts = (tensor.to(self.mean) for tensor in profiles)
        counts = counts.unsqueeze(1)
        weights = counts / (counts + self.prior_utterances)
        moved = speech + weights * (self.mean - means)
        moved = torch.where(
            heard & (counts > 0), moved.to(speech.dtype), speech
        )
        return torch.cat([moved, embeddings[:, self.input_size :]], dim=1)

    def _learn(self, speech):
        """Averages the means of all training batches that are finite."""
        total = speech.to(self.mean).sum(dim=0)
        total = torch.cat([total, total.new_tensor([len(speech)])])
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(total)  # the batches of all processes are one
        mean = total[:-1] / total[-1]
        # Mixed precision may overflow in a batch, whose step is left out too.
        usable = mean.isfinite().all()
        self.n_batches += usable
        step = (mean - self.mean) / self.n_batches.clamp(min=1)
        self.mean += torch.where(usable, step, 0.0)
