"""The command line: what it answers, from speech, texts and both."""

import csv
import io
import json
import os
import sys

import pytest
from cli_fixtures import FORMATS, parse
from tiny_models import LABELS

from speechbrain_emotion.inference.classifier import EmotionClassifier

pytest_plugins = ["cli_fixtures"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("to_file", [False, True])
def test_formats(predict, models, clips, tmp_path, format, to_file):
    output = tmp_path / "out"
    more = ["--output", output] if to_file else []
    code, out, err = predict(
        clips, tmp_path / "gone.wav", "--format", format, *more
    )
    assert code == 1
    if to_file:
        assert out == ""
        out = output.read_text()
    answers = parse(out, format)
    classifier = EmotionClassifier.from_hparams(models["speech"])
    expected = classifier.predict(sorted(clips.glob("*.flac")))
    good = [(p.source, p.label, None) for p in expected]
    if format == "table":  # failures are reported beside it
        assert answers == good
    else:
        assert answers[:3] == good
        (name, none, reason), (_, _, gone) = answers[3:]
        assert name == str(clips / "broken.wav") and none is None
        assert "cannot be read as audio" in reason
        assert "there is no audio file" in gone
    reported = err.splitlines()
    assert len(reported) == 2
    assert reported[0].startswith("error: '") and "broken.wav" in reported[0]
    assert reported[1].startswith("error: there is no audio file")


def test_csv_columns(predict, clips, tiny_definition):
    code, out, err = predict(clips, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    labels = tiny_definition["labels"]
    columns = ["source", "text", "label", "score", *labels]
    assert list(rows[0]) == [*columns, "enrolled", "error"]
    assert sum(float(rows[0][label]) for label in labels) == pytest.approx(1)
    assert rows[0]["score"] == max(rows[0][label] for label in labels)
    assert {rows[3][name] for name in ["label", "score", *labels]} == {""}


def test_json_fields(predict, clips):
    code, out, err = predict(clips / "broken.wav", clips, "--format", "json")
    answers = json.loads(out)
    names = "label score scores source text modalities transcript transcribed"
    names = [*names.split(), "enrolled", "segments", "error"]
    assert [list(answer) for answer in answers] == [names] * 5
    assert answers[1]["modalities"] == ["speech"]


@pytest.mark.parametrize("seconds", [0.1, 5, 60])
def test_batches_and_duplicates(predict, clips, seconds):
    clip = next(clips.glob("*ANG*"))
    argv = ["--format", "jsonl", "--max-batch-length", seconds]
    code, out, err = predict(clip, clips / "*DIS*", clip, *argv)
    lines = out.splitlines()
    assert code == 0 and len(lines) == 3 and lines[0] == lines[2]


def test_nothing_but_errors(predict, tmp_path):
    (tmp_path / "empty").mkdir()
    argv = [tmp_path / "gone.wav", tmp_path / "empty", tmp_path / "*.wav"]
    code, out, err = predict(*argv)
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 3
    code, out, err = predict(*argv, "--format", "csv")
    assert code == 1 and len(parse(out, "csv")) == 3


def test_a_report_takes_one_line(predict, tmp_path):
    code, out, err = predict(tmp_path / "two\nlines.wav")
    assert code == 1 and len(err.splitlines()) == 1


@pytest.mark.parametrize("format", FORMATS[1:])
def test_a_file_name_that_is_no_text(predict, tmp_path, format):
    # As Python's own, which pytest replaces.
    sys.stderr.reconfigure(errors="backslashreplace")
    name = os.fsdecode(b"sp\xe9.wav")
    argv = [name, "--format", format]
    assert r"sp\udce9.wav" in predict(*argv)[1]
    output = tmp_path / "out"
    assert predict(*argv, "--output", output)[0] == 1
    assert r"sp\udce9.wav" in output.read_text("utf-8")


def test_progress_is_shown_on_terminals(predict, clips, monkeypatch):
    assert "input" not in predict(clips)[2]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert "4/4" in predict(clips)[2]


def test_default_modes(run, embedded, clips):
    clip = next(clips.glob("*ANG*"))
    code, out, err = run("predict", clip, "--format", "json")
    assert code == 0 and json.loads(out)[0]["modalities"] == ["speech"]
    code, out, err = run("predict", "--text", "so sad", "--format", "json")
    (answer,) = json.loads(out)
    assert (answer["modalities"], answer["source"]) == (["text"], None)
    assert answer["text"] == "so sad" and list(answer["scores"]) == LABELS
    for argv in ([clip, "--text", "so sad"], [clips / "clips.csv"]):
        code, out, err = run("predict", *argv)
        assert code == 2
        assert "mode 'concat': there is no such model in the package" in err


@pytest.mark.parametrize("mode", ["mean", "multihead"])
def test_modes_that_the_package_lacks(run, clips, mode):
    code, out, err = run("predict", clips / "clips.csv", "--mode", mode)
    assert code == 2
    assert f"mode '{mode}': there is no such model in the package" in err
    assert "--language en or es" in err and "--model" in err


def test_texts_from_a_file(run, embedded, tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("id,text\na,so sad\n,so happy\nc,\n")
    code, out, err = run("predict", "--texts", path, "--format", "csv")
    (a, label, none), (unnamed, *_), (c, _, error) = parse(out, "csv")
    assert (code, a, unnamed, c) == (1, "a", None, "c")
    assert label in LABELS and none is None
    assert error == f"line 4 of '{path}' has no text"
    code, out, err = run("predict", "--texts", path)
    assert [line.split("  ")[0] for line in out.splitlines()] == [
        "input",
        "a",
        "so happy",
    ]


def test_speech_and_texts(predict, models, clips, tmp_path):
    encoder = ["--text-encoder", models["bert"], "--format", "json"]
    code, out, err = predict(clips / "clips.csv", *encoder, model="concat")
    together = json.loads(out)
    assert code == 0
    assert [a["modalities"] for a in together] == [["speech", "text"]] * 3
    # The same from a file of texts, in which one clip is missing.
    texts = tmp_path / "texts.csv"
    lines = (clips / "clips.csv").read_text().replace(".flac", "").splitlines()
    texts.write_text("\n".join(lines[:-1]).replace("wav", "id"))
    code, out, err = predict(
        clips / "*.flac", "--texts", texts, *encoder, model="concat"
    )
    answers = json.loads(out)
    assert code == 1 and answers[:2] == together[:2]
    missing = answers[2]
    assert f"has no text for '{missing['source']}'" in missing["error"]


def test_a_model_of_both_answers_rows_with_one(predict, models, clips):
    lines = (clips / "clips.csv").read_text().splitlines()
    lines[1] = lines[1].replace("so happy", "")
    (clips / "clips.csv").write_text("\n".join(lines))
    argv = ["--text-encoder", models["bert"], "--format", "json"]
    code, out, err = predict(clips / "clips.csv", *argv, model="concat")
    assert code == 0
    given = [answer["modalities"] for answer in json.loads(out)]
    assert given == [["speech"], ["speech", "text"], ["speech", "text"]]


@pytest.mark.parametrize("model", ["text", "exported text"])
def test_a_model_of_texts_gets_no_speech(predict, clips, model):
    lines = (clips / "clips.csv").read_text().splitlines()
    (clips / "clips.csv").write_text(
        "\n".join([*lines, "gone.wav,so sad", "x,"])
    )
    argv = ["--mode", "text", "--format", "json"]
    code, out, err = predict(clips / "clips.csv", *argv, model=model)
    *answers, missing = json.loads(out)
    assert code == 1
    assert [a["modalities"] for a in answers] == [["text"]] * 4
    assert answers[3]["source"] == str(clips / "gone.wav")
    assert missing["error"] == f"there is no text for '{clips / 'x'}'"


def test_a_model_of_speech_gets_no_texts_of_a_manifest(predict, clips):
    for argv in ([], ["--mode", "audio"]):
        code, out, err = predict(clips / "clips.csv", "--format", "json", *argv)
        assert code == 0
        assert {answer["text"] for answer in json.loads(out)} == {None}


@pytest.mark.parametrize("mode", [[], ["--mode", "audio"]])
@pytest.mark.parametrize("option", ["--text", "--texts"])
def test_texts_for_a_model_of_speech(predict, clips, option, mode):
    value = "so sad" if option == "--text" else clips / "clips.csv"
    clip = next(clips.glob("*ANG*"))
    code, out, err = predict(clip, option, value, *mode)
    assert code == 2 and "hears speech and reads no text" in err


def test_a_model_that_needs_what_is_not_given(predict, clips):
    code, out, err = predict("--text", "so sad")
    assert code == 2 and "hears speech: name audio files as INPUT" in err


def test_a_mode_that_the_model_does_not_have(predict, clips):
    for mode in ("text", "concat"):
        code, out, err = predict(clips / "clips.csv", "--mode", mode)
        assert code == 2
        assert f"--mode {mode}: the model '" in err
        assert "reads speech: leave out --mode" in err


def test_the_published_model_of_a_language(run, cache):
    argv = ["predict", "--text", "so sad", "--format", "json"]
    code, out, err = run(*argv, "--language", "es")
    assert code == 0 and list(json.loads(out)[0]["scores"]) == LABELS
    code, out, err = run(*argv, "--language", "en")
    assert code == 2 and "'UMUTeam/roberta-emotion-en'" in err


def test_text_encoders(run, models, cache, clips, monkeypatch):
    argv = ["predict", clips / "clips.csv", "--language", "en"]
    monkeypatch.setattr(
        "speechbrain_emotion.inference.published.TEXT_ENCODERS",
        {"en": str(models["bert"])},
    )
    assert run(*argv)[0] == 0
    code, out, err = run(*argv, "--text-encoder", clips)
    assert code == 2 and str(clips) in err
    hub_id = "UMUTeam/w2v-bert-beto-concat-emotion-en"
    argv[2:] = ["--model", hub_id]
    assert run(*argv, "--text-encoder", models["bert"])[0] == 0
    code, out, err = run(*argv)
    assert code == 2 and f"'{hub_id}' needs the text encoder" in err


@pytest.mark.parametrize("model", ["text", "exported text"])
def test_a_text_encoder_in_vain(predict, models, model):
    argv = ["--text", "so sad", "--text-encoder", models["bert"]]
    code, out, err = predict(*argv, model=model)
    assert code == 2 and "takes none: leave it out" in err
