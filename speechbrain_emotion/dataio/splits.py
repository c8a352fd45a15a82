"""Splits of a corpus into training, validation and test part.

A split is a function from utterances to a dict with the parts "train",
"valid" and "test". Hyperparameter files declare it with its settings::

    split: !name:speechbrain_emotion.dataio.splits.leave_one_speaker_out
        test_speaker: KS0
        valid_speaker: MP0

Speakers decide what a result means: on clips of speakers heard in training,
a model scores far higher than on new speakers. `protocol.describe` therefore records
which speakers two parts have in common.
"""

import hashlib
import logging
import math
from collections import Counter, defaultdict

from .protocol import PARTS, check_split, clip_key

logger = logging.getLogger(__name__)


def speaker_folds(utterances, folds, test_fold, valid_fold=None):
    """Splits by given folds of speakers.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    folds : dict
        The speakers of each fold. Speakers without a clip are logged.
    test_fold : int
        The fold to test on.
    valid_fold : int
        The fold to validate on. By default the next fold after `test_fold`,
        in the order of `folds` and around its end, that has clips.

    Returns
    -------
    dict
        The clips of each part.

    Raises
    ------
    ValueError
        Where a fold is unknown, a part is empty, or a speaker is in no fold
        or in two.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clips = [
    ...     Utterance(id, None, 1.0, "sad", id, "", "en", "", "mine")
    ...     for id in "abcd"
    ... ]
    >>> parts = speaker_folds(
    ...     clips, {1: ["a"], 2: ["b"], 3: ["c", "d"]}, test_fold=1
    ... )
    >>> {part: [clip.id for clip in parts[part]] for part in parts}
    {'train': ['c', 'd'], 'valid': ['b'], 'test': ['a']}
    """
    fold_of = _fold_of_speakers(folds)
    speakers = {clip.spk_id for clip in utterances}
    unplaced = sorted(speakers - set(fold_of))
    if unplaced:
        raise ValueError(f"Speakers in no fold: {', '.join(unplaced)}.")
    absent = sorted(set(fold_of) - speakers)
    if absent:
        logger.warning(f"Speakers without a clip: {', '.join(absent)}")
    if valid_fold is None:
        valid_fold = _next_fold(folds, test_fold, speakers)
    for fold in (test_fold, valid_fold):
        if fold not in folds:
            raise ValueError(
                f"There is no fold {fold!r}; the folds are "
                f"{', '.join(map(repr, folds))}."
            )
    if test_fold == valid_fold:
        raise ValueError(f"Fold {test_fold!r} cannot both validate and test.")
    part_of = {valid_fold: "valid", test_fold: "test"}
    parts = _parts(
        utterances,
        lambda clip: part_of.get(fold_of[clip.spk_id], "train"),
    )
    check_split(utterances, parts, disjoint_speakers=PARTS)
    return parts


def leave_one_speaker_out(
    utterances,
    test_speaker,
    valid_speaker=None,
    valid_fraction=0.1,
    seed=0,
):
    """Tests on one speaker (or several) and trains on the others.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    test_speaker : str or list of str
        Whom to test on.
    valid_speaker : str or list of str
        Whom to validate on. By default, a fraction of each class is drawn
        from the training speakers' clips: a corpus of two speakers has
        nobody else to validate on.
    valid_fraction : float
        That fraction. Not used where `valid_speaker` is given.
    seed : int
        Seed of the draw. Not used where `valid_speaker` is given.

    Returns
    -------
    dict
        The clips of each part. The test speakers are in no other part; with
        `valid_speaker` neither are the validation speakers.

    Raises
    ------
    ValueError
        Where a speaker is unknown or in two parts, or a part is empty.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clips = [
    ...     Utterance(id, None, 1.0, "sad", id, "", "en", "", "mine")
    ...     for id in "abc"
    ... ]
    >>> parts = leave_one_speaker_out(clips, "b", valid_speaker="c")
    >>> {part: [clip.id for clip in parts[part]] for part in parts}
    {'train': ['a'], 'valid': ['c'], 'test': ['b']}
    """
    test_speakers = _named(test_speaker)
    valid_speakers = _named(valid_speaker)
    _check_known(utterances, (*test_speakers, *valid_speakers))
    if twice := set(test_speakers) & set(valid_speakers):
        raise ValueError(
            f"Speakers cannot both validate and test: {', '.join(twice)}."
        )
    part_of = {
        **dict.fromkeys(valid_speakers, "valid"),
        **dict.fromkeys(test_speakers, "test"),
    }
    parts = _parts(utterances, lambda clip: part_of.get(clip.spk_id, "train"))
    if not valid_speakers:
        parts["train"], parts["valid"] = _stratify(
            parts["train"], [1 - valid_fraction, valid_fraction], seed
        )
    alone = ("valid", "test") if valid_speakers else ("test",)
    check_split(utterances, parts, disjoint_speakers=alone)
    return parts


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
        The clips of each part, each class within one clip of its share.

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
    parts = dict(
        zip(PARTS, _stratify(utterances, fractions, seed), strict=True)
    )
    check_split(utterances, parts)
    return parts


