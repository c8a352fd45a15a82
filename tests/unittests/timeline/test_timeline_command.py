"""The command ``timeline``, and transcription in ``predict``."""

import csv
import io
import json
import os
import sys

import pytest
import soundfile
import torch
from cli_fixtures import parse
from timeline_readers import read_textgrid, read_vtt

from speechbrain_emotion.commands import loading
from speechbrain_emotion.commands.timeline_formats import FORMATS
from speechbrain_emotion.dataio.transcript import Transcript
from speechbrain_emotion.dataio.words import Word

pytest_plugins = ["cli_fixtures"]

WORDS = [Word("So", 0.4, 0.6), Word("happy.", 0.6, 1.0), Word("Oh!", 1.2, 1.5)]


class Whisper:
    """Hears the same in everything; keeps what it was asked."""

    made = []

    def __init__(self, model, **options):
        self.options = {"model": model, **options}
        self.heard = []
        self.made.append(self)

    def transcribe(self, blocks, name="", progress=False):
        self.heard.append(os.path.basename(name.strip("'")))
        return Transcript("So happy. Oh!", WORDS, "en")


@pytest.fixture
def made(monkeypatch):
    """The transcribers that are made."""
    monkeypatch.setattr(loading, "WhisperTranscriber", Whisper)
    monkeypatch.setattr(Whisper, "made", [])
    return Whisper.made


@pytest.fixture
def clip(samples):
    return next(samples.glob("1001*ANG*"))


@pytest.fixture
def both(models):
    """The options of a tiny model of speech and text."""
    return ["--model", models["concat"], "--text-encoder", models["bert"]]


@pytest.fixture
def transcript(tmp_path):
    """A transcript of the clip, given by the user."""
    path = tmp_path / "said.json"
    words = [{"text": "Never!", "start": 0.25, "end": 1.0}]
    path.write_text(json.dumps({"words": words}))
    return path


def ask(run, *argv):
    """Asks for JSON; gives the answer."""
    code, out, err = run("timeline", *argv, "--format", "json")
    assert code == 0, err
    return json.loads(out)


@pytest.mark.parametrize(
    "argv, spans, texts",
    [
        ([], [(0.4, 1.0), (1.2, 1.5)], ["So happy.", "Oh!"]),
        (
            ["--segments", "words"],
            [(0.4, 0.6), (0.6, 1.0), (1.2, 1.5)],
            ["So", "happy.", "Oh!"],
        ),
    ],
)
def test_what_is_transcribed(run, made, both, clip, argv, spans, texts):
    answer = ask(run, clip, *both, *argv)
    assert [(s["start"], s["end"]) for s in answer["segments"]] == spans
    assert [s["text"] for s in answer["segments"]] == texts
    assert answer["modalities"] == ["speech", "text"]
    assert answer["transcribed"] and answer["text"] == "So happy. Oh!"
    assert [whisper.heard for whisper in made] == [[clip.name]]


def test_windows_need_no_transcript(run, made, embedded, clip):
    answer = ask(run, clip, "--segments", "windows", "--window", 1)
    assert [s["start"] for s in answer["segments"]] == [0, 1, 2]
    assert answer["modalities"] == ["speech"] and not made


def test_default_modes(run, made, embedded, clip, transcript):
    argv = ["timeline", clip, "--segments"]
    for more in (["words"], ["sentences"], ["windows", "--whisper", "tiny"]):
        code, out, err = run(*argv, *more)
        assert code == 2 and "mode 'concat': there is no such model" in err
    code, out, err = run(*argv, "windows", "--transcript", transcript)
    assert code == 2 and "mode 'concat': there is no such model" in err
    assert run(*argv, "windows")[0] == 0
    # A model that only hears answers for words, too.
    answer = ask(run, clip, "--mode", "audio", "--segments", "words")
    assert len(answer["segments"]) == 3 and answer["modalities"] == ["speech"]
    answer = ask(run, clip, "--mode", "text")
    assert len(answer["segments"]) == 2 and answer["modalities"] == ["text"]


def test_a_transcript_that_is_given(run, made, both, clip, transcript):
    answer = ask(run, clip, *both, "--transcript", transcript)
    assert answer["text"] == "Never!" and not answer["transcribed"]
    assert [s["text"] for s in answer["segments"]] == ["Never!"]
    assert not made


