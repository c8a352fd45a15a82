"""A corpus in which it is known what says the label: speech, text, each, both.

    python tests/synthetic_corpus.py both /tmp/synthetic

There are two kinds of sound and two kinds of wording, each with each equally
often in every part (where each says the label: with its like only). Clips of
the first kind beep high, of the second low, in noise; the number of beeps,
their pitches, levels, lengths and phases differ. Texts of each kind have
three of four words of their own among others, which say nothing. The layout is that of MELD, with audio instead of videos.
"""

import argparse
import csv
import itertools
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000
LABELS = ["anger", "joy"]
# What says the label -> the label of a kind of sound and a kind of wording.
RULES = {
    "speech": lambda sound, wording: LABELS[sound],
    "text": lambda sound, wording: LABELS[wording],
    "each": lambda sound, wording: LABELS[sound],
    "both": lambda sound, wording: LABELS[sound != wording],
}
PITCHES = [(2400.0, 3600.0), (300.0, 450.0)]  # Hz, from and to
# Words that tests/samples/tiny_bert knows.
CUES = [
    "hate dare yuck disgusting".split(),
    "happy best won please".split(),
]
N_CUES = 3  # in a text
OTHERS = (
    "again alone am at because cried dark day did dog ever four gone hair he "
    "hear her him his how in is it leave leaves me meeting miss much my nine "
    "noise of room see she sister so soup stay stop that the there this to "
    "train we you"
).split()
PARTS = {  # of MELD -> the folder of the audio
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
N_SPEAKERS = 4  # of a part, who are in no other


def make_corpus(rule, folder, sizes=(256, 64, 128), seed=0):
    """Writes a corpus.

    Arguments
    ---------
    rule : str
        What says the label: "speech", "text", "each" (either is enough) or
        "both" (neither says anything alone: the label is whether the two
        kinds differ).
    folder : str or pathlib.Path
        Where to write it; the `data_folder` of ``read_meld``.
    sizes : tuple of int
        Number of utterances of training, validation and test, multiples
        of 4.
    seed : int
        Of all that is drawn.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    folder, rng = Path(folder), np.random.default_rng(seed)
    pairs = [*itertools.product((0, 1), (0, 1))]
    if rule == "each":
        pairs = [(0, 0), (1, 1)] * 2
    for episode, (part, size) in enumerate(zip(PARTS, sizes), start=1):
        audio = PARTS[part]
        (folder / audio).mkdir(parents=True)
        rows = []
        for i, (sound, wording) in enumerate(pairs * (size // 4)):
            path = folder / audio / f"dia{i}_utt0.wav"
            soundfile.write(path, make_sound(sound, rng), RATE)
            rows.append(
                {
                    "Utterance": make_text(wording, rng),
                    "Speaker": f"{part} {i // 4 % N_SPEAKERS}",
                    "Emotion": RULES[rule](sound, wording),
                    "Dialogue_ID": i,
                    "Utterance_ID": 0,
                    "Season": 1,
                    "Episode": episode,
                }
            )
        table = folder / f"{part}_sent_emo.csv"
        with open(table, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return folder


def make_sound(kind, rng):
    """Makes a clip of beeps in noise.

    Arguments
    ---------
    kind : int
        0 for high beeps, 1 for low ones.
    rng : numpy.random.Generator
        What differs between clips of a kind is drawn from it.

    Returns
    -------
    numpy.ndarray
        Waveform, [samples], 0.3 to 0.5 s at 16 kHz, within -1 and 1.
    """
    n_samples = int(rng.integers(4800, 8001))
    sound = 0.01 * rng.standard_normal(n_samples)
    for start in np.linspace(0, n_samples, rng.integers(2, 4), endpoint=False):
        length = int(rng.integers(1000, 1601))
        first = int(start) + int(rng.integers(0, 600))
        seconds = np.arange(min(length, n_samples - first)) / RATE
        pitch, phase = rng.uniform(*PITCHES[kind]), rng.uniform(0, 2 * np.pi)
        beep = np.sin(2 * np.pi * pitch * seconds + phase)
        sound[first : first + length] += rng.uniform(0.1, 0.5) * beep
    return (rng.uniform(0.3, 1.0) * sound).clip(-1, 1)


def make_text(kind, rng):
    """Makes a text in which some words say its kind.

    Arguments
    ---------
    kind : int
        0 or 1: of whose words it has some.
    rng : numpy.random.Generator
        Which ones, where, and between which others is drawn from it.

    Returns
    -------
    str
        5 to 7 words.
    """
    cues = rng.choice(CUES[kind], N_CUES, replace=False)
    others = rng.choice(OTHERS, rng.integers(2, 5), replace=False)
    return " ".join(rng.permutation([*cues, *others]))


def main():
    """Writes the corpus that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rule", choices=RULES)
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    make_corpus(arguments.rule, arguments.folder, seed=arguments.seed)


if __name__ == "__main__":
    main()
