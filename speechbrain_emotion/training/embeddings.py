"""Embeddings of a model that does not train them, computed once."""

import hashlib
import json
import logging
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from tqdm import tqdm

from speechbrain.dataio.batch import PaddedBatch
from speechbrain.utils.distributed import run_on_main
from speechbrain_emotion.dataio.datasets import INPUTS
from speechbrain_emotion.training.inputs import read_inputs
from speechbrain_emotion.utils.whole_files import written_whole

logger = logging.getLogger(__name__)

SHARD = 256  # utterances that a stop can lose
# Attributes of modules that change no embedding: paths, and the stage.
NEUTRAL = ("name_or_path", "save_path", "training")


class EmbeddingStore:
    """Computes the embeddings of utterances and keeps them in a folder.

    With frozen encoders and no augmentation an utterance has the same
    embedding in every epoch, fold and seed; only the classifier is trained.
    What the folder holds is told apart by the model's weights and settings,
    tokenizer and sample rate, and by text, and path, size and time of change
    of the audio, so that one folder serves all experiments. Stopped with
    Ctrl-C, the computation goes on where it was.

    Arguments
    ---------
    embedding_model : torch.nn.Module
        ``SpeechEmbedding``, ``TextEmbedding`` or ``MultimodalEmbedding``,
        all of it frozen.
    folder : str or Path
        Where the embeddings are kept.
    augments : list
        What training applies to waveforms or features; all must be None.
    sample_rate : int
        Sample rate of the waveforms, in Hz; None for text alone.
    device : str
        Where to compute.

    Raises
    ------
    ValueError
        If the embeddings would not stay the same in training.

    Example
    -------
    >>> from speechbrain_emotion.lobes.embedding import SpeechEmbedding
    >>> from speechbrain_emotion.lobes.whisper import WhisperEncoder
    >>> from speechbrain_emotion.nnet.pooling import StatisticsPooling
    >>> encoder = WhisperEncoder(
    ...     config={"d_model": 16, "encoder_attention_heads": 2}, freeze=False
    ... )
    >>> embed = SpeechEmbedding(encoder, StatisticsPooling(16))
    >>> EmbeddingStore(embed, getfixture("tmp_path"), augments=[])
    Traceback (most recent call last):
    ...
    ValueError: embeddings_folder: ... are trained: freeze the encoder...
    """

    def __init__(
        self, embedding_model, folder, augments, sample_rate=None, device="cpu"
    ):
        _check_constant(embedding_model, augments)
        self.embedding_model = embedding_model
        self.folder = Path(folder) / _fingerprint(embedding_model, sample_rate)
        self.device = device
        self.kept = {}  # key of an utterance -> its embedding

    def embed(self, dataset):
        """Lets a dataset give embeddings instead of what is embedded.

        Arguments
        ---------
        dataset : speechbrain.dataio.dataset.DynamicItemDataset
            As ``embeddings``; it then gives ``embedding``, [dim], instead of
            the inputs.
        """
        embeddings = self.embeddings(dataset)
        dataset.add_dynamic_item(embeddings.get, "id", "embedding")
        dataset.set_output_keys(["id", "embedding", "emo_encoded"])

    def embeddings(self, dataset):
        """Gives the embeddings of all utterances of a dataset.

        Arguments
        ---------
        dataset : speechbrain.dataio.dataset.DynamicItemDataset
            Provides ``id``, ``emo_encoded`` and the inputs of the model.

        Returns
        -------
        dict
            Id -> embedding, [dim].
        """
        inputs = [INPUTS[name] for name in self.embedding_model.modalities]
        keys = {id: _key(dataset.data[id], inputs) for id in dataset.data_ids}
        # Before the other processes, which then find what it has computed.
        run_on_main(self._compute, args=[dataset, inputs, keys])
        self._load(keys)
        return {id: self.kept[key] for id, key in keys.items()}

    def _compute(self, dataset, inputs, keys):
        """Computes what is missing, and writes it shard by shard."""
        self._load(keys)
        missing = {
            keys[id]: index  # once, if several utterances have the same inputs
            for index, id in enumerate(dataset.data_ids)
            if keys[id] not in self.kept
        }
        if not missing:
            return
        model = self.embedding_model.to(self.device).eval()
        shard = {}
        with dataset.output_keys_as(["id", *inputs]):
            bar = tqdm(missing.items(), desc="embeddings", unit="utterance")
            for key, index in bar:
                batch = PaddedBatch([dataset[index]]).to(self.device)
                shard[key] = _embed(model, batch)
                if len(shard) == SHARD:
                    self._write(shard)
                    shard = {}
        self._write(shard)

    def _write(self, shard):
        """Writes embeddings to a file that is there as a whole or not."""
        if not shard:
            return
        name = hashlib.sha256("".join(sorted(shard)).encode()).hexdigest()[:16]
        with written_whole(self.folder / f"{name}.safetensors") as unfinished:
            save_file(shard, unfinished)
        self.kept.update(shard)

    def _load(self, keys):
        """Reads what the folder holds, unless these are known already."""
        if not self.kept.keys() >= set(keys.values()):
            for path in sorted(self.folder.glob("*.safetensors")):
                self.kept.update(load_file(path))


