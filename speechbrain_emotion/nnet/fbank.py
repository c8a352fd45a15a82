"""Kaldi log-mel features of Wav2Vec2-BERT, batched and differentiable.

The features are those of transformers' ``SeamlessM4TFeatureExtractor``, which
works in numpy, clip by clip, on the CPU. Here the whole batch is computed in
torch on the device of the waveforms, so gradients reach the waveforms.
Reference: https://arxiv.org/abs/2312.05187
"""

import torch
from torch import nn
from transformers.audio_utils import mel_filter_bank, window_function

from speechbrain.dataio.dataio import length_to_mask
from speechbrain_emotion.nnet.lengths import full_lengths, true_lengths

SAMPLE_RATE = 16000
WINDOW = 400  # 25 ms
HOP = 160  # 10 ms
N_FFT = 512
PREEMPHASIS = 0.97
INT16_SCALE = 2.0**15
MEL_FLOOR = torch.finfo(torch.float32).eps
MAX_FRAMES = 16000  # 160 s


class StackedFbank(nn.Module):
    """Normalised log-mel frames of 10 ms, stacked in pairs.

    Each frame of 25 ms has its mean removed, is pre-emphasised and weighted
    by a Povey window. Every mel bin is normalised to mean 0 and variance 1
    over the frames of its clip. A last frame without partner takes part in
    the normalisation but gives no pair. Clips are cut to 16,000 frames, after
    the normalisation.

    Arguments
    ---------
    n_mels : int
        Number of mel bins, from 20 Hz to 8 kHz.

    Example
    -------
    >>> import torch
    >>> fbank = StackedFbank()
    >>> wavs = torch.randn(2, 16000)
    >>> features, feature_lens = fbank(wavs, torch.tensor([1.0, 0.5]))
    >>> features.shape  # 98 frames of 10 ms: 49 pairs of 2 x 80 bins
    torch.Size([2, 49, 160])
    >>> (feature_lens * 49).round().int()
    tensor([49, 24], dtype=torch.int32)
    """

    # Two frames: one pair, and the least that has a variance.
    min_samples = WINDOW + HOP
    # All that is longer is cut.
    max_samples = WINDOW + (MAX_FRAMES - 1) * HOP

    def __init__(self, n_mels=80):
        super().__init__()
        filters = mel_filter_bank(
            num_frequency_bins=N_FFT // 2 + 1,
            num_mel_filters=n_mels,
            min_frequency=20,
            max_frequency=SAMPLE_RATE // 2,
            sampling_rate=SAMPLE_RATE,
            norm=None,
            mel_scale="kaldi",
            triangularize_in_mel_space=True,
        )
        window = window_function(WINDOW, "povey", periodic=False)
        # Plain tensors: as buffers, `.half()` would round them.
        self._filters = torch.from_numpy(filters)
        self._window = torch.from_numpy(window)

    def forward(self, wavs, wav_lens=None):
        """Computes the features.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms at 16 kHz, [batch, samples]; no clip shorter than
            ``min_samples``. What lies in the padding does not matter.
        wav_lens : torch.Tensor
            Relative lengths, [batch]. None: all have the full length.

        Returns
        -------
        features : torch.Tensor
            [batch, pairs, 2 * n_mels], float32, one pair each 20 ms, zeros
            in the padding.
        feature_lens : torch.Tensor
            Relative lengths, [batch]: the true number of pairs divided by
            the number of pairs of the longest clip.
        """
        if wav_lens is None:
            wav_lens = full_lengths(wavs)
        n_samples = true_lengths(wav_lens, wavs.shape[1]).to(wavs.device)
        n_frames = (n_samples - WINDOW) // HOP + 1

        wavs = wavs.masked_fill(~_mask(n_samples, wavs.shape[1]), 0.0)
        features = self._log_mel(wavs[:, : n_samples.max()])
        features = _normalize(features, n_frames)

        n_pairs = n_frames.clamp(max=MAX_FRAMES) // 2
        longest = int(n_pairs.max())
        pairs = features[:, : 2 * longest].unflatten(1, (longest, 2))
        pairs = pairs.flatten(2).masked_fill(
            ~_mask(n_pairs, longest).unsqueeze(-1), 0.0
        )
        return pairs.float(), n_pairs / longest

    def _log_mel(self, wavs):
        """Log-mel energies, [batch, frames, n_mels], in double precision."""
        # Normalising a nearly constant bin multiplies rounding errors by up
        # to 3,000, too much for float32. MPS knows no float64.
        double = torch.float32 if wavs.device.type == "mps" else torch.float64
        window = self._window.to(wavs.device, double)
        filters = self._filters.to(wavs.device, double)

        frames = wavs.to(double).unfold(-1, WINDOW, HOP) * INT16_SCALE
        frames = frames - frames.mean(dim=-1, keepdim=True)
        # Kaldi takes the first sample as its own predecessor.
        previous = torch.cat((frames[..., :1], frames[..., :-1]), dim=-1)
        frames = (frames - PREEMPHASIS * previous) * window

        spectrum = torch.fft.rfft(frames, n=N_FFT)
        power = spectrum.real.square() + spectrum.imag.square()
        return (power @ filters).clamp(min=MEL_FLOOR).log()


def _normalize(features, n_frames):
    """Gives each bin mean 0 and variance 1 over the clip's true frames."""
    padding = ~_mask(n_frames, features.shape[1]).unsqueeze(-1)
    count = n_frames.view(-1, 1, 1)
    mean = features.masked_fill(padding, 0.0).sum(1, keepdim=True) / count
    centred = (features - mean).masked_fill(padding, 0.0)
    variance = centred.square().sum(1, keepdim=True) / (count - 1)
    return centred / (variance + 1e-7).sqrt()


def _mask(lengths, size):
    """True where a step lies inside its item, [batch, size]."""
    return length_to_mask(lengths, max_len=size, dtype=torch.bool)
