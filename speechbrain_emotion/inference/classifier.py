"""Emotion recognition with a trained model."""

import pathlib
import re

import torch

from speechbrain.inference.classifiers import EncoderClassifier
from speechbrain.utils.data_utils import batch_pad_right
from speechbrain.utils.fetching import FetchConfig, LocalStrategy
from speechbrain_emotion.dataio.audio import (
    AudioError,
    check_speech,
    load_audio,
)
from speechbrain_emotion.inference.prediction import Prediction
from speechbrain_emotion.nnet.lengths import full_lengths, true_lengths

EMBEDDED_MODEL = pathlib.Path(__file__).parent.parent / "pretrained"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


class EmotionClassifier(EncoderClassifier):
    """Recognises emotions in utterances.

    It is SpeechBrain's ``EncoderClassifier`` around one module, ``model``,
    the same that was trained. The answers are deterministic, computed without
    gradients, and never depend on padding or on the rest of the batch.

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
    HPARAMS_NEEDED = ["label_encoder", "sample_rate"]

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
        outputs = self.mods.model.classifier.n_classes
        if len(self.hparams.label_encoder) != outputs:
            raise ValueError(
                f"the model has {outputs} outputs, but its label encoder "
                f"{len(self.hparams.label_encoder)} labels: {self.labels}"
            )
        self.hparams.label_encoder.expect_len(outputs)

    @classmethod
    def from_hparams(
        cls,
        source=EMBEDDED_MODEL,
        hparams_file="hyperparams.yaml",
        savedir=None,
        **kwargs,
    ):
        """Loads a model from a folder or from the Hugging Face hub.

        A local folder needs no network and is read in place. The YAML file of
        a model is code: load only models that you trust.

        Arguments
        ---------
        source : str or Path
            Folder or hub id; by default the model that ships in the package.
        hparams_file : str
            Name of the YAML file in it.
        savedir : str or Path
            Where to keep copies; files of another model there are replaced.
            By default nothing is copied (hub files stay in the hub's cache).
        **kwargs
            Passed on, e.g. ``run_opts={"device": "cuda"}``, ``overrides``,
            ``fetch_config``.

        Returns
        -------
        EmotionClassifier

        Raises
        ------
        FileNotFoundError
            If ``source`` is neither a folder with that YAML file nor in the
            form of a hub id.
        """
        is_folder = _check_source(pathlib.Path(source), hparams_file)
        if savedir is not None:
            # SpeechBrain would go on with the YAML of whatever model was
            # there before, and link to the files instead of copying them.
            kwargs.setdefault("fetch_config", FetchConfig(overwrite=True))
            kwargs.setdefault("local_strategy", LocalStrategy.COPY)
        try:
            return super().from_hparams(
                source=str(source),
                hparams_file=hparams_file,
                savedir=savedir,
                **kwargs,
            )
        except OSError as error:
            if is_folder:
                raise
            raise FileNotFoundError(
                f"there is no folder '{source}', and the hub gave no model "
                f"of that name: {error}"
            ) from error

    @property
    def labels(self):
        """The labels, in index order."""
        encoder = self.hparams.label_encoder
        return [encoder.ind2lab[i] for i in range(len(encoder))]

    @property
    def encoder(self):
        """The speech encoder, which limits the length of an utterance."""
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
        return load_audio(path, self.hparams.sample_rate)

    @torch.no_grad()
    def encode_batch(self, wavs, wav_lens=None, texts=None):
        """Computes the embeddings of a batch of utterances.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms at the model's sample rate, [batch, samples] or
            [samples].
        wav_lens : torch.Tensor
            Relative lengths, [batch]; by default all full.
        texts : list of str
            What is said, for models that read text.

        Returns
        -------
        torch.Tensor
            Embeddings, [batch, dim].

        Raises
        ------
        AudioError
            If an utterance is too short or too long, silent, or not finite.
        """
        wavs, wav_lens = self._check_batch(wavs, wav_lens)
        with self.inference_ctx:
            embeddings = self.mods.model.embed(wavs, wav_lens, texts)
        return embeddings.float()

    def classify_batch(self, wavs, wav_lens=None, texts=None):
        """Classifies a batch of utterances.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms at the model's sample rate, [batch, samples] or
            [samples].
        wav_lens : torch.Tensor
            Relative lengths, [batch]; by default all full.
        texts : list of str
            What is said, for models that read text.

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
        AudioError
            As ``encode_batch``.
        """
        embeddings = self.encode_batch(wavs, wav_lens, texts)
        with torch.no_grad():
            logits = self.mods.model.classifier(embeddings)
        log_probs = logits.log_softmax(dim=-1)
        score, index = log_probs.max(dim=-1)
        labels = self.hparams.label_encoder.decode_torch(index)
        return log_probs, score, index, labels

    def classify_file(self, path, text=None):
        """Classifies an audio file.

        Arguments
        ---------
        path : str or Path
            The file, of any sample rate and number of channels.
        text : str
            What is said in it, for models that read text.

        Returns
        -------
        tuple
            As ``classify_batch``, for a batch of one.

        Raises
        ------
        OSError, AudioError
            If the file is missing or cannot be used; the message says why.
        """
        wav = self._load_checked(path)
        texts = None if text is None else [text]
        return self.classify_batch(wav.unsqueeze(0), texts=texts)

    def predict(self, inputs, texts=None, batch_size=8):
        """Recognises the emotion of one utterance or of several.

        Arguments
        ---------
        inputs : str, Path, torch.Tensor or list of these
            Audio files, or waveforms [samples] at the model's sample rate.
        texts : str or list of str
            What is said in each, for models that read text.
        batch_size : int
            How many utterances are computed at once.

        Returns
        -------
        Prediction or list of Prediction
            One for a single input. For a list, one each in the same order; an
            input that cannot be used has its ``error`` set and does not keep
            the others from being answered.

        Raises
        ------
        OSError, AudioError
            If a single input cannot be used.
        """
        if not isinstance(inputs, list | tuple):
            wav = self._load_checked(inputs)
            texts = None if texts is None else [texts]
            return self._predict_wavs([wav], [inputs], texts)[0]
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, not {batch_size}")
        if texts is not None and len(texts) != len(inputs):
            raise ValueError(
                f"{len(inputs)} inputs but {len(texts)} texts: give one each"
            )
        predictions = []
        for start in range(0, len(inputs), batch_size):
            chunk = slice(start, start + batch_size)
            predictions += self._predict_chunk(
                inputs[chunk], None if texts is None else texts[chunk]
            )
        return predictions

    def forward(self, wavs, wav_lens=None, texts=None):
        """Same as ``classify_batch``."""
        return self.classify_batch(wavs, wav_lens, texts)

    def _predict_chunk(self, inputs, texts):
        """Predicts what can be loaded and records what can not."""
        answers, loaded = {}, {}
        for i, item in enumerate(inputs):
            try:
                loaded[i] = self._load_checked(item)
            except (AudioError, OSError) as error:
                answers[i] = Prediction.failed(str(error), _source(item))
        if loaded:
            predictions = self._predict_wavs(
                list(loaded.values()),
                [inputs[i] for i in loaded],
                None if texts is None else [texts[i] for i in loaded],
            )
            answers.update(zip(loaded, predictions))
        return [answers[i] for i in range(len(inputs))]

    def _predict_wavs(self, wavs, inputs, texts):
        """Predicts a list of usable waveforms as one batch."""
        batch, wav_lens = batch_pad_right(wavs)
        log_probs, *_ = self.classify_batch(batch, wav_lens, texts)
        return [
            Prediction.from_scores(
                dict(zip(self.labels, row.exp().tolist())), _source(item)
            )
            for row, item in zip(log_probs, inputs)
        ]

    def _load_checked(self, item):
        """Gets the waveform of an input, and makes sure it can be used."""
        if isinstance(item, torch.Tensor):
            wav, name = item, "the waveform"
        else:
            wav, name = self.load_audio(item), f"'{item}'"
        self._check(wav, name)
        return wav

    def _check(self, wav, name):
        check_speech(
            wav,
            name,
            self.encoder.min_samples,
            self.hparams.sample_rate,
            self.encoder.max_samples,
        )

    def _check_batch(self, wavs, wav_lens):
        """Puts a batch in form, and makes sure each utterance can be used."""
        if wavs.ndim == 1:
            wavs = wavs.unsqueeze(0)
        if wavs.ndim != 2:
            raise ValueError(
                "wavs must be [batch, samples] or [samples], mono; got "
                f"{tuple(wavs.shape)}"
            )
        if wav_lens is None:
            wav_lens = full_lengths(wavs)
        if wav_lens.shape != wavs.shape[:1]:
            raise ValueError(
                f"wav_lens must be [{wavs.shape[0]}], relative lengths; got "
                f"{tuple(wav_lens.shape)}"
            )
        if not ((wav_lens > 0) & (wav_lens <= 1)).all():
            raise ValueError(
                "wav_lens are relative lengths in (0, 1]; got "
                f"{wav_lens.tolist()}"
            )
        for i, n in enumerate(true_lengths(wav_lens, wavs.shape[1]).tolist()):
            self._check(wavs[i, :n], f"row {i} of the batch")
        return wavs.float().to(self.device), wav_lens.to(self.device)


def _check_source(source, hparams_file):
    """Tells a model folder (True) from what may be a hub id (False)."""
    if source.is_dir():
        if (source / hparams_file).is_file():
            return True
        raise FileNotFoundError(
            f"'{source}' holds no '{hparams_file}': name a folder written by "
            "a recipe's export, or another hparams_file"
        )
    if source.exists() or not _HUB_ID.fullmatch(str(source)):
        raise FileNotFoundError(
            f"'{source}' is neither a model folder nor a hub id (owner/name)"
        )
    return False


def _source(item):
    """The name of an input, where it has one."""
    return None if isinstance(item, torch.Tensor) else str(item)
