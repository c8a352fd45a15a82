"""The command line: answers, errors and exit codes."""

import json
import subprocess
import sys

import pytest

from speechbrain_emotion import cli


@pytest.fixture
def predict(tiny_folder, capsys):
    def run(*files, model=tiny_folder, **options):
        argv = ["predict", "--model", str(model), *map(str, files)]
        for name, value in options.items():
            argv += [f"--{name}", str(value)]
        code = cli.main(argv)
        return code, *capsys.readouterr()

    return run


def test_table(predict, samples):
    clips = sorted(samples.glob("*.flac"))[:3]
    code, out, err = predict(*clips)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split()[:4] == ["file", "predicted", "probability", "angry"]
    assert [line.split()[0] for line in lines[1:]] == [str(c) for c in clips]


def test_bad_files_are_reported_and_the_rest_is_answered(
    predict, samples, tmp_path
):
    (tmp_path / "text.wav").write_text("not audio")
    clip = samples / "1001_DFA_ANG_XX.flac"
    code, out, err = predict(
        tmp_path / "gone.wav", clip, tmp_path / "text.wav", tmp_path
    )
    assert code == 1
    assert str(clip) in out and "gone.wav" not in out
    assert "error: there is no audio file" in err
    assert "text.wav' cannot be read as audio" in err
    assert "is a folder" in err


def test_json(predict, samples, tmp_path):
    code, out, err = predict(
        samples / "1001_DFA_ANG_XX.flac", tmp_path / "gone.wav", format="json"
    )
    good, bad = json.loads(out)
    assert sum(good["scores"].values()) == pytest.approx(1, abs=1e-5)
    assert good["error"] is None
    assert bad["label"] is None and "gone.wav" in bad["error"]


def test_only_bad_files(predict, tmp_path):
    code, out, err = predict(tmp_path / "gone.wav")
    assert (code, out) == (1, "") and "gone.wav" in err


def test_a_model_that_is_not_there(predict, samples, tmp_path):
    code, out, err = predict(
        samples / "1001_DFA_ANG_XX.flac", model=tmp_path / "no" / "model"
    )
    assert code == 2 and "neither a model folder nor a hub id" in err


def test_help_and_import_load_no_torch():
    script = (
        "import sys, speechbrain_emotion, speechbrain_emotion.cli as cli\n"
        "try:\n"
        "    cli.main(['--help'])\n"
        "except SystemExit:\n"
        "    pass\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
