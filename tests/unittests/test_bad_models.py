"""Models and calls that cannot work: what is said about them."""

import pytest
import torch
from published_layouts import load, write_models
from safetensors.torch import load_file, save_file

from speechbrain_emotion import (
    CheckpointError,
    EmotionClassifier,
    predict_emotion,
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return write_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def classifier():
    return EmotionClassifier.from_hparams()


@pytest.mark.parametrize(
    "yaml", ["", "- 1", "hello", "modules: {}", "pretrainer: 1"]
)
def test_yaml_that_describes_no_model(yaml, tmp_path):
    (tmp_path / "hyperparams.yaml").write_text(yaml)
    with pytest.raises(ValueError, match="describes no model"):
        EmotionClassifier.from_hparams(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(value, models, tmp_path):
    folder = tmp_path / "text"
    folder.mkdir()
    for file in (models / "text").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    tensors = load_file(folder / "model.safetensors")
    tensors["classifier.bias"][1] = value
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="classifier.bias.*not finite"):
        load(folder, "text")


@pytest.mark.parametrize("device", ["toaster", "meta", "cuda:99"])
def test_devices_that_are_not_there(device, models):
    with pytest.raises(ValueError, match=f"device '{device}'"):
        predict_emotion(text="sad", model_id=models / "text", device=device)
    with pytest.raises(ValueError, match=f"device '{device}'"):
        EmotionClassifier.from_hparams(run_opts={"device": device})


def test_a_device_as_an_object(models):
    device = torch.device("cpu")
    answer = predict_emotion(
        text="sad", model_id=models / "text", device=device
    )
    assert answer["top_label"] in answer["scores"]


def test_copies_of_a_model_in_a_subfolder(models, tmp_path, pytestconfig):
    classifier = EmotionClassifier.from_hparams(
        pytestconfig.rootpath / "hparams",
        "umuteam/en-text.yaml",
        savedir=tmp_path / "copies",
        overrides={"checkpoint": str(models / "text"), "n_classes": 3},
    )
    assert classifier.modalities == ("text",)


@pytest.mark.parametrize("item", [5, b"x", ["nested"]])
def test_an_input_of_another_type_is_an_error_of_its_row(
    item, classifier, samples
):
    clip = samples / "1001_DFA_ANG_XX.flac"
    answered, failed = classifier.predict([clip, item])
    assert answered.error is None
    assert "is of type" in failed.error


def test_arrays_and_lists_are_named(classifier):
    wavs = torch.randn(2, 8000)
    with pytest.raises(ValueError, match="wavs must be a torch.Tensor"):
        classifier.classify_batch(wavs.numpy())
    with pytest.raises(ValueError, match="wav_lens must be a torch.Tensor"):
        classifier.classify_batch(wavs, [1.0, 0.5])
    with pytest.raises(ValueError, match="a positive number of seconds"):
        classifier.predict([wavs[0]], max_batch_length="long")
