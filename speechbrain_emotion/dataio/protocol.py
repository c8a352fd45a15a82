"""What a split must fulfil, and what to report about it with every result."""

import json
from collections import Counter
from functools import partial
from pathlib import Path

from .groups import group_of
from .labels import class_counts
from .overlap import overlap

PARTS = ("train", "valid", "test")
PAIRS = (("train", "valid"), ("train", "test"), ("valid", "test"))


def sort_into_parts(utterances, names):
    """Sorts clips into the parts of a split.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    names : list of str
        The part of each clip.

    Returns
    -------
    dict
        The clips of each part.

    Example
    -------
    >>> sort_into_parts([], [])
    {'train': [], 'valid': [], 'test': []}
    """
    parts = {part: [] for part in PARTS}
    for clip, name in zip(utterances, names, strict=True):
        parts[name].append(clip)
    return parts


def check_split(utterances, parts):
    """Checks that every clip is in exactly one part and no part is empty.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    parts : dict
        What a split made of them.

    Raises
    ------
    ValueError
        Where the parts are not "train", "valid" and "test", a part is empty,
        or a clip is missing or occurs twice.

    Example
    -------
    >>> check_split([], {"train": [], "valid": [], "test": []})
    Traceback (most recent call last):
        ...
    ValueError: The split leaves no clip for train, valid, test of 0 clips.
    """
    if set(parts) != set(PARTS):
        raise ValueError(
            f"A split has the parts {', '.join(PARTS)}, not {', '.join(parts)}."
        )
    given = Counter(clip_key(clip) for clip in utterances)
    placed = Counter(clip_key(clip) for part in PARTS for clip in parts[part])
    twice = [key for key, count in (given | placed).items() if count > 1]
    if twice:
        raise ValueError(
            f"{len(twice)} clips occur more than once: "
            f"{', '.join(id for _, id in sorted(twice)[:5])}."
        )
    if given != placed:
        raise ValueError(
            f"The split leaves out {(given - placed).total()} of "
            f"{given.total()} clips and adds {(placed - given).total()}."
        )
    empty = [part for part in PARTS if not parts[part]]
    if empty:
        raise ValueError(
            f"The split leaves no clip for {', '.join(empty)} of "
            f"{given.total()} clips."
        )


def protocol_of(split):
    """Names a split or reading function and its settings, for the record.

    Arguments
    ---------
    split : callable
        A function, as a rule a `functools.partial` from a
        hyperparameter file.

    Returns
    -------
    dict
        Its `name` and settings.

    Example
    -------
    >>> from speechbrain_emotion.dataio.splits import whole_corpus
    >>> protocol_of(partial(whole_corpus, part="test"))
    {'name': 'whole_corpus', 'part': 'test'}
    """
    if not isinstance(split, partial):
        return {"name": split.__name__}
    settings = {name: _plain(value) for name, value in split.keywords.items()}
    return {**protocol_of(split.func), **settings}


