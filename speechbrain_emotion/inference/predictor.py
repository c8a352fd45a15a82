"""From files, waveforms and texts to predictions."""

import os

import torch

from speechbrain.utils.data_utils import batch_pad_right
from speechbrain_emotion.dataio.audio import AudioError
from speechbrain_emotion.inference.inputs import (
    TextError,
    check_modalities,
    check_row,
    check_wav,
)
from speechbrain_emotion.inference.prediction import Prediction


class Predictor:
    """Adds ``predict`` to an interface that has ``classify_batch``.

    The interface also has ``labels``, ``modalities``, ``encoder`` and
    ``load_audio``.
    """

    def predict(self, inputs=None, texts=None, batch_size=8):
        """Recognises the emotion of one utterance or of several.

        Arguments
        ---------
        inputs : str, Path, torch.Tensor or list of these
            Audio files, or waveforms [samples] at 16 kHz, for models that
            hear. In a list, None says that an utterance has no audio.
        texts : str or list of str
            What is said in each, for models that read text. In a list, None
            says that an utterance has no text.
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
        OSError, AudioError, TextError
            If a single input cannot be used.
        ValueError
            If the model does not read what is given.
        """
        check_modalities(self.modalities, inputs, texts)
        given = [x for x in (inputs, texts) if x is not None]
        if not any(isinstance(x, list | tuple) for x in given):
            return self._predict_rows([self._load_row(inputs, texts)])[0]
        if not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(
                f"batch_size must be at least 1, an integer, not {batch_size}"
            )
        rows = _pair(inputs, texts)
        predictions = []
        for start in range(0, len(rows), batch_size):
            predictions += self._predict_chunk(rows[start : start + batch_size])
        return predictions

    def load_checked(self, item):
        """Gets the waveform of an input, and makes sure it can be used.

        Arguments
        ---------
        item : str, Path or torch.Tensor
            Audio file or waveform.

        Returns
        -------
        torch.Tensor
            Waveform, [samples].

        Raises
        ------
        OSError, AudioError
            If it cannot be used.
        """
        if not isinstance(item, str | os.PathLike | torch.Tensor):
            raise AudioError(
                f"an input is of type {type(item).__name__}: give the name of "
                "an audio file, a torch.Tensor, or a list of these"
            )
        if isinstance(item, torch.Tensor):
            wav, name = item, "the waveform"
        else:
            wav, name = self.load_audio(item), f"'{item}'"
        check_wav(wav, name, self.encoder)
        return wav

    def _predict_chunk(self, rows):
        """Predicts what can be loaded and records what can not."""
        answers, loaded = {}, {}
        for i, (audio, text) in enumerate(rows):
            try:
                loaded[i] = self._load_row(audio, text)
            except (AudioError, OSError, TextError) as error:
                answers[i] = Prediction.failed(
                    str(error), source=_source(audio), text=text
                )
        if loaded:
            predictions = self._predict_rows(list(loaded.values()))
            answers.update(zip(loaded, predictions))
        return [answers[i] for i in range(len(rows))]

    def _load_row(self, audio, text):
        """Gets what there is of an utterance: waveform, text, name."""
        check_row(self.modalities, audio, text)
        wav = None if audio is None else self.load_checked(audio)
        return wav, text, _source(audio)

    def _predict_rows(self, rows):
        """Predicts a list of usable utterances as one batch."""
        wavs, texts, sources = zip(*rows)
        batch = {}
        if "speech" in self.modalities:
            batch["wavs"], batch["wav_lens"] = _pad(wavs)
        if "text" in self.modalities:
            batch["texts"] = list(texts)
        log_probs, *_ = self.classify_batch(**batch)
        return [
            Prediction.from_scores(
                dict(zip(self.labels, row.exp().tolist())),
                source=source,
                text=text,
                modalities=_given(wav, text),
            )
            for row, wav, text, source in zip(log_probs, wavs, texts, sources)
        ]


def _pair(inputs, texts):
    """Puts audio and text of each utterance side by side."""
    given = [x for x in (inputs, texts) if x is not None]
    if not all(isinstance(x, list | tuple) for x in given):
        raise ValueError(
            "one utterance or several? Give inputs and texts both in a list, "
            "or neither"
        )
    n_rows = len(given[0])
    inputs = [None] * n_rows if inputs is None else inputs
    texts = [None] * n_rows if texts is None else texts
    if len(texts) != n_rows:
        raise ValueError(
            f"{n_rows} inputs but {len(texts)} texts: give one each"
        )
    return list(zip(inputs, texts))


def _pad(wavs):
    """Pads waveforms to a batch; None becomes a row of length 0."""
    there = torch.tensor([wav is not None for wav in wavs])
    nothing = torch.zeros(1)
    batch, lens = batch_pad_right([nothing if w is None else w for w in wavs])
    return batch, lens * there


def _source(item):
    """The name of an input, where it has one."""
    if item is None or isinstance(item, torch.Tensor):
        return None
    return str(item)


def _given(wav, text):
    """The modalities that an utterance has."""
    there = {"speech": wav is not None, "text": text is not None}
    return tuple(modality for modality, given in there.items() if given)
