"""Audio for corpora that are tables of texts, and that are often used
without their audio.
"""

import logging
from dataclasses import replace

from ..manifests import CorpusError
from ..notices import notice
from .scan import some_of, usable_length

AUDIO = ("auto", "required", "none")

logger = logging.getLogger(__name__)


def with_recordings(texts, find, audio, corpus, advice):
    """Gives each text its recording.

    Where there is audio at all, utterances without any, or with a file that
    cannot be read, are left out with a warning: a corpus of which some
    utterances happen to be texts alone compares with nothing.

    Arguments
    ---------
    texts : list of Utterance
        The texts.
    find : callable
        Returns a dict, id -> audio file. Not called where none is asked for.
    audio : str
        "required": no audio at all is an error. "auto": it leaves the texts
        as they are. "none": they are left as they are, audio or not.
    corpus : str
        Name of the corpus, for the messages.
    advice : str
        Where audio must lie, for the messages.

    Returns
    -------
    list of Utterance
        In the same order, with `wav` and `length`, or the texts alone.

    Raises
    ------
    CorpusError
        Where there is no audio though it is required, or none of it can be
        read.
    ValueError
        Where `audio` is none of the three words.

    Example
    -------
    >>> from speechbrain_emotion.dataio.manifests import Utterance
    >>> text = Utterance("a", None, 0.0, "sad", "", "", "en", "Oh", "mine")
    >>> (clip,) = with_recordings([text], dict, "auto", "mine", "Get some.")
    >>> clip.wav is None
    True
    >>> with_recordings([text], dict, "required", "mine", "Get some.")
    Traceback (most recent call last):
        ...
    speechbrain_emotion.dataio.manifests.CorpusError: mine: there is no ...
    """
    if audio not in AUDIO:
        raise ValueError(
            f"{corpus}: audio must be {', '.join(AUDIO)}, not {audio!r}."
        )
    files = {} if audio == "none" else find()
    if not files:
        if audio == "required":
            raise CorpusError(f"{corpus}: there is no audio. {advice}")
        if audio == "auto":
            logger.info(f"{corpus}: texts alone, there is no audio. {advice}")
        return texts
    clips, missing, broken = [], [], []
    for text in texts:
        path = files.get(text.id)
        if path is None:
            missing.append(text.id)
        elif length := usable_length(path):
            clips.append(replace(text, wav=path, length=length))
        else:
            broken.append(text.id)
    if not clips:
        raise CorpusError(
            f"{corpus}: none of the {len(texts)} utterances has audio that "
            f"can be used ({some_of(broken or missing)}). {advice}"
        )
    faults = {
        "no audio": missing,
        "audio that is broken or shorter than 35 ms": broken,
    }
    for fault, ids in faults.items():
        if ids:
            notice(
                logger,
                f"{corpus}: {len(ids):,} of {len(texts):,} utterances left "
                f"out, which have {fault} ({some_of(ids)}).",
            )
    return clips