def _plain(value):
    """A setting for the record, in which functions are named."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return protocol_of(value) if callable(value) else value


def describe(parts, labels=()):
    """Describes a split, as results made with it should cite it.

    Arguments
    ---------
    parts : dict
        The clips of each part.
    labels : list of str
        Labels to count also where they have no clip.

    Returns
    -------
    dict
        `speaker_independent`: whether no test speaker is heard in training
        or validation, None where the speaker of a clip is not known and no
        other is shared; `shared_speakers`: the speakers that two parts have
        in common; `test_sentences` and `test_sentences_seen`: how many
        sentences the test part has, and how many of them also occur in
        training or validation; `corpora`: for each part the number of clips
        of each corpus; `parts`: for each part the number of clips, the
        minutes, the speakers and the class counts.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clip = Utterance("a", None, 60.0, "sad", "Eva", "", "en", "Hi", "mine")
    >>> description = describe({"train": [clip], "valid": [], "test": [clip]})
    >>> description["speaker_independent"]
    False
    >>> description["shared_speakers"]["train-test"]
    ['mine/Eva']
    """
    speakers = {part: _known(parts[part], "spk_id") for part in PARTS}
    sentences = {part: _known(parts[part], "words") for part in PARTS}
    shared = {f"{a}-{b}": sorted(speakers[a] & speakers[b]) for a, b in PAIRS}
    seen = sentences["train"] | sentences["valid"]
    return {
        "speaker_independent": _speaker_independent(parts, shared),
        "shared_speakers": shared,
        "test_sentences": len(sentences["test"]),
        "test_sentences_seen": len(sentences["test"] & seen),
        "corpora": {
            part: dict(sorted(Counter(c.corpus for c in parts[part]).items()))
            for part in PARTS
        },
        "parts": {
            part: {
                "clips": len(parts[part]),
                "minutes": round(
                    sum(clip.length for clip in parts[part]) / 60, 1
                ),
                "speakers": sorted(speakers[part]),
                "classes": class_counts(parts[part], labels),
            }
            for part in PARTS
        },
    }


def _speaker_independent(parts, shared):
    """Whether no test speaker is heard before, None where nobody knows."""
    if shared["train-test"] + shared["valid-test"]:
        return False
    clips = [clip for part in PARTS for clip in parts[part]]
    return True if all(clip.spk_id for clip in clips) else None


def speaker_protocol(description):
    """Says in words whether a split is speaker-independent.

    Arguments
    ---------
    description : dict
        What `describe` returned.

    Returns
    -------
    str

    Example
    -------
    >>> speaker_protocol({"speaker_independent": False})
    'NOT speaker-independent'
    """
    return {
        True: "speaker-independent",
        False: "NOT speaker-independent",
        None: "speakers unknown",
    }[description["speaker_independent"]]


def read_protocol(split_file):
    """Reads the record of a split, for cards and results.

    Arguments
    ---------
    split_file : str or pathlib.Path
        The `split.json` that preparation wrote.

    Returns
    -------
    dict
        `settings`, `protocol` (its name), what `describe` says, and `audit`
        (what `speechbrain_emotion.dataio.audit.audit` says).

    Raises
    ------
    FileNotFoundError
        Where there is no such file.
    ValueError
        Where it is no such record.

    Example
    -------
    >>> path = Path(getfixture("tmp_path")) / "split.json"
    >>> _ = path.write_text("{}")
    >>> read_protocol(path)
    Traceback (most recent call last):
        ...
    ValueError: '...split.json' is no record of a split: it has no settings,...
    """
    text = Path(split_file).read_text(encoding="utf-8")
    try:
        record = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"'{split_file}' is no JSON: {error}.") from error
    needed = ("settings", "protocol", "parts", "audit")
    if missing := [key for key in needed if key not in record]:
        raise ValueError(
            f"'{split_file}' is no record of a split: it has no "
            f"{', '.join(missing)}. Prepare the corpus anew, in another "
            "output folder."
        )
    return record


def protocol_in_words(record):
    """Says in one line how a corpus was split and what the parts share.

    Arguments
    ---------
    record : dict
        What `read_protocol` returned.

    Returns
    -------
    str
        To be put beside every result.

    Example
    -------
    >>> record = {
    ...     "settings": {"split": {"name": "speaker_folds", "test_fold": 1}},
    ...     "protocol": "emobox",
    ...     "speaker_independent": True,
    ...     "parts": {part: {"clips": 1200} for part in PARTS},
    ...     "audit": {
    ...         "majority": {},
    ...         "columns": {
    ...             "spk_id": {
    ...                 "test_clips": 9,
    ...                 "shared_clips": 0,
    ...                 "unknown_clips": {"test": 0, "train_valid": 0},
    ...             }
    ...         },
    ...         "duplicates": {"train-test": []},
    ...     },
    ... }
    >>> for fact in protocol_in_words(record).split("; "):
    ...     print(fact)
    emobox (speaker_folds, test fold 1): speaker-independent
    train 1,200, valid 1,200, test 1,200 utterances
    no overlap of speakers
    """
    split = dict(record["settings"]["split"])
    settings = [split.pop("name"), *filter(None, map(_setting, split.items()))]
    sizes = ", ".join(
        f"{part} {record['parts'][part]['clips']:,}" for part in PARTS
    )
    facts = [
        speaker_protocol(record),
        f"{sizes} utterances",
        *overlap(record["audit"]),
    ]
    return f"{record['protocol']} ({', '.join(settings)}): {'; '.join(facts)}"


def _setting(item):
    """A setting of a split in words, None for one that is too long."""
    name, value = item
    if value is None or isinstance(value, dict):
        return None
    if isinstance(value, list):
        value = "/".join(map(str, value))
    return f"{name.replace('_', ' ')} {value}"


def clip_key(clip):
    """Tells the clips of one or several corpora apart.

    Arguments
    ---------
    clip : Utterance
        The clip.

    Returns
    -------
    tuple of str
        Its corpus and id.
    """
    return clip.corpus, clip.id


def _known(utterances, by):
    """The groups of clips that are known, told apart between corpora."""
    return {group_of(clip, by) for clip in utterances} - {""}
