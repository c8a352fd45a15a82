"""Inference in half precision."""

import pathlib

import pytest
import torch

from speechbrain_emotion import EMBEDDED_MODELS, EmotionClassifier
from speechbrain_emotion.cli import main

CLIPS = sorted(pathlib.Path("tests/samples/CREMA-D").glob("*.flac"))
TEXTS = ["I hate you!", "What a day...", "", "Leave me alone, I am sad."] * 3
BF16 = {"device": "cpu", "precision": "bf16"}


def both(mode):
    """The embedded model of a mode in full and in half precision."""
    folder = EMBEDDED_MODELS / mode
    return [
        EmotionClassifier.from_hparams(folder, run_opts=options)
        for options in ({"device": "cpu"}, BF16)
    ]


def inputs(mode):
    return {
        "inputs": None if mode == "text" else CLIPS,
        "texts": None if mode == "audio" else TEXTS,
    }


def scores(predictions):
    return torch.tensor([list(p.scores.values()) for p in predictions])


@pytest.mark.parametrize("mode", ["audio", "text", "concat"])
def test_bf16_moves_scores_a_little(mode):
    full, half = (scores(c.predict(**inputs(mode))) for c in both(mode))
    assert 0 < (full - half).abs().max() < 0.02
    torch.testing.assert_close(half.sum(dim=1), torch.ones(len(half)))


@pytest.mark.parametrize("mode", ["audio", "text", "concat"])
def test_weights_of_the_encoders_are_stored_in_bf16(mode):
    model = both(mode)[1].mods.model
    for encoder in model.embedding_model.encoders:
        layers = [
            m for m in encoder.modules() if isinstance(m, torch.nn.Linear)
        ]
        assert layers
        assert {m.weight.dtype for m in layers} == {torch.bfloat16}
        norms = [
            m for m in encoder.modules() if isinstance(m, torch.nn.LayerNorm)
        ]
        assert {m.weight.dtype for m in norms} == {torch.float32}
    assert {p.dtype for p in model.classifier.parameters()} == {torch.float32}


def test_answers_hardly_depend_on_the_batch():
    half = both("concat")[1]
    alone = [half.predict(c, t) for c, t in zip(CLIPS, TEXTS)]
    together = half.predict(CLIPS, TEXTS, max_batch_length=100.0)
    difference = scores(alone) - scores(together)
    assert difference.abs().max() < 0.02


def test_log_probabilities_and_embeddings_are_float32():
    half = both("audio")[1]
    wav = half.load_audio(CLIPS[0])
    assert half.encode_batch(wav).dtype == torch.float32
    assert half.classify_batch(wav)[0].dtype == torch.float32


@pytest.mark.parametrize(
    "name, message",
    [("fp16", "'fp16' is for GPUs"), ("int4", "'int4': choose one of fp32")],
)
def test_other_precisions_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        EmotionClassifier.from_hparams(
            run_opts={"device": "cpu", "precision": name}
        )


def test_command_line(capsys):
    arguments = ["predict", str(CLIPS[0]), "--device", "cpu"]
    answers = []
    for precision in ([], ["--precision", "bf16"]):
        assert main([*arguments, *precision, "--format", "csv"]) == 0
        answers.append(capsys.readouterr().out)
    assert answers[0] != answers[1]
    assert main([*arguments, "--precision", "fp16"]) == 2
    assert "for GPUs" in capsys.readouterr().err
