"""The published checkpoints' layout, and what the published code answers.

The checkpoints are tiny random ones; the expected scores were computed by the
published toolkit's own code, one clip at a time.
"""

import itertools
import json
import runpy
import shutil
import sys
import time
from unittest import mock

import pytest
import torch
from safetensors.torch import load_file, save_file

from speechbrain_emotion import CheckpointError, EmotionClassifier
from speechbrain_emotion.inference import published
from speechbrain_emotion.inference.published import predict_emotion
from speechbrain_emotion.lobes.published import FUSIONS, MODES

LANGUAGES = ("en", "es")
TOLERANCE = 2e-4


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(scope="module")
def golden(shared):
    if not (shared / "golden").is_dir():
        pytest.skip("needs the golden outputs in ../shared/golden")
    return shared / "golden"


@pytest.fixture(scope="module")
def expected(golden):
    entries = json.loads((golden / "expected.json").read_text())
    assert len(entries) == 90
    return entries


@pytest.fixture(scope="module")
def checkpoints(golden, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints")
    script = str(golden / "make_checkpoints.py")
    # In this process, in which torch is loaded; the weights are numpy's.
    with mock.patch.object(sys, "argv", [script, str(folder)]):
        runpy.run_path(script, run_name="__main__")
    yield folder
    published._kept.clear()
    shutil.rmtree(folder)


def parts(checkpoints, language, mode):
    """The folders of a model and of its text encoder."""
    folder = checkpoints / language
    return folder / mode, folder / "bert" if mode in FUSIONS else None


def load(checkpoints, language, mode):
    source, text_encoder = parts(checkpoints, language, mode)
    return EmotionClassifier.from_checkpoint(
        source, mode, text_encoder, {"device": "cpu"}
    )


def from_yaml(checkpoints, language, mode, root):
    source, text_encoder = parts(checkpoints, language, mode)
    overrides = {"checkpoint": str(source)}
    if mode != "text":
        overrides["encoder_dim"] = 64
    if text_encoder:
        overrides["text_encoder_hub"] = str(text_encoder)
    return EmotionClassifier.from_hparams(
        root / "hparams",
        f"umuteam/{language}-{mode}.yaml",
        overrides=overrides,
        run_opts={"device": "cpu"},
    )


def inputs_of(entries, golden):
    audio = [e["wav"] and golden / "audio" / e["wav"] for e in entries]
    texts = [e["text"] for e in entries]
    return (
        None if set(audio) == {None} else audio,
        None if set(texts) == {None} else texts,
    )


def assert_agrees(scores, entry):
    assert list(scores) == list(entry["scores"])
    for label, value in entry["scores"].items():
        assert scores[label] == pytest.approx(value, abs=TOLERANCE)
    assert max(scores, key=scores.get) == entry["top_label"]


def test_one_at_a_time(checkpoints, expected, golden):
    for entry in expected:
        source, text_encoder = parts(
            checkpoints, entry["language"], entry["mode"]
        )
        answer = predict_emotion(
            entry["wav"] and golden / "audio" / entry["wav"],
            entry["text"],
            source,
            entry["mode"],
            entry["language"],
            "cpu",
            text_encoder=text_encoder,
        )
        assert_agrees(answer["scores"], entry)
        assert answer["top_label"] == entry["top_label"]
        assert answer["top_score"] == answer["scores"][entry["top_label"]]


@pytest.mark.parametrize("loader", [load, from_yaml])
@pytest.mark.parametrize(
    "language, mode", [*itertools.product(LANGUAGES, MODES)]
)
def test_in_one_batch(
    loader, language, mode, checkpoints, expected, golden, pytestconfig
):
    more = [pytestconfig.rootpath] if loader is from_yaml else []
    classifier = loader(checkpoints, language, mode, *more)
    entries = [
        e for e in expected if (e["language"], e["mode"]) == (language, mode)
    ]
    assert entries
    predictions = classifier.predict(
        *inputs_of(entries, golden), max_batch_length=600
    )
    for prediction, entry in zip(predictions, entries):
        assert_agrees(prediction.scores, entry)


def test_a_second_call_loads_nothing(checkpoints, golden, monkeypatch):
    source, text_encoder = parts(checkpoints, "en", "concat")
    call = {
        "audio_path": golden / "audio" / "short_0.3s.wav",
        "text": "so sad",
        "model_id": source,
        "mode": "concat",
        "language": "en",
        "text_encoder": text_encoder,
    }
    published._kept.clear()
    start = time.perf_counter()
    first = predict_emotion(**call)
    loading = time.perf_counter() - start
    monkeypatch.setattr(EmotionClassifier, "from_checkpoint", None)
    start = time.perf_counter()
    assert predict_emotion(**call) == first
    assert time.perf_counter() - start < loading


def test_labels_are_those_of_the_model(checkpoints):
    answer = predict_emotion(
        text="so sad", model_id=checkpoints / "en" / "text", language="es"
    )
    assert len(answer["scores"]) == 7
    assert "surprise" in answer["scores"]


def test_pickled_weights(checkpoints, tmp_path):
    source = checkpoints / "en" / "audio"
    folder = tmp_path / "pickled"
    shutil.copytree(source, folder)
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "model.bin")
    wavs = torch.rand(1, 8000)
    ours = EmotionClassifier.from_checkpoint(folder, "audio")
    theirs = EmotionClassifier.from_checkpoint(source, "audio")
    torch.testing.assert_close(
        ours.classify_batch(wavs)[0], theirs.classify_batch(wavs)[0]
    )


def damaged_names(mode, tensors):
    """One tensor of each part of a model."""
    parts = {name.split(".")[0]: name for name in tensors}
    if mode != "text":
        parts["unused"] = "classifier.layernorm.weight"
    if mode == "multihead":
        parts["unused query"] = "mult_attn_model.heads.7.Wq.weight"
    return sorted(parts.values())


@pytest.mark.parametrize("mode", MODES)
def test_a_damaged_checkpoint_is_refused(mode, checkpoints, tmp_path):
    source, text_encoder = parts(checkpoints, "es", mode)
    folder = tmp_path / mode
    folder.mkdir()
    for file in source.iterdir():
        if file.suffix != ".safetensors":
            shutil.copy(file, folder)
    tensors = load_file(source / "model.safetensors")
    names = damaged_names(mode, tensors)
    assert len(names) >= 2
    for name in names:
        rest = {n: t for n, t in tensors.items() if n != name}
        renamed = f"renamed.{name}"
        shape = (*tensors[name].shape[:-1], tensors[name].shape[-1] + 1)
        for message, state in {
            f"missing: {name}": rest,
            f"unexpected: {renamed}": {**rest, renamed: tensors[name]},
            f"{name} has the shape": {**rest, name: torch.zeros(shape)},
        }.items():
            save_file(state, folder / "model.safetensors")
            with pytest.raises(CheckpointError, match=message):
                EmotionClassifier.from_checkpoint(folder, mode, text_encoder)


def test_another_mode_is_refused(checkpoints):
    bert = checkpoints / "en" / "bert"
    for mode, other in itertools.product(("concat", "multihead"), MODES):
        if mode != other:
            with pytest.raises(CheckpointError):
                EmotionClassifier.from_checkpoint(
                    checkpoints / "en" / mode, other, bert
                )
