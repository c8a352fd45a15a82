"""What all pretrained speech encoders of this package share.

SpeechBrain's Hugging Face lobes load a model and run it. Here they get one
interface, exact lengths, a choice of layers, LoRA, and loading that is strict
and can also start from a config alone.
"""

import contextlib
import json
import pathlib
import tempfile

import torch
from transformers import CONFIG_MAPPING

from speechbrain.dataio.dataio import length_to_mask
from speechbrain.integrations.huggingface.huggingface import (
    HFTransformersInterface,
)
from speechbrain_emotion.lobes.lora import insert_lora
from speechbrain_emotion.nnet.layer_mixing import LayerMixing
from speechbrain_emotion.nnet.lengths import full_lengths, true_lengths

WEIGHT_SUFFIXES = (".safetensors", ".bin")

# Fields of a config that say nothing about the architecture.
BOOKKEEPING = {
    "_name_or_path",
    "architectures",
    "dtype",
    "id2label",
    "label2id",
    "problem_type",
    "transformers_version",
}


class SpeechEncoder(HFTransformersInterface):
    """Base of the speech encoders: waveforms in, frames out.

    A subclass names its ``model_type`` and implements ``_encode``. It
    inherits from this class first, then from SpeechBrain's lobe.

    Arguments
    ---------
    source : str
        Hub name, or local folder with config and weights.
    save_path : str
        Cache folder of downloads. None: Hugging Face's own cache.
    config : dict
        Fields of the Hugging Face config, for a model with random weights,
        built without any file. Exactly one of source and config is given.
    freeze : bool
        If True, the encoder stays in evaluation mode and gets no gradient.
    layer : str, int or list of int
        "last", the index of a hidden state (0 is the input of the first
        layer), several of them to be put side by side, or "weighted" for a
        learned mixture of all hidden states.
    gradient_checkpointing : bool
        If True, saves memory in training by computing activations twice.
    lora : dict
        Arguments of ``insert_lora``: rank, target_layers, alpha. Only the
        adapters are then trained. None: no adapters.
    **lobe_arguments
        Passed on to SpeechBrain's lobe.

    Raises
    ------
    ValueError
        If arguments contradict each other, or if a checkpoint does not fit.
    FileNotFoundError
        If a local folder holds no weights in Hugging Face's format.
    """

    model_type = None
    sample_rate = 16000
    min_samples = 1
    max_samples = None
    # Beginnings of tensor names a checkpoint may lack or have in excess.
    optional_tensors = ()

    def __init__(
        self,
        source=None,
        save_path=None,
        config=None,
        freeze=False,
        layer="last",
        gradient_checkpointing=False,
        lora=None,
        **lobe_arguments,
    ):
        if (source is None) == (config is None):
            raise ValueError(
                f"{type(self).__name__} needs exactly one of `source` (hub "
                "name, or folder with weights) and `config` (fields of the "
                "Hugging Face config, for random initial weights)."
            )
        if freeze and lora is not None:
            raise ValueError(
                "freeze=True with `lora` would train nothing. LoRA freezes "
                "the base model by itself: drop freeze=True."
            )
        # The interface reads these while it loads.
        self.layer = layer
        self.from_scratch = config is not None

        if self.from_scratch:
            folder = _config_folder(config, self.model_type)
        else:
            folder = contextlib.nullcontext(_checked_source(source))
        with folder as path:
            super().__init__(
                source=path,
                save_path=save_path,
                freeze=freeze,
                **lobe_arguments,
            )

        n_states = self.model.config.num_hidden_layers + 1
        _check_layer(layer, n_states)
        n_chosen = len(layer) if isinstance(layer, list) else 1
        self.output_size = n_chosen * self.model.config.hidden_size
        self.layer_mixing = (
            LayerMixing(n_states) if layer == "weighted" else None
        )
        self.lora = lora
        if lora is not None:
            self.model = insert_lora(self.model, **lora)
        if gradient_checkpointing:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})

    def forward(self, wavs, wav_lens=None):
        """Encodes a batch of waveforms.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms at 16 kHz, [batch, samples]. What lies in the padding
            does not matter.
        wav_lens : torch.Tensor
            Relative lengths, [batch]. None: all have the full length.

        Returns
        -------
        frames : torch.Tensor
            [batch, frames, output_size], zeros in the padding.
        frame_lens : torch.Tensor
            Relative lengths, [batch]: the true number of frames divided by
            the number of frames of the longest clip.

        Raises
        ------
        ValueError
            If a clip is shorter or longer than the encoder can take.
        """
        n_samples = self._sample_counts(wavs, wav_lens)
        trains = torch.is_grad_enabled() and not self.freeze
        with torch.set_grad_enabled(trains):
            hidden_states, n_frames = self._encode(wavs, n_samples)
        frames = self._select(hidden_states)
        mask = length_to_mask(n_frames, frames.shape[1], dtype=torch.bool)
        frames = frames.masked_fill(~mask.unsqueeze(-1), 0.0)
        return frames, n_frames / frames.shape[1]

    def _encode(self, wavs, n_samples):
        """Hidden states, each [batch, frames, dim], and numbers of frames.

        Where ``layer`` is "last", only the last state is read.
        """
        raise NotImplementedError

    def _select(self, hidden_states):
        """Reduces the hidden states to the frames asked for."""
        if self.layer == "last":
            return hidden_states[-1]
        if self.layer == "weighted":
            return self.layer_mixing(hidden_states)
        if isinstance(self.layer, list):
            chosen = [hidden_states[index] for index in self.layer]
            return torch.cat(chosen, dim=-1)
        return hidden_states[self.layer]

    def _sample_counts(self, wavs, wav_lens):
        """True numbers of samples, [batch]; raises on an impossible clip."""
        if wavs.ndim != 2:
            raise ValueError(
                "Waveforms must be mono, [batch, samples]; got the shape "
                f"{list(wavs.shape)}."
            )
        if wav_lens is None:
            wav_lens = full_lengths(wavs)
        n_samples = true_lengths(wav_lens, wavs.shape[1]).to(wavs.device)
        for row, samples in enumerate(n_samples.tolist()):
            clip = f"Clip {row} of the batch has {self._duration(samples)}: "
            if samples < self.min_samples:
                raise ValueError(
                    f"{clip}{type(self).__name__} needs at least "
                    f"{self._duration(self.min_samples)}. Pad it with "
                    "silence or leave it out."
                )
            if self.max_samples is not None and samples > self.max_samples:
                raise ValueError(
                    f"{clip}{type(self).__name__} takes at most "
                    f"{self._duration(self.max_samples)}. Cut it into "
                    "windows."
                )
        return n_samples

    def _duration(self, samples):
        milliseconds = 1000 * samples / self.sample_rate
        return f"{samples} samples ({milliseconds:.1f} ms)"

    def train(self, mode=True):
        """Sets the training mode, but never of a frozen model.

        Arguments
        ---------
        mode : bool
            True for training, False for evaluation.

        Returns
        -------
        SpeechEncoder
            Itself.
        """
        super().train(mode)
        if self.freeze:
            self.model.eval()
        return self

    def freeze_now(self):
        """Freezes an encoder that was trained until now."""
        self.freeze = True
        self.freeze_model(self.model)

    def freeze_model(self, model):
        """Freezes the model; some of SpeechBrain's lobes keep its dropout.

        Arguments
        ---------
        model : torch.nn.Module
            The model to freeze.
        """
        model.eval()
        model.requires_grad_(False)

    def export_arguments(self):
        """Gives the arguments that rebuild this architecture offline.

        Returns
        -------
        dict
            Arguments of the constructor, in plain Python types that go into
            JSON or YAML. Weights are in ``state_dict()``.
        """
        arguments = {
            "source": None,
            "config": _changed_fields(self.model.config),
            "layer": self.layer,
            "lora": self.lora,
        }
        return json.loads(json.dumps(arguments))

    def override_config(self, config):
        """Checks that the config is one of this encoder's model.

        Arguments
        ---------
        config : transformers.PreTrainedConfig
            The config that was read.

        Returns
        -------
        transformers.PreTrainedConfig
            The same config.
        """
        if config.model_type != self.model_type:
            raise ValueError(
                f"{type(self).__name__} needs a model of type "
                f"'{self.model_type}', not '{config.model_type}'."
            )
        return config

    def _from_pretrained(self, source, save_path, **_):
        """Builds the model; every tensor of a checkpoint must fit.

        This replaces the interface's loading, which only warns about
        missing tensors and fails where ``save_path`` is None.
        """
        if self.from_scratch:
            self.model = self.auto_class.from_config(self.config)
            return
        self.model, report = self.auto_class.from_pretrained(
            source,
            config=self.config,
            cache_dir=save_path,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,  # reported with the others below
            output_loading_info=True,
        )
        self._check_loading(source, report)

    def _check_loading(self, source, report):
        """Raises if tensors are missing, unexpected or of another shape."""

        def names(keys):
            """Lists the tensors that must fit."""
            keys = sorted(
                key for key in keys if not key.startswith(self.optional_tensors)
            )
            return ", ".join(keys) or "none"

        problems = {
            "missing": names(report["missing_keys"]),
            "unexpected": names(report["unexpected_keys"]),
            "of another shape": names(
                key for key, *_ in report["mismatched_keys"]
            ),
        }
        if set(problems.values()) != {"none"}:
            listing = "; ".join(f"{k}: {v}" for k, v in problems.items())
            raise ValueError(
                f"The weights in {source} do not fit its config as "
                f"{type(self).__name__}. Tensors {listing}."
            )


