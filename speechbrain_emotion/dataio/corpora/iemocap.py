"""IEMOCAP, the Interactive Emotional Dyadic Motion Capture database.

Ten actors, a woman and a man in each of five sessions, improvise and play
scripted scenes: 10,039 utterances. Published at
https://sail.usc.edu/iemocap/ for research, on request.

Source: C. Busso, M. Bulut, C.-C. Lee, A. Kazemzadeh, E. Mower, S. Kim, J. N.
Chang, S. Lee and S. S. Narayanan (2008), "IEMOCAP: interactive emotional
dyadic motion capture database", Language Resources and Evaluation 42, 335-359.
"""

import os
import re
from functools import partial
from pathlib import Path

from ..manifests import CorpusError
from .scan import Layout, read_layout
from .tables import decode

EMOTIONS = {
    "ang": "anger",
    "hap": "happiness",
    "exc": "excitement",
    "sad": "sadness",
    "neu": "neutral state",
    "fru": "frustration",
    "fea": "fear",
    "sur": "surprise",
    "dis": "disgust",
    "oth": "other",
    "xxx": "no agreement between the annotators",
}
STYLES = {"impro": "improvised", "script": "scripted"}
GENDERS = {"F": "female", "M": "male"}
# The first F or M tells who wore the markers, the second who speaks.
UTTERANCE = re.compile(r"(Ses\d\d)[FM]_(impro|script)\w+_([FM])\d+")
LABEL = re.compile(r"^\[[\d. -]+\]\s+(\w+)\s+(\w+)\s+\[", re.MULTILINE)
TRANSCRIPT = re.compile(r"^(\w+) \[[\d. -]+\]:(.*)$", re.MULTILINE)


def read_iemocap(data_folder):
    """Reads IEMOCAP.

    Emotions are the codes of the corpus: ang, hap, exc, sad, neu, fru, fea,
    sur, dis, oth, and xxx where the annotators did not agree.

    Arguments
    ---------
    data_folder : str or pathlib.Path
        The folder `IEMOCAP_full_release`, or one above it. Clips are files
        like `Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav`,
        labels are in `Session1/dialog/EmoEvaluation/*.txt`, what is said in
        `Session1/dialog/transcriptions/*.txt`.

    Returns
    -------
    list of Utterance
        The clips, sorted by id. Speakers are called Ses01F, Ses01M and so
        on, sessions Ses01. Clips without a label are left out.

    Raises
    ------
    CorpusError
        Where the folder does not exist, holds no clip or no label of
        IEMOCAP, or a label is unknown.

    Example
    -------
    >>> import numpy, soundfile
    >>> session = getfixture("tmp_path") / "Session1"
    >>> (session / "dialog" / "EmoEvaluation").mkdir(parents=True)
    >>> name = "Ses01F_impro01_M003"
    >>> label = f"[6.29 - 8.23]\\t{name}\\tneu\\t[2.5, 2.5, 2.5]\\n"
    >>> file = session / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    >>> _ = file.write_text(label)
    >>> soundfile.write(session / f"{name}.wav", numpy.zeros(8000), 16000)
    >>> (clip,) = read_iemocap(session)
    >>> clip.emo, clip.spk_id, clip.gender, clip.session, clip.style
    ('neu', 'Ses01M', 'male', 'Ses01', 'improvised')
    """
    folder = Path(os.path.abspath(data_folder))
    labels = _read_texts(folder, "EmoEvaluation", LABEL)
    words = _read_texts(folder, "transcriptions", TRANSCRIPT)
    layout = Layout(
        corpus="IEMOCAP",
        lang="en",
        clips=10039,
        example=(
            "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"
        ),
        describe=partial(_describe, labels, words),
    )
    return read_layout(folder, layout)


def _read_texts(folder, name, line):
    """What the lines of all text files in folders of a name say of each
    utterance.
    """
    return {
        utterance: text.strip()
        for parent, _, names in os.walk(folder, followlinks=True)
        if os.path.basename(parent) == name
        for file in sorted(names)
        if file.endswith(".txt") and not file.startswith(".")
        for utterance, text in line.findall(
            decode(Path(parent, file).read_bytes())
        )
    }


def _describe(labels, words, path):
    """Reads a file name; see `Layout.describe`."""
    match = UTTERANCE.fullmatch(path.stem)
    if match is None:
        return None
    if not labels:
        raise CorpusError(
            "IEMOCAP: there are clips, but no labels. Unpack the files "
            "'Session*/dialog/EmoEvaluation/*.txt', too."
        )
    if path.stem not in labels:
        return None
    emotion = labels[path.stem]
    if emotion not in EMOTIONS:
        raise CorpusError(
            f"IEMOCAP: unknown emotion '{emotion}' of '{path}'; known: "
            f"{', '.join(EMOTIONS)}."
        )
    session, style, speaker = match.groups()
    return {
        "emo": emotion,
        "spk_id": session + speaker,
        "gender": GENDERS[speaker],
        "words": words.get(path.stem, ""),
        "session": session,
        "style": STYLES[style],
    }
