"""Spanish MEACorpus 2023, emotional speech of YouTube videos in Spanish.

5,129 segments of 3,006 videos in 6 emotions, with transcripts. Published at
https://github.com/NLP-UMUTeam/Spanish-MEACorpus-2023 and
https://doi.org/10.5281/zenodo.18606423 under CC BY-NC 4.0, without the audio,
which its publishers' script cuts from the videos.

Source: R. Pan, J. A. García-Díaz, M. Á. Rodríguez-García and R.
Valencia-García (2024), "Spanish MEACorpus 2023: A multimodal speech-text
corpus for emotion analysis in Spanish from natural environments", Computer
Standards & Interfaces 90, 103856.
"""

import logging
import os
from dataclasses import replace
from pathlib import Path

from ..manifests import CorpusError, Utterance
from .recordings import with_recordings
from .scan import audio_files
from .tables import find_table, read_table
from .texts import read_texts

PUBLISHED = "spanish-meacorpus-2023-dataset.csv"
TEXTS = "spanish_meacorpus_2023.csv"
SEGMENTS = "spanish_meacorpus_2023_segments.csv"
UTTERANCES = 5129

logger = logging.getLogger(__name__)


def read_meacorpus(data_folder, audio="auto"):
    """Reads Spanish MEACorpus 2023.

    Arguments
    ---------
    data_folder : str or pathlib.Path
        Folder with the publishers' `spanish-meacorpus-2023-dataset.csv`
        (filename, label, transcription, split, and where known youtube_key,
        gender, start_time and end_time in ms), or with
        `spanish_meacorpus_2023.csv` (id, text, emotion, split, language).
        Genders, lengths and videos are also read from
        `spanish_meacorpus_2023_segments.csv` (id, gender, duration_s,
        video_key) where it is in the same folder. Audio files are called by
        the ids, as `55ea70ba-9ce28715.mp3`, at any depth.
    audio : str
        "auto": with audio if there is any; utterances without are then left
        out with a warning. "required": no audio is an error. "none": texts
        alone.

    Returns
    -------
    list of Utterance
        In the order of the table. Parts are "train" and "test"; the speakers
        are not known, the videos are.

    Raises
    ------
    CorpusError
        Where there is no table, it lacks a column, or audio is required and
        absent.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> table = "id,text,emotion,split,language\\n1a-2b,Hola,joy,train,es\\n"
    >>> _ = (folder / "spanish_meacorpus_2023.csv").write_text(table)
    >>> (text,) = read_meacorpus(folder)
    >>> text.emo, text.words, text.part, text.lang
    ('joy', 'Hola', 'train', 'es')
    """
    published = find_table(data_folder, PUBLISHED)
    if published is not None:
        texts = _read_published(published)
    elif Path(data_folder, TEXTS).is_file():
        texts = read_texts(data_folder, TEXTS, corpus="MEACorpus")
    else:
        raise CorpusError(
            f"MEACorpus: there is neither '{PUBLISHED}' nor '{TEXTS}' in "
            f"'{data_folder}'. Give the folder of the table."
        )
    segments = find_table(data_folder, SEGMENTS)
    if segments is not None:
        known = _read_segments(segments)
        texts = [replace(text, **known.get(text.id, {})) for text in texts]
    if len(texts) < UTTERANCES:
        logger.warning(
            f"MEACorpus: {len(texts)} utterances found, expected {UTTERANCES}"
        )
    return with_recordings(
        texts,
        # Of several copies, the one highest in the tree.
        lambda: {path.stem: path for path in audio_files(data_folder)[::-1]},
        audio,
        "MEACorpus",
        f"Put files like '{texts[0].id}.mp3' below '{data_folder}'.",
    )


def _read_published(path):
    """The utterances of the publishers' table."""
    columns = ["filename", "label", "transcription", "split"]
    return [
        Utterance(
            id=os.path.splitext(row["filename"])[0],
            wav=None,
            length=_seconds(row),
            emo=row["label"],
            spk_id="",
            gender=row.get("gender", ""),
            lang="es",
            words=row["transcription"].strip(),
            corpus="MEACorpus",
            part=row["split"],
            video=row.get("youtube_key", ""),
        )
        for row in read_table(path, "MEACorpus", columns)
    ]


def _seconds(row):
    """The length of a segment, 0.0 where it is not known."""
    if not (row.get("start_time") and row.get("end_time")):
        return 0.0
    return (float(row["end_time"]) - float(row["start_time"])) / 1000


def _read_segments(path):
    """What the table of segments says of each id."""
    columns = ["id", "gender", "duration_s", "video_key"]
    return {
        row["id"]: {
            "gender": row["gender"],
            "length": float(row["duration_s"] or 0),
            "video": row["video_key"],
        }
        for row in read_table(path, "MEACorpus", columns)
    }
