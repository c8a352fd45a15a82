"""How the tests call predict_emotion."""

from speechbrain_emotion import predict_emotion
from speechbrain_emotion.lobes.published import FUSIONS


def ask(models, mode, audio=None, text=None, **arguments):
    """Asks the model of a mode."""
    if mode in FUSIONS:
        arguments.setdefault("text_encoder", models / "bert")
    return predict_emotion(
        audio, text, models / mode, mode, device="cpu", **arguments
    )
