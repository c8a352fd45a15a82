"""The encoder of Whisper, run on the true length of every clip.

Reference: https://arxiv.org/abs/2212.04356
"""

import torch
import torch.nn.functional as F
from transformers import WhisperFeatureExtractor
from transformers.masking_utils import create_bidirectional_mask
from transformers.models.whisper.modeling_whisper import sinusoids

from speechbrain.dataio.dataio import length_to_mask
from speechbrain.integrations.huggingface.whisper import Whisper
from speechbrain.utils.autocast import fwd_default_precision
from speechbrain_emotion.lobes.low_rank import insert_low_rank
from speechbrain_emotion.lobes.speech_encoder import SpeechEncoder

WINDOW = 400  # 25 ms
HOP = 160  # 10 ms

# A model built from its config gets the smallest decoder there can be: the
# wrapper deletes it anyway.
NO_DECODER = {
    "vocab_size": 1,
    "decoder_layers": 0,
    "max_target_positions": 1,
    "pad_token_id": 0,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "decoder_start_token_id": 0,
}

ENCODER_FIELDS = (
    "activation_dropout",
    "activation_function",
    "attention_dropout",
    "d_model",
    "dropout",
    "encoder_attention_heads",
    "encoder_ffn_dim",
    "encoder_layers",
    "init_std",
    "max_source_positions",
    "num_mel_bins",
)


