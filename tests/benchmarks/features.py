"""Feature extraction: transformers' extractor against the encoder's own."""

import torch
from checkpoint import published
from clips import speech
from contestants import Baseline, load
from timing import compare, difference, race

BATCHES = (1, 8)


def measure(setting):
    """A row for each length and batch size."""
    folder = published(setting, "audio")
    baseline = Baseline(folder, setting.device)
    encoder = load(folder, "audio", setting.device).encoder
    return [
        _record(seconds, batch, baseline, encoder, setting)
        for batch in BATCHES
        for seconds in setting.size.feature_lengths
    ]


def _record(seconds, batch, baseline, encoder, setting):
    """The row of one length and batch size."""
    wavs = [speech(seconds, first=i) for i in range(batch)]
    calls = {
        "transformers": lambda: baseline.features(wavs)["input_features"],
        "ours": lambda: encoder.features(torch.stack(wavs).to(setting.device))[
            0
        ],
    }
    outputs, times = race(calls, setting)
    return {
        "audio (s)": seconds,
        "batch": batch,
        **compare(times, "transformers", "ours"),
        "largest difference": difference(*outputs.values()),
        "raw": times,
    }
