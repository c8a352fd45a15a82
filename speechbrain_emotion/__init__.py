"""Emotion recognition from speech and text, as a SpeechBrain plugin.

The public names are imported when they are first asked for, so that
``import speechbrain_emotion`` loads neither torch nor transformers.

Example
-------
>>> import speechbrain_emotion
>>> "EmotionClassifier" in speechbrain_emotion.__all__
True
"""

import importlib

from speechbrain_emotion.version import __version__

_HOMES = {
    "AudioError": "speechbrain_emotion.dataio.audio",
    "CheckpointError": "speechbrain_emotion.utils.parameter_transfer",
    "EMBEDDED_MODELS": "speechbrain_emotion.inference.known",
    "EmotionClassifier": "speechbrain_emotion.inference.classifier",
    "Prediction": "speechbrain_emotion.inference.prediction",
    "ProfileError": "speechbrain_emotion.inference.speaker_profile",
    "SpeakerProfile": "speechbrain_emotion.inference.speaker_profile",
    "TextError": "speechbrain_emotion.dataio.words",
    "Transcript": "speechbrain_emotion.dataio.transcript",
    "UntrustedYamlError": "speechbrain_emotion.utils.trusted_yaml",
    "WhisperTranscriber": "speechbrain_emotion.inference.transcription",
    "Word": "speechbrain_emotion.dataio.words",
    "predict_emotion": "speechbrain_emotion.inference.published",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name):
    """Imports a public name from its module at first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__():
    return __all__
