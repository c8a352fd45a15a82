"""Upload to the hub, with a folder in its place."""

import importlib
import pathlib
import pickle
import shutil
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub.errors import (
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from speechbrain_emotion import EmotionClassifier
from speechbrain_emotion.cli import main
from speechbrain_emotion.inference.known import EMBEDDED_MODELS
from speechbrain_emotion.inference.push import check_export, push_to_hub
from speechbrain_emotion.training.card import model_card
from speechbrain_emotion.training.export import export_model
from speechbrain_emotion.utils.metrics import ClassificationReport

# The HTTP library of huggingface_hub, whose name depends on the version.
HTTP = importlib.import_module(
    HfHubHTTPError.__bases__[0].__module__.split(".")[0]
)
CARD = {
    "title": "A tiny model",
    "language": ["en"],
    "license": "apache-2.0",
    "data": "None.",
    "terms": "None.",
    "base_model": None,
}
FRONT = """---
license: {}
library_name: speechbrain
pipeline_tag: audio-classification
base_model: {}
---
"""
FILES = {
    "hyperparams.yaml",
    "model.safetensors",
    "label_encoder.txt",
    "README.md",
}


@pytest.fixture
def export(tiny_yaml, tiny_definition, tmp_path):
    """An export folder, as a training leaves it."""
    labels = tiny_definition["labels"]
    report = ClassificationReport.from_indices([0, 1], [0, 0], labels)
    return export_model(
        tmp_path / "export",
        tiny_yaml,
        None,
        "definition",
        tiny_definition["model"],
        tiny_definition["label_encoder"],
        card=model_card({"all": report}, CARD, split_file=None),
    )


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub of one repository, in a folder; what it was asked for."""
    hub = SimpleNamespace(
        folder=tmp_path / "hub", calls=[], error=None, private=True
    )

    class FakeApi:
        def __init__(self, token=None):
            hub.token = token

        def create_repo(self, repo_id, private=None, exist_ok=False):
            if hub.error is not None:
                raise hub.error
            assert exist_ok or not hub.folder.exists()
            hub.folder.mkdir(exist_ok=True)
            hub.calls.append(("create_repo", repo_id, private))

        def model_info(self, repo_id):
            return SimpleNamespace(private=hub.private)

        def create_branch(self, repo_id, branch, exist_ok=False):
            assert exist_ok
            hub.calls.append(("create_branch", repo_id, branch))

        def upload_folder(
            self, repo_id, folder_path, revision, commit_message, allow_patterns
        ):
            paths = [
                str(path.relative_to(folder_path))
                for path in pathlib.Path(folder_path).rglob("*")
            ]
            for name in huggingface_hub.utils.filter_repo_objects(
                paths, allow_patterns=allow_patterns
            ):
                shutil.copy(folder_path / pathlib.Path(name), hub.folder)
            hub.calls.append(("upload", repo_id, revision, commit_message))

    monkeypatch.setattr(huggingface_hub, "HfApi", FakeApi)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "stored")
    return hub


def hub_error(kind, status):
    request = HTTP.Request("POST", "https://huggingface.co/api/repos/create")
    return kind("its words", response=HTTP.Response(status, request=request))


def test_the_uploaded_model_gives_the_same_scores(export, hub, samples):
    address = push_to_hub(export, "me/mine")
    assert address == "https://huggingface.co/me/mine"
    assert {path.name for path in hub.folder.iterdir()} == FILES
    clip = sorted(samples.glob("*"))[0]
    before, after = (
        EmotionClassifier.from_hparams(source=folder).predict(clip)
        for folder in (export, hub.folder)
    )
    assert before.scores == after.scores
    message = "Upload a model of speechbrain-emotion"
    assert hub.calls == [
        ("create_repo", "me/mine", None),
        ("upload", "me/mine", None, message),
    ]


def test_options(export, hub, capsys):
    argv = [export, "me/mine", "--private", "--revision", "v1"]
    argv += ["--message", "Better"]
    assert main(["push", *map(str, argv)]) == 0
    assert capsys.readouterr().out == "https://huggingface.co/me/mine\n"
    assert hub.calls == [
        ("create_repo", "me/mine", True),
        ("create_branch", "me/mine", "v1"),
        ("upload", "me/mine", "v1", "Better"),
    ]
    push_to_hub(export, "me/mine", token="given")
    assert hub.token == "given"


def test_another_model_is_replaced(export, hub):
    hub.folder.mkdir()
    (hub.folder / "hyperparams.yaml").write_text("other")
    push_to_hub(export, "me/mine")
    EmotionClassifier.from_hparams(hub.folder)


def test_what_is_private_does_not_become_public(export, hub):
    hub.private = False
    with pytest.raises(PermissionError, match="'me/mine' is public already"):
        push_to_hub(export, "me/mine", private=True)
    assert not list(hub.folder.iterdir())
    push_to_hub(export, "me/mine")


@pytest.mark.parametrize("name", ["audio", "text"])
def test_models_in_the_package_are_complete(name):
    check_export(EMBEDDED_MODELS / name)


def test_a_model_that_needs_another_folder(hub):
    with pytest.raises(ValueError, match="from its files alone: .*needs the f"):
        push_to_hub(EMBEDDED_MODELS / "concat", "me/mine")
    assert hub.calls == []


@pytest.mark.parametrize("name", sorted(FILES))
def test_missing_files(export, hub, name):
    (export / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"it lacks {name}"):
        push_to_hub(export, "me/mine")
    assert hub.calls == []


@pytest.mark.parametrize(
    "name", ["model.bin", "save/model.ckpt", ".env", "a.py", "README.txt"]
)
def test_stray_files(export, hub, name):
    path = export / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps({}))
    with pytest.raises(ValueError, match="holds more than a model: ") as caught:
        push_to_hub(export, "me/mine")
    assert name.partition("/")[0] in str(caught.value)
    assert hub.calls == []


@pytest.mark.parametrize(
    "text,words",
    [
        ("# A model\n", "lacks license, library_name, pipeline_tag"),
        ("---\nlicense: mit\n---\n", "lacks library_name, pipeline_tag"),
        ("---\nlicense: [mit\n---\n", "README.md' is not valid"),
        ("---\nmodel-index: 3\n---\n", "README.md' is not valid"),
        ("---\n- license\n---\n", "README.md' is not valid"),
        (FRONT.format("My own!", "a/b"), "'My own!' is no id of a license"),
        (FRONT.format("mit", "/models/a"), "'/models/a' under base_model"),
        (FRONT.format("mit", "[a/b, c d]"), "'c d' under base_model is no hub"),
    ],
)
def test_cards_that_the_hub_cannot_read(export, hub, text, words):
    (export / "README.md").write_text(text)
    with pytest.raises(ValueError, match=words):
        push_to_hub(export, "me/mine")
    assert hub.calls == []


@pytest.mark.parametrize(
    "name,text",
    [
        ("hyperparams.yaml", "a: !apply:os.system [exit]"),
        ("hyperparams.yaml", "a: ["),
        ("model.safetensors", "none"),
        ("label_encoder.txt", "none"),
    ],
)
def test_models_that_do_not_load(export, hub, name, text):
    (export / name).write_text(text)
    with pytest.raises(ValueError, match="does not load") as caught:
        push_to_hub(export, "me/mine")
    assert str(export) in str(caught.value)
    assert hub.calls == []


def test_a_tokenizer_of_a_model_that_reads_nothing(export, hub):
    (export / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="holds more .*: tokenizer.json"):
        push_to_hub(export, "me/mine")
    assert hub.calls == []


@pytest.mark.parametrize("place", ["/home/me/a", "~/a", "[b, {c: /d}]"])
def test_folders_of_this_machine(export, hub, place):
    with open(export / "hyperparams.yaml", "a") as fout:
        fout.write(f"\nsecret: {place}\n")
    with pytest.raises(ValueError, match="names a folder of this machine"):
        push_to_hub(export, "me/mine")
    assert hub.calls == []


def test_an_export_that_is_cut_short_leaves_the_old_one(
    export, tiny_yaml, tiny_definition
):
    before = {path: path.read_bytes() for path in export.iterdir()}
    model = tiny_definition["model"]
    next(model.parameters()).data.fill_(1e6)
    broken = (tiny_yaml, None, "definition", model)
    encoder = tiny_definition["label_encoder"]
    with pytest.raises(ValueError, match="export in float32"):
        export_model(export, *broken, encoder, card="New.", dtype="float16")
    assert {path: path.read_bytes() for path in export.iterdir()} == before
    assert [path.name for path in export.parent.glob(".export*")] == []


@pytest.mark.parametrize("repo_id", ["mine", "a/b/c", "me/mi ne", "-a/b", ""])
def test_names_that_the_hub_cannot_have(export, hub, repo_id):
    with pytest.raises(ValueError, match="is no hub id"):
        push_to_hub(export, repo_id)
    assert hub.calls == []


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        push_to_hub(tmp_path / "none", "me/mine")


def test_no_token(export, hub, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(PermissionError, match="there is no token .*hf auth"):
        push_to_hub(export, "me/mine")
    assert hub.calls == []
    push_to_hub(export, "me/mine", token="given")


@pytest.mark.parametrize(
    "error,kind,words",
    [
        (hub_error(HfHubHTTPError, 401), PermissionError, "log in again"),
        (
            hub_error(RepositoryNotFoundError, 401),
            PermissionError,
            "log in again",
        ),
        (hub_error(HfHubHTTPError, 403), PermissionError, "may not write to"),
        (hub_error(HfHubHTTPError, 500), ConnectionError, "could not be upl"),
        (HTTP.ConnectError("its words"), ConnectionError, "check the connect"),
        (OfflineModeIsEnabled(), ConnectionError, "unset HF_HUB_OFFLINE"),
    ],
)
def test_what_the_hub_says(export, hub, capsys, error, kind, words):
    hub.error = error
    with pytest.raises(kind, match=words) as caught:
        push_to_hub(export, "me/mine")
    assert caught.value.__cause__ is error
    if str(error):
        assert "its words" in str(caught.value)
    assert main(["push", str(export), "me/mine"]) == 2
    assert words in capsys.readouterr().err


def test_the_hub_is_not_reached_offline(export, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConnectionError, match="unset HF_HUB_OFFLINE"):
        push_to_hub(export, "me/mine", token="none")
