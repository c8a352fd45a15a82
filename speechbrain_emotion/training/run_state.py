"""What an output folder says about the run that wrote it."""

import json

from speechbrain_emotion.dataio.manifests import write_json
from speechbrain_emotion.training.settings import (
    NEUTRAL_KEYS,
    NEUTRAL_OPTIONS,
    comparable,
    read_settings,
)

FIGURES = ("uar", "accuracy", "macro_f1")
RECORD = "experiment.json"


def describe_state(folder):
    """Says how far a run is.

    Arguments
    ---------
    folder : pathlib.Path
        The output folder.

    Returns
    -------
    str
        "finished" if it holds predictions, and the script that made them has
        ended well, as far as that is recorded; else "started" or "new".

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> describe_state(folder)
    'new'
    >>> _ = (folder / "predictions.csv").write_text("id,emo,predicted\\n")
    >>> describe_state(folder)
    'finished'
    """
    if (folder / "predictions.csv").is_file():
        finished = read_record(folder).get("finished", True)
        return "finished" if finished else "started"
    return "started" if (folder / "hyperparams.yaml").is_file() else "new"


def find_conflict(folder, hparams, options):
    """Says why a folder belongs to another experiment.

    Arguments
    ---------
    folder : pathlib.Path
        The output folder.
    hparams : str
        The hyperparameters to run with: YAML with references resolved.
    options : dict
        Options of the run that may change its results, by name. A run that
        left no record of them counts as one without options.

    Returns
    -------
    str or None
        What differs; None if the folder is new, or belongs to a run with
        the same options and hyperparameters, but for ``NEUTRAL_KEYS`` and
        the name of the folder.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "hyperparams.yaml").write_text("lr: 0.1\\nseed: 1\\n")
    >>> find_conflict(folder, "seed: 1 # any\\nlr: 0.1", {}) is None
    True
    >>> find_conflict(folder, "seed: 2\\nlr: 0.1", {"precision": "bf16"})
    'a run with other values of seed, precision'
    """
    path = folder / "hyperparams.yaml"
    if not path.is_file():
        if describe_state(folder) == "new":
            return None
        return "results, but no hyperparams.yaml that says of what"
    old, new = (
        comparable(read_settings(text), NEUTRAL_KEYS, ["output_folder"])
        for text in (path.read_text(encoding="utf-8"), hparams)
    )
    differing = [
        *_causes(old, new),
        *_differing(read_record(folder).get("options", {}), options),
    ]
    if not differing:
        return None
    return f"a run with other values of {', '.join(differing)}"


def changing_options(options):
    """Takes the run options that may change the results.

    Arguments
    ---------
    options : speechbrain.utils.run_opts.RunOptions
        As read from a command line.

    Returns
    -------
    dict
        Those that the command line gave, by name.

    Example
    -------
    >>> from speechbrain.utils.run_opts import RunOptions
    >>> argv = ["train.yaml", "--precision=bf16", "--noprogressbar"]
    >>> changing_options(RunOptions.from_command_line_args(argv)[1])
    {'precision': 'bf16'}
    """
    changing = options.overridden_args - NEUTRAL_OPTIONS
    return {name: options[name] for name in sorted(changing)}


def read_record(folder):
    """Reads what ``write_record`` wrote.

    Arguments
    ---------
    folder : pathlib.Path
        The output folder.

    Returns
    -------
    dict
        "command", "options" and "finished"; empty where there is no record.

    Example
    -------
    >>> read_record(getfixture("tmp_path"))
    {}
    """
    path = folder / RECORD
    if not path.is_file():
        return {}
    return json.loads(path.read_text(encoding="utf-8"))


def write_record(folder, command, options, finished):
    """Records beside the results how they are made.

    Arguments
    ---------
    folder : pathlib.Path
        The output folder, which is made where it is missing.
    command : list of str
        The command that makes them.
    options : dict
        Its options that may change the results.
    finished : bool
        Whether the command has ended well.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "results"
    >>> write_record(folder, ["train.py"], {"precision": "bf16"}, False)
    >>> _ = (folder / "hyperparams.yaml").write_text("lr: 0.1\\n")
    >>> find_conflict(folder, "lr: 0.1", {})
    'a run with other values of precision'
    """
    record = {"command": command, "options": options, "finished": finished}
    write_json(folder / RECORD, record)


def read_figures(folder):
    """Reads the results of a run.

    Arguments
    ---------
    folder : pathlib.Path
        The output folder of a finished run.

    Returns
    -------
    dict
        "uar", "accuracy" and "macro_f1" over all test clips, from 0 to 1.

    Raises
    ------
    OSError, ValueError
        If there is no report, or not one of ``EmotionBrain``.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> report = {"all": {"uar": 0.7, "accuracy": 0.8, "macro_f1": 0.6}}
    >>> _ = (folder / "report.json").write_text(json.dumps(report))
    >>> read_figures(folder)
    {'uar': 0.7, 'accuracy': 0.8, 'macro_f1': 0.6}
    """
    path = folder / "report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    try:
        return {name: float(report["all"][name]) for name in FIGURES}
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"'{path}' is not the report of a training: it has no {error}"
        ) from error


def _differing(old, new):
    """The keys with which two dicts differ, in order."""
    keys = dict.fromkeys([*old, *new])
    return [key for key in keys if old.get(key) != new.get(key)]


def _causes(old, new):
    """The hyperparameters that differ, without what is made of them."""
    keys = _differing(old, new)
    simple = [
        key
        for key in keys
        if not any(
            isinstance(tree.get(key), dict | list) for tree in (old, new)
        )
    ]
    return simple or keys