class WhisperEncoder(SpeechEncoder, Whisper):
    """Whisper encoder: one frame each 20 ms, without padding to 30 s.

    Whisper fills every clip with silence up to 30 s. Here the convolutions
    and the attention see the true length only, so a clip of 3 s costs a
    tenth, and its frames depend on that clip alone. For 30 s of audio the
    result is Whisper's own. The decoder is dropped.

    Reference: https://arxiv.org/abs/2212.04356

    Arguments
    ---------
    source : str
        Hub name, such as "openai/whisper-base", or local folder with config
        and weights.
    save_path : str
        Cache folder of downloads. None: Hugging Face's own cache.
    config : dict
        Fields of ``transformers.WhisperConfig``, for a model with random
        weights, built without any file. Exactly one of source and config is
        given.
    freeze : bool
        If True, the encoder stays in evaluation mode and gets no gradient.
    layer : str, int or list of int
        "last", the index of a hidden state (0 is the input of the first
        layer), several of them to be put side by side, or "weighted" for a
        learned mixture of all hidden states.
    gradient_checkpointing : bool
        If True, saves memory in training by computing activations twice.
    lora : dict
        LoRA adapters: rank, target_layers (wildcards such as
        "encoder.layers.*.q_proj"), alpha. Only they are then trained.
    num_layers : int
        Keeps only that many layers, from the first on, and leaves out the
        normalisation behind the last one. None: all.
    low_rank : dict
        Arguments of ``insert_low_rank``: wildcard of layer names -> rank, as
        {"encoder.layers.*.fc?": 128}. Only together with ``config``.

    Raises
    ------
    ValueError
        If arguments contradict each other, or if a checkpoint does not fit.
    FileNotFoundError
        If a local folder holds no weights in Hugging Face's format.

    Example
    -------
    >>> import torch
    >>> encoder = WhisperEncoder(
    ...     config={
    ...         "d_model": 32,
    ...         "encoder_layers": 2,
    ...         "encoder_attention_heads": 4,
    ...         "encoder_ffn_dim": 64,
    ...     }
    ... )
    >>> wavs = torch.randn(2, 16000)
    >>> frames, frame_lens = encoder(wavs, torch.tensor([1.0, 0.5]))
    >>> frames.shape
    torch.Size([2, 50, 32])
    >>> (frame_lens * 50).round().int()
    tensor([50, 25], dtype=torch.int32)
    """

    model_type = "whisper"
    min_samples = WINDOW
    # The decoder is not used; heads of fine-tuned models are not either.
    optional_tensors = ("decoder.", "proj_out.", "projector.", "classifier.")
    config_fields = ENCODER_FIELDS

    def __init__(
        self,
        source=None,
        save_path=None,
        config=None,
        freeze=False,
        layer="last",
        gradient_checkpointing=False,
        lora=None,
        num_layers=None,
        low_rank=None,
    ):
        if low_rank is not None and config is None:
            raise ValueError(
                "`low_rank` layers have no pretrained weights: build the "
                "encoder from a `config`."
            )
        self.num_layers = num_layers
        self.low_rank = low_rank
        super().__init__(
            source=source,
            save_path=save_path,
            config=None if config is None else {**config, **NO_DECODER},
            freeze=freeze,
            layer=layer,
            gradient_checkpointing=gradient_checkpointing,
            lora=lora,
            encoder_only=True,
        )
        self.max_samples = 2 * HOP * self.model.config.max_source_positions
        # Constants: they do not belong into checkpoints.
        self.register_buffer(
            "_mel_filters", self._mel_filters, persistent=False
        )
        positions = self.model.encoder.embed_positions
        sines = sinusoids(*positions.weight.shape)
        del positions.weight
        positions.register_buffer("weight", sines, persistent=False)

    def count_frames(self, n_samples):
        """Counts the frames of a clip: the last reaches beyond it.

        Arguments
        ---------
        n_samples : int
            Length of the clip.

        Returns
        -------
        int
        """
        return -(-n_samples // self.frame_samples)

    def export_arguments(self):
        """Gives the arguments that rebuild this architecture offline.

        Returns
        -------
        dict
            Arguments of the constructor, in plain Python types that go into
            JSON or YAML. Weights are in ``state_dict()``.
        """
        arguments = super().export_arguments()
        arguments["low_rank"] = self.low_rank
        if self.num_layers is not None:
            arguments["num_layers"] = self.num_layers
            arguments["config"]["encoder_layers"] = self.all_layers
        return arguments

    def load_feature_extractor(self, source, cache_dir, **_):
        """Builds Whisper's feature extractor, whose filters are used.

        Arguments
        ---------
        source : str
            Not used: the config tells all there is to know.
        cache_dir : str
            Not used.
        **_
            Not used.
        """
        self.feature_extractor = WhisperFeatureExtractor(
            feature_size=self.model.config.num_mel_bins
        )

    def _from_pretrained(self, *args, **kwargs):
        """Builds the model, without the layers that are not wanted."""
        super()._from_pretrained(*args, **kwargs)
        if self.num_layers is not None:
            self.all_layers = keep_layers(
                self.model.encoder, self.model.config, self.num_layers
            )
        if self.low_rank is not None:
            insert_low_rank(self.model, self.low_rank)

    def _features(self, wavs, n_samples):
        """Log-mel frames of 10 ms, [batch, time, bins], and their numbers."""
        n_mel = (n_samples + HOP - 1) // HOP
        return self._log_mel(wavs, n_samples, n_mel).transpose(1, 2), n_mel

    def _encode(self, features, n_mel):
        """Hidden states, each [batch, frames, dim], and numbers of frames."""
        encoder = self.model.encoder
        n_frames = (n_mel + 1) // 2

        mel = features.transpose(1, 2).to(encoder.dtype)
        x = _zero_padding(F.gelu(encoder.conv1(mel)), n_mel)
        x = F.gelu(encoder.conv2(x)).transpose(1, 2)
        # Under autocast a sum in float32, which the layers go on with.
        x = x + encoder.embed_positions.weight[: x.shape[1]]
        x = F.dropout(x, encoder.dropout, encoder.training)

        mask = create_bidirectional_mask(
            config=encoder.config,
            inputs_embeds=x,
            attention_mask=length_to_mask(n_frames, x.shape[1]),
        )
        hidden_states = [x]
        for layer in encoder.layers:
            x = layer(x, mask)
            hidden_states.append(x)
            if self.layer == "last":
                del hidden_states[:-1]  # frees the memory
        # Whisper's last hidden state is the normalised one.
        hidden_states[-1] = encoder.layer_norm(x)
        return hidden_states, n_frames

    def _log_mel(self, wavs, n_samples, n_mel):
        """Whisper's features over the true length, [batch, bins, time].

        Zeros in the padding, as Whisper's convolutions find at their ends.
        """
        n_samples_max = int(n_samples.max())
        audio = _zero_padding(wavs[:, :n_samples_max], n_samples)
        # The last window reaches beyond the clip, into silence; at the very
        # end of 30 s it meets the mirrored signal, as in Whisper.
        length = min(n_samples_max + WINDOW // 2, self.max_samples)
        audio = F.pad(audio, (0, length - n_samples_max))
        log_mel = _log_mel_spectrogram(audio, self._mel_filters)
        log_mel = log_mel[..., : n_mel.max()]

        padding = ~length_to_mask(
            n_mel, log_mel.shape[-1], dtype=torch.bool
        ).unsqueeze(1)
        loudest = log_mel.masked_fill(padding, -torch.inf)
        loudest = loudest.amax(dim=(1, 2), keepdim=True)
        log_mel = torch.maximum(log_mel, loudest - 8.0)
        return ((log_mel + 4.0) / 4.0).masked_fill(padding, 0.0)


def keep_layers(half, config, num_layers, kind="encoder"):
    """Drops layers from Whisper's encoder or decoder.

    Arguments
    ---------
    half : torch.nn.Module
        The encoder or decoder; changed in place.
    config : transformers.WhisperConfig
        Of the model; changed in place.
    num_layers : int
        Keeps only that many, from the first on, and leaves out the
        normalisation behind the last one if any is dropped.
    kind : str
        "encoder" or "decoder".

    Returns
    -------
    int
        How many layers there were.

    Raises
    ------
    ValueError
        If there are not as many.

    Example
    -------
    >>> config = {"d_model": 384, "encoder_layers": 3}
    >>> model = WhisperEncoder(config=config).model
    >>> keep_layers(model.encoder, model.config, 2)
    3
    >>> len(model.encoder.layers)
    2
    """
    n_layers = len(half.layers)
    if not 1 <= num_layers <= n_layers:
        raise ValueError(
            f"num_layers={num_layers}: the {kind} has {n_layers} layers."
        )
    if num_layers < n_layers:
        # The normalisation was made for the last layer's output.
        half.layer_norm = torch.nn.Identity()
    del half.layers[num_layers:]
    setattr(config, f"{kind}_layers", num_layers)
    return n_layers


@fwd_default_precision
def _log_mel_spectrogram(audio, filters):
    """Log10 mel energies, float32, [batch, bins, 1 + samples // 160]."""
    window = torch.hann_window(WINDOW, device=audio.device)
    stft = torch.stft(
        audio.float(), WINDOW, HOP, window=window, return_complex=True
    )
    power = stft.real.square() + stft.imag.square()
    return (filters.float() @ power).clamp(min=1e-10).log10()


def _zero_padding(x, lengths):
    """Zeroes the last dimension beyond each item's length."""
    mask = length_to_mask(lengths, x.shape[-1], dtype=torch.bool)
    return x.masked_fill(~mask.view(len(x), *[1] * (x.ndim - 2), -1), 0.0)
