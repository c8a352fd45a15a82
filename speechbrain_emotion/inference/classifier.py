"""Emotion recognition with a trained model."""

import dataclasses
import pathlib

import ruamel.yaml
import ruamel.yaml.nodes
import torch

from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain.inference.classifiers import EncoderClassifier
from speechbrain.utils.autocast import AMPConfig
from speechbrain.utils.fetching import FetchConfig, LocalStrategy
from speechbrain_emotion.dataio.audio import load_audio
from speechbrain_emotion.inference.encoding import UtteranceEncoder
from speechbrain_emotion.inference.enrolling import Enrolling
from speechbrain_emotion.inference.inputs import check_device, check_precision
from speechbrain_emotion.inference.known import EMBEDDED_MODELS
from speechbrain_emotion.inference.predictor import Predictor
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.lobes.precision import store_weights
from speechbrain_emotion.lobes.published import (
    FUSIONS,
    build_published,
    fetch_checkpoint,
    load_published,
    published_labels,
)
from speechbrain_emotion.utils.hub import fetch_folder, fetch_options
from speechbrain_emotion.utils.trusted_yaml import check_yaml


class EmotionClassifier(
    Predictor, Enrolling, UtteranceEncoder, EncoderClassifier
):
    """Recognises emotions in utterances, from speech, text or both.

    It is SpeechBrain's ``EncoderClassifier`` around one module, ``model``,
    the same that was trained. The answers are deterministic, computed without
    gradients, and never depend on padding or on the rest of the batch. Audio
    may be of any length; files that are longer than the encoder takes at once
    are read bit by bit.

    With ``run_opts={"precision": "bf16"}`` the encoders compute in half
    precision, and their weights are kept in it; docs/PERFORMANCE.md says what
    that saves and how far scores move.

    Arguments
    ---------
    *args, **kwargs
        See ``speechbrain.inference.interfaces.Pretrained``.

    Example
    -------
    >>> classifier = EmotionClassifier.from_hparams()
    >>> clip = "tests/samples/CREMA-D/1001_DFA_ANG_XX.flac"
    >>> log_probs, score, index, label = classifier.classify_file(clip)
    >>> log_probs.shape
    torch.Size([1, 7])
    >>> prediction = classifier.predict(clip)
    >>> prediction.label == label[0]
    True
    """

    MODULES_NEEDED = ["model"]
    HPARAMS_NEEDED = ["label_encoder"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        missing = [
            name for name in self.MODULES_NEEDED if name not in self.mods
        ]
        if missing:
            raise ValueError(
                f"the hyperparameters define no module {missing}: 'modules' "
                f"holds {sorted(self.mods)}"
            )
        if not isinstance(self.mods.model, EmotionModel):
            raise ValueError(
                "the module 'model' is a "
                f"{type(self.mods.model).__name__}, not an EmotionModel"
            )
        outputs = self.mods.model.classifier.n_classes
        if len(self.hparams.label_encoder) != outputs:
            raise ValueError(
                f"the model has {outputs} outputs, but its label encoder "
                f"{len(self.hparams.label_encoder)} labels: {self.labels}"
            )
        self.hparams.label_encoder.expect_len(outputs)
        if "speech" in self.modalities:
            self.limit_utterances()
        dtype = AMPConfig.from_name(self.precision).dtype
        if dtype != torch.float32:
            for encoder in self.mods.model.embedding_model.encoders:
                store_weights(encoder, dtype)

    @classmethod
    def from_hparams(
        cls,
        source=EMBEDDED_MODELS / "audio",
        hparams_file="hyperparams.yaml",
        savedir=None,
        trust=False,
        fetch_config=None,
        **kwargs,
    ):
        """Loads a model from a folder or from the Hugging Face hub.

        A local folder needs no network and is read in place. The YAML file of
        a model is code; unless the caller trusts it, it may build nothing but
        models (see ``speechbrain_emotion.utils.trusted_yaml``).

        Arguments
        ---------
        source : str or Path
            Folder or hub id; by default the speech model in the package.
        hparams_file : str
            Name of the YAML file in it.
        savedir : str or Path
            Where to keep copies; files of another model there are replaced.
            By default nothing is copied (hub files stay in the hub's cache).
        trust : bool
            Whether the YAML file may run any code.
        fetch_config : speechbrain.utils.fetching.FetchConfig
            Revision, token, cache and use of the network. What a YAML file
            names by itself, such as ``hparams/umuteam``, does not follow it:
            for a revision of these see ``from_checkpoint``.
        **kwargs
            Passed on: ``overrides``, and ``run_opts``, e.g. ``{"device":
            "cuda", "precision": "bf16"}``.

        Returns
        -------
        EmotionClassifier

        Raises
        ------
        FileNotFoundError
            If ``source`` is neither a folder with that YAML file nor the hub
            id of one.
        UntrustedYamlError
            If the YAML file would do more than build a model.
        """
        options = fetch_options(fetch_config)
        # The rest of a repository only if it has that file.
        folder = fetch_folder(source, allow_patterns=[hparams_file], **options)
        if not (folder / hparams_file).is_file():
            raise FileNotFoundError(
                f"'{source}' holds no '{hparams_file}': name a folder written "
                "by a recipe's export, or another hparams_file"
            )
        folder = fetch_folder(source, **options)
        if not trust:
            check_yaml(folder / hparams_file)
        _check_keys(folder / hparams_file)
        if savedir is not None:
            # SpeechBrain would go on with the YAML of whatever model was
            # there before, and link to the files instead of copying them.
            kwargs.setdefault("local_strategy", LocalStrategy.COPY)
            copy = pathlib.Path(savedir) / hparams_file
            copy.parent.mkdir(parents=True, exist_ok=True)
            fetch_config = dataclasses.replace(
                fetch_config or FetchConfig(), overwrite=True
            )
        return super().from_hparams(
            source=str(folder),
            hparams_file=hparams_file,
            savedir=savedir,
            fetch_config=fetch_config or FetchConfig(),
            **{**kwargs, "run_opts": _checked(kwargs.get("run_opts"))},
        )

    @classmethod
    def from_checkpoint(
        cls, source, mode, text_encoder=None, run_opts=None, **fetch
    ):
        """Loads a model in the layout of UMUTeam's published checkpoints.

        Labels come from its config, weights from ``model.safetensors`` or
        ``model.bin``; every tensor must fit. No code is read. Models of the
        modes "audio" and "mean" have the same tensors: nothing tells whether
        the right one of the two is named.

        Reference: Pan et al., SoftwareX 34, 2026, 102677.

        Arguments
        ---------
        source : str or Path
            Folder or hub id.
        mode : str
            "text", "audio", "concat", "mean" or "multihead".
        text_encoder : str or Path
            Folder or hub id of the text encoder of the multimodal modes.
        run_opts : dict
            E.g. ``{"device": "cuda", "precision": "bf16"}``.
        **fetch
            See ``fetch_folder``: revision, token, cache_dir,
            local_files_only.

        Returns
        -------
        EmotionClassifier

        Raises
        ------
        FileNotFoundError
            If there is no such model, or if it lacks a file.
        CheckpointError
            If a tensor is missing, unexpected or of another shape.
        ValueError
            If the mode is unknown, or lacks its text encoder.
        """
        run_opts = _checked(run_opts)  # before what takes long
        folder = fetch_checkpoint(source, **fetch)
        if mode in FUSIONS and text_encoder is not None:
            # A revision is one of the checkpoint.
            options = {k: v for k, v in fetch.items() if k != "revision"}
            text_encoder = fetch_checkpoint(text_encoder, **options)
        model = build_published(folder, mode, text_encoder)
        load_published(model, folder)
        label_encoder = CategoricalEncoder()
        label_encoder.update_from_iterable(published_labels(folder))
        hparams = {"label_encoder": label_encoder}
        return cls({"model": model}, hparams, run_opts)

    @property
    def labels(self):
        """The labels, in index order."""
        encoder = self.hparams.label_encoder
        return [encoder.ind2lab[i] for i in range(len(encoder))]

    @property
    def modalities(self):
        """What the model reads: "speech", "text" or both, a tuple."""
        return self.mods.model.modalities

    @property
    def encoder(self):
        """The speech encoder, which limits what is heard at once."""
        if "speech" not in self.modalities:
            raise ValueError("this model reads only text: it has no encoder")
        return self.mods.model.embedding_model.encoder

    def load_audio(self, path, savedir=None):
        """Reads an audio file as the model takes it.

        Arguments
        ---------
        path : str or Path
            The file, of any sample rate and number of channels.
        savedir : None
            Not used: files are read in place.

        Returns
        -------
        torch.Tensor
            Waveform, [samples].

        Raises
        ------
        OSError, AudioError
            As ``speechbrain_emotion.dataio.audio.load_audio``.
        """
        return load_audio(path, self.encoder.sample_rate)

    def classify_batch(
        self, wavs=None, wav_lens=None, texts=None, profiles=None
    ):
        """Classifies a batch of utterances.

        Arguments
        ---------
        wavs : torch.Tensor
            As ``encode_batch``.
        wav_lens : torch.Tensor
            As ``encode_batch``.
        texts : list of str
            As ``encode_batch``.
        profiles : SpeakerProfile or list of SpeakerProfile
            Who speaks, see ``enroll``: one for all rows, or one each, None
            for a row of which that is not known.

        Returns
        -------
        log_probs : torch.Tensor
            Log-probability of each label, [batch, n_classes].
        score : torch.Tensor
            Log-probability of the best label, [batch].
        index : torch.Tensor
            Index of the best label, [batch].
        labels : list of str
            The best label of each utterance.

        Raises
        ------
        AudioError, ValueError
            As ``encode_batch``.
        ProfileError
            If a profile is of another model.
        """
        return self.classify_embeddings(
            self.encode_batch(wavs, wav_lens, texts), profiles
        )

    @torch.no_grad()
    def classify_embeddings(self, embeddings, profiles=None):
        """Classifies what ``encode_batch`` gave.

        Arguments
        ---------
        embeddings : torch.Tensor
            [batch, dim].
        profiles : SpeakerProfile or list of SpeakerProfile
            As ``classify_batch``.

        Returns
        -------
        tuple
            As ``classify_batch``.
        """
        profiles = self.profile_tensors(profiles, len(embeddings))
        logits = self.mods.model(embeddings=embeddings, profiles=profiles)
        log_probs = logits.log_softmax(dim=-1)
        score, index = log_probs.max(dim=-1)
        labels = self.hparams.label_encoder.decode_torch(index)
        return log_probs, score, index, labels

    def classify_file(self, path, text=None, profile=None):
        """Classifies an audio file.

        Arguments
        ---------
        path : str or Path
            The file, of any length, sample rate and number of channels.
        text : str or Transcript
            What is said in it, for models that read text; without it, it is
            transcribed.
        profile : SpeakerProfile
            Who speaks, see ``enroll``; None where that is not known.

        Returns
        -------
        tuple
            As ``classify_batch``, for a batch of one.

        Raises
        ------
        OSError, AudioError, TextError
            If the file is missing or cannot be used; the message says why.
        ValueError
            If the model does not read what is given.
        ImportError
            If it must be transcribed, and the extra for that is missing.
        """
        return self.classify_embeddings(
            self.encode_utterance(path, text), profile
        )

    def forward(self, wavs=None, wav_lens=None, texts=None, profiles=None):
        """Same as ``classify_batch``."""
        return self.classify_batch(wavs, wav_lens, texts, profiles)


def _check_keys(path):
    """Makes sure that a YAML file describes a model."""
    with open(path, encoding="utf-8") as fin:
        root = ruamel.yaml.YAML().compose(fin)
    pairs = (
        root.value if isinstance(root, ruamel.yaml.nodes.MappingNode) else []
    )
    missing = {"modules", "pretrainer"} - {key.value for key, _ in pairs}
    if missing:
        raise ValueError(
            f"'{path}' describes no model: it has no {', '.join(sorted(missing))}"
        )


def _checked(run_opts):
    """Options whose device is there, by name, and can do what is asked for."""
    if not isinstance(run_opts, dict):
        return run_opts
    device = run_opts.get("device")
    check_precision(run_opts.get("precision"), device)
    if device is None:
        return run_opts
    check_device(str(device))
    return {**run_opts, "device": str(device)}
