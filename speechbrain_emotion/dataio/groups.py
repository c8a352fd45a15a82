"""Groups of clips that belong together: of one speaker, video or sentence."""

import unicodedata
from collections import defaultdict
from functools import cache

# Names of these are given within a corpus: "S1" of one corpus and "S1" of
# another are not the same speaker.
WITHIN_CORPUS = ("spk_id", "session", "video")
GROUPS = (*WITHIN_CORPUS, "words", "gender", "corpus", "style")


def group_of(clip, by):
    """Names the group that a clip belongs to.

    Arguments
    ---------
    clip : Utterance
        The clip.
    by : str
        What makes a group: "spk_id", "session", "video", "words", "gender",
        "corpus" or "style".

    Returns
    -------
    str
        For speakers, sessions and videos the corpus and the name, as
        "RAVDESS/Actor_01"; for words `plain_words`; otherwise the name.
        Empty where it is not known.

    Raises
    ------
    ValueError
        Where `by` is none of these.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clip = Utterance("a", None, 1.0, "sad", "DC", "", "en", "Oh, no!", "X")
    >>> group_of(clip, "spk_id"), group_of(clip, "words")
    ('X/DC', 'ohno')
    """
    if by not in GROUPS:
        raise ValueError(
            f"Clips cannot be grouped by '{by}', only by {', '.join(GROUPS)}."
        )
    name = getattr(clip, by)
    if by == "words":
        return plain_words(name)
    return f"{clip.corpus}/{name}" if name and by in WITHIN_CORPUS else name


def groups_of(utterances, by):
    """Names the group of every clip.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    by : str
        As for `group_of`.

    Returns
    -------
    list of str
        The group of each clip.

    Raises
    ------
    ValueError
        As for `group_of`, and where the group of a clip is not known.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clip = Utterance("a", None, 1.0, "sad", "DC", "", "en", "Oh, no!", "X")
    >>> groups_of([clip], "spk_id")
    ['X/DC']
    >>> groups_of([clip], "video")
    Traceback (most recent call last):
        ...
    ValueError: The video of 1 of 1 clips is not known (X: a): split them by...
    """
    groups = [group_of(clip, by) for clip in utterances]
    unknown = [
        clip
        for clip, group in zip(utterances, groups, strict=True)
        if not group
    ]
    if unknown:
        raise ValueError(
            f"The {by} of {len(unknown)} of {len(utterances)} clips is not "
            f"known ({unknown[0].corpus}: {unknown[0].id}): split them by "
            "something else, or each corpus by its own split (split_each)."
        )
    return groups


def find_groups(groups, by, names):
    """Finds the groups that a user names.

    Arguments
    ---------
    groups : iterable of str
        The groups that there are, from `group_of`.
    by : str
        As for `group_of`.
    names : iterable
        Names of groups, with or without the corpus.

    Returns
    -------
    dict
        Name -> group, None where there is no such group.

    Raises
    ------
    ValueError
        Where two corpora have a group of that name.

    Example
    -------
    >>> find_groups(["RAVDESS/Actor_01"], "spk_id", ["Actor_01", "Actor_30"])
    {'Actor_01': 'RAVDESS/Actor_01', 'Actor_30': None}
    """
    meanings = defaultdict(set)
    for group in groups:
        meanings[group].add(group)
        if by in WITHIN_CORPUS:
            meanings[group.split("/", 1)[1]].add(group)
    found = {}
    for name in map(str, names):
        matches = meanings[plain_words(name) if by == "words" else name]
        if len(matches) > 1:
            raise ValueError(
                f"{len(matches)} corpora have a {by} '{name}': write "
                f"{' or '.join(map(repr, sorted(matches)))}."
            )
        found[name] = next(iter(matches), None)
    return found


def plain_words(text):
    """Reduces a text to what makes it another sentence.

    Arguments
    ---------
    text : str
        The text.

    Returns
    -------
    str
        The text without case, white space and punctuation, unless it has
        nothing else.

    Example
    -------
    >>> plain_words("¡Oh,  NO!") == plain_words("oh no")
    True
    >>> plain_words("?!")
    '?!'
    """
    # Decomposed and composed accents are the same letters.
    text = unicodedata.normalize("NFKC", text).casefold()
    return "".join(filter(_counts, text)) or text.strip()


@cache
def _counts(character):
    """Whether a character is neither punctuation nor space."""
    return unicodedata.category(character)[0] not in "PZC"
