"""Mixed precision: the encoder in bfloat16; features and loss in full."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

import speechbrain as sb
from speechbrain_emotion.lobes.embedding import SpeechEmbedding
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
from speechbrain_emotion.lobes.whisper import WhisperEncoder
from speechbrain_emotion.nnet.head import LinearHead
from speechbrain_emotion.nnet.pooling import StatisticsPooling
from speechbrain_emotion.training.batch_augment import BatchAugment
from speechbrain_emotion.training.brain import EmotionBrain

ENCODERS = {
    "w2v_bert": (
        W2VBertEncoder,
        {
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 32,
        },
    ),
    "whisper": (
        WhisperEncoder,
        {
            "d_model": 16,
            "encoder_layers": 2,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
        },
    ),
}
LENS = torch.tensor([1.0, 0.6])


def mixed():
    return torch.autocast("cpu", torch.bfloat16)


@pytest.fixture
def wavs():
    return 0.1 * torch.randn(2, 16000)


@pytest.mark.parametrize("name", ENCODERS)
def test_features_stay_in_full_precision(name, wavs):
    make, config = ENCODERS[name]
    encoder = make(config=config)
    expected, _ = encoder.features(wavs, LENS)
    with mixed():
        features, _ = encoder.features(wavs, LENS)
    assert features.dtype == torch.float32
    assert torch.equal(features, expected)


@pytest.mark.parametrize("layer", ["last", "weighted"])
@pytest.mark.parametrize("name", ENCODERS)
def test_a_training_step(name, layer, wavs):
    torch.manual_seed(0)
    make, config = ENCODERS[name]
    model = EmotionModel(
        SpeechEmbedding(
            make(config=config, layer=layer), StatisticsPooling(16)
        ),
        LinearHead(32, n_classes=7),
    ).eval()
    expected = model(wavs, LENS)
    with mixed():
        logits = model(wavs, LENS)
    assert logits.dtype == torch.bfloat16
    difference = logits.float().softmax(-1) - expected.softmax(-1)
    assert difference.abs().max() < 0.03
    logits.float().square().sum().backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients and all(g.dtype == torch.float32 for g in gradients)


def test_loss_is_computed_in_full_precision():
    brain = SimpleNamespace(
        label_masks=None,
        batch_augment=BatchAugment(),
        training_cost=nn.CrossEntropyLoss(),
    )
    targets = torch.tensor([[0], [2]])
    batch = SimpleNamespace(emo_encoded=SimpleNamespace(data=targets))
    logits = torch.tensor([[1.03, 2.1, 0.7], [3.3, 3.2, 3.1]]).bfloat16()
    with mixed():
        loss = EmotionBrain.compute_objectives(
            brain, logits, batch, sb.Stage.TRAIN
        )
    expected = nn.functional.cross_entropy(logits.float(), targets[:, 0])
    assert torch.equal(loss, expected)
