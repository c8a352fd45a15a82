"""The assembled emotion model, called by training and inference alike."""

from torch import nn

from speechbrain_emotion.nnet.fusion import ConcatFusion


class EmotionModel(nn.Module):
    """Embedding model and classifier: utterances in, logits out.

    Arguments
    ---------
    embedding_model : torch.nn.Module
        ``(wavs, wav_lens, texts, spans) -> embedding``: ``SpeechEmbedding``,
        ``TextEmbedding`` or ``MultimodalEmbedding``.
    classifier : torch.nn.Module
        ``embedding -> logits``, e.g. ``TanhHead``.
    speaker_normalization : SpeakerNormalization
        Applied between the two; None for models that were not trained with
        speaker profiles.

    Raises
    ------
    ValueError
        If there is a ``speaker_normalization`` though speech has no part of
        its own in the embedding, or one of another size.

    Example
    -------
    >>> import torch
    >>> from torch import nn
    >>> from speechbrain_emotion.nnet.head import TanhHead
    >>> class Energy(nn.Module):
    ...     modalities = ("speech",)
    ...
    ...     def forward(self, wavs, wav_lens=None, texts=None, spans=None):
    ...         return (wavs**2).mean(dim=1, keepdim=True)
    >>> model = EmotionModel(Energy(), TanhHead(1, n_classes=7))
    >>> model(torch.rand(2, 16000)).shape
    torch.Size([2, 7])
    """

    def __init__(self, embedding_model, classifier, speaker_normalization=None):
        super().__init__()
        if speaker_normalization is not None:
            _check_adaptable(embedding_model, speaker_normalization.input_size)
        self.embedding_model = embedding_model
        self.classifier = classifier
        self.speaker_normalization = speaker_normalization

    @property
    def modalities(self):
        """What the model reads: "speech", "text" or both, a tuple."""
        return self.embedding_model.modalities

    def heeds(self, text):
        """Whether a text has a part in the answer.

        Arguments
        ---------
        text : str or Passage
            What is said.

        Returns
        -------
        bool
            False where a confidence gate lets nothing of it through.
        """
        heeds = getattr(self.embedding_model, "heeds", None)
        return heeds is None or heeds(text)

    def forward(
        self,
        wavs=None,
        wav_lens=None,
        texts=None,
        spans=None,
        embeddings=None,
        profiles=None,
    ):
        """Computes the logits of a batch.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms at the encoder's sample rate, [batch, samples], or what
            ``ClipFeatures`` made of them, for models that hear.
        wav_lens : torch.Tensor
            Relative lengths, [batch]; by default all full.
        texts : list of str or Passage
            What is said in each utterance, for models that read text.
        spans : list of list of slice
            As ``embed``.
        embeddings : torch.Tensor
            What ``embed`` gave before, [batch, dim], in place of all these.
        profiles : tuple of torch.Tensor
            What is known of the speakers, as ``SpeakerNormalization``; None
            for nothing.

        Returns
        -------
        torch.Tensor
            Logits, [batch, n_classes]; with spans [pieces, n_classes].

        Raises
        ------
        ValueError
            If the model cannot read what is given, or if what it needs is
            missing. A model of both modalities answers from one where the
            other is None.
        """
        if embeddings is None:
            embeddings = self.embed(wavs, wav_lens, texts, spans)
        if self.speaker_normalization is not None:
            embeddings = self.speaker_normalization(embeddings, profiles)
        elif profiles is not None:
            raise ValueError(
                "this model was not trained with speaker profiles: leave them "
                "out, or train one with an adaptation"
            )
        return self.classifier(embeddings)

    def embed(self, wavs=None, wav_lens=None, texts=None, spans=None):
        """Computes the embeddings of a batch.

        Arguments
        ---------
        wavs : torch.Tensor
            As ``forward``.
        wav_lens : torch.Tensor
            As ``forward``.
        texts : list of str or Passage
            What is said in each piece, for models that read text. A
            ``Passage`` is part of a text and read in its sentences.
        spans : list of list of slice
            For each waveform its pieces, as spans of frames: each is pooled
            into an embedding of its own, and all other frames are its
            context. By default each waveform is one piece.

        Returns
        -------
        torch.Tensor
            Embeddings, [pieces, dim], row after row.

        Raises
        ------
        ValueError
            As ``forward``.
        """
        given = {"speech": wavs, "text": texts}
        for modality, content in given.items():
            if content is not None and modality not in self.modalities:
                raise ValueError(
                    f"{modality} was given, but this model reads only "
                    f"{self.modalities[0]}: leave it out"
                )
        if all(given[modality] is None for modality in self.modalities):
            raise ValueError(
                f"nothing to read: give {' or '.join(self.modalities)}"
            )
        if wavs is not None:
            _check_pieces(len(wavs), texts, spans)
        return self.embedding_model(wavs, wav_lens, texts, spans)


def _check_adaptable(embedding_model, size):
    """Refuses embeddings in which speech is not apart from text."""
    if embedding_model.modalities == ("speech",):
        pooling = getattr(embedding_model, "pooling", None)
        speech_size = getattr(pooling, "output_size", size)
    else:
        fusion = getattr(embedding_model, "fusion", None)
        if not isinstance(fusion, ConcatFusion):
            name = type(fusion or embedding_model).__name__
            raise ValueError(
                "speaker_normalization: speech has no part of its own in what "
                f"{name} gives: leave it out, or put speech and text side by "
                "side with ConcatFusion"
            )
        speech_size = fusion.speech_size
    if speech_size != size:
        raise ValueError(
            f"speaker_normalization is of {size} dimensions, but speech has "
            f"{speech_size} in the embedding: set its input_size accordingly"
        )


def _check_pieces(n_rows, texts, spans):
    """Refuses other numbers of spans or texts than there are utterances."""
    n_pieces = n_rows
    if spans is not None:
        n_pieces = sum(map(len, spans))
        if len(spans) != n_rows:
            raise ValueError(
                f"{n_rows} utterances but {len(spans)} lists of spans: give "
                "one each"
            )
    if texts is not None and n_pieces != len(texts):
        raise ValueError(
            f"{n_pieces} utterances or pieces but {len(texts)} texts: give "
            "one each"
        )
