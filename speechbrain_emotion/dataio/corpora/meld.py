"""MELD, the Multimodal EmotionLines Dataset.

13,708 utterances of dialogues of the TV series Friends in 7 emotions.
Published at https://github.com/declare-lab/MELD under GPL-3.0; the videos at
http://web.eecs.umich.edu/~mihalcea/downloads/MELD.Raw.tar.gz

Source: S. Poria, D. Hazarika, N. Majumder, G. Naik, E. Cambria and R. Mihalcea
(2019), "MELD: A Multimodal Multi-Party Dataset for Emotion Recognition in
Conversations", ACL 2019, 527-536.
"""

import logging
import re
import string
from dataclasses import replace
from pathlib import Path

from ..manifests import CorpusError, Utterance
from .recordings import with_recordings
from .scan import audio_files, say_if_incomplete
from .tables import check_rows, mend_text, number_in, read_table
from .texts import read_texts
from .video import extract_audio

# part -> the folder of its clips
FOLDERS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}
PARTS = {folder: part for part, folder in FOLDERS.items()}
TEXTS = "meld.csv"
COLUMNS = (
    *("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID"),
    *("Season", "Episode"),
)
UTTERANCES = 13708
IDS = ("Dialogue_ID", "Utterance_ID")
# Several people at once are nobody in particular.
SEVERAL = re.compile(r".+ (?:and|&) .+|All|Both|The Guys|Her-Friends", re.I)
CLIP = re.compile(r"(?:final_videos_test)?(dia\d+_utt\d+)")
EXTRACTED = re.compile(r"(?:train|dev|test)_dia\d+_utt\d+")

logger = logging.getLogger(__name__)


def read_meld(data_folder, audio="auto", audio_folder=None):
    """Reads MELD.

    Audio is looked for in this order: extracted in `audio_folder`; where
    that is given, in the videos, from which it is extracted; as files like
    `train_splits/dia0_utt0.wav` or `train_dia0_utt0.flac`.

    Arguments
    ---------
    data_folder : str or pathlib.Path
        Folder with `train_sent_emo.csv`, `dev_sent_emo.csv` and
        `test_sent_emo.csv` at any depth, and videos like
        `train_splits/dia0_utt0.mp4`, `dev_splits_complete/dia0_utt0.mp4` and
        `output_repeated_splits_test/dia0_utt0.mp4`. Of two videos of one
        test utterance the one called `final_videos_test...` counts; the other
        says something else. Or with `meld.csv` (id, text, emotion, split,
        language), where the speakers are not known.
    audio : str
        "auto": with audio if there is any; utterances without are then left
        out with a warning. "required": no audio is an error. "none": texts
        alone.
    audio_folder : str or pathlib.Path
        Where to write the audio of the videos, once, as
        `train_dia0_utt0.flac`, 16 kHz, mono. Needs the extra "video".

    Returns
    -------
    list of Utterance
        In the order of the tables. Ids are like "train_dia0_utt0", parts
        "train", "dev" and "test", sessions the dialogues, as "train_dia0",
        videos the episodes, as "s08e21". Speakers are the characters:
        "Joey" also where the table has "Joey/Drake", and nobody where several
        speak ("Joey and Chandler", "All"). Only the names of the six main
        characters are unique.

    Raises
    ------
    CorpusError
        Where a table is missing, lacks a column, or has a row that is not
        whole, or audio is required and absent.
    ModuleNotFoundError
        Where audio is to be extracted and the extra "video" is missing.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> table = "id,text,emotion,split,language\\n"
    >>> row = "train_dia0_utt3,Why not?,anger,train,en\\n"
    >>> _ = (folder / "meld.csv").write_text(table + row)
    >>> (text,) = read_meld(folder)
    >>> text.emo, text.words, text.part, text.session
    ('anger', 'Why not?', 'train', 'train_dia0')
    """
    texts = _read_tables(data_folder)
    say_if_incomplete(logger, "MELD", len(texts), UTTERANCES, "utterances")
    ids = {text.id for text in texts}
    return with_recordings(
        texts,
        lambda: _find_audio(data_folder, audio_folder, ids),
        audio,
        "MELD",
        f"Put videos like '{FOLDERS['train']}/dia0_utt0.mp4' below "
        f"'{data_folder}', and name an audio_folder to extract it to.",
    )


