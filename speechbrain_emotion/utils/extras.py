"""Packages that are needed by a part of the project only."""

import contextlib
import importlib
import os
import sys
import threading

import torch

_lock = threading.Lock()


def import_extra(package, extra):
    """Imports a package, and undoes what the import changes elsewhere.

    Some set the number of torch's threads, or variables of the environment.
    Once it is imported, nothing is undone.

    Arguments
    ---------
    package : str
        Name to import.
    extra : str
        The extra of this project that installs it.

    Returns
    -------
    module

    Raises
    ------
    ModuleNotFoundError
        If it is not installed, or something that it needs.

    Example
    -------
    >>> import_extra("no_such_package", "asr")
    Traceback (most recent call last):
    ...
    ModuleNotFoundError: this needs the package 'no_such_package', which ...
    """
    try:
        with _lock:
            is_there = sys.modules.get(package) is not None
            with contextlib.nullcontext() if is_there else _undone():
                # It waits if another thread is importing the package.
                return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"this needs the package '{package}', which cannot be imported "
            f'({error}): pip install "speechbrain-emotion[{extra}]"',
            name=error.name,
        ) from error


@contextlib.contextmanager
def _undone():
    """Sets torch's threads and the environment as they were before."""
    n_threads, environment = torch.get_num_threads(), dict(os.environ)
    try:
        yield
    finally:
        if torch.get_num_threads() != n_threads:
            torch.set_num_threads(n_threads)
        _restore(environment)


def _restore(environment):
    """Sets those variables of the environment that have changed."""
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    for name, value in environment.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
