"""The included speech model, with speaker profiles of which all is known."""

import torch

from speechbrain_emotion import EmotionClassifier
from speechbrain_emotion.nnet.speaker import SpeakerNormalization

DIM = 1536
PRIOR = 8


def load_adaptable(adaptable=True, **run_opts):
    """The included speech model with a mean of our own, or with none."""
    run_opts = {"device": "cpu", **run_opts}
    classifier = EmotionClassifier.from_hparams(run_opts=run_opts)
    normalization = SpeakerNormalization(DIM, PRIOR).eval()
    generator = torch.Generator().manual_seed(0)
    normalization.mean.copy_(torch.randn(DIM, generator=generator) / 2)
    model = classifier.mods.model
    model.speaker_normalization = normalization if adaptable else None
    return classifier
