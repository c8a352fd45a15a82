"""Texts from a CSV file for inputs, matched by name."""

import collections
import dataclasses
import os
import pathlib

from speechbrain_emotion.commands.manifests import (
    AUDIO_COLUMNS,
    ID_COLUMNS,
    TEXT_COLUMNS,
    audio_path,
    cell,
    read_manifest,
)
from speechbrain_emotion.dataio.corpora.scan import AUDIO_SUFFIXES


def add_texts(items, manifest):
    """Gives every item its text from a CSV file.

    A row belongs to an item if its ``wav``, ``path`` or ``id`` is the item's
    full path or id, or else its file name, or else that without the suffix.

    Arguments
    ---------
    items : list of Item
        The inputs. Texts that they have are replaced.
    manifest : str or Path
        The CSV file.

    Returns
    -------
    list of Item
        The same with their texts; where there is none, or where there are
        different ones, with ``error`` set.

    Raises
    ------
    ManifestError
        If the file cannot be read, or lacks a column.

    Example
    -------
    >>> from speechbrain_emotion.commands.items import Item
    >>> path = getfixture("tmp_path") / "texts.csv"
    >>> _ = path.write_text("id,text\\na,Oh!\\n")
    >>> clips = [Item("clips/a.wav", audio="clips/a.wav"), Item("b", audio="b")]
    >>> found, missing = add_texts(clips, path)
    >>> found.text
    'Oh!'
    >>> missing.error
    "'...texts.csv' has no text for 'b': no row names it by path, name or id"
    """
    index = _index(manifest)
    return [_add_text(item, index, manifest) for item in items]


def _index(manifest):
    """Maps each name of each row to the texts that it is given."""
    rows = read_manifest(manifest, TEXT_COLUMNS, (*AUDIO_COLUMNS, *ID_COLUMNS))
    index = collections.defaultdict(set)
    for _, row in rows:
        for key in _row_keys(row, manifest):
            index[key].add(cell(row, TEXT_COLUMNS))
    return index


def _row_keys(row, manifest):
    """Yields the names of a row of texts: (kind, name)."""
    audio, id = audio_path(row, manifest), cell(row, ID_COLUMNS)
    if audio is not None:
        yield from _file_keys(audio)
    if id is not None:
        yield "id", id
        yield from _file_keys(pathlib.Path(manifest).parent / id, is_id=True)


def _item_keys(item):
    """Yields the names of an item, the surest first."""
    path, *others = _file_keys(item.audio)
    yield path
    if item.id is not None:
        yield "id", item.id
    yield from others


def _file_keys(path, is_id=False):
    """Yields the names of a file, the surest first."""
    name, stem = os.path.basename(path), pathlib.Path(path).stem
    yield "path", os.path.abspath(path)
    yield "name", name
    # A dot in an id need not begin a suffix.
    has_suffix = not is_id or name.lower().endswith(AUDIO_SUFFIXES)
    yield "stem", stem if has_suffix else name


def _add_text(item, index, manifest):
    """Gives one item its text, or the reason why it has none."""
    if item.audio is None:
        return item
    # Not index[key], which would add the key.
    found = (index.get(key) for key in _item_keys(item))
    texts = next(filter(None, found), set())
    if len(texts) == 1 and None not in texts:
        return dataclasses.replace(item, text=next(iter(texts)))
    problem = f"has no text for '{item.source}'"
    if len(texts) > 1:
        problem = (
            f"has {len(texts)} different texts for '{item.source}': name each "
            "file once, by its full path"
        )
    elif not texts:
        problem += ": no row names it by path, name or id"
    return dataclasses.replace(item, text=None, error=f"'{manifest}' {problem}")
