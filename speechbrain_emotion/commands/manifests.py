"""CSV files that name audio files, texts or both."""

import csv
import pathlib

AUDIO_COLUMNS = ("wav", "path")
TEXT_COLUMNS = ("text", "words")
ID_COLUMNS = ("id",)


class ManifestError(ValueError):
    """A CSV file that cannot be used; the message says why."""


def read_manifest(path, *needed):
    """Reads a CSV file: UTF-8, comma-separated, with a header.

    Arguments
    ---------
    path : str or Path
        The file.
    *needed : tuple of str
        Groups of columns; of each group, one must be there.

    Returns
    -------
    list of (int, dict)
        The number of each row's line, and its cells by column.

    Raises
    ------
    ManifestError
        If it cannot be read, lacks a column or holds no rows.

    Example
    -------
    >>> path = getfixture("tmp_path") / "clips.csv"
    >>> _ = path.write_text("wav,text\\na.wav,Oh!\\n")
    >>> read_manifest(path, AUDIO_COLUMNS)
    [(2, {'wav': 'a.wav', 'text': 'Oh!'})]
    """
    columns, rows = _parse(path)
    for group in needed:
        if not set(group) & set(columns):
            raise ManifestError(
                f"'{path}' has no column {_listing(group)}, only "
                f"{', '.join(map(repr, columns)) or 'an empty first line'}: "
                "name the columns in its first line, separated by commas"
            )
    if not rows:
        raise ManifestError(f"'{path}' holds no rows below its first line")
    return rows


def cell(row, columns):
    """Gets what a row says in the first of several columns that is filled.

    Arguments
    ---------
    row : dict
        Cells by column.
    columns : tuple of str
        The columns.

    Returns
    -------
    str or None
        None where all are empty or not there.

    Example
    -------
    >>> cell({"id": "1", "text": " ", "words": "Oh!"}, TEXT_COLUMNS)
    'Oh!'
    """
    filled = (row[name] for name in columns if (row.get(name) or "").strip())
    return next(filled, None)


def audio_path(row, manifest):
    """Gets the audio file that a row names, relative to its manifest.

    Arguments
    ---------
    row : dict
        Cells by column.
    manifest : str or Path
        The CSV file.

    Returns
    -------
    str or None
        None where the row names none.

    Example
    -------
    >>> audio_path({"wav": "audio/a.wav"}, "corpus/clips.csv")
    'corpus/audio/a.wav'
    """
    name = cell(row, AUDIO_COLUMNS)
    return None if name is None else str(pathlib.Path(manifest).parent / name)


def _parse(path):
    """Reads the columns and the rows of a CSV file."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as fin:
            # Strict: a quote left open would swallow the rows after it.
            reader = csv.DictReader(fin, strict=True, skipinitialspace=True)
            columns = reader.fieldnames or []
            return columns, [(reader.line_num, row) for row in reader]
    except FileNotFoundError as error:
        raise ManifestError(f"there is no CSV file '{path}'") from error
    except OSError as error:
        reason = error.strerror
    except UnicodeDecodeError as error:
        reason = f"it is not in UTF-8 ({error}); save it as CSV in UTF-8"
    except csv.Error as error:
        reason = f"line {reader.line_num}: {error}; save it as CSV again"
    raise ManifestError(f"'{path}' cannot be read: {reason}")


def _listing(columns):
    """Names columns, of which one is needed."""
    return " or ".join(map(repr, columns))
