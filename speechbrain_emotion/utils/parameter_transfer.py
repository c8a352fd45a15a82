"""Loading of trained parameters: safetensors, strict, from any folder."""

from safetensors import SafetensorError
from safetensors.torch import load_file

from speechbrain.utils.fetching import FetchSource
from speechbrain.utils.parameter_transfer import Pretrainer


class CheckpointError(ValueError):
    """Parameters that do not fit the model; the message names the tensors."""


def load_safetensors(module, path):
    """Loads all parameters of a module from a safetensors file.

    Arguments
    ---------
    module : torch.nn.Module
        Changed in place.
    path : str or Path
        The file.

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
    try:
        found = load_file(str(path))
    except SafetensorError as error:
        raise CheckpointError(
            f"'{path}' is no safetensors file ({error})"
        ) from error
    expected = module.state_dict()
    problems = [
        *(f"missing: {name}" for name in expected.keys() - found.keys()),
        *(f"unexpected: {name}" for name in found.keys() - expected.keys()),
        *(
            f"{name} has the shape {tuple(found[name].shape)}, "
            f"expected {tuple(expected[name].shape)}"
            for name in expected.keys() & found.keys()
            if expected[name].shape != found[name].shape
        ),
    ]
    if problems:
        raise CheckpointError(
            f"'{path}' does not fit the model:\n  "
            + "\n  ".join(sorted(problems))
        )
    module.load_state_dict(found)


class FolderPretrainer(Pretrainer):
    """A Pretrainer for folders that can be moved.

    SpeechBrain's ``Pretrainer`` looks for files without a path as
    ``<name>.ckpt`` in the model's folder, and for files with a path relative
    to the current directory. Here a plain file name in ``paths`` means a file
    of the model's folder, and modules are loaded from safetensors, strictly.

    Arguments
    ---------
    loadables : dict
        Name -> object.
    paths : dict
        Name -> file name in the model's folder.

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

    def __init__(self, loadables, paths):
        hooks = {
            name: load_safetensors
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
        """
        self.add_paths(
            {
                name: _join(default_source, path)
                for name, path in self.paths.items()
                if "/" not in path
            }
        )
        return super().collect_files(default_source, *args, **kwargs)


def _join(source, filename):
    """Puts a file name behind a folder or hub id."""
    if isinstance(source, FetchSource):
        return FetchSource(source.FetchFrom, f"{source.path}/{filename}")
    return f"{source}/{filename}"
