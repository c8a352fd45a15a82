"""Drawing clips for the parts of a split.

A draw depends on names and the seed only, neither on the order of the files
nor on the version of Python, and a missing file hardly moves the others.
"""

import hashlib
import math
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import accumulate, pairwise


def stratify(utterances, fractions, seed):
    """Draws shares of the clips that have the same classes.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    fractions : list of float
        The shares, two or three, of the sum 1.
    seed : int
        Seed of the draw.

    Returns
    -------
    list of list of Utterance
        The clips of each share in their order. The first n shares have as
        many clips in all as their sum says, rounded to the nearest number,
        and each class in each share is within one clip of its share.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clips = [
    ...     Utterance(str(i), None, 1.0, "sad", "1", "", "en", "", "mine")
    ...     for i in range(20)
    ... ]
    >>> [len(share) for share in stratify(clips, [0.85, 0.1, 0.05], seed=1)]
    [17, 2, 1]
    """
    classes = defaultdict(list)
    order = sorted(range(len(utterances)), key=_draws(utterances, seed))
    for index in order:
        classes[utterances[index].emo].append(index)
    names = sorted(classes)
    # Exact decimals: in binary, 0.7 + 0.2 is less than 0.9.
    shares = [Fraction(str(fraction)) for fraction in fractions[:-1]]
    shares.append(1 - sum(shares))
    sizes = _sizes([len(classes[name]) for name in names], shares)
    drawn = [[] for _ in shares]
    for name, numbers in zip(names, sizes, strict=True):
        ends = accumulate(numbers, initial=0)
        for share, (start, end) in zip(drawn, pairwise(ends), strict=True):
            share += classes[name][start:end]
    return [[utterances[i] for i in sorted(share)] for share in drawn]


def draw_validation(parts, fraction, seed):
    """Moves a fraction of each class from training to validation.

    Arguments
    ---------
    parts : dict
        The clips of each part, changed in place.
    fraction : float
        The fraction.
    seed : int
        Seed of the draw.

    Raises
    ------
    ValueError
        Where the fraction is not between 0 and 1.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clips = [
    ...     Utterance(str(i), None, 1.0, "sad", "1", "", "en", "", "mine")
    ...     for i in range(10)
    ... ]
    >>> parts = {"train": clips, "valid": [], "test": []}
    >>> draw_validation(parts, fraction=0.2, seed=1)
    >>> len(parts["train"]), len(parts["valid"])
    (8, 2)
    """
    if not 0 < fraction < 1:
        raise ValueError(
            f"valid_fraction must be between 0 and 1, not {fraction}."
        )
    rest = 1 - Fraction(str(fraction))
    parts["train"], parts["valid"] = stratify(
        parts["train"], [rest, fraction], seed
    )


def balance(groups, emotions, n_folds, seed):
    """Puts groups of clips into folds of about equal size.

    The largest groups come first. Each goes to the fold in which its classes
    are the rarest, among those that it does not make larger than the others.
    No fold exceeds the mean size by more than the largest group has clips.

    Arguments
    ---------
    groups : list of str
        The group of each clip.
    emotions : list of str
        The class of each clip.
    n_folds : int
        Number of folds.
    seed : int
        Seed of the order of groups of one size.

    Returns
    -------
    dict
        Group -> fold, from 1.

    Example
    -------
    >>> folds = balance("aaabbcde", ["sad"] * 8, n_folds=3, seed=0)
    >>> folds["a"], folds["b"]
    (1, 2)
    """
    classes, total = defaultdict(Counter), Counter(emotions)
    for group, emo in zip(groups, emotions, strict=True):
        classes[group][emo] += 1
    folds = {number: Counter() for number in range(1, n_folds + 1)}
    fold_of = {}
    for group in sorted(
        classes, key=lambda g: (-classes[g].total(), _number(seed, g))
    ):
        size = classes[group].total()
        smallest = min(fold.total() for fold in folds.values())
        room = max(smallest, len(groups) / n_folds - size)
        fold_of[group] = min(
            (n for n, fold in folds.items() if fold.total() <= room),
            key=lambda n: (
                _overlap(folds[n], classes[group], total),
                folds[n].total(),
                n,
            ),
        )
        folds[fold_of[group]] += classes[group]
    return fold_of


def _sizes(counts, shares):
    """Numbers of clips by class and share. Their sums over a class are its
    count, those over a share its rounded part of all clips, and each is a
    share of a count, rounded down or up by less than one, or by one.
    """
    ends = [
        math.floor(end * sum(counts) + Fraction(1, 2))
        for end in accumulate(shares, initial=0)
    ]
    sizes = [
        [math.floor(share * count) for share in shares] for count in counts
    ]
    missing = [
        end - start - sum(column)
        for (start, end), column in zip(pairwise(ends), zip(*sizes))
    ]
    for row, count in zip(sizes, counts, strict=True):
        # One more for the shares that lack most: that always comes out even
        # (Gale and Ryser).
        neediest = sorted(
            range(len(shares)),
            key=lambda i: (-missing[i], row[i] - shares[i] * count),
        )
        for i in neediest[: count - sum(row)]:
            row[i] += 1
            missing[i] -= 1
    return sizes


def _overlap(fold, group, total):
    """How full a fold is of a group's classes."""
    return (
        sum(fold[emo] * count / total[emo] for emo, count in group.items())
        + fold.total() * group.total() / total.total()
    )


def _draws(utterances, seed):
    """A function from the index of a clip to the number drawn for it."""

    def draw(index):
        """The number drawn for the clip of this index."""
        clip = utterances[index]
        return _number(seed, f"{clip.corpus}/{clip.id}")

    return draw


def _number(seed, name):
    """The number drawn for a name."""
    return hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()
