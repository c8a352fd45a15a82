"""Parts of utterances for training, so that a model knows parts, too."""

import torch
from torch.nn.functional import avg_pool1d, pad

from speechbrain_emotion.nnet.lengths import true_lengths


class SpanSampler:
    """Chooses the frames that an utterance is answered from in training.

    Clips of acted corpora begin and end with silence, which a model learns to
    expect: the mean over the words alone then looks like nothing it knows.
    With this, each clip is answered three times from one pass of the encoder:
    from all its frames, from those between the first and the last sound, and
    from a random part of these.

    Arguments
    ---------
    encoder : SpeechEncoder
        Says how long its frames are.
    shortest : float
        Least length of the random part, in seconds.
    silence_db : float
        What counts as silence, relative to the loudest frame.

    Example
    -------
    >>> from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
    >>> encoder = W2VBertEncoder(
    ...     config={"hidden_size": 16, "num_hidden_layers": 1}, freeze=True
    ... )
    >>> sample = SpanSampler(encoder, shortest=0.4)
    >>> wav = torch.cat([torch.zeros(8000), torch.rand(8000)])
    >>> whole, sound, part = sample(wav[None], torch.ones(1))[0]
    >>> whole, sound
    (slice(0, 49, None), slice(24, 49, None))
    >>> 20 <= part.stop - part.start <= 25
    True
    """

    n_spans = 3  # of each utterance

    def __init__(self, encoder, shortest=0.4, silence_db=-35.0):
        self.encoder = encoder
        self.shortest = shortest
        self.silence = 10 ** (silence_db / 10)

    def __call__(self, wavs, wav_lens):
        """Chooses frames.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms, [batch, samples].
        wav_lens : torch.Tensor
            Relative lengths, [batch].

        Returns
        -------
        list of list of slice
            For each row all frames, those with sound, and some of these.
        """
        lengths = true_lengths(wav_lens, wavs.shape[1]).tolist()
        return [self._spans(wav[:n]) for wav, n in zip(wavs, lengths)]

    def _spans(self, wav):
        """The three spans of one utterance."""
        n_frames = self.encoder.count_frames(len(wav))
        first, end = self._sound(wav, n_frames)
        rate = self.encoder.sample_rate / self.encoder.frame_samples
        shortest = min(end - first, round(self.shortest * rate))
        size = _draw(shortest, end - first)
        start = _draw(first, end - size)
        return [
            slice(0, n_frames),
            slice(first, end),
            slice(start, start + size),
        ]

    def _sound(self, wav, n_frames):
        """From the first to behind the last frame that is no silence."""
        size = self.encoder.frame_samples
        missing = max(0, n_frames * size - len(wav))
        frames = pad(wav, (0, missing))[: n_frames * size].view(-1, size)
        power = frames.pow(2).mean(dim=1)
        # With a frame more at each end.
        power = avg_pool1d(power[None, None], 3, stride=1, padding=1).flatten()
        loud = (power >= self.silence * power.max()).nonzero().flatten()
        return int(loud[0]), int(loud[-1]) + 1


def _draw(low, high):
    """A random number, low and high included."""
    return int(torch.randint(low, high + 1, ()))
