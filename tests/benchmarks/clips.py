"""Real speech of any length, joined from short recordings."""

import functools
import pathlib
import random

import soundfile
import torch

from speechbrain_emotion.dataio.audio import load_audio

RATE = 16000
ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests" / "samples" / "CREMA-D"
# Not part of the project: more voices, where they are there.
CORPORA = [
    ROOT.parent / "shared" / "data" / name
    for name in ("ravdess", "nemo", "tess")
]


@functools.cache
def recordings():
    """Waveforms of all samples, and of eight clips of each corpus."""
    paths = sorted(SAMPLES.glob("*.flac"))
    for folder in CORPORA:
        found = [*folder.rglob("*.flac"), *folder.rglob("*.opus")]
        paths += sorted(found)[:: max(1, len(found) // 8)][:8]
    return [load_audio(path, RATE) for path in paths]


def speech(seconds, first=0):
    """A waveform of that length that begins with one of the recordings."""
    pool, pieces = recordings(), []
    n_samples = round(seconds * RATE)
    while sum(map(len, pieces)) < n_samples:
        pieces.append(pool[(first + len(pieces)) % len(pool)])
    return torch.cat(pieces)[:n_samples]


def write_clips(setting):
    """Writes clips of mixed lengths, many short and a few long ones."""
    size, folder = setting.size, setting.folder / "clips"
    folder.mkdir()
    shares = [i / (size.n_clips - 1) for i in range(size.n_clips)]
    random.Random(0).shuffle(shares)
    for i, share in enumerate(shares):
        seconds = 1 + (size.longest_clip - 1) * share**2
        path = folder / f"{i:03d}.flac"
        soundfile.write(path, speech(seconds, first=i).numpy(), RATE)
    return sorted(folder.iterdir())
