"""From corpus folders to the manifests of training, validation and test."""

import json
import logging
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

from .audit import audit
from .corpora.scan import AUDIO_SUFFIXES, audio_files
from .labels import map_labels
from .manifests import write_json, write_manifest
from .protocol import (
    PARTS,
    check_split,
    describe,
    protocol_in_words,
    protocol_of,
    read_protocol,
)

logger = logging.getLogger(__name__)

# What corpora consist of: audio, videos, and tables of labels and texts.
CORPUS_SUFFIXES = (*AUDIO_SUFFIXES, ".mp4", ".csv", ".tsv", ".txt")
RUN_FILE = "hyperparams.yaml"  # is in every output folder of a training


def prepare_corpus(
    read,
    data_folder,
    label_map,
    labels,
    splits,
    protocol,
    train_annotation,
    valid_annotation,
    test_annotation,
    split_file,
    skip_prep=False,
):
    """Writes the JSON manifests of one corpus.

    What the parts of the split have in common is logged and recorded (see
    `speechbrain_emotion.dataio.protocol.read_protocol`), together with the
    settings. If the record was made with the same settings and the manifests
    are there, nothing is done; if with others, that is an error, because a
    model that was trained before would be tested on clips that it has heard.

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
    splits : dict
        Name -> split function, as `splits.speaker_folds` with its settings.
    protocol : str
        The name of the split to use.
    train_annotation : str
        Training manifest to write.
    valid_annotation : str
        Validation manifest to write.
    test_annotation : str
        Test manifest to write.
    split_file : str
        Record of the split to write.
    skip_prep : bool
        Whether to do nothing at all.

    Raises
    ------
    CorpusError
        Where the corpus is not as expected.
    ValueError
        Where label map, labels or split do not fit the corpus, there is no
        split of that name, or the record was made with other settings.

    Example
    -------
    >>> from functools import partial
    >>> import numpy, soundfile
    >>> from speechbrain_emotion.dataio.corpora import read_nemo
    >>> from speechbrain_emotion.dataio.splits import leave_one_group_out
    >>> folder = getfixture("tmp_path")
    >>> for name in ("EB0_fear_1", "IC0_anger_1", "KD0_fear_2"):
    ...     soundfile.write(folder / f"{name}.wav", numpy.zeros(800), 16000)
    >>> prepare_corpus(
    ...     read_nemo,
    ...     folder,
    ...     label_map={"anger": "anger", "fear": "fear"},
    ...     labels=["anger", "fear"],
    ...     splits={
    ...         "EB0": partial(
    ...             leave_one_group_out,
    ...             by="spk_id",
    ...             test_group="EB0",
    ...             valid_group="IC0",
    ...         )
    ...     },
    ...     protocol="EB0",
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
    }
    annotations = [train_annotation, valid_annotation, test_annotation]
    split = _choose(splits, protocol)
    _prepare([corpus], labels, split, annotations, split_file, data_folder)


def prepare_corpora(
    corpora,
    labels,
    splits,
    protocol,
    train_annotation,
    valid_annotation,
    test_annotation,
    split_file,
    skip_prep=False,
):
    """Writes the JSON manifests of several corpora together.

    As `prepare_corpus`, but the paths in the manifests are absolute. Ids that
    occur in two corpora are prefixed by the corpus. The split is applied to
    the clips of all corpora; `splits.split_each` gives each its own.

    Arguments
    ---------
    corpora : list of dict
        For each corpus its `read`, `data_folder` and `label_map`. A corpus
        whose `data_folder` is None is left out.
    labels : list of str
        The labels in index order, common to all.
    splits : dict
        Name -> split function.
    protocol : str
        The name of the split to use.
    train_annotation : str
        Training manifest to write.
    valid_annotation : str
        Validation manifest to write.
    test_annotation : str
        Test manifest to write.
    split_file : str
        Record of the split to write.
    skip_prep : bool
        Whether to do nothing at all.

    Raises
    ------
    CorpusError
        Where a corpus is not as expected.
    ValueError
        As `prepare_corpus`.
    """
    if skip_prep:
        return
    annotations = [train_annotation, valid_annotation, test_annotation]
    split = _choose(splits, protocol)
    corpora = [c for c in corpora if c["data_folder"] is not None]
    if not corpora:
        raise ValueError("Every corpus is left out: its data_folder is null.")
    _prepare(corpora, labels, split, annotations, split_file, None)


def _choose(splits, protocol):
    """The name and the function of the split to use."""
    if protocol not in splits:
        raise ValueError(
            f"There is no split '{protocol}' (protocol); splits: "
            f"{', '.join(splits)}."
        )
    return protocol, splits[protocol]


def _prepare(corpora, labels, split, annotations, split_file, data_root):
    """Writes the manifests and the record of the split, unless they are
    there and made with the same settings.
    """
    if os.path.exists(split_file):
        record = read_protocol(split_file)
        if record["settings"] != _settings(corpora, labels, split):
            # A model trained before might be tested on its training clips.
            raise ValueError(
                f"{split_file} was made with another corpus, split or label "
                "map: name another output folder, or delete the old one."
            )
        if all(map(os.path.isfile, annotations)):
            logger.info(f"Prepared before with the same settings: {split_file}")
            _report(record)
            return
    name, function = split
    parts = _split(corpora, labels, function)
    record = {
        # Of the corpus after reading it, which may extract audio of videos.
        "settings": _settings(corpora, labels, split),
        "protocol": name,
        **describe(parts, labels),
        "audit": audit(parts),
    }
    for part, annotation in zip(PARTS, annotations, strict=True):
        write_manifest(annotation, parts[part], data_root)
    write_json(split_file, record)  # last: says that the others are complete
    _report(record)


def _report(record):
    """Logs how the corpora were split, and what to mind about it."""
    logger.info(f"Split: {protocol_in_words(record)}")
    for warning in record["audit"]["warnings"]:
        logger.warning(warning)


def _split(corpora, labels, split):
    """Reads and maps each corpus, and splits them."""
    clips = []
    for corpus in corpora:
        read_clips = corpus["read"](corpus["data_folder"])
        clips += map_labels(read_clips, corpus["label_map"], labels)
    parts = split(clips)
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


def _settings(corpora, labels, split):
    """All that the manifests depend on, in JSON's types. Number and size of
    files tell when a corpus has been completed or changed.
    """
    name, function = split
    settings = {
        "corpora": [
            {
                "read": protocol_of(corpus["read"]),
                "data_folder": os.path.abspath(corpus["data_folder"]),
                **_size(corpus["data_folder"]),
                "label_map": dict(corpus["label_map"]),
            }
            for corpus in corpora
        ],
        "labels": list(labels),
        "protocol": name,
        "split": protocol_of(function),
    }
    return json.loads(json.dumps(settings, default=str))


def _size(data_folder):
    """Number and size of the files of a corpus, without those of training
    runs whose folders are in the same folder.
    """
    files = audio_files(data_folder, (*CORPUS_SUFFIXES, RUN_FILE))
    runs = {path.parent for path in files if path.name == RUN_FILE}
    runs.discard(Path(os.path.abspath(data_folder)))
    sizes = [
        path.stat().st_size
        for path in files
        if path.name != RUN_FILE and runs.isdisjoint(path.parents)
    ]
    return {"files": len(sizes), "bytes": sum(sizes)}
