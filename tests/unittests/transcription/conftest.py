"""A backend in the place of Whisper, and chunks of two seconds."""

import functools

import pytest
from spoken_bursts import Backend, frame_probabilities

from speechbrain_emotion.dataio.pauses import cut_at_pauses
from speechbrain_emotion.inference import transcription, whisper_models


@pytest.fixture
def backend(monkeypatch):
    backend = Backend()
    short = functools.partial(cut_at_pauses, seconds=2.0)
    monkeypatch.setattr(whisper_models, "_package", lambda: backend)
    monkeypatch.setattr(whisper_models, "package_versions", lambda: ["1"])
    monkeypatch.setattr(transcription, "package_versions", lambda: ["1"])
    monkeypatch.setattr(transcription, "cut_at_pauses", short)
    monkeypatch.setattr(
        transcription, "speech_probabilities", frame_probabilities
    )
    whisper_models._models.clear()
    yield backend
    whisper_models._models.clear()
