"""Recordings that a corpus holds more than once.

RAVDESS, for one, has the same recording under two names. Where one of them is
in training and the other in the test part, the model is tested on what it has
heard.
"""

import hashlib
import os
from collections import defaultdict
from itertools import product
from multiprocessing.pool import ThreadPool

import soundfile
from tqdm import tqdm

from .protocol import PAIRS

SILENT = ""  # the key of a recording without a sound
THREADS = min(8, os.cpu_count() or 1)
CHUNK = 8  # clips that a thread takes at a time


def recording_key(path):
    """Identifies a recording by its samples.

    Two files have the same key where they hold the same samples after mixing
    down to mono, whatever silence (zeros) is put before and after them, and
    whatever lossless format they are in. Resampled, amplified, cut or lossily
    compressed copies have other keys.

    Arguments
    ---------
    path : str or pathlib.Path
        The audio file.

    Returns
    -------
    str or None
        The key, empty for silence; None where the file cannot be read.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> soundfile.write(folder / "a.wav", [0.5, -0.25], 16000)
    >>> soundfile.write(folder / "b.flac", [0.0, 0.0, 0.5, -0.25, 0.0], 16000)
    >>> recording_key(folder / "a.wav") == recording_key(folder / "b.flac")
    True
    """
    try:
        samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return None
    mono = samples.mean(axis=1)
    (sounding,) = mono.nonzero()
    if not len(sounding):
        return SILENT
    sound = mono[sounding[0] : sounding[-1] + 1]
    return hashlib.blake2b(sound.tobytes(), digest_size=16).hexdigest()


def duplicates(parts):
    """Finds recordings that are in two parts of a split.

    Arguments
    ---------
    parts : dict
        The clips of each part.

    Returns
    -------
    dict
        "train-valid", "train-test" and "valid-test" -> list of [id, id] of
        clips that are the same recording, each in one of the two parts.
    list of str
        The ids of clips whose audio file cannot be read.

    Example
    -------
    >>> duplicates({"train": [], "valid": [], "test": []})
    ({'train-valid': [], 'train-test': [], 'valid-test': []}, [])
    """
    clips = [(part, clip) for part in parts for clip in parts[part] if clip.wav]
    ids = {part: defaultdict(list) for part in parts}
    unreadable = []
    for (part, clip), key in zip(clips, _keys(clips), strict=True):
        if key is None:
            unreadable.append(clip.id)
        elif key != SILENT:
            ids[part][key].append(clip.id)
    pairs = {
        f"{a}-{b}": sorted(
            list(pair)
            for key in ids[a].keys() & ids[b].keys()
            for pair in product(ids[a][key], ids[b][key])
        )
        for a, b in PAIRS
    }
    return pairs, unreadable


def _keys(clips):
    """The key of each clip, computed with a progress bar."""
    paths = [clip.wav for _, clip in clips]
    # Leaving the block ends the threads at once, on Ctrl-C, too.
    with ThreadPool(THREADS) as pool:
        keys = pool.imap(recording_key, paths, chunksize=CHUNK)
        yield from tqdm(
            keys,
            total=len(paths),
            desc="comparing recordings",
            unit="clip",
            disable=not paths,
        )
