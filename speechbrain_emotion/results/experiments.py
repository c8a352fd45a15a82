"""Experiments: the runs that differ in nothing but fold and seed."""

import json
import os
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from speechbrain_emotion.dataio.protocol import speaker_protocol
from speechbrain_emotion.results.predictions import Predictions
from speechbrain_emotion.training.settings import (
    FOLD_KEYS,
    NEUTRAL_KEYS,
    comparable,
)

# In these keys of a YAML file, at any depth, runs of one experiment differ.
FREE = NEUTRAL_KEYS | FOLD_KEYS | {"seed", "__set_seed", "data_folder"}
# Keys whose values stand in others, too.
FOLDERS = ("output_folder", "data_folder")


@dataclass(frozen=True, eq=False)
class Experiment:
    """The runs of all folds and seeds.

    Arguments
    ---------
    name : str
        What it is called in tables, different for each experiment.
    protocol : str
        How the corpora were split, in words.
    by_seed : dict
        Seed -> the ``Predictions`` of all its folds, seeds in order.
    runs : list of Run
        What it consists of.
    """

    name: str
    protocol: str
    by_seed: dict
    runs: list

    @property
    def labels(self):
        """The labels in index order."""
        return self.runs[0].predictions.labels

    @property
    def corpora(self):
        """Names of the corpora of the test clips, a str."""
        return ", ".join(
            sorted({c for some in self.by_seed.values() for c in some.corpora})
        )

    @property
    def split(self):
        """How the corpora were split, but for fold and seed; None where
        unknown.
        """
        split = self.runs[0].split
        return split and (self.protocol, _split_settings(self.runs[0]))

    @property
    def n_folds(self):
        """The highest number of folds that a seed has."""
        return max(self.folds_by_seed.values())

    @property
    def all_folds(self):
        """Number of folds that the split can have, None where unknown."""
        settings = (self.runs[0].split or {}).get("settings", {})
        split = settings.get("split", {})
        return split.get("n_folds") or len(split.get("folds") or []) or None

    @property
    def folds_by_seed(self):
        """Seed -> number of its folds."""
        return {
            seed: sum(run.seed == seed for run in self.runs)
            for seed in self.by_seed
        }

    @property
    def n_unanswered(self):
        """Number of test clips of all runs without an answer."""
        return sum(run.n_test_clips - len(run.predictions) for run in self.runs)

    @property
    def leaks(self):
        """What the audits of the splits say of leaks, each once."""
        return list(dict.fromkeys(x for run in self.runs for x in run.leaks))

    @property
    def warnings(self):
        """What else they warn of, each warning once."""
        return list(dict.fromkeys(x for run in self.runs for x in run.warnings))


def group_runs(runs, name=None):
    """Puts the runs together that differ in nothing but fold and seed.

    That is told from their YAML files. Where the folders of runs are named
    by their seeds, as ``results/whisper_none/emobox_1/1234``, runs below
    different ``results/whisper_none`` are different experiments, too, and the
    name is that of this folder and the protocol: "whisper_none emobox". What
    would have the same name is told apart by the corpora, or else by the
    settings that differ.

    Arguments
    ---------
    runs : list of Run
        At least one.
    name : str
        Name of the one experiment that all runs are, whatever their settings.

    Returns
    -------
    list of Experiment

    Raises
    ------
    ValueError
        If runs that belong together have different labels, protocols or
        splits, or if a clip has two answers for one seed.
    """
    groups = defaultdict(list)
    for run in runs:
        groups[_identity(run) if name is None else name].append(run)
    groups = list(groups.values())
    names = [name] if name is not None else _names(groups)
    return [
        _experiment(name, group)
        for name, group in zip(names, groups, strict=True)
    ]


def comparable_settings(run):
    """The settings and options of a run, less fold, seed and folders.

    Arguments
    ---------
    run : Run
        The run.

    Returns
    -------
    dict
        In the types of JSON.
    """
    options = {f"--{name}": value for name, value in run.options.items()}
    return {**comparable(run.settings, FREE, FOLDERS), **options}


def _split_settings(run):
    """How the corpora of a run were split, less fold and seed."""
    settings = (run.split or {}).get("settings", {}).get("split") or {}
    return comparable(settings, FREE, [])


def _identity(run):
    """What runs of one experiment have in common."""
    settings = json.dumps(comparable_settings(run), sort_keys=True)
    return _recipe_folder(run), run.protocol, settings


