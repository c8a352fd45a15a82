"""Files in UMUTeam's layout: weights, configs, labels."""

import pickle
import subprocess

import pytest
import torch
from published_layouts import LABELS, classify, copy_folder, edit_config, load
from safetensors.torch import load_file

from speechbrain_emotion import CheckpointError
from speechbrain_emotion.lobes.published import MODES, published_labels
from speechbrain_emotion.utils.parameter_transfer import read_tensors

# ---- files of weights ------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_no_weights(mode, models, tmp_path):
    folder = copy_folder(models / mode, tmp_path / mode, ["model.safetensors"])
    with pytest.raises(FileNotFoundError, match="holds no weights: none of"):
        load(folder, mode, text_encoder=models / "bert")


@pytest.mark.parametrize("name", ["model.bin", "pytorch_model.bin"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_of_tensors(name, zipped, models, classifiers, tmp_path):
    folder = copy_folder(models / "audio", tmp_path / "m", ["*.safetensors"])
    torch.save(
        load_file(models / "audio" / "model.safetensors"),
        folder / name,
        _use_new_zipfile_serialization=zipped,
    )
    rows = [((3000, 1), None)]
    assert torch.equal(
        classify(load(folder, "audio"), rows),
        classify(classifiers["audio"], rows),
    )


def test_safetensors_come_before_pickles(models, classifiers, tmp_path):
    folder = copy_folder(models / "audio", tmp_path / "m")
    torch.save({}, folder / "model.bin")
    torch.save({}, folder / "pytorch_model.bin")
    rows = [((3000, 1), None)]
    assert torch.equal(
        classify(load(folder, "audio"), rows),
        classify(classifiers["audio"], rows),
    )
    (folder / "model.safetensors").unlink()
    tensors = load_file(models / "audio" / "model.safetensors")
    torch.save(tensors, folder / "model.bin")
    load(folder, "audio")


class Bomb:
    """Runs a command where it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return subprocess.call, (["touch", str(self.marker)],)


def bombs(tensors, bomb, path):
    """Writes the bomb in each way in which torch.load could meet it."""
    state = {**tensors, "bomb": bomb}
    yield torch.save(state, path)
    yield torch.save(state, path, _use_new_zipfile_serialization=False)
    yield torch.save(bomb, path)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield path.write_bytes(pickle.dumps(state, protocol))


@pytest.mark.parametrize("name", ["model.bin", "pytorch_model.bin"])
def test_a_pickle_cannot_run_code(name, models, tmp_path):
    folder = copy_folder(models / "audio", tmp_path / "m", ["*.safetensors"])
    tensors = load_file(models / "audio" / "model.safetensors")
    marker = tmp_path / "marker"
    for _ in bombs(tensors, Bomb(marker), folder / name):
        with pytest.raises(CheckpointError, match="could run code"):
            load(folder, "audio")
        assert not marker.exists()
    # The bomb is a real one.
    pickle.loads(pickle.dumps(Bomb(marker)))
    assert marker.exists()


def test_a_pickle_of_the_text_encoder_cannot_run_code(models, tmp_path):
    bert = copy_folder(models / "bert", tmp_path / "b", ["*.safetensors"])
    tensors = load_file(models / "bert" / "model.safetensors")
    marker = tmp_path / "marker"
    for _ in bombs(tensors, Bomb(marker), bert / "pytorch_model.bin"):
        with pytest.raises(ValueError):
            load(models / "concat", "concat", text_encoder=bert)
        assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        b'{"error": "Repository not found"}',
    ],
)
def test_a_file_that_is_no_pickle(content, tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="model.bin' is no file of tens"):
        read_tensors(path)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "value",
    [[torch.ones(1)], {"state_dict": {"a": torch.ones(1)}}, {"epoch": 3}],
)
def test_a_pickle_of_other_things(value, zipped, tmp_path):
    path = tmp_path / "model.bin"
    torch.save(value, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="no state dict of tensors"):
        read_tensors(path)


def test_a_pickle_with_other_names_than_strings(models, tmp_path):
    folder = copy_folder(models / "audio", tmp_path / "m", ["*.safetensors"])
    torch.save({0: torch.ones(1)}, folder / "model.bin")
    with pytest.raises(CheckpointError):
        load(folder, "audio")


@pytest.mark.parametrize("content", ["cut off", "an answer of the hub"])
def test_a_spoiled_pickle_is_a_checkpoint_error(content, tmp_path):
    path = tmp_path / "model.bin"
    tensors = {"weight": torch.ones(100)}
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    whole = path.read_bytes()
    cuts = [whole[:n] for n in range(0, len(whole), 10)]
    for spoiled in cuts if content == "cut off" else [b"Repository not found"]:
        path.write_bytes(spoiled)
        with pytest.raises(CheckpointError):
            read_tensors(path)


# ---- config, labels and tokenizer ------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        None,
        {},
        {"0": "joy", "1": "joy", "2": "neutral"},
        {"0": "joy", "1": "fear", "3": "neutral"},
        {"1": "joy", "2": "fear", "3": "neutral"},
        {"0": "joy", "1": None, "2": "neutral"},
    ],
)
@pytest.mark.parametrize("mode", ["text", "audio"])
def test_labels_must_be_named_once(mode, names, models, tmp_path):
    folder = edit_config(
        copy_folder(models / mode, tmp_path / mode), id2label=names
    )
    with pytest.raises(CheckpointError, match="does not name each label once"):
        published_labels(folder)
    with pytest.raises(CheckpointError, match="does not name each label once"):
        load(folder, mode)


def test_the_order_of_labels_is_that_of_their_indexes(models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text")
    names = {str(i): f"label {i}" for i in reversed(range(11))}
    edit_config(folder, id2label=names)
    assert published_labels(folder) == [f"label {i}" for i in range(11)]


def test_more_labels_than_outputs(models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text")
    names = dict(enumerate([*LABELS, "anger"]))
    edit_config(folder, id2label=names, label2id=None)
    with pytest.raises(CheckpointError, match=r"classifier.bias .* \(4,\)"):
        load(folder, "text")


def test_a_config_that_cannot_be_read(models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text")
    for content in (b"{", b"", b"\xff\xfe\x00"):
        (folder / "config.json").write_bytes(content)
        with pytest.raises(CheckpointError, match="is no JSON file"):
            load(folder, "text")
    (folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="holds no config.json"):
        load(folder, "text")
    with pytest.raises(FileNotFoundError, match="neither a model folder"):
        load(folder / "config.json", "text")


@pytest.mark.parametrize("form", ["no object", "list of labels"])
def test_a_config_of_another_form(form, models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text")
    if form == "no object":
        (folder / "config.json").write_text("[]")
    else:
        edit_config(folder, id2label=list(LABELS))
    with pytest.raises(CheckpointError):
        load(folder, "text")


@pytest.mark.parametrize("mode", ["text", "concat"])
def test_a_model_without_its_tokenizer_is_refused(mode, models, tmp_path):
    name = "text" if mode == "text" else "bert"
    folder = copy_folder(models / name, tmp_path / name, ["vocab.txt"])
    with pytest.raises(OSError, match="okenizer"):
        load(
            folder if mode == "text" else models / mode,
            mode,
            text_encoder=folder,
        )


def test_code_beside_the_weights_is_not_run(models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text")
    marker = tmp_path / "marker"
    (folder / "evil.py").write_text(
        f"open({str(marker)!r}, 'w')\n\nclass Evil:\n    pass\n"
    )
    edit_config(
        folder, auto_map={"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"}
    )
    load(folder, "text")
    assert not marker.exists()
