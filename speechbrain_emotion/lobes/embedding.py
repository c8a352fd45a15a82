"""From waveforms, texts or both to one embedding per utterance.

All embedding models are called alike, ``(wavs, wav_lens, texts, spans)``, and
say in ``modalities`` what they read.
"""

import torch
from torch import nn

from speechbrain.utils.data_utils import batch_pad_right
from speechbrain_emotion.nnet.lengths import full_lengths
from speechbrain_emotion.nnet.pooling import MeanPooling


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
    """

    def __init__(self, encoder, taker, normalizer=None, projector=None):
        super().__init__()
        size = encoder.output_size
        if projector is not None:
            _check_size("frames", size, projector)
            size = getattr(projector, "out_features", None)
        _check_size("frames", size, taker)
        self.encoder = encoder
        self.normalizer = normalizer
        self.projector = projector

    def frames(self, wavs, wav_lens, spans=None):
        """Computes the frames of a batch.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms, [batch, samples], or what ``ClipFeatures`` made of
            them, [batch, steps, bins].
        wav_lens : torch.Tensor
            Relative lengths, [batch].
        spans : list of slice
            Which frames of each row to keep, in windows of a recording; by
            default all. The others are context: encoded, then dropped.

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
        if spans is not None:
            kept = [row[span] for row, span in zip(frames, spans, strict=True)]
            frames, frame_lens = batch_pad_right(kept)
        return frames, frame_lens.to(frames.device)


class SpeechEmbedding(SpeechFrames):
    """Turns waveforms into one embedding per utterance.

    Arguments
    ---------
    encoder : torch.nn.Module
        Speech encoder: ``(wavs, wav_lens) -> (frames, frame_lens)``, e.g.
        ``W2VBertEncoder`` or ``WhisperEncoder``.
    pooling : torch.nn.Module
        ``(frames, frame_lens) -> embedding`` of shape [batch, dim].
    normalizer : torch.nn.Module
        Applied to the waveforms: ``(wavs, wav_lens) -> wavs``.
    projector : torch.nn.Module
        Applied to each frame before pooling.

    Raises
    ------
    ValueError
        If frames have another dimension than the next layer takes.

    Example
    -------
    >>> from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
    >>> encoder = W2VBertEncoder(
    ...     config={
    ...         "hidden_size": 16,
    ...         "num_hidden_layers": 1,
    ...         "num_attention_heads": 2,
    ...         "intermediate_size": 32,
    ...     }
    ... )
    >>> embed = SpeechEmbedding(encoder, MeanPooling(16))
    >>> embed(torch.rand(2, 16000), torch.tensor([1.0, 0.7])).shape
    torch.Size([2, 16])
    """

    modalities = ("speech",)

    def __init__(self, encoder, pooling, normalizer=None, projector=None):
        super().__init__(encoder, pooling, normalizer, projector)
        self.pooling = pooling

    @property
    def encoders(self):
        """The pretrained encoder, in a list."""
        return [self.encoder]

    def forward(self, wavs, wav_lens=None, texts=None, spans=None):
        """Embeds a batch of waveforms.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms, [batch, samples].
        wav_lens : torch.Tensor
            Relative lengths, [batch]; by default all full.
        texts : None
            Not read.
        spans : list of slice
            Which frames of each row to keep; by default all.

        Returns
        -------
        torch.Tensor
            Embeddings, [batch, dim].
        """
        if wav_lens is None:
            wav_lens = full_lengths(wavs)
        return self.pooling(*self.frames(wavs, wav_lens, spans))


class TextEmbedding(nn.Module):
    """Turns texts into one embedding each: the mean of the encoder's vectors.

    Where the encoder gives one vector per text ("cls"), it is that vector.

    Arguments
    ---------
    text_encoder : torch.nn.Module
        ``texts -> (vectors, lens)``, e.g. ``TextEncoder``.

    Example
    -------
    >>> class Letters(nn.Module):
    ...     output_size = 1
    ...
    ...     def forward(self, texts):
    ...         codes = [torch.tensor([*map(ord, t)]) for t in texts]
    ...         lens = torch.tensor([len(c) / len(codes[0]) for c in codes])
    ...         codes = nn.utils.rnn.pad_sequence(codes, batch_first=True)
    ...         return codes.unsqueeze(-1).float(), lens
    >>> TextEmbedding(Letters())(texts=["ac", "a"])
    tensor([[98.],
            [97.]])
    """

    modalities = ("text",)

    def __init__(self, text_encoder):
        super().__init__()
        self.text_encoder = text_encoder
        self.pooling = MeanPooling(text_encoder.output_size)

    @property
    def encoders(self):
        """The pretrained encoder, in a list."""
        return [self.text_encoder]

    def forward(self, wavs=None, wav_lens=None, texts=None, spans=None):
        """Embeds a batch of texts.

        Arguments
        ---------
        wavs : None
            Not read.
        wav_lens : None
            Not read.
        texts : list of str
            The texts.
        spans : None
            Not read.

        Returns
        -------
        torch.Tensor
            Embeddings, [batch, dim].
        """
        return self.pooling(*self.text_encoder(texts))


