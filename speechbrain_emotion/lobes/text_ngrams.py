"""What a text encoder and the words themselves say, side by side."""

import torch
from torch import nn

from speechbrain_emotion.lobes.embedding import TextEmbedding
from speechbrain_emotion.nnet.standardization import Standardization


class TextNgramEmbedding(nn.Module):
    """Turns texts into one embedding each: that of an encoder, and n-grams'.

    A pretrained encoder knows what words mean, n-grams which of them the
    corpus says with which emotion. The encoder's part is brought to mean 0
    and one small variance by the statistics of the training data, whatever
    its scale was.

    Arguments
    ---------
    text_encoder : torch.nn.Module
        ``texts -> (vectors, lens)``, e.g. ``TextEncoder``, mostly frozen.
    ngram_encoder : NgramEncoder
        The words and their character n-grams, from scratch.
    scale : float
        Standard deviation of the encoder's part. The smaller it is, the
        slower a head learns from it, and the less it overfits on few texts.

    Example
    -------
    >>> from speechbrain_emotion.lobes.ngram_encoder import NgramEncoder
    >>> class Length(nn.Module):
    ...     output_size = 1
    ...
    ...     def forward(self, texts):
    ...         lengths = torch.tensor([[[float(len(t))]] for t in texts])
    ...         return lengths, torch.ones(len(texts))
    >>> ngrams = NgramEncoder(embedding_dim=2, n_buckets=100)
    >>> embed = TextNgramEmbedding(Length(), ngrams, scale=0.5)
    >>> embeddings = embed(texts=["no", "nooo"])
    >>> embeddings.shape
    torch.Size([2, 3])
    >>> embeddings[:, 0].detach()
    tensor([-0.5000,  0.5000])
    """

    modalities = ("text",)

    def __init__(self, text_encoder, ngram_encoder, scale=0.05):
        super().__init__()
        self.contextual = TextEmbedding(text_encoder)
        self.ngrams = TextEmbedding(ngram_encoder)
        self.standardize = Standardization(text_encoder.output_size)
        self.scale = scale

    @property
    def encoders(self):
        """The text encoder and that of the n-grams."""
        return self.contextual.encoders + self.ngrams.encoders

    def forward(self, wavs=None, wav_lens=None, texts=None, spans=None):
        """Embeds a batch of texts.

        Arguments
        ---------
        wavs : None
            Not read.
        wav_lens : None
            Not read.
        texts : list of str or Passage
            The texts.
        spans : None
            Not read.

        Returns
        -------
        torch.Tensor
            Embeddings, [batch, text size + n-gram size]; zeros for what the
            encoder has cut off of a text.
        """
        contextual = self.contextual(texts=texts)
        there = contextual.ne(0).any(dim=1)
        contextual = self.scale * self.standardize(contextual, there)
        return torch.cat([contextual, self.ngrams(texts=texts)], dim=1)
