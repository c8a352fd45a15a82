"""IEMOCAP, the Interactive Emotional Dyadic Motion Capture database.

Ten actors, a woman and a man in each of five sessions, improvise and play
scripted scenes: 10,039 utterances. Published at
https://sail.usc.edu/iemocap/ for research, on request.

Source: C. Busso, M. Bulut, C.-C. Lee, A. Kazemzadeh, E. Mower, S. Kim, J. N.
Chang, S. Lee and S. S. Narayanan (2008), "IEMOCAP: interactive emotional
dyadic motion capture database", Language Resources and Evaluation 42, 335-359.
"""

import logging
import os
import re
from functools import partial
from pathlib import Path

from ..manifests import CorpusError
from ..notices import notice
from .scan import Layout, audio_files, look_up, read_layout, some_of
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
TEXTS = ("auto", "required")

logger = logging.getLogger(__name__)


def read_iemocap(data_folder, texts="auto"):
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
    texts : str
        "auto": clips without a transcript have no words. "required": it is
        an error if none has a transcript.

    Returns
    -------
    list of Utterance
        The clips, sorted by id. Speakers are called Ses01F, Ses01M and so
        on, sessions Ses01. Clips without a label are left out, with a
        warning that names the sessions of which none has one.

    Raises
    ------
    CorpusError
        Where the folder does not exist, holds no clip or no label of
        IEMOCAP, a label is unknown, or transcripts are required and absent.
    ValueError
        Where `texts` is none of the two words.

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
    if texts not in TEXTS:
        raise ValueError(
            f"IEMOCAP: texts must be {' or '.join(TEXTS)}, not {texts!r}."
        )
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
    clips = read_layout(folder, layout)
    _say_without_label(folder, labels)
    _say_without_words(clips, texts)
    return clips


def _say_without_label(folder, labels):
    """Gives notice of clips that are left out because nothing labels them."""
    sessions = {
        path.stem: match[1]
        for path in audio_files(folder)
        if (match := UTTERANCE.fullmatch(path.stem))
    }
    without = sorted(sessions.keys() - labels.keys())
    if not without:
        return
    labelled = {sessions[id] for id in sessions.keys() & labels.keys()}
    whole = sorted({sessions[id] for id in without} - labelled)
    notice(
        logger,
        f"IEMOCAP: {len(without):,} clips left out that have no label "
        f"({some_of(without)})"
        f"{'; none has one in ' * bool(whole)}{', '.join(whole)}.",
    )


def _say_without_words(clips, texts):
    """Gives notice of clips without a transcript; all are an error if texts
    are required.
    """
    without = [clip.id for clip in clips if not clip.words]
    if len(without) == len(clips) and texts == "required":
        raise CorpusError(
            "IEMOCAP: no clip has a transcript. Unpack the files "
            "'Session*/dialog/transcriptions/*.txt', too."
        )
    if without:
        notice(
            logger,
            f"IEMOCAP: {len(without):,} of {len(clips):,} clips have no "
            f"transcript ({some_of(without)}).",
        )


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
    look_up(EMOTIONS, emotion, "IEMOCAP", "emotion", path)
    session, style, speaker = match.groups()
    return {
        "emo": emotion,
        "spk_id": session + speaker,
        "gender": GENDERS[speaker],
        "words": words.get(path.stem, ""),
        "session": session,
        "style": STYLES[style],
    }
