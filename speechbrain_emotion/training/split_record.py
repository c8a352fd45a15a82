"""The record of a split, ``split.json``, as cards and results read it."""

import json
import pathlib

from speechbrain_emotion.dataio.protocol import PARTS


def read_record(path):
    """Reads a record of any version.

    Arguments
    ---------
    path : str or Path
        The file.

    Returns
    -------
    dict

    Example
    -------
    >>> path = getfixture("tmp_path") / "split.json"
    >>> _ = path.write_text('{"protocol": "emobox"}')
    >>> read_record(path)
    {'protocol': 'emobox'}
    """
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def find_split_record(hparams):
    """Finds the record of the split that a training was made with.

    Arguments
    ---------
    hparams : dict
        With the paths ``split_file``, ``train_annotation``,
        ``valid_annotation`` and ``test_annotation``.

    Returns
    -------
    str or None
        The path of the record; None if there is none, or if its parts are
        not as large as the manifests, as where ``skip_prep`` is set.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> hparams = {"split_file": folder / "split.json"}
    >>> for part in ("train", "valid", "test"):
    ...     hparams[f"{part}_annotation"] = folder / f"{part}.json"
    ...     _ = hparams[f"{part}_annotation"].write_text('{"clip": {}}')
    >>> find_split_record(hparams) is None
    True
    >>> parts = {part: {"clips": 1} for part in ("train", "valid", "test")}
    >>> _ = hparams["split_file"].write_text(json.dumps({"parts": parts}))
    >>> find_split_record(hparams).name
    'split.json'
    """
    if not pathlib.Path(hparams["split_file"]).is_file():
        return None
    parts = read_record(hparams["split_file"])["parts"]
    for part in PARTS:
        if parts[part]["clips"] != len(
            read_record(hparams[f"{part}_annotation"])
        ):
            return None
    return hparams["split_file"]


def leaks_of(audit):
    """Says what gives answers of the test part away.

    Arguments
    ---------
    audit : dict
        The audit of a split; earlier ones call leaks warnings.

    Returns
    -------
    list of str
        Sentences.

    Example
    -------
    >>> leaks_of({"leaks": ["Twins."], "warnings": ["A clip is broken."]})
    ['Twins.']
    >>> leaks_of({"warnings": ["Twins."]})
    ['Twins.']
    """
    return audit.get("leaks", audit.get("warnings", []))


def warnings_of(audit):
    """Says what else readers must know.

    Arguments
    ---------
    audit : dict
        The audit of a split.

    Returns
    -------
    list of str
        Sentences.

    Example
    -------
    >>> warnings_of({"leaks": ["Twins."], "warnings": ["A clip is broken."]})
    ['A clip is broken.']
    >>> warnings_of({"warnings": ["Twins."]})
    []
    """
    return audit.get("warnings", []) if "leaks" in audit else []


def adaptation_in_words(settings):
    """Says what is known of the speakers in evaluation.

    Arguments
    ---------
    settings : dict
        Of a training, with ``adaptation`` and ``enrolment_clips``, if its
        recipe has them.

    Returns
    -------
    str
        "" where nothing is known.

    Example
    -------
    >>> adaptation_in_words({"adaptation": "enrolled", "enrolment_clips": 8})
    'adapted to each speaker by up to 8 other test clips, without labels'
    """
    clips = {
        "enrolled": f"up to {settings.get('enrolment_clips')} other",
        "transductive": "all of the speaker's",
    }.get(settings.get("adaptation"))
    if clips is None:
        return ""
    return f"adapted to each speaker by {clips} test clips, without labels"
