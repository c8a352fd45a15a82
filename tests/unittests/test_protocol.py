"""What a split must fulfil, and what is said about it."""

import json
from functools import partial

import pytest
from corpora_layouts import utterance

from speechbrain_emotion.dataio.protocol import (
    check_split,
    describe,
    protocol_in_words,
    protocol_of,
    read_protocol,
)
from speechbrain_emotion.dataio.splits import (
    leave_one_group_out,
    speaker_folds,
    split_each,
    stratified_random,
    whole_corpus,
)

FOLDS = {1: ["A", "B"], 2: ["C"], 3: ["D", "E"]}


A, B, C, D = (utterance(name, spk_id=name) for name in "ABCD")


@pytest.mark.parametrize(
    "parts, message",
    [
        (dict(train=[A], valid=[B], dev=[C]), "not train, valid, dev"),
        (dict(train=[A, B], valid=[B], test=[C]), "1 clips .* than once: B"),
        (dict(train=[A], valid=[B], test=[]), "leaves out 1 of 3 clips"),
        (dict(train=[A], valid=[B], test=[C, D]), "adds 1"),
        (dict(train=[A, B], valid=[C], test=[]), "no clip for test"),
    ],
)
def test_check_refuses(parts, message):
    with pytest.raises(ValueError, match=message):
        check_split([A, B, C], parts)


def test_description():
    train = [
        utterance("1", "sad", "A", words="Hello!"),
        utterance("2", "happy", "B", words="Hello"),
    ]
    valid = [utterance("3", "sad", "B", words="Hello")]
    test = [
        utterance("4", "sad", "C", words="Bye"),
        utterance("5", "sad", "C", words="hello"),
        utterance("6", "sad", "A", corpus="another"),
    ]
    parts = {"train": train, "valid": valid, "test": test}
    assert describe(parts, ["angry", "happy", "sad"]) == {
        "speaker_independent": True,
        "corpora": {
            "train": {"made": 2},
            "valid": {"made": 1},
            "test": {"another": 1, "made": 2},
        },
        "shared_speakers": {
            "train-valid": ["made/B"],
            "train-test": [],
            "valid-test": [],
        },
        "test_sentences": 2,
        "test_sentences_seen": 1,
        "parts": {
            "train": {
                "clips": 2,
                "minutes": 0.0,
                "speakers": ["made/A", "made/B"],
                "classes": {"angry": 0, "happy": 1, "sad": 1},
            },
            "valid": {
                "clips": 1,
                "minutes": 0.0,
                "speakers": ["made/B"],
                "classes": {"angry": 0, "happy": 0, "sad": 1},
            },
            "test": {
                "clips": 3,
                "minutes": 0.1,
                "speakers": ["another/A", "made/C"],
                "classes": {"angry": 0, "happy": 0, "sad": 3},
            },
        },
    }
    overlapping = {"train": test[:1], "valid": valid, "test": test[1:]}
    assert describe(overlapping)["speaker_independent"] is False
    # Nor does anybody know of clips whose speaker is unknown.
    for part in ("train", "valid", "test"):
        unknown = utterance("7", spk_id="", words="Bye")
        partly = {**parts, part: [*parts[part], unknown]}
        assert describe(partly)["speaker_independent"] is None
        overlapping = {**partly, "valid": [*partly["valid"], test[0]]}
        description = describe(overlapping)
        assert description["speaker_independent"] is False
        assert description["test_sentences_seen"] == 2


def test_protocol_names_the_settings():
    split = partial(speaker_folds, folds=FOLDS, test_fold=1)
    assert protocol_of(split) == {
        "name": "speaker_folds",
        "folds": FOLDS,
        "test_fold": 1,
    }
    assert protocol_of(partial(split, test_fold=2))["test_fold"] == 2


def test_protocol_names_splits_within_splits():
    inner = partial(whole_corpus, part="train")
    assert protocol_of(partial(split_each, splits={"TESS": inner})) == {
        "name": "split_each",
        "splits": {"TESS": {"name": "whole_corpus", "part": "train"}},
    }


def record(split, name, columns=(), duplicates=(), independent=True, unknown=0):
    """The record of a split as far as the words depend on it."""
    return {
        "settings": {"split": protocol_of(split)},
        "protocol": name,
        "speaker_independent": independent,
        "parts": {
            "train": {"clips": 3692},
            "valid": {"clips": 410},
            "test": {"clips": 1027},
        },
        "audit": {
            "columns": {
                column: {
                    "test_clips": 1027,
                    "shared_clips": shared,
                    "unknown_clips": {"test": 0, "train_valid": unknown},
                    "lookup": {"accuracy": 0.5, "uar": lookup},
                }
                for column, shared, lookup in columns
            },
            "majority": {"accuracy": 0.5, "uar": 0.25},
            "duplicates": {"train-valid": [["a", "z"]], **dict(duplicates)},
        },
    }


SIZES = "train 3,692, valid 410, test 1,027 utterances"
APART = [
    *((column, 0, 0.25) for column in ("spk_id", "session", "video")),
    ("words", 9, 0.3),
]


@pytest.mark.parametrize(
    "words, given",
    [
        (
            "emobox (speaker_folds, test fold 1): speaker-independent; "
            f"{SIZES}; no overlap of speakers, sessions or videos",
            record(
                partial(speaker_folds, folds=FOLDS, test_fold=1),
                "emobox",
                APART,
            ),
        ),
        (
            "random (stratified_random, fractions 0.8/0.1/0.1, seed 7): NOT "
            f"speaker-independent; {SIZES}; no overlap of sessions; speakers "
            "of 100.0 % of the test part in training or validation; videos of "
            "53.7 % of the test part in training or validation; sentences of "
            "0.9 % of the test part in training or validation; recordings "
            "both in training or validation and in test: 2",
            record(
                partial(stratified_random, fractions=[0.8, 0.1, 0.1], seed=7),
                "random",
                [
                    ("spk_id", 1027, 0.25),
                    ("session", 0, 0.25),
                    ("video", 551, 0.25),
                    ("words", 9, 0.31),
                ],
                {"train-test": [["a", "b"]], "valid-test": [["c", "b"]]},
                independent=False,
            ),
        ),
        (
            "emobox (speaker_folds, test fold 1): speakers unknown; " + SIZES,
            record(
                partial(speaker_folds, folds=FOLDS, test_fold=1),
                "emobox",
                APART,
                independent=None,
                unknown=1,
            ),
        ),
        (
            "mine (leave_one_group_out, by corpus, test group X): speakers "
            f"unknown; {SIZES}",
            record(
                partial(
                    leave_one_group_out,
                    by="corpus",
                    test_group="X",
                    valid_group=None,
                ),
                "mine",
                independent=None,
            ),
        ),
    ],
)
def test_protocol_in_words(words, given):
    assert protocol_in_words(given) == words


def test_no_record(tmp_path):
    with pytest.raises(FileNotFoundError, match="split.json"):
        read_protocol(tmp_path / "split.json")
    (tmp_path / "split.json").write_text("{")
    with pytest.raises(ValueError, match="split.json' is no JSON"):
        read_protocol(tmp_path / "split.json")
    old = {"settings": {}, "parts": {}}
    (tmp_path / "split.json").write_text(json.dumps(old))
    with pytest.raises(ValueError, match="it has no protocol, audit"):
        read_protocol(tmp_path / "split.json")
