"""Augmentation of features, alone and with all else that adds rows."""

from types import SimpleNamespace

import pytest
import torch
from local_models import noise
from torch import nn
from toy_training import make_brain, speech_model

import speechbrain as sb
from speechbrain.augment.augmenter import Augmenter
from speechbrain.augment.freq_domain import SpectrogramDrop, Warping
from speechbrain.augment.time_domain import AddNoise
from speechbrain.utils.epoch_loop import EpochCounter
from speechbrain_emotion.nnet.lengths import true_lengths
from speechbrain_emotion.training.clip_features import ClipFeatures
from speechbrain_emotion.training.feature_augment import augment_features
from speechbrain_emotion.training.spans import SpanSampler

LENS = torch.tensor([1.0, 0.6])


class Raise(nn.Module):
    """Adds a number everywhere, in the padding as well."""

    def forward(self, x):
        return x + 0.5


def wavs():
    return torch.stack([0.1 * noise(8000, seed) for seed in range(2)])


def waveform_batch(sig):
    batch = SimpleNamespace(
        id=["a", "b"],
        sig=sig,
        emo_encoded=SimpleNamespace(data=torch.tensor([[0], [2]])),
        to=lambda device: batch,
    )
    return batch


@pytest.mark.parametrize("in_workers", [False, True])
def test_what_the_encoder_reads(in_workers):
    embed = speech_model().embedding_model
    given, lens = wavs(), LENS
    if in_workers:
        features = ClipFeatures(embed, augment=None)
        found = [features(wav[:n]) for wav, n in zip(given, (8000, 4800))]
        given = nn.utils.rnn.pad_sequence(found, batch_first=True)
    expected, expected_lens = embed.features(wavs(), LENS)
    found, found_lens = augment_features(
        embed, Augmenter(augmentations=[Raise()]), given, lens
    )
    torch.testing.assert_close(found_lens, expected_lens)
    steps = true_lengths(found_lens, found.shape[1]).tolist()
    for row, n in enumerate(steps):
        torch.testing.assert_close(found[row, :n], expected[row, :n] + 0.5)
        assert (found[row, n:] == 0).all()  # as the encoder expects
    assert steps[1] < found.shape[1]


def test_more_rows():
    embed = speech_model().embedding_model
    augment = Augmenter(
        parallel_augment=True,
        concat_original=True,
        repeat_augment=2,
        min_augmentations=2,
        augmentations=[SpectrogramDrop(), Warping(dim=2)],
    )
    found, lens = augment_features(embed, augment, wavs(), LENS)
    original, original_lens = embed.features(wavs(), LENS)
    rows = augment.replicate_labels(torch.arange(2))
    assert len(found) == len(lens) == len(rows) == 10
    torch.testing.assert_close(lens, original_lens[rows])
    torch.testing.assert_close(found[:2], original)
    assert not torch.equal(found[2:4], original)


def test_augmentations_that_change_the_length():
    embed = speech_model().embedding_model

    class Half(nn.Module):
        def forward(self, x):
            return x[:, ::2]

    with pytest.raises(ValueError, match="made 25 steps of 50"):
        augment_features(embed, Augmenter(augmentations=[Half()]), wavs(), LENS)


@pytest.mark.parametrize("spans", [False, True])
@pytest.mark.parametrize("augment", [False, True])
def test_every_row_keeps_its_label(augment, spans, tmp_path):
    """With a feature augmentation that changes nothing worth mentioning."""
    model = speech_model(dropout=0.0)
    quiet = AddNoise(snr_low=90, snr_high=90)
    brain = make_brain(
        tmp_path,
        EpochCounter(1),
        model,
        augment=Augmenter(concat_original=True, augmentations=[quiet])
        if augment
        else None,
        spans=SpanSampler(model.embedding_model.encoder) if spans else None,
        feature_augment=Augmenter(
            concat_original=True, augmentations=[nn.Identity()]
        ),
    )
    batch = waveform_batch((wavs(), LENS))
    logits = brain.compute_forward(batch, sb.Stage.TRAIN)
    rows = brain.batch_augment.replicate(torch.arange(2))
    assert len(logits) == len(rows) == 4 * (1 + augment) * (1 + 2 * spans)
    whole = slice(0, None, 3) if spans else slice(None)
    expected = brain.model(*batch.sig)
    assert (expected[0] - expected[1]).abs().max() > 0.02
    torch.testing.assert_close(
        logits[whole], expected[rows[whole]], rtol=0, atol=2e-3
    )
    cost = brain.compute_objectives(logits, batch, sb.Stage.TRAIN)
    truth = torch.tensor([0, 2])[rows]
    torch.testing.assert_close(cost, nn.functional.cross_entropy(logits, truth))


def test_only_in_training(tmp_path):
    brain = make_brain(
        tmp_path,
        EpochCounter(1),
        speech_model(dropout=0.0),
        feature_augment=Augmenter(augmentations=[Raise()]),
    )
    batch = waveform_batch((wavs(), LENS))
    valid = brain.compute_forward(batch, sb.Stage.VALID)
    torch.testing.assert_close(valid, brain.model(*batch.sig))
    train = brain.compute_forward(batch, sb.Stage.TRAIN)
    assert (train - valid).abs().max() > 1e-3


def test_a_model_that_does_not_hear(tmp_path):
    model = speech_model()
    model.embedding_model.modalities = ("text",)
    with pytest.raises(ValueError, match="does not hear"):
        make_brain(
            tmp_path,
            EpochCounter(1),
            model,
            feature_augment=Augmenter(augmentations=[Raise()]),
        )
