"""Folders of models, local, in the cache of downloads, or on the hub."""

import importlib
import os
import pathlib
import shutil

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from published_layouts import write_bert, write_models
from transformers import BertForSequenceClassification

from speechbrain.utils.fetching import FetchConfig
from speechbrain_emotion import EmotionClassifier
from speechbrain_emotion.lobes.published import (
    PublishedPretrainer,
    fetch_checkpoint,
)
from speechbrain_emotion.lobes.text_encoder import TextEncoder
from speechbrain_emotion.utils.hub import fetch_folder, fetch_options

# The HTTP library of huggingface_hub, whose name depends on the version.
HTTP = importlib.import_module(
    HfHubHTTPError.__bases__[0].__module__.split(".")[0]
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
OPTIONS = {
    "revision": "v1",
    "token": "secret",
    "cache_dir": "somewhere",
    "local_files_only": True,
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """What snapshot_download is asked for; it gives "downloaded"."""
    asked = []
    folder = tmp_path / "downloaded"
    folder.mkdir()

    def download(*args, **kwargs):
        asked.append((*args, kwargs))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    return asked


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = write_models(tmp_path_factory.mktemp("hub"))
    yield folder
    shutil.rmtree(folder)


def put_in_cache(cache, owner, name, source, files=None, revision="main"):
    """Lays out a cache as huggingface_hub does: refs, blobs, snapshots."""
    repo = cache / f"models--{owner}--{name}"
    snapshot = repo / "snapshots" / COMMIT
    for folder in (snapshot, repo / "refs", repo / "blobs"):
        folder.mkdir(parents=True, exist_ok=True)
    (repo / "refs" / revision).write_text(COMMIT)
    for file in source.iterdir():
        if files is None or file.name in files:
            blob = repo / "blobs" / f"blob-of-{file.name}"
            os.link(file, blob)
            (snapshot / file.name).symlink_to(f"../../blobs/{blob.name}")
    return snapshot


# ---- fetch_folder ----------------------------------------------------------


def test_a_local_folder_is_used_in_place(tmp_path, calls, monkeypatch):
    folder = tmp_path / "owner" / "name"
    folder.mkdir(parents=True)
    assert fetch_folder(folder) == folder
    assert fetch_folder(str(folder), **OPTIONS) == folder
    # Also where it looks like a hub id.
    monkeypatch.chdir(tmp_path)
    assert fetch_folder("owner/name") == pathlib.Path("owner/name")
    assert calls == []


def test_options_are_passed_on(calls, tmp_path):
    found = fetch_folder("owner/name", **OPTIONS, allow_patterns=["*.json"])
    assert found == tmp_path / "downloaded"
    fetch_folder("owner/name")
    defaults = {**dict.fromkeys(OPTIONS), "local_files_only": False}
    assert calls == [
        ("owner/name", {**OPTIONS, "allow_patterns": ["*.json"]}),
        ("owner/name", {**defaults, "allow_patterns": None}),
    ]


@pytest.mark.parametrize(
    "source", ["name", "a/b/c", "/a/b", "./a/b", "a/b c", "https://x.y/z", "a/"]
)
def test_neither_folder_nor_hub_id(source, calls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="neither a model folder nor"):
        fetch_folder(source)
    assert calls == []


def test_a_file_is_no_model_folder(calls, tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_text("")
    monkeypatch.chdir(tmp_path)
    for source in (tmp_path / "a" / "b", "a/b"):
        with pytest.raises(FileNotFoundError, match="neither a model folder"):
            fetch_folder(source)
    assert calls == []


def hub_error(kind, status):
    request = HTTP.Request("GET", "https://huggingface.co/owner/name")
    return kind("its words", response=HTTP.Response(status, request=request))


@pytest.mark.parametrize(
    "error",
    [
        hub_error(RepositoryNotFoundError, 404),
        hub_error(RevisionNotFoundError, 404),
        hub_error(GatedRepoError, 403),
        LocalEntryNotFoundError("its words"),
        EntryNotFoundError("its words"),
        ConnectionError("its words"),
        OSError("its words"),
    ],
)
def test_what_the_hub_says_is_passed_on(error, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(FileNotFoundError) as found:
        fetch_folder("owner/name", revision="v9")
    message = str(found.value)
    assert "no folder 'owner/name'" in message
    assert "revision v9" in message and "its words" in message
    assert found.value.__cause__ is error
    with pytest.raises(FileNotFoundError, match="revision main"):
        fetch_folder("owner/name")


@pytest.mark.parametrize(
    "source", ["a/b--c", "a/b..c", "a/b.git", "a/b-", "ñ/b", "a/" + 99 * "b"]
)
def test_names_that_the_hub_cannot_have(source):
    with pytest.raises(FileNotFoundError):
        fetch_folder(source)


@pytest.mark.parametrize("kind", [HTTP.ProxyError, HTTP.ReadError])
def test_a_broken_connection(kind, monkeypatch):
    def fail(*_, **__):
        raise kind("broken")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(FileNotFoundError):
        fetch_folder("owner/name")


def test_the_empty_name_is_no_folder():
    with pytest.raises(FileNotFoundError):
        fetch_folder("")


def test_fetch_options():
    assert fetch_options(None) == {}
    assert fetch_options(FetchConfig()) == {
        "revision": None,
        "token": None,
        "cache_dir": None,
        "local_files_only": False,
    }
    config = FetchConfig(
        revision="v1",
        token="secret",
        huggingface_cache_dir="somewhere",
        allow_network=False,
    )
    assert fetch_options(config) == OPTIONS


# ---- fetch_checkpoint ------------------------------------------------------


def test_no_pickle_is_asked_for_where_safetensors_are(calls, tmp_path):
    folder = tmp_path / "downloaded"
    (folder / "model.safetensors").write_bytes(b"")
    assert fetch_checkpoint("owner/name", **OPTIONS) == folder
    patterns = ["*.json", "*.txt", "*.model", "model.safetensors"]
    assert calls == [("owner/name", {**OPTIONS, "allow_patterns": patterns})]


def test_pickles_are_asked_for_where_no_safetensors_are(calls, tmp_path):
    folder = tmp_path / "downloaded"
    assert fetch_checkpoint("owner/name", **OPTIONS) == folder
    patterns = ["*.json", "*.txt", "*.model", "model.bin", "pytorch_model.bin"]
    assert len(calls) == 2
    assert calls[1] == ("owner/name", {**OPTIONS, "allow_patterns": patterns})


def test_a_local_checkpoint_asks_for_nothing(calls, tmp_path):
    for name in ("model.safetensors", "model.bin", "other"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_bytes(b"")
        assert fetch_checkpoint(folder) == folder
    assert calls == []


def test_pretrainer_passes_the_options_on(calls, tmp_path):
    (tmp_path / "downloaded" / "model.safetensors").write_bytes(b"")
    pretrainer = PublishedPretrainer("owner/name", None, None)
    config = FetchConfig(revision="v1", allow_network=False)
    paths = pretrainer.collect_files(fetch_config=config)
    assert set(paths.values()) == {str(tmp_path / "downloaded")}
    ((source, options),) = calls
    assert source == "owner/name"
    assert options["revision"] == "v1" and options["local_files_only"]


# ---- a cache, without a network --------------------------------------------


def test_a_cached_model_is_found_offline(models, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    snapshot = put_in_cache(cache, "owner", "name", models / "text")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    found = fetch_folder("owner/name", cache_dir=cache, local_files_only=True)
    assert found == snapshot
    assert (
        fetch_checkpoint(
            "owner/name", cache_dir=str(cache), local_files_only=True
        )
        == found
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert fetch_folder("owner/name", cache_dir=cache) == snapshot
    by_commit = fetch_folder("owner/name", revision=COMMIT, cache_dir=cache)
    assert by_commit == snapshot
    # The default cache.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    assert fetch_folder("owner/name") == snapshot


def test_what_is_not_in_the_cache(models, tmp_path):
    cache = tmp_path / "cache"
    put_in_cache(cache, "owner", "name", models / "text")
    for source, options in (
        ("owner/other", {}),
        ("other/name", {}),
        ("owner/name", {"revision": "v1"}),
        ("owner/name", {"revision": "v1", "local_files_only": True}),
        ("owner/name", {"revision": COMMIT[::-1]}),
    ):
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            fetch_folder(source, cache_dir=cache, **options)


def test_revisions_of_a_cached_model(models, tmp_path):
    cache = tmp_path / "cache"
    snapshot = put_in_cache(
        cache, "owner", "name", models / "text", revision="v1"
    )
    found = fetch_folder("owner/name", revision="v1", cache_dir=cache)
    assert found == snapshot
    with pytest.raises(FileNotFoundError, match="revision main"):
        fetch_folder("owner/name", cache_dir=cache)


@pytest.mark.parametrize("weights", ["model.safetensors", "model.bin"])
def test_a_cached_model_answers(weights, models, tmp_path):
    source = tmp_path / "source"
    write_bert(source, BertForSequenceClassification, id2label={0: "a", 1: "b"})
    expected = EmotionClassifier.from_checkpoint(source, "text")
    if weights == "model.bin":
        from safetensors.torch import load_file

        tensors = load_file(source / "model.safetensors")
        torch.save(tensors, source / "model.bin")
        (source / "model.safetensors").unlink()
    put_in_cache(tmp_path / "cache", "owner", "name", source)
    shutil.rmtree(source)
    classifier = EmotionClassifier.from_checkpoint(
        "owner/name",
        "text",
        cache_dir=tmp_path / "cache",
        local_files_only=True,
    )
    assert torch.equal(
        classifier.classify_batch(texts=["so sad"])[0],
        expected.classify_batch(texts=["so sad"])[0],
    )


def test_an_incomplete_cache_is_an_error(models, tmp_path):
    cache = tmp_path / "cache"
    put_in_cache(cache, "owner", "name", models / "audio", ["config.json"])
    with pytest.raises(FileNotFoundError, match="holds no weights"):
        EmotionClassifier.from_checkpoint(
            "owner/name", "audio", cache_dir=cache
        )


def load_both_from_cache(models, cache, **options):
    for name in ("concat", "bert"):
        put_in_cache(cache, "owner", name, models / name)
    classifier = EmotionClassifier.from_checkpoint(
        "owner/concat", "concat", "owner/bert", **options
    )
    expected = EmotionClassifier.from_checkpoint(
        models / "concat", "concat", models / "bert"
    )
    wavs = 0.1 * torch.randn(1, 4000)
    assert torch.equal(
        classifier.classify_batch(wavs, texts=["so sad"])[0],
        expected.classify_batch(wavs, texts=["so sad"])[0],
    )


def test_a_cached_text_encoder(models, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    load_both_from_cache(models, tmp_path)


def test_a_text_encoder_in_the_cache_that_is_named(models, tmp_path):
    load_both_from_cache(
        models, tmp_path, cache_dir=tmp_path, local_files_only=True
    )


def test_save_path_of_a_text_encoder(models, tmp_path):
    put_in_cache(tmp_path, "owner", "bert", models / "bert")
    encoder = TextEncoder("owner/bert", save_path=str(tmp_path))
    expected = TextEncoder(models / "bert").eval()
    assert torch.equal(encoder.eval()(["so sad"])[0], expected(["so sad"])[0])