def test_a_transcript_for_times(run, models, clip, transcript):
    argv = ["--model", models["speech"], "--transcript", transcript]
    answer = ask(run, clip, *argv, "--segments", "words")
    assert answer["modalities"] == ["speech"]
    assert [s["text"] for s in answer["segments"]] == ["Never!"]
    for more in ([], ["--mode", "audio"]):
        code, out, err = run(
            "timeline", clip, *argv, *more, "--segments", "vad"
        )
        assert code == 2 and "reads no text: leave out --transcript" in err


def test_options_of_transcription(run, made, models, both, clip):
    ask(run, clip, *both)
    ask(run, clip, *both, "--language", "es", "--device", "cpu")
    options = ["--vad", "--beam-size", 5, "--transcripts", "kept"]
    ask(run, clip, *both, "--whisper", "tiny", *options)
    default, spanish, tuned = (whisper.options for whisper in made)
    assert default == {
        "model": "base",
        "language": None,
        "device": None,
        "vad": False,
        "beam_size": None,
        "cache_folder": None,
    }
    assert spanish == {**default, "language": "es", "device": "cpu"}
    assert tuned == {
        **default,
        "model": "tiny",
        "vad": True,
        "beam_size": 5,
        "cache_folder": "kept",
    }


def test_the_language_of_the_model(run, made, clip):
    answer = ask(run, clip, "--segments", "words")
    assert made[0].options["language"] == "en"
    assert len(answer["segments"]) == 3


@pytest.mark.parametrize("format", FORMATS)
def test_formats(run, made, both, clip, tmp_path, format):
    output = tmp_path / "out"
    argv = ["timeline", clip, *both, "--format", format]
    code, printed, err = run(*argv)
    assert code == 0
    assert run(*argv, "--output", output)[:2] == (0, "")
    assert output.read_bytes().decode() == printed
    if format == "textgrid":
        tiers = read_textgrid(printed)
        assert list(tiers) == ["emotion", "words", "text"]
        header = soundfile.info(clip)
        seconds = header.frames / header.samplerate
        assert tiers["words"][-1][1] == pytest.approx(seconds, abs=1e-6)
    elif format == "vtt":
        assert [cue[:2] for cue in read_vtt(printed)] == [(0.4, 1), (1.2, 1.5)]
    elif format == "csv":
        rows = list(csv.DictReader(io.StringIO(printed)))
        assert [row["text"] for row in rows] == ["So happy.", "Oh!"]


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_a_picture(run, made, both, clip, tmp_path, suffix):
    picture = tmp_path / f"out.{suffix}"
    assert run("timeline", clip, *both, "--plot", picture)[0] == 0
    assert picture.read_bytes()[:4] in (b"\x89PNG", b"%PDF")


def test_progress_is_shown_on_terminals(run, embedded, clip, monkeypatch):
    argv = ["timeline", clip, "--segments", "windows"]
    asked = []
    real = loading.EmotionClassifier.predict

    def predict(self, *args, progress, **kwargs):
        asked.append(progress)
        return real(self, *args, **kwargs)

    monkeypatch.setattr(loading.EmotionClassifier, "predict", predict)
    run(*argv)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run(*argv)
    assert asked == [False, True]


def test_files_that_cannot_be_used(run, made, both, tmp_path, transcript):
    output = tmp_path / "out"
    argv = [*both, "--output", output]
    soundfile.write(tmp_path / "silent.wav", torch.zeros(32000), 16000)
    code, out, err = run("timeline", tmp_path / "silent.wav", *argv)
    assert code == 1 and "silent.wav' is silent" in err
    soundfile.write(tmp_path / "short.wav", 0.1 * torch.rand(8000), 16000)
    argv += ["--transcript", transcript]
    code, out, err = run("timeline", tmp_path / "short.wav", *argv)
    assert code == 1 and "short.wav' lasts 0.5 s" in err
    assert not output.exists()


def test_a_text_without_times(run, both, clip, tmp_path):
    path = tmp_path / "said.json"
    path.write_text('{"text": "So happy."}')
    argv = ["timeline", clip, *both, "--transcript", path]
    assert run(*argv, "--segments", "windows")[0] == 0
    # Nobody says a word.
    path.write_text('{"text": ""}')
    assert run(*argv)[0] == 0


