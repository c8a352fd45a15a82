"""Ratios of this package to transformers, on the same random weights.

All figures of a run are measured on one machine, side by side. It prints
tables in Markdown; the seconds of each round go to a JSON file.

    python tests/benchmarks/run.py --parts latency,features --lengths 3,10
"""

import argparse
import dataclasses
import json
import os
import pathlib
import tempfile

import concat
import drift
import features
import latency
import loading
import memory
import throughput
import torch
from precision import DTYPES, PRECISIONS
from report import machine, table
from setting import SIZES, Setting

PARTS = {
    "latency": (latency, "Speech encoder, batch 1"),
    "features": (features, "Feature extraction"),
    "throughput": (throughput, "A folder of clips of mixed lengths"),
    "concat": (concat, f"Speech of {concat.SECONDS} s and its text"),
    "loading": (loading, "Loading, the file in the page cache"),
    "memory": (memory, "Peak memory above the model"),
    "drift": (drift, "Scores in half precision"),
}


def main(arguments=None):
    """Measures what the command line asks for."""
    options = _options(arguments)
    torch.set_num_threads(options.threads)
    size = SIZES[options.size]
    if options.lengths:
        size = dataclasses.replace(size, lengths=options.lengths)
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(
            size,
            options.device,
            options.threads,
            options.repeats,
            options.precisions,
            pathlib.Path(folder),
        )
        results = {"machine": machine(setting)}
        print(", ".join(f"{k}: {v}" for k, v in results["machine"].items()))
        for part in options.parts:
            module, title = PARTS[part]
            results[part] = module.measure(setting)
            print(f"\n### {title}\n\n{table(results[part])}", flush=True)
            setting.free()
            if options.output:  # an interruption loses no finished part
                options.output.write_text(json.dumps(results, indent=1))


def _options(arguments):
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument(
        "--parts",
        type=_some_of(PARTS),
        default=list(PARTS),
        help=f"some of {','.join(PARTS)}",
    )
    parser.add_argument(
        "--precisions",
        type=_some_of(dict.fromkeys([*PRECISIONS, *DTYPES])),
        help=f"by default {','.join(PRECISIONS)}; on cuda also fp16",
    )
    parser.add_argument(
        "--lengths",
        type=lambda text: [float(x) for x in text.split(",")],
        help="seconds of audio, for the part latency",
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=pathlib.Path, help="JSON file")
    options = parser.parse_args(arguments)
    if options.precisions is None:
        cuda = options.device.startswith("cuda")
        options.precisions = PRECISIONS + ["fp16"] * cuda
    return options


def _some_of(known):
    """The type of an option that lists some of the known names."""

    def split(text):
        unknown = [name for name in text.split(",") if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(
                f"no {', '.join(unknown)}: choose of {','.join(known)}"
            )
        return text.split(",")

    return split


if __name__ == "__main__":
    main()
