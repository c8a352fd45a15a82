"""From utterances and recordings to embeddings."""

import itertools

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
from speechbrain_emotion.inference.windows import WINDOW_SECONDS, WindowLayout
from speechbrain_emotion.nnet.lengths import true_lengths

# Power of a pause, relative to the loudest window: -30 dB.
PAUSE = 1e-3


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
        texts : list of str
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

        It is cut into windows that overlap. Each is encoded as an utterance
        of its own, with the text of the recording; the frames at its inner
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
        text : str or None
            What is said, for models that read text.
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
        layout = self.window_layout
        blocks = check_blocks(blocks, name)
        windows = tqdm(
            layout.cut(blocks),
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
        embeddings, counts, powers = [], [], []
        while batch := list(itertools.islice(sounding, n_rows)):
            sounds, batch_powers = zip(*batch)
            embedded, frames = self._embed_windows(sounds, text, name)
            # On the CPU, as not every device has the float64 of the mean.
            embeddings.append(embedded.cpu())
            counts += frames
            powers += batch_powers
        if not counts:
            raise AudioError(f"{name} {NO_SOUND}")
        weights = torch.tensor(counts, dtype=torch.float64)
        weights[torch.tensor(powers) < PAUSE * max(powers)] = 0.0
        mean = weights @ torch.cat(embeddings).double() / weights.sum()
        return mean.float().unsqueeze(0).to(self.device)

    def _embed_windows(self, windows, text, name):
        """Embeddings of windows, and how many frames each is pooled from."""
        encoder = self.encoder
        for window in windows:
            check_length(
                window.samples, name, encoder.min_samples, encoder.sample_rate
            )
        spans = [
            slice(
                window.first,
                encoder.count_frames(window.samples.numel())
                if window.end is None
                else window.end,
            )
            for window in windows
        ]
        wavs, wav_lens = batch_pad_right([w.samples for w in windows])
        texts = [text] * len(windows) if "text" in self.modalities else None
        counts = [span.stop - span.start for span in spans]
        return self._embed(wavs, wav_lens, texts, spans), counts

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
        with self.inference_ctx:
            embeddings = self.mods.model.embed(wavs, wav_lens, texts, spans)
        return embeddings.float()
