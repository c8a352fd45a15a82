"""Smaller vocabularies for pretrained text encoders.

In a small encoder most parameters are the vectors of words, and most words
never occur in a task.
"""

import json
import string
from collections import Counter

import tokenizers
from torch import nn

# Any word of a Latin script can be spelled with these.
CHARACTERS = set(string.printable) | {chr(code) for code in range(0xA1, 0x180)}


def prune_vocabulary(encoder, texts, size):
    """Keeps the words that a text encoder meets most often.

    Other words are spelled from the pieces that are left, down to single
    characters. Tokenizer and encoder are changed in place.

    Arguments
    ---------
    encoder : TextEncoder
        Its tokenizer must be a WordPiece one, as BERT's.
    texts : iterable of str
        Texts of the task, the training part only.
    size : int
        Number of tokens to keep.

    Raises
    ------
    ValueError
        If the tokenizer is of another kind, or the size is less than the
        special tokens and characters need.

    Example
    -------
    >>> from transformers import BertTokenizer
    >>> from speechbrain_emotion.lobes.text_encoder import TextEncoder
    >>> from speechbrain_emotion.lobes.tokenizer import TextTokenizer
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    >>> words += ["sad", "sadly", "s", "##a", "##d", "##l", "##y"]
    >>> tokenizer = TextTokenizer()
    >>> tokenizer.backend = BertTokenizer(
    ...     vocab={word: index for index, word in enumerate(words)}
    ... ).backend_tokenizer
    >>> encoder = TextEncoder(
    ...     config={"model_type": "bert", "vocab_size": 12, "hidden_size": 12},
    ...     tokenizer=tokenizer,
    ... )
    >>> prune_vocabulary(encoder, ["sad sad sadly"], size=11)
    >>> encoder.model.config.vocab_size
    11
    >>> encoder.tokenizer.backend.encode("sadly").tokens[1:3]
    ['sad', '##l']
    """
    description = json.loads(encoder.tokenizer.backend.to_str())
    if description["model"]["type"] != "WordPiece":
        raise ValueError(
            "only a WordPiece vocabulary can be pruned, not one of type "
            f"{description['model']['type']}"
        )
    vocabulary = description["model"]["vocab"]
    kept = _choose(encoder.tokenizer.backend, vocabulary, texts, size)
    description["model"]["vocab"] = {
        token: index for index, token in enumerate(kept)
    }
    encoder.tokenizer.backend = tokenizers.Tokenizer.from_str(
        json.dumps(description)
    )
    _select_vectors(encoder.model, [vocabulary[token] for token in kept])


def _choose(backend, vocabulary, texts, size):
    """The tokens to keep, in the order of the vocabulary."""
    special = backend.get_added_tokens_decoder()
    count = Counter()
    for text in backend.encode_batch(list(texts)):
        count.update(text.ids)
    # Other files name the special tokens by index: up to the last of them
    # every token stays where it is.
    needed = {
        token
        for token, index in vocabulary.items()
        if index <= max(special) or token.removeprefix("##") in CHARACTERS
    }
    if size < len(needed):
        raise ValueError(
            f"a vocabulary of {size} tokens is too small: special tokens and "
            f"characters alone are {len(needed)}"
        )
    others = [token for token in vocabulary if token not in needed]
    others.sort(key=lambda token: -count[vocabulary[token]])
    kept = needed.union(others[: size - len(needed)])
    return sorted(kept, key=vocabulary.get)


def _select_vectors(model, indexes):
    """Keeps the word vectors of some indexes."""
    old = model.get_input_embeddings()
    new = nn.Embedding(
        len(indexes),
        old.embedding_dim,
        padding_idx=old.padding_idx,
        _weight=old.weight.detach()[indexes].clone(),
    )
    model.set_input_embeddings(new)
    model.config.vocab_size = len(indexes)
