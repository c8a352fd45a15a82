"""Calls of the command line that go wrong or are interrupted."""

import itertools
import os
import shutil
import subprocess
import sys

import pytest
from cli_fixtures import FORMATS, parse

from speechbrain_emotion.commands import loading
from speechbrain_emotion.inference.classifier import EmotionClassifier

pytest_plugins = ["cli_fixtures"]


def ask_nothing(*args, **kwargs):
    pytest.fail("a model was loaded")


@pytest.mark.parametrize(
    "argv, message",
    [
        ([], "nothing to read: give INPUT, --text or --texts"),
        (["--text", " "], "--text is empty"),
        (["clips", "--text", "so"], "of one input, but there are 4"),
        (["a.wav", "b.wav", "--text", "so"], "but there are 2"),
        (["a.wav", "--max-batch-length", "0"], "0.0: a positive number"),
        (["a.wav", "--max-batch-length", "nan"], "nan: a positive number"),
        (["--text", "so", "--mode", "mean"], "mode 'mean' hears speech"),
        (["--texts", "gone.csv"], "there is no CSV file 'gone.csv'"),
        (["--texts", "broken.csv"], "has no column 'text' or 'words'"),
        (["a.wav", "--texts", "broken.csv"], "no column 'text' or 'words'"),
        (["a.wav", "--output", "no/out"], "there is no folder 'no'"),
        (["a.wav", "--output", "clips"], "--output 'clips' is a folder"),
        (["clips", "--output", "clips/broken.wav"], "which would be lost"),
        (["a.wav", "--texts", "clips/clips.csv", "--output"], "be lost"),
        # argparse's own
        (["a.wav", "--mode", "smell"], "invalid choice: 'smell'"),
        (["a.wav", "--language", "xx"], "invalid choice: 'xx'"),
        (["a.wav", "--format", "xml"], "invalid choice: 'xml'"),
        (["a.wav", "--max-batch-length", "x"], "invalid float value: 'x'"),
        (["--text", "so", "--texts", "a.csv"], "not allowed with"),
        (["a.wav", "--lang", "en"], "unrecognized arguments: --lang"),
    ],
)
def test_wrong_calls(run, clips, monkeypatch, argv, message):
    monkeypatch.chdir(clips.parent)
    (clips.parent / "broken.csv").write_text("wav,label\na.wav,sad\n")
    monkeypatch.setattr(loading, "load_model", ask_nothing)
    if argv[-1:] == ["--output"]:
        argv = [*argv, "clips/clips.csv"]
    before = (clips / "clips.csv").read_text()
    code, out, err = run("predict", *argv)
    assert (code, out) == (2, "") and message in err
    assert (clips / "clips.csv").read_text() == before


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "toaster"])
def test_a_device_that_is_not_there(predict, clips, monkeypatch, device):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    monkeypatch.setattr(loading, "fetch_folder", ask_nothing)
    code, out, err = predict(clips, "--device", device)
    assert code == 2 and f"device '{device}': torch" in err


@pytest.mark.parametrize("model", ["speech", "text"])
def test_a_device_that_is_there(predict, clips, model):
    argv = [next(clips.glob("*ANG*"))] if model == "speech" else ["--text=so"]
    assert predict(*argv, "--device", "cpu", model=model)[0] == 0


def test_a_model_that_is_not_there(run, clips, tmp_path):
    output = tmp_path / "out"
    output.write_text("precious")
    argv = ["predict", clips, "--output", output, "--model"]
    for name in (tmp_path / "no" / "model", clips / "clips.csv", "no//hub"):
        code, out, err = run(*argv, name)
        assert code == 2 and "neither a model folder nor a hub id" in err
    code, out, err = run(*argv, "no/such-model")
    assert code == 2 and "the hub gave no model of that name" in err
    code, out, err = run(*argv, clips)
    assert code == 2 and "holds no config.json" in err
    assert output.read_text() == "precious"


def test_a_model_that_cannot_be_built(run, clips):
    yaml = "modules: !new:torch.nn.Linear [two]\npretrainer: null"
    (clips / "hyperparams.yaml").write_text(yaml)
    code, out, err = run("predict", clips, "--model", clips)
    assert code == 2
    assert f"'{clips}' cannot be loaded: TypeError" in err
    assert "torch.nn.Linear" in err


def test_a_model_that_runs_code(run, models, clips, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(models["speech"], folder)
    with open(folder / "hyperparams.yaml", "a") as yaml:
        yaml.write("\ncode: !apply:os.getcwd\n")
    code, out, err = run("predict", clips, "--model", folder)
    assert code == 2
    assert "os.getcwd" in err and "(on the command line: --trust)" in err
    clip = next(clips.glob("*ANG*"))
    assert run("predict", clip, "--model", folder, "--trust")[0] == 0


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """Lets Ctrl-C come behind two answers; keeps what is written by then."""
    written = []
    real = EmotionClassifier.predict_each

    def predict_each(self, *args, **kwargs):
        yield from itertools.islice(real(self, *args, **kwargs), 2)
        if output.exists():
            written.append(output.read_text())
        raise KeyboardInterrupt

    output = tmp_path / "out"
    monkeypatch.setattr(EmotionClassifier, "predict_each", predict_each)
    return output, written


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("to_file", [False, True])
def test_ctrl_c(predict, clips, stopped, format, to_file):
    output, written = stopped
    more = ["--output", output] if to_file else []
    first, second, third = sorted(clips.glob("*.flac"))
    inputs = [first, clips / "broken.wav", second, third]
    code, out, err = predict(*inputs, "--format", format, *more)
    assert code == 130
    assert "broken.wav" in err and err.endswith("stopped\n")
    out = output.read_text() if to_file else out
    answers = [source for source, *_ in parse(out, format)]
    expected = [str(first), str(clips / "broken.wav")]
    assert answers == (expected[:1] if format == "table" else expected)
    if to_file:
        assert written == [out if format in ("jsonl", "csv") else ""]


def test_ctrl_c_while_the_model_is_loaded(run, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(loading, "load_model", stop)
    assert run("predict", "a.wav") == (130, "", "stopped\n")


def test_a_reader_that_goes_away():
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "speechbrain_emotion.cli", "models"]
    with os.fdopen(write) as stdout:
        done = subprocess.run(
            command, stdout=stdout, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (1, "")
