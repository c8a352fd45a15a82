"""The runs of trainings: their folders, settings, splits and predictions."""

import glob
import json
import os
import pathlib
from dataclasses import dataclass

from ruamel.yaml.error import YAMLError

from speechbrain_emotion.results.predictions import (
    Predictions,
    read_predictions,
)
from speechbrain_emotion.training.run_state import describe_state, read_record
from speechbrain_emotion.training.settings import read_settings
from speechbrain_emotion.training.split_record import (
    adaptation_in_words,
    leaks_of,
    warnings_of,
)

PREDICTIONS = "predictions.csv"
SETTINGS = "hyperparams.yaml"
# Every training has these two files from its start; a model has no log.
STARTED = (SETTINGS, "log.txt")


@dataclass(frozen=True, eq=False)
class Run:
    """A finished training.

    Arguments
    ---------
    folder : pathlib.Path
        Its output folder.
    settings : dict
        Its YAML file, references resolved, nothing built.
    options : dict
        SpeechBrain's run options that it was started with.
    split : dict or None
        The record of its split, None where preparation wrote none.
    predictions : Predictions
        Its answers to the test part.
    """

    folder: pathlib.Path
    settings: dict
    options: dict
    split: dict | None
    predictions: Predictions

    @property
    def seed(self):
        """The seed, a str."""
        return str(self.settings.get("seed", ""))

    @property
    def protocol(self):
        """Name of the protocol, "" where unknown."""
        return (self.split or {}).get("protocol") or ""

    @property
    def adaptation(self):
        """What was known of the test speakers in words, "" for nothing."""
        return adaptation_in_words(self.settings)

    @property
    def n_test_clips(self):
        """Number of clips in the test part, answered or not."""
        parts = (self.split or {}).get("parts", {})
        clips = parts.get("test", {}).get("clips", 0)
        # With skip_prep, the record may be of another split.
        if self.settings.get("skip_prep") or clips < len(self.predictions):
            return len(self.predictions)
        return clips

    @property
    def leaks(self):
        """What gives answers of the test part away, a list of str."""
        return leaks_of((self.split or {}).get("audit", {}))

    @property
    def warnings(self):
        """What else the audit of the split warns of, a list of str."""
        return warnings_of((self.split or {}).get("audit", {}))


def find_runs(sources):
    """Finds the folders of runs.

    Arguments
    ---------
    sources : list of str or Path
        Folders of runs, folders that hold such at any depth, and patterns of
        either, such as ``"results/*/emobox_*"``.

    Returns
    -------
    finished : list of pathlib.Path
        Runs with predictions whose script has ended well, each once.
    unfinished : list of pathlib.Path
        Other runs.

    Raises
    ------
    FileNotFoundError
        If a source does not exist, or there is no run in it.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> for name in ("a/1/predictions.csv", "b/log.txt", "b/hyperparams.yaml"):
    ...     (folder / name).parent.mkdir(parents=True, exist_ok=True)
    ...     (folder / name).touch()
    >>> finished, unfinished = find_runs([folder, folder / "a" / "*"])
    >>> [path.name for path in finished], [path.name for path in unfinished]
    (['1'], ['b'])
    """
    found = {}
    for source in sources:
        folders = [path for top in _expand(source) for path in _walk(top)]
        if not folders:
            raise FileNotFoundError(
                f"there is no run in '{source}': a run is a folder with "
                f"{PREDICTIONS}, or with {' and '.join(STARTED)} while it is "
                "not finished"
            )
        for path in folders:
            found.setdefault(path.resolve(), path)
    finished = [p for p in found.values() if describe_state(p) == "finished"]
    return finished, [p for p in found.values() if p not in finished]


def read_run(folder):
    """Reads a finished run.

    Arguments
    ---------
    folder : str or Path
        Its output folder.

    Returns
    -------
    Run

    Raises
    ------
    FileNotFoundError
        If it lacks its YAML file.
    ValueError
        If a file is broken; the message names it.
    """
    folder = pathlib.Path(folder)
    return Run(
        folder,
        _read_settings(folder / SETTINGS),
        read_record(folder).get("options", {}),
        _read_split(folder / "split.json"),
        read_predictions(folder / PREDICTIONS),
    )


def _expand(source):
    """The folders that a path or pattern stands for."""
    if os.path.isdir(source):
        return [source]
    matches = sorted(glob.glob(str(source), recursive=True))
    if not matches:
        raise FileNotFoundError(f"there is no folder '{source}'")
    return [path for path in matches if os.path.isdir(path)]


def _walk(top):
    """The runs in a folder, which holds none where it is one itself."""
    for folder, names, files in os.walk(top, followlinks=True):
        names.sort()
        if PREDICTIONS in files or set(STARTED) <= set(files):
            names.clear()
            yield pathlib.Path(folder)


def _read_split(path):
    """The record of a split, None where there is none."""
    if not path.is_file():
        return None
    try:
        split = json.loads(path.read_text(encoding="utf-8"))
        split["speaker_independent"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"'{path}' is no record of a split: {error!r}"
        ) from error
    return split


def _read_settings(path):
    """The YAML file of a run, references resolved, nothing built."""
    try:
        with open(path, encoding="utf-8") as fin:
            return read_settings(fin)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"the run has predictions, but '{path}' is missing: a training "
            "writes it when it starts"
        ) from None
    # A UnicodeDecodeError is a ValueError.
    except (YAMLError, ValueError) as error:
        raise ValueError(f"'{path}' cannot be read: {error}") from error
