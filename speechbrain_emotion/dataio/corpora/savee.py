"""SAVEE, the Surrey Audio-Visual Expressed Emotion database.

Four men say 15 TIMIT sentences in each of 6 emotions, and 30 neutrally: 480
clips. Published at http://kahlan.eps.surrey.ac.uk/savee/ for research, after
registration.

Source: S. Haq and P. J. B. Jackson (2010), "Multimodal Emotion Recognition",
in W. Wang (ed.), Machine Audition, IGI Global, 398-423.
"""

import re

from .scan import Layout, look_up, read_layout

EMOTIONS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
SPEAKERS = ("DC", "JE", "JK", "KL")
CLIP = re.compile(r"(?:([A-Z]{2})_)?([a-z]{1,2})(\d\d)")


def read_savee(data_folder):
    """Reads SAVEE.

    What is said is not in the names of the files, and the numbers of the
    sentences differ between the emotions: the text is empty.

    Arguments
    ---------
    data_folder : str or pathlib.Path
        Folder with files like `AudioData/DC/a01.wav`, or, as in Kaggle's
        archive, like `DC_a01.wav`, at any depth.

    Returns
    -------
    list of Utterance
        The clips, sorted by id. The ids are the same for both layouts.

    Raises
    ------
    CorpusError
        Where the folder does not exist, holds no clip of SAVEE, or a file
        name has an unknown emotion.

    Example
    -------
    >>> import numpy, soundfile
    >>> folder = getfixture("tmp_path")
    >>> (folder / "DC").mkdir()
    >>> name = folder / "DC" / "sa03.wav"
    >>> soundfile.write(name, numpy.zeros(8000), 16000)
    >>> (clip,) = read_savee(folder)
    >>> clip.id, clip.emo, clip.spk_id, clip.gender
    ('DC_sa03', 'sadness', 'DC', 'male')
    """
    return read_layout(data_folder, LAYOUT)


def _describe(path):
    """Reads a file name; see `Layout.describe`."""
    match = CLIP.fullmatch(path.stem)
    if match is None:
        return None
    prefix, emotion, number = match.groups()
    speaker = prefix or path.parent.name
    if speaker not in SPEAKERS:
        return None
    return {
        "id": f"{speaker}_{emotion}{number}",
        "emo": look_up(EMOTIONS, emotion, "SAVEE", "emotion", path),
        "spk_id": speaker,
        "gender": "male",
        "words": "",
    }


LAYOUT = Layout(
    corpus="SAVEE",
    lang="en",
    clips=480,
    example="AudioData/DC/a01.wav",
    describe=_describe,
)
