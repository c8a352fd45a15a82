"""From corpora to manifests, and the record of how they were made."""

import json
import os
from functools import partial
from pathlib import Path

import pytest
from corpora_layouts import utterance, write_audio

from speechbrain.dataio.dataio import load_data_json
from speechbrain_emotion.dataio.corpora import read_nemo, read_tess
from speechbrain_emotion.dataio.manifests import write_manifest
from speechbrain_emotion.dataio.prepare import prepare_corpora, prepare_corpus
from speechbrain_emotion.dataio.splits import (
    leave_one_speaker_out,
    whole_corpus,
)

LABELS = ["anger", "fear"]


@pytest.fixture
def nemo_settings(tmp_path):
    """Settings to prepare a corpus of three speakers."""
    folder = write_audio(
        tmp_path / "nEMO",
        *("EB0_fear_1.wav", "IC0_anger_1.wav", "KD0_fear_2.wav"),
        *("KD0_anger_3.wav", "KD0_sadness_3.wav"),
    )
    return {
        "read": read_nemo,
        "data_folder": str(folder),
        "label_map": {"anger": "anger", "fear": "fear", "sadness": None},
        "split": partial(
            leave_one_speaker_out, test_speaker="EB0", valid_speaker="IC0"
        ),
    }


@pytest.fixture
def annotations(tmp_path):
    """Where the manifests and the record of the split go."""
    save = tmp_path / "save"
    return {
        "train_annotation": str(save / "train.json"),
        "valid_annotation": str(save / "valid.json"),
        "test_annotation": str(save / "test.json"),
        "split_file": str(save / "split.json"),
    }


def test_manifests(nemo_settings, annotations, tmp_path):
    prepare_corpus(**nemo_settings, labels=LABELS, **annotations)
    train = load_data_json(
        annotations["train_annotation"],
        {"data_root": nemo_settings["data_folder"]},
    )
    assert list(train) == ["KD0_anger_3", "KD0_fear_2"]
    assert train["KD0_fear_2"] == {
        "wav": f"{nemo_settings['data_folder']}/KD0_fear_2.wav",
        "length": 0.01,
        "emo": "fear",
        "spk_id": "KD0",
        "gender": "female",
        "lang": "pl",
        "words": "",
        "corpus": "nEMO",
        "part": "",
    }
    record = json.loads((tmp_path / "save/split.json").read_text())
    assert record["speaker_independent"] is True
    assert record["parts"]["test"]["classes"] == {"anger": 0, "fear": 1}
    (settings,) = record["settings"]["corpora"]
    assert settings["split"] == {
        "name": "leave_one_speaker_out",
        "test_speaker": "EB0",
        "valid_speaker": "IC0",
    }
    assert not list((tmp_path / "save").glob(".*"))  # no unfinished file


def test_same_settings_are_prepared_once(nemo_settings, annotations):
    def prepare(**changes):
        reads = []

        def read_nemo_and_count(data_folder):
            reads.append(data_folder)
            return read_nemo(data_folder)

        settings = {**nemo_settings, "read": read_nemo_and_count, **changes}
        prepare_corpus(**settings, labels=LABELS, **annotations)
        return bool(reads)

    assert prepare()
    assert not prepare()
    os.remove(annotations["valid_annotation"])
    assert prepare() and not prepare()
    assert not prepare(skip_prep=True)
    # Models trained with the old manifests must not be tested with others.
    other = partial(
        leave_one_speaker_out, test_speaker="IC0", valid_speaker="EB0"
    )
    with pytest.raises(ValueError, match="name another output folder"):
        prepare(split=other)
    with pytest.raises(ValueError, match="name another output folder"):
        prepare(label_map={**nemo_settings["label_map"], "calm": None})
    write_audio(Path(nemo_settings["data_folder"]), "EB0_anger_9.wav")
    with pytest.raises(ValueError, match="name another output folder"):
        prepare()
    with open(annotations["test_annotation"]) as file:
        assert "EB0_fear_1" in json.load(file)


def test_interrupted_preparation_is_done_again(nemo_settings, annotations):
    def prepare(**changes):
        settings = {**nemo_settings, **changes}
        prepare_corpus(**settings, labels=LABELS, **annotations)

    with pytest.raises(ValueError, match="No clips of speaker ZZ9"):
        prepare(split=partial(leave_one_speaker_out, test_speaker="ZZ9"))
    prepare()
    os.remove(annotations["split_file"])  # is written last
    with open(annotations["test_annotation"], "w") as file:
        file.write("{}")
    prepare()
    with open(annotations["test_annotation"]) as file:
        assert list(json.load(file)) == ["EB0_fear_1"]


def test_several_corpora(nemo_settings, annotations, tmp_path):
    tess = {
        "read": read_tess,
        "data_folder": write_audio(tmp_path / "TESS", "OAF_back_fear.wav"),
        "label_map": {"fear": "fear"},
        "split": partial(whole_corpus, part="test"),
    }
    prepare_corpora([nemo_settings, tess], labels=LABELS, **annotations)
    test = load_data_json(annotations["test_annotation"])
    assert {id: entry["wav"] for id, entry in test.items()} == {
        "EB0_fear_1": str(tmp_path / "nEMO/EB0_fear_1.wav"),
        "OAF_back_fear": str(tmp_path / "TESS/OAF_back_fear.wav"),
    }
    os.remove(annotations["split_file"])
    with pytest.raises(ValueError, match="no clip for train, valid"):
        prepare_corpora([tess], labels=LABELS, **annotations)
    with pytest.raises(ValueError, match="clips occur more than once"):
        prepare_corpora([tess, tess], labels=LABELS, **annotations)


def test_ids_of_two_corpora_clash(annotations, tmp_path):
    def corpus(name, part):
        def read(data_folder):
            ids = ("1", f"only in {name}")
            return [utterance(id, corpus=name) for id in ids]

        return {
            "read": read,
            "data_folder": tmp_path,
            "label_map": {"sad": "sad"},
            "split": partial(whole_corpus, part=part),
        }

    parts = {"a": "train", "b": "valid", "c": "test"}
    corpora = [corpus(name, part) for name, part in parts.items()]
    prepare_corpora(corpora, labels=["sad"], **annotations)
    for name, part in parts.items():
        with open(annotations[f"{part}_annotation"]) as file:
            assert list(json.load(file)) == [f"{name}_1", f"only in {name}"]


def test_braces_survive(tmp_path):
    clip = utterance("1", words="{laughs} no")
    write_manifest(tmp_path / "a.json", [clip])
    entry = load_data_json(tmp_path / "a.json")["1"]
    assert entry["words"] == "{laughs} no"


def test_write_fails_as_a_whole(tmp_path):
    path = tmp_path / "train.json"
    write_manifest(path, [utterance("1")])
    before = path.read_text()
    with pytest.raises(TypeError):
        write_manifest(path, [utterance("1"), utterance("2", words=object())])
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]
