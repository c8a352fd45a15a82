"""From files, waveforms and texts to predictions."""

import torch
from tqdm import tqdm

from speechbrain.utils.data_utils import batch_pad_right
from speechbrain_emotion.dataio.audio import AudioError
from speechbrain_emotion.dataio.streaming import split_waveform, stream_audio
from speechbrain_emotion.inference.batching import (
    check_batch_length,
    make_batches,
)
from speechbrain_emotion.inference.inputs import (
    TextError,
    check_modalities,
    check_wav,
)
from speechbrain_emotion.inference.known import MAX_BATCH_LENGTH
from speechbrain_emotion.inference.prediction import Prediction
from speechbrain_emotion.inference.utterance import Utterance, source_of

# What is wrong with one input and concerns no other.
INPUT_ERRORS = (AudioError, OSError, TextError)

# Utterances are sorted by length among a few batches, or so many at most:
# the first answers come soon.
BATCHES_SORTED = 10
MAX_SORTED = 512


class Predictor:
    """Adds ``predict`` to an interface that encodes and classifies.

    The interface also has ``labels``, ``modalities``, ``encoder``,
    ``load_audio``, ``encode_batch`` and ``encode_recording``.
    """

    def predict(
        self,
        inputs=None,
        texts=None,
        max_batch_length=MAX_BATCH_LENGTH,
        progress=False,
    ):
        """Recognises the emotion of one utterance or of several.

        Arguments
        ---------
        inputs : str, Path, torch.Tensor or list of these
            Audio files, or waveforms [samples] at 16 kHz, of any length, for
            models that hear. In a list, None says that an utterance has no
            audio.
        texts : str or list of str
            What is said in each, for models that read text. In a list, None
            says that an utterance has no text.
        max_batch_length : float
            How many seconds of audio are computed at once, padding included;
            15 characters of a text count as a second. It bounds the memory;
            the answers do not depend on it.
        progress : bool
            Whether to show a progress bar, over the utterances of a list and
            over the windows of a long recording.

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
        check_batch_length(max_batch_length)
        given = [x for x in (inputs, texts) if x is not None]
        if any(isinstance(x, list | tuple) for x in given):
            return [
                *self.predict_each(inputs, texts, max_batch_length, progress)
            ]
        utterance = self._utterance(inputs, texts)
        embedding = self._encode(utterance, max_batch_length, progress)
        return self._predictions([utterance], embedding)[0]

    def predict_each(
        self,
        inputs=None,
        texts=None,
        max_batch_length=MAX_BATCH_LENGTH,
        progress=False,
    ):
        """Recognises the emotion of many utterances, one after another.

        Utterances of similar length are computed together, among those that
        make up the next few batches, so that memory does not grow with the
        number of files.

        Arguments
        ---------
        inputs : list
            As ``predict``.
        texts : list of str
            As ``predict``.
        max_batch_length : float
            As ``predict``.
        progress : bool
            As ``predict``.

        Yields
        ------
        Prediction
            One each in the same order, as soon as it is known.

        Raises
        ------
        ValueError
            As ``predict``.
        """
        check_modalities(self.modalities, inputs, texts)
        check_batch_length(max_batch_length)
        rows = _pair(inputs, texts)
        seconds = BATCHES_SORTED * max_batch_length
        bar = tqdm(total=len(rows), unit="input", disable=not progress)
        with bar:
            for chunk in self._chunks(rows, seconds):
                yield from self._predict_chunk(chunk, max_batch_length, bar)

    def encode_utterance(self, audio=None, text=None):
        """Computes the embedding of one utterance.

        Arguments
        ---------
        audio : str, Path or torch.Tensor
            Audio file or waveform [samples], for models that hear.
        text : str
            What is said, for models that read text.

        Returns
        -------
        torch.Tensor
            Embedding, [1, dim].

        Raises
        ------
        OSError, AudioError, TextError
            If it cannot be used.
        ValueError
            If the model does not read what is given.
        """
        if len(self.modalities) == 1:
            check_modalities(self.modalities, audio, text)
        return self._encode(self._utterance(audio, text))

    def _utterance(self, audio, text):
        """Finds out what is to be recognised."""
        encoder = self.encoder if "speech" in self.modalities else None
        return Utterance.of(audio, text, self.modalities, encoder)

    def _chunks(self, rows, seconds):
        """Yields lists of utterances, or of predictions where these fail."""
        chunk, length = [], 0.0
        for audio, text in rows:
            try:
                chunk.append(self._utterance(audio, text))
                length += chunk[-1].seconds
            except INPUT_ERRORS as error:
                chunk.append(_failed(error, audio, text))
            if length >= seconds or len(chunk) == MAX_SORTED:
                yield chunk
                chunk, length = [], 0.0
        yield chunk

    def _predict_chunk(self, chunk, max_batch_length, bar):
        """Yields the predictions of a chunk in order, the short made first."""
        usable = [i for i, x in enumerate(chunk) if isinstance(x, Utterance)]
        batches = make_batches(
            [chunk[i].seconds for i in usable], max_batch_length
        )
        answers = dict(enumerate(chunk))
        waiting = set(usable)
        n_yielded = 0
        # The empty batch is for failures that stand first.
        for batch in [[], *batches]:
            rows = [usable[i] for i in batch]
            predictions = self._predict_batch(
                [chunk[i] for i in rows], max_batch_length, not bar.disable
            )
            answers.update(zip(rows, predictions))
            waiting.difference_update(rows)
            ready = min(waiting, default=len(chunk))
            bar.update(ready - n_yielded)
            yield from (answers.pop(i) for i in range(n_yielded, ready))
            n_yielded = ready

    def _predict_batch(self, utterances, max_batch_length, progress):
        """Predicts what can be loaded and records what can not."""
        answers, wavs, embeddings = {}, {}, {}
        for i, utterance in enumerate(utterances):
            try:
                if utterance.is_long:
                    embeddings[i] = self._encode(
                        utterance, max_batch_length, progress
                    )
                else:
                    wavs[i] = self._load(utterance)
            except INPUT_ERRORS as error:
                answers[i] = _failed(error, utterance.audio, utterance.text)
        if wavs:
            texts = [utterances[i].text for i in wavs]
            encoded = self._encode_short([*wavs.values()], texts)
            embeddings.update(zip(wavs, encoded.split(1)))
        if embeddings:
            predictions = self._predictions(
                [utterances[i] for i in embeddings],
                torch.cat([*embeddings.values()]),
            )
            answers.update(zip(embeddings, predictions))
        return [answers[i] for i in range(len(utterances))]

    def _encode(
        self, utterance, max_batch_length=MAX_BATCH_LENGTH, progress=False
    ):
        """Embeds one utterance of any length, [1, dim]."""
        if not utterance.is_long:
            return self._encode_short([self._load(utterance)], [utterance.text])
        rate = self.encoder.sample_rate
        if isinstance(utterance.audio, torch.Tensor):
            blocks = split_waveform(utterance.audio, rate)
        else:
            blocks = stream_audio(utterance.audio, rate)
        return self.encode_recording(
            blocks,
            utterance.text,
            utterance.name,
            max_batch_length,
            utterance.n_samples if progress else None,
        )

    def _load(self, utterance):
        """Reads the waveform of an utterance; None where it has none."""
        if source_of(utterance.audio) is None:
            return utterance.audio
        wav = self.load_audio(utterance.audio)
        check_wav(wav, utterance.name, self.encoder)
        return wav

    def _encode_short(self, wavs, texts):
        """Embeds utterances as one batch."""
        batch = {}
        if "speech" in self.modalities:
            batch["wavs"], batch["wav_lens"] = _pad(wavs)
        if "text" in self.modalities:
            batch["texts"] = texts
        return self.encode_batch(**batch)

    def _predictions(self, utterances, embeddings):
        """What the embeddings of utterances say."""
        log_probs, *_ = self.classify_embeddings(embeddings)
        return [
            Prediction.from_scores(
                dict(zip(self.labels, row.exp().tolist())),
                source=source_of(utterance.audio),
                text=utterance.text,
                modalities=utterance.modalities,
            )
            for row, utterance in zip(log_probs, utterances)
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


def _failed(error, audio, text):
    """The answer for an input that cannot be used."""
    return Prediction.failed(str(error), source=source_of(audio), text=text)
