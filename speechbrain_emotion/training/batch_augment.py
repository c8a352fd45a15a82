"""What training does to a batch before the model gets it."""

import torch

from speechbrain_emotion.training.feature_augment import augment_features


class BatchAugment:
    """Augments a batch, and chooses which parts of it to answer from.

    Arguments
    ---------
    augment : speechbrain.augment.augmenter.Augmenter
        Applied to the waveforms; None for none.
    feature_augment : speechbrain.augment.augmenter.Augmenter
        Applied to what the speech encoder reads; see ``augment_features``.
    spans : SpanSampler
        Which parts of the utterances to answer from; None for the whole.

    Example
    -------
    >>> from speechbrain.augment.augmenter import Augmenter
    >>> from speechbrain.augment.time_domain import AddNoise
    >>> augment = BatchAugment(
    ...     Augmenter(concat_original=True, augmentations=[AddNoise()])
    ... )
    >>> wavs, lens, texts, spans = augment(
    ...     None, torch.rand(1, 99), torch.ones(1), ["Oh!"]
    ... )
    >>> wavs.shape, texts, augment.replicate(torch.tensor([7]))
    (torch.Size([2, 99]), ['Oh!', 'Oh!'], tensor([7, 7]))
    """

    def __init__(self, augment=None, feature_augment=None, spans=None):
        self.augment = augment
        self.feature_augment = feature_augment
        self.spans = spans

    def __call__(self, embedding_model, wavs, wav_lens, texts):
        """Augments a batch.

        Arguments
        ---------
        embedding_model : torch.nn.Module
            Whose features are augmented.
        wavs : torch.Tensor
            Waveforms, [batch, samples]; None for a model of text.
        wav_lens : torch.Tensor
            Relative lengths, [batch].
        texts : list of str
            None for a model of speech.

        Returns
        -------
        tuple
            As ``EmotionModel`` takes them: wavs, wav_lens, texts, spans. The
            rows that come out are those that ``replicate`` makes.
        """
        spans = None
        if self.augment is not None:
            wavs, wav_lens = self.augment(wavs, wav_lens)
        if self.spans is not None:
            spans = self.spans(wavs, wav_lens)
        if self.feature_augment is not None:
            wavs, wav_lens = augment_features(
                embedding_model, self.feature_augment, wavs, wav_lens
            )
            if spans is not None:
                rows = torch.arange(len(spans))
                rows = self.feature_augment.replicate_labels(rows)
                spans = [spans[row] for row in rows]
        if texts is not None:
            rows = self.replicate(torch.arange(len(texts)))
            texts = [texts[row] for row in rows]
        return wavs, wav_lens, texts, spans

    def replicate(self, rows):
        """Repeats the rows of a batch as the last call has.

        Arguments
        ---------
        rows : torch.Tensor
            [batch, ...].

        Returns
        -------
        torch.Tensor
            [rows that came out, ...].
        """
        if self.augment is not None:
            rows = self.augment.replicate_labels(rows)
        if self.feature_augment is not None:
            rows = self.feature_augment.replicate_labels(rows)
        if self.spans is not None:
            rows = rows.repeat_interleave(self.spans.n_spans, dim=0)
        return rows
