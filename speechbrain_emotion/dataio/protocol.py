"""What a split must fulfil, and what to report about it with every result."""

from collections import Counter
from functools import partial

from .labels import class_counts

PARTS = ("train", "valid", "test")


def check_split(utterances, parts, disjoint_speakers=()):
    """Checks that every clip is in exactly one part and no part is empty.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    parts : dict
        What a split made of them.
    disjoint_speakers : list of str
        Parts whose speakers must not be in any other part.

    Raises
    ------
    ValueError
        Where the parts are not "train", "valid" and "test", a part is empty,
        a clip is missing or occurs twice, or a speaker is in two parts.

    Example
    -------
    >>> check_split([], {"train": [], "valid": [], "test": []})
    Traceback (most recent call last):
        ...
    ValueError: The split leaves no clip for train, valid, test.
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
        raise ValueError(f"The split leaves no clip for {', '.join(empty)}.")
    _check_speakers(parts, disjoint_speakers)


def _check_speakers(parts, disjoint_speakers):
    """Checks that the speakers of the given parts are in no other."""
    for part in disjoint_speakers:
        others = [clip for p in PARTS if p != part for clip in parts[p]]
        shared = _speakers(parts[part]) & _speakers(others)
        if shared:
            raise ValueError(
                f"Speakers of the {part} part are in another part, too: "
                f"{', '.join(sorted(shared))}."
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
    if isinstance(split, partial):
        return {**protocol_of(split.func), **split.keywords}
    return {"name": split.__name__}


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
        or validation, None where the test speakers are not known; `shared_speakers`: the speakers that two parts have in
        common; `test_sentences` and `test_sentences_in_train`: how many
        sentences the test part has, and how many of them also occur in
        training; `parts`: for each part the number of clips, the minutes, the
        speakers and the class counts.

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
    speakers = {part: _speakers(parts[part]) for part in PARTS}
    shared = {
        f"{a}-{b}": sorted(speakers[a] & speakers[b])
        for a, b in (("train", "valid"), ("train", "test"), ("valid", "test"))
    }
    sentences = {
        part: {clip.words for clip in parts[part] if clip.words}
        for part in PARTS
    }
    independent = not shared["train-test"] + shared["valid-test"]
    return {
        "speaker_independent": independent if speakers["test"] else None,
        "shared_speakers": shared,
        "test_sentences": len(sentences["test"]),
        "test_sentences_in_train": len(sentences["test"] & sentences["train"]),
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


def _speakers(utterances):
    """The speakers that are known, told apart between corpora."""
    return {
        f"{clip.corpus}/{clip.spk_id}" for clip in utterances if clip.spk_id
    }
