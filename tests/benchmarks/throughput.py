"""Throughput over a folder of clips of mixed lengths, files to scores."""

from functools import partial

import soundfile
from checkpoint import published
from clips import write_clips
from contestants import Baseline, load, scores
from timing import difference, race

FIRST = "transformers, one by one"


def measure(setting):
    """A row for each way to get through the folder."""
    folder, paths = published(setting, "audio"), write_clips(setting)
    baseline = Baseline(folder, setting.device)
    calls = {
        FIRST: lambda: baseline.file_scores(paths, 1),
        "transformers, batches of 8": lambda: baseline.file_scores(paths, 8),
    }
    for precision in setting.precisions:
        classifier = load(folder, "audio", setting.device, precision)
        calls[f"ours, {precision}"] = partial(_predict, classifier, paths)
    outputs, times = race(calls, setting, warm_up=False)
    audio = sum(soundfile.info(path).duration for path in paths)
    return [
        {
            "contestant": name,
            "clips": len(paths),
            "time (s)": min(seconds),
            "audio per second (s)": audio / min(seconds),
            "ratio": min(times[FIRST]) / min(seconds),
            "largest difference": difference(outputs[name], outputs[FIRST]),
            "raw": seconds,
        }
        for name, seconds in times.items()
    ]


def _predict(classifier, paths):
    """Scores of all clips."""
    return scores(classifier.predict(paths))
