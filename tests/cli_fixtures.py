"""What the tests of the command line share: tiny models, clips, the call."""

import csv
import io
import json
import shutil

import pytest
import torch
from tiny_models import (
    write_bert,
    write_cached,
    write_concat_model,
    write_exported_text_model,
    write_text_model,
)

from speechbrain_emotion import cli
from speechbrain_emotion.commands import loading
from speechbrain_emotion.inference import known
from speechbrain_emotion.nnet.speaker import SpeakerNormalization


@pytest.fixture(scope="session")
def models(tiny_folder, tmp_path_factory):
    """Tiny models of each mode and layout, by name."""
    root = tmp_path_factory.mktemp("models")
    text = write_text_model(root / "text")
    return {
        "speech": tiny_folder,
        "text": text,
        "exported text": write_exported_text_model(root / "exported", text),
        "bert": write_bert(root / "bert", 768),
        "concat": write_concat_model(root / "concat"),
    }


@pytest.fixture
def embedded(models, tmp_path, monkeypatch):
    """Puts tiny models in the place of those in the package."""
    folder = tmp_path / "pretrained"
    folder.mkdir()
    (folder / "audio").symlink_to(models["speech"])
    (folder / "text").symlink_to(models["exported text"])
    monkeypatch.setattr(known, "EMBEDDED_MODELS", folder)


@pytest.fixture
def cache(models, tmp_path, monkeypatch):
    """A cache of the hub that holds some of the published models."""
    folder = tmp_path / "cache"
    write_cached(folder, "UMUTeam/MarIA-emotion-es", models["text"])
    write_cached(
        folder, "UMUTeam/w2v-bert-beto-concat-emotion-en", models["concat"]
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs the command line offline; gives exit code, output and errors."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    def run(*argv):
        try:
            code = cli.main([str(argument) for argument in argv])
        except SystemExit as stop:  # argparse
            code = stop.code
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def predict(run, models):
    def predict(*argv, model="speech"):
        return run("predict", "--model", models[model], *argv)

    return predict


@pytest.fixture
def load_adaptable(samples, monkeypatch):
    """Lets models of speech take profiles; loads them as a call does."""
    real = loading.load_model
    clip = next(samples.glob("*ANG*"))

    def load_model(*args):
        classifier = real(*args)
        if classifier.modalities == ("speech",):
            size = classifier.encode_utterance(clip).shape[-1]
            normalization = SpeakerNormalization(size).eval()
            normalization.mean += torch.arange(size)
            classifier.mods.model.speaker_normalization = normalization
        return classifier

    monkeypatch.setattr(loading, "load_model", load_model)
    return load_model


@pytest.fixture
def clips(samples, tmp_path):
    """A folder of three clips, a broken one, and a manifest with texts."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for clip in sorted(samples.glob("*.flac"))[:3]:
        shutil.copy(clip, folder)
    (folder / "broken.wav").write_text("not audio")
    names = sorted(path.name for path in folder.glob("*.flac"))
    rows = [f"{name},so happy\n" for name in names]
    (folder / "clips.csv").write_text("".join(["wav,text\n", *rows]))
    return folder


@pytest.fixture
def precious(tmp_path):
    """A file that a call that goes wrong leaves as it is."""
    path = tmp_path / "precious"
    path.write_text("precious")
    yield path
    assert path.read_text() == "precious"


FORMATS = ("table", "json", "jsonl", "csv")


def parse(text, format):
    """Sources, labels and errors in an output."""
    if format == "table":
        rows = [line.split()[:2] for line in text.splitlines()[1:]]
        return [(source, label, None) for source, label in rows]
    if format == "csv":
        rows = csv.DictReader(io.StringIO(text))
        rows = [{k: v or None for k, v in row.items()} for row in rows]
    elif format == "json":
        rows = json.loads(text)
    else:
        rows = [json.loads(line) for line in text.splitlines()]
    return [(row["source"], row["label"], row["error"]) for row in rows]
