"""Splits of a corpus into training, validation and test part.

A split is a function from utterances to a dict with the parts "train",
"valid" and "test". Hyperparameter files declare it with its settings and a
name, and name the one to use::

    protocol: new_speakers
    splits:
        new_speakers: !name:speechbrain_emotion.dataio.splits.leave_one_group_out
            by: spk_id
            test_group: KS0
            valid_group: MP0

Who and what is in two parts decides what a result means: on clips of speakers
heard in training, a model scores far higher than on new speakers. What every
split shares between its parts is therefore recorded (`audit.audit`).
"""

import math

from .draws import draw_validation, stratify
from .group_splits import group_folds, leave_one_group_out, speaker_folds
from .protocol import PARTS, check_split, sort_into_parts

__all__ = [
    "group_folds",
    "leave_one_group_out",
    "published_split",
    "speaker_folds",
    "split_each",
    "stratified_random",
    "whole_corpus",
]


def published_split(utterances, parts, valid_fraction=None, seed=0):
    """Splits as the publishers of the corpus did.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    parts : dict
        The publishers' words for the parts -> "train", "valid" or "test".
    valid_fraction : float
        Where the publishers have no validation part, the share of each class
        of their training part that is drawn for it.
    seed : int
        Seed of that draw.

    Returns
    -------
    dict
        The clips of each part.

    Raises
    ------
    ValueError
        Where a clip is in a part that is not in `parts`, a part is empty, or
        there is a validation part and `valid_fraction` is given.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clips = [
    ...     Utterance(part, None, 0.0, "sad", "", "", "en", "", "mine", part)
    ...     for part in ("train", "dev", "test")
    ... ]
    >>> parts = published_split(
    ...     clips, {"train": "train", "dev": "valid", "test": "test"}
    ... )
    >>> [clip.id for clip in parts["valid"]]
    ['dev']
    """
    unknown = sorted({clip.part for clip in utterances} - set(parts))
    if unknown:
        raise ValueError(
            f"The corpus has the parts {', '.join(map(repr, unknown))}, which "
            f"the split does not map; it maps {', '.join(parts)}."
        )
    split = sort_into_parts(
        utterances, [parts[clip.part] for clip in utterances]
    )
    if valid_fraction is not None:
        if split["valid"]:
            raise ValueError(
                "The publishers have a validation part "
                f"({len(split['valid'])} clips): leave out valid_fraction."
            )
        draw_validation(split, valid_fraction, seed)
    if not all(split.values()):
        raise ValueError(_which_is_missing(split, parts))
    check_split(utterances, split)
    return split


def _which_is_missing(split, parts):
    """Says which of the publishers' parts has no clip."""
    empty = [part for part in PARTS if not split[part]]
    words = [word for word in parts if parts[word] in empty]
    return f"The split leaves no clip for {', '.join(empty)}: " + (
        f"there is none of the publishers' {', '.join(words)}."
        if words
        else "no part of the publishers' is mapped to it (for validation, "
        "valid_fraction draws from training)."
    )


def stratified_random(utterances, fractions=(0.8, 0.1, 0.1), seed=0):
    """Splits at random, with the same share of each class in each part.

    The speakers are the same in all parts: such a result says nothing about
    new speakers. Use it only to compare with results obtained this way.

    The draw depends on the clips' ids and the seed only, neither on the order
    of the files nor on the version of Python.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    fractions : list of float
        Shares of the training, validation and test part; their sum is 1.
    seed : int
        Seed of the draw.

    Returns
    -------
    dict
        The clips of each part, each class within one clip of its share. The
        training part has its share of all clips, rounded; so has the training
        and validation part together.

    Raises
    ------
    ValueError
        Where the fractions are not three of the sum 1, or a part is empty.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clips = [
    ...     Utterance(str(i), None, 1.0, "sad", "1", "", "en", "", "mine")
    ...     for i in range(20)
    ... ]
    >>> parts = stratified_random(clips, [0.8, 0.1, 0.1], seed=1)
    >>> {part: len(parts[part]) for part in parts}
    {'train': 16, 'valid': 2, 'test': 2}
    """
    if (
        len(fractions) != len(PARTS)
        or min(fractions) < 0
        or not math.isclose(sum(fractions), 1)
    ):
        raise ValueError(
            f"The fractions of {', '.join(PARTS)} must be three numbers of "
            f"the sum 1, not {list(fractions)}."
        )
    drawn = stratify(utterances, fractions, seed)
    parts = dict(zip(PARTS, drawn, strict=True))
    check_split(utterances, parts)
    return parts


def split_each(utterances, splits):
    """Splits every corpus in its own way.

    Arguments
    ---------
    utterances : list of Utterance
        The clips of several corpora.
    splits : dict
        Name of the corpus -> split function.

    Returns
    -------
    dict
        The clips of each part.

    Raises
    ------
    ValueError
        Where a corpus has no split or a split no corpus, or a part is empty.

    Example
    -------
    >>> from functools import partial
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clips = [
    ...     Utterance(corpus, None, 1.0, "sad", "", "", "en", "", corpus)
    ...     for corpus in ("RAVDESS", "TESS", "SAVEE")
    ... ]
    >>> parts = split_each(
    ...     clips,
    ...     {
    ...         "RAVDESS": partial(whole_corpus, part="train"),
    ...         "TESS": partial(whole_corpus, part="valid"),
    ...         "SAVEE": partial(whole_corpus, part="test"),
    ...     },
    ... )
    >>> [clip.id for clip in parts["valid"]]
    ['TESS']
    """
    corpora = list(dict.fromkeys(clip.corpus for clip in utterances))
    if set(corpora) != set(splits):
        raise ValueError(
            f"The clips are of {', '.join(corpora)}, the splits for "
            f"{', '.join(splits)}: give each of these corpora its split."
        )
    parts = sort_into_parts([], [])
    for corpus in corpora:
        split = splits[corpus]([c for c in utterances if c.corpus == corpus])
        for part in PARTS:
            parts[part] += split[part]
    check_split(utterances, parts)
    return parts


def whole_corpus(utterances, part):
    """Puts all clips into one part, for training and testing across corpora.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    part : str
        "train", "valid" or "test".

    Returns
    -------
    dict
        The clips of each part.

    Example
    -------
    >>> whole_corpus([], "test")
    {'train': [], 'valid': [], 'test': []}
    """
    if part not in PARTS:
        raise ValueError(f"No part '{part}'; parts: {', '.join(PARTS)}.")
    return sort_into_parts(utterances, [part] * len(utterances))
