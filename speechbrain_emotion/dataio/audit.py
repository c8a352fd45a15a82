"""What the parts of a split have in common, and what that is worth.

A split can leak: where training has other clips of a test clip's video, a
model can recognise the video instead of the emotion. The audit counts such
clips, and says how good a classifier would be that knows nothing else. The
validation part counts as training here: it chooses the checkpoint.
"""

from collections import Counter, defaultdict

from .corpora.scan import some_of
from .duplicates import duplicates
from .groups import group_of
from .protocol import leaks

COLUMNS = ("spk_id", "session", "video", "words")
SHARING = {
    "spk_id": ("are by speakers who", "speaker"),
    "session": ("are from sessions that", "session"),
    "video": ("are cut from videos that", "video"),
    "words": ("have sentences that", "sentence"),
}


def audit(parts):
    """Looks for what gives the classes of the test part away.

    Arguments
    ---------
    parts : dict
        The clips of each part, with audio or without.

    Returns
    -------
    dict
        `majority`: `accuracy`, `uar` and `macro_f1` on the test part of
        always answering the most frequent class that was seen, that is in
        training and validation; `columns`: for each of "spk_id", "session",
        "video" and "words" that is known of test clips, `test_groups` and
        `shared_groups` (how many there are, and how many of them were seen,
        too), `test_clips` and `shared_clips` (how many test clips they have),
        and `lookup`, the three figures of answering the most frequent class
        of the seen clips with the same value; `duplicates`: what `duplicates` says; `warnings`: sentences for
        the reader, none for a clean split.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clips = [
    ...     Utterance(id, None, 1.0, emo, "", "", "en", "", "mine", video=video)
    ...     for id, emo, video in [
    ...         ("1", "sad", "a"),
    ...         ("2", "angry", "b"),
    ...         ("3", "sad", "a"),
    ...         ("4", "angry", "b"),
    ...         ("5", "angry", "c"),
    ...         ("6", "sad", "d"),
    ...     ]
    ... ]
    >>> found = audit({"train": clips[:2], "valid": [], "test": clips[2:]})
    >>> found["columns"]["video"]["shared_clips"]
    2
    >>> print(found["warnings"][0])
    2 of 4 test clips (50.0 %) are cut from videos that are in training, too...
    """
    # Validation chooses the checkpoint: its clips are seen as well.
    seen, test = parts["train"] + parts["valid"], parts["test"]
    pairs, unreadable = duplicates(parts)
    found = {
        "majority": _lookup(seen, test, lambda clip: ""),
        "columns": {
            column: _column(seen, test, column)
            for column in COLUMNS
            if any(group_of(clip, column) for clip in test)
        },
        "duplicates": pairs,
    }
    return {**found, "warnings": list(_warnings(found, unreadable))}


def _column(seen, test, column):
    """What the seen clips and the test part share in one column."""
    heard = {group_of(clip, column) for clip in seen}
    clips = Counter(group_of(clip, column) for clip in test)
    del clips[""]
    shared = {group: n for group, n in clips.items() if group in heard}
    return {
        "test_groups": len(clips),
        "shared_groups": len(shared),
        "test_clips": clips.total(),
        "shared_clips": sum(shared.values()),
        "lookup": _lookup(seen, test, lambda clip: group_of(clip, column)),
    }


def _lookup(seen, test, group):
    """The figures of a classifier that knows the group only. The classes of
    a group it takes from the seen clips, for a new one those of all of them.
    """
    # It loads torch, which is not needed to read a corpus.
    from ..utils.metrics import ClassificationReport

    overall = Counter(clip.emo for clip in seen)
    classes = defaultdict(Counter)
    for clip in seen:
        if group(clip):
            classes[group(clip)][clip.emo] += 1
    labels = sorted(overall.keys() | {clip.emo for clip in test})
    index = {label: number for number, label in enumerate(labels)}
    answers = {key: _most_frequent(counts) for key, counts in classes.items()}
    majority = _most_frequent(overall)
    report = ClassificationReport.from_indices(
        [index[answers.get(group(clip), majority)] for clip in test],
        [index[clip.emo] for clip in test],
        labels,
    )
    return {
        name: round(getattr(report, name), 4)
        for name in ("accuracy", "uar", "macro_f1")
    }


def _most_frequent(counts):
    """The most frequent class; of several, the first in the alphabet."""
    return min(counts, key=lambda emo: (-counts[emo], emo))


def _warnings(found, unreadable):
    """Says what a reader of the results must know."""
    if pairs := found["duplicates"]["train-test"]:
        yield (
            "Recordings that are both in training and in the test part: "
            f"{len(pairs)} ({some_of([' = '.join(p) for p in pairs])})."
        )
    for name, column in found["columns"].items():
        if leaks(name, column, found["majority"]):
            yield _warning(name, column, found["majority"])
    if unreadable:
        yield (
            "Clips that cannot be read, and were not compared with the others: "
            f"{len(unreadable)} ({some_of(unreadable)})."
        )


def _warning(name, column, majority):
    """Says what training and test part share in one column, and its worth."""
    share = column["shared_clips"] / column["test_clips"]
    accuracy = column["lookup"]["accuracy"]
    verb, noun = SHARING[name]
    worth = (
        f"knowing only the {noun} gives {100 * accuracy:.1f} % accuracy"
        if accuracy > majority["accuracy"]
        else f"results say little about new {noun}s"
    )
    return (
        f"{column['shared_clips']:,} of {column['test_clips']:,} test clips "
        f"({100 * share:.1f} %) {verb} are in training, too; {worth}."
    )
