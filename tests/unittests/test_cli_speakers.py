"""The command line: answers that are adapted to the speaker."""

import csv
import errno
import io
import json
import logging
import os
import pathlib
import shutil
import sys

import pytest
import torch
from cli_fixtures import FORMATS
from safetensors.torch import save_file

from speechbrain_emotion.inference.classifier import EmotionClassifier
from speechbrain_emotion.inference.speaker_profile import SpeakerProfile

pytest_plugins = ["cli_fixtures"]


@pytest.fixture
def classifier(models, load_adaptable):
    """The model that the calls load."""
    return load_adaptable("audio", models["speech"])


@pytest.fixture
def adapted(predict, load_adaptable):
    """Runs ``predict``; gives the answers, if all were answered."""

    def adapted(*argv):
        code, out, err = predict(*argv, "--format", "json")
        assert code == 0, err
        return json.loads(out)

    return adapted


def show_warnings(monkeypatch):
    """Shows them where users see them: pytest's handlers keep them."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])


@pytest.fixture
def manifest(samples, tmp_path):
    """Writes a manifest in a folder with all clips: name, speaker."""
    folder = tmp_path / "manifests"
    shutil.copytree(samples, folder)
    (folder / "broken.wav").write_text("not audio")

    def manifest(rows, name="clips.csv"):
        with open(folder / name, "w", newline="") as file:
            csv.writer(file).writerows([("wav", "who"), *rows])
        return folder / name

    return manifest


ANA = [f"1001_DFA_{emotion}_XX.flac" for emotion in ("ANG", "HAP", "SAD")]
BEN = [name.replace("1001", "1002") for name in ANA]


def as_json(predictions):
    return [json.loads(json.dumps(p.to_dict())) for p in predictions]


@pytest.mark.parametrize("kind", ["folder", "file", "pattern", "manifest"])
def test_enroll(adapted, classifier, clips, samples, kind):
    files = sorted(clips.glob("*.flac"))
    (clips / "broken.wav").unlink()
    files = files[:1] if kind == "file" else files
    given = {
        "folder": clips,
        "file": files[0],
        "pattern": clips / "*.flac",
        "manifest": clips / "clips.csv",
    }[kind]
    inputs = [str(samples / name) for name in BEN]
    answers = adapted(*inputs, "--enroll", given)
    profile = classifier.enroll(files)
    assert answers == as_json(classifier.predict(inputs, profiles=profile))
    assert {answer["enrolled"] for answer in answers} == {len(files)}
    plain = adapted(*inputs)
    assert {answer["enrolled"] for answer in plain} == {0}
    assert all(a["scores"] != b["scores"] for a, b in zip(answers, plain))


def test_a_profile_is_kept_and_used(adapted, clips, samples, tmp_path):
    path = tmp_path / "ana.safetensors"
    enroll = ["--enroll", clips / "*.flac", "--save-profile", path]
    answers = adapted(samples / BEN[0], *enroll)
    assert SpeakerProfile.load(path).n_utterances == 3
    assert answers == adapted(samples / BEN[0], "--profile", path)
    assert adapted(samples / BEN[0], *enroll) == answers  # overwritten


def test_what_cannot_be_enrolled_is_left_out(
    predict, load_adaptable, clips, monkeypatch
):
    show_warnings(monkeypatch)
    clip = next(clips.glob("*ANG*"))
    code, out, err = predict(clip, "--enroll", clips, "--format", "json")
    assert code == 0 and json.loads(out)[0]["enrolled"] == 3
    (line,) = err.splitlines()
    assert line.startswith("left out of the speaker profile: ")
    assert "broken.wav' cannot be read as audio" in line
    manifest = clips / "clips.csv"
    manifest.write_text(manifest.read_text() + ",nothing\ngone.wav,so\n")
    code, out, err = predict(clip, "--enroll", manifest, "--format", "json")
    assert code == 0 and json.loads(out)[0]["enrolled"] == 3
    none, gone = err.splitlines()
    assert f"line 5 of '{manifest}' names no audio file" in none
    assert "gone.wav" in gone


@pytest.mark.parametrize(
    "clips_of_speaker, message",
    [
        ("empty", "'empty' is a folder without audio files"),
        ("gone", "there is no file or folder 'gone'"),
        ("", "there is no file or folder ''"),
        ("empty/*.wav", "no file matches the pattern 'empty/*.wav'"),
        ("clips/broken.wav", "broken.wav' cannot be read as audio"),
        ("precious.csv", "'precious.csv' has no column 'wav' or 'path'"),
    ],
)
def test_nothing_to_enroll(
    predict,
    load_adaptable,
    clips,
    precious,
    monkeypatch,
    clips_of_speaker,
    message,
):
    monkeypatch.chdir(clips.parent)
    (clips.parent / "empty").mkdir()
    (clips.parent / "precious.csv").write_text("a,b\n1,2\n")
    argv = ["--enroll", clips_of_speaker, "--output", precious]
    code, out, err = predict(clips, *argv)
    assert (code, out) == (2, "") and message in err
    assert err.startswith("error: --enroll") and err.count("\n") == 1


def bad_profile(kind, path, profile):
    """Writes what cannot be used; gives the message that says so."""
    if kind == "corrupt":
        profile.save(path)
        path.write_bytes(path.read_bytes()[:-4])
        return "is damaged"
    if kind == "other file":
        save_file({"mean": torch.zeros(8)}, path)
        return "is no speaker profile"
    if kind == "size":
        SpeakerProfile(torch.zeros(5), 3, profile.model).save(path)
        return "5 dimensions"
    if kind == "model":
        SpeakerProfile(profile.mean, 3, "another").save(path)
        return "was made by another model (another"
    return "there is no speaker profile"


@pytest.mark.parametrize(
    "kind", ["corrupt", "other file", "size", "model", "gone"]
)
def test_bad_profiles(predict, classifier, clips, precious, tmp_path, kind):
    clip = next(clips.glob("*ANG*"))
    path = tmp_path / "ana.safetensors"
    message = bad_profile(kind, path, classifier.enroll([clip]))
    code, out, err = predict(clip, "--profile", path, "--output", precious)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: --profile '{path}': ") and message in err


def test_speaker_column(adapted, predict, classifier, samples, manifest):
    names = [*ANA, *BEN]
    speakers = ["ana", " ana ", "ana", "ben", "", " "]
    path = manifest(zip(names, speakers))
    files = [str(path.parent / name) for name in names]
    answers = adapted(path, "--speaker-column", "who")
    ana, ben = classifier.enroll(files[:3]), classifier.enroll(files[3:4])
    profiles = [ana, ana, ana, ben, None, None]
    expected = classifier.predict(files, profiles=profiles)
    assert answers == as_json(expected)
    assert [answer["enrolled"] for answer in answers] == [3, 3, 3, 1, 0, 0]
    # To the last bit, whoever else is in the batch.
    plain = adapted(path)
    assert answers[4:] == plain[4:]
    assert all(a["scores"] != b["scores"] for a, b in zip(answers, plain[:4]))


def test_a_column_that_names_nobody(adapted, manifest):
    path = manifest((name, "") for name in ANA)
    assert adapted(path, "--speaker-column", "who") == adapted(path)


def test_clips_that_cannot_be_used(
    predict, load_adaptable, manifest, monkeypatch
):
    show_warnings(monkeypatch)
    rows = [("broken.wav", "ana"), (ANA[0], "ana"), (ANA[1], "ana")]
    rows += [("broken.wav", "ben"), ("gone.wav", "ben"), ("", "ana")]
    path = manifest(rows)
    code, out, err = predict(
        path, "--speaker-column", "who", "--format", "jsonl"
    )
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [answer["enrolled"] for answer in answers] == [0, 2, 2, 0, 0, 0]
    assert [answer["error"] is None for answer in answers] == [
        *[False, True, True],
        *[False] * 3,
    ]
    # Each once, as without the option.
    assert err == predict(path, "--format", "jsonl")[2]
    assert len(err.splitlines()) == 4


def test_a_speaker_of_two_manifests(adapted, manifest):
    first = manifest([(ANA[0], "ana"), (BEN[0], "ben")], "first.csv")
    second = manifest([(ANA[1], "ana"), (ANA[0], "ana")], "second.csv")
    answers = adapted(first, second, "--speaker-column", "who")
    # A clip that is named twice counts once.
    assert [answer["enrolled"] for answer in answers] == [2, 1, 2, 2]


def test_a_clip_is_enrolled_once(adapted, clips, samples):
    manifest = clips / "clips.csv"
    name = next(clips.glob("*ANG*")).name
    manifest.write_text(f"wav\n{name}\n../clips/{name}\n")
    (answer,) = adapted(samples / BEN[0], "--enroll", manifest)
    assert answer["enrolled"] == 1


def test_a_model_of_both_adapts_what_it_hears(run, samples, tmp_path):
    path = tmp_path / "clips.csv"
    rows = [(samples / ANA[0], "so", "ana"), (samples / ANA[1], "", "ana")]
    rows += [(samples / BEN[0], "so", ""), (samples / BEN[1], "", "ben")]
    lines = ["wav,text,who", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines))
    argv = ["predict", path, "--mode", "concat", "--format", "json"]
    plain, adapted = (
        json.loads(run(*argv, *option)[1])
        for option in ([], ["--speaker-column", "who"])
    )
    assert [answer["enrolled"] for answer in adapted] == [2, 2, 0, 1]
    assert adapted[2] == plain[2]
    for i in (0, 1, 3):
        assert adapted[i]["modalities"] == plain[i]["modalities"]
        assert adapted[i]["scores"] != plain[i]["scores"]
    assert {tuple(a["modalities"]) for a in adapted} == {
        ("speech",),
        ("speech", "text"),
    }


@pytest.mark.parametrize("format", FORMATS)
def test_formats(predict, load_adaptable, manifest, format):
    path = manifest([(ANA[0], "ana"), (ANA[1], "ana"), (BEN[0], "")])
    argv = [path, "--speaker-column", "who", "--format", format]
    code, out, err = predict(*argv)
    if format == "csv":
        rows = list(csv.DictReader(io.StringIO(out)))
        assert list(rows[0])[-2:] == ["enrolled", "error"]
    elif format == "json":
        rows = json.loads(out)
    elif format == "jsonl":
        rows = [json.loads(line) for line in out.splitlines()]
    else:
        header, *lines = [line.split() for line in out.splitlines()]
        rows = [dict(zip(header, line, strict=True)) for line in lines]
    assert [str(row["enrolled"]) for row in rows] == ["2", "2", "0"]


def test_a_table_without_speakers(predict, load_adaptable, samples):
    assert "enrolled" not in predict(samples / ANA[0])[1]


def test_progress_is_shown_on_terminals(
    predict, load_adaptable, manifest, monkeypatch
):
    path = manifest([(ANA[0], "ana"), (BEN[0], "ben"), (BEN[1], "")])
    column = [path, "--speaker-column", "who"]
    assert "enrolment" not in predict(*column)[2]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    err = predict(*column)[2]
    assert "enrolment: 100%" in err and "2/2" in err and "3/3" in err
    err = predict(path, "--enroll", path.parent / ANA[0])[2]
    assert "enrolment: 100%" in err and "1/1" in err


@pytest.mark.parametrize("option", ["--enroll", "--speaker-column"])
def test_ctrl_c(
    predict, load_adaptable, manifest, precious, monkeypatch, option
):
    path = manifest((name, "ana") for name in ANA)
    real = EmotionClassifier.encode_speech

    def encode_speech(self, audio):
        if os.path.basename(audio) == ANA[1]:
            raise KeyboardInterrupt
        return real(self, audio)

    monkeypatch.setattr(EmotionClassifier, "encode_speech", encode_speech)
    argv = [path, option, "who" if option == "--speaker-column" else path]
    argv += ["--output", precious]
    if option == "--enroll":
        argv += ["--save-profile", path.parent / "profile"]
    assert predict(*argv) == (130, "", "stopped\n")
    assert not (path.parent / "profile").exists()


def test_a_profile_that_cannot_be_written(
    predict, load_adaptable, clips, precious, monkeypatch
):
    def refuse(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(pathlib.Path, "write_bytes", refuse)
    clip = next(clips.glob("*ANG*"))
    argv = ["--enroll", clip, "--save-profile", clips / "profile"]
    code, out, err = predict(clip, *argv, "--output", precious)
    assert (code, out) == (2, "")
    assert err.startswith("error:") and "No space left on device" in err
    assert not (clips / "profile").exists()


def test_the_model_in_the_package(run, load_adaptable, samples, manifest):
    path = manifest([*((n, "ana") for n in ANA), (BEN[0], "")])
    argv = ["predict", path, "--format", "json"]
    adapted = json.loads(run(*argv, "--speaker-column", "who")[1])
    plain = json.loads(run(*argv)[1])
    assert [answer["enrolled"] for answer in adapted] == [3, 3, 3, 0]
    assert adapted[3] == plain[3] and adapted[0] != plain[0]
