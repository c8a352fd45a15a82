"""What all pretrained encoders of this package share.

SpeechBrain's Hugging Face lobes load a model and run it. Here they get
loading that is strict and can also start from a config alone, freezing that
holds, LoRA, and what an export needs.
"""

import contextlib
import json
import pathlib
import pickle
import tempfile
import threading
import warnings

import torch
from transformers import CONFIG_MAPPING
from transformers.initialization import no_init_weights

from speechbrain.integrations.huggingface.huggingface import (
    HFTransformersInterface,
)
from speechbrain_emotion.lobes.acceleration import accelerate
from speechbrain_emotion.lobes.lora import insert_lora

_INITIALIZATION = threading.Lock()

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


class PretrainedEncoder(HFTransformersInterface):
    """Base of the speech and text encoders.

    A subclass inherits from this class first, then from SpeechBrain's lobe,
    and names its ``model_type`` where it takes only one.

    Arguments
    ---------
    source : str
        Hub name, or local folder with config and weights.
    save_path : str
        Cache folder of downloads. None: Hugging Face's own cache.
    config : dict
        Fields of the Hugging Face config, for a model with random weights,
        built without any file. Exactly one of source and config is given.
        It names its ``model_type`` where the class does not.
    load_weights : bool
        If False, only the config of the source is read, and the weights have
        no defined values until a Pretrainer or Checkpointer loads them.
    freeze : bool
        If True, the encoder stays in evaluation mode and gets no gradient.
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
    # Beginnings of tensor names a checkpoint may lack or have in excess.
    optional_tensors = ()
    # The fields of the config that an export names. None: all.
    config_fields = None

    def __init__(
        self,
        source=None,
        save_path=None,
        config=None,
        load_weights=True,
        freeze=False,
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
        # The interface reads it while it loads.
        self.from_config = config is not None
        self.load_weights = load_weights
        if config is not None:
            folder = _config_folder(config, self.model_type)
        elif load_weights:
            folder = contextlib.nullcontext(_checked_source(source))
        else:
            folder = contextlib.nullcontext(str(source))
        with folder as path, warnings.catch_warnings():
            # SpeechBrain's interface calls it by its old name.
            warnings.filterwarnings(
                "ignore", "`gradient_checkpointing_disable`", FutureWarning
            )
            super().__init__(
                source=path,
                save_path=save_path,
                freeze=freeze,
                **lobe_arguments,
            )
        self.lora = lora
        if lora is not None:
            self.model = insert_lora(self.model, **lora)
        self.model = accelerate(self.model)
        if gradient_checkpointing:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})

    def train(self, mode=True):
        """Sets the training mode, but never of a frozen model.

        Arguments
        ---------
        mode : bool
            True for training, False for evaluation.

        Returns
        -------
        PretrainedEncoder
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
        config = {
            name: value
            for name, value in _changed_fields(self.model.config).items()
            if self.config_fields is None or name in self.config_fields
        }
        arguments = {"source": None, "config": config, "lora": self.lora}
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
        if self.model_type not in (None, config.model_type):
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
        # transformers switches initialisation off for all threads.
        with _INITIALIZATION:
            if self.from_config:
                self.model = self._from_config()
            elif self.load_weights:
                self.model = self._from_weights(source, save_path)
            else:
                # Random values for 580 million parameters take 7 s.
                with no_init_weights():
                    self.model = self._from_config()

    def _from_config(self):
        """Builds the model, in float32 whatever its config says."""
        return self.auto_class.from_config(self.config, dtype=torch.float32)

    def _from_weights(self, source, save_path):
        """Builds the model and loads its weights."""
        try:
            model, report = self.auto_class.from_pretrained(
                source,
                config=self.config,
                cache_dir=save_path,
                dtype=torch.float32,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # reported with the others below
                output_loading_info=True,
            )
        except pickle.UnpicklingError as error:
            raise ValueError(
                f"The weights in {source} hold other things than tensors, "
                f"which could run code: {error}"
            ) from error
        self._check_loading(source, report)
        return model

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
    config = {"model_type": model_type, **config}
    model_type = config["model_type"]
    if model_type not in CONFIG_MAPPING:
        raise ValueError(
            f"config: transformers knows no model_type '{model_type}'."
        )
    known = CONFIG_MAPPING[model_type]().to_dict()
    unknown = sorted(set(config) - set(known))
    if unknown:
        raise ValueError(
            f"A config of '{model_type}' has no {', '.join(unknown)}."
        )
    with tempfile.TemporaryDirectory() as folder:
        text = json.dumps(config)
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


def _changed_fields(config):
    """Fields of a config that differ from the defaults of its class."""
    default = type(config)().to_dict()
    # Fields that the class does not have are leftovers of old versions.
    return {
        name: value
        for name, value in config.to_dict().items()
        if name in default and name not in BOOKKEEPING
        if value != default[name]
    }
