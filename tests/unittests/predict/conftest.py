"""Tiny published models, none of which is kept; no network."""

import shutil

import pytest
from published_layouts import write_models

from speechbrain_emotion import EmotionClassifier
from speechbrain_emotion.inference import published


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(autouse=True)
def nothing_kept():
    """Each test loads its models itself."""
    published._kept.clear()
    yield
    published._kept.clear()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = write_models(tmp_path_factory.mktemp("predict"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def clips(samples):
    return sorted(samples.glob("*.flac"))[:3]


@pytest.fixture(scope="module")
def classifiers(models):
    return {
        mode: EmotionClassifier.from_checkpoint(
            models / mode, mode, models / "bert", {"device": "cpu"}
        )
        for mode in ("text", "audio", "concat")
    }


@pytest.fixture
def loads(monkeypatch):
    """The folders of the checkpoints that are loaded, in order."""
    sources = []
    original = EmotionClassifier.from_checkpoint

    def load(source, *args, **kwargs):
        sources.append(str(source))
        return original(source, *args, **kwargs)

    monkeypatch.setattr(EmotionClassifier, "from_checkpoint", load)
    return sources
