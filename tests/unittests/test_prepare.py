"""From corpora to manifests, and the record of how they were made."""

import json
import os
from functools import partial
from pathlib import Path

import pytest
import soundfile
from corpora_layouts import utterance, write_audio

from speechbrain.dataio.dataio import load_data_json
from speechbrain_emotion.dataio.audit import audit
from speechbrain_emotion.dataio.corpora import read_nemo, read_tess
from speechbrain_emotion.dataio.manifests import write_manifest
from speechbrain_emotion.dataio.prepare import prepare_corpora, prepare_corpus
from speechbrain_emotion.dataio.protocol import (
    PARTS,
    protocol_in_words,
    read_protocol,
)
from speechbrain_emotion.dataio.splits import (
    leave_one_group_out,
    speaker_folds,
    split_each,
    whole_corpus,
)

LABELS = ["anger", "fear"]


def speakers_out(test, valid):
    """Tests on one speaker and validates on another."""
    return partial(
        leave_one_group_out,
        by="spk_id",
        test_group=test,
        valid_group=valid,
    )


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
        "splits": {
            "EB0": speakers_out("EB0", "IC0"),
            "IC0": speakers_out("IC0", "EB0"),
        },
        "protocol": "EB0",
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
        "length": 0.05,
        "emo": "fear",
        "spk_id": "KD0",
        "gender": "female",
        "lang": "pl",
        "words": "",
        "corpus": "nEMO",
        **dict.fromkeys(("part", "session", "video", "style"), ""),
    }
    record = read_protocol(tmp_path / "save/split.json")
    assert record["protocol"] == "EB0"
    assert record["speaker_independent"] is True
    assert record["parts"]["test"]["classes"] == {"anger": 0, "fear": 1}
    assert record["audit"]["columns"]["spk_id"]["shared_clips"] == 0
    assert record["audit"]["leaks"] == []
    assert record["audit"]["warnings"] == ["nEMO: 5 of 4,481 clips were found."]
    assert record["corpora"] == {
        "train": {"nEMO": 2},
        "valid": {"nEMO": 1},
        "test": {"nEMO": 1},
    }
    assert record["settings"]["split"] == {
        "name": "leave_one_group_out",
        "by": "spk_id",
        "test_group": "EB0",
        "valid_group": "IC0",
    }
    assert protocol_in_words(record) == (
        "EB0 (leave_one_group_out, by spk_id, test group EB0, valid group "
        "IC0): speaker-independent; train 2, valid 1, test 1 utterances; no "
        "overlap of speakers"
    )
    assert not list((tmp_path / "save").glob(".*"))  # no unfinished file


def test_same_settings_are_prepared_once(
    nemo_settings, annotations, monkeypatch
):
    def prepare(**changes):
        audits = []

        def count(*arguments):
            audits.append(arguments)
            return audit(*arguments)

        monkeypatch.setattr("speechbrain_emotion.dataio.prepare.audit", count)
        settings = {**nemo_settings, **changes}
        prepare_corpus(**settings, labels=LABELS, **annotations)
        return bool(audits)

    assert prepare()
    assert not prepare()
    os.remove(annotations["valid_annotation"])
    assert prepare() and not prepare()
    assert not prepare(skip_prep=True)
    # Models trained with the old manifests must not be tested with others.
    with pytest.raises(ValueError, match="name another output folder"):
        prepare(protocol="IC0")
    with pytest.raises(ValueError, match="name another output folder"):
        prepare(splits={"B": nemo_settings["splits"]["EB0"]}, protocol="B")
    other = {"EB0": speakers_out("EB0", "KD0")}
    changed = r"map \(split.valid_group: 'IC0' -> 'KD0'\): name another"
    with pytest.raises(ValueError, match=changed):
        prepare(splits=other)
    with pytest.raises(ValueError, match="corpora.1.clips: 4 -> 5, .*fear"):
        prepare(label_map={**nemo_settings["label_map"], "sadness": "fear"})
    write_audio(Path(nemo_settings["data_folder"]), "EB0_anger_9.wav")
    with pytest.raises(ValueError, match="corpora.1.clips: 4 -> 5, "):
        prepare()
    with open(annotations["test_annotation"]) as file:
        assert "EB0_fear_1" in json.load(file)


