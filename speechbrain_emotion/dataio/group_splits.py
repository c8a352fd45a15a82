"""Splits that put every group of clips (a speaker, a video) into one part."""

import logging
from collections import Counter

from .draws import balance, draw_validation
from .groups import find_groups, groups_of
from .notices import notice
from .protocol import check_split, sort_into_parts

logger = logging.getLogger(__name__)

NAMED_AT_MOST = 30  # groups in one message


def speaker_folds(
    utterances, folds, test_fold, valid_fold=None, valid_fraction=None, seed=0
):
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
    valid_fraction : float
        Where given, all other folds are for training, and this fraction of
        each class is drawn from them for validation.
    seed : int
        Seed of that draw.

    Returns
    -------
    dict
        The clips of each part.

    Raises
    ------
    ValueError
        Where a fold is unknown, a part is empty, a speaker is in no fold or
        in two, or both a fold and a fraction are to validate.

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
    speakers = groups_of(utterances, "spk_id")
    fold_of = _fold_of_speakers(folds, set(speakers))
    _check_fold(test_fold, folds)
    _check_occupied(test_fold, folds, fold_of, "test")
    part_of = {test_fold: "test"}
    if valid_fraction is None:
        if valid_fold is None:
            valid_fold = _next_fold(folds, test_fold, set(fold_of.values()))
        _check_fold(valid_fold, folds)
        if test_fold == valid_fold:
            raise ValueError(
                f"Fold {test_fold!r} cannot both validate and test."
            )
        part_of[valid_fold] = "valid"
        _check_occupied(valid_fold, folds, fold_of, "valid")
    elif valid_fold is not None:
        raise ValueError("Give valid_fold or valid_fraction, not both.")
    parts = sort_into_parts(
        utterances,
        [part_of.get(fold_of[speaker], "train") for speaker in speakers],
    )
    if valid_fraction is not None:
        draw_validation(parts, valid_fraction, seed)
    check_split(utterances, parts)
    return parts


def leave_one_group_out(
    utterances,
    by,
    test_group,
    valid_group=None,
    valid_fraction=0.1,
    seed=0,
):
    """Tests on one group (or several) and trains on the others.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    by : str
        What makes a group: "spk_id", "session", "video", "words" (sentences
        that differ in more than punctuation), "gender", "corpus" or "style".
    test_group : str or list of str
        What to test on. Where two corpora have a speaker, session or video of
        that name, write the corpus before it: "RAVDESS/Actor_01".
    valid_group : str or list of str
        What to validate on. By default, a fraction of each class is drawn
        from the training clips: a corpus of two speakers has nobody else to
        validate on.
    valid_fraction : float
        That fraction. Not used where `valid_group` is given.
    seed : int
        Seed of the draw. Not used where `valid_group` is given.

    Returns
    -------
    dict
        The clips of each part. The test groups are in no other part; with
        `valid_group` neither are the validation groups.

    Raises
    ------
    ValueError
        Where a group is unknown, ambiguous or in two parts, a clip is in no
        group, or a part is empty.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clips = [
    ...     Utterance(id, None, 1.0, "sad", id, "", "en", "", "mine")
    ...     for id in "abc"
    ... ]
    >>> parts = leave_one_group_out(clips, "spk_id", "b", valid_group="c")
    >>> {part: [clip.id for clip in parts[part]] for part in parts}
    {'train': ['a'], 'valid': ['c'], 'test': ['b']}
    """
    groups = groups_of(utterances, by)
    test_groups = _known_groups(groups, by, test_group)
    valid_groups = _known_groups(groups, by, valid_group)
    if twice := sorted(set(test_groups) & set(valid_groups)):
        raise ValueError(
            f"The {by} {', '.join(twice)} cannot both validate and test."
        )
    part_of = {
        **dict.fromkeys(valid_groups, "valid"),
        **dict.fromkeys(test_groups, "test"),
    }
    parts = sort_into_parts(
        utterances, [part_of.get(group, "train") for group in groups]
    )
    if not valid_groups:
        draw_validation(parts, valid_fraction, seed)
    check_split(utterances, parts)
    return parts


