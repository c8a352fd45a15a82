"""From corpus folders to the manifests of training, validation and test."""

import json
import logging
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

from .corpora.scan import audio_files
from .labels import map_labels
from .manifests import write_json, write_manifest
from .protocol import (
    PARTS,
    check_split,
    describe,
    protocol_of,
    speaker_protocol,
)

logger = logging.getLogger(__name__)


def prepare_corpus(
    read,
    data_folder,
    label_map,
    labels,
    split,
    train_annotation,
    valid_annotation,
    test_annotation,
    split_file,
    skip_prep=False,
):
    """Writes the JSON manifests of one corpus.

    The record of the split holds the settings, and what
    `speechbrain_emotion.dataio.protocol.describe` says about the split. If it
    records the same settings and the manifests are there, nothing is done; if
    it records others, that is an error, because a model that was trained
    before would be tested on clips that it has heard.

    Arguments
    ---------
    read : callable
        Reader of the corpus, as `corpora.read_ravdess`.
    data_folder : str
        Folder of the corpus; "{data_root}" in the manifests stands for it.
    label_map : dict
        For every word of the corpus the label, or None to leave its clips
        out.
    labels : list of str
        The labels in index order.
    split : callable
        Split function, as `splits.speaker_folds` with its settings.
    train_annotation : str
        Training manifest to write.
    valid_annotation : str
        Validation manifest to write.
    test_annotation : str
        Test manifest to write.
    split_file : str
        Record of the settings and of the split to write.
    skip_prep : bool
        Whether to do nothing at all.

    Raises
    ------
    CorpusError
        Where the corpus is not as expected.
    ValueError
        Where label map, labels or split do not fit the corpus, or where
        the record of the split was made with other settings.

    Example
    -------
    >>> from functools import partial
    >>> import numpy, soundfile
    >>> from speechbrain_emotion.dataio.corpora import read_nemo
    >>> from speechbrain_emotion.dataio.splits import leave_one_speaker_out
    >>> folder = getfixture("tmp_path")
    >>> for name in ("EB0_fear_1", "IC0_anger_1", "KD0_fear_2"):
    ...     soundfile.write(folder / f"{name}.wav", numpy.zeros(800), 16000)
    >>> prepare_corpus(
    ...     read_nemo,
    ...     folder,
    ...     label_map={"anger": "anger", "fear": "fear"},
    ...     labels=["anger", "fear"],
    ...     split=partial(
    ...         leave_one_speaker_out, test_speaker="EB0", valid_speaker="IC0"
    ...     ),
    ...     train_annotation=folder / "train.json",
    ...     valid_annotation=folder / "valid.json",
    ...     test_annotation=folder / "test.json",
    ...     split_file=folder / "split.json",
    ... )
    >>> json.loads((folder / "train.json").read_text())["KD0_fear_2"]["wav"]
    '{data_root}/KD0_fear_2.wav'
    """
    if skip_prep:
        return
    corpus = {
        "read": read,
        "data_folder": data_folder,
        "label_map": label_map,
        "split": split,
    }
    annotations = [train_annotation, valid_annotation, test_annotation]
    _prepare([corpus], labels, annotations, Path(split_file), data_folder)


def prepare_corpora(
    corpora,
    labels,
    train_annotation,
    valid_annotation,
    test_annotation,
    split_file,
    skip_prep=False,
):
    """Writes the JSON manifests of several corpora together.

    As `prepare_corpus`, but the paths in the manifests are absolute. Ids that
    occur in two corpora are prefixed by the corpus.

    Arguments
    ---------
    corpora : list of dict
        For each corpus its `read`, `data_folder`, `label_map` and `split`.
    labels : list of str
        The labels in index order, common to all.
    train_annotation : str
        Training manifest to write.
    valid_annotation : str
        Validation manifest to write.
    test_annotation : str
        Test manifest to write.
    split_file : str
        Record of the settings and of the split to write.
    skip_prep : bool
        Whether to do nothing at all.

    Raises
    ------
    CorpusError
        Where a corpus is not as expected.
    ValueError
        Where a label map, the labels or a split do not fit.
    """
    if skip_prep:
        return
    annotations = [train_annotation, valid_annotation, test_annotation]
    _prepare(corpora, labels, annotations, Path(split_file), None)


def _prepare(corpora, labels, annotations, record, data_root):
    """Writes the manifests and the record of the split, unless they are
    there and made with the same settings.
    """
    settings = _settings(corpora, labels)
    found = _read(record)
    if found not in (None, settings):
        # A model trained before might be tested on its own training clips.
        raise ValueError(
            f"{record} was made with another corpus, split or label map: "
            "name another output folder, or delete the old one."
        )
    if found and all(map(os.path.isfile, annotations)):
        logger.info(f"Prepared before with the same settings: {record}")
        return
    parts = _split_all(corpora, labels)
    for part, annotation in zip(PARTS, annotations, strict=True):
        write_manifest(annotation, parts[part], data_root)
    description = describe(parts, labels)
    write_json(record, {"settings": settings, **description})
    clips = {part: len(parts[part]) for part in PARTS}
    logger.info(f"Split: {clips}, {speaker_protocol(description)}; {record}")


def _split_all(corpora, labels):
    """Reads, maps and splits each corpus, and joins the parts."""
    clips, parts = [], {part: [] for part in PARTS}
    for corpus in corpora:
        read_clips = corpus["read"](corpus["data_folder"])
        mapped = map_labels(read_clips, corpus["label_map"], labels)
        split = corpus["split"](mapped)
        clips += mapped
        for part in PARTS:
            parts[part] += split[part]
    check_split(clips, parts)
    count = Counter(clip.id for clip in clips)
    return {
        part: [_unique(clip, count) for clip in parts[part]] for part in PARTS
    }


def _unique(clip, count):
    """The clip, its id prefixed by the corpus if another corpus has it."""
    if count[clip.id] == 1:
        return clip
    return replace(clip, id=f"{clip.corpus}_{clip.id}")


def _settings(corpora, labels):
    """All that the manifests depend on, in JSON's types. Number and size of
    files tell when a corpus has been completed.
    """
    settings = {
        "corpora": [
            {
                "read": protocol_of(corpus["read"]),
                "data_folder": os.path.abspath(corpus["data_folder"]),
                "audio_files": len(audio_files(corpus["data_folder"])),
                "table_bytes": _table_bytes(corpus["data_folder"]),
                "label_map": dict(corpus["label_map"]),
                "split": protocol_of(corpus["split"]),
            }
            for corpus in corpora
        ],
        "labels": list(labels),
    }
    return json.loads(json.dumps(settings, default=str))


def _table_bytes(data_folder):
    """The size of the CSV files in a folder."""
    return sum(path.stat().st_size for path in Path(data_folder).glob("*.csv"))


def _read(record):
    """The settings in the record of an earlier run, or None."""
    try:
        return json.loads(record.read_text(encoding="utf-8"))["settings"]
    except FileNotFoundError:
        return None