def _recipe_folder(run):
    """The folder above those of fold and seed, None in another layout."""
    folder = run.folder.absolute()
    if folder.name != run.seed:
        return None
    protocol = run.protocol or str(run.settings.get("protocol") or "")
    is_fold = protocol and folder.parent.name.startswith(protocol)
    return folder.parent.parent if is_fold else folder.parent


def _names(groups):
    """A name for each group of runs."""
    by_name = defaultdict(list)
    for group in groups:
        by_name[_name(group)].append(group)
    names = {}
    for name, same in by_name.items():
        for group, difference in zip(same, _differences(same)):
            names[id(group)] = name + difference
    return [names[id(group)] for group in groups]


def _name(group):
    """The name of a group by its folder and protocol."""
    folder = _recipe_folder(group[0])
    if folder is None:
        folder = os.path.commonpath([run.folder.absolute() for run in group])
    return f"{os.path.basename(folder)} {group[0].protocol}".strip()


def _differences(groups):
    """What tells groups of one name apart."""
    if len(groups) == 1:
        return [""]
    corpora = [", ".join(sorted({*_corpora(group)})) for group in groups]
    if len(set(corpora)) == len(corpora):
        return [f" ({names})" for names in corpora]
    flat = [dict(_flatten(comparable_settings(group[0]))) for group in groups]
    keys = [
        key
        for key in dict.fromkeys(key for settings in flat for key in settings)
        if len({json.dumps(settings.get(key)) for settings in flat}) > 1
    ]
    # What stands at the top is referred to further down.
    keys = [key for key in keys if "." not in key] or keys
    told = [", ".join(f"{k}={s.get(k)}" for k in keys[:3]) for s in flat]
    if len(set(told)) < len(told):
        told = [str(group[0].folder) for group in groups]
    return [f" ({words})" for words in told]


def _corpora(group):
    """The corpora of the test clips of runs."""
    return [corpus for run in group for corpus in run.predictions.corpora]


def _flatten(node, prefix=""):
    """Yields the single settings: "a.b", value."""
    children = enumerate(node) if isinstance(node, list) else node.items()
    for key, value in children:
        if isinstance(value, dict | list):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _experiment(name, runs):
    """Pools folds and keeps seeds apart."""
    first, folders = runs[0], defaultdict(list)
    for run in runs:
        for what, ours, its in (
            ("labels", first.predictions.labels, run.predictions.labels),
            ("protocols", first.protocol, run.protocol),
            ("adaptations", first.adaptation, run.adaptation),
        ):
            if ours != its:
                raise ValueError(
                    f"'{first.folder}' and '{run.folder}' cannot be pooled in "
                    f"the experiment '{name}': their {what} differ ({ours}; "
                    f"{its})"
                )
        if _split_settings(first) != _split_settings(run):
            raise ValueError(
                f"'{first.folder}' and '{run.folder}' cannot be pooled in the "
                f"experiment '{name}': the settings of their splits differ, "
                "see split.json"
            )
        folders[run.seed].append(run)
    by_seed = {
        seed: _pool(seed, folders[seed])
        for seed in sorted(folders, key=lambda seed: (len(seed), seed))
    }
    return Experiment(name, _protocol(runs), by_seed, runs)


def _pool(seed, runs):
    """Joins the folds of a seed."""
    pooled = Predictions.join([run.predictions for run in runs])
    clips, counts = np.unique(pooled.clips, return_counts=True)
    if (counts > 1).any():
        clip = clips[counts > 1][0]
        twice = [run for run in runs if clip in run.predictions.clips]
        folders = " and ".join(f"'{run.folder}'" for run in twice)
        raise ValueError(
            f"{folders} both answer the test clip {clip} with the seed "
            f"{seed or 'unknown'}: leave one of them out"
        )
    return pooled


def _protocol(runs):
    """Says in words how the corpora were split, of all folds the worst."""
    flags = {(run.split or {}).get("speaker_independent") for run in runs}
    worst = next(flag for flag in (False, None, True) if flag in flags)
    words = speaker_protocol({"speaker_independent": worst})
    if all(run.split is None for run in runs):
        words = "unknown protocol"
    said = [runs[0].protocol, words, runs[0].adaptation]
    return ", ".join(filter(None, said))
