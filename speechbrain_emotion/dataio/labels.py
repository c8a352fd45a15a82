"""From the corpora's own words for emotions to the labels of a task."""

import logging
from collections import Counter
from dataclasses import replace

logger = logging.getLogger(__name__)


def map_labels(utterances, label_map, labels):
    """Replaces the corpus's words for emotions by the labels of the task.

    The counts before and after are logged. A label without a clip is legal:
    not every corpus has every emotion.

    Arguments
    ---------
    utterances : list of Utterance
        Clips as a corpus reader returns them.
    label_map : dict
        For every word of the corpus the label, or None to leave its clips
        out. Words that do not occur are ignored.
    labels : list of str
        The labels of the task in index order.

    Returns
    -------
    list of Utterance
        The clips that have a label, with that label as `emo`.

    Raises
    ------
    ValueError
        Where a label is listed twice, a word of the corpus is not in the
        map, the map leads to a label that is not listed, or no clip is left.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clips = [
    ...     Utterance(
    ...         id, None, 1.0, id, "Actor_01", "male", "en", "", "RAVDESS"
    ...     )
    ...     for id in ("fearful", "calm")
    ... ]
    >>> mapped = map_labels(
    ...     clips, {"fearful": "fear", "calm": None}, ["fear", "sad"]
    ... )
    >>> [(clip.id, clip.emo) for clip in mapped]
    [('fearful', 'fear')]
    """
    words = class_counts(utterances)
    _check(label_map, labels, words)
    mapped = [
        replace(clip, emo=label_map[clip.emo])
        for clip in utterances
        if label_map[clip.emo] is not None
    ]
    if not mapped:
        raise ValueError(
            f"The label map leaves no clip: its corpus words "
            f"{', '.join(words)} all map to null."
        )
    destinations = {
        f"{word} -> {label_map[word] or '(left out)'}": count
        for word, count in words.items()
    }
    logger.info("In the corpus:\n" + count_table(destinations))
    logger.info("Labels:\n" + count_table(class_counts(mapped, labels)))
    return mapped


def class_counts(utterances, labels=()):
    """Counts the clips of each class.

    Arguments
    ---------
    utterances : list of Utterance
        The clips.
    labels : list of str
        Classes to list first, in this order, also where they have no clip.

    Returns
    -------
    dict
        Number of clips by class; classes not in `labels` follow by name.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> clip = Utterance("a", None, 1.0, "sad", "1", "", "en", "", "mine")
    >>> class_counts([clip], labels=["happy", "sad"])
    {'happy': 0, 'sad': 1}
    """
    counts = Counter(clip.emo for clip in utterances)
    return {
        label: counts[label]
        for label in (*labels, *sorted(set(counts) - set(labels)))
    }


def count_table(counts):
    """Formats counts as text, one a line, with their sum.

    Arguments
    ---------
    counts : dict
        Number by name.

    Returns
    -------
    str
        The table.

    Example
    -------
    >>> print(count_table({"happy": 0, "sad": 12}))
      happy   0
      sad    12
      total  12
    """
    rows = {**counts, "total": sum(counts.values())}
    name_width = max(len(name) for name in rows)
    width = len(str(rows["total"]))
    return "\n".join(
        f"  {name:{name_width}}  {count:{width}}"
        for name, count in rows.items()
    )


def _check(label_map, labels, words):
    """Checks that the map leads from every word to a label of the list."""
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        raise ValueError(f"Labels listed more than once: {', '.join(twice)}.")
    unmapped = [word for word in words if word not in label_map]
    if unmapped:
        raise ValueError(
            f"The label map has no entry for the corpus's "
            f"{', '.join(unmapped)}. Give each a label or null to leave it "
            f"out; the map has: {', '.join(label_map)}."
        )
    unlisted = [
        f"{word}: {label}"
        for word, label in label_map.items()
        if label is not None and label not in labels
    ]
    if unlisted:
        raise ValueError(
            f"The label map leads to labels that are not listed "
            f"({', '.join(unlisted)}); listed: {', '.join(labels)}."
        )
