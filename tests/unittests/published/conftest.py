"""Tiny published models of each mode; no network."""

import shutil

import pytest
from published_layouts import NAMED, load, write_models, write_roberta
from transformers import RobertaForSequenceClassification

from speechbrain_emotion.lobes.published import MODES


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = write_models(tmp_path_factory.mktemp("published"))
    write_roberta(folder / "roberta", RobertaForSequenceClassification, **NAMED)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def classifiers(models):
    bert = models / "bert"
    return {m: load(models / m, m, text_encoder=bert) for m in MODES}
