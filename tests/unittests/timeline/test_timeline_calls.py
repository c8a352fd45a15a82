"""Calls of ``timeline`` that go wrong before a model is loaded."""

import json
import os
import shutil

import pytest

from speechbrain_emotion.commands import loading

pytest_plugins = ["cli_fixtures"]

WINDOWS = ["--segments", "windows", "--window"]
WORDS = [{"text": "Oh!", "start": 0.25, "end": 1.0}]


def ask_nothing(*args, **kwargs):
    pytest.fail("a model was loaded")


@pytest.mark.parametrize(
    "argv, message",
    [
        (["--max-batch-length", "0"], "0.0: a positive number"),
        (["--beam-size", "0"], "--beam-size 0: a number from 1 on"),
        (["--window", "2"], "--window 2: the segments are sentences"),
        ([*WINDOWS, "0"], "--window 0: a number of seconds from 0.02 on"),
        ([*WINDOWS, "-3"], "--window -3: a number of seconds"),
        ([*WINDOWS, "0.01"], "--window 0.01: a number of seconds"),
        ([*WINDOWS, "nan"], "--window nan: a number of seconds"),
        ([*WINDOWS, "inf"], "--window inf: a number of seconds"),
        (["--output", "no/out"], "--output 'no/out': there is no folder"),
        (["--output", "a.flac"], "--output 'a.flac' is an input"),
        (["--plot", "no/a.png"], "--plot 'no/a.png': there is no folder"),
        (["--plot", "a.doc"], "--plot 'a.doc' is no picture"),
        (["--plot", "a.png", "--output", "./a.png"], "are both 'a.png'"),
        (["--transcript", "t.json", "--output", "t.json"], "would be lost"),
        (
            ["--transcript", "gone.json"],
            "there is no file 'gone.json': name a JSON file with a transcript, "
            "or leave --transcript out",
        ),
        (["--transcript", ""], "there is no file ''"),
        (
            ["--transcript", "text.json"],
            "--transcript 'text.json' has no times, which sentences need: give "
            'its "words"',
        ),
        (
            ["--transcript", "text.json", "--segments", "words"],
            "which words need",
        ),
        *(
            (
                ["--transcript", "said.json", "--segments", "windows", *more],
                f"{more[0]}: what is said is given already",
            )
            for more in (
                ["--whisper", "tiny"],
                ["--transcripts", "kept"],
                ["--vad"],
                ["--beam-size", "5"],
            )
        ),
        (["--transcript", "a.flac"], "'a.flac' is no transcript"),
        (["--transcript", "t.json"], "'t.json' is no transcript: a transcript"),
        (
            ["--mode=audio", "--segments=vad", "--transcript=t.json"],
            "mode 'audio' hears speech and reads no text",
        ),
        # argparse's own
        (["b.flac"], "unrecognized arguments: b.flac"),
        (["--segments", "letters"], "invalid choice: 'letters'"),
        (["--format", "srt"], "invalid choice: 'srt'"),
        (["--beam-size", "x"], "invalid int value: 'x'"),
    ],
)
def test_wrong_calls(run, samples, tmp_path, monkeypatch, argv, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "load_model", ask_nothing)
    shutil.copy(next(samples.glob("1001*ANG*")), "a.flac")
    files = {"t.json": '["Oh!"]', "text.json": '{"text": "Oh!"}'}
    files["said.json"] = json.dumps({"words": WORDS})
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    code, out, err = run("timeline", "a.flac", *argv)
    assert (code, out) == (2, "") and message in err
    assert sorted(os.listdir()) == sorted(["a.flac", *files])


def test_no_file(run):
    code, out, err = run("timeline")
    assert code == 2 and "required: FILE" in err


@pytest.mark.parametrize(
    "name, message",
    [
        ("gone.wav", "there is no audio file 'gone.wav'"),
        ("broken.wav", "'broken.wav' cannot be read as audio"),
        ("folder", "'folder' is a folder"),
    ],
)
def test_files_that_cannot_be_read(run, tmp_path, monkeypatch, name, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "load_model", ask_nothing)
    (tmp_path / "broken.wav").write_text("not audio")
    (tmp_path / "folder").mkdir()
    code, out, err = run("timeline", name, "--output", "out")
    assert (code, out) == (1, "") and err.startswith(f"error: {message}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "argv, message",
    [
        (["--text", "so"], "--vad: there is nothing to transcribe"),
        (["a.wav", "--text", "so"], "--vad: what is said is given already"),
        (["a.wav", "--beam-size", "0"], "--beam-size 0: a number from 1 on"),
    ],
)
def test_transcription_in_vain(run, monkeypatch, argv, message):
    monkeypatch.setattr(loading, "load_model", ask_nothing)
    code, out, err = run("predict", *argv, "--vad")
    assert (code, out) == (2, "") and message in err
