"""Files that are there as a whole or not at all."""

import contextlib
import os
import pathlib


@contextlib.contextmanager
def written_whole(path):
    """Gives a path to write to, which becomes the file when all is written.

    A stop, a full disk or another error leaves the file as it was.

    Arguments
    ---------
    path : str or pathlib.Path
        The file. Its folder is made where it does not exist.

    Yields
    ------
    pathlib.Path
        A hidden file beside it. It ends in another suffix.

    Raises
    ------
    OSError
        If there is something else than a file, such as a folder or a device,
        which would be replaced.

    Example
    -------
    >>> path = getfixture("tmp_path") / "results" / "report.txt"
    >>> with written_whole(path) as unfinished:
    ...     _ = unfinished.write_text("all right")
    >>> [file.name for file in path.parent.iterdir()]
    ['report.txt']
    """
    path = pathlib.Path(path)
    if path.exists() and not path.is_file():
        raise OSError(f"'{path}' is no ordinary file: name another one")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
