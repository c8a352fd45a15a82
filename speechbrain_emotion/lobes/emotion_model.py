"""The assembled emotion model, called by training and inference alike."""

from torch import nn


class EmotionModel(nn.Module):
    """Embedding model and classifier: utterances in, logits out.

    Arguments
    ---------
    embedding_model : torch.nn.Module
        ``(wavs, wav_lens, texts, spans) -> embedding``: ``SpeechEmbedding``,
        ``TextEmbedding`` or ``MultimodalEmbedding``.
    classifier : torch.nn.Module
        ``embedding -> logits``, e.g. ``TanhHead``.

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

    def __init__(self, embedding_model, classifier):
        super().__init__()
        self.embedding_model = embedding_model
        self.classifier = classifier

    @property
    def modalities(self):
        """What the model reads: "speech", "text" or both, a tuple."""
        return self.embedding_model.modalities

    def forward(self, wavs=None, wav_lens=None, texts=None):
        """Computes the logits of a batch.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms at the encoder's sample rate, [batch, samples], or what
            ``ClipFeatures`` made of them, for models that hear.
        wav_lens : torch.Tensor
            Relative lengths, [batch]; by default all full.
        texts : list of str
            What is said in each utterance, for models that read text.

        Returns
        -------
        torch.Tensor
            Logits, [batch, n_classes].

        Raises
        ------
        ValueError
            If the model cannot read what is given, or if what it needs is
            missing. A model of both modalities answers from one where the
            other is None.
        """
        return self.classifier(self.embed(wavs, wav_lens, texts))

    def embed(self, wavs=None, wav_lens=None, texts=None, spans=None):
        """Computes the embeddings of a batch.

        Arguments
        ---------
        wavs : torch.Tensor
            As ``forward``.
        wav_lens : torch.Tensor
            As ``forward``.
        texts : list of str
            As ``forward``.
        spans : list of slice
            Which frames of each row are pooled, where all have speech; by
            default all. The others are context.

        Returns
        -------
        torch.Tensor
            Embeddings, [batch, dim].

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
        both = wavs is not None and texts is not None
        if both and len(wavs) != len(texts):
            raise ValueError(
                f"{len(wavs)} utterances but {len(texts)} texts: give one each"
            )
        return self.embedding_model(wavs, wav_lens, texts, spans)
