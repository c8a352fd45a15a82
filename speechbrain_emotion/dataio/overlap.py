"""What the test part of a split shares with training and validation."""

# What test clips must not share with the others, and its plural.
KEPT_APART = {"spk_id": "speakers", "session": "sessions", "video": "videos"}
PLURALS = {**KEPT_APART, "words": "sentences"}
# Sentences are shared in every acted corpus. That matters where they tell the
# emotion: this much better than the most frequent emotion does.
NOTICEABLE = 0.05
ALL_KNOWN = {"test": 0, "train_valid": 0}


def leaks(name, column, majority):
    """Whether a reader of results must know that clips share something.

    Arguments
    ---------
    name : str
        The column: "spk_id", "session", "video" or "words".
    column : dict
        What the audit says of it.
    majority : dict
        The audit's figures of always answering the most frequent class.

    Returns
    -------
    bool
        For speakers, sessions and videos, whether the test part shares any
        with training or validation. For sentences, whether they also tell
        the emotion.

    Example
    -------
    >>> figures = {"accuracy": 0.2, "uar": 0.125, "macro_f1": 0.04}
    >>> column = {"shared_clips": 9, "lookup": figures}
    >>> leaks("video", column, figures), leaks("words", column, figures)
    (True, False)
    """
    if not column["shared_clips"] or name in KEPT_APART:
        return column["shared_clips"] > 0
    return any(
        column["lookup"][figure] > majority[figure] + NOTICEABLE
        for figure in ("accuracy", "uar")
    )


def percent(part, whole):
    """Formats a share so that only all is 100 % and only none is 0 %.

    Arguments
    ---------
    part : int
        How many.
    whole : int
        Of how many.

    Returns
    -------
    str
        The percentage, without its sign.

    Example
    -------
    >>> percent(551, 1027), percent(2609, 2610), percent(2610, 2610)
    ('53.7', '> 99.9', '100.0')
    """
    rounded = f"{100 * part / whole:.1f}"
    if rounded == "100.0" and part < whole:
        return "> 99.9"
    return "< 0.1" if rounded == "0.0" and part else rounded


def overlap(audit):
    """Says what the test part shares with training and validation.

    Arguments
    ---------
    audit : dict
        What `speechbrain_emotion.dataio.audit.audit` says.

    Yields
    ------
    str
        What is not shared, if it is known of every clip; then what is.

    Example
    -------
    >>> column = {
    ...     "test_clips": 9,
    ...     "shared_clips": 0,
    ...     "unknown_clips": {"test": 0, "train_valid": 0},
    ... }
    >>> audit = {"majority": {}, "columns": {"video": column}, "duplicates": {}}
    >>> list(overlap(audit))
    ['no overlap of videos']
    """
    columns = audit["columns"]
    apart = [
        plural
        for name, plural in KEPT_APART.items()
        if name in columns and _is_apart(columns[name])
    ]
    if apart:
        yield f"no overlap of {_join(apart)}"
    for name, column in columns.items():
        if leaks(name, column, audit["majority"]):
            share = percent(column["shared_clips"], column["test_clips"])
            yield (
                f"{PLURALS[name]} of {share} % of the test part in training "
                "or validation"
            )
    n_pairs = sum(
        len(pairs)
        for name, pairs in audit["duplicates"].items()
        if name.endswith("-test")
    )
    if n_pairs:
        yield (
            f"recordings both in training or validation and in test: {n_pairs}"
        )


def _is_apart(column):
    """Whether all is known of a column, and nothing is shared."""
    return (
        column.get("unknown_clips") == ALL_KNOWN and not column["shared_clips"]
    )


def _join(words):
    """Joins words as in "speakers, sessions or videos"."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last
