"""Brains, random state, distillation and export."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import speechbrain as sb
from speechbrain_emotion.lobes.embedding import SpeechEmbedding
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.lobes.whisper import WhisperEncoder
from speechbrain_emotion.nnet.head import LinearHead, TanhHead
from speechbrain_emotion.nnet.pooling import MeanPooling
from speechbrain_emotion.training.batch_augment import BatchAugment
from speechbrain_emotion.training.brain import EmotionBrain
from speechbrain_emotion.training.compression import compress
from speechbrain_emotion.training.export import _stored
from speechbrain_emotion.training.parameters import split_parameters
from speechbrain_emotion.training.random_state import RandomState
from speechbrain_emotion.training.sampling import balanced_sampler

CONFIG = {
    "d_model": 32,
    "encoder_layers": 2,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
}


def draw():
    return random.random(), np.random.rand(), torch.rand(3).tolist()


def test_random_state_goes_on(tmp_path):
    draw()
    RandomState().save(tmp_path / "state.ckpt")
    expected = [draw() for _ in range(3)]
    draw()
    RandomState().load(tmp_path / "state.ckpt", end_of_epoch=False)
    assert [draw() for _ in range(3)] == expected


@pytest.mark.parametrize("freeze", [False, True])
def test_frozen_parameters_are_in_no_optimizer(freeze):
    encoder = WhisperEncoder(config=CONFIG, freeze=freeze, layer="weighted")
    model = EmotionModel(
        SpeechEmbedding(encoder, MeanPooling(32)), TanhHead(32, n_classes=7)
    )
    head, pretrained = split_parameters(model)
    assert len(pretrained) == (
        0 if freeze else len(list(encoder.model.parameters()))
    )
    assert any(p is encoder.layer_mixing.weights for p in head)
    everything = {id(p) for p in head + pretrained}
    assert everything == {id(p) for p in model.parameters() if p.requires_grad}


def test_training_a_head_leaves_a_frozen_encoder_alone():
    encoder = WhisperEncoder(config={**CONFIG, "dropout": 0.5})
    encoder.freeze_now()
    model = EmotionModel(
        SpeechEmbedding(encoder, MeanPooling(32)), LinearHead(32, n_classes=7)
    ).train()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    optimizer = torch.optim.Adam(split_parameters(model)[0], lr=0.1)
    wavs = torch.randn(4, 8000)
    assert torch.equal(encoder(wavs)[0], encoder(wavs)[0])  # no dropout
    for _ in range(3):
        model(wavs).square().sum().backward()
        optimizer.step()
    after = encoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(p.grad is None for p in encoder.parameters())


def test_compression_beats_chance_and_full_rank_is_exact():
    torch.manual_seed(0)
    teacher = WhisperEncoder(config=CONFIG).eval()
    batch = torch.randn(3, 8000), torch.tensor([1.0, 0.7, 0.4])
    wavs = torch.randn(2, 6000)
    errors = {}
    for rank in (4, 16, 32):
        low_rank = {"encoder.conv2": rank, "encoder.layers.*": rank}
        student = WhisperEncoder(config=CONFIG, low_rank=low_rank).eval()
        deviation = compress(student, teacher, [batch])
        assert deviation.shape == (32,) and (deviation > 0).all()
        difference = (student(wavs)[0] - teacher(wavs)[0]) / deviation
        errors[rank] = difference.square().mean().item()
    assert errors[32] < 1e-6 < errors[16] < errors[4] < 1


def test_compression_refuses_another_architecture():
    teacher = WhisperEncoder(config={**CONFIG, "encoder_layers": 3})
    student = WhisperEncoder(config=CONFIG, low_rank={"*.fc?": 4})
    with pytest.raises(ValueError, match="differ in more than low-rank"):
        compress(student, teacher, [(torch.randn(1, 8000), torch.ones(1))])


def test_linear_head_is_batch_independent_in_use():
    head = LinearHead(8, n_classes=3)
    head(3 + 2 * torch.randn(64, 8))  # training mode: gathers statistics
    head.eval()
    x = torch.randn(5, 8)
    torch.testing.assert_close(
        head(x), torch.cat([head(row[None]) for row in x])
    )
    assert isinstance(head.standardize, nn.BatchNorm1d)
    assert abs(head.standardize.running_mean.mean() - 3) < 0.5


def test_balanced_sampler():
    from speechbrain.dataio.dataset import DynamicItemDataset

    items = [("A", "sad")] * 90 + [("A", "happy")] * 10 + [("B", "sad")] * 50
    dataset = DynamicItemDataset(
        {str(i): {"corpus": c, "emo": e} for i, (c, e) in enumerate(items)}
    )
    sampler = balanced_sampler(
        dataset, ["corpus", "emo"], 9000, seed=1, weights={"B": 0.5}
    )
    drawn = [items[i] for i in sampler]
    shares = {group: drawn.count(group) / 9000 for group in set(items)}
    expected = {("A", "sad"): 0.4, ("A", "happy"): 0.4, ("B", "sad"): 0.2}
    assert shares == pytest.approx(expected, abs=0.03)
    equal = balanced_sampler(
        dataset, ["corpus", "emo"], 9000, seed=1, equal="emo"
    )
    drawn_equal = [items[i][1] for i in equal]
    assert drawn_equal.count("sad") / 9000 == pytest.approx(0.5, abs=0.03)
    sampler.set_epoch(1)
    assert [items[i] for i in sampler] != drawn
    sampler.set_epoch(0)
    assert [items[i] for i in sampler] == drawn


def test_sizes_that_do_not_fit_are_named():
    encoder = WhisperEncoder(config=CONFIG, layer=[1, 2])
    with pytest.raises(ValueError, match="frames have 64 dimensions.*takes 32"):
        SpeechEmbedding(encoder, MeanPooling(32))
    with pytest.raises(ValueError, match="the Linear behind them takes 16"):
        SpeechEmbedding(encoder, MeanPooling(8), projector=nn.Linear(16, 8))


def test_sampler_with_an_unknown_weight():
    from speechbrain.dataio.dataset import DynamicItemDataset

    dataset = DynamicItemDataset({"a": {"corpus": "TESS"}})
    with pytest.raises(ValueError, match="no utterance has corpus tess"):
        balanced_sampler(dataset, ["corpus"], 1, 0, weights={"tess": 0.5})


def test_labels_of_an_earlier_run(tmp_path):
    from speechbrain.dataio.encoder import CategoricalEncoder
    from speechbrain_emotion.dataio.datasets import fill_label_encoder

    path = tmp_path / "label_encoder.txt"
    encoder = CategoricalEncoder()
    fill_label_encoder(encoder, ["sad", "happy"], path)
    assert encoder.decode_ndim([0, 1]) == ["sad", "happy"]
    fill_label_encoder(CategoricalEncoder(), ["sad", "happy"], path)
    with pytest.raises(ValueError, match="name another output folder"):
        fill_label_encoder(CategoricalEncoder(), ["happy", "sad"], path)


def test_masks_and_smoothing_exclude_each_other():
    model = EmotionModel(
        SpeechEmbedding(WhisperEncoder(config=CONFIG), MeanPooling(32)),
        TanhHead(32, n_classes=2),
    )
    with pytest.raises(ValueError, match="exclude each other"):
        EmotionBrain(
            {"model": model},
            labels=["a", "b"],
            compute_cost=nn.CrossEntropyLoss(label_smoothing=0.1),
            encoder_opt_class=None,
            schedulers={},
            augment=None,
            train_logger=None,
            report_folder="unused",
            mask_absent_labels=True,
        )


def test_half_precision_that_cannot_hold_a_value(tmp_path, tiny_yaml):
    encoder = WhisperEncoder(config=CONFIG)
    model = EmotionModel(
        SpeechEmbedding(encoder, MeanPooling(32)), TanhHead(32, n_classes=2)
    )
    with torch.no_grad():
        model.classifier.dense.weight[0, 0] = 1e5
    with pytest.raises(ValueError, match="classifier.dense.weight has values"):
        _stored(model.state_dict(), torch.float16)


def test_an_absent_label_costs_nothing():
    """A corpus without a label says nothing about that label."""
    brain = SimpleNamespace(
        label_masks={"a": torch.tensor([True, False, True])},
        batch_augment=BatchAugment(),
        training_cost=nn.CrossEntropyLoss(),
    )
    batch = SimpleNamespace(
        id=["a"],
        emo_encoded=SimpleNamespace(data=torch.tensor([[0]])),
    )
    logits = torch.tensor([[1.0, 9.0, 2.0]], requires_grad=True)
    cost = EmotionBrain.compute_objectives(brain, logits, batch, sb.Stage.TRAIN)
    present = torch.tensor([[1.0, 2.0]])
    expected = nn.functional.cross_entropy(present, torch.tensor([0]))
    torch.testing.assert_close(cost, expected)
    cost.backward()
    assert logits.grad[0, 1] == 0 and (logits.grad[0, ::2] != 0).all()
