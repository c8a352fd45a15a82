"""Texts to token ids."""

import tokenizers
import torch
from transformers import AutoTokenizer

from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)


@register_checkpoint_hooks
class TextTokenizer:
    """Turns texts into token ids, cut at a limit, padded to the longest.

    It is the tokenizer of a Hugging Face model. Saved, it is one file
    (``tokenizer.json`` of the tokenizers library), which a Pretrainer or
    Checkpointer loads. Calls from several threads are safe.

    Arguments
    ---------
    source : str
        Hub name or local folder. None: ``load`` brings the tokenizer.
    save_path : str
        Cache folder of downloads. None: Hugging Face's own cache.

    Raises
    ------
    FileNotFoundError
        If the source has no vocabulary.

    Example
    -------
    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> words = Tokenizer(models.WordLevel({"[PAD]": 0, "so": 1, "sad": 2}))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> words.enable_padding(pad_id=0, pad_token="[PAD]")
    >>> path = str(getfixture("tmp_path") / "tokenizer.json")
    >>> words.save(path)
    >>> tokenizer = TextTokenizer()
    >>> tokenizer.load(path)
    >>> tokenizer(["so so sad", "sad"])
    (tensor([[1, 1, 2],
            [2, 0, 0]]), tensor([3, 1]))
    """

    def __init__(self, source=None, save_path=None):
        self.backend = None
        self.limit = None
        if source is None:
            return
        pretrained = AutoTokenizer.from_pretrained(
            source, cache_dir=save_path, trust_remote_code=False
        )
        self.backend = pretrained.backend_tokenizer
        special = self.backend.get_added_tokens_decoder()
        if self.backend.get_vocab_size() <= len(special):
            # transformers makes up an empty vocabulary without a word.
            raise FileNotFoundError(
                f"'{source}' holds no vocabulary (tokenizer.json, vocab.txt): "
                "complete the folder"
            )
        # Decoders need not have a token for padding; any will do.
        padding = pretrained.pad_token or pretrained.eos_token
        self.backend.enable_padding(
            pad_id=pretrained.convert_tokens_to_ids(padding), pad_token=padding
        )
        self.truncate(pretrained.model_max_length)

    def truncate(self, limit):
        """Cuts every text after a number of tokens.

        Arguments
        ---------
        limit : int
            Number of tokens, those that mark start and end included. The
            smallest limit given so far holds.

        Raises
        ------
        ValueError
            If there is no room for the marks of start and end.
        """
        if limit < 2:
            raise ValueError(f"limit={limit}: give at least 2 tokens")
        self.limit = limit if self.limit is None else min(limit, self.limit)
        if self.backend is not None:
            # "No limit" comes as an integer that the library cannot hold.
            self.backend.enable_truncation(min(self.limit, 2**31))

    def __call__(self, texts):
        """Tokenizes texts.

        Arguments
        ---------
        texts : list of str
            The texts.

        Returns
        -------
        ids : torch.Tensor
            Token ids, [batch, tokens], padded to the longest text.
        lengths : torch.Tensor
            Number of tokens of each text, [batch].
        """
        batch = self._encode(texts)
        masks = torch.tensor([text.attention_mask for text in batch])
        return torch.tensor([text.ids for text in batch]), masks.sum(dim=1)

    def offsets(self, texts):
        """Finds the characters that the tokens stand for.

        Arguments
        ---------
        texts : list of str
            The texts.

        Returns
        -------
        list of list of (int, int)
            For each text its tokens, without padding: the first character
            and the one behind the last. Those of a token that stands for
            none, such as the mark of the end, are equal.

        Example
        -------
        >>> from tokenizers import Tokenizer, models, pre_tokenizers
        >>> tokenizer = TextTokenizer()
        >>> tokenizer.backend = Tokenizer(models.WordLevel({"so": 1, "sad": 2}))
        >>> tokenizer.backend.pre_tokenizer = pre_tokenizers.Whitespace()
        >>> tokenizer.offsets(["so sad", "sad"])
        [[(0, 2), (3, 6)], [(0, 3)]]
        """
        return [
            text.offsets[: sum(text.attention_mask)]
            for text in self._encode(texts)
        ]

    def _encode(self, texts):
        """What the library says of the texts."""
        if (
            isinstance(texts, str)
            or not texts
            or not all(isinstance(text, str) for text in texts)
        ):
            raise ValueError(
                f"texts must be a list of at least one string; got {texts!r}"
            )
        backend = self._loaded()
        try:
            return backend.encode_batch(list(texts))
        # The library has no errors of its own.
        except Exception as error:
            raise ValueError(
                f"the tokenizer cannot read the texts ({error}): its "
                "vocabulary may be damaged"
            ) from error

    @mark_as_saver
    def save(self, path):
        """Writes the tokenizer as one file.

        Arguments
        ---------
        path : str or Path
            The file, JSON.
        """
        self._loaded().save(str(path))

    @mark_as_loader
    def load(self, path, end_of_epoch=False):
        """Reads what ``save`` wrote.

        Arguments
        ---------
        path : str or Path
            The file.
        end_of_epoch : bool
            Not used; checkpointers give it.
        """
        self.backend = tokenizers.Tokenizer.from_file(str(path))
        saved = self.backend.truncation or {}
        limits = [self.limit, saved.get("max_length")]
        if any(limits):
            self.truncate(min(limit for limit in limits if limit))

    def _loaded(self):
        """The tokenizer of the library."""
        if self.backend is None:
            raise RuntimeError(
                "the tokenizer is not loaded: give it a `source`, or its file "
                "to the Pretrainer"
            )
        return self.backend
