"""Mapping of the corpora's words to labels."""

import logging

import pytest
from corpora_layouts import utterance

from speechbrain_emotion.dataio.labels import class_counts, map_labels

LABELS = ["angry", "disgust", "sad"]
CLIPS = [
    utterance("1", "angry"),
    utterance("2", "calm"),
    utterance("3", "sadness"),
    utterance("4", "sadness"),
]
MAP = {"angry": "angry", "calm": None, "sadness": "sad", "bored": None}


def test_words_become_labels_and_null_drops():
    mapped = map_labels(CLIPS, MAP, LABELS)
    assert [(c.id, c.emo) for c in mapped] == [
        ("1", "angry"),
        ("3", "sad"),
        ("4", "sad"),
    ]
    assert CLIPS[2].emo == "sadness"


def test_counts_are_logged_with_empty_labels(caplog):
    with caplog.at_level(logging.INFO):
        map_labels(CLIPS, MAP, LABELS)
    before, after = (record.getMessage() for record in caplog.records)
    rows = [line.rsplit(maxsplit=1) for line in before.splitlines()[1:]]
    assert [(name.strip(), count) for name, count in rows] == [
        ("angry -> angry", "1"),
        ("calm -> (left out)", "1"),
        ("sadness -> sad", "2"),
        ("total", "4"),
    ]
    assert [line.split() for line in after.splitlines()[1:]] == [
        ["angry", "1"],
        ["disgust", "0"],
        ["sad", "2"],
        ["total", "3"],
    ]


def test_counts_list_unexpected_classes_last():
    assert class_counts(CLIPS, ["sadness"]) == {
        "sadness": 2,
        "angry": 1,
        "calm": 1,
    }


def test_unmapped_word():
    with pytest.raises(ValueError, match="no entry for the corpus's calm") as e:
        map_labels(CLIPS, {"angry": "angry", "sadness": "sad"}, LABELS)
    assert "the map has: angry, sadness" in str(e.value)


def test_unlisted_label():
    with pytest.raises(ValueError, match=r"not listed \(calm: serene\)") as e:
        map_labels(CLIPS, {**MAP, "calm": "serene"}, LABELS)
    assert "listed: angry, disgust, sad" in str(e.value)


def test_label_listed_twice():
    with pytest.raises(ValueError, match="listed more than once: sad"):
        map_labels(CLIPS, MAP, [*LABELS, "sad"])


def test_nothing_left():
    with pytest.raises(ValueError, match="leaves no clip.*angry, calm"):
        map_labels(CLIPS, dict.fromkeys(MAP), LABELS)
