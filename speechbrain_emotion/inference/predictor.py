"""From files, waveforms and texts to predictions."""

import dataclasses

from tqdm import tqdm

from speechbrain_emotion.dataio.transcript import Transcript
from speechbrain_emotion.dataio.words import TextError
from speechbrain_emotion.inference.answering import Answering
from speechbrain_emotion.inference.batching import make_batches
from speechbrain_emotion.inference.inputs import INPUT_ERRORS, check_modalities
from speechbrain_emotion.inference.known import MAX_BATCH_LENGTH
from speechbrain_emotion.inference.options import Options
from speechbrain_emotion.inference.pieces import said
from speechbrain_emotion.inference.prediction import Prediction
from speechbrain_emotion.inference.utterance import (
    Utterance,
    source_of,
    text_of,
)

# Utterances are sorted by length among a few batches, or so many at most:
# the first answers come soon.
BATCHES_SORTED = 10
MAX_SORTED = 512


class Predictor(Answering):
    """Adds ``predict`` to an interface that encodes and classifies.

    What the interface has to have, says ``Answering``.
    """

    def predict(
        self,
        inputs=None,
        texts=None,
        segments=None,
        window_seconds=None,
        transcriber=None,
        max_batch_length=MAX_BATCH_LENGTH,
        progress=False,
        profiles=None,
    ):
        """Recognises the emotion of one utterance or of several.

        Arguments
        ---------
        inputs : str, Path, torch.Tensor or list of these
            Audio files, or waveforms [samples] at 16 kHz, of any length, for
            models that hear. In a list, None says that an utterance has no
            audio. A model that only reads takes them to transcribe them.
        texts : str, Transcript or list of these
            What is said in each, for models that read text; a ``Transcript``
            also says when. In a list, None says that an utterance has no
            text. Without any texts, what is needed is transcribed.
        segments : str or list
            The parts of each utterance to answer for, besides the whole:
            "words", "sentences", "windows", "vad" (stretches of speech), or
            a list of (start, end) in seconds. See ``Prediction.segments``.
        window_seconds : float
            Length of the segments "windows", by default 3 s.
        transcriber : Transcriber
            Transcribes every utterance that has no text, also those with
            None in a list. By default Whisper does, if a text or the times of
            words are needed and ``texts`` is left out altogether.
        max_batch_length : float
            How many seconds of audio are computed at once, padding included;
            15 characters of a text count as a second. It bounds the memory;
            the answers do not depend on it.
        progress : bool
            Whether to show a progress bar, over the utterances of a list and
            over the windows of a long recording.
        profiles : SpeakerProfile or list of SpeakerProfile
            Who speaks, see ``enroll``: one for all inputs, or for a list of
            inputs one each. None, also in a list, where that is not known.

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
            If the model does not read what is given, or an option is wrong.
        ImportError
            If something must be transcribed, or speech found, and the extra
            that does it is not installed.
        """
        options = {
            "segments": segments,
            "window_seconds": window_seconds,
            "transcriber": transcriber,
            "max_batch_length": max_batch_length,
            "progress": progress,
        }
        given = [x for x in (inputs, texts) if x is not None]
        if any(isinstance(x, list | tuple) for x in given):
            return [
                *self.predict_each(inputs, texts, profiles=profiles, **options)
            ]
        options = self._options(inputs, texts, options)
        self.check_profiles([profiles], 1)  # before anything is read
        utterance = self._utterance(inputs, texts, profiles)
        return self.answer(self._transcribed(utterance, options), options)

    def predict_each(self, inputs=None, texts=None, profiles=None, **options):
        """Recognises the emotion of many utterances, one after another.

        Utterances of similar length are computed together, among those that
        make up the next few batches, so that memory does not grow with the
        number of files.

        Arguments
        ---------
        inputs : list
            As ``predict``.
        texts : list of str or Transcript
            As ``predict``.
        profiles : SpeakerProfile or list of SpeakerProfile
            As ``predict``.
        **options
            As ``predict``.

        Yields
        ------
        Prediction
            One each in the same order, as soon as it is known.

        Raises
        ------
        ValueError, ImportError
            As ``predict``.
        """
        options = self._options(inputs, texts, options)
        rows = _pair(inputs, texts)
        # Before anything is read.
        profiles = self.check_profiles(profiles, len(rows))
        rows = [(*row, profile) for row, profile in zip(rows, profiles)]
        bar = tqdm(total=len(rows), unit="input", disable=not options.progress)
        with bar:
            for chunk in self._chunks(rows, options):
                yield from self._predict_chunk(chunk, options, bar)

    def encode_utterance(self, audio=None, text=None, transcriber=None):
        """Computes the embedding of one utterance.

        Arguments
        ---------
        audio : str, Path or torch.Tensor
            Audio file or waveform [samples], for models that hear.
        text : str or Transcript
            What is said, for models that read text; without it, it is
            transcribed.
        transcriber : Transcriber
            As ``predict``.

        Returns
        -------
        torch.Tensor
            Embedding, [1, dim].

        Raises
        ------
        OSError, AudioError, TextError
            If it cannot be used.
        ValueError, ImportError
            As ``predict``.
        """
        given = audio
        if audio is None and text is not None and len(self.modalities) > 1:
            given = ()  # the text alone will do
        options = self._options(given, text, {"transcriber": transcriber})
        utterance = self._transcribed(self._utterance(audio, text), options)
        return self.embed_utterance(utterance, options)

    def encode_speech(self, audio):
        """Computes the embedding of what is heard of one utterance.

        Arguments
        ---------
        audio : str, Path or torch.Tensor
            Audio file or waveform [samples], for models that hear.

        Returns
        -------
        torch.Tensor
            Embedding, [1, dim]. For a model that also reads it is that of an
            utterance without a text; nothing is transcribed.

        Raises
        ------
        OSError, AudioError
            If it cannot be used.
        ValueError
            If the model does not hear.
        """
        check_modalities(self.modalities[:1], audio, None)
        return self.embed_utterance(self._utterance(audio, None), Options())

    def _options(self, inputs, texts, options):
        """What a call asks for, checked."""
        language = getattr(self.hparams, "language", None)
        return Options(**options).for_model(
            self.modalities, inputs, texts, language, str(self.device)
        )

    def _utterance(self, audio, text, profile=None):
        """Finds out what is to be recognised."""
        encoder = self.encoder if "speech" in self.modalities else None
        utterance = Utterance.of(audio, text, self.modalities, encoder)
        return dataclasses.replace(utterance, profile=profile)

    def _transcribed(self, utterance, options):
        """The utterance, transcribed if it has no text and shall have one."""
        missing = utterance.text is None and utterance.audio is not None
        if missing and options.transcriber is not None:
            transcript = options.transcriber.transcribe(
                self.blocks(utterance), utterance.name, options.progress
            )
            if not isinstance(transcript, Transcript):
                raise ValueError(
                    f"the transcriber gave a {type(transcript).__name__} for "
                    f"{utterance.name}: it must give a Transcript"
                )
            transcript.check_end(utterance.audio_seconds, utterance.name)
            utterance = dataclasses.replace(
                utterance, text=transcript, transcribed=True
            )
        heard = utterance.audio is not None and "speech" in self.modalities
        if not heard and not self.heeds(said(utterance.text)):
            raise TextError(
                f"{utterance.name} has no words, or none that are sure enough:"
                " there is nothing to read"
            )
        return utterance

    def _chunks(self, rows, options):
        """Yields lists of utterances, or of predictions where these fail."""
        seconds = BATCHES_SORTED * options.max_batch_length
        chunk, length = [], 0.0
        for audio, text, profile in rows:
            try:
                chunk.append(self._utterance(audio, text, profile))
                length += chunk[-1].seconds
            except INPUT_ERRORS as error:
                chunk.append(_failed(error, audio, text))
            if length >= seconds or len(chunk) == MAX_SORTED:
                yield chunk
                chunk, length = [], 0.0
        yield chunk

    def _predict_chunk(self, chunk, options, bar):
        """Yields the predictions of a chunk in order, the short made first."""
        usable = [i for i, x in enumerate(chunk) if isinstance(x, Utterance)]
        batches = make_batches(
            [chunk[i].seconds for i in usable], options.max_batch_length
        )
        answers = dict(enumerate(chunk))
        waiting = set(usable)
        n_yielded = 0
        # The empty batch is for failures that stand first.
        for batch in [[], *batches]:
            rows = [usable[i] for i in batch]
            predictions = self._predict_batch([chunk[i] for i in rows], options)
            answers.update(zip(rows, predictions))
            waiting.difference_update(rows)
            ready = min(waiting, default=len(chunk))
            bar.update(ready - n_yielded)
            yield from (answers.pop(i) for i in range(n_yielded, ready))
            n_yielded = ready

    def _predict_batch(self, utterances, options):
        """Predicts what can be loaded and records what can not."""
        answers, short = {}, {}
        for i, utterance in enumerate(utterances):
            try:
                utterance = self._transcribed(utterance, options)
                if self.stands_alone(utterance, options):
                    answers[i] = self.answer(utterance, options)
                else:
                    short[i] = (utterance, self.load(utterance))
            except INPUT_ERRORS as error:
                answers[i] = _failed(error, utterance.audio, utterance.text)
        if short:
            answers.update(zip(short, self.answer_batch([*short.values()])))
        return [answers[i] for i in range(len(utterances))]


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


def _failed(error, audio, text):
    """The answer for an input that cannot be used."""
    return Prediction.failed(
        str(error), source=source_of(audio), text=text_of(text)
    )
