"""Latency of the speech encoder: one clip, features given."""

import copy
from functools import partial

import torch
from checkpoint import published
from clips import speech
from contestants import Baseline, encode, load
from lower_bound import BOUNDS, bound, products
from precision import DTYPES
from timing import difference, race

EXACT = ("transformers", "fp32")


def measure(setting):
    """A row for each length and precision."""
    folder = published(setting, "audio")
    model = Baseline(folder, setting.device).encoder
    models = {"fp32": model}
    for name in set(setting.precisions) - {"fp32"}:
        models[name] = copy.deepcopy(model).to(DTYPES[name])
    classifiers = {
        name: load(folder, "audio", setting.device, name)
        for name in setting.precisions
    }
    return [
        record
        for seconds in setting.size.lengths
        for record in _records(seconds, models, classifiers, setting)
    ]


def _records(seconds, models, classifiers, setting):
    """The rows of one length."""
    wav = speech(seconds).unsqueeze(0).to(setting.device)
    features, lens = next(iter(classifiers.values())).encoder.features(wav)
    calls = {}
    for name, model in models.items():
        calls["transformers", name] = _theirs(model, features)
        for key, call in products(model, features.shape[1]).items():
            calls[("product", name, *key)] = call
    for name, classifier in classifiers.items():
        calls["ours", name] = partial(encode, classifier, features, lens)
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
        for name in classifiers
    ]


def _theirs(model, features):
    mask = torch.ones(features.shape[:2], device=features.device)
    return lambda: model(
        features.to(model.dtype), attention_mask=mask.long()
    ).last_hidden_state


def _compare(name, times):
    """Ratios to transformers in the same precision and in float32."""
    ours, same = min(times["ours", name]), min(times["transformers", name])
    exact = min(times[EXACT])
    bounds = {
        f"bound{which} (s)": bound(times, name, ways)
        for which, ways in BOUNDS.items()
    }
    return {
        "precision": name,
        "transformers (s)": same,
        "transformers fp32 (s)": exact,
        "ours (s)": ours,
        "ratio": same / ours,
        "ratio to fp32": exact / ours,
        **bounds,
        "ours / bound": ours / bounds["bound (s)"],
    }
