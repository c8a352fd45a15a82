"""Folders of runs, and what can be wrong with their files."""

import json

import numpy as np
import pytest
from run_folders import COLUMNS, LABELS, clip, start_run, write_run

from speechbrain_emotion.results.predictions import (
    Predictions,
    read_predictions,
)
from speechbrain_emotion.results.runs import find_runs, read_run
from speechbrain_emotion.training.reports import write_predictions
from speechbrain_emotion.training.settings import read_settings
from speechbrain_emotion.utils.metrics import ClassificationMetrics

HEADER = ",".join([*COLUMNS, *LABELS]) + "\n"
GOOD = "a,mine,Eva,female,,,sad,happy,0.25,0.5,0.25\n"


def test_predictions(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_text(HEADER + GOOD + 'b,"my, own",,,s,v,sad,sad,0,1e-06,1\n')
    some = read_predictions(path)
    assert some.labels == LABELS and len(some) == 2
    assert some.clips.tolist() == ["mine/a", "my, own/b"]
    assert some.corpora.tolist() == ["mine", "my, own"]
    assert some.speakers.tolist() == ["mine/Eva", ""]
    assert some.genders.tolist() == ["female", ""]
    assert some.true.tolist() == [2, 2] and some.predicted.tolist() == [1, 2]
    assert some.correct.tolist() == [False, True]
    assert some.confidence.tolist() == [0.5, 1]


def test_what_a_training_writes_is_read(tmp_path):
    metrics = ClassificationMetrics(LABELS)
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), size=50).astype(np.float32)
    ids, true = [f"c{i}" for i in range(50)], rng.integers(3, size=50)
    metrics.append(ids, probabilities.tolist(), true.tolist())
    known = {"corpus": "mine", "spk_id": "Eva"}
    path = tmp_path / "predictions.csv"
    write_predictions(path, metrics, dict.fromkeys(ids, known))
    some = read_predictions(path)
    assert some.labels == LABELS
    assert some.clips.tolist() == [f"mine/{id}" for id in ids]
    assert set(some.speakers) == {"mine/Eva"}
    assert (some.true == true).all()
    assert (some.predicted == probabilities.argmax(axis=1)).all()
    assert some.probabilities == pytest.approx(probabilities, rel=1e-5)


def test_select_and_join(tmp_path):
    folder = write_run(
        tmp_path / "a", [clip(x, "sad", "sad", p=0.5) for x in "abc"]
    )
    some = read_predictions(folder / "predictions.csv")
    picked = some.select(np.array([2, 0]))
    assert picked.clips.tolist() == ["mine/c", "mine/a"]
    assert picked.probabilities.shape == (2, 3)
    joined = Predictions.join([some, picked])
    assert len(joined) == 5 and joined.labels == LABELS


@pytest.mark.parametrize(
    "text,line,words",
    [
        ("", 1, "the columns are "),
        (HEADER, 1, "no clip follows"),
        (HEADER.replace("emo,", "", 1) + GOOD, 1, "the columns are id,"),
        (HEADER.replace("sad", "happy") + GOOD, 1, "a label has two columns"),
        ("id,corpus,happy\na,b,1\n", 1, "the columns are id,corpus,happy"),
        (HEADER + GOOD + "b,mine,Eva,fem", 3, "4 cells instead of 11"),
        (HEADER + GOOD.replace(",sad,", ",bad,"), 2, "'bad' is none of the"),
        (HEADER + GOOD.replace(",happy,", ",,"), 2, "'' is none of the"),
        (HEADER + GOOD.replace("0.5", "x"), 2, "could not convert"),
        (HEADER + GOOD.replace("0.5", "nan"), 2, "with the sum 1"),
        (HEADER + GOOD.replace("0.5", "0.6"), 2, "with the sum 1"),
        (HEADER + GOOD.replace("0.5,0.25", "1,-0.25"), 2, "with the sum 1"),
        (HEADER + GOOD + GOOD, 3, "clip 'a' is in line 2, too"),
        (HEADER + '"a\n\n' + GOOD[1:].replace("E", '"E'), 4, ""),
    ],
)
def test_broken_predictions(tmp_path, text, line, words):
    path = tmp_path / "predictions.csv"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        read_predictions(path)
    assert str(caught.value).startswith(f"'{path}', line ")
    if words:
        assert f", line {line}: " in str(caught.value)
        assert words in str(caught.value)


def test_predictions_that_are_no_text(tmp_path):
    path = tmp_path / "predictions.csv"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="predictions.csv', line 1: .*utf-8"):
        read_predictions(path)


