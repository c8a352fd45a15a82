"""From corpus folders to the manifests of training, validation and test."""

import hashlib
import json
import logging
import os
from collections import Counter
from dataclasses import asdict, replace
from itertools import chain

from .audit import audit
from .corpora.scan import some_of
from .labels import map_labels
from .manifests import write_json, write_manifest
from .notices import collected_notices
from .protocol import (
    PARTS,
    check_split,
    describe,
    protocol_in_words,
    protocol_of,
    read_protocol,
)

logger = logging.getLogger(__name__)


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
    settings. If the record was made with the same settings of the same clips
    and the manifests are there, nothing is written; if with others, that is
    an error, because a model that was trained before would be tested on clips
    that it has heard.

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
    there and made with the same settings of the same clips.
    """
    name, function = split
    with collected_notices() as notices:
        clips = [_read(corpus, labels) for corpus in corpora]
        settings = _settings(corpora, clips, labels, split)
        if _is_prepared(settings, annotations, split_file):
            logger.info(f"Prepared before with the same settings: {split_file}")
            _report(read_protocol(split_file), notices)
            return
        parts = _split(list(chain(*clips)), function)
    record = {
        "settings": settings,
        "protocol": name,
        **describe(parts, labels),
        "audit": audit(parts, notices),
    }
    for part, annotation in zip(PARTS, annotations, strict=True):
        write_manifest(annotation, parts[part], data_root)
    write_json(split_file, record)  # last: says that the others are complete
    _report(record, notices)


def _is_prepared(settings, annotations, split_file):
    """Whether all is there and made with these settings; with others, it is
    an error.
    """
    if not os.path.exists(split_file):
        return False
    before = read_protocol(split_file)["settings"]
    if before != settings:
        # A model trained before might be tested on its training clips.
        raise ValueError(
            f"{split_file} was made with another corpus, split or label map "
            f"({some_of(list(_differences(before, settings)))}): name another "
            "output folder, or delete the old one."
        )
    return all(map(os.path.isfile, annotations))


def _differences(before, now, name=""):
    """Says which settings are others than before."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            inner = f"{name}.{key}" if name else key
            yield from _differences(before.get(key), now.get(key), inner)
    elif isinstance(before, list) and isinstance(now, list) and name:
        if len(before) == len(now):
            for number, pair in enumerate(zip(before, now), start=1):
                yield from _differences(*pair, f"{name}.{number}")
        else:
            yield f"{name}: {len(before)} -> {len(now)} entries"
    elif before != now:
        yield f"{name}: {before!r} -> {now!r}"


def _report(record, logged):
    """Logs how the corpora were split, and what to mind about it, unless it
    has been logged.
    """
    logger.info(f"Split: {protocol_in_words(record)}")
    for warning in record["audit"]["leaks"] + record["audit"]["warnings"]:
        if warning not in logged:
            logger.warning(warning)


def _read(corpus, labels):
    """The clips of a corpus that have a label."""
    clips = corpus["read"](corpus["data_folder"])
    return map_labels(clips, corpus["label_map"], labels)


def _split(clips, split):
    """Splits the clips, and gives each an id of its own."""
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


def _settings(corpora, clips, labels, split):
    """All that the manifests depend on, in JSON's types."""
    name, function = split
    settings = {
        "corpora": [
            {
                "read": protocol_of(corpus["read"]),
                "data_folder": os.path.abspath(corpus["data_folder"]),
                "clips": len(own),
                "contents": _fingerprint(own),
                "label_map": dict(corpus["label_map"]),
            }
            for corpus, own in zip(corpora, clips, strict=True)
        ],
        "labels": list(labels),
        "protocol": name,
        "split": protocol_of(function),
    }
    return json.loads(json.dumps(settings, default=str))


def _fingerprint(clips):
    """Tells what was read: all that is known of the clips that are used, and
    the sizes of their files. Other files in the folder do not matter.
    """
    digest = hashlib.blake2b(digest_size=16)
    for clip in sorted(clips, key=lambda clip: clip.id):
        has_file = clip.wav and os.path.isfile(clip.wav)
        size = os.path.getsize(clip.wav) if has_file else None
        known = asdict(replace(clip, wav=size))
        digest.update(json.dumps(known, sort_keys=True).encode())
    return digest.hexdigest()
