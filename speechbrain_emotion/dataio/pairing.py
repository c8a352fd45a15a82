"""Speech and text of the same emotion, from different corpora.

Corpora of acted emotion repeat a few sentences that say nothing of it, and
corpora of emotional texts have no audio. To train a model of both, clips are
paired with texts of the same label. In such pairs the two modalities know
nothing of each other but the label. In real speech the words are mostly
neutral, whatever the voice: pairs with neutral texts teach that.
"""

import json
import random
from collections import defaultdict
from pathlib import Path

from .manifests import write_json
from .protocol import PARTS

NEUTRAL = "neutral"


def prepare_pairs(
    speech_folder,
    text_folder,
    train_annotation,
    valid_annotation,
    test_annotation,
    record_file,
    copies,
    seed,
    neutral_copies=0,
    skip_prep=False,
):
    """Pairs the parts of a speech corpus with those of a text corpus.

    Training clips get training texts, test clips test texts.

    Arguments
    ---------
    speech_folder : str or Path
        Holds the manifests train.json, valid.json and test.json of clips.
    text_folder : str or Path
        Holds the same of texts.
    train_annotation : str
        Training manifest to write.
    valid_annotation : str
        Validation manifest to write.
    test_annotation : str
        Test manifest to write.
    record_file : str
        Record of the settings to write.
    copies : int
        Number of texts for each training clip; the others get one.
    seed : int
        Seed of the choice.
    neutral_copies : int
        Number of neutral texts that each training clip gets besides.
    skip_prep : bool
        Whether to do nothing at all.

    Raises
    ------
    ValueError
        As `pair_manifests`, or where the record was made with other
        settings: a model trained before might be tested on its own clips.
    """
    if skip_prep:
        return
    settings = {
        "speech_folder": str(Path(speech_folder).absolute()),
        "text_folder": str(Path(text_folder).absolute()),
        "copies": copies,
        "neutral_copies": neutral_copies,
        "seed": seed,
    }
    if Path(record_file).exists() and _read(record_file) != settings:
        raise ValueError(
            f"{record_file} was made with other manifests or another seed: "
            "name another output folder, or delete the old one."
        )
    write_json(record_file, settings)
    annotations = (train_annotation, valid_annotation, test_annotation)
    for part, annotation in zip(PARTS, annotations, strict=True):
        pair_manifests(
            Path(speech_folder) / f"{part}.json",
            Path(text_folder) / f"{part}.json",
            annotation,
            copies if part == "train" else 1,
            seed,
            neutral_copies if part == "train" else 0,
        )


def pair_manifests(speech, text, paired, copies, seed, neutral_copies=0):
    """Gives every clip the words of texts with the same label.

    Clips of a label that no text has are left out.

    Arguments
    ---------
    speech : str or Path
        JSON manifest of the clips.
    text : str or Path
        JSON manifest of the texts.
    paired : str or Path
        JSON manifest to write: that of the clips, with other ``words`` and
        the id of the text as ``text_id``.
    copies : int
        Number of texts for each clip. The clip's id is followed by the number
        of the copy.
    seed : int
        Seed of the choice.
    neutral_copies : int
        Number of neutral texts for each of these clips, besides.

    Raises
    ------
    ValueError
        Where no clip has a label that a text has, or there is no neutral
        text, though some are asked for.

    Example
    -------
    >>> folder = Path(getfixture("tmp_path"))
    >>> clips = {"a": {"wav": "a.wav", "emo": "sad", "words": "Kids are"}}
    >>> texts = {"t": {"emo": "sad", "words": "I miss her."}}
    >>> write_json(folder / "speech.json", clips)
    >>> write_json(folder / "text.json", texts)
    >>> pair_manifests(
    ...     folder / "speech.json",
    ...     folder / "text.json",
    ...     folder / "paired.json",
    ...     copies=1,
    ...     seed=0,
    ... )
    >>> json.loads((folder / "paired.json").read_text())["a_0"]["words"]
    'I miss her.'
    """
    clips, texts = _read(speech), _read(text)
    by_label = defaultdict(list)
    for id, entry in texts.items():
        by_label[entry["emo"]].append(id)
    if neutral_copies and not by_label[NEUTRAL]:
        raise ValueError(f"'{text}' has no text with the label {NEUTRAL}")
    draw = random.Random(seed)
    pairs = {}
    for id, clip in clips.items():
        if not by_label[clip["emo"]]:
            continue
        labels = [clip["emo"]] * copies + [NEUTRAL] * neutral_copies
        for copy, label in enumerate(labels):
            text_id = draw.choice(by_label[label])
            words = texts[text_id]["words"]
            pair = {**clip, "words": words, "text_id": text_id}
            pairs[f"{id}_{copy}"] = pair
    if not pairs:
        raise ValueError(
            f"no clip of '{speech}' has a label that a text of '{text}' has"
        )
    write_json(paired, pairs)


def _read(path):
    """Reads a JSON manifest."""
    return json.loads(Path(path).read_text(encoding="utf-8"))
