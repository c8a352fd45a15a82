"""nEMO, emotional speech in Polish.

Nine actors say 90 sentences in 6 emotions: 4,481 clips. Published at
https://github.com/amu-cai/nEMO and https://huggingface.co/datasets/amu-cai/nEMO
under CC BY-NC-SA 4.0.

Source: I. Christop (2024), "nEMO: Dataset of Emotional Speech in Polish",
LREC-COLING 2024, arXiv 2404.06292.
"""

import csv
import os
import re
from dataclasses import replace
from pathlib import Path

from .scan import Layout, look_up, read_layout
from .tables import find_table, read_table

EMOTIONS = {
    "anger": "anger",
    "fear": "fear",
    "happiness": "happiness",
    "neutral": "neutral",
    "sadness": "sadness",
    "surprised": "surprised",
}
# From the corpus's data.tsv.
GENDERS = {
    "EB0": "female",
    "IC0": "female",
    "KD0": "female",
    "KS0": "male",
    "MK0": "female",
    "MP0": "male",
    "SM0": "male",
    "TP0": "male",
    "WR0": "male",
}
CLIP = re.compile(r"([A-Z]{2}\d)_([a-z]+)_\d+")
# The table of texts -> its columns of ids and texts, and how it differs from
# CSV.
TABLES = {
    "data.tsv": (
        "file_id",
        "raw_text",
        {"delimiter": "\t", "quoting": csv.QUOTE_NONE},
    ),
    "manifest.csv": ("id", "text", {}),
}


def read_nemo(data_folder):
    """Reads nEMO.

    Arguments
    ---------
    data_folder : str or pathlib.Path
        Folder with files like `samples/KS0_anger_1.wav`, at any depth. Text
        and gender come from `data.tsv` in this folder, the one above it or
        one right below it, or else from a `manifest.csv` in this folder with
        the columns id, text and gender. Without a table the text is empty.

    Returns
    -------
    list of Utterance
        The clips, sorted by id.

    Raises
    ------
    CorpusError
        Where the folder does not exist, holds no clip of nEMO, a file name
        has an unknown emotion, or the table lacks a column.

    Example
    -------
    >>> import numpy, soundfile
    >>> folder = getfixture("tmp_path")
    >>> soundfile.write(folder / "KS0_anger_1.wav", numpy.zeros(8000), 16000)
    >>> (clip,) = read_nemo(folder)
    >>> clip.emo, clip.spk_id, clip.gender, clip.words
    ('anger', 'KS0', 'male', '')
    """
    clips = read_layout(data_folder, LAYOUT)
    rows = _read_table(data_folder)
    return [replace(clip, **rows.get(clip.id, {})) for clip in clips]


def _describe(path):
    """Reads a file name; see `Layout.describe`."""
    match = CLIP.fullmatch(path.stem)
    if match is None:
        return None
    speaker, emotion = match.groups()
    return {
        "emo": look_up(EMOTIONS, emotion, "nEMO", "emotion", path),
        "spk_id": speaker,
        "gender": GENDERS.get(speaker, ""),
        "words": "",
    }


def _read_table(data_folder):
    """Text and gender of each clip id, empty where there is no table."""
    path = find_table(data_folder, "data.tsv")
    path = path or Path(data_folder, "manifest.csv")
    if not path.is_file():
        return {}
    id, text, dialect = TABLES[path.name]
    rows = read_table(path, "nEMO", [id, text], **dialect)
    return {os.path.splitext(row[id])[0]: _known(row, text) for row in rows}


def _known(row, text):
    """What a row of the table says of a clip."""
    known = {"words": row[text].strip()}
    # GitHub calls the column "gender", other copies "speaker_gender".
    gender = row.get("gender") or row.get("speaker_gender")
    return {**known, "gender": gender.strip()} if gender else known


LAYOUT = Layout(
    corpus="nEMO",
    lang="pl",
    clips=4481,
    example="samples/KS0_anger_1.wav",
    describe=_describe,
)