def test_interrupted_preparation_is_done_again(nemo_settings, annotations):
    def prepare(**changes):
        settings = {**nemo_settings, **changes}
        prepare_corpus(**settings, labels=LABELS, **annotations)

    with pytest.raises(ValueError, match="no split 'XX0' .*splits: EB0, IC0"):
        prepare(protocol="XX0")
    with pytest.raises(ValueError, match="No clip of the spk_id ZZ9"):
        prepare(splits={"EB0": speakers_out("ZZ9", None)})
    assert not os.path.exists(annotations["train_annotation"])
    prepare()
    os.remove(annotations["split_file"])  # is written last
    with open(annotations["test_annotation"], "w") as file:
        file.write("{}")
    prepare()
    with open(annotations["test_annotation"]) as file:
        assert list(json.load(file)) == ["EB0_fear_1"]


def test_stop_while_the_parts_are_compared(
    nemo_settings, annotations, tmp_path, monkeypatch
):
    def stop(parts, notices):
        raise KeyboardInterrupt

    monkeypatch.setattr("speechbrain_emotion.dataio.prepare.audit", stop)
    with pytest.raises(KeyboardInterrupt):
        prepare_corpus(**nemo_settings, labels=LABELS, **annotations)
    assert not (tmp_path / "save").exists()


