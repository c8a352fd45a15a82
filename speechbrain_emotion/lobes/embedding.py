"""From waveforms, texts or both to one embedding per utterance.

All embedding models are called alike, ``(wavs, wav_lens, texts, spans)``, and
say in ``modalities`` what they read. A waveform is one utterance, or the
context of several *pieces*, spans of its frames that are pooled into an
embedding each; there is then a text for each piece.
"""

import torch
from torch import nn

from speechbrain_emotion.dataio.transcript import Passage
from speechbrain_emotion.lobes.passages import read_texts
from speechbrain_emotion.lobes.pieces import cut_pieces, join_pieces, pad_steps
from speechbrain_emotion.lobes.speech_frames import SpeechFrames, check_size
from speechbrain_emotion.nnet.lengths import full_lengths
from speechbrain_emotion.nnet.pooling import MeanPooling


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
        spans : list of list of slice
            For each row its pieces, in frames; by default all frames are one.

        Returns
        -------
        torch.Tensor
            Embeddings, [pieces, dim], row after row.
        """
        if wav_lens is None:
            wav_lens = full_lengths(wavs)
        frames, frame_lens = self.frames(wavs, wav_lens)
        return join_pieces(
            (indexes, self.pooling(pieces, lens))
            for indexes, pieces, lens in cut_pieces(frames, frame_lens, spans)
        )


class TextEmbedding(nn.Module):
    """Turns texts into one embedding each: the mean of the encoder's vectors.

    Where the encoder gives one vector per text ("cls"), it is that vector.

    Arguments
    ---------
    text_encoder : torch.nn.Module
        ``texts -> (vectors, lens)``, e.g. ``TextEncoder``; see ``read_texts``.

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
        texts : list of str or Passage
            The texts.
        spans : None
            Not read.

        Returns
        -------
        torch.Tensor
            Embeddings, [batch, dim]; zeros for a ``Passage`` that the encoder
            has cut off.
        """
        vectors, _ = read_texts(self.text_encoder, texts)
        return self.pooling(*pad_steps(vectors))


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
        ``texts -> (vectors, lens)``, e.g. ``TextEncoder``; see ``read_texts``.
    fusion : torch.nn.Module
        ``(speech, speech_lens, text, text_lens) -> embedding``, one of
        ``speechbrain_emotion.nnet.fusion``; it also takes ``text_weights``
        where the gate is "weight".
    normalizer : torch.nn.Module
        Applied to the waveforms: ``(wavs, wav_lens) -> wavs``.
    projector : torch.nn.Module
        Applied to each frame.
    modality_dropout : float
        In training, the share of rows that lose one of their modalities,
        chosen at random, so that the model learns to answer from the other.
    confidence_gate : str
        What is done with words that the transcriber is not sure of. "mask":
        those below ``min_confidence`` are not read, and where none is left
        the text is missing. "weight": each token counts as much as its word
        is sure, and the text beside the speech as much as its words are on
        average. None: nothing. Texts given as strings are sure.
    min_confidence : float
        For the gate "mask", between 0 and 1.

    Raises
    ------
    ValueError
        If fusion and encoders differ in dimension, or there is no such gate
        or confidence.

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
        confidence_gate=None,
        min_confidence=0.5,
    ):
        super().__init__(encoder, fusion, normalizer, projector)
        check_size("text vectors", text_encoder.output_size, fusion, "text")
        if confidence_gate not in (None, "mask", "weight"):
            raise ValueError(
                f"confidence_gate={confidence_gate!r}: expected None (null in "
                "YAML), 'mask' or 'weight'"
            )
        if not 0 <= min_confidence <= 1:
            raise ValueError(
                f"min_confidence={min_confidence!r}: expected 0 to 1"
            )
        self.text_encoder = text_encoder
        self.fusion = fusion
        self.modality_dropout = modality_dropout
        self.confidence_gate = confidence_gate
        self.min_confidence = min_confidence

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
        texts : list of str or Passage
            The texts of the pieces; None in the place of a missing one, or
            instead of the list where no piece has any.
        spans : list of list of slice
            For each row its pieces, in frames; by default all frames are one.

        Returns
        -------
        torch.Tensor
            Embeddings, [pieces, dim], row after row.
        """
        if wavs is None:
            wav_lens, spans = torch.zeros(len(texts)), None
        elif wav_lens is None:
            wav_lens = full_lengths(wavs)
        row_of = torch.arange(len(wav_lens))
        if spans is not None:
            row_of = row_of.repeat_interleave(torch.tensor([*map(len, spans)]))
        if texts is None:
            texts = [None] * len(row_of)
        texts = [self._pass_gate(text) for text in texts]
        heard = wav_lens.cpu()[row_of] > 0
        read = torch.tensor([text is not None for text in texts])
        if self.training and self.modality_dropout:
            heard, read = self._drop(heard, read)
        groups = cut_pieces(
            *self._hear(wavs, wav_lens, row_of[heard].unique()),
            spans,
            together=self.training,
        )
        texts = self._read(texts, read)
        return join_pieces(
            (
                indexes,
                self._fuse(
                    pieces,
                    lens * heard[indexes].to(lens.device),
                    [texts[i] for i in indexes],
                ),
            )
            for indexes, pieces, lens in groups
        )

    def heeds(self, text):
        """Whether a text has a part in the embedding.

        Arguments
        ---------
        text : str or Passage
            What is said.

        Returns
        -------
        bool
            False where the gate lets nothing through.
        """
        text = self._pass_gate(text)
        if self.confidence_gate == "weight" and isinstance(text, Passage):
            return text.confidence > 0
        return text is not None

    def _pass_gate(self, text):
        """Takes away the words that the gate does not let through."""
        if self.confidence_gate == "mask" and isinstance(text, Passage):
            return text.confident(self.min_confidence)
        return text

    def _drop(self, heard, read):
        """Takes one modality from some of the pieces that have both."""
        loses = torch.rand(len(read)) < self.modality_dropout
        loses_speech = torch.rand(len(read)) < 0.5
        both = heard & read & loses
        return heard & ~(both & loses_speech), read & ~(both & ~loses_speech)

    def _hear(self, wavs, wav_lens, rows):
        """Frames of some of the rows; the others get length 0."""
        lens = torch.zeros(len(wav_lens), device=self._device)
        if len(rows) == 0:
            size = self.fusion.speech_size
            return torch.zeros(len(lens), 1, size, device=self._device), lens
        frames, frame_lens = self.frames(wavs[rows], wav_lens[rows])
        padded = frames.new_zeros(len(lens), *frames.shape[1:])
        padded[rows], lens[rows] = frames, frame_lens.to(lens.dtype)
        return padded, lens

    def _read(self, texts, read):
        """The tokens of each piece and their weights; none if not read."""
        device, weigh = self._device, self.confidence_gate == "weight"
        given = [text for text, there in zip(texts, read) if there]
        nothing = [
            torch.zeros(0, self.fusion.text_size, device=device),
            torch.zeros(0, device=device),
        ]
        found = []
        if given:
            found = list(zip(*read_texts(self.text_encoder, given, weigh)))
            nothing = [x[:0] for x in found[0]]  # of the same type
        found = iter(found)
        return [next(found) if there else nothing for there in read]

    def _fuse(self, speech, speech_lens, texts):
        """Embeddings of a group of pieces."""
        vectors, weights = zip(*texts)
        text = pad_steps(vectors)
        if self.confidence_gate == "weight":
            text = *text, pad_steps(weights)[0]
        return self.fusion(speech, speech_lens, *text)

    @property
    def _device(self):
        """Where the weights are."""
        return next(self.parameters(), torch.empty(0)).device
