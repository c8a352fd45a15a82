"""The vectors of texts, and of parts of texts, read in their sentences."""

import bisect
import math

import torch

from speechbrain_emotion.nnet.lengths import true_lengths


def read_texts(text_encoder, texts, weigh=False):
    """Reads texts, none twice, however many parts of it are meant.

    A part gets the vectors of the tokens that share a character with its
    words; none, where the encoder has cut these off. A whole text gets all.

    Arguments
    ---------
    text_encoder : torch.nn.Module
        ``texts -> (vectors, lens)``, e.g. ``TextEncoder``. For parts and for
        weights it also has ``offsets``, as that.
    texts : list of str or Passage
        At least one.
    weigh : bool
        Whether weights are wanted.

    Returns
    -------
    vectors : list of torch.Tensor
        For each text [tokens, dim].
    weights : list of torch.Tensor
        For each text [tokens]: how sure the transcriber is of each token's
        word, between 0 and 1; of several words, or none (special tokens), the
        mean. Texts that nobody transcribed, and all unless weights are
        wanted, have ones.

    Example
    -------
    >>> from speechbrain_emotion.dataio.transcript import Transcript
    >>> from speechbrain_emotion.dataio.words import Word
    >>> class Letters(torch.nn.Module):
    ...     def forward(self, texts):
    ...         codes = torch.tensor([[*map(ord, text)] for text in texts])
    ...         return codes.unsqueeze(-1), torch.ones(len(texts))
    ...
    ...     def offsets(self, texts):
    ...         return [[(i, i + 1) for i in range(len(t))] for t in texts]
    >>> words = [Word("so", 0.0, 0.5), Word("sad", 0.5, 1.0, confidence=0.25)]
    >>> sad = Transcript("so sad", words).passage(start=0.5)
    >>> vectors, weights = read_texts(Letters(), ["so sad", sad], weigh=True)
    >>> [x.flatten().tolist() for x in vectors]
    [[115, 111, 32, 115, 97, 100], [115, 97, 100]]
    >>> weights
    [tensor([1., 1., 1., 1., 1., 1.]), tensor([0.2500, 0.2500, 0.2500])]
    """
    contexts = [text if isinstance(text, str) else text.text for text in texts]
    rows = range(len(texts))
    if not text_encoder.training:  # where each row has its own dropout
        distinct = {text: i for i, text in enumerate(dict.fromkeys(contexts))}
        rows = [distinct[text] for text in contexts]
        contexts = list(distinct)
    vectors, lens = text_encoder(contexts)
    counts = true_lengths(lens, vectors.shape[1]).tolist()
    looked_up = [_needs_offsets(text, weigh) for text in texts]
    offsets = text_encoder.offsets(contexts) if any(looked_up) else None
    read = [
        _pick(text, vectors[row, : counts[row]], offsets[row])
        if look_up
        else _take_all(vectors[row, : counts[row]])
        for text, row, look_up in zip(texts, rows, looked_up)
    ]
    return tuple(map(list, zip(*read)))


def _needs_offsets(text, weigh):
    """Whether it matters which word a token is of."""
    if isinstance(text, str):
        return False
    return not text.is_whole or (weigh and len(text.words) > 0)


def _take_all(vectors):
    """All tokens of a text, each with weight 1."""
    return vectors, torch.ones(len(vectors), device=vectors.device)


def _pick(passage, vectors, offsets):
    """The tokens of a passage and their weights."""
    starts, ends = zip(*passage.offsets)
    confidences = [word.confidence for word in passage.words]
    # The words that each token shares a character with.
    shared = [
        confidences[
            bisect.bisect_right(ends, a) : bisect.bisect_left(starts, b)
        ]
        for a, b in offsets
    ]
    if not passage.is_whole:
        kept = [i for i, confidences in enumerate(shared) if confidences]
        vectors, shared = vectors[kept], [shared[i] for i in kept]
    weights = [
        math.fsum(found) / len(found) if found else passage.confidence
        for found in shared
    ]
    return vectors, torch.tensor(weights, device=vectors.device)
