"""Spanish MEACorpus 2023, emotional speech of YouTube videos in Spanish.

5,129 segments of 3,006 videos in 6 emotions, with transcripts. Published at
https://github.com/NLP-UMUTeam/Spanish-MEACorpus-2023 and
https://doi.org/10.5281/zenodo.18606423 under CC BY-NC 4.0, without the audio.

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
from ..notices import notice
from .recordings import with_recordings
from .scan import audio_files, say_if_incomplete
from .tables import FIRST_ROW, check_rows, find_table, number_in, read_table
from .texts import read_texts

PUBLISHED = "spanish-meacorpus-2023-dataset.csv"
# Published before and deleted since: the same rows with their videos.
VIDEOS = "dataset.csv"
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
        (filename, label, transcription, split), or with
        `spanish_meacorpus_2023.csv` (id, text, emotion, split, language).
        Genders, lengths and videos are read from
        `spanish_meacorpus_2023_segments.csv` (id, gender, duration_s,
        video_key), or else from the publishers' table, if it has
        youtube_key, gender, and start_time and end_time in ms, or from their
        earlier `dataset.csv` beside it, which has these and the same rows.
        Audio files are called by the ids, as
        `55ea70ba-9ce28715.mp3`, at any depth.
    audio : str
        "auto": with audio if there is any; utterances without are then left
        out with a warning. "required": no audio is an error. "none": texts
        alone.

    Returns
    -------
    list of Utterance
        In the order of the table. Parts are "train" and "test"; the speakers
        are not known, and the videos only with one of the second tables.

    Raises
    ------
    CorpusError
        Where there is no table, one lacks a column, has a row that is not
        whole or does not fit to the other, or audio is required and absent.

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
    elif published and published.with_name(VIDEOS).is_file():
        texts = _with_videos(texts, published.with_name(VIDEOS))
    if not any(text.video for text in texts):
        notice(
            logger,
            f"MEACorpus: the videos are not known, without '{SEGMENTS}' or "
            f"the publishers' earlier '{VIDEOS}' beside the table: most of "
            "the test segments may be of videos that are trained on.",
        )
    say_if_incomplete(logger, "MEACorpus", len(texts), UTTERANCES, "utterances")
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
    rows = read_table(path, "MEACorpus", columns)
    check_rows(rows, path, "MEACorpus", columns, "filename")
    return [
        Utterance(
            id=os.path.splitext(row["filename"])[0],
            wav=None,
            emo=row["label"],
            spk_id="",
            lang="es",
            words=row["transcription"].strip(),
            corpus="MEACorpus",
            part=row["split"],
            **_segment(row, index, path),
        )
        for index, row in enumerate(rows)
    ]


def _with_videos(texts, path):
    """The texts with what the publishers' earlier table says of them."""
    same = {"label": "emo", "transcription": "words", "split": "part"}
    rows = read_table(path, "MEACorpus", ["youtube_key", *same])
    if len(rows) != len(texts):
        raise CorpusError(
            f"MEACorpus: '{path}' has {len(rows)} rows, and '{PUBLISHED}' has "
            f"{len(texts)}: they must be the same segments in the same order."
        )
    for number, (text, row) in enumerate(zip(texts, rows), start=FIRST_ROW):
        for column, field in same.items():
            if row[column].strip() != getattr(text, field):
                raise CorpusError(
                    f"MEACorpus: row {number} of '{path}' has another "
                    f"{column} than '{text.id}' of '{PUBLISHED}': they must "
                    "be the same segments in the same order."
                )
    return [
        replace(text, **_segment(row, index, path))
        for index, (text, row) in enumerate(zip(texts, rows))
    ]


def _segment(row, index, path):
    """Video, gender and length of a segment, as far as a table has them."""
    start, end = (
        number_in(row, column, index, path, "MEACorpus")
        for column in ("start_time", "end_time")
    )
    if end < start:
        raise CorpusError(
            f"MEACorpus: row {index + FIRST_ROW} of '{path}' has an end_time "
            "before its start_time."
        )
    return {
        "video": row.get("youtube_key", ""),
        "gender": row.get("gender", ""),
        "length": (end - start) / 1000,
    }


def _read_segments(path):
    """What the table of segments says of each id."""
    columns = ["id", "gender", "duration_s", "video_key"]
    rows = read_table(path, "MEACorpus", columns)
    check_rows(rows, path, "MEACorpus", ["id"], "id")
    return {
        row["id"]: {
            "gender": row["gender"],
            "length": number_in(row, "duration_s", index, path, "MEACorpus"),
            "video": row["video_key"],
        }
        for index, row in enumerate(rows)
    }
