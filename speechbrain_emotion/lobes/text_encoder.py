"""BERT and its relatives as text encoders."""

import torch
from torch.nn.utils.rnn import pad_sequence

from speechbrain.dataio.dataio import length_to_mask
from speechbrain.integrations.huggingface import textencoder
from speechbrain_emotion.lobes.pretrained_encoder import PretrainedEncoder
from speechbrain_emotion.lobes.text_cache import TextCache
from speechbrain_emotion.lobes.tokenizer import TextTokenizer


class TextEncoder(PretrainedEncoder, textencoder.TextEncoder):
    """Text encoder such as BERT: a vector for each token, or for the text.

    It extends SpeechBrain's lobe by truncation at the model's maximum, true
    lengths and strict loading. Batches are padded to their longest text
    only, and a text's vectors depend on that text alone.

    Reference: https://arxiv.org/abs/1810.04805

    Arguments
    ---------
    source : str
        Hub name, such as "google-bert/bert-base-uncased", or local folder
        with config, weights and tokenizer.
    save_path : str
        Cache folder of downloads. None: Hugging Face's own cache.
    config : dict
        Fields of the Hugging Face config, ``model_type`` among them, for a
        model with random weights. Exactly one of source and config is given.
    load_weights : bool
        If False, only config and tokenizer of the source are read, and the
        weights have no defined values until a Pretrainer or Checkpointer
        loads them.
    freeze : bool
        If True, the encoder stays in evaluation mode and gets no gradient.
    output : str
        "cls": the vector of the first token, which stands for the whole text.
        "tokens": the vectors of all tokens.
    num_layers : int
        Keeps only the first layers. None: all.
    tokenizer : TextTokenizer
        By default that of the source.
    gradient_checkpointing : bool
        If True, saves memory in training by computing activations twice.
    lora : dict
        LoRA adapters: rank, target_layers (wildcards such as
        "encoder.layer.*.query"), alpha. Only they are then trained.
    cached_texts : int
        Number of texts whose vectors are kept, on the CPU, while the encoder
        is frozen: no text is then read twice. Each is read on its own, so
        that training goes on the same after an interruption; the first time
        costs more than in a batch. 0: none.

    Raises
    ------
    ValueError
        If arguments contradict each other, or if a checkpoint does not fit.
    FileNotFoundError
        If a local folder holds no weights in Hugging Face's format.

    Example
    -------
    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> tokenizer = TextTokenizer()
    >>> tokenizer.backend = Tokenizer(
    ...     models.WordLevel({"[PAD]": 0, "so": 1, "sad": 2})
    ... )
    >>> tokenizer.backend.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> tokenizer.backend.enable_padding(pad_id=0, pad_token="[PAD]")
    >>> encoder = TextEncoder(
    ...     config={
    ...         "model_type": "bert",
    ...         "vocab_size": 3,
    ...         "hidden_size": 32,
    ...         "num_hidden_layers": 1,
    ...         "num_attention_heads": 4,
    ...         "intermediate_size": 64,
    ...     },
    ...     output="tokens",
    ...     tokenizer=tokenizer,
    ... )
    >>> vectors, lens = encoder(["so so so sad", "sad"])
    >>> vectors.shape
    torch.Size([2, 4, 32])
    >>> lens
    tensor([1.0000, 0.2500])
    """

    # The pooler is dropped; the others are heads of pretrained or fine-tuned
    # models, and constants in files of old versions.
    optional_tensors = (
        "pooler.",
        "bert.pooler.",
        "roberta.pooler.",
        "cls.",
        "lm_head.",
        "vocab_transform.",
        "vocab_layer_norm.",
        "vocab_projector.",
        "discriminator_predictions.",
        "generator_predictions.",
        "generator_lm_head.",
        "classifier.",
        "embeddings.position_ids",
        "bert.embeddings.position_ids",
        "roberta.embeddings.position_ids",
    )

    def __init__(
        self,
        source=None,
        save_path=None,
        config=None,
        load_weights=True,
        freeze=False,
        output="cls",
        num_layers=None,
        tokenizer=None,
        gradient_checkpointing=False,
        lora=None,
        cached_texts=0,
    ):
        if output not in ("cls", "tokens"):
            raise ValueError(f"output={output!r}: expected 'cls' or 'tokens'.")
        if config is not None and tokenizer is None:
            raise ValueError(
                "TextEncoder(config=...) needs a `tokenizer`: a config names "
                "no vocabulary."
            )
        # The interface reads it while it loads.
        self.given_tokenizer = tokenizer
        self.save_path = save_path
        self.cache = TextCache(cached_texts) if cached_texts else None
        super().__init__(
            source=source,
            save_path=save_path,
            config=config,
            load_weights=load_weights,
            freeze=freeze,
            gradient_checkpointing=gradient_checkpointing,
            lora=lora,
            num_layers=num_layers,
        )
        del self.given_tokenizer
        self.output = output
        self.output_size = self.model.config.hidden_size
        self.tokenizer.truncate(self.max_tokens)

    def forward(self, texts):
        """Encodes texts.

        Arguments
        ---------
        texts : list of str
            The texts, which may be empty.

        Returns
        -------
        vectors : torch.Tensor
            [batch, tokens, output_size], zeros in the padding; the number of
            tokens is 1 where the output is "cls".
        lens : torch.Tensor
            Relative lengths, [batch].
        """
        ids, lengths = self.tokenizer(texts)
        if self.cache is not None and self.freeze:
            vectors = self._cached(ids, lengths)
        else:
            vectors = self._encode(ids, lengths)
        if self.output == "cls":
            return vectors, vectors.new_ones(len(vectors))
        return vectors, (lengths / ids.shape[1]).to(vectors.device)

    def offsets(self, texts):
        """Finds the characters that the vectors stand for.

        Arguments
        ---------
        texts : list of str
            The texts.

        Returns
        -------
        list of list of (int, int)
            For each text its vectors, without padding: the first character
            and the one behind the last. These are all where the output is
            "cls", and none for special tokens.
        """
        if self.output == "cls":
            return [[(0, len(text))] for text in texts]
        return self.tokenizer.offsets(texts)

    def _encode(self, ids, lengths):
        """Vectors of token ids, zeros in the padding."""
        ids, lengths = ids.to(self.device), lengths.to(self.device)
        mask = length_to_mask(lengths, ids.shape[1], dtype=torch.bool)
        trains = torch.is_grad_enabled() and not self.freeze
        with torch.set_grad_enabled(trains):
            output = self.model(
                ids, attention_mask=mask.long(), return_dict=True
            )
        vectors = output.last_hidden_state
        if self.output == "cls":
            return vectors[:, :1]
        return vectors.masked_fill(~mask.unsqueeze(-1), 0.0)

    def _cached(self, ids, lengths):
        """The same, but no text is read twice."""
        device = self.device.type
        precision = torch.get_autocast_dtype(device)
        if not torch.is_autocast_enabled(device):
            precision = None
        keys = [
            (self.output, precision, *row[:length])
            for row, length in zip(ids.tolist(), lengths.tolist())
        ]
        vectors = self.cache.look_up(keys, self.model, self._encode_alone)
        return pad_sequence(vectors, batch_first=True).to(self.device)

    # What is kept must serve training, too.
    @torch.inference_mode(False)
    def _encode_alone(self, key):
        """Vectors of one text, [tokens, output_size]."""
        _, _, *ids = key
        ids = torch.tensor([ids])
        return self._encode(ids, torch.tensor([ids.shape[1]]))[0]

    def _apply(self, *args, **kwargs):
        """Moved or converted, as by ``to``: other vectors from now on."""
        if self.cache is not None:
            self.cache.forget()
        return super()._apply(*args, **kwargs)

    @property
    def max_tokens(self):
        """The longest text that the model can read, in tokens."""
        # RoBERTa and its kin count positions from behind the padding token.
        padding = getattr(self.model.embeddings, "padding_idx", None)
        shift = 0 if padding is None else padding + 1
        return self.model.config.max_position_embeddings - shift

    @property
    def device(self):
        """The device of the weights."""
        return next(self.model.parameters()).device

    def truncate(self, keep_layers):
        """Keeps only the first layers.

        Arguments
        ---------
        keep_layers : int
            Their number.
        """
        n_layers = self.model.config.num_hidden_layers
        if not 1 <= keep_layers <= n_layers:
            raise ValueError(
                f"num_layers={keep_layers}: the encoder has {n_layers} layers."
            )
        super().truncate(keep_layers)
        self.model.config.num_hidden_layers = keep_layers

    def export_arguments(self):
        """Gives the arguments that rebuild this architecture offline.

        Returns
        -------
        dict
            Arguments of the constructor, in plain Python types that go into
            JSON or YAML. Weights are in ``state_dict()``.
        """
        arguments = super().export_arguments()
        if self.model_type is None:
            arguments["config"]["model_type"] = self.model.config.model_type
        return {**arguments, "num_layers": None}

    def load_tokenizer(self, source, **_):
        """Loads the tokenizer, where none was given.

        Arguments
        ---------
        source : str
            Hub name or local folder.
        **_
            Not used.
        """
        if self.given_tokenizer is not None:
            self.tokenizer = self.given_tokenizer
        else:
            self.tokenizer = TextTokenizer(source, self.save_path)

    def _from_pretrained(self, *args, **kwargs):
        """Builds the model without its pooler, which nothing uses."""
        super()._from_pretrained(*args, **kwargs)
        if getattr(self.model, "pooler", None) is not None:
            self.model.pooler = None
