"""Corpora in miniature, and where the real ones lie, for the tests."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechbrain_emotion.dataio.manifests import Utterance

REAL_CORPORA = Path(__file__).parents[3] / "shared" / "data"


def write_audio(folder, *names, seconds=0.05):
    """Writes silent audio files and returns their folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.zeros(int(16000 * seconds)), 16000)
    return folder


def real_corpus(name):
    """The folder of a real corpus; skips the test where it is absent."""
    folder = REAL_CORPORA / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not in ../shared/data")
    return folder


def utterance(id, emo="sad", spk_id="S", words="", corpus="made"):
    """A clip of which only the named properties matter."""
    return Utterance(
        id=id,
        wav=Path(f"/nowhere/{id}.wav"),
        length=1.0,
        emo=emo,
        spk_id=spk_id,
        gender="",
        lang="en",
        words=words,
        corpus=corpus,
    )
