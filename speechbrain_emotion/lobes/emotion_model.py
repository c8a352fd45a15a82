"""The assembled emotion model, called by training and inference alike."""

from torch import nn

from speechbrain_emotion.nnet.lengths import full_lengths


class SpeechEmbedding(nn.Module):
    """Turns waveforms into one embedding per utterance.

    The steps are normalisation (optional), encoder, projector (optional) and
    pooling.

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
        If the encoder's frames have another dimension than the next layer
        takes.

    Example
    -------
    >>> import torch
    >>> from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
    >>> from speechbrain_emotion.nnet.pooling import MeanPooling
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

    def __init__(self, encoder, pooling, normalizer=None, projector=None):
        super().__init__()
        taker = pooling if projector is None else projector
        _check_dimensions(encoder, taker)
        self.encoder = encoder
        self.pooling = pooling
        self.normalizer = normalizer
        self.projector = projector

    def forward(self, wavs, wav_lens=None):
        """Embeds a batch of waveforms.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms, [batch, samples].
        wav_lens : torch.Tensor
            Relative lengths, [batch]; by default all full.

        Returns
        -------
        torch.Tensor
            Embeddings, [batch, dim].
        """
        if wav_lens is None:
            wav_lens = full_lengths(wavs)
        if self.normalizer is not None:
            wavs = self.normalizer(wavs, wav_lens)
        frames, frame_lens = self.encoder(wavs, wav_lens)
        if self.projector is not None:
            frames = self.projector(frames)
        return self.pooling(frames, frame_lens)


def _check_dimensions(encoder, taker):
    """Refuses frames that the next layer cannot take."""
    given = encoder.output_size
    taken = getattr(taker, "input_size", getattr(taker, "in_features", given))
    if given != taken:
        raise ValueError(
            f"the encoder gives frames of {given} dimensions, but the "
            f"{type(taker).__name__} behind it takes {taken}: set the sizes in "
            "the YAML file (encoder_dim, embedding_dim) accordingly"
        )


class EmotionModel(nn.Module):
    """Embedding model and classifier: waveforms in, logits out.

    Arguments
    ---------
    embedding_model : torch.nn.Module
        ``(wavs, wav_lens) -> embedding``, e.g. ``SpeechEmbedding``.
    classifier : torch.nn.Module
        ``embedding -> logits``, e.g. ``TanhHead``.

    Example
    -------
    >>> import torch
    >>> from torch import nn
    >>> from speechbrain_emotion.nnet.head import TanhHead
    >>> class Energy(nn.Module):
    ...     def forward(self, wavs, wav_lens=None):
    ...         return (wavs**2).mean(dim=1, keepdim=True)
    >>> model = EmotionModel(Energy(), TanhHead(1, n_classes=7))
    >>> model(torch.rand(2, 16000)).shape
    torch.Size([2, 7])
    """

    def __init__(self, embedding_model, classifier):
        super().__init__()
        self.embedding_model = embedding_model
        self.classifier = classifier

    def forward(self, wavs, wav_lens=None, texts=None):
        """Computes the logits of a batch.

        Arguments
        ---------
        wavs : torch.Tensor
            Waveforms at the encoder's sample rate, [batch, samples].
        wav_lens : torch.Tensor
            Relative lengths, [batch]; by default all full.
        texts : list of str
            What is said in each utterance, for models that read text.

        Returns
        -------
        torch.Tensor
            Logits, [batch, n_classes].
        """
        return self.classifier(self.embed(wavs, wav_lens, texts))

    def embed(self, wavs, wav_lens=None, texts=None):
        """Computes the utterance embeddings, [batch, dim]; see ``forward``."""
        if texts is not None:
            raise ValueError(
                "texts were given, but this is a speech-only model: leave them out."
            )
        return self.embedding_model(wavs, wav_lens)
