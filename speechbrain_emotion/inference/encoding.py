"""From utterances and recordings to embeddings."""

import itertools
import math

import torch
from tqdm import tqdm

from speechbrain.utils.data_utils import batch_pad_right
from speechbrain_emotion.dataio.audio import (
    NO_SOUND,
    SILENCE,
    AudioError,
    check_length,
    sound_power,
)
from speechbrain_emotion.dataio.streaming import check_blocks, split_waveform
from speechbrain_emotion.inference.inputs import (
    check_modalities,
    check_texts,
    check_wavs,
    is_long,
)
from speechbrain_emotion.inference.known import MAX_BATCH_LENGTH
from speechbrain_emotion.inference.pieces import (
    PieceAverage,
    SegmentFrames,
    said,
)
from speechbrain_emotion.inference.windows import (
    WINDOW_SECONDS,
    Window,
    WindowLayout,
)
from speechbrain_emotion.nnet.lengths import true_lengths

WHOLE = (0.0, math.inf)  # from start to end


class UtteranceEncoder:
    """Adds embeddings to an interface that has a model.

    The interface also has ``modalities``, ``encoder``, ``device`` and
    ``inference_ctx``.
    """

    def limit_utterances(self):
        """Tells the encoder what the model was trained on.

        A model may say in its YAML file ``max_utterance_seconds``, beyond
        which a recording is cut into windows, and ``window_seconds``, the
        length of these. By default recordings are cut beyond what the encoder
        takes at once.

        Raises
        ------
        ValueError
            If it takes less than that.
        """
        encoder = self.encoder
        seconds = getattr(self.hparams, "max_utterance_seconds", None)
        if seconds is not None:
            n_samples = int(seconds * encoder.sample_rate)
            longest = encoder.max_samples or n_samples
            if not encoder.min_samples <= n_samples <= longest:
                raise ValueError(
                    f"max_utterance_seconds is {seconds}, which is not what "
                    f"a {type(encoder).__name__} takes"
                )
            encoder.max_samples = n_samples

    @property
    def window_layout(self):
        """How recordings are cut that are longer than an utterance."""
        seconds = getattr(self.hparams, "window_seconds", WINDOW_SECONDS)
        return WindowLayout.of(self.encoder, seconds)

    def encode_batch(self, wavs=None, wav_lens=None, texts=None):
        """Computes the embeddings of a batch of utterances.

        What is longer than the encoder takes at once is encoded in windows,
        see ``encode_recording``.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms at 16 kHz, [batch, samples] or [samples], for models
            that hear.
        wav_lens : torch.Tensor
            Relative lengths, [batch]; by default all full. For a model that
            also reads, 0 says that a row has no speech.
        texts : list of str or Transcript
            What is said, for models that read text. For a model that also
            hears, None in the list says that a row has no text.

        Returns
        -------
        torch.Tensor
            Embeddings, [batch, dim].

        Raises
        ------
        AudioError
            If an utterance is too short, silent, or not finite.
        ValueError
            If the inputs are not those that the model reads.
        """
        check_modalities(self.modalities, wavs, texts)
        if wavs is not None:
            both = "text" in self.modalities
            wavs, wav_lens = check_wavs(wavs, wav_lens, self.encoder, both)
        if texts is not None:
            check_texts(
                texts, None if wavs is None else (wav_lens > 0).tolist()
            )
        if wavs is None or not is_long(wavs.shape[1], self.encoder):
            return self._embed(wavs, wav_lens, texts)
        n_samples = true_lengths(wav_lens, wavs.shape[1])
        return self._encode_rows(wavs, n_samples.cpu(), texts)

    def encode_recording(
        self,
        blocks,
        text=None,
        name="the recording",
        max_batch_length=MAX_BATCH_LENGTH,
        progress=None,
    ):
        """Computes the embedding of a recording of any length.

        What is longer than an utterance is cut into windows that overlap.
        Each is encoded as an utterance of its own; the frames at its inner
        ends, which are there for the context, are dropped before pooling. The
        result is the mean of the windows' embeddings, weighted by their
        numbers of frames. With mean pooling, and fusions that are affine in
        its result (all published and included models), that is the embedding
        of all frames of the recording pooled at once; otherwise it is an
        average of local ones. Pauses are left out: windows that are silent,
        or more than 30 dB below the loudest one.

        Arguments
        ---------
        blocks : iterable of torch.Tensor
            The waveform at 16 kHz, in blocks [samples]; see
            ``speechbrain_emotion.dataio.streaming``.
        text : str, Transcript or None
            What is said, for models that read text. With the times of its
            words, each window is read with the sentences that are said in
            it, otherwise with all of it.
        name : str
            How messages call it.
        max_batch_length : float
            How many seconds of windows are computed at once; at least one
            window is.
        progress : int or None
            Its length in samples, to show a progress bar over the windows.

        Returns
        -------
        torch.Tensor
            Embedding, [1, dim].

        Raises
        ------
        AudioError
            If it is too short or silent, and whatever the blocks raise.

        Example
        -------
        >>> from speechbrain_emotion import EmotionClassifier
        >>> classifier = EmotionClassifier.from_hparams()
        >>> blocks = (0.1 * torch.randn(160000) for _ in range(4))
        >>> classifier.encode_recording(blocks).shape
        torch.Size([1, 1536])
        """
        embeddings, _ = self.encode_segments(
            blocks, [WHOLE], text, name, max_batch_length, progress
        )
        return embeddings

    def encode_segments(
        self,
        blocks,
        bounds,
        text=None,
        name="the recording",
        max_batch_length=MAX_BATCH_LENGTH,
        progress=None,
        texts=None,
    ):
        """Computes the embeddings of parts of a recording, all in one pass.

        The encoder runs once over the recording, at once if it is no longer
        than an utterance, otherwise as in ``encode_recording``. The frames of
        each segment are then pooled, and those that it has in several windows
        put together as there. A segment is fused with what is said in it.

        Arguments
        ---------
        blocks : iterable of torch.Tensor
            The waveform at 16 kHz, in blocks [samples].
        bounds : list of tuple of float
            Start and end of each segment, in seconds; they may overlap. An
            infinite end is that of the recording.
        text : str, Transcript or None
            What is said, for models that read text. Without times it is said
            in every segment.
        name : str
            How messages call the recording.
        max_batch_length : float
            As ``encode_recording``.
        progress : int or None
            As ``encode_recording``.
        texts : list of str, Passage or None
            What is said in each segment; by default what ``text`` has in its
            time. In a segment longer than a window, each window is read with
            what ``text`` has there.

        Returns
        -------
        embeddings : torch.Tensor
            [segments, dim].
        answered : torch.Tensor
            [segments], bool; False where a segment of a long recording is
            silent, and its embedding zeros.

        Raises
        ------
        AudioError
            If the recording is too short or silent, and whatever the blocks
            raise.

        Example
        -------
        >>> from speechbrain_emotion import EmotionClassifier
        >>> classifier = EmotionClassifier.from_hparams()
        >>> blocks = (0.1 * torch.randn(16000) for _ in range(3))
        >>> bounds = [(0.0, 1.5), (1.5, 1.52), (1.0, 3.0)]
        >>> embeddings, answered = classifier.encode_segments(blocks, bounds)
        >>> embeddings.shape
        torch.Size([3, 1536])
        """
        layout = self.window_layout
        if "text" not in self.modalities:
            text, texts = None, None
        if texts is None:
            texts = [said(text, *bound) for bound in bounds]
        segments = SegmentFrames(
            bounds, text, texts, layout, self.encoder.sample_rate
        )
        windows = tqdm(
            self._windows(check_blocks(blocks, name), layout),
            desc=name,
            total=None if progress is None else layout.count(progress),
            unit="window",
            leave=False,
            disable=progress is None,
        )
        measured = ((w, sound_power(w.samples)) for w in windows)
        sounding = ((w, power) for w, power in measured if power >= SILENCE**2)
        seconds = layout.size / self.encoder.sample_rate
        n_rows = max(1, int(max_batch_length / seconds))
        average = PieceAverage(len(bounds))
        while batch := list(itertools.islice(sounding, n_rows)):
            self._add_windows(average, batch, segments, name)
        if not average.embeddings:
            raise AudioError(f"{name} {NO_SOUND}")
        embeddings, answered = average.means()
        return embeddings.to(self.device), answered

    def _windows(self, blocks, layout):
        """Cuts a recording, unless it is no longer than an utterance."""
        limit = self.encoder.max_samples
        start, n_samples = [], 0
        for block in blocks:
            start.append(block)
            n_samples += block.numel()
            if limit is not None and n_samples > limit:
                yield from layout.cut(itertools.chain(start, blocks))
                return
        yield Window(torch.cat(start), 0, 0, None)

    def _add_windows(self, average, windows, segments, name):
        """Encodes windows, each with its power, and pools what is in them."""
        encoder = self.encoder
        ids, counts, powers, texts, spans = [], [], [], [], []
        for window, power in windows:
            n_samples = window.samples.numel()
            check_length(
                window.samples, name, encoder.min_samples, encoder.sample_rate
            )
            is_last = window.end is None
            end = encoder.count_frames(n_samples) if is_last else window.end
            first, end = window.first + window.start, end + window.start
            pieces = segments.within(first, end, is_last)
            ids += [i for i, _, _ in pieces]
            counts += [span.stop - span.start for _, span, _ in pieces]
            powers += [power] * len(pieces)
            texts += [text for _, _, text in pieces]
            spans.append([_shifted(s, -window.start) for _, s, _ in pieces])
        if not ids:
            return
        wavs, wav_lens = batch_pad_right([w.samples for w, _ in windows])
        embeddings = self._embed(
            wavs,
            wav_lens,
            texts if "text" in self.modalities else None,
            spans,
        )
        average.add(ids, counts, powers, embeddings)

    def _encode_rows(self, wavs, n_samples, texts):
        """Encodes rows of which some may be long, these one by one."""
        texts = [None] * len(wavs) if texts is None else texts
        lengths = n_samples.tolist()
        long = [i for i, n in enumerate(lengths) if is_long(n, self.encoder)]
        short = [i for i in range(len(lengths)) if i not in long]
        rows = {
            i: self.encode_recording(
                split_waveform(wavs[i, : lengths[i]], self.encoder.sample_rate),
                texts[i],
                f"row {i} of the batch",
            )
            for i in long
        }
        if short:
            size = max(1, *(lengths[i] for i in short))
            embeddings = self._embed(
                wavs[short, :size],
                n_samples[short] / size,
                [texts[i] for i in short]
                if "text" in self.modalities
                else None,
            )
            rows.update(zip(short, embeddings.split(1)))
        return torch.cat([rows[i] for i in range(len(wavs))])

    @torch.no_grad()
    def _embed(self, wavs, wav_lens, texts, spans=None):
        """Runs the model on what was checked."""
        if wavs is not None:
            wavs, wav_lens = wavs.to(self.device), wav_lens.to(self.device)
        if texts is not None:
            texts = [said(text) for text in texts]
        with self.inference_ctx:
            embeddings = self.mods.model.embed(wavs, wav_lens, texts, spans)
        return embeddings.float()


def _shifted(span, by):
    """The same frames, counted from elsewhere."""
    return slice(span.start + by, span.stop + by)
