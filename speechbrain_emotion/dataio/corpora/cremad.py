"""CREMA-D, the Crowd-sourced Emotional Multimodal Actors Dataset.

91 actors say 12 sentences in 6 emotions: 7,442 clips. Published at
https://github.com/CheyneyComputerScience/CREMA-D under ODbL 1.0, the contents
under DbCL 1.0.

Source: H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova and R.
Verma (2014), "CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset",
IEEE Transactions on Affective Computing 5(4), 377-390.
"""

import re
from dataclasses import replace

from .scan import Layout, look_up, read_layout
from .tables import find_table, read_table

EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
SENTENCES = {
    "DFA": "Don't forget a jacket.",
    "IEO": "It's eleven o'clock.",
    "IOM": "I'm on my way to the meeting.",
    "ITH": "I think I have a doctor's appointment.",
    "ITS": "I think I've seen this before.",
    "IWL": "I would like a new alarm clock.",
    "IWW": "I wonder what this is about.",
    "MTI": "Maybe tomorrow it will be cold.",
    "TAI": "The airplane is almost full.",
    "TIE": "That is exactly what happened.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
# actor, sentence, emotion, level, of which one was published as "X"
CLIP = re.compile(r"(1\d{3})_([A-Z]{3})_([A-Z]{3})_(?:LO|MD|HI|XX?)")
TABLE = "VideoDemographics.csv"


def read_cremad(data_folder):
    """Reads CREMA-D.

    Arguments
    ---------
    data_folder : str or pathlib.Path
        Folder with files like `AudioWAV/1001_DFA_ANG_XX.wav`, at any depth.
        The folder `AudioMP3`, of which some files are broken, is ignored.
        The gender comes from `VideoDemographics.csv` in this folder, the one
        above it or one right below it; without it, it is empty.

    Returns
    -------
    list of Utterance
        The clips, sorted by id.

    Raises
    ------
    CorpusError
        Where the folder does not exist, holds no clip of CREMA-D, a file
        name has an unknown code, or the table lacks a column.

    Example
    -------
    >>> import numpy, soundfile
    >>> folder = getfixture("tmp_path")
    >>> name = folder / "1001_IEO_HAP_LO.wav"
    >>> soundfile.write(name, numpy.zeros(8000), 16000)
    >>> (clip,) = read_cremad(folder)
    >>> clip.emo, clip.spk_id, clip.words
    ('happy', '1001', "It's eleven o'clock.")
    """
    clips = read_layout(data_folder, LAYOUT)
    table = find_table(data_folder, TABLE)
    if table is None:
        return clips
    rows = read_table(table, "CREMA-D", ["ActorID", "Sex"])
    genders = {row["ActorID"].strip(): row["Sex"].lower() for row in rows}
    return [
        replace(clip, gender=genders.get(clip.spk_id, "")) for clip in clips
    ]


def _describe(path):
    """Reads a file name; see `Layout.describe`."""
    match = CLIP.fullmatch(path.stem)
    if match is None or path.parent.name == "AudioMP3":
        return None
    actor, sentence, emotion = match.groups()
    return {
        "emo": look_up(EMOTIONS, emotion, "CREMA-D", "emotion code", path),
        "words": look_up(SENTENCES, sentence, "CREMA-D", "sentence code", path),
        "spk_id": actor,
        "gender": "",
    }


LAYOUT = Layout(
    corpus="CREMA-D",
    lang="en",
    clips=7441,
    example="AudioWAV/1001_DFA_ANG_XX.wav",
    describe=_describe,
    # Its publishers say that it has no sound.
    known_broken=frozenset({"1076_MTI_SAD_XX"}),
)
