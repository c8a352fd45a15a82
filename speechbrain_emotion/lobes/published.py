"""The models that UMUTeam published, in their Hugging Face layout.

Reference: Pan et al., SoftwareX 34, 2026, 102677.
"""

import json
import pathlib

from torch import nn

from speechbrain.utils.parameter_transfer import Pretrainer
from speechbrain_emotion.lobes.embedding import (
    MultimodalEmbedding,
    SpeechEmbedding,
    TextEmbedding,
)
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.lobes.text_encoder import TextEncoder
from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
from speechbrain_emotion.nnet.fusion import (
    ConcatFusion,
    MeanFusion,
    MultiHeadFusion,
)
from speechbrain_emotion.nnet.head import TanhHead
from speechbrain_emotion.nnet.pooling import MeanPooling
from speechbrain_emotion.utils.hub import fetch_folder, fetch_options
from speechbrain_emotion.utils.parameter_transfer import (
    CheckpointError,
    check_tensors,
    read_tensors,
)

FUSIONS = {
    "concat": ConcatFusion,
    "mean": MeanFusion,
    "multihead": MultiHeadFusion,
}
MODES = ("text", "audio", *FUSIONS)
EMBEDDING_SIZE = 768
WEIGHT_FILES = ("model.safetensors", "model.bin", "pytorch_model.bin")
# Everything else that is read: config and tokenizer.
SMALL_FILES = ["*.json", "*.txt", "*.model"]

# Beginnings of tensor names: ours -> published.
SPEECH_NAMES = {
    "embedding_model.encoder.model.": "wav2vec2_bert.",
    "embedding_model.projector.": "projector.",
    "embedding_model.fusion.": "mult_attn_model.",
    "classifier.": "classifier.",
}
BERT_NAMES = {
    "embedding_model.text_encoder.model.": "bert.",
    # BERT's pooler is the dense layer of the head.
    "classifier.dense.": "bert.pooler.dense.",
    "classifier.out_proj.": "classifier.",
}
ROBERTA_NAMES = {
    "embedding_model.text_encoder.model.": "roberta.",
    "classifier.": "classifier.",
}
TEXT_NAMES = {
    "bert": BERT_NAMES,
    "camembert": ROBERTA_NAMES,
    "roberta": ROBERTA_NAMES,
    "xlm-roberta": ROBERTA_NAMES,
}


def fetch_checkpoint(source, **kwargs):
    """Finds the folder of a published model, and downloads what is needed.

    Arguments
    ---------
    source : str or Path
        Folder, or hub id (owner/name).
    **kwargs
        See ``fetch_folder``: revision, token, cache_dir, local_files_only.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, and the hub gives no model of that name.
    """
    folder = fetch_folder(
        source, allow_patterns=[*SMALL_FILES, WEIGHT_FILES[0]], **kwargs
    )
    if not (folder / WEIGHT_FILES[0]).exists():
        # Older repositories hold a pickle.
        wanted = [*SMALL_FILES, *WEIGHT_FILES[1:]]
        folder = fetch_folder(source, allow_patterns=wanted, **kwargs)
    return folder


def published_labels(folder):
    """Reads the labels from the config of a checkpoint.

    Arguments
    ---------
    folder : str or Path
        The checkpoint's folder.

    Returns
    -------
    list of str
        The labels, in index order.

    Raises
    ------
    FileNotFoundError
        If the folder holds no config.
    CheckpointError
        If the config names no labels.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> config = '{"id2label": {"1": "sad", "0": "happy"}}'
    >>> _ = (folder / "config.json").write_text(config)
    >>> published_labels(folder)
    ['happy', 'sad']
    """
    names = _read_config(folder).get("id2label") or {}
    labels = []
    if isinstance(names, dict):
        labels = [names.get(str(index)) for index in range(len(names))]
    if not labels or None in labels or len(set(labels)) < len(labels):
        raise CheckpointError(
            f"'{folder}/config.json' does not name each label once: its "
            f"id2label is {names}"
        )
    return labels


def build_published(folder, mode, text_encoder=None):
    """Builds the model of a checkpoint; ``load_published`` loads its weights.

    Arguments
    ---------
    folder : str or Path
        The checkpoint's folder.
    mode : str
        "text", "audio", "concat", "mean" or "multihead".
    text_encoder : str or Path
        Folder or hub id of the frozen text encoder of the multimodal modes,
        which is not part of their checkpoints.

    Returns
    -------
    EmotionModel
        The text encoder of a multimodal model is loaded, the rest is not.

    Raises
    ------
    ValueError
        If there is no such mode, or no text encoder for a multimodal one.
    """
    if mode not in MODES:
        raise ValueError(f"mode '{mode}': choose one of {', '.join(MODES)}")
    n_classes = len(published_labels(folder))
    _check_kind(folder, TEXT_NAMES if mode == "text" else ["wav2vec2-bert"])
    encoder_class = TextEncoder if mode == "text" else W2VBertEncoder
    encoder = encoder_class(str(folder), load_weights=False)
    if mode == "text":
        embedding_model, size = TextEmbedding(encoder), encoder.output_size
    else:
        projector = nn.Linear(encoder.output_size, EMBEDDING_SIZE)
        embedding_model, size = _hearing(mode, encoder, projector, text_encoder)
    return EmotionModel(embedding_model, TanhHead(size, n_classes))


