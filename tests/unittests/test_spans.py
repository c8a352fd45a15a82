"""Parts of utterances in training."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from local_models import Letters, LocalEncoder, noise
from torch import nn

import speechbrain as sb
from speechbrain.augment.augmenter import Augmenter
from speechbrain.augment.time_domain import AddNoise
from speechbrain.utils.checkpoints import Checkpointer
from speechbrain_emotion.lobes.embedding import MultimodalEmbedding
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.nnet.fusion import ConcatFusion
from speechbrain_emotion.nnet.head import LinearHead
from speechbrain_emotion.training.brain import EmotionBrain
from speechbrain_emotion.training.spans import SpanSampler

LABELS = ["angry", "happy", "sad"]


@settings(deadline=None)
@given(
    before=st.integers(0, 20),
    sound=st.integers(3, 40),
    after=st.integers(0, 20),
    padding=st.integers(0, 5000),
)
def test_spans(before, sound, after, padding):
    silence = torch.zeros(320 * 20)
    wav = torch.cat(
        (silence[: before * 320], noise(sound * 320), silence[: after * 320])
    )
    batch = torch.cat((wav, torch.full((padding,), 1e3)))[None]
    lens = torch.tensor([len(wav) / batch.shape[1]])
    sample = SpanSampler(LocalEncoder(), shortest=0.1)
    [[whole, spoken, part]] = sample(batch, lens)
    assert (whole.start, whole.stop) == (0, before + sound + after)
    # A frame more at each end, because power is averaged over three.
    assert spoken.start == max(0, before - 1)
    assert spoken.stop == min(before + sound + 1, whole.stop)
    assert spoken.start <= part.start and part.stop <= spoken.stop
    assert min(5, sound) <= part.stop - part.start


def test_parts_are_random_but_repeatable():
    sample = SpanSampler(LocalEncoder(), shortest=0.1)
    batch = noise(64000).view(1, -1).repeat(20, 1), torch.ones(20)
    torch.manual_seed(3)
    parts = [spans[2] for spans in sample(*batch)]
    torch.manual_seed(3)
    assert [spans[2] for spans in sample(*batch)] == parts
    assert len({part.start for part in parts}) > 5
    assert len({part.stop - part.start for part in parts}) > 5


@pytest.fixture
def brain(tmp_path):
    torch.manual_seed(0)
    encoder = LocalEncoder()
    fusion = ConcatFusion(speech_size=4, text_size=1)
    model = EmotionModel(
        MultimodalEmbedding(encoder, Letters(), fusion), LinearHead(5, 3)
    )
    return EmotionBrain(
        {"model": model},
        run_opts={"device": "cpu"},
        checkpointer=Checkpointer(tmp_path),
        labels=LABELS,
        compute_cost=nn.CrossEntropyLoss(),
        encoder_opt_class=None,
        schedulers={},
        augment=Augmenter(
            augmentations=[AddNoise(snr_low=20, snr_high=20)],
            concat_original=True,
        ),
        spans=SpanSampler(encoder),
        train_logger=None,
        report_folder=tmp_path,
    )


def test_training_on_parts(brain):
    wavs = torch.stack([noise(16000, seed) for seed in range(2)])
    batch = SimpleNamespace(
        id=["a", "b"],
        sig=(wavs, torch.ones(2)),
        words=["so", "sadly"],
        emo_encoded=SimpleNamespace(data=torch.tensor([[0], [2]])),
        to=lambda device: batch,
    )
    logits = brain.compute_forward(batch, sb.Stage.TRAIN)
    # Two rows, with noise as well, in three parts.
    assert logits.shape == (12, 3)
    rows = brain.batch_augment.replicate(torch.tensor([0, 2]))
    assert rows.tolist() == ([0] * 3 + [2] * 3) * 2
    cost = brain.compute_objectives(logits, batch, sb.Stage.TRAIN)
    expected = nn.functional.cross_entropy(logits, rows)
    torch.testing.assert_close(cost, expected)
    brain.modules.eval()
    brain.on_stage_start(sb.Stage.VALID)
    logits = brain.compute_forward(batch, sb.Stage.VALID)
    assert logits.shape == (2, 3)
    brain.compute_objectives(logits, batch, sb.Stage.VALID)
    # The texts go with the parts: the whole is what validation answers from.
    brain.batch_augment.augment = None
    parts = brain.compute_forward(batch, sb.Stage.TRAIN)
    torch.testing.assert_close(parts[::3], logits)


def test_statistics_are_of_all_parts(tmp_path):
    """Long and short parts are standardised by the same mean."""
    fusion = ConcatFusion(
        speech_size=4, text_size=1, standardize=["speech", "text"]
    )
    embed = MultimodalEmbedding(LocalEncoder(), Letters(), fusion).train()
    wavs = torch.stack([noise(16000, seed) for seed in range(4)])
    spans = [[slice(0, 50), slice(i, i + 5)] for i in range(4)]
    found = embed(wavs, torch.ones(4), ["a", "bc"] * 4, spans)
    torch.testing.assert_close(
        found.mean(dim=0), torch.zeros(5), rtol=0, atol=1e-5
    )
    assert found[::2, :4].mean(dim=0).abs().max() > 0.01
    assert fusion.standardize_speech.num_batches_tracked == 1
