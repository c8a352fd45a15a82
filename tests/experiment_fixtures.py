"""What the tests of experiments share: a quick recipe, the call."""

import pathlib

import pytest

from speechbrain_emotion import cli

# What a recipe does to its output folder, without a training.
SCRIPT = """
import json, pathlib, signal, sys, time
from hyperpyyaml import resolve_references
from ruamel.yaml import YAML

overrides = [text[2:].split("=", 1) for text in sys.argv[2:]]
overrides = "\\n".join(": ".join(pair) for pair in overrides if len(pair) == 2)
with open(sys.argv[1]) as fin:
    resolved = resolve_references(fin, overrides).getvalue()
hparams = YAML().load(resolved)
folder = pathlib.Path(hparams["output_folder"])
folder.mkdir(parents=True, exist_ok=True)
saved = "# Generated 2020-01-01 from:\\n# a file\\n# yamllint disable\\n"
(folder / "hyperparams.yaml").write_text(saved + resolved)
seed, fold = hparams["seed"], hparams["test_fold"]
with open(folder / "starts", "a") as fout:
    print(*sys.argv[1:], file=fout)
print("training", seed)
if seed == hparams["broken"]:
    print("\\rprogress  1 %\\rprogress 50 %\\n", file=sys.stderr)
    raise RuntimeError("no such corpus")
checkpoint = folder / "checkpoint"
if seed == hparams["slow"] and not checkpoint.exists():
    try:
        if hparams["deaf"]:
            signal.signal(signal.SIGINT, lambda *args: None)
        checkpoint.touch()
        while True:
            time.sleep(0.02)
    except KeyboardInterrupt:
        (folder / "interrupted").touch()
        raise SystemExit(130)
figures = {
    "uar": seed / 10 + fold / 100, "accuracy": 0.5, "macro_f1": fold / 100
}
(folder / "report.json").write_text(json.dumps({"all": figures}))
if seed != hparams["forgetful"]:
    (folder / "predictions.csv").write_text("id\\n")
"""

YAML_FILE = """
seed: 1
__set_seed: !apply:os.abort []
test_fold: 1
lr: 0.1 # how fast
broken: 0
slow: 0
deaf: False
forgetful: 0
precision: fp32
num_workers: 0
data_folder: !PLACEHOLDER
root: results
output_folder: !ref <root>/fold_<test_fold>/<seed>
model: !new:no.such.Class
    lr: !ref <lr>
"""


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """A folder with a quick recipe, in which the command line runs."""
    folder = tmp_path / "recipe"
    (folder / "hparams").mkdir(parents=True)
    (folder / "train.py").write_text(SCRIPT)
    (folder / "hparams" / "train.yaml").write_text(YAML_FILE)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def experiment(recipe, capsys):
    """Runs an experiment; gives exit code, output and errors."""

    def experiment(*argv):
        argv = ["recipe/train.py", "hparams/train.yaml", *argv]
        try:
            code = cli.main(["experiment", *argv, "--data_folder=clips"])
        except SystemExit as stop:  # argparse
            code = stop.code
        return code, *capsys.readouterr()

    return experiment


def starts(folder):
    """How often a run was started."""
    return len((pathlib.Path(folder) / "starts").read_text().splitlines())


def table(text):
    return [line.split() for line in text.splitlines()]
