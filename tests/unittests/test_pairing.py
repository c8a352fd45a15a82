"""Clips get words of texts with the same label, and of the same part."""

import json

import pytest

from speechbrain_emotion.dataio.manifests import write_json
from speechbrain_emotion.dataio.pairing import pair_manifests, prepare_pairs


@pytest.fixture
def folders(tmp_path):
    for part in ("train", "valid", "test"):
        clips = {
            f"{part}{i}": {"wav": f"{i}.wav", "emo": label, "words": "Kids are"}
            for i, label in enumerate(["sad", "happy", "sad", "calm"])
        }
        texts = {
            f"{part}-{label}-{i}": {
                "emo": label,
                "words": f"{part} {label} {i}",
            }
            for label in ("sad", "happy")
            for i in range(20)
        }
        write_json(tmp_path / "speech" / f"{part}.json", clips)
        write_json(tmp_path / "text" / f"{part}.json", texts)
    return tmp_path


def prepare(folders, name="out", **changed):
    out = folders / name
    settings = {
        "speech_folder": folders / "speech",
        "text_folder": folders / "text",
        **{f"{p}_annotation": out / f"{p}.json" for p in PARTS},
        "record_file": out / "pairs.json",
        "copies": 3,
        "seed": 1,
        **changed,
    }
    prepare_pairs(**settings)
    return {p: json.loads((out / f"{p}.json").read_text()) for p in PARTS}


PARTS = ("train", "valid", "test")


def test_labels_and_parts_agree(folders):
    pairs = prepare(folders)
    assert [len(pairs[part]) for part in PARTS] == [9, 3, 3]  # no text is calm
    for part in PARTS:
        for pair in pairs[part].values():
            assert pair["words"].startswith(f"{part} {pair['emo']} ")
            assert pair["text_id"].startswith(f"{part}-{pair['emo']}-")


def test_the_seed_decides(folders):
    pairs = prepare(folders)
    assert prepare(folders) == pairs
    assert prepare(folders, "other", seed=2) != pairs


def test_a_used_folder_is_not_reused(folders):
    prepare(folders)
    with pytest.raises(ValueError, match="name another output folder"):
        prepare(folders, seed=2)


def test_no_common_label(folders):
    with pytest.raises(ValueError, match="no clip"):
        write_json(folders / "calm.json", {"a": {"emo": "calm"}})
        pair_manifests(
            folders / "calm.json",
            folders / "text" / "train.json",
            folders / "out.json",
            copies=1,
            seed=0,
        )


def test_neutral_texts(folders):
    with pytest.raises(ValueError, match="no text with the label neutral"):
        prepare(folders, neutral_copies=2)
    texts = folders / "text" / "train.json"
    neutral = {"emo": "neutral", "words": "At nine."}
    write_json(texts, {**json.loads(texts.read_text()), "n": neutral})
    pairs = prepare(folders, "other", neutral_copies=2)
    assert [len(pairs[part]) for part in PARTS] == [15, 3, 3]
    words = [pair["words"] for pair in pairs["train"].values()]
    assert words.count("At nine.") == 6
    labels = [pair["emo"] for pair in pairs["train"].values()]
    assert labels.count("sad") == 10 and "neutral" not in labels
