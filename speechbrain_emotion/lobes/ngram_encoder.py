"""Words and their character n-grams: a text encoder without pretraining."""

import re
import zlib

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

# Words, and signs of which emotion makes use ("?!", "...").
TOKEN = re.compile(r"\w+|[^\w\s]+")
KEPT_TOKENS = 100_000  # whose n-grams are remembered


class NgramEncoder(nn.Module):
    """Turns texts into one vector per word, from scratch and in any language.

    The vector of a word is the mean of the vectors of the word itself, of the
    word together with the one before it, and of its character n-grams. Words
    never seen in training are recognised by what they share with others.
    N-grams are told apart by a hash, so that there is no vocabulary to make.

    References: P. Bojanowski et al., "Enriching Word Vectors with Subword
    Information", TACL 5, 2017, https://arxiv.org/abs/1607.04606; A. Joulin et
    al., "Bag of Tricks for Efficient Text Classification", EACL 2017,
    https://arxiv.org/abs/1607.01759.

    Arguments
    ---------
    embedding_dim : int
        Dimension of the vectors.
    n_buckets : int
        Number of vectors that are learned. N-grams whose hashes agree share
        one.
    shortest : int
        Length of the shortest character n-grams, the marks of a word's
        beginning and end included.
    longest : int
        Length of the longest.
    dropout : float
        In training, the share of n-grams that are left out.

    Raises
    ------
    ValueError
        If there are no n-grams of such lengths.

    Example
    -------
    >>> encoder = NgramEncoder(embedding_dim=8, n_buckets=1000)
    >>> vectors, lens = encoder(["¡Estoy muy feliz!", "Feliz"])
    >>> vectors.shape
    torch.Size([2, 5, 8])
    >>> lens
    tensor([1.0000, 0.2000])
    """

    def __init__(
        self,
        embedding_dim=64,
        n_buckets=131_072,
        shortest=3,
        longest=5,
        dropout=0.0,
    ):
        super().__init__()
        if not 1 <= shortest <= longest:
            raise ValueError(
                f"shortest={shortest}, longest={longest}: n-grams have at "
                "least one character, and the longest are not shorter than "
                "the shortest"
            )
        self.output_size = embedding_dim
        self.n_buckets = n_buckets
        self.lengths = range(shortest, longest + 1)
        self.dropout = dropout
        self.model = nn.EmbeddingBag(n_buckets, embedding_dim, mode="sum")
        nn.init.normal_(self.model.weight, std=0.05)
        self.known = {}

    def forward(self, texts):
        """Computes the vectors of a batch of texts.

        Arguments
        ---------
        texts : list of str
            The texts.

        Returns
        -------
        vectors : torch.Tensor
            [batch, words, dim].
        lens : torch.Tensor
            Relative lengths, [batch].
        """
        bags = [self._bags(text) for text in texts]
        counts = torch.tensor([len(words) for words in bags])
        flat = [torch.tensor(bag) for words in bags for bag in words]
        sizes = torch.tensor([0, *map(len, flat[:-1])])
        indexes = torch.cat(flat)
        lengths = torch.tensor([len(bag) for bag in flat])
        weights = (1 / lengths).repeat_interleave(lengths)
        if self.training and self.dropout:
            kept = torch.rand(len(indexes)) >= self.dropout
            weights = weights * kept / (1 - self.dropout)
        device = self.model.weight.device
        vectors = self.model(
            indexes.to(device),
            sizes.cumsum(0).to(device),
            per_sample_weights=weights.to(self.model.weight),
        )
        vectors = pad_sequence(vectors.split(counts.tolist()), batch_first=True)
        return vectors, (counts / counts.max()).to(device)

    def offsets(self, texts):
        """Says where in the text each word is.

        Arguments
        ---------
        texts : list of str
            The texts.

        Returns
        -------
        list of list of tuple of int
            For each vector first character and the one after the last.
        """
        return [[m.span() for m in _words(text)] or [(0, 0)] for text in texts]

    def export_arguments(self):
        """Gives the arguments that rebuild the encoder.

        Returns
        -------
        dict
            Arguments of the constructor.
        """
        return {
            "embedding_dim": self.output_size,
            "n_buckets": self.n_buckets,
            "shortest": self.lengths[0],
            "longest": self.lengths[-1],
        }

    def _bags(self, text):
        """For each word of a text the indexes of its vectors."""
        words = [match.group().lower() for match in _words(text)] or [""]
        before = ["", *words[:-1]]
        return [
            [*self._ngrams(word), self._index(f"{previous} {word}")]
            for previous, word in zip(before, words)
        ]

    def _ngrams(self, word):
        """The indexes of a word and its n-grams."""
        if word not in self.known:
            if len(self.known) >= KEPT_TOKENS:
                self.known.clear()
            marked = f"<{word}>"
            ngrams = {
                marked[start : start + length]
                for length in self.lengths
                for start in range(len(marked) - length + 1)
            }
            grams = sorted({*ngrams, marked})
            self.known[word] = [self._index(gram) for gram in grams]
        return self.known[word]

    def _index(self, gram):
        """The vector of an n-gram."""
        return zlib.crc32(gram.encode()) % self.n_buckets


def _words(text):
    """The words and signs of a text, as matches."""
    return list(TOKEN.finditer(text))
