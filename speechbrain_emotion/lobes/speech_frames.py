"""From waveforms to the frames that are pooled or fused."""

import torch
from torch import nn


class SpeechFrames(nn.Module):
    """Base of the models that hear: waveforms in, frames out.

    The steps are normalisation (optional), encoder and projector (optional).

    Arguments
    ---------
    encoder : torch.nn.Module
        Speech encoder: ``(wavs, wav_lens) -> (frames, frame_lens)``, e.g.
        ``W2VBertEncoder`` or ``WhisperEncoder``.
    taker : torch.nn.Module
        What takes the frames; its ``input_size`` or ``speech_size`` must
        agree with them.
    normalizer : torch.nn.Module
        Applied to the waveforms: ``(wavs, wav_lens) -> wavs``.
    projector : torch.nn.Module
        Applied to each frame.

    Raises
    ------
    ValueError
        If frames have another dimension than the next layer takes.

    Example
    -------
    >>> class Samples(nn.Module):
    ...     output_size = 1
    ...
    ...     def forward(self, wavs, wav_lens):
    ...         return wavs.unsqueeze(-1), wav_lens
    >>> frames = SpeechFrames(Samples(), taker=nn.Linear(1, 2))
    >>> frames.frames(torch.ones(1, 8), torch.ones(1))[0].shape
    torch.Size([1, 8, 1])
    """

    def __init__(self, encoder, taker, normalizer=None, projector=None):
        super().__init__()
        size = encoder.output_size
        if projector is not None:
            check_size("frames", size, projector)
            size = getattr(projector, "out_features", None)
        check_size("frames", size, taker)
        self.encoder = encoder
        self.normalizer = normalizer
        self.projector = projector

    def features(self, wavs, wav_lens):
        """Computes what the pretrained model reads, without running it.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms, [batch, samples].
        wav_lens : torch.Tensor
            Relative lengths, [batch].

        Returns
        -------
        features : torch.Tensor
            [batch, steps, bins]; ``frames`` takes them for waveforms.
        feature_lens : torch.Tensor
            Relative lengths, [batch].
        """
        if self.normalizer is not None:
            wavs = self.normalizer(wavs, wav_lens)
        return self.encoder.features(wavs, wav_lens)

    def frames(self, wavs, wav_lens):
        """Computes the frames of a batch.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms, [batch, samples], or what ``features`` or
            ``ClipFeatures`` made of them, [batch, steps, bins].
        wav_lens : torch.Tensor
            Relative lengths, [batch].

        Returns
        -------
        frames : torch.Tensor
            [batch, frames, dim].
        frame_lens : torch.Tensor
            Relative lengths, [batch].
        """
        if wavs.ndim == 3:
            frames, frame_lens = self.encoder.encode(wavs, wav_lens)
        else:
            if self.normalizer is not None:
                wavs = self.normalizer(wavs, wav_lens)
            frames, frame_lens = self.encoder(wavs, wav_lens)
        if self.projector is not None:
            frames = self.projector(frames)
        if torch.is_autocast_enabled(frames.device.type):
            frames = frames.float()  # means of many need the precision
        return frames, frame_lens.to(frames.device)


def check_size(what, given, taker, modality="speech"):
    """Refuses vectors of a dimension that the next layer does not take.

    Arguments
    ---------
    what : str
        What they are, for the message.
    given : int or None
        Their dimension; None where it is not known.
    taker : torch.nn.Module
        The next layer, which may say what it takes as ``input_size``,
        ``in_features`` or ``{modality}_size``.
    modality : str
        "speech" or "text".

    Raises
    ------
    ValueError
        If the dimensions differ.

    Example
    -------
    >>> check_size("frames", 4, nn.Linear(3, 2))
    Traceback (most recent call last):
    ...
    ValueError: the frames have 4 dimensions, but the Linear ... takes 3...
    """
    names = ("input_size", "in_features", f"{modality}_size")
    taken = next((getattr(taker, n) for n in names if hasattr(taker, n)), given)
    if None not in (given, taken) and given != taken:
        raise ValueError(
            f"the {what} have {given} dimensions, but the "
            f"{type(taker).__name__} behind them takes {taken}: set the sizes "
            "in the YAML file (encoder_dim, embedding_dim) accordingly"
        )
