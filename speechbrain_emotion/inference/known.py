"""What the project knows by name; to list it needs no torch."""

import json
import pathlib

_PACKAGE = pathlib.Path(__file__).parent.parent
EMBEDDED_MODELS = _PACKAGE / "pretrained"
# {language: {mode: hub id}}
PUBLISHED = json.loads(
    (_PACKAGE / "inference" / "published.json").read_text(encoding="utf-8")
)
# The frozen text encoders of the published multimodal models, by language.
TEXT_ENCODERS = {
    "en": "google-bert/bert-base-uncased",
    "es": "dccuchile/bert-base-spanish-wwm-uncased",
}
LANGUAGES = tuple(PUBLISHED)
MODES = tuple(dict.fromkeys(m for models in PUBLISHED.values() for m in models))
# In which models can be asked to compute.
PRECISIONS = ("fp32", "bf16", "fp16")
# Seconds of audio that they compute at once, by default.
MAX_BATCH_LENGTH = 30.0
# The parts of an utterance that have an answer of their own, and those of
# them that are found in a transcript.
SEGMENTS = ("words", "sentences", "windows", "vad")
SPOKEN = ("words", "sentences")
# A word may have no length; a segment has a frame at least, in seconds.
SHORTEST_SEGMENT = 0.02
# The modes that have a model in the package: EMBEDDED_MODELS / mode.
EMBEDDED_MODES = ("text", "audio", "concat")