def test_models_that_are_not_there(run, made, clip, models, monkeypatch):
    code, out, err = run("timeline", clip, "--model", "no//hub")
    assert code == 2 and "neither a model folder nor a hub id" in err
    argv = ["timeline", clip, "--model", models["speech"]]
    code, out, err = run(*argv, "--mode", "text")
    assert code == 2 and "reads speech: leave out --mode" in err

    def missing(*args, **kwargs):
        raise ModuleNotFoundError("this needs the package 'whisper'")

    monkeypatch.setattr(loading, "WhisperTranscriber", missing)
    code, out, err = run(*argv)
    assert (code, err) == (2, "error: this needs the package 'whisper'\n")


def test_ctrl_c(run, made, both, clip, monkeypatch, tmp_path):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Whisper, "transcribe", stop)
    output = tmp_path / "out"
    code, out, err = run("timeline", clip, *both, "--output", output)
    assert (code, out) == (130, "") and err.endswith("stopped\n")
    assert not output.exists()


def test_predict_transcribes_what_has_no_texts(run, made, both, clips):
    argv = ["predict", clips, *both, "--mode", "concat", "--format", "json"]
    code, out, err = run(*argv)
    *answers, broken = json.loads(out)
    assert code == 1 and "cannot be read as audio" in broken["error"]
    assert {a["text"] for a in answers} == {"So happy. Oh!"}
    assert all(a["transcribed"] for a in answers)
    assert all(a["modalities"] == ["speech", "text"] for a in answers)
    assert made[0].options["model"] == "base"
    names = sorted(path.name for path in clips.glob("*.flac"))
    assert sorted(made[0].heard) == names


def test_predict_leaves_rows_without_text_to_speech(run, made, both, clips):
    lines = (clips / "clips.csv").read_text().splitlines()
    lines[1] = lines[1].replace("so happy", "")
    (clips / "clips.csv").write_text("\n".join(lines))
    argv = ["predict", clips / "clips.csv", *both, "--format", "json"]
    code, out, err = run(*argv)
    assert code == 0 and not made
    assert json.loads(out)[0]["modalities"] == ["speech"]
    # If transcription is asked for, it is done where it is needed.
    code, out, err = run(*argv, "--vad")
    answers = json.loads(out)
    assert [a["transcribed"] for a in answers] == [True, False, False]
    texts = [a["text"] for a in answers]
    assert texts == ["So happy. Oh!", "so happy", "so happy"]
    assert len(made[0].heard) == 1


@pytest.mark.parametrize("mode", [[], ["--mode", "text"]])
def test_predict_transcribes_for_a_model_that_reads(predict, made, clips, mode):
    clip = next(clips.glob("*ANG*"))
    code, out, err = predict(
        clip, *mode, "--format", "csv", model="exported text"
    )
    assert code == 0 and err == ""
    ((source, label, none),) = parse(out, "csv")
    assert source == str(clip) and ",So happy. Oh!," in out
    assert len(made[0].heard) == 1
    # Of a manifest with texts only these are read.
    manifest = clips / "clips.csv"
    manifest.write_text(manifest.read_text() + f"{clip.name},\n")
    argv = [manifest, *mode, "--format", "json"]
    code, out, err = predict(*argv, model="exported text")
    answers = json.loads(out)
    assert code == 1 and len(made) == 1
    assert answers[-1]["error"] == f"there is no text for '{clip}'"
    code, out, err = predict(*argv, "--beam-size", 2, model="exported text")
    *read, heard = json.loads(out)
    assert code == 0 and made[1].heard == [clip.name]
    assert heard["transcribed"] and not any(a["transcribed"] for a in read)


def test_predict_shows_what_is_said_beside_speech(predict, made, clips):
    clip = next(clips.glob("*ANG*"))
    argv = [clip, "--whisper", "tiny", "--format", "json"]
    (answer,) = json.loads(predict(*argv)[1])
    assert answer["modalities"] == ["speech"]
    assert answer["text"] == "So happy. Oh!" and answer["transcribed"]


def test_the_default_mode_where_transcription_is_asked(run, embedded, clips):
    code, out, err = run("predict", clips, "--vad")
    assert code == 2 and "mode 'concat': there is no such model" in err
