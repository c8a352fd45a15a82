"""Tables of corpora: to find them, to read them, and to mend their texts."""

import csv
import io
import math
import os
import re
from collections import Counter
from pathlib import Path

from ..manifests import CorpusError

FIRST_ROW = 2  # below the header, as people count
# UTF-8 that was read as Windows-1252 or Latin-1: "â€™" for "’".
MISREAD = re.compile("â[^\0-\x7f]{2}|[ÂÃ][^\0-\x7f]")
# Windows-1252 that was read as Latin-1: "\x92" for "’".
CONTROL = re.compile("[\x80-\x9f]")


def find_table(data_folder, name):
    """Finds a table near the audio of a corpus.

    Arguments
    ---------
    data_folder : str or pathlib.Path
        The folder of the corpus.
    name : str
        Name of the file.

    Returns
    -------
    pathlib.Path or None
        The file in this folder, in the one above it, or in one right below
        it; None where it is in none of them.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "data.tsv").touch()
    >>> find_table(folder / "samples", "data.tsv").name
    'data.tsv'
    """
    folder = Path(os.path.abspath(data_folder))
    candidates = (
        folder / name,
        folder.parent / name,
        *sorted(folder.glob(f"*/{name}")),
    )
    return next((path for path in candidates if path.is_file()), None)


def read_table(path, corpus, columns, mend=False, **dialect):
    """Reads a table that must have certain columns.

    Arguments
    ---------
    path : str or pathlib.Path
        The file, CSV in UTF-8.
    corpus : str
        Name of the corpus, for the messages.
    columns : list of str
        Columns that it must have.
    mend : bool
        Whether to read it by `decode`, which takes any encoding and mends
        what a wrong one did.
    **dialect
        How the file differs from CSV; see `csv.DictReader`.

    Returns
    -------
    list of dict
        The rows. Cells that are missing at the end of a row are empty.

    Raises
    ------
    CorpusError
        Where the file is no such table, or lacks a column.

    Example
    -------
    >>> path = getfixture("tmp_path") / "texts.csv"
    >>> _ = path.write_text("id,text\\na,Oh no!\\n")
    >>> read_table(path, "mine", ["id", "text"])
    [{'id': 'a', 'text': 'Oh no!'}]
    >>> read_table(path, "mine", ["id", "emotion"])
    Traceback (most recent call last):
        ...
    speechbrain_emotion.dataio.manifests.CorpusError: mine: ...
    """
    content = Path(path).read_bytes()
    try:
        text = decode(content) if mend else content.decode("utf-8-sig")
        file = io.StringIO(text, newline="")
        table = csv.DictReader(file, strict=True, restval="", **dialect)
        rows = list(table)
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(
            f"{corpus}: '{path}' is no CSV file in UTF-8 ({error})."
        ) from error
    found = table.fieldnames or []
    missing = [name for name in columns if name not in found]
    if missing:
        raise CorpusError(
            f"{corpus}: '{path}' has no column {', '.join(missing)}; it has "
            f"{', '.join(found)}."
        )
    return rows


def check_rows(rows, path, corpus, needed, id):
    """Refuses a table whose rows are not whole.

    Arguments
    ---------
    rows : list of dict
        What `read_table` returned.
    path : str or pathlib.Path
        The file, for the messages.
    corpus : str
        Name of the corpus, for the messages.
    needed : list of str
        Columns in which no cell may be empty.
    id : str or list of str
        The column, or columns, in which no two rows are the same.

    Raises
    ------
    CorpusError
        Where there is no row, one has too many cells, lacks a cell that is
        needed, or has the id of another.

    Example
    -------
    >>> rows = [{"id": "a", "emotion": ""}]
    >>> check_rows(rows, "a.csv", "mine", ["id", "emotion"], "id")
    Traceback (most recent call last):
        ...
    speechbrain_emotion.dataio.manifests.CorpusError: mine: row 2 of 'a.csv' ...
    """
    if not rows:
        raise CorpusError(f"{corpus}: '{path}' has no row but the header.")
    for number, row in enumerate(rows, start=FIRST_ROW):
        if None in row:
            raise CorpusError(
                f"{corpus}: row {number} of '{path}' has too many cells."
            )
        if empty := [name for name in needed if not row[name].strip()]:
            raise CorpusError(
                f"{corpus}: row {number} of '{path}' has no "
                f"{' and no '.join(empty)}."
            )
    columns = [id] if isinstance(id, str) else id
    ids = [" ".join(row[name] for name in columns) for row in rows]
    count = Counter(ids)
    if twice := [name for name in count if count[name] > 1]:
        row = len(ids) - 1 - ids[::-1].index(twice[0]) + FIRST_ROW
        raise CorpusError(
            f"{corpus}: ids occur twice in '{path}' ({' and '.join(columns)}): "
            f"{', '.join(twice[:5])}, as in row {row}."
        )


def number_in(row, column, index, path, corpus):
    """Reads a cell that holds a number.

    Arguments
    ---------
    row : dict
        The row.
    column : str
        The column.
    index : int
        Which of the rows below the header it is, from 0, for the message.
    path : str or pathlib.Path
        The file, for the message.
    corpus : str
        Name of the corpus, for the message.

    Returns
    -------
    float
        The number; 0.0 for an empty cell, or without such a column.

    Raises
    ------
    CorpusError
        Where it is no number of 0 or more.

    Example
    -------
    >>> number_in({"duration_s": "1.5"}, "duration_s", 0, "a.csv", "mine")
    1.5
    >>> number_in({"duration_s": "n/a"}, "duration_s", 0, "a.csv", "mine")
    Traceback (most recent call last):
        ...
    speechbrain_emotion.dataio.manifests.CorpusError: mine: row 2 of 'a.csv' ...
    """
    cell = row.get(column, "").strip()
    try:
        number = float(cell or 0)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise CorpusError(
            f"{corpus}: row {index + FIRST_ROW} of '{path}' has '{cell}' as "
            f"{column}, which is no number of 0 or more."
        )
    return number


def decode(content):
    """Decodes a text of unknown encoding, and mends it.

    Arguments
    ---------
    content : bytes
        UTF-8, Windows-1252, or both in one.

    Returns
    -------
    str
        The text.

    Example
    -------
    >>> decode(b"It\\x92s me"), decode("It’s me".encode())
    ('It’s me', 'It’s me')
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return mend_text(text)


def mend_text(text):
    """Mends what reading in a wrong encoding did to an English text.

    Arguments
    ---------
    text : str
        The text.

    Returns
    -------
    str
        The text as it was written.

    Example
    -------
    >>> mend_text("It\\x92s â€œRossâ€\\x9d, CafÃ©")
    'It’s “Ross”, Café'
    """
    text = MISREAD.sub(lambda match: _read_again(match[0], "utf-8"), text)
    return CONTROL.sub(lambda match: _read_again(match[0], "cp1252"), text)


def _read_again(wrong, encoding):
    """Decodes the bytes of some characters, where they can be decoded."""
    try:
        return b"".join(map(_byte, wrong)).decode(encoding)
    except UnicodeError:
        return wrong


def _byte(character):
    """The byte that was read as this character."""
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")
