"""The decoder of Whisper, reading what nobody said.

Reference: https://arxiv.org/abs/2212.04356
"""

from speechbrain_emotion.lobes.text_encoder import TextEncoder
from speechbrain_emotion.lobes.whisper import keep_layers

# A model built from its config gets the smallest encoder there can be: it is
# dropped anyway.
NO_ENCODER = {
    "encoder_layers": 0,
    "max_source_positions": 1,
    "num_mel_bins": 1,
}

DECODER_FIELDS = (
    "activation_dropout",
    "activation_function",
    "attention_dropout",
    "d_model",
    "decoder_attention_heads",
    "decoder_ffn_dim",
    "decoder_layers",
    "dropout",
    "init_std",
    "max_target_positions",
    "pad_token_id",
    "scale_embedding",
    "vocab_size",
)


class WhisperTextEncoder(TextEncoder):
    """Text encoder out of Whisper's decoder: a vector for each token.

    The decoder is a language model of 99 languages, which here sees a text
    and no speech: its attention to the encoder is dropped. Each token's
    vector depends on those before it only. Where no BERT of a language is at
    hand, or a Whisper model is anyway, it is a small text encoder; inner
    layers say more of the content than the last, which predicts the next
    token.

    Reference: https://arxiv.org/abs/2212.04356

    Arguments
    ---------
    source : str
        Hub name, such as "openai/whisper-base", or local folder with config,
        weights and tokenizer.
    num_layers : int
        Keeps only that many layers, from the first on, and leaves out the
        normalisation behind the last one. None: all.
    **kwargs
        See ``TextEncoder``; all vectors are given, there is no "cls".

    Raises
    ------
    ValueError
        If arguments contradict each other, or if a checkpoint does not fit.
    FileNotFoundError
        If a local folder holds no weights in Hugging Face's format.

    Example
    -------
    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> from speechbrain_emotion.lobes.tokenizer import TextTokenizer
    >>> tokenizer = TextTokenizer()
    >>> tokenizer.backend = Tokenizer(
    ...     models.WordLevel({"<|endoftext|>": 0, "qué": 1, "pena": 2})
    ... )
    >>> tokenizer.backend.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> tokenizer.backend.enable_padding(pad_id=0, pad_token="<|endoftext|>")
    >>> encoder = WhisperTextEncoder(
    ...     config={
    ...         "vocab_size": 3,
    ...         "pad_token_id": 0,
    ...         "d_model": 32,
    ...         "decoder_layers": 2,
    ...         "decoder_attention_heads": 4,
    ...         "decoder_ffn_dim": 64,
    ...     },
    ...     num_layers=1,
    ...     tokenizer=tokenizer,
    ... )
    >>> vectors, lens = encoder(["qué pena", "qué"])
    >>> vectors.shape
    torch.Size([2, 2, 32])
    >>> lens
    tensor([1.0000, 0.5000])
    """

    model_type = "whisper"
    # The encoder is not used; heads of fine-tuned models are not either.
    optional_tensors = ("encoder.", "proj_out.", "projector.", "classifier.")
    config_fields = DECODER_FIELDS

    def __init__(self, source=None, config=None, num_layers=None, **kwargs):
        self.num_layers = num_layers
        if config is not None:
            config = {**_no_special_tokens(config), **config, **NO_ENCODER}
        super().__init__(
            source=source, config=config, output="tokens", **kwargs
        )

    @property
    def max_tokens(self):
        """The longest text that the model can read, in tokens."""
        return self.model.config.max_target_positions

    def export_arguments(self):
        """Gives the arguments that rebuild this architecture offline.

        Returns
        -------
        dict
            Arguments of the constructor, in plain Python types that go into
            JSON or YAML. Weights are in ``state_dict()``.
        """
        arguments = super().export_arguments()
        if self.num_layers is not None:
            arguments["num_layers"] = self.num_layers
            arguments["config"]["decoder_layers"] = self.all_layers
        return arguments

    def _from_pretrained(self, *args, **kwargs):
        """Builds the decoder, without what is not wanted of it."""
        super()._from_pretrained(*args, **kwargs)
        self.model = self.model.decoder
        self.model.config.use_cache = False
        if self.num_layers is not None:
            self.all_layers = keep_layers(
                self.model, self.model.config, self.num_layers, "decoder"
            )
        for layer in self.model.layers:
            # It is skipped where there is nothing to attend to.
            del layer.encoder_attn, layer.encoder_attn_layer_norm


def _no_special_tokens(config):
    """Token numbers that are there in any vocabulary."""
    names = ("pad", "bos", "eos", "decoder_start")
    padding = config.get("pad_token_id", 0)
    return {f"{name}_token_id": padding for name in names}
