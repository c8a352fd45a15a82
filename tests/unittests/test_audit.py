"""What training and test part have in common, and what it is worth."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from corpora_layouts import real_corpus, utterance
from split_cases import sizes

from speechbrain_emotion.dataio.audit import audit
from speechbrain_emotion.dataio.corpora import read_nemo, read_ravdess
from speechbrain_emotion.dataio.duplicates import duplicates, recording_key
from speechbrain_emotion.dataio.overlap import percent
from speechbrain_emotion.dataio.splits import (
    group_folds,
    leave_one_group_out,
    published_split,
    stratified_random,
)


def text(id, emo="sad", **fields):
    """A text of which only the named properties matter."""
    return replace(utterance(id, emo), wav=None, **{"spk_id": "", **fields})


def test_majority_and_lookup():
    train = [
        text("1", "sad", video="a"),
        text("2", "happy", video="a"),
        text("3", "happy", video="a"),
        *(text(id, "sad", video="b") for id in "4bcd"),
        text("5", "happy"),
    ]
    test = [
        text("6", "happy", video="a"),  # found
        text("7", "sad", video="a"),  # misled
        text("8", "sad", video="b"),  # found
        text("9", "happy", video="new"),  # the majority is sad
        text("10", "sad"),  # unknown: the majority
    ]
    found = audit({"train": train, "valid": [], "test": test})
    assert found["majority"] == {
        "accuracy": 0.6,
        "uar": 0.5,
        "macro_f1": 0.375,
    }
    assert found["columns"] == {
        "video": {
            "test_groups": 3,
            "shared_groups": 2,
            "test_clips": 4,
            "shared_clips": 3,
            "unknown_clips": {"test": 1, "train_valid": 1},
            "lookup": {"accuracy": 0.6, "uar": 0.5833, "macro_f1": 0.5833},
        }
    }
    assert found["leaks"] == [
        "3 of 4 test clips (75.0 %) are cut from videos that are in training "
        "or validation, too; results say little about new videos."  # 60 %
    ]
    assert found["warnings"] == [
        "The videos of 1 of 5 test clips and of 1 of 8 training and validation "
        "clips are not known."
    ]


def test_ties_do_not_depend_on_the_order():
    train = [text("1", "sad", video="a"), text("2", "happy", video="a")]
    test = [text("3", "happy", video="a")]
    for clips in (train, train[::-1]):
        found = audit({"train": clips, "valid": [], "test": test})
        assert found["majority"]["accuracy"] == 1
        assert found["columns"]["video"]["lookup"]["accuracy"] == 1


@pytest.mark.parametrize(
    "column, words",
    [
        ("spk_id", "1 of 2 test clips (50.0 %) are by speakers who are in tr"),
        ("session", "clips (50.0 %) are from sessions that are in training "),
        ("video", "clips (50.0 %) are cut from videos that are in training "),
    ],
)
def test_every_shared_group_is_a_leak(column, words):
    clips = [
        text(id, **{column: group})
        for id, group in [("1", "x"), ("2", "x"), ("3", "y")]
    ]
    found = audit({"train": clips[:1], "valid": [], "test": clips[1:]})
    assert list(found["columns"]) == [column]
    (leak,) = found["leaks"]
    assert words in leak
    assert found["warnings"] == []
    # Validation chooses the checkpoint: it counts as well.
    found = audit({"train": clips[2:], "valid": clips[:1], "test": clips[1:2]})
    assert found["columns"][column]["shared_clips"] == 1
    assert len(found["leaks"]) == 1
    # The same name in another corpus is another speaker, session or video.
    other = [replace(clips[0], corpus="other")]
    found = audit({"train": other, "valid": other, "test": clips[1:]})
    assert found["columns"][column]["shared_clips"] == 0
    assert found["leaks"] == found["warnings"] == []


def test_what_could_not_be_checked():
    clips = [text(id, words="Oh!") for id in "abc"]
    found = audit(
        {"train": clips[:1], "valid": clips[1:2], "test": clips[2:]},
        ["mine: 3 of 9 clips were found."],
    )
    assert found["leaks"] == []
    assert found["warnings"] == [
        "mine: 3 of 9 clips were found.",
        "Not checked for shared speakers, sessions or videos: the corpus does "
        "not say.",
    ]


def test_almost_all_is_not_all():
    clips = [text(str(i), video="x" if i else "y") for i in range(2611)]
    found = audit({"train": clips[1:2], "valid": [], "test": clips[2:]})
    assert "2,609 of 2,609 test clips (100.0 %)" in found["leaks"][0]
    test = clips[2:] + clips[:1]
    found = audit({"train": clips[1:2], "valid": [], "test": test})
    assert "2,609 of 2,610 test clips (> 99.9 %)" in found["leaks"][0]
    assert percent(1, 2610) == "< 0.1"
    assert percent(0, 2610) == "0.0"


def test_sentences_are_a_leak_where_they_tell_the_emotion():
    emotions = ["happy", "sad"] * 10
    told = [
        text(str(i), emo, words=f"I am {emo}!" if i < 16 else "I am  HAPPY")
        for i, emo in enumerate(emotions)
    ]
    found = audit({"train": told[:8], "valid": [], "test": told[8:]})
    assert found["columns"]["words"]["test_groups"] == 2
    assert found["columns"]["words"]["shared_clips"] == 12
    assert found["leaks"] == [
        "12 of 12 test clips (100.0 %) have sentences that are in training or "
        "validation, too; knowing only the sentence gives 83.3 % accuracy."
    ]
    acted = [
        replace(clip, words=f"I am {i // 2 % 2}") for i, clip in enumerate(told)
    ]
    found = audit({"train": acted[:8], "valid": [], "test": acted[8:]})
    assert found["columns"]["words"]["shared_clips"] == 12
    assert found["leaks"] == []


@pytest.fixture
def recordings(tmp_path):
    """Writes noise, and returns its samples and a function that writes."""

    def write(name, samples, rate=16000, **options):
        soundfile.write(tmp_path / name, samples, rate, **options)
        return replace(utterance(name), wav=tmp_path / name)

    noise = np.random.default_rng(0).integers(-9999, 9999, 800)
    return noise.astype("int16"), write


def test_copies_of_a_recording(recordings):
    noise, write = recordings
    key = recording_key(write("a.wav", noise).wav)
    same = [
        write("b.flac", noise),
        write("c.wav", np.pad(noise, (99, 5)), subtype="PCM_24"),
        write("d.wav", np.stack([noise, noise], axis=1)),
    ]
    assert {recording_key(clip.wav) for clip in same} == {key}
    louder = np.concatenate([noise[:-1], noise[-1:] + np.int16(1)])
    others = [
        write("e.wav", noise[1:]),
        write("f.wav", louder),
        write("g.wav", noise[::-1]),
        write("h.wav", np.stack([noise, noise[::-1]], axis=1)),
    ]
    assert len({key, *(recording_key(clip.wav) for clip in others)}) == 5


def test_duplicates(recordings, tmp_path):
    noise, write = recordings
    silence = np.zeros(800, "int16")
    broken = replace(utterance("broken"), wav=tmp_path / "broken.wav")
    broken.wav.write_bytes(b"no audio")
    parts = {
        "train": [
            write("a.wav", noise),
            write("twin.wav", noise),
            write("other.wav", noise[9:]),
            write("still.wav", silence),
            text("no audio"),
        ],
        "valid": [write("b.wav", noise), write("quiet.wav", silence)],
        "test": [write("c.flac", noise), broken],
    }
    pairs, unreadable = duplicates(parts)
    assert pairs == {
        "train-valid": [["a.wav", "b.wav"], ["twin.wav", "b.wav"]],
        "train-test": [["a.wav", "c.flac"], ["twin.wav", "c.flac"]],
        "valid-test": [["b.wav", "c.flac"]],
    }
    assert unreadable == ["broken"]
    found = audit(parts)
    assert found["leaks"][0] == (
        "Recordings that are both in training or validation and in the test "
        "part: 3 (a.wav = c.flac, twin.wav = c.flac, b.wav = c.flac)."
    )
    assert found["warnings"][-1] == (
        "Clips that cannot be read, and were not compared with the others: 1 "
        "(broken)."
    )


# The real corpora


def test_videos_of_the_official_split_of_meacorpus():
    folder = real_corpus("text")
    name = "spanish_meacorpus_2023"
    with open(folder / f"{name}_segments.csv", encoding="utf-8") as file:
        videos = {row["id"]: row["video_key"] for row in csv.DictReader(file)}
    with open(folder / f"{name}.csv", encoding="utf-8") as file:
        clips = [
            text(
                row["id"],
                row["emotion"],
                words=row["text"],
                part=row["split"],
                video=videos[row["id"]],
            )
            for row in csv.DictReader(file)
        ]
    parts = published_split(clips, {"train": "train", "test": "test"}, 0.1)
    assert sizes(parts) == [3692, 410, 1027]
    found = audit(parts)
    video = found["columns"]["video"]
    assert (video["shared_clips"], video["test_clips"]) == (551, 1027)
    assert round(video["lookup"]["macro_f1"], 3) == 0.828
    assert found["leaks"] == [
        "551 of 1,027 test clips (53.7 %) are cut from videos that are in "
        "training or validation, too; knowing only the video gives 85.0 % "
        "accuracy."
    ]
    for test_fold in range(1, 6):
        parts = group_folds(clips, "video", 5, test_fold)
        found = audit(parts)
        video = found["columns"]["video"]
        assert len(parts["test"]) in (1025, 1026)
        assert video["shared_clips"] == 0
        assert video["lookup"] == found["majority"]
        assert 0.38 < video["lookup"]["accuracy"] < 0.40
        assert found["leaks"] == found["warnings"] == []


def test_the_recording_that_ravdess_holds_twice():
    clips = read_ravdess(real_corpus("ravdess"))
    twins = ["03-01-03-01-02-01-07", "03-01-03-01-02-02-07"]
    parts = {
        "train": [clip for clip in clips if clip.id != twins[1]],
        "valid": [],
        "test": [clip for clip in clips if clip.id == twins[1]],
    }
    assert audit(parts)["duplicates"]["train-test"] == [twins]


@pytest.mark.parametrize(
    "name, read, speaker, sentences",
    [("ravdess", read_ravdess, "Actor_01", 2), ("nemo", read_nemo, "MP0", 90)],
)
def test_acted_sentences_are_no_leak(name, read, speaker, sentences):
    # Without their audio, for speed.
    clips = [replace(clip, wav=None) for clip in read(real_corpus(name))]
    found = audit(leave_one_group_out(clips, "spk_id", speaker))
    assert found["columns"]["words"]["shared_groups"] == sentences
    assert found["columns"]["spk_id"]["shared_clips"] == 0
    assert found["leaks"] == found["warnings"] == []
    (leak,) = audit(stratified_random(clips))["leaks"]
    assert leak.endswith(
        "(100.0 %) are by speakers who are in training or validation, too; "
        "results say little about new speakers."
    )