@torch.no_grad()
def _embed(model, batch):
    """The embedding of the one utterance of a batch, [dim]."""
    inputs = read_inputs(batch, model.modalities)
    return model(*inputs).float().cpu()[0]


def _check_constant(embedding_model, augments):
    """Refuses what would give other embeddings in each epoch."""
    trained = [
        name
        for name, parameter in embedding_model.named_parameters()
        if parameter.requires_grad
    ]
    if trained:
        raise ValueError(
            f"embeddings_folder: {len(trained)} tensors of the embedding model "
            f"({', '.join(trained[:3])}) are trained: freeze the encoder, "
            "name its layers instead of 'weighted', or set embeddings_folder "
            "to null"
        )
    if any(augment is not None for augment in augments):
        raise ValueError(
            "embeddings_folder: embeddings are computed once, without "
            "augmentation: set augment and feature_augment to null, or "
            "embeddings_folder"
        )
    if getattr(embedding_model, "modality_dropout", 0):
        raise ValueError(
            "embeddings_folder: modality dropout changes the embeddings: set "
            "it to 0, or embeddings_folder to null"
        )
    inconstant = list(_inconstant_modules(embedding_model))
    if inconstant:
        raise ValueError(
            "embeddings_folder: dropout and the statistics of a normalisation "
            f"change the embeddings ({', '.join(inconstant[:3])}): leave them "
            "out of the embedding model, or set embeddings_folder to null"
        )


def _inconstant_modules(model):
    """Names of what computes otherwise in training, beside the encoders,
    which never train.
    """
    frozen = {id(m) for encoder in model.encoders for m in encoder.modules()}
    for name, module in model.named_modules():
        if id(module) in frozen:
            continue
        # Attention layers have a number, others a layer of their own.
        share = getattr(module, "dropout", None)
        if isinstance(module, _DropoutNd):
            share = module.p
        drops = isinstance(share, float) and share > 0
        if drops or isinstance(module, _BatchNorm):
            yield name


def _fingerprint(model, sample_rate):
    """Tells models apart by their weights and settings."""
    digest = hashlib.sha256(repr(model).encode())
    _update(digest, sample_rate)
    for name, module in model.named_modules():
        _update(digest, [name, type(module).__name__, _settings(module)])
    for encoder in model.encoders:
        _update(digest, encoder.export_arguments())
        tokenizer = getattr(encoder, "tokenizer", None)
        if tokenizer is not None:
            _update(digest, [tokenizer.limit, tokenizer.backend.to_str()])
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _update(digest, value):
    """Adds a value in the types of JSON to a digest."""
    digest.update(json.dumps(value, sort_keys=True).encode())


def _settings(module):
    """The attributes of a module that JSON can hold."""
    settings = {}
    for name, value in vars(module).items():
        if name.startswith("_") or name in NEUTRAL:
            continue
        try:
            settings[name] = json.loads(json.dumps(value, sort_keys=True))
        except (TypeError, ValueError):
            continue
    return settings


def _key(entry, inputs):
    """Tells utterances apart by what the model reads of them."""
    identity = []
    if "sig" in inputs:
        path = os.path.abspath(entry["wav"])
        stat = os.stat(path)
        identity += [path, stat.st_size, stat.st_mtime_ns]
    if "words" in inputs:
        identity.append(entry["words"])
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()
