"""Calls of the command line that say who speaks, and go wrong."""

import os

import pytest

from speechbrain_emotion.commands import loading
from speechbrain_emotion.inference.classifier import EmotionClassifier

pytest_plugins = ["cli_fixtures"]

CLIP = "1001_DFA_ANG_XX.flac"


def ask_nothing(*args, **kwargs):
    pytest.fail("a model was loaded")


@pytest.mark.parametrize(
    "argv, message",
    [
        (["clips.csv"], "'clips.csv' has no column 'who', only 'wav', 'text'"),
        (["clips"], "'clips' has no columns: name CSV files (.csv) as INPUT"),
        (["clips.csv", "a.wav"], "'clips.csv' has no column 'who'"),
        (["a.wav"], "'a.wav' has no columns"),
        (["gone.csv"], "there is no CSV file 'gone.csv'"),
    ],
)
def test_a_column_that_is_not_there(
    run, clips, precious, monkeypatch, argv, message
):
    monkeypatch.chdir(clips)
    (clips / "clips").mkdir()
    monkeypatch.setattr(loading, "load_model", ask_nothing)
    argv = [*argv, "--speaker-column", "who", "--output", precious]
    code, out, err = run("predict", *argv)
    assert (code, out) == (2, "")
    assert err.startswith("error: --speaker-column 'who': ") and message in err


@pytest.mark.parametrize(
    "argv, message",
    [
        (["--enroll", "a", "--profile", "b"], "not allowed with argument"),
        (["--enroll", "a", "--speaker-column", "b"], "not allowed with"),
        (["--profile", "a", "--speaker-column", "b"], "not allowed with"),
        (["--save-profile", "a"], "--save-profile 'a': nobody is enrolled"),
        (["--profile", "a", "--save-profile", "b"], "nobody is enrolled"),
        (["--enroll", ".", "--save-profile", "no/a"], "there is no folder"),
        (["--enroll", ".", "--save-profile", "new"], "'new' is a folder"),
        (["--enroll", ".", "--save-profile", "pipe"], "no ordinary file"),
        (["--enroll", ".", "--save-profile", "broken.wav"], "would be lost"),
        (["--enroll", "clips.csv", "--save-profile", "clips.csv"], "be lost"),
        (["--enroll", "*.flac", "--output", CLIP], "would be lost"),
        (["--profile", "a", "--output", "a"], "which would be lost"),
        (
            ["--enroll", ".", "--save-profile", "a", "--output", "./a"],
            "--output and --save-profile are both './a'",
        ),
        (["--enroll", ".", "--mode", "text"], "--enroll: mode 'text' does not"),
        (["--profile", "a", "--mode", "text"], "--profile: mode 'text' does"),
    ],
)
def test_wrong_calls(run, clips, monkeypatch, argv, message):
    monkeypatch.chdir(clips)
    (clips / "new").mkdir()
    os.mkfifo(clips / "pipe")
    monkeypatch.setattr(loading, "load_model", ask_nothing)
    before = {path.name: path.stat().st_mtime_ns for path in clips.iterdir()}
    code, out, err = run("predict", "broken.wav", *argv)
    assert (code, out) == (2, "") and message in err
    after = {path.name: path.stat().st_mtime_ns for path in clips.iterdir()}
    assert after == before


def test_texts_have_no_speaker(run, clips):
    for texts in (["--text", "so"], ["--texts", clips / "clips.csv"]):
        code, out, err = run("predict", *texts, "--profile", "a")
        assert code == 2 and "--profile: mode 'text' does not hear" in err


@pytest.fixture
def hears_nothing(monkeypatch):
    """Fails where audio is read."""
    for name in ("load_audio", "predict_each", "encode_speech"):
        monkeypatch.setattr(EmotionClassifier, name, ask_nothing)


@pytest.mark.parametrize(
    "option", ["--enroll", "--profile", "--speaker-column"]
)
def test_a_model_that_takes_no_profiles(
    predict, models, clips, precious, monkeypatch, hears_nothing, option
):
    real = loading.load_model

    def load_model(*args):
        classifier = real(*args)
        classifier.mods.model.speaker_normalization = None
        return classifier

    monkeypatch.setattr(loading, "load_model", load_model)
    value = "wav" if option == "--speaker-column" else clips
    argv = [clips / "clips.csv", option, value, "--output", precious]
    code, out, err = predict(*argv)
    assert (code, out) == (2, "") and err.startswith(
        f"error: {option}: the model '{models['speech']}' was not trained "
        "with speaker profiles"
    )
    code, out, err = predict(*argv, model="exported text")
    assert code == 2 and f"{option}: the model '" in err
    assert "' does not hear, and speaker profiles are of voices" in err