def test_find_runs(tmp_path, monkeypatch):
    one = write_run(tmp_path / "a" / "x" / "1", [clip("a", "sad", "sad")])
    two = write_run(tmp_path / "a" / "x" / "2", [clip("a", "sad", "sad")])
    three = start_run(tmp_path / "b" / "1")
    # An exported model is no run, nor is what a run holds.
    for folder in (one / "export", one / "save", tmp_path / "export"):
        folder.mkdir()
        (folder / "hyperparams.yaml").touch()
    start_run(one / "save" / "older")
    assert find_runs([tmp_path]) == ([one, two], [three])
    assert find_runs([one, three]) == ([one], [three])
    assert find_runs([two, tmp_path / "a", one]) == ([two, one], [])
    assert find_runs([str(tmp_path / "*/*/[12]")]) == ([one, two], [])
    assert find_runs([str(tmp_path / "*")]) == ([one, two], [three])
    # Its script has not ended, or not well.
    rows, options = [clip("a", "sad", "sad")], {"precision": "bf16"}
    four = write_run(tmp_path / "c", rows, options=options, finished=False)
    assert find_runs([three, four]) == ([], [three, four])
    monkeypatch.chdir(tmp_path)
    ((found, _), _) = find_runs(["a", tmp_path / "a"])
    assert str(found) == "a/x/1"


@pytest.mark.parametrize(
    "source,words",
    [
        ("none", "there is no folder"),
        ("none*", "there is no folder"),
        ("file", "there is no run in"),
        ("empty", "there is no run in"),
    ],
)
def test_no_runs(tmp_path, source, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError, match=words):
        find_runs([tmp_path / source])


def test_read_run(tmp_path):
    rows = [clip("a", "sad", "sad")]
    options = {"leaks": ["It leaks."], "warnings": ["A clip is broken."]}
    folder = write_run(tmp_path / "a", rows, seed=7, **options)
    run = read_run(folder)
    assert (run.seed, run.protocol, run.options) == ("7", "emobox", {})
    assert run.leaks == ["It leaks."] and run.warnings == ["A clip is broken."]
    assert run.settings["opt_class"] == {"!name:torch.optim.AdamW": {"lr": 0.1}}
    (folder / "split.json").unlink()
    run = read_run(folder)
    assert (run.split, run.protocol, run.warnings) == (None, "", [])
    # As earlier versions wrote it.
    old = {"speaker_independent": False, "audit": {"warnings": ["Twins."]}}
    (folder / "split.json").write_text(json.dumps(old))
    run = read_run(folder)
    assert (run.leaks, run.warnings) == (["Twins."], [])
    (folder / "split.json").write_text('{"speaker_independent": true}')
    run = read_run(folder)
    assert (run.protocol, run.warnings) == ("", [])


@pytest.mark.parametrize("text", ["", "[]", "{}", "{"])
def test_broken_split(tmp_path, text):
    folder = write_run(tmp_path / "a", [clip("a", "sad", "sad")])
    (folder / "split.json").write_text(text)
    with pytest.raises(ValueError, match="split.json' is no record of a split"):
        read_run(folder)


@pytest.mark.parametrize(
    "content", [b"a: [", b"- a", b"", b"\xff", b"a: 1\na: 2"]
)
def test_broken_settings(tmp_path, content):
    folder = write_run(tmp_path / "a", [clip("a", "sad", "sad")])
    (folder / "hyperparams.yaml").write_bytes(content)
    with pytest.raises(ValueError, match="hyperparams.yaml' "):
        read_run(folder)


def test_missing_settings(tmp_path):
    folder = write_run(tmp_path / "a", [clip("a", "sad", "sad")])
    (folder / "hyperparams.yaml").unlink()
    with pytest.raises(FileNotFoundError, match="hyperparams.yaml' is missing"):
        read_run(folder)


def test_settings_of_all_kinds():
    settings = read_settings(
        "a: &x !new:a.B\n  c: 0.5e-3\n  d: yes\n  e: null\n  f: True\n"
        "b: *x\ng: !apply:a.b [1, 'x']\nh: !name:a.b\ni: 2024-01-01\n1: two\n"
    )
    a = {"!new:a.B": {"c": 0.0005, "d": "yes", "e": None, "f": True}}
    assert settings == {
        "a": a,
        "b": a,
        "g": {"!apply:a.b": [1, "x"]},
        "h": {"!name:a.b": ""},
        "i": "2024-01-01",
        "1": "two",
    }
