"""Level normalisation of waveforms."""

from torch import nn

from speechbrain_emotion.nnet.lengths import valid_mask


class LevelNormalization(nn.Module):
    """Brings each utterance to the same root-mean-square level.

    Corpora and microphones differ by tens of decibels; the level says more
    about the recording than about the emotion.

    Arguments
    ---------
    target_db : float
        Level after normalisation, in dB relative to full scale.
    floor_db : float
        Utterances below this level are amplified no further than if they had
        it, so that faint noise is not blown up.

    Example
    -------
    >>> import torch
    >>> wavs = 0.001 * torch.ones(1, 4)
    >>> LevelNormalization(target_db=-20.0)(wavs, torch.ones(1))
    tensor([[0.1000, 0.1000, 0.1000, 0.1000]])
    """

    def __init__(self, target_db=-26.0, floor_db=-80.0):
        super().__init__()
        self.target = 10 ** (target_db / 20)
        self.floor = 10 ** (floor_db / 20)

    def forward(self, wavs, lens):
        """Normalises a batch.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms, [batch, samples].
        lens : torch.Tensor
            Relative lengths, [batch].

        Returns
        -------
        torch.Tensor
            [batch, samples], zero beyond the true lengths.
        """
        mask = valid_mask(lens, wavs.shape[1])
        wavs = wavs.masked_fill(~mask, 0.0)
        power = (wavs**2).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        rms = power.clamp(min=self.floor**2).sqrt()
        return wavs * (self.target / rms).unsqueeze(1)
