"""The page about corpora says what is so, and its example runs."""

import json
import re

import pytest
from hyperpyyaml import load_hyperpyyaml
from tiny_corpora import CORPORA

from speechbrain_emotion.dataio import corpora


@pytest.fixture(scope="module")
def page(pytestconfig):
    return (pytestconfig.rootpath / "docs" / "CORPORA.md").read_text()


def blocks(page, language):
    """The examples in a language."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_example_of_a_new_corpus(page, tmp_path, monkeypatch):
    reader, tiny = blocks(page, "python")
    (recipe,) = blocks(page, "yaml")
    (tmp_path / "emodb.py").write_text(reader)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    scope = {}
    exec(compile(tiny, "CORPORA.md", "exec"), scope)
    scope["make_emodb"](tmp_path / "EMO-DB")
    overrides = {"data_folder": str(tmp_path / "EMO-DB")}
    hparams = load_hyperpyyaml(recipe, overrides)
    hparams["prepare"]()
    parts = {
        part: json.loads((tmp_path / hparams[f"{part}_annotation"]).read_text())
        for part in ("train", "valid", "test")
    }
    # Two emotions are left out; a tenth of the other speakers validates.
    assert [len(parts[part]) for part in parts] == [81, 9, 10]
    assert {clip["spk_id"] for clip in parts["test"].values()} == {"spk03"}
    assert {clip["emo"] for clip in parts["test"].values()} == set(
        hparams["labels"]
    )


def test_audio_of_meld_in_yaml(page, tmp_path):
    (example,) = re.findall(
        r"(?m)^    read: .*read_meld\n(?:        .*\n)+", page
    )
    yaml = f"data_folder: {tmp_path}\nprepare:\n{example}"
    read = load_hyperpyyaml(yaml)["prepare"]["read"]
    assert read.func is corpora.read_meld
    assert read.keywords == {
        "audio": "required",
        "audio_folder": f"{tmp_path}/audio",
    }


def test_every_reader_and_number_is_on_the_page(page):
    for name in corpora.__all__:
        assert f"`{name}`" in page
    for module in (corpora.ravdess, corpora.tess, corpora.savee, corpora.nemo):
        assert f"| {module.LAYOUT.clips:,}" in page
        assert module.LAYOUT.example in page
    assert f"| {corpora.cremad.LAYOUT.clips:,} |" in page
    assert f"| {corpora.meld.UTTERANCES:,} |" in page
    assert f"| {corpora.meacorpus.UTTERANCES:,} |" in page


def test_every_corpus_has_a_tiny_one(page):
    table = page.partition("### What is known")[0]
    named = re.findall(r"^\| \[(?:Spanish )?([^\] ]+)", table, re.MULTILINE)
    assert len(named) == 8
    assert set(named) <= set(CORPORA)
