"""The complete English corpora have the counts that were published."""

import itertools
import os

import pytest
from corpora_layouts import write_audio

from speechbrain_emotion.dataio.corpora import (
    read_ravdess,
    read_savee,
    read_tess,
)
from speechbrain_emotion.dataio.labels import class_counts, map_labels

LABELS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
MAPS = {
    read_ravdess: {
        "neutral": "neutral",
        "calm": None,
        "happy": "happy",
        "sad": "sad",
        "angry": "angry",
        "fearful": "fear",
        "disgust": "disgust",
        "surprised": "surprise",
    },
    read_tess: {
        **{label: label for label in LABELS[:-1]},
        "pleasant_surprise": "surprise",
    },
    read_savee: {
        "anger": "angry",
        "disgust": "disgust",
        "fear": "fear",
        "happiness": "happy",
        "neutral": "neutral",
        "sadness": "sad",
        "surprise": "surprise",
    },
}


def ravdess_names():
    """The 1,440 files of speech; neutral has no strong intensity."""
    for emotion, intensity, statement, take, actor in itertools.product(
        range(1, 9), (1, 2), (1, 2), (1, 2), range(1, 25)
    ):
        if (emotion, intensity) != (1, 2):
            codes = (3, 1, emotion, intensity, statement, take, actor)
            name = "-".join(f"{code:02d}" for code in codes)
            yield f"Actor_{actor:02d}/{name}.wav"


def tess_names():
    """The 2,800 files, of which one is called OA."""
    emotions = "angry disgust fear happy neutral ps sad".split()
    pairs = itertools.product("abcdefghij", "abcdefghijklmnopqrst")
    words = ["bite", *list(map("".join, pairs))[:199]]
    for speaker, emotion, word in itertools.product(
        ("OAF", "YAF"), emotions, words
    ):
        name = f"{speaker}_{word}_{emotion}"
        if name == "OAF_bite_neutral":
            name = "OA_bite_neutral"
        yield f"{speaker}_{emotion}/{name}.wav"


def savee_names():
    """The 480 files."""
    for speaker, code in itertools.product(
        ("DC", "JE", "JK", "KL"), ("a", "d", "f", "h", "n", "sa", "su")
    ):
        for number in range(1, 31 if code == "n" else 16):
            yield f"AudioData/{speaker}/{code}{number:02d}.wav"


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """The folder of each corpus: one silent file under all the names."""
    root = tmp_path_factory.mktemp("English")
    clip = write_audio(root, "clip.wav") / "clip.wav"
    names = {
        read_ravdess: ravdess_names(),
        read_tess: tess_names(),
        read_savee: savee_names(),
    }
    for read in names:
        for name in names[read]:
            path = root / read.__name__ / name
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(clip, path)
    return {read: root / read.__name__ for read in names}


def test_counts_of_the_english_union(corpora, caplog):
    clips = {
        read: map_labels(read(corpora[read]), MAPS[read], LABELS)
        for read in MAPS
    }
    assert [len(clips[read]) for read in MAPS] == [1248, 2800, 480]
    assert class_counts(sum(clips.values(), [])) == {
        **dict.fromkeys(LABELS, 652),
        "neutral": 616,
    }
    assert not caplog.records  # nothing is missing
