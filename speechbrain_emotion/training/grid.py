"""The runs of an experiment: every combination of some hyperparameters.

Nothing that a YAML file describes is made here, and torch is not imported.
"""

import dataclasses
import difflib
import functools
import importlib.util
import itertools
import os
import pathlib
import re
from collections.abc import Mapping

from hyperpyyaml import resolve_references
from ruamel.yaml import YAML, YAMLError

from speechbrain_emotion.training.run_state import changing_options

_RANGE = re.compile(r"(\d+)-(\d+)")


@dataclasses.dataclass(frozen=True)
class Run:
    """One training of an experiment.

    Arguments
    ---------
    values : dict
        Varied key -> its value here, as written on the command line.
    arguments : tuple of str
        Overrides and run options, as the recipe's script takes them.
    hparams : str
        The YAML file with overrides and references resolved.
    options : dict
        SpeechBrain's run options that may change the results.
    folder : pathlib.Path
        The output folder.
    """

    values: dict
    arguments: tuple
    hparams: str
    options: dict
    folder: pathlib.Path

    @property
    def name(self):
        """What the run is called: its varied values, or else its folder."""
        values = [f"{key}={value}" for key, value in self.values.items()]
        return " ".join(values) or str(self.folder)


def parse_vary(text):
    """Reads the values that a hyperparameter shall take.

    Arguments
    ---------
    text : str
        ``key=values``: YAML values with commas between them, of which one
        such as ``1-5`` means all whole numbers from 1 to 5.

    Returns
    -------
    key : str
        The hyperparameter.
    values : list of str
        Its values, as YAML.

    Raises
    ------
    ValueError
        If there is no key or no value, one value twice, one with an equals
        sign, or a range that goes down.

    Example
    -------
    >>> parse_vary("test_fold=1-3,5")
    ('test_fold', ['1', '2', '3', '5'])
    >>> parse_vary('labels=[happy, sad],"a, b"')
    ('labels', ['[happy, sad]', '"a, b"'])
    """
    key, equals, listed = text.partition("=")
    listed = f"[{listed}]"
    try:
        nodes = YAML().compose(listed).value
    except YAMLError as error:
        raise ValueError(f"--vary {text}: {error}") from error
    values = []
    for node in nodes:
        # As it is written, so that quotes and types stay what they are.
        value = listed[node.start_mark.index : node.end_mark.index]
        bounds = _RANGE.fullmatch(value)
        if bounds is None:
            values.append(value)
            continue
        first, last = (int(bound) for bound in bounds.groups())
        if first > last:
            raise ValueError(
                f"--vary {text}: {value} is no range, because it goes down. "
                f"Write {last}-{first}, or '\"{value}\"' for a text."
            )
        values += [str(number) for number in range(first, last + 1)]
    if "=" in "".join(values):
        raise ValueError(
            f"--vary {text}: SpeechBrain's command line takes no value with "
            "an equals sign."
        )
    if not key.strip() or not values:
        raise ValueError(
            f"--vary {text} gives no key with values: write key=value,value "
            "or key=first-last."
        )
    twice = [value for value in values if values.count(value) > 1]
    if twice:
        raise ValueError(f"--vary {text} gives the value {twice[0]} twice.")
    return key.strip(), values


def plan_runs(hparams_file, varied, arguments):
    """Makes one run of each combination of values.

    Arguments
    ---------
    hparams_file : str or Path
        The recipe's YAML file.
    varied : list of str
        What to vary, see ``parse_vary``. The last one varies fastest.
    arguments : list of str
        Overrides and SpeechBrain's run options that all runs share.

    Returns
    -------
    list of Run
        The runs, each with an output folder of its own.

    Raises
    ------
    OSError
        If a YAML file cannot be opened.
    ValueError
        If the file is no YAML or has no ``output_folder``, if a key does not
        exist, is set twice or cannot be varied, or if two runs would share
        an output folder.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train.yaml"
    >>> _ = path.write_text(
    ...     "seed: 0\\nlr: 0.1\\noutput_folder: !ref results/<lr>/<seed>\\n"
    ... )
    >>> for run in plan_runs(path, ["seed=1,2"], ["--lr=0.5"]):
    ...     print(run.name, run.folder, run.arguments)
    seed=1 results/0.5/1 ('--lr=0.5', '--seed=1')
    seed=2 results/0.5/2 ('--lr=0.5', '--seed=2')
    """
    pairs = [parse_vary(text) for text in varied]
    keys = [key for key, _ in pairs]
    _check_keys(hparams_file, keys, arguments)
    runs = []
    for combination in itertools.product(*(values for _, values in pairs)):
        values = dict(zip(keys, combination))
        own = [f"--{key}={value}" for key, value in values.items()]
        runs.append(_plan_run(hparams_file, values, (*arguments, *own)))
    _check_folders(hparams_file, runs)
    return runs


