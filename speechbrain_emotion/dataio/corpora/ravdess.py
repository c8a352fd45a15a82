"""RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song.

24 actors speak two sentences in 8 emotions: 1,440 clips of speech. The audio
is published at https://zenodo.org/records/1188976 under CC BY-NC-SA 4.0.

Source: S. R. Livingstone and F. A. Russo (2018), "The Ryerson Audio-Visual
Database of Emotional Speech and Song (RAVDESS)", PLoS ONE 13(5), e0196391.
"""

import re

from .scan import Layout, look_up, read_layout

EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
STATEMENTS = {
    "01": "Kids are talking by the door",
    "02": "Dogs are sitting by the door",
}
# modality 03 (audio only), vocal channel 01 (speech), emotion, intensity,
# statement, repetition, actor
SPEECH = re.compile(r"03-01-(\d\d)-\d\d-(\d\d)-\d\d-(\d\d)")


def read_ravdess(data_folder):
    """Reads the speech clips of RAVDESS.

    Arguments
    ---------
    data_folder : str or pathlib.Path
        Folder with files like `Actor_01/03-01-05-01-01-01-01.wav`, at any
        depth. Songs and videos are ignored, and so are the second copies
        in Kaggle's archive.

    Returns
    -------
    list of Utterance
        The clips, sorted by id.

    Raises
    ------
    CorpusError
        Where the folder does not exist, holds no clip of RAVDESS, or a file
        name has an unknown code.

    Example
    -------
    >>> import numpy, soundfile
    >>> folder = getfixture("tmp_path")
    >>> name = folder / "03-01-05-01-02-01-16.wav"
    >>> soundfile.write(name, numpy.zeros(8000), 16000)
    >>> (clip,) = read_ravdess(folder)
    >>> clip.emo, clip.spk_id, clip.gender, clip.words, clip.length
    ('angry', 'Actor_16', 'female', 'Dogs are sitting by the door', 0.5)
    """
    return read_layout(data_folder, LAYOUT)


def _describe(path):
    """Reads a file name; see `Layout.describe`."""
    match = SPEECH.fullmatch(path.stem)
    if match is None:
        return None
    emotion, statement, actor = match.groups()
    return {
        "emo": look_up(EMOTIONS, emotion, "RAVDESS", "emotion code", path),
        "words": look_up(
            STATEMENTS, statement, "RAVDESS", "statement code", path
        ),
        "spk_id": f"Actor_{actor}",
        "gender": "male" if int(actor) % 2 else "female",
    }


LAYOUT = Layout(
    corpus="RAVDESS",
    lang="en",
    clips=1440,
    example="Actor_01/03-01-05-01-01-01-01.wav",
    describe=_describe,
)
