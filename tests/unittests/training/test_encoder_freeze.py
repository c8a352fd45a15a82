"""Encoders that are frozen for some epochs."""

import pytest
import torch
from local_models import noise
from tokenizers import Tokenizer, models
from toy_training import (
    CONFIG,
    LABELS,
    assert_same,
    make_brain,
    speech_model,
    train,
    weights,
)

from speechbrain.utils.epoch_loop import EpochCounter
from speechbrain_emotion.lobes.embedding import MultimodalEmbedding
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.lobes.text_encoder import TextEncoder
from speechbrain_emotion.lobes.tokenizer import TextTokenizer
from speechbrain_emotion.lobes.whisper import WhisperEncoder
from speechbrain_emotion.nnet.fusion import ConcatFusion
from speechbrain_emotion.nnet.head import TanhHead
from speechbrain_emotion.training.brain import EmotionBrain
from speechbrain_emotion.training.parameters import EncoderFreeze

ENCODER = "embedding_model.encoder.model."
ENCODERS = {
    "whole": {},
    "lora": {"lora": {"rank": 2, "target_layers": "encoder.layers.*.q_proj"}},
    "weighted": {"layer": "weighted"},
}


class WatchingBrain(EmotionBrain):
    """Notes before each step what is trained, and how fast."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.steps = []

    def optimizers_step(self):
        encoder = self.model.embedding_model.encoder
        rates = {
            name: optimizer.param_groups[0]["lr"]
            for name, optimizer in self.optimizers_dict.items()
        }
        self.steps.append(
            (
                encoder.model.training,
                any(p.grad is not None for p in encoder.model.parameters()),
                rates["encoder"],
            )
        )
        super().optimizers_step()


def moved(before, after):
    return {k for k in before if not torch.equal(before[k], after[k])}


@pytest.mark.parametrize("kind", ENCODERS)
def test_frozen_then_trained(kind, tmp_path):
    model = speech_model(**ENCODERS[kind])
    trainable = {n for n, p in model.named_parameters() if p.requires_grad}
    start = weights(make_brain(tmp_path / "none", EpochCounter(1), model))
    options = {"cls": WatchingBrain, "encoder_frozen_epochs": 2}
    brain = train(tmp_path, n_epochs=2, model=model, **options)
    frozen = weights(brain)
    # Not even weight decay has touched them.
    changed = moved(start, frozen)
    assert changed and not any(name.startswith(ENCODER) for name in changed)
    assert all(step == (False, False, 0.1) for step in brain.steps)
    # A new process goes on in the third epoch.
    model = speech_model(**ENCODERS[kind])
    brain = train(tmp_path, n_epochs=3, model=model, **options)
    found = moved(frozen, weights(brain))
    assert found <= trainable
    assert any(name.startswith(ENCODER) for name in found)
    # The warm-up of the encoder begins here: 4 steps to a rate of 0.1.
    assert brain.steps == [
        (True, True, pytest.approx(0.025)),
        (True, True, pytest.approx(0.05)),
    ]


def test_no_gradients_pile_up(tmp_path):
    """The first steps are those of a training that begins there."""
    for name in ("frozen", "begun"):
        train(tmp_path / name, n_epochs=1, encoder_frozen_epochs=1)
    once = train(tmp_path / "once", n_epochs=2, encoder_frozen_epochs=1)
    resumed = train(tmp_path / "frozen", n_epochs=2, encoder_frozen_epochs=1)
    begun = train(tmp_path / "begun", n_epochs=2)
    assert_same(weights(once), weights(resumed), rtol=0, atol=0)
    assert_same(weights(once), weights(begun), rtol=0, atol=0)


def test_resumed_within_a_frozen_epoch(tmp_path):
    options = {
        "cls": WatchingBrain,
        "encoder_frozen_epochs": 1,
        "run_opts": {"ckpt_interval_steps": 1},
        "loader": {"batch_size": 2, "shuffle": True},
    }
    whole = train(tmp_path / "whole", **options)

    class Stopped(WatchingBrain):
        def optimizers_step(self):
            if len(self.steps) == 2:
                raise KeyboardInterrupt
            super().optimizers_step()

    with pytest.raises(SystemExit):
        train(tmp_path / "stopped", **{**options, "cls": Stopped})
    resumed = train(tmp_path / "stopped", **options)
    assert resumed.steps == whole.steps[2:]
    assert_same(weights(whole), weights(resumed), rtol=0, atol=0)


def test_dropout_of_a_frozen_encoder():
    model = speech_model(config={**CONFIG, "dropout": 0.5})
    encoder = model.embedding_model.encoder
    freeze = EncoderFreeze([encoder], n_epochs=1)
    wavs = noise(8000)[None]
    for epoch, same in ((1, True), (2, False)):
        freeze.set_epoch(epoch)
        model.train()
        assert torch.equal(encoder(wavs)[0], encoder(wavs)[0]) == same


def test_one_encoder_of_two_stays_frozen(tmp_path):
    tokenizer = TextTokenizer()
    tokenizer.backend = Tokenizer(models.WordLevel({"[UNK]": 0}, "[UNK]"))
    tokenizer.backend.enable_padding()
    text_encoder = TextEncoder(
        config={
            "model_type": "bert",
            "vocab_size": 1,
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 32,
        },
        tokenizer=tokenizer,
        freeze=True,
    )
    embed = MultimodalEmbedding(
        WhisperEncoder(config=CONFIG), text_encoder, ConcatFusion(16, 16)
    )
    model = EmotionModel(embed, TanhHead(32, n_classes=len(LABELS)))
    speech = {
        name
        for name, p in embed.encoder.model.named_parameters()
        if p.requires_grad
    }
    freeze = EncoderFreeze(embed.encoders, n_epochs=1)
    freeze.set_epoch(1)
    model.train()
    assert not any(p.requires_grad for p in embed.encoder.model.parameters())
    assert not text_encoder.model.training and text_encoder.freeze
    freeze.set_epoch(2)
    model.train()
    assert speech == {
        name
        for name, p in embed.encoder.model.named_parameters()
        if p.requires_grad
    }
    assert not any(p.requires_grad for p in text_encoder.parameters())
    assert not text_encoder.model.training and text_encoder.freeze


def test_a_second_training_of_the_same_brain(tmp_path):
    """What was frozen to the end can be trained by the next one."""
    brain = train(tmp_path, n_epochs=1, encoder_frozen_epochs=5)
    encoder = brain.model.embedding_model.encoder
    assert not encoder.freeze
    assert any(p.requires_grad for p in encoder.model.parameters())
