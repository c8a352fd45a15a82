"""TESS, the Toronto emotional speech set.

Two actresses, 26 and 64 years old, say "Say the word ..." with 200 words in 7
emotions: 2,800 clips. Published at https://doi.org/10.5683/SP2/E8H2MF under
CC BY-NC-ND 4.0.

Source: M. K. Pichora-Fuller and K. Dupuis (2020), "Toronto emotional speech
set (TESS)", Borealis.
"""

import re

from .scan import Layout, look_up, read_layout

# file name -> the emotion's name in the folders and the publication
EMOTIONS = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happy",
    "neutral": "neutral",
    "ps": "pleasant_surprise",
    "sad": "sad",
}
# One file of the older actress is published as "OA_bite_neutral".
SPEAKERS = {"OAF": "OAF", "OA": "OAF", "YAF": "YAF"}
CLIP = re.compile(r"(OAF|OA|YAF)_([a-z]+)_(\w+)", re.IGNORECASE)


def read_tess(data_folder):
    """Reads TESS.

    Arguments
    ---------
    data_folder : str or pathlib.Path
        Folder with files like `OAF_angry/OAF_back_angry.wav`, at any depth;
        only the names of the files count, not those of the folders.

    Returns
    -------
    list of Utterance
        The clips, sorted by id.

    Raises
    ------
    CorpusError
        Where the folder does not exist, holds no clip of TESS, or a file
        name has an unknown emotion.

    Example
    -------
    >>> import numpy, soundfile
    >>> folder = getfixture("tmp_path")
    >>> soundfile.write(folder / "OAF_back_ps.wav", numpy.zeros(8000), 16000)
    >>> (clip,) = read_tess(folder)
    >>> clip.emo, clip.spk_id, clip.words
    ('pleasant_surprise', 'OAF', 'Say the word back')
    """
    return read_layout(data_folder, LAYOUT)


def _describe(path):
    """Reads a file name; see `Layout.describe`."""
    match = CLIP.fullmatch(path.stem)
    if match is None:
        return None
    speaker, word, emotion = match.groups()
    return {
        "emo": look_up(EMOTIONS, emotion.lower(), "TESS", "emotion", path),
        "spk_id": SPEAKERS[speaker.upper()],
        "gender": "female",
        "words": f"Say the word {word.lower()}",
    }


LAYOUT = Layout(
    corpus="TESS",
    lang="en",
    clips=2800,
    example="OAF_angry/OAF_back_angry.wav",
    describe=_describe,
)
