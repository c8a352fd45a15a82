"""Latency of the speech encoder: one clip, features given."""

import copy

import torch
from checkpoint import published
from clips import speech
from contestants import Baseline, load
from lower_bound import products
from precision import DTYPES, reduced
from timing import compare, difference, race

EXACT = ("transformers", "fp32")


def measure(setting):
    """A row for each length and precision."""
    folder = published(setting, "audio")
    model = Baseline(folder, setting.device).encoder
    encoder = load(folder, "audio", setting.device).encoder
    models = {"fp32": model}
    for name in DTYPES.keys() & set(setting.precisions) - {"fp32"}:
        models[name] = copy.deepcopy(model).to(DTYPES[name])
    encoders = {name: reduced(encoder, name) for name in setting.precisions}
    return [
        record
        for seconds in setting.size.lengths
        for record in _records(seconds, models, encoders, setting)
    ]


def _records(seconds, models, encoders, setting):
    """The rows of one length."""
    wav = speech(seconds).unsqueeze(0).to(setting.device)
    features, lens = next(iter(encoders.values())).features(wav)
    calls = {}
    for name, model in models.items():
        calls["transformers", name] = _theirs(model, features)
        shapes = products(model, features.shape[1])
        calls |= {("product", name, s): call for s, call in shapes.items()}
    for name, encoder in encoders.items():
        calls["ours", name] = _ours(encoder, features, lens)
    outputs, times = race(calls, setting)
    return [
        {
            "audio (s)": seconds,
            **_compare(name, times),
            "largest difference": difference(
                outputs["ours", name], outputs[EXACT]
            ),
            "raw": {" ".join(k): t for k, t in times.items() if k[1] == name},
        }
        for name in encoders
    ]


def _theirs(model, features):
    mask = torch.ones(features.shape[:2], device=features.device)
    return lambda: model(
        features.to(model.dtype), attention_mask=mask.long()
    ).last_hidden_state


def _ours(encoder, features, lens):
    return lambda: encoder.encode(features, lens)[0]


def _compare(name, times):
    """Ratios to transformers in the same precision and in float32."""
    ours, same = ("ours", name), ("transformers", name)
    known = same in times
    bound = sum(
        min(times[key]) for key in times if key[:2] == ("product", name)
    )
    return {
        "precision": name,
        **compare(times, same if known else EXACT, ours),
        "ratio to fp32": min(times[EXACT]) / min(times[ours]),
        "bound (s)": bound if known else None,
        "ours / bound": min(times[ours]) / bound if known else None,
    }
