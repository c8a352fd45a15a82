"""predict_emotion: which models it keeps."""

import gc
import json
import pathlib
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from asking import ask
from published_layouts import copy_folder, write_bert
from safetensors.torch import load_file, save_file

from speechbrain_emotion.inference.published import MODELS_KEPT, load_classifier


def test_a_model_is_loaded_once(models, loads):
    answers = [ask(models, "text", None, "so sad") for _ in range(3)]
    ask(models, "text", None, "happy", language="en", text_encoder="a/b")
    assert answers[0] == answers[1] == answers[2]
    assert loads == [str(models / "text")]


def test_a_bounded_number_of_models_is_kept(models, tmp_path, loads):
    assert MODELS_KEPT == 4
    kept = []
    for n in range(MODELS_KEPT + 1):
        (tmp_path / str(n)).symlink_to(models / "text")
        kept.append(weakref.ref(load_classifier(tmp_path / str(n), "text")))
    gc.collect()
    assert [ref() is not None for ref in kept] == [False, *[True] * 4]
    for n in (1, 4, 0):
        load_classifier(tmp_path / str(n), "text")
    assert [pathlib.Path(source).name for source in loads] == [*"012340"]


def move_bias(folder, name):
    state = load_file(folder / "model.safetensors")
    state[name] = state[name] + torch.arange(len(state[name]))
    save_file(state, folder / "model.safetensors")


def test_a_changed_model_is_loaded_again(models, tmp_path, loads):
    folder = copy_folder(models / "text", tmp_path / "text")
    before = ask(tmp_path, "text", None, "so sad")
    assert ask(tmp_path, "text", None, "so sad") == before
    move_bias(folder, "classifier.bias")
    after = ask(tmp_path, "text", None, "so sad")
    assert after["scores"]["neutral"] > before["scores"]["neutral"] + 0.01
    assert ask(tmp_path, "text", None, "so sad") == after
    assert len(loads) == 2


def test_a_changed_config_is_read_again(models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text")
    ask(tmp_path, "text", None, "so sad")
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "x", "1": "y", "2": "z"}
    (folder / "config.json").write_text(json.dumps(config))
    assert list(ask(tmp_path, "text", None, "so sad")["scores"]) == [*"xyz"]


def test_a_changed_text_encoder_is_loaded_again(models, tmp_path, clips, loads):
    bert = copy_folder(models / "bert", tmp_path / "bert")
    asking = (models, "mean", clips[0], "so sad")
    before = ask(*asking, text_encoder=bert)
    shutil.rmtree(bert)
    write_bert(bert, seed=7)
    assert ask(*asking, text_encoder=bert) != before
    assert ask(*asking) == before  # another folder
    assert len(loads) == 3


def test_a_failure_is_not_kept(models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text", ["*.safetensors"])
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match="holds no weights"):
            ask(tmp_path, "text", None, "so sad")
    shutil.copy(models / "text" / "model.safetensors", folder)
    assert ask(tmp_path, "text", None, "so sad") == ask(
        models, "text", None, "so sad"
    )


@pytest.mark.parametrize("mode", ["text", "multihead"])
def test_threads_load_a_model_once_and_agree(mode, models, clips, loads):
    barrier = threading.Barrier(8)
    audio = None if mode == "text" else clips[0]

    def work(n):
        barrier.wait()
        return ask(models, mode, audio, ["so sad", "happy"][n % 2])

    with ThreadPoolExecutor(8) as pool:
        answers = [answer["scores"] for answer in pool.map(work, range(8))]
    assert loads == [str(models / mode)]
    for n, answer in enumerate(answers):
        assert answer == pytest.approx(answers[n % 2], abs=1e-6)
    assert answers[0] != pytest.approx(answers[1], abs=1e-3)


def test_threads_with_several_models(models, clips, loads):
    modes = ["text", "audio", "concat", "mean"]
    given = {"text": (None, "sad"), "audio": (clips[0], None)}
    expected = {}

    def work(mode):
        return ask(models, mode, *given.get(mode, (clips[0], "sad")))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, modes * 3))
    for mode, answer in zip(modes * 3, answers):
        first = expected.setdefault(mode, answer["scores"])
        assert answer["scores"] == pytest.approx(first, abs=1e-6)
    assert sorted(loads) == sorted(str(models / mode) for mode in modes)
