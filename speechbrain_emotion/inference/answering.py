"""Answers for utterances, at once or one by one, whole and in parts."""

import torch

from speechbrain.utils.data_utils import batch_pad_right
from speechbrain_emotion.dataio.streaming import split_waveform, stream_audio
from speechbrain_emotion.dataio.transcript import Passage, Transcript
from speechbrain_emotion.dataio.words import TextError
from speechbrain_emotion.inference.encoding import WHOLE
from speechbrain_emotion.inference.inputs import check_wav
from speechbrain_emotion.inference.pieces import PieceAverage, said, text_pieces
from speechbrain_emotion.inference.prediction import Prediction, Segment
from speechbrain_emotion.inference.segments import find_segments, needs_times
from speechbrain_emotion.inference.utterance import (
    SAMPLE_RATE,
    source_of,
    text_of,
)

TEXTS_AT_ONCE = 32


class Answering:
    """Adds the answers for utterances to an interface that encodes.

    The interface has ``labels``, ``modalities``, ``encoder``,
    ``load_audio``, ``encode_batch``, ``encode_segments``,
    ``classify_embeddings`` and ``mods.model``.
    """

    def stands_alone(self, utterance, options):
        """Whether an utterance cannot be computed together with others.

        Arguments
        ---------
        utterance : Utterance
            Long or short.
        options : Options
            What is asked for.

        Returns
        -------
        bool
        """
        only_read = "speech" not in self.modalities
        return (
            utterance.is_long
            or options.segments is not None
            or (only_read and len(text_pieces(utterance.text)) > 1)
        )

    def answer_batch(self, loaded):
        """Answers for short utterances at once.

        Arguments
        ---------
        loaded : list of tuple
            Each utterance with its waveform, or None.

        Returns
        -------
        list of Prediction
        """
        utterances, wavs = zip(*loaded)
        texts = [said(utterance.text) for utterance in utterances]
        embeddings = self._encode_short(wavs, texts)
        profiles = [utterance.profile for utterance in utterances]
        return [
            self._prediction(utterance, scores)
            for utterance, scores in zip(
                utterances, self._scores(embeddings, profiles)
            )
        ]

    def answer(self, utterance, options):
        """Answers for one utterance.

        Arguments
        ---------
        utterance : Utterance
            Long or short.
        options : Options
            What is asked for.

        Returns
        -------
        Prediction

        Raises
        ------
        OSError, AudioError, TextError
            If it cannot be used.
        """
        if not self.stands_alone(utterance, options):
            return self.answer_batch([(utterance, self.load(utterance))])[0]
        bounds, texts = self._find_segments(utterance, options)
        embeddings, answered = self._encode(utterance, bounds, texts, options)
        whole, *scores = self._scores(embeddings, utterance.profile)
        segments = [
            self._segment(utterance, bound, text, scores if there else {})
            for bound, text, scores, there in zip(
                bounds, texts, scores, answered[1:]
            )
        ]
        return self._prediction(utterance, whole, segments)

    def embed_utterance(self, utterance, options):
        """Computes the embedding of one utterance.

        Arguments
        ---------
        utterance : Utterance
            Long or short.
        options : Options
            What is asked for.

        Returns
        -------
        torch.Tensor
            [1, dim].

        Raises
        ------
        OSError, AudioError, TextError
            If it cannot be used.
        """
        if self.stands_alone(utterance, options):
            return self._encode(utterance, [], [], options)[0]
        return self._encode_short(
            [self.load(utterance)], [said(utterance.text)]
        )

    def blocks(self, utterance):
        """Reads the audio of an utterance bit by bit.

        Arguments
        ---------
        utterance : Utterance
            With audio.

        Returns
        -------
        iterator of torch.Tensor
            Blocks [samples].
        """
        rate = SAMPLE_RATE
        if "speech" in self.modalities:
            rate = self.encoder.sample_rate
        if isinstance(utterance.audio, torch.Tensor):
            return split_waveform(utterance.audio, rate)
        return stream_audio(utterance.audio, rate)

    def heeds(self, passage):
        """Whether a text has a part in an answer.

        Arguments
        ---------
        passage : str, Passage or None
            What is said.

        Returns
        -------
        bool
            False where nothing is said, or nothing that the model trusts.
        """
        return passage is not None and self.mods.model.heeds(passage)

    def load(self, utterance):
        """Reads the waveform of an utterance.

        Arguments
        ---------
        utterance : Utterance
            Short.

        Returns
        -------
        torch.Tensor or None
            [samples]; None where there is no audio, or the model only reads.

        Raises
        ------
        OSError, AudioError
            If it cannot be used.
        """
        if "speech" not in self.modalities:
            return None
        if source_of(utterance.audio) is None:
            return utterance.audio
        wav = self.load_audio(utterance.audio)
        check_wav(wav, utterance.name, self.encoder)
        return wav

    def _find_segments(self, utterance, options):
        """The segments that are asked for, and what is said in them."""
        kind = options.segments
        if kind is None:
            return [], []
        if utterance.audio is None and not needs_times(kind):
            raise TextError(
                f"the segments {kind!r} are parts of audio, which "
                f"{utterance.name} has not: choose words or sentences"
            )
        return find_segments(
            kind,
            utterance.audio_seconds,
            utterance.text,
            lambda: self.blocks(utterance),
            utterance.name,
            options.window_seconds,
        )

    def _encode(self, utterance, bounds, texts, options):
        """Embeds an utterance and its segments, and says which have sense."""
        if utterance.audio is None or "speech" not in self.modalities:
            return self._encode_texts([utterance.text, *texts])
        return self.encode_segments(
            self.blocks(utterance),
            [WHOLE, *bounds],
            utterance.text,
            utterance.name,
            options.max_batch_length,
            utterance.n_samples if options.progress else None,
            [said(utterance.text), *texts],
        )

    def _encode_texts(self, texts):
        """Embeds what is said, and says where something is."""
        pieces = [
            (i, *piece)
            for i, text in enumerate(texts)
            for piece in text_pieces(text)
        ]
        average = PieceAverage(len(texts))
        for first in range(0, len(pieces), TEXTS_AT_ONCE):
            segments, passages, n_words = zip(
                *pieces[first : first + TEXTS_AT_ONCE]
            )
            embeddings = self._encode_short([None] * len(passages), passages)
            powers = [1.0] * len(passages)
            average.add(segments, n_words, powers, embeddings)
        embeddings, answered = average.means()
        return embeddings.to(self.device), answered

    def _encode_short(self, wavs, texts):
        """Embeds utterances as one batch."""
        batch = {}
        if "speech" in self.modalities:
            batch["wavs"], batch["wav_lens"] = _pad(wavs)
        if "text" in self.modalities:
            batch["texts"] = list(texts)
        return self.encode_batch(**batch)

    def _scores(self, embeddings, profiles):
        """What embeddings say: for each the score of every label."""
        log_probs, *_ = self.classify_embeddings(embeddings, profiles)
        return [dict(zip(self.labels, row)) for row in log_probs.exp().tolist()]

    def _modalities(self, utterance, passage):
        """What an answer comes from."""
        there = {
            "speech": utterance.audio is not None,
            "text": self.heeds(passage),
        }
        return tuple(m for m in self.modalities if there[m])

    def _prediction(self, utterance, scores, segments=()):
        """The answer for an utterance."""
        text, profile = utterance.text, utterance.profile
        adapted = profile is not None and utterance.audio is not None
        return Prediction.from_scores(
            scores,
            source=source_of(utterance.audio),
            text=text_of(text),
            modalities=self._modalities(utterance, said(text)),
            transcript=text if isinstance(text, Transcript) else None,
            transcribed=utterance.transcribed,
            enrolled=profile.n_utterances if adapted else 0,
            segments=tuple(segments),
        )

    def _segment(self, utterance, bound, passage, scores):
        """The answer for a segment; no scores where it has no sense."""
        label = max(scores, key=scores.get, default=None)
        return Segment(
            *bound,
            label,
            scores.get(label),
            scores,
            text=passage.spoken if isinstance(passage, Passage) else passage,
            modalities=self._modalities(utterance, passage) if scores else (),
        )


def _pad(wavs):
    """Pads waveforms to a batch; None becomes a row of length 0."""
    there = torch.tensor([wav is not None for wav in wavs])
    nothing = torch.zeros(1)
    batch, lens = batch_pad_right([nothing if w is None else w for w in wavs])
    return batch, lens * there
