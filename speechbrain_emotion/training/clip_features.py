"""Features of clips, computed where the clips are read."""

import copy

import torch


class ClipFeatures:
    """Computes what a speech encoder reads, without the pretrained model.

    It is small enough for the workers of a data loader, and the model takes
    what it gives in place of the waveforms.

    Arguments
    ---------
    embedding_model : SpeechFrames
        ``SpeechEmbedding`` or ``MultimodalEmbedding``.
    augment : speechbrain.augment.augmenter.Augmenter
        What training applies to the waveforms; must be None.

    Raises
    ------
    ValueError
        If the waveforms are to be augmented.

    Example
    -------
    >>> from speechbrain_emotion.lobes.embedding import SpeechEmbedding
    >>> from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
    >>> from speechbrain_emotion.nnet.pooling import MeanPooling
    >>> encoder = W2VBertEncoder(
    ...     config={"hidden_size": 16, "num_hidden_layers": 1}, freeze=True
    ... )
    >>> embed = SpeechEmbedding(encoder, MeanPooling(16))
    >>> features = ClipFeatures(embed, augment=None)
    >>> features(torch.rand(16000)).shape
    torch.Size([49, 160])
    """

    def __init__(self, embedding_model, augment):
        if augment is not None:
            raise ValueError(
                "features_in_workers: the features of a clip are computed "
                "before the waveforms are augmented. Set augment to null, or "
                "features_in_workers to False"
            )
        encoder = copy.copy(embedding_model.encoder)
        encoder._modules = {
            name: module
            for name, module in encoder._modules.items()
            if name != "model"
        }
        # A copy, because the model itself may move to a GPU.
        self.encoder = copy.deepcopy(encoder)
        self.normalizer = copy.deepcopy(embedding_model.normalizer)

    @torch.no_grad()
    def __call__(self, wav):
        """Computes the features of a clip.

        Arguments
        ---------
        wav : torch.Tensor
            Waveform, [samples].

        Returns
        -------
        torch.Tensor
            [steps, bins], float32.
        """
        wavs, full = wav.unsqueeze(0), wav.new_ones(1)
        if self.normalizer is not None:
            wavs = self.normalizer(wavs, full)
        features, _ = self.encoder.features(wavs, full)
        return features.squeeze(0)