class MultimodalEmbedding(SpeechFrames):
    """Turns utterances, heard and read, into one embedding each.

    Either modality may be missing from a row: its relative length is then 0
    for the fusion.

    Reference: Pan et al., SoftwareX 34, 2026, 102677.

    Arguments
    ---------
    encoder : torch.nn.Module
        Speech encoder: ``(wavs, wav_lens) -> (frames, frame_lens)``.
    text_encoder : torch.nn.Module
        ``texts -> (vectors, lens)``, e.g. ``TextEncoder``.
    fusion : torch.nn.Module
        ``(speech, speech_lens, text, text_lens) -> embedding``, one of
        ``speechbrain_emotion.nnet.fusion``.
    normalizer : torch.nn.Module
        Applied to the waveforms: ``(wavs, wav_lens) -> wavs``.
    projector : torch.nn.Module
        Applied to each frame.
    modality_dropout : float
        In training, the share of rows that lose one of their modalities,
        chosen at random, so that the model learns to answer from the other.

    Raises
    ------
    ValueError
        If fusion and encoders differ in dimension.

    Example
    -------
    >>> from speechbrain_emotion.nnet.fusion import ConcatFusion
    >>> class Samples(nn.Module):
    ...     output_size = 1
    ...
    ...     def forward(self, wavs, wav_lens):
    ...         return wavs.unsqueeze(-1), wav_lens
    >>> class Lengths(nn.Module):
    ...     output_size = 1
    ...
    ...     def forward(self, texts):
    ...         lengths = torch.tensor([[[float(len(t))]] for t in texts])
    ...         return lengths, torch.ones(len(texts))
    >>> embed = MultimodalEmbedding(
    ...     Samples(), Lengths(), ConcatFusion(speech_size=1, text_size=1)
    ... )
    >>> wavs, wav_lens = torch.ones(3, 8), torch.tensor([1.0, 1.0, 0.0])
    >>> embed(wavs, wav_lens, ["ok", None, "no"])
    tensor([[1., 2.],
            [1., 0.],
            [0., 2.]])
    """

    modalities = ("speech", "text")

    def __init__(
        self,
        encoder,
        text_encoder,
        fusion,
        normalizer=None,
        projector=None,
        modality_dropout=0.0,
    ):
        super().__init__(encoder, fusion, normalizer, projector)
        _check_size("text vectors", text_encoder.output_size, fusion, "text")
        self.text_encoder = text_encoder
        self.fusion = fusion
        self.modality_dropout = modality_dropout

    @property
    def encoders(self):
        """The pretrained encoders: speech, text."""
        return [self.encoder, self.text_encoder]

    def forward(self, wavs=None, wav_lens=None, texts=None, spans=None):
        """Embeds a batch of utterances.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms, [batch, samples]; None where no row has any.
        wav_lens : torch.Tensor
            Relative lengths, [batch]; 0 where a row has no speech. By default
            all full.
        texts : list of str
            The texts; None in the place of a missing one, or instead of the
            list where no row has any.
        spans : list of slice
            Which frames of each row to keep, where all have speech; by
            default all.

        Returns
        -------
        torch.Tensor
            Embeddings, [batch, dim].
        """
        n_rows = len(texts) if wavs is None else len(wavs)
        texts = [None] * n_rows if texts is None else texts
        if wavs is None:
            wav_lens = torch.zeros(n_rows)
        elif wav_lens is None:
            wav_lens = full_lengths(wavs)
        heard = wav_lens > 0
        read = torch.tensor([text is not None for text in texts])
        if self.training and self.modality_dropout:
            heard, read = self._drop(heard, read)
        return self.fusion(
            *self._encode_rows(
                heard,
                self.fusion.speech_size,
                lambda: self.frames(wavs[heard], wav_lens[heard], spans),
            ),
            *self._encode_rows(
                read,
                self.fusion.text_size,
                lambda: self._encode_texts(
                    [text for text, there in zip(texts, read) if there]
                ),
            ),
        )

    def _encode_texts(self, texts):
        """Reads no text twice: the windows of a recording share theirs."""
        if self.training:
            return self.text_encoder(texts)
        rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        vectors, lens = self.text_encoder(list(rows))
        chosen = [rows[text] for text in texts]
        return vectors[chosen], lens[chosen]

    def _drop(self, heard, read):
        """Takes one modality from some of the rows that have both."""
        heard = heard.to(read.device)
        loses = torch.rand(len(read)) < self.modality_dropout
        loses_speech = torch.rand(len(read)) < 0.5
        both = heard & read & loses
        return heard & ~(both & loses_speech), read & ~(both & ~loses_speech)

    def _encode_rows(self, there, size, encode):
        """Encodes the rows that have a modality; the others get length 0."""
        device = next(self.parameters(), torch.empty(0)).device
        lens = torch.zeros(len(there), device=device)
        if not there.any():
            return torch.zeros(len(there), 1, size, device=device), lens
        x, lens_there = encode()
        there = there.to(device)
        padded = x.new_zeros(len(there), *x.shape[1:])
        padded[there], lens[there] = x, lens_there.to(lens.dtype)
        return padded, lens


def _check_size(what, given, taker, modality="speech"):
    """Refuses vectors of a dimension that the next layer does not take."""
    names = ("input_size", "in_features", f"{modality}_size")
    taken = next((getattr(taker, n) for n in names if hasattr(taker, n)), given)
    if None not in (given, taken) and given != taken:
        raise ValueError(
            f"the {what} have {given} dimensions, but the "
            f"{type(taker).__name__} behind them takes {taken}: set the sizes "
            "in the YAML file (encoder_dim, embedding_dim) accordingly"
        )
