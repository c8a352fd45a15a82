"""Emotion-labelled texts in a CSV file.

Publishers of text corpora all have their own tables. What is read here is one
that they are quickly turned into: a CSV file in UTF-8 with the columns ``id``,
``text`` and ``emotion``, and where known ``split``, ``language`` and
``speaker``.
"""

import logging
from pathlib import Path

from ..manifests import CorpusError, Utterance
from ..notices import notice
from .tables import check_rows, read_table

NEEDED = ("id", "text", "emotion")
# Between the emotions of a text that has several.
SEPARATOR = "|"

logger = logging.getLogger(__name__)


def read_texts(data_folder, filename, corpus):
    """Reads a CSV file of texts.

    Texts with several emotions ("joy|surprise") and empty ones are left out.

    Arguments
    ---------
    data_folder : str or pathlib.Path
        The folder.
    filename : str
        The file in it.
    corpus : str
        Name of the corpus.

    Returns
    -------
    list of Utterance
        The texts in the order of the file, without audio.

    Raises
    ------
    CorpusError
        Where there is no such file, it lacks a column, an id occurs twice,
        or no text is left.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "mine.csv").write_text(
    ...     "id,text,emotion,split\\na,Oh no!,sadness,train\\nb,Oh!,joy|fear,dev"
    ... )
    >>> (text,) = read_texts(folder, "mine.csv", corpus="mine")
    >>> text.words, text.emo, text.part
    ('Oh no!', 'sadness', 'train')
    """
    path = Path(data_folder) / filename
    if not path.is_file():
        raise CorpusError(f"{corpus}: there is no file '{path}'.")
    rows = read_table(path, corpus, NEEDED)
    check_rows(rows, path, corpus, ["id", "emotion"], "id")
    kept = [
        row
        for row in rows
        if row["text"].strip() and SEPARATOR not in row["emotion"]
    ]
    if len(kept) < len(rows):
        notice(
            logger,
            f"{corpus}: {len(rows) - len(kept):,} of {len(rows):,} texts left "
            "out, which are empty or have several emotions.",
        )
    if not kept:
        raise CorpusError(f"{corpus}: no text is left of '{path}'.")
    return [_utterance(row, corpus) for row in kept]


def _utterance(row, corpus):
    """A row of the table."""
    return Utterance(
        id=row["id"],
        wav=None,
        length=0.0,
        emo=row["emotion"],
        spk_id=row.get("speaker") or "",
        gender="",
        lang=row.get("language") or "",
        words=row["text"].strip(),
        corpus=corpus,
        part=row.get("split") or "",
    )
