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
from .overlap import KEPT_APART, leaks, percent

CALLED = {"test": "test", "train_valid": "training and validation"}
COLUMNS = ("spk_id", "session", "video", "words")
SHARING = {
    "spk_id": ("are by speakers who", "speaker"),
    "session": ("are from sessions that", "session"),
    "video": ("are cut from videos that", "video"),
    "words": ("have sentences that", "sentence"),
}


def audit(parts, notices=()):
    """Looks for what gives the classes of the test part away.

    Arguments
    ---------
    parts : dict
        The clips of each part, with audio or without.
    notices : list of str
        What reading and splitting gave notice of; it heads the warnings.

    Returns
    -------
    dict
        `majority`: `accuracy`, `uar` and `macro_f1` on the test part of
        always answering the most frequent class that was seen, that is in
        training and validation; `columns`: for each of "spk_id", "session",
        "video" and "words" that is known of test clips, `test_groups` and
        `shared_groups` (how many there are, and how many of them were seen,
        too), `test_clips` and `shared_clips` (how many test clips they have),
        `unknown_clips` (of how many clips of "test" and of "train_valid" it
        is not known), and `lookup`, the three figures of answering the most
        frequent class of the seen clips with the same value; `duplicates`:
        what `duplicates` says; `leaks`: sentences on what gives answers
        away, none for a clean split; `warnings`: sentences on what else a
        reader must know, as what was not found or could not be checked.

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
    >>> print(found["leaks"][0])
    2 of 4 test clips (50.0 %) are cut from videos that are in training or ...
    >>> found["warnings"]
    []
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
    total = {"test": len(test), "train_valid": len(seen)}
    return {
        **found,
        "leaks": list(_leaks(found)),
        "warnings": [*notices, *_warnings(found["columns"], total, unreadable)],
    }


def _column(seen, test, column):
    """What the seen clips and the test part share in one column."""
    heard = Counter(group_of(clip, column) for clip in seen)
    clips = Counter(group_of(clip, column) for clip in test)
    unknown = {"test": clips.pop("", 0), "train_valid": heard.pop("", 0)}
    shared = {group: n for group, n in clips.items() if group in heard}
    return {
        "test_groups": len(clips),
        "shared_groups": len(shared),
        "test_clips": clips.total(),
        "shared_clips": sum(shared.values()),
        "unknown_clips": unknown,
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


def _leaks(found):
    """Says what gives the classes of test clips away."""
    duplicates = found["duplicates"]
    if pairs := duplicates["train-test"] + duplicates["valid-test"]:
        yield (
            "Recordings that are both in training or validation and in the "
            f"test part: {len(pairs)} "
            f"({some_of([' = '.join(pair) for pair in pairs])})."
        )
    for name, column in found["columns"].items():
        if leaks(name, column, found["majority"]):
            yield _leak(name, column, found["majority"])


def _warnings(columns, total, unreadable):
    """Says what could not be checked."""
    if not KEPT_APART.keys() & columns.keys():
        yield (
            "Not checked for shared speakers, sessions or videos: the corpus "
            "does not say."
        )
    for name, plural in KEPT_APART.items():
        unknown = columns[name]["unknown_clips"] if name in columns else {}
        facts = [
            f"{n:,} of {total[part]:,} {CALLED[part]} clips"
            for part, n in unknown.items()
            if n
        ]
        if facts:
            yield f"The {plural} of {' and of '.join(facts)} are not known."
    if unreadable:
        yield (
            "Clips that cannot be read, and were not compared with the others: "
            f"{len(unreadable)} ({some_of(unreadable)})."
        )


def _leak(name, column, majority):
    """Says what the test part shares in one column, and its worth."""
    share = percent(column["shared_clips"], column["test_clips"])
    accuracy = column["lookup"]["accuracy"]
    verb, noun = SHARING[name]
    worth = (
        f"knowing only the {noun} gives {100 * accuracy:.1f} % accuracy"
        if accuracy > majority["accuracy"]
        else f"results say little about new {noun}s"
    )
    return (
        f"{column['shared_clips']:,} of {column['test_clips']:,} test clips "
        f"({share} %) {verb} are in training or validation, too; {worth}."
    )
