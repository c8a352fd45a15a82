"""Time to load a model from its checkpoint, the file in the page cache."""

from checkpoint import PREFIX, published
from clips import speech
from contestants import Baseline, load
from safetensors.torch import load_file
from timing import race
from transformers import Wav2Vec2BertConfig, Wav2Vec2BertModel

OURS = "ours, from_checkpoint"


def measure(setting):
    """A row for each way to load the same file.

    A way that only maps the file into memory pays when the weights are first
    used, hence also the time until there is an answer for one second.
    """
    folder, device = published(setting, "audio"), setting.device
    ways = {
        "transformers, from_pretrained": lambda: Baseline(folder, device),
        "transformers, load_state_dict": lambda: _build(folder, device),
        OURS: lambda: load(folder, "audio", device),
    }
    # Nothing is kept: three models at once may be too many.
    calls = {name: lambda f=f: bool(f()) for name, f in ways.items()}
    _, times = race(calls, setting)
    calls = {name: lambda f=f: bool(_answer(f())) for name, f in ways.items()}
    _, answered = race(calls, setting, warm_up=False)
    return [
        {
            "contestant": name,
            "loaded (s)": min(times[name]),
            "ratio": min(times[name]) / min(times[OURS]),
            "first answer (s)": min(answered[name]),
            "ratio of these": min(answered[name]) / min(answered[OURS]),
            "raw": {"loaded": times[name], "first answer": answered[name]},
        }
        for name in ways
    ]


def _answer(model):
    """Scores of one second."""
    if isinstance(model, Baseline):
        return model.scores([speech(1)]).shape
    return [model.predict(speech(1))]


def _build(folder, device):
    """The plain way: random weights first, then those of the file."""
    config = Wav2Vec2BertConfig.from_pretrained(
        folder, attn_implementation="eager"
    )
    model = Wav2Vec2BertModel(config)
    tensors = load_file(folder / "model.safetensors")
    encoder = {
        name.removeprefix(PREFIX): x
        for name, x in tensors.items()
        if name.startswith(PREFIX)
    }
    model.load_state_dict(encoder)
    return Baseline(folder, device, encoder=model)
