"""Tiny corpora: whole, different, and fit for the splits that are declared."""

import hashlib
import re
import subprocess
import sys
from collections import defaultdict

import pytest
from tiny_corpora import CORPORA, make_corpus

from speechbrain_emotion.dataio import corpora

READERS = {
    "RAVDESS": corpora.read_ravdess,
    "TESS": corpora.read_tess,
    "SAVEE": corpora.read_savee,
    "nEMO": corpora.read_nemo,
    "CREMA-D": corpora.read_cremad,
    "IEMOCAP": corpora.read_iemocap,
    "MELD": corpora.read_meld,
    "MEACorpus": corpora.read_meacorpus,
    "MEACorpus-published": corpora.read_meacorpus,
}
# number of speakers, of emotions, and of sessions
SIZES = {
    "RAVDESS": (24, 8, 1),
    "TESS": (2, 7, 1),
    "SAVEE": (4, 7, 1),
    "nEMO": (9, 6, 1),
    "CREMA-D": (91, 6, 1),
    "IEMOCAP": (10, 11, 5),
    "MELD": (7, 7, 6),
    "MEACorpus": (1, 6, 1),
    "MEACorpus-published": (1, 6, 1),
}
TEXTS = {
    "GoEmotions": ("goemotions_ekman.csv", 7, {"train", "dev", "test"}),
    "DAIR": ("dair_emotion.csv", 6, {"train", "val", "test"}),
    "ISEAR": ("isear.csv", 7, {"all"}),
    "EmoEvent": ("emoevent_es.csv", 7, {"train", "dev", "test"}),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    return {name: make_corpus(name, root / name) for name in CORPORA}


@pytest.mark.parametrize("name", READERS)
def test_every_speaker_and_session_has_every_emotion(name, folders, caplog):
    clips = READERS[name](folders[name])
    speakers, emotions = defaultdict(set), {clip.emo for clip in clips}
    sessions = defaultdict(set)
    for clip in clips:
        speakers[clip.spk_id].add(clip.emo)
        sessions[clip.session].add(clip.emo)
    size = (len(speakers), len(emotions), len(sessions))
    assert size == SIZES[name]
    if name != "MELD":
        assert all(found == emotions for found in speakers.values())
    assert all(found == emotions for found in sessions.values())
    # That it is not complete is all there is to complain about.
    (warning,) = caplog.messages
    assert re.search(r"\d of [\d,]+ (clips|utterances) were found.$", warning)


@pytest.mark.parametrize("name", ["MELD", "MEACorpus"])
def test_every_part_has_every_emotion(name, folders):
    parts = defaultdict(set)
    for clip in READERS[name](folders[name]):
        parts[clip.part].add(clip.emo)
    assert len(parts) == {"MELD": 3, "MEACorpus": 2}[name]
    assert {len(emotions) for emotions in parts.values()} == {SIZES[name][1]}


def test_both_layouts_of_meacorpus_say_the_same(folders):
    ours, theirs = (
        corpora.read_meacorpus(folders[name], audio="none")
        for name in ("MEACorpus", "MEACorpus-published")
    )
    assert ours == theirs
    assert all(clip.video and clip.gender for clip in theirs)


def test_some_videos_are_in_both_parts_of_meacorpus(folders):
    clips = corpora.read_meacorpus(folders["MEACorpus"])
    videos = defaultdict(set)
    for clip in clips:
        videos[clip.part].add(clip.video)
    assert 0 < len(videos["train"] & videos["test"]) < len(videos["test"])


@pytest.mark.parametrize(
    "names",
    [["RAVDESS", "TESS", "SAVEE", "nEMO"], *([name] for name in READERS)],
    ids="-".join,
)
def test_no_two_clips_are_the_same(names, folders):
    files = [
        path
        for name in names
        for path in folders[name].rglob("*")
        if path.suffix in (".wav", ".flac", ".mp4")
    ]
    hashes = {hashlib.md5(path.read_bytes()).digest() for path in files}
    assert len(hashes) == len(files) > 0


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name, folders):
    filename, n_emotions, parts = TEXTS[name]
    texts = corpora.read_texts(folders[name], filename, corpus=name)
    assert len({text.emo for text in texts}) == n_emotions
    assert {text.part for text in texts} == parts
    assert len(texts) == 10 * n_emotions * len(parts)


def test_command_line(pytestconfig, tmp_path):
    script = pytestconfig.rootpath / "tests" / "tiny_corpora.py"
    command = [sys.executable, script, "DAIR", "ISEAR", tmp_path]
    subprocess.run(command, check=True)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"dair_emotion.csv", "isear.csv"}
