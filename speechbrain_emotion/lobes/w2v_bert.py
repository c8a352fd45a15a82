"""Wav2Vec2-BERT as a speech encoder, with features computed in torch.

Reference: https://arxiv.org/abs/2312.05187
"""

from speechbrain.dataio.dataio import length_to_mask
from speechbrain.integrations.huggingface.w2v_bert import W2VBert
from speechbrain_emotion.lobes.speech_encoder import SpeechEncoder
from speechbrain_emotion.nnet.fbank import StackedFbank
from speechbrain_emotion.nnet.lengths import true_lengths


class W2VBertEncoder(SpeechEncoder, W2VBert):
    """Wav2Vec2-BERT encoder: one frame each 20 ms.

    It extends SpeechBrain's lobe by exact masks, features computed on the
    waveforms' device with gradient, and strict loading. A clip's frames
    depend on that clip alone. It takes at most 160 s at once.

    Reference: https://arxiv.org/abs/2312.05187

    Arguments
    ---------
    source : str
        Hub name, such as "facebook/w2v-bert-2.0", or local folder with
        config and weights.
    save_path : str
        Cache folder of downloads. None: Hugging Face's own cache.
    config : dict
        Fields of ``transformers.Wav2Vec2BertConfig``, for a model with random
        weights, built without any file. Exactly one of source and config is
        given.
    load_weights : bool
        If False, only the config of the source is read, and the weights have
        no defined values until a Pretrainer or Checkpointer loads them.
    freeze : bool
        If True, the encoder stays in evaluation mode and gets no gradient.
    layer : str, int or list of int
        "last", the index of a hidden state (0 is the input of the first
        layer), several of them to be put side by side, or "weighted" for a
        learned mixture of all hidden states.
        Layer drop is used with "last" only.
    gradient_checkpointing : bool
        If True, saves memory in training by computing activations twice.
    lora : dict
        LoRA adapters: rank, target_layers (wildcards such as
        "encoder.layers.*.linear_q"), alpha. Only they are then trained.

    Raises
    ------
    ValueError
        If arguments contradict each other, or if a checkpoint does not fit.
    FileNotFoundError
        If a local folder holds no weights in Hugging Face's format.

    Example
    -------
    >>> import torch
    >>> encoder = W2VBertEncoder(
    ...     config={
    ...         "hidden_size": 32,
    ...         "num_hidden_layers": 2,
    ...         "num_attention_heads": 4,
    ...         "intermediate_size": 64,
    ...     }
    ... )
    >>> wavs = torch.randn(2, 16000)
    >>> frames, frame_lens = encoder(wavs, torch.tensor([1.0, 0.5]))
    >>> frames.shape
    torch.Size([2, 49, 32])
    >>> (frame_lens * 49).round().int()
    tensor([49, 24], dtype=torch.int32)
    """

    model_type = "wav2vec2-bert"
    min_samples = StackedFbank.min_samples
    max_samples = StackedFbank.max_samples
    # The vector of SpecAugment, which is off, and heads of fine-tuned models.
    optional_tensors = (
        "masked_spec_embed",
        "lm_head.",
        "projector.",
        "classifier.",
        "mult_attn_model.",
    )

    def __init__(
        self,
        source=None,
        save_path=None,
        config=None,
        load_weights=True,
        freeze=False,
        layer="last",
        gradient_checkpointing=False,
        lora=None,
    ):
        super().__init__(
            source=source,
            save_path=save_path,
            config=config,
            load_weights=load_weights,
            freeze=freeze,
            layer=layer,
            gradient_checkpointing=gradient_checkpointing,
            lora=lora,
            sample_rate=self.sample_rate,
        )
        # A feature of the model is a pair of mel frames.
        features = self.model.config.feature_projection_input_dim
        self.fbank = StackedFbank(n_mels=features // 2)

    def _features(self, wavs, n_samples):
        """Pairs of log-mel frames, and their numbers."""
        features, lens = self.fbank(wavs, n_samples / wavs.shape[1])
        return features, true_lengths(lens, features.shape[1])

    def _encode(self, features, n_frames):
        """Hidden states, each [batch, frames, dim], and numbers of frames."""
        # A clip alone needs no mask.
        mask = None
        if (n_frames < features.shape[1]).any():
            mask = length_to_mask(n_frames, features.shape[1])
        output = self.model(
            features.to(self.model.dtype),
            attention_mask=mask,
            output_hidden_states=self.layer != "last",
            return_dict=True,
        )
        if self.layer == "last":
            return [output.last_hidden_state], n_frames
        return output.hidden_states, n_frames

    def override_config(self, config):
        """Refuses what would break the contracts of an encoder.

        Arguments
        ---------
        config : transformers.Wav2Vec2BertConfig
            The config that was read.

        Returns
        -------
        transformers.Wav2Vec2BertConfig
            The config to use.
        """
        config = super().override_config(config)
        if config.add_adapter:
            raise ValueError(
                "A Wav2Vec2-BERT with add_adapter=True is not supported: "
                "the convolutions of its adapter read padded frames."
            )
        if self.layer != "last":
            config.layerdrop = 0.0  # a dropped layer has no hidden state
        return config

    def load_feature_extractor(self, source, cache_dir, **_):
        """Loads nothing: the features are computed by ``fbank``.

        Arguments
        ---------
        source : str
            Not used.
        cache_dir : str
            Not used.
        **_
            Not used.
        """
        self.feature_extractor = None
