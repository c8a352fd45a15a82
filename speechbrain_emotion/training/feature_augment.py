"""Augmentation of what a speech encoder reads."""

from speechbrain.dataio.dataio import length_to_mask
from speechbrain_emotion.nnet.lengths import true_lengths


def augment_features(embedding_model, augment, wavs, wav_lens):
    """Computes features and augments them, e.g. by dropping bands.

    Arguments
    ---------
    embedding_model : SpeechFrames
        ``SpeechEmbedding`` or ``MultimodalEmbedding``.
    augment : speechbrain.augment.augmenter.Augmenter
        Of augmentations that keep the number of steps, e.g.
        ``SpectrogramDrop`` and ``Warping``.
    wavs : torch.Tensor
        Waveforms, [batch, samples], or what ``ClipFeatures`` made of them,
        [batch, steps, bins].
    wav_lens : torch.Tensor
        Relative lengths, [batch].

    Returns
    -------
    features : torch.Tensor
        [rows, steps, bins], zeros in the padding; the model takes them in
        place of waveforms. There are more rows than before where the
        augmenter adds some.
    feature_lens : torch.Tensor
        Relative lengths, [rows].

    Example
    -------
    >>> import torch
    >>> from speechbrain.augment.augmenter import Augmenter
    >>> from speechbrain.augment.freq_domain import SpectrogramDrop
    >>> from speechbrain_emotion.lobes.embedding import SpeechEmbedding
    >>> from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
    >>> from speechbrain_emotion.nnet.pooling import MeanPooling
    >>> encoder = W2VBertEncoder(
    ...     config={"hidden_size": 16, "num_hidden_layers": 1}, freeze=True
    ... )
    >>> embed = SpeechEmbedding(encoder, MeanPooling(16))
    >>> augment = Augmenter(
    ...     concat_original=True, augmentations=[SpectrogramDrop(dim=2)]
    ... )
    >>> features, lens = augment_features(
    ...     embed, augment, torch.rand(2, 16000), torch.ones(2)
    ... )
    >>> features.shape
    torch.Size([4, 49, 160])
    """
    features, lens = wavs, wav_lens
    if wavs.ndim == 2:
        features, lens = embedding_model.features(wavs, wav_lens)
    n_steps = features.shape[1]
    features, lens = augment(features, lens.to(features.device))
    if features.shape[1] != n_steps:
        raise ValueError(
            f"feature_augment made {features.shape[1]} steps of {n_steps}: "
            "change the speed of waveforms, in augment"
        )
    mask = length_to_mask(true_lengths(lens, n_steps), n_steps)
    return features * mask.unsqueeze(-1), lens
