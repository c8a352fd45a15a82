"""Tiny text encoders; no network."""

import pytest
from text_layouts import SMALL, WRITERS

from speechbrain_emotion.lobes.text_encoder import TextEncoder


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of a BERT and a RoBERTa of two layers."""
    root = tmp_path_factory.mktemp("text")
    return {
        kind: write(root / kind, num_hidden_layers=2, **SMALL)
        for kind, write in WRITERS.items()
    }


@pytest.fixture(scope="module")
def encoders(folders):
    return {
        (kind, output): TextEncoder(source, output=output).eval()
        for kind, source in folders.items()
        for output in ("cls", "tokens")
    }