def published_split(utterances, parts):
    """Splits as the publishers of the corpus did.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    parts : dict
        The publishers' words for the parts -> "train", "valid" or "test".

    Returns
    -------
    dict
        The clips of each part.

    Raises
    ------
    ValueError
        Where a clip is in a part that is not in `parts`, or a part is empty.

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
    split = _parts(utterances, lambda clip: parts[clip.part])
    check_split(utterances, split)
    return split


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
    return _parts(utterances, lambda clip: part)


def _parts(utterances, part_of):
    """Sorts the clips into parts."""
    parts = {part: [] for part in PARTS}
    for clip in utterances:
        parts[part_of(clip)].append(clip)
    return parts


def _stratify(utterances, fractions, seed):
    """Draws from each class its share of each part, in the clips' order."""
    classes = defaultdict(list)
    for clip in sorted(utterances, key=lambda clip: _draw(clip, seed)):
        classes[clip.emo].append(clip)
    part_of = {}
    for clips in classes.values():
        start, share = 0, 0.0
        for part, fraction in enumerate(fractions):
            share += fraction
            end = round(share * len(clips))
            part_of.update((clip_key(clip), part) for clip in clips[start:end])
            start = end
    drawn = [[] for _ in fractions]
    for clip in utterances:
        drawn[part_of[clip_key(clip)]].append(clip)
    return drawn


def _draw(clip, seed):
    """A number drawn for one clip. Because it depends on nothing else, a
    missing file hardly moves the others between parts.
    """
    text = f"{seed}/{clip.corpus}/{clip.id}"
    return hashlib.sha256(text.encode()).hexdigest()


def _fold_of_speakers(folds):
    """The fold of each speaker."""
    count = Counter(speaker for fold in folds.values() for speaker in fold)
    twice = sorted(speaker for speaker in count if count[speaker] > 1)
    if twice:
        raise ValueError(f"Speakers in two folds: {', '.join(twice)}.")
    return {speaker: fold for fold, names in folds.items() for speaker in names}


def _next_fold(folds, test_fold, speakers):
    """The next fold after the test fold, around the end, that has clips."""
    order = list(folds)
    start = order.index(test_fold) + 1 if test_fold in folds else 0
    for fold in order[start:] + order[:start]:
        if fold != test_fold and speakers & set(folds[fold]):
            return fold
    raise ValueError(f"No fold but {test_fold!r} has clips to validate on.")


def _named(speakers):
    """A list of speakers from one, several or none."""
    if speakers is None:
        return []
    return [speakers] if isinstance(speakers, str) else list(speakers)


def _check_known(utterances, names):
    """Checks that the speakers have clips."""
    known = {clip.spk_id for clip in utterances}
    unknown = [str(name) for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"No clips of speaker {', '.join(unknown)}; speakers: "
            f"{', '.join(sorted(known))}."
        )