@contextlib.contextmanager
def _config_folder(config, model_type):
    """Writes a config into a folder, where the interface reads it."""
    known = CONFIG_MAPPING[model_type]().to_dict()
    unknown = sorted(set(config) - set(known))
    if unknown:
        raise ValueError(
            f"A config of '{model_type}' has no {', '.join(unknown)}."
        )
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps({"model_type": model_type, **config})
        pathlib.Path(folder, "config.json").write_text(text, encoding="utf-8")
        yield folder


def _checked_source(source):
    """Refuses a local folder without weights that transformers reads."""
    folder = pathlib.Path(source)
    if folder.is_dir():
        names = sorted(file.name for file in folder.iterdir())
        if not any(name.endswith(WEIGHT_SUFFIXES) for name in names):
            raise FileNotFoundError(
                f"{source} holds no *.safetensors or *.bin weights, only "
                f"{', '.join(names) or 'nothing'}. A SpeechBrain *.ckpt is "
                "loaded by its Checkpointer or Pretrainer into an encoder "
                "built with `config`."
            )
    return str(source)


def _check_layer(layer, n_states):
    """Raises unless the layer is one of the choices."""
    if layer in ("last", "weighted"):
        return
    indexes = layer if isinstance(layer, list) else [layer]
    if indexes and all(
        isinstance(index, int) and -n_states <= index < n_states
        for index in indexes
    ):
        return
    raise ValueError(
        f"layer={layer!r}: expected 'last', 'weighted', or the index or "
        f"indexes of the {n_states} hidden states."
    )


def _changed_fields(config):
    """Fields of a config that differ from the defaults of its class."""
    default = type(config)().to_dict()
    return {
        name: value
        for name, value in config.to_dict().items()
        if name not in BOOKKEEPING and value != default.get(name)
    }