def group_folds(utterances, by, n_folds, test_fold, seed=0):
    """Cross-validates over groups, none of which is in two parts.

    The groups are put into folds of about equal size and, as far as that
    goes, with the same classes. The fold after the test fold, around the end,
    is the validation part.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    by : str
        What makes a group, as for `leave_one_group_out`.
    n_folds : int
        Number of folds, 3 or more.
    test_fold : int
        The fold to test on, from 1 to `n_folds`.
    seed : int
        Seed of the draw. The folds are the same for every `test_fold`.

    Returns
    -------
    dict
        The clips of each part.

    Raises
    ------
    ValueError
        Where there are fewer than three folds or fewer groups than folds, no
        such fold, or a clip is in no group.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clips = [
    ...     Utterance(
    ...         f"{video}{i}",
    ...         None,
    ...         1.0,
    ...         "sad",
    ...         "",
    ...         "",
    ...         "en",
    ...         "",
    ...         "mine",
    ...         video=video,
    ...     )
    ...     for i, video in enumerate("aabbcc")
    ... ]
    >>> parts = group_folds(clips, "video", n_folds=3, test_fold=1)
    >>> {part: len(parts[part]) for part in parts}
    {'train': 2, 'valid': 2, 'test': 2}
    """
    groups = groups_of(utterances, by)
    if not 3 <= n_folds <= len(set(groups)):
        raise ValueError(
            f"{len(set(groups))} groups ({by}) cannot be put into {n_folds} "
            "folds: there must be at least 3 folds, and a group for each."
        )
    if not 1 <= test_fold <= n_folds:
        raise ValueError(
            f"There is no fold {test_fold!r}; the folds are 1 to {n_folds}."
        )
    emotions = [clip.emo for clip in utterances]
    fold_of = balance(groups, emotions, n_folds, seed)
    part_of = {test_fold: "test", test_fold % n_folds + 1: "valid"}
    parts = sort_into_parts(
        utterances,
        [part_of.get(fold_of[group], "train") for group in groups],
    )
    check_split(utterances, parts)
    return parts


def _check_fold(fold, folds):
    """Refuses a fold that is not there."""
    if fold not in folds:
        raise ValueError(
            f"There is no fold {fold!r}; the folds are "
            f"{', '.join(map(repr, folds))}."
        )


def _check_occupied(fold, folds, fold_of, part):
    """Refuses a fold of which there is no clip."""
    if fold not in fold_of.values():
        raise ValueError(
            f"The split leaves no clip for {part}: there is none of fold "
            f"{fold!r} ({', '.join(map(str, folds[fold]))})."
        )


def _fold_of_speakers(folds, speakers):
    """The fold of each speaker who has a clip."""
    names = [name for fold in folds.values() for name in fold]
    found = find_groups(speakers, "spk_id", names)
    absent = sorted(name for name in found if found[name] is None)
    if absent:
        notice(logger, f"Speakers without a clip: {', '.join(absent)}.")
    count = Counter(found[name] or name for name in names)
    if twice := sorted(name for name in count if count[name] > 1):
        raise ValueError(f"Speakers in two folds: {', '.join(twice)}.")
    if unplaced := sorted(speakers - set(found.values())):
        raise ValueError(f"Speakers in no fold: {', '.join(unplaced)}.")
    return {
        found[name]: fold
        for fold in folds
        for name in folds[fold]
        if found[name] is not None
    }


def _next_fold(folds, test_fold, occupied):
    """The next fold after the test fold, around the end, that has clips."""
    order = list(folds)
    start = order.index(test_fold) + 1 if test_fold in folds else 0
    empty = []
    for fold in order[start:] + order[:start]:
        if fold != test_fold and fold in occupied:
            if empty:
                notice(
                    logger,
                    f"No clip in fold {', '.join(map(repr, empty))}: fold "
                    f"{fold!r} validates.",
                )
            return fold
        empty.append(fold)
    raise ValueError(f"No fold but {test_fold!r} has clips to validate on.")


def _known_groups(groups, by, names):
    """The groups that one name, several or none stand for."""
    if names is None:
        return []
    names = names if isinstance(names, list | tuple) else [names]
    known = set(groups)
    found = find_groups(known, by, names)
    if unknown := [name for name in found if found[name] is None]:
        raise ValueError(
            f"No clip of the {by} {', '.join(unknown)}; there are: "
            f"{', '.join(sorted(known)[:NAMED_AT_MOST])}"
            f"{', ...' if len(known) > NAMED_AT_MOST else '.'}"
        )
    return list(found.values())