def _hearing(mode, encoder, projector, text_encoder):
    """The embedding model of a mode with speech, and its output size."""
    if mode == "audio":
        pooling = MeanPooling(EMBEDDING_SIZE)
        embedding = SpeechEmbedding(encoder, pooling, projector=projector)
        return embedding, EMBEDDING_SIZE
    if text_encoder is None:
        raise ValueError(
            f"mode '{mode}' needs a text encoder: name its folder or hub id"
        )
    fusion = FUSIONS[mode](EMBEDDING_SIZE, EMBEDDING_SIZE)
    text = TextEncoder(str(text_encoder), freeze=True)
    embedding = MultimodalEmbedding(encoder, text, fusion, projector=projector)
    return embedding, fusion.output_size


def load_published(model, folder):
    """Loads the weights of a checkpoint into a model; every tensor must fit.

    Arguments
    ---------
    model : EmotionModel
        Changed in place; all but the text encoder of a multimodal model,
        which is not in the checkpoint.
    folder : str or Path
        The checkpoint's folder.

    Raises
    ------
    FileNotFoundError
        If the folder holds no weights.
    CheckpointError
        If a tensor is missing, unexpected or of another shape.
    """
    path = _weight_file(folder)
    found = read_tensors(path)
    state = model.state_dict()
    names = _published_names(state, model, _read_config(folder))
    expected = {names[name]: state[name].shape for name in names}
    if "speech" in model.modalities:
        # It is in the checkpoints, and nothing uses it.
        size = state["classifier.dense.weight"].shape[1:]
        expected["classifier.layernorm.weight"] = size
        expected["classifier.layernorm.bias"] = size
    # Constants, which old versions wrote.
    found = {n: t for n, t in found.items() if not n.endswith("position_ids")}
    check_tensors(found, expected, path)
    state.update({ours: found[theirs] for ours, theirs in names.items()})
    model.load_state_dict(state)


class PublishedPretrainer(Pretrainer):
    """Loads a published checkpoint, and its labels, into a YAML's model.

    Arguments
    ---------
    checkpoint : str or Path
        Folder or hub id of the checkpoint.
    model : EmotionModel
        Gets the weights.
    label_encoder : speechbrain.dataio.encoder.CategoricalEncoder
        Gets the labels of the checkpoint's config.
    """

    def __init__(self, checkpoint, model, label_encoder):
        super().__init__(
            loadables={"model": model, "label_encoder": label_encoder},
            custom_hooks={
                "model": load_published,
                "label_encoder": _load_labels,
            },
        )
        self.checkpoint = checkpoint

    def collect_files(self, default_source=None, fetch_config=None, **_):
        """Finds the checkpoint, and downloads it where needed.

        Arguments
        ---------
        default_source : None
            Not used.
        fetch_config : speechbrain.utils.fetching.FetchConfig
            Revision, token, cache, use of the network.
        **_
            Not used.

        Returns
        -------
        dict
            Name -> local path.
        """
        options = fetch_options(fetch_config)
        folder = str(fetch_checkpoint(self.checkpoint, **options))
        self.paths = dict.fromkeys(self.loadables, folder)
        self.is_local = list(self.loadables)
        return self.paths


def _load_labels(label_encoder, folder):
    """Fills a label encoder with the labels of a checkpoint."""
    label_encoder.update_from_iterable(published_labels(folder))


def _published_names(state, model, config):
    """Names of our tensors -> names in the checkpoint."""
    if "speech" in model.modalities:
        table = SPEECH_NAMES
    else:
        table = TEXT_NAMES[config["model_type"]]
    return {
        name: theirs + name.removeprefix(ours)
        for name in state
        for ours, theirs in table.items()
        if name.startswith(ours)
    }


def _check_kind(folder, kinds):
    """Refuses the checkpoint of a model that the mode does not have."""
    kind = _read_config(folder).get("model_type")
    if kind not in kinds:
        raise CheckpointError(
            f"'{folder}' holds a model of type '{kind}', but this mode has "
            f"one of {', '.join(kinds)}: name another mode or model"
        )


def _weight_file(folder):
    """The file of weights in a checkpoint's folder."""
    for name in WEIGHT_FILES:
        if (pathlib.Path(folder) / name).exists():
            return pathlib.Path(folder) / name
    raise FileNotFoundError(
        f"'{folder}' holds no weights: none of {', '.join(WEIGHT_FILES)}"
    )


def _read_config(folder):
    """The config of a checkpoint."""
    path = pathlib.Path(folder) / "config.json"
    if not path.exists():
        raise FileNotFoundError(f"'{folder}' holds no config.json")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"'{path}' is no JSON file ({error})") from error
    if not isinstance(config, dict):
        raise CheckpointError(f"'{path}' is no JSON object")
    return config