def test_other_files_do_not_matter(nemo_settings, annotations):
    folder = Path(nemo_settings["data_folder"])
    prepare_corpus(**nemo_settings, labels=LABELS, **annotations)
    for name in ("notes.txt", "other.csv", "run/hyperparams.yaml", "c.wav"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("changed")
    # Nor do clips that the label map leaves out.
    write_audio(folder, "KD0_sadness_9.wav")
    prepare_corpus(**nemo_settings, labels=LABELS, **annotations)


@pytest.mark.parametrize("change", ["gone", "longer", "recoded", "table"])
def test_changed_corpus(nemo_settings, annotations, change):
    def prepare():
        prepare_corpus(**nemo_settings, labels=LABELS, **annotations)

    prepare()
    folder = Path(nemo_settings["data_folder"])
    clip = folder / "KD0_fear_2.wav"
    if change == "gone":
        clip.unlink()
    elif change == "longer":
        write_audio(folder, clip.name, seconds=0.06)
    elif change == "recoded":
        samples, rate = soundfile.read(clip)
        soundfile.write(clip, samples, rate, subtype="PCM_24")
    else:
        table = "file_id\traw_text\nKD0_fear_2\tTak\n"
        (folder / "data.tsv").write_text(table)
    with pytest.raises(ValueError, match=r"corpora.1.contents: '\w+' -> "):
        prepare()


def test_reader_that_extracts_audio(nemo_settings, annotations):
    def read(data_folder):
        write_audio(Path(data_folder), "MP0_fear_5.wav")
        return read_nemo(data_folder)

    settings = {**nemo_settings, "read": read}
    for _ in range(2):  # The second run finds what the first one added.
        prepare_corpus(**settings, labels=LABELS, **annotations)


def test_what_splits_say_is_recorded(nemo_settings, annotations):
    folds = {1: ["EB0"], 2: ["MP0"], 3: ["IC0"], 4: ["KD0"]}
    split = partial(speaker_folds, folds=folds, test_fold=1)
    settings = {**nemo_settings, "splits": {"EB0": split}}
    for _ in range(2):
        prepare_corpus(**settings, labels=LABELS, **annotations)
        record = read_protocol(annotations["split_file"])
        assert record["audit"]["warnings"] == [
            "nEMO: 5 of 4,481 clips were found.",
            "Speakers without a clip: MP0.",
            "No clip in fold 2: fold 3 validates.",
        ]


def test_warnings_are_logged_every_time(nemo_settings, annotations, caplog):
    def split(clips):  # KD0's two are the last
        return {"train": clips[::2], "valid": clips[1:2], "test": clips[3:]}

    settings = {**nemo_settings, "splits": {"EB0": split}}
    for _ in range(2):
        caplog.clear()
        prepare_corpus(**settings, labels=LABELS, **annotations)
        leak = "1 of 1 test clips (100.0 %) are by speakers who"
        assert caplog.text.count(leak) == 1
        missing = "nEMO: 5 of 4,481 clips were found."
        assert caplog.messages.count(missing) == 1


@pytest.fixture
def tess(tmp_path):
    """A corpus of two clips."""
    return {
        "read": read_tess,
        "data_folder": write_audio(
            tmp_path / "TESS", "OAF_back_fear.wav", "YAF_bar_angry.wav"
        ),
        "label_map": {"fear": "fear", "angry": "anger"},
    }


def test_several_corpora(nemo_settings, tess, annotations, tmp_path):
    split = partial(
        split_each,
        splits={
            "nEMO": nemo_settings.pop("splits")["EB0"],
            "TESS": partial(whole_corpus, part="test"),
        },
    )
    del nemo_settings["protocol"]

    def prepare(corpora, **changes):
        settings = {"splits": {"mine": split}, "protocol": "mine", **changes}
        prepare_corpora(corpora, labels=LABELS, **settings, **annotations)

    prepare([nemo_settings, tess])
    test = load_data_json(annotations["test_annotation"])
    assert {id: entry["wav"] for id, entry in test.items()} == {
        "EB0_fear_1": str(tmp_path / "nEMO/EB0_fear_1.wav"),
        "OAF_back_fear": str(tmp_path / "TESS/OAF_back_fear.wav"),
        "YAF_bar_angry": str(tmp_path / "TESS/YAF_bar_angry.wav"),
    }
    record = read_protocol(annotations["split_file"])
    assert record["settings"]["split"]["splits"]["TESS"] == {
        "name": "whole_corpus",
        "part": "test",
    }
    assert record["parts"]["test"]["speakers"] == [
        "TESS/OAF",
        "TESS/YAF",
        "nEMO/EB0",
    ]
    assert prepare([nemo_settings, tess]) is None  # is known again
    os.remove(annotations["split_file"])
    whole = {"mine": partial(whole_corpus, part="test")}
    with pytest.raises(ValueError, match="no clip for train, valid"):
        prepare([tess], splits=whole)
    with pytest.raises(ValueError, match="clips occur more than once"):
        prepare([tess, tess], splits=whole)


def test_split_across_corpora(nemo_settings, tess, annotations):
    split = partial(
        leave_one_group_out,
        by="corpus",
        test_group="TESS",
        valid_fraction=0.3,
    )
    del nemo_settings["splits"], nemo_settings["protocol"]
    prepare_corpora(
        [nemo_settings, tess],
        labels=LABELS,
        splits={"new_corpus": split},
        protocol="new_corpus",
        **annotations,
    )
    record = read_protocol(annotations["split_file"])
    speakers = {part: record["parts"][part]["speakers"] for part in PARTS}
    assert speakers["test"] == ["TESS/OAF", "TESS/YAF"]
    assert not set(speakers["train"]) & set(speakers["test"])


def test_ids_of_two_corpora_clash(annotations, tmp_path):
    def corpus(name):
        def read(data_folder):
            ids = ("1", f"only in {name}")
            return [utterance(id, corpus=name) for id in ids]

        label_map = {"sad": "sad"}
        return {"read": read, "data_folder": tmp_path, "label_map": label_map}

    part_of = {"a": "train", "b": "valid", "c": "test"}
    splits = {
        name: partial(whole_corpus, part=part) for name, part in part_of.items()
    }
    prepare_corpora(
        [corpus(name) for name in part_of],
        labels=["sad"],
        splits={"mine": partial(split_each, splits=splits)},
        protocol="mine",
        **annotations,
    )
    for name, part in part_of.items():
        with open(annotations[f"{part}_annotation"]) as file:
            assert list(json.load(file)) == [f"{name}_1", f"only in {name}"]
    (warning,) = read_protocol(annotations["split_file"])["audit"]["warnings"]
    assert "cannot be read" in warning and "a_1, only in a, b_1" in warning


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


def test_no_unfinished_file_is_left_by_ctrl_c(tmp_path, monkeypatch):
    def stop(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_manifest(tmp_path / "train.json", [utterance("1")])
    assert not list(tmp_path.iterdir())
