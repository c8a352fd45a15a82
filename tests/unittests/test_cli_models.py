"""The command line's list of models, and what it may import."""

import json
import re
import subprocess
import sys

import pytest

from speechbrain_emotion.inference import known
from speechbrain_emotion.inference.published import published_ids
from speechbrain_emotion.lobes.published import MODES

pytest_plugins = ["cli_fixtures"]


def test_models(run, embedded, cache):
    repo = cache / "models--UMUTeam--w2v-bert-beto-concat-emotion-en"
    snapshot = repo / "snapshots" / ("0" * 40)
    (snapshot / "model.safetensors").unlink()
    (repo / "blobs" / "model.safetensors").unlink()
    code, out, err = run("models", "--format", "json")
    models = json.loads(out)
    assert code == 0 and len(models) == 15
    on_disk = [(m["language"], m["mode"]) for m in models if m["on_disk"]]
    assert on_disk == [(None, "audio"), ("es", "text")]
    published = {m["model"]: m for m in models if m["home"] == "hub"}
    blobs = cache / "models--UMUTeam--MarIA-emotion-es" / "blobs"
    size = sum(file.stat().st_size for file in blobs.iterdir())
    assert published["UMUTeam/MarIA-emotion-es"]["size"] == size
    # Only its config was downloaded.
    incomplete = published["UMUTeam/w2v-bert-beto-concat-emotion-en"]
    assert not incomplete["on_disk"] and 0 < incomplete["size"] < 10_000
    code, out, err = run("models")
    rows = [re.split("  +", line) for line in out.splitlines()[1:]]
    assert [row[3] for row in rows] == [m["model"] for m in models]
    assert ["hub", "text", "es", "UMUTeam/MarIA-emotion-es", "yes"] in [
        row[:5] for row in rows
    ]


def test_models_without_a_cache(run, tmp_path, monkeypatch):
    gone = str(tmp_path / "gone")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", gone)
    code, out, err = run("models", "--format", "json")
    hub = [m for m in json.loads(out) if m["home"] == "hub"]
    assert code == 0 and len(hub) == 12
    assert not any(m["on_disk"] or m["size"] for m in hub)


def test_known_models_are_those_of_the_interface():
    assert known.PUBLISHED == published_ids()
    assert known.MODES == MODES
    assert set(known.EMBEDDED_MODES) <= set(MODES)


@pytest.mark.parametrize(
    "argv",
    [["--help"], ["predict", "--help"], ["timeline", "--help"], ["models"]],
)
def test_no_torch_is_loaded(argv):
    script = (
        "import sys, speechbrain_emotion, speechbrain_emotion.cli as cli\n"
        "try:\n"
        f"    cli.main({argv})\n"
        "except SystemExit:\n"
        "    pass\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
