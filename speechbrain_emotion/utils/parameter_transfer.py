"""Loading of trained parameters: safetensors, strict, from any folder."""

import functools
import pathlib
import re

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from speechbrain.utils.fetching import FetchSource
from speechbrain.utils.parameter_transfer import Pretrainer

# A file of a folder beside the model's.
_BESIDE = re.compile(r"\.\./[\w-][\w.-]*/[\w-][\w.-]*")


class CheckpointError(ValueError):
    """Parameters that do not fit the model; the message names the tensors."""


def load_safetensors(module, path, prefix=""):
    """Loads all parameters of a module from a safetensors file.

    Arguments
    ---------
    module : torch.nn.Module
        Changed in place.
    path : str or Path
        The file.
    prefix : str
        Where the module is a part of the model in the file: the beginning of
        its tensors' names. Other tensors are not looked at.

    Raises
    ------
    CheckpointError
        If the file is no safetensors file, or a tensor is missing,
        unexpected, or of another shape. The module is unchanged then.

    Example
    -------
    >>> import torch
    >>> from safetensors.torch import save_model
    >>> path = getfixture("tmpdir") / "model.safetensors"
    >>> trained, fresh = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    >>> save_model(trained, str(path))
    >>> load_safetensors(fresh, path)
    >>> torch.equal(trained.weight, fresh.weight)
    True
    """
    found = {
        name.removeprefix(prefix): tensor
        for name, tensor in read_tensors(path).items()
        if name.startswith(prefix)
    }
    expected = {name: t.shape for name, t in module.state_dict().items()}
    check_tensors(found, expected, path)
    module.load_state_dict(found)


def read_tensors(path):
    """Reads a file of tensors, safetensors or pickle.

    Arguments
    ---------
    path : str or Path
        Safetensors, or where its name ends in ``.bin`` a pickle. Of a pickle
        nothing but tensors is read, so that it cannot run code.

    Returns
    -------
    dict
        Name -> tensor, on the CPU.

    Raises
    ------
    CheckpointError
        If the file cannot be read, or holds anything but tensors.

    Example
    -------
    >>> import torch
    >>> path = getfixture("tmp_path") / "model.bin"
    >>> torch.save({"weight": torch.zeros(2)}, path)
    >>> read_tensors(path)
    {'weight': tensor([0., 0.])}
    """
    path = pathlib.Path(path)
    if path.suffix != ".bin":
        try:
            return load_file(str(path))
        except SafetensorError as error:
            raise CheckpointError(
                f"'{path}' is no safetensors file ({error})"
            ) from error
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    # A broken file can fail in any way.
    except Exception as error:
        raise CheckpointError(
            f"'{path}' is no file of tensors, or holds other things as well, "
            f"which are refused because they could run code ({error})"
        ) from error
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor)
        for name, tensor in found.items()
    ):
        raise CheckpointError(f"'{path}' holds no state dict of tensors")
    return found


def check_tensors(found, expected, path):
    """Compares the tensors of a file with those that a model needs.

    Arguments
    ---------
    found : dict
        Name -> tensor, what the file holds.
    expected : dict
        Name -> shape, what the model needs.
    path : str or Path
        The file, for the message.

    Raises
    ------
    CheckpointError
        If a tensor is missing, unexpected, of another shape, or holds NaN or
        infinity; the message names them all.

    Example
    -------
    >>> import torch
    >>> check_tensors({"a": torch.zeros(2)}, {"a": (2,)}, "model.safetensors")
    >>> check_tensors({}, {"a": (2,)}, "model.safetensors")
    Traceback (most recent call last):
    ...
    speechbrain_emotion.utils.parameter_transfer.CheckpointError: ...
      missing: a
    """
    problems = [
        *(f"missing: {name}" for name in expected.keys() - found.keys()),
        *(f"unexpected: {name}" for name in found.keys() - expected.keys()),
        *(
            f"{name} has the shape {tuple(found[name].shape)}, "
            f"expected {tuple(expected[name])}"
            for name in expected.keys() & found.keys()
            if found[name].shape != tuple(expected[name])
        ),
        *(
            f"{name} has values that are not finite"
            for name, tensor in found.items()
            if not _is_finite(tensor)
        ),
    ]
    if problems:
        raise CheckpointError(
            f"'{path}' does not fit the model:\n  "
            + "\n  ".join(sorted(problems))
        )


def _is_finite(tensor):
    """Whether no value is NaN or infinite."""
    # NaN is the least and the greatest of all. One pass, without a copy.
    return not tensor.numel() or all(
        extreme.isfinite() for extreme in tensor.aminmax()
    )


class FolderPretrainer(Pretrainer):
    """A Pretrainer for folders that can be moved.

    SpeechBrain's ``Pretrainer`` looks for files without a path as
    ``<name>.ckpt`` in the model's folder, and for files with a path relative
    to the current directory. Here a plain file name in ``paths``, or one that
    begins with ``../``, means a file seen from the model's folder, and modules
    are loaded from safetensors, strictly.

    Arguments
    ---------
    loadables : dict
        Name -> object.
    paths : dict
        Name -> file name in the model's folder.
    prefixes : dict
        Name -> beginning of its tensors' names, where the object is a part of
        the model in the file.

    Example
    -------
    >>> import torch
    >>> from safetensors.torch import save_model
    >>> folder = getfixture("tmpdir")
    >>> model = torch.nn.Linear(2, 2)
    >>> save_model(model, str(folder / "model.safetensors"))
    >>> pretrainer = FolderPretrainer(
    ...     {"model": model}, {"model": "model.safetensors"}
    ... )
    >>> _ = pretrainer.collect_files(default_source=str(folder))
    >>> pretrainer.load_collected()
    """

    def __init__(self, loadables, paths, prefixes=None):
        prefixes = prefixes or {}
        hooks = {
            name: functools.partial(
                load_safetensors, prefix=prefixes.get(name, "")
            )
            for name, path in paths.items()
            if path.endswith(".safetensors")
        }
        super().__init__(loadables=loadables, paths=paths, custom_hooks=hooks)

    def collect_files(self, default_source=None, *args, **kwargs):
        """Finds the files in the model's folder or on the hub.

        Arguments
        ---------
        default_source : str or Path or FetchSource
            The model's folder or hub id.
        *args, **kwargs
            See ``speechbrain.utils.parameter_transfer.Pretrainer``.

        Returns
        -------
        dict
            Name -> local path.

        Raises
        ------
        FileNotFoundError
            If the model's folder lacks a file.
        ValueError
            If a path leads elsewhere than to this folder or one beside it.
        """
        if default_source is not None:
            self.add_paths(
                {
                    name: _join(default_source, path)
                    for name, path in self.paths.items()
                    if "/" not in path or path.startswith("../")
                }
            )
        return super().collect_files(default_source, *args, **kwargs)


def _join(source, filename):
    """Puts a file name behind a folder or hub id."""
    if "/" in filename and not _BESIDE.fullmatch(filename):
        raise ValueError(
            f"'{filename}' is neither in the model's folder nor in one beside "
            "it (../folder/file)"
        )
    if isinstance(source, FetchSource):
        return FetchSource(source.FetchFrom, f"{source.path}/{filename}")
    path = pathlib.Path(f"{source}/{filename}")
    if pathlib.Path(source).is_dir() and not path.is_file():
        raise FileNotFoundError(
            f"the model in '{source}' needs the file '{filename}', which is "
            "not there: complete the folder"
        )
    return str(path)
