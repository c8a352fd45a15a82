"""Model folders, local or from the Hugging Face hub."""

import contextlib
import functools
import pathlib
import re

import huggingface_hub

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def fetch_folder(
    source,
    revision=None,
    token=None,
    cache_dir=None,
    local_files_only=False,
    allow_patterns=None,
):
    """Finds the folder of a model, and downloads it where needed.

    A local folder is used in place, with the network off. What came from the
    hub once is found in its cache again, also without a network.

    Arguments
    ---------
    source : str or Path
        Folder, or hub id (owner/name).
    revision : str
        Branch, tag or commit on the hub.
    token : str or bool
        Token for private models; None: the one that was stored at login.
    cache_dir : str or Path
        Cache of downloads; None: Hugging Face's own.
    local_files_only : bool
        If True, the network is not used.
    allow_patterns : list of str
        Wildcards of the files that are wanted; None: all.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, and the hub gives no model of that name.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> fetch_folder(folder) == folder
    True
    """
    folder = pathlib.Path(source)
    if folder.is_dir() and str(source):
        return folder
    if folder.exists() or not _HUB_ID.fullmatch(str(source)):
        raise FileNotFoundError(
            f"'{source}' is neither a model folder nor a hub id (owner/name)"
        )
    download = functools.partial(
        huggingface_hub.snapshot_download,
        str(source),
        revision=revision,
        token=token,
        cache_dir=cache_dir,
        allow_patterns=allow_patterns,
    )
    try:
        path = download(local_files_only=local_files_only)
    # Of the hub, the network and whatever lies between, with as many errors.
    except Exception as error:
        with contextlib.suppress(Exception):
            return pathlib.Path(download(local_files_only=True))
        raise FileNotFoundError(
            f"there is no folder '{source}', and the hub gave no model of "
            f"that name (revision {revision or 'main'}). Check the name, the "
            "connection and, for a private model, the token. The hub said: "
            f"{error}"
        ) from error
    return pathlib.Path(path)


def fetch_options(fetch_config):
    """Turns SpeechBrain's options of fetching into those of ``fetch_folder``.

    Arguments
    ---------
    fetch_config : speechbrain.utils.fetching.FetchConfig
        None: the defaults.

    Returns
    -------
    dict

    Example
    -------
    >>> from speechbrain.utils.fetching import FetchConfig
    >>> fetch_options(FetchConfig(revision="v1"))["revision"]
    'v1'
    """
    if fetch_config is None:
        return {}
    return {
        "revision": fetch_config.revision,
        "token": fetch_config.token or None,
        "cache_dir": fetch_config.huggingface_cache_dir,
        "local_files_only": not fetch_config.allow_network,
    }
