"""What is to be recognised, one item per answer."""

import dataclasses
import glob
import os
import pathlib

from speechbrain_emotion.commands.manifests import (
    AUDIO_COLUMNS,
    ID_COLUMNS,
    TEXT_COLUMNS,
    ManifestError,
    audio_path,
    cell,
    read_manifest,
)
from speechbrain_emotion.dataio.corpora.scan import AUDIO_SUFFIXES, audio_files


@dataclasses.dataclass(frozen=True)
class Item:
    """One utterance to recognise, or the reason why there is none.

    Arguments
    ---------
    source : str
        How the answer names it.
    audio : str
        The audio file.
    text : str
        What is said.
    id : str
        What its manifest calls it.
    speaker : str
        Who speaks.
    error : str
        Why it cannot be recognised.
    """

    source: str | None = None
    audio: str | None = None
    text: str | None = None
    id: str | None = None
    speaker: str | None = None
    error: str | None = None


def expand_inputs(inputs):
    """Finds what files, folders, patterns and manifests stand for.

    Arguments
    ---------
    inputs : list of str
        As they are given on the command line.

    Returns
    -------
    list of Item
        In the order of the inputs. What cannot be found or read is an item
        with its ``error`` set. What is named twice is there twice.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> for name in ["b.wav", "a.flac", "notes.txt"]:
    ...     (folder / name).touch()
    >>> [pathlib.Path(i.audio).name for i in expand_inputs([str(folder)])]
    ['a.flac', 'b.wav']
    >>> [item] = expand_inputs([str(folder / "*.mp3")])
    >>> item.error
    "no file matches the pattern '...*.mp3'"
    """
    return [item for name in inputs for item in _expand(name)]


def speaker_items(manifests, column):
    """Reads CSV files that name audio files and who speaks in them.

    Arguments
    ---------
    manifests : list of str
        The files, as ``expand_inputs`` takes them.
    column : str
        The column that names the speaker.

    Returns
    -------
    list of Item
        One for each row; where its cell is empty, ``speaker`` is None.

    Raises
    ------
    ManifestError
        If a file is no manifest, cannot be read, or lacks a column.

    Example
    -------
    >>> path = getfixture("tmp_path") / "clips.csv"
    >>> _ = path.write_text("wav,who\\na.wav,Ana\\nb.wav,\\n")
    >>> [item.speaker for item in speaker_items([str(path)], "who")]
    ['Ana', None]
    """
    return [
        dataclasses.replace(
            _from_row(name, line, row), speaker=_speaker(row, column)
        )
        for name in manifests
        for line, row in _speaker_rows(name, column)
    ]


def text_items(manifest):
    """Reads the texts of a CSV file.

    Arguments
    ---------
    manifest : str or Path
        The file, with a column ``text`` or ``words``, and perhaps ``id``.

    Returns
    -------
    list of Item
        One for each row; where its text is empty, its ``error`` is set.

    Raises
    ------
    ManifestError
        If the file cannot be read, or has no such column.

    Example
    -------
    >>> path = getfixture("tmp_path") / "texts.csv"
    >>> _ = path.write_text("id,text\\n7,Oh!\\n")
    >>> text_items(path)
    [Item(source='7', audio=None, text='Oh!', ...)]
    """
    items = []
    for line, row in read_manifest(manifest, TEXT_COLUMNS):
        text, source = cell(row, TEXT_COLUMNS), cell(row, ID_COLUMNS)
        error = None
        if text is None:
            error = f"line {line} of '{manifest}' has no text"
        items.append(Item(source=source, text=text, error=error))
    return items


def _expand(name):
    """Yields what one input stands for."""
    # A file may have the name of a pattern: what is there comes first.
    if glob.has_magic(name) and not os.path.exists(name):
        return _from_pattern(name)
    if os.path.isdir(name):
        return _from_folder(name)
    return _from_file(name)


def _from_file(name):
    """An audio file, or what a manifest names."""
    if not _is_manifest(name):
        return [Item(source=name, audio=name)]
    try:
        rows = read_manifest(name, AUDIO_COLUMNS)
    except ManifestError as error:
        return [Item(source=name, error=str(error))]
    return [_from_row(name, line, row) for line, row in rows]


def _is_manifest(name):
    """Whether a file is read as a manifest."""
    return name.lower().endswith(".csv")


def _speaker_rows(name, column):
    """The rows of a manifest that says who speaks."""
    if not _is_manifest(name):
        raise ManifestError(
            f"'{name}' has no columns: name CSV files (.csv) as INPUT"
        )
    return read_manifest(name, AUDIO_COLUMNS, (column,))


def _speaker(row, column):
    """Who speaks, or None; spaces around a name are no part of it."""
    name = cell(row, (column,))
    return None if name is None else name.strip()


def _from_row(manifest, line, row):
    """What a row of a manifest names."""
    audio = audio_path(row, manifest)
    fields = {"text": cell(row, TEXT_COLUMNS), "id": cell(row, ID_COLUMNS)}
    if audio is None:
        error = f"line {line} of '{manifest}' names no audio file"
        return Item(source=manifest, error=error, **fields)
    return Item(source=audio, audio=audio, **fields)


def _from_folder(folder):
    """The audio files in a folder and below."""
    files = _files_below(folder)
    if not files:
        error = (
            f"'{folder}' is a folder without audio files "
            f"({', '.join(AUDIO_SUFFIXES)})"
        )
        return [Item(source=folder, error=error)]
    return [Item(source=name, audio=name) for name in files]


def _from_pattern(pattern):
    """The audio files that a pattern matches, or else whatever it matches."""
    files = set()
    # The shell leaves a "~" alone where the pattern is quoted.
    for name in glob.glob(os.path.expanduser(pattern), recursive=True):
        files.update(_files_below(name) if os.path.isdir(name) else [name])
    audio = {name for name in files if name.lower().endswith(AUDIO_SUFFIXES)}
    if not files:
        error = f"no file matches the pattern '{pattern}'"
        return [Item(source=pattern, error=error)]
    return [
        item for name in sorted(audio or files) for item in _from_file(name)
    ]


def _files_below(folder):
    """The audio files below a folder, named as the folder is, sorted."""
    top = os.path.abspath(folder)
    found = (path.relative_to(top) for path in audio_files(folder))
    return [str(pathlib.Path(folder, path)) for path in sorted(found)]