def _plan_run(hparams_file, values, arguments):
    """Resolves the YAML file for one run."""
    options, overrides = _parse_arguments(hparams_file, arguments)
    with open(hparams_file, encoding="utf-8") as fin:
        try:
            hparams = resolve_references(fin, overrides).getvalue()
        except YAMLError as error:
            raise ValueError(f"'{hparams_file}': {error}") from error
    return Run(
        values=values,
        arguments=arguments,
        hparams=hparams,
        options=changing_options(options),
        folder=pathlib.Path(str(YAML().load(hparams)["output_folder"])),
    )


def _check_keys(hparams_file, varied, arguments):
    """Refuses keys that the YAML file lacks, and those set twice."""
    known = _load_keys(hparams_file)
    options, overrides = _parse_arguments(hparams_file, arguments)
    overridden = _override_keys(overrides)
    for key in [*varied, *overridden, "output_folder"]:
        if key not in known:
            close = difflib.get_close_matches(key, known)
            hint = f"; did you mean {' or '.join(close)}?" if close else "."
            raise ValueError(f"'{hparams_file}' has no key '{key}'{hint}")
    for key in varied:
        if key in overridden or varied.count(key) > 1:
            raise ValueError(
                f"'{key}' is given twice: name it once, after --vary or as "
                f"--{key}=..."
            )
        if key in options:
            raise ValueError(
                f"'{key}' cannot be varied: on the command line it is one of "
                "SpeechBrain's run options and leaves the YAML file, and so "
                f"the output folder, as it is. Give --{key}=... and another "
                "--output_folder=... instead."
            )


def _load_keys(hparams_file):
    """The top-level keys of a YAML file."""
    with open(hparams_file, encoding="utf-8") as fin:
        try:
            hparams = YAML().load(fin)
        except YAMLError as error:
            raise ValueError(f"'{hparams_file}': {error}") from error
    if not isinstance(hparams, Mapping):
        raise ValueError(f"'{hparams_file}' holds no hyperparameters.")
    return list(hparams)


def _override_keys(overrides):
    """The keys that overrides, in YAML, set."""
    problem = "no key and value"
    try:
        keys = YAML().load(overrides) or {}
    except YAMLError as error:
        keys, problem = None, getattr(error, "problem", None) or error
    if not isinstance(keys, Mapping):
        raise ValueError(
            f"cannot read the overrides '{overrides}' ({problem}): give each "
            "once, as --key=value with a value that is YAML, after SCRIPT and "
            "YAML."
        )
    return list(keys)


def _check_folders(hparams_file, runs):
    """Refuses runs that would write to one folder."""
    by_folder = {}
    for run in runs:
        by_folder.setdefault(os.path.abspath(run.folder), []).append(run)
    for shared in by_folder.values():
        if len(shared) == 1:
            continue
        first, second = shared[:2]
        keys = [
            f"<{key}>"
            for key, value in first.values.items()
            if any(run.values[key] != value for run in shared)
        ]
        raise ValueError(
            f"{first.name} and {second.name} would both write to "
            f"'{first.folder}': let output_folder in '{hparams_file}', or "
            f"--output_folder='!ref ...', contain {' and '.join(keys)}."
        )


def _parse_arguments(hparams_file, arguments):
    """Run options, and overrides as YAML, as a recipe's script reads them."""
    parse = _run_options().from_command_line_args
    _, options, overrides = parse([str(hparams_file), *arguments])
    return options, overrides


@functools.lru_cache
def _run_options():
    """SpeechBrain's class of run options.

    Its module needs the standard library only, but the package around it
    would import torch.
    """
    package = importlib.util.find_spec("speechbrain")
    (folder,) = package.submodule_search_locations
    spec = importlib.util.spec_from_file_location(
        "speechbrain_run_opts", os.path.join(folder, "utils", "run_opts.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.RunOptions