def _read_tables(data_folder):
    """The utterances of all tables."""
    names = {part: f"{part}_sent_emo.csv" for part in FOLDERS}
    tables = {
        part: next(iter(sorted(Path(data_folder).rglob(name))), None)
        for part, name in names.items()
    }
    if any(tables.values()):
        if missing := [names[part] for part in names if not tables[part]]:
            raise CorpusError(
                f"MELD: there is no {', '.join(missing)} below "
                f"'{data_folder}', though there is another part's table. "
                "They are at https://github.com/declare-lab/MELD."
            )
        return [
            utterance
            for part, path in tables.items()
            for utterance in _read_part(path, part)
        ]
    if not Path(data_folder, TEXTS).is_file():
        raise CorpusError(
            f"MELD: there is neither {', '.join(names.values())} below "
            f"'{data_folder}' nor '{TEXTS}' in it."
        )
    return [
        replace(
            text,
            words=mend_text(text.words),
            session=text.id.rpartition("_")[0],
        )
        for text in read_texts(data_folder, TEXTS, corpus="MELD")
    ]


def _read_part(path, part):
    """The utterances of a part's table."""
    rows = read_table(path, "MELD", COLUMNS, mend=True)
    needed = ["Emotion", *IDS, "Season", "Episode"]
    check_rows(rows, path, "MELD", needed, IDS)
    for index, row in enumerate(rows):
        season, episode = (
            number_in(row, column, index, path, "MELD")
            for column in ("Season", "Episode")
        )
        yield _utterance(row, part, f"s{season:02.0f}e{episode:02.0f}")


def _speaker(name):
    """The character who speaks; nobody where several do."""
    # "Joey/Drake" is Joey playing Drake, "Phoebe Sr." also "Phoebe Sr".
    character = string.capwords(name.split("/")[0]).rstrip(".")
    return "" if SEVERAL.fullmatch(character) else character


def _utterance(row, part, video):
    """A row of a part's table."""
    session = f"{part}_dia{row['Dialogue_ID']}"
    return Utterance(
        id=f"{session}_utt{row['Utterance_ID']}",
        wav=None,
        length=0.0,
        emo=row["Emotion"],
        spk_id=_speaker(row["Speaker"]),
        gender="",
        lang="en",
        words=row["Utterance"].strip(),
        corpus="MELD",
        part=part,
        session=session,
        video=video,
    )


def _find_audio(data_folder, audio_folder, ids):
    """The audio file of each id that has one."""
    found = _index(audio_files(data_folder))
    if audio_folder is None:
        return found
    videos = _index(audio_files(data_folder, (".mp4",)))
    # There are videos of utterances that are in no table.
    wanted = {id: path for id, path in videos.items() if id in ids}
    extracted = extract_audio(wanted, audio_folder)
    # Also where the videos have been deleted since.
    return {**found, **_index(audio_files(audio_folder)), **extracted}


def _index(files):
    """The id of each file that is a clip."""
    # The final ones come last and replace the others.
    files = sorted(files, key=lambda path: path.stem.startswith("final"))
    return {id: path for path in files if (id := _id_of(path))}


def _id_of(path):
    """The id of a file, None where it is no clip."""
    if EXTRACTED.fullmatch(path.stem):
        return path.stem
    match = CLIP.fullmatch(path.stem)
    parts = [PARTS[name] for name in path.parts[:-1] if name in PARTS]
    return f"{parts[-1]}_{match[1]}" if match and parts else None
