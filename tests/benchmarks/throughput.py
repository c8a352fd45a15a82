"""Throughput over a folder of clips of mixed lengths, files to scores."""

import soundfile
from checkpoint import published
from clips import write_clips
from contestants import Baseline, load, scores, use
from precision import reduced
from timing import difference, race

FIRST = "transformers, one by one"


def measure(setting):
    """A row for each way to get through the folder."""
    folder, paths = published(setting, "audio"), write_clips(setting)
    baseline = Baseline(folder, setting.device)
    classifier = load(folder, "audio", setting.device)
    encoder = classifier.encoder
    calls = {
        FIRST: lambda: baseline.file_scores(paths, 1),
        "transformers, batches of 8": lambda: baseline.file_scores(paths, 8),
    }
    for precision in setting.precisions:
        calls[f"ours, {precision}"] = lambda e=reduced(encoder, precision): (
            scores(use(classifier, e).predict(paths))
        )
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
