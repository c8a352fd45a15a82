"""Splits by group: no speaker, video or sentence is in two parts."""

from dataclasses import replace
from functools import partial

import pytest
from corpora_layouts import utterance
from hypothesis import (
    given,
    strategies as st,
)
from split_cases import (
    EMOTIONS,
    assert_each_clip_is_in_one_part,
    classes,
    corpora,
    ids,
    sizes,
)

from speechbrain_emotion.dataio.groups import group_of
from speechbrain_emotion.dataio.protocol import PARTS
from speechbrain_emotion.dataio.splits import (
    group_folds,
    leave_one_group_out,
    speaker_folds,
)

FOLDS = {1: ["A", "B"], 2: ["C"], 3: ["D", "E"]}


def speakers(clips):
    """The speakers of clips."""
    return {clip.spk_id for clip in clips}


@given(corpora(), st.permutations([1, 2, 3]))
def test_speaker_folds(clips, folds):
    test, valid, _ = folds
    parts = speaker_folds(clips, FOLDS, test_fold=test, valid_fold=valid)
    assert_each_clip_is_in_one_part(clips, parts)
    assert speakers(parts["test"]) == set(FOLDS[test])
    assert speakers(parts["valid"]) == set(FOLDS[valid])
    assert not speakers(parts["train"]) & {*FOLDS[test], *FOLDS[valid]}


@given(corpora(), st.permutations("ABCDE"), st.integers(1, 3))
def test_leave_speakers_out(clips, order, last):
    test, valid = list(order[:last]), order[4]
    parts = leave_one_group_out(clips, "spk_id", test, valid)
    assert_each_clip_is_in_one_part(clips, parts)
    assert speakers(parts["test"]) == set(test)
    assert speakers(parts["valid"]) == {valid}
    assert speakers(parts["train"]) == set(order[last:4])


@given(corpora(), st.integers(0, 9), st.randoms())
def test_validation_clips_of_training_speakers(clips, seed, rng):
    clips += [utterance(f"A{i}", spk_id="A") for i in range(10)]
    split = partial(
        leave_one_group_out,
        by="spk_id",
        test_group="B",
        valid_fraction=0.5,
        seed=seed,
    )
    parts = split(clips)
    assert_each_clip_is_in_one_part(clips, parts)
    assert speakers(parts["test"]) == {"B"}
    assert "B" not in speakers(parts["train"]) | speakers(parts["valid"])
    others = classes(clip for clip in clips if clip.spk_id != "B")
    drawn = classes(parts["valid"])
    assert all(abs(drawn[emo] - others[emo] / 2) < 1 for emo in others)
    assert ids(split(rng.sample(clips, len(clips)))) == ids(parts)


def test_default_validation_fold_is_the_next_with_clips(caplog):
    clips = [utterance(s, spk_id=s) for s in "ADEF"]
    folds = {**FOLDS, 4: ["F"]}  # none of C, fold 2
    assert ids(speaker_folds(clips, folds, test_fold=1)) == {
        "train": ["F"],
        "valid": ["D", "E"],
        "test": ["A"],
    }
    assert ids(speaker_folds(clips, folds, test_fold=4)) == {
        "train": ["D", "E"],
        "valid": ["A"],
        "test": ["F"],
    }
    # That it is not the next one is said once, of the first split.
    assert [m for m in caplog.messages if "validates" in m] == [
        "No clip in fold 2: fold 3 validates."
    ]


def test_absent_speakers_are_logged(caplog):
    clips = [utterance(s, spk_id=s) for s in "ACD"]
    speaker_folds(clips, FOLDS, test_fold=1, valid_fold=2)
    assert "Speakers without a clip: B, E" in caplog.text


@pytest.mark.parametrize(
    "speakers, settings, message",
    [
        ("ACDX", dict(test_fold=1, valid_fold=2), "in no fold: made/X"),
        (
            "ADE",
            dict(test_fold=1, valid_fold=2),
            r"no clip for valid: there is none of fold 2 \(C\)",
        ),
        (
            "CDE",
            dict(test_fold=1, valid_fold=2),
            r"no clip for test: there is none of fold 1 \(A, B\)",
        ),
        ("AC", dict(test_fold=1, valid_fold=2), "no clip for train"),
        ("AB", dict(test_fold=1), "No fold but 1 has clips"),
        ("ABCDE", dict(test_fold=1, valid_fold=1), "Fold 1 cannot both"),
        ("ABCDE", dict(test_fold=7), "no fold 7; the folds are 1, 2, 3"),
        ("ABCDE", dict(test_fold=1, valid_fold=9), "no fold 9"),
    ],
)
def test_impossible_folds(speakers, settings, message):
    clips = [utterance(s, spk_id=s) for s in speakers]
    with pytest.raises(ValueError, match=message):
        speaker_folds(clips, FOLDS, **settings)


def test_speaker_in_two_folds():
    folds = {1: ["A"], 2: ["A", "B"], 3: ["C"]}
    with pytest.raises(ValueError, match="Speakers in two folds: A"):
        speaker_folds([utterance("c", spk_id="C")], folds, 1, 2)
    folds[2] = ["made/A", "B"]
    with pytest.raises(ValueError, match="Speakers in two folds: made/A"):
        speaker_folds([utterance("a", spk_id="A")], folds, 1, 2)


@pytest.mark.parametrize(
    "test, valid, message",
    [
        (
            "Z",
            "A",
            "No clip of the spk_id Z; there are: made/A, made/B, made/C",
        ),
        ("A", ["B", "Z"], "No clip of the spk_id Z"),
        ("A", ["A", "B"], "spk_id made/A cannot both validate and test"),
        (["A", "B", "C"], None, "no clip for train, valid"),
        (["A", "B"], "C", "no clip for train"),
    ],
)
def test_impossible_speakers(test, valid, message):
    clips = [utterance(s, spk_id=s) for s in "ABC"]
    with pytest.raises(ValueError, match=message):
        leave_one_group_out(clips, "spk_id", test, valid)


TWO_CORPORA = [
    utterance(f"{corpus}{name}", spk_id=name, corpus=corpus)
    for corpus, names in (("SAVEE", ["DC", "JE"]), ("mine", ["DC", "X"]))
    for name in names
]


def test_speakers_of_one_name_in_two_corpora():
    split = partial(leave_one_group_out, TWO_CORPORA, "spk_id")
    with pytest.raises(
        ValueError,
        match="2 corpora have a spk_id 'DC': write 'SAVEE/DC' or 'mine/DC'",
    ):
        split("DC", "JE")
    assert ids(split("mine/DC", "JE")) == {
        "train": ["SAVEEDC", "mineX"],
        "valid": ["SAVEEJE"],
        "test": ["mineDC"],
    }
    folds = {1: ["SAVEE/DC"], 2: ["JE"], 3: ["mine/DC", "X"]}
    parts = speaker_folds(TWO_CORPORA, folds, test_fold=3)
    assert ids(parts)["test"] == ["mineDC", "mineX"]
    folds[1] = ["DC"]
    with pytest.raises(ValueError, match="2 corpora have a spk_id 'DC'"):
        speaker_folds(TWO_CORPORA, folds, test_fold=3)


@pytest.mark.parametrize(
    "by, values, test",
    [
        ("session", ["1", "2", "3"], 1),  # as YAML reads it
        ("video", ["a", "b", "c"], "b"),
        ("words", ["Oh, no!", "Oh no", "Yes."], "oh  NO"),
        ("gender", ["female", "male", "female"], ["male"]),
        ("style", ["improvised", "scripted", "scripted"], "improvised"),
        ("corpus", ["RAVDESS", "TESS", "nEMO"], "nEMO"),
    ],
)
def test_leave_groups_out(by, values, test):
    clips = [
        replace(utterance(str(i)), **{by: values[i % 3]}) for i in range(27)
    ]
    parts = leave_one_group_out(clips, by, test, valid_fraction=0.2)
    groups = {
        part: {group_of(clip, by) for clip in parts[part]} for part in PARTS
    }
    assert len(groups["test"]) == 1
    assert not groups["test"] & (groups["train"] | groups["valid"])
    assert_each_clip_is_in_one_part(clips, parts)


def test_groups_must_be_known():
    clips = [replace(utterance("1"), video="a"), utterance("2")]
    with pytest.raises(
        ValueError, match="video of 1 of 2 clips is not known .made: 2."
    ):
        leave_one_group_out(clips, "video", "a")
    with pytest.raises(ValueError, match="spk_id of 1 of 1 clips"):
        speaker_folds([utterance("1", spk_id="")], FOLDS, 1)
    with pytest.raises(ValueError, match="by 'speaker', only by spk_id, sess"):
        group_folds(clips, "speaker", 3, 1)


@st.composite
def grouped(draw):
    """Clips of 3 to 30 videos, a few of which are much longer."""
    lengths = draw(
        st.lists(st.sampled_from([1, 1, 2, 3, 12]), min_size=3, max_size=30)
    )
    return [
        replace(
            utterance(f"{video}-{i}", emo=draw(st.sampled_from(EMOTIONS))),
            video=str(video),
        )
        for video, length in enumerate(lengths)
        for i in range(length)
    ]


@given(grouped(), st.integers(3, 6), st.integers(0, 9), st.randoms())
def test_group_folds(clips, n_folds, seed, rng):
    videos = {clip.video for clip in clips}
    split = partial(group_folds, by="video", n_folds=n_folds, seed=seed)
    if len(videos) < n_folds:
        with pytest.raises(ValueError, match=f"{len(videos)} groups .video."):
            split(clips, test_fold=1)
        return
    folds = [split(clips, test_fold=n) for n in range(1, n_folds + 1)]
    tested = [clip.id for parts in folds for clip in parts["test"]]
    assert sorted(tested) == sorted(clip.id for clip in clips)
    longest = max(
        sum(clip.video == video for clip in clips) for video in videos
    )
    for number, parts in enumerate(folds):
        assert_each_clip_is_in_one_part(clips, parts)
        assert parts["valid"] == folds[(number + 1) % n_folds]["test"]
        assert len(parts["test"]) <= len(clips) / n_folds + longest
        heard = [{clip.video for clip in parts[part]} for part in PARTS]
        assert sum(map(len, heard)) == len(set.union(*heard))
    shuffled = rng.sample(clips, len(clips))
    assert ids(split(shuffled, test_fold=1)) == ids(folds[0])


def test_classes_of_group_folds():
    # One video in five is angry: so is a fifth of every fold.
    clips = [
        replace(
            utterance(f"{video}-{i}", emo="sad" if video % 5 else "angry"),
            video=str(video),
        )
        for video in range(100)
        for i in range(3)
    ]
    for test_fold in range(1, 6):
        parts = group_folds(clips, "video", 5, test_fold)
        assert sizes(parts) == [180, 60, 60]
        assert classes(parts["test"]) == {"angry": 12, "sad": 48}
    other = group_folds(clips, "video", 5, test_fold, seed=1)
    assert ids(other) != ids(parts)


def test_classes_of_group_folds_are_not_bought_with_size():
    # The fold of the long video lacks sad clips, but is full.
    long = [
        replace(utterance(f"long{i}", "angry"), video="l") for i in range(30)
    ]
    short = [replace(utterance(str(i)), video=str(i)) for i in range(30)]
    folds = [group_folds(long + short, "video", 3, n) for n in (1, 2, 3)]
    assert [len(parts["test"]) for parts in folds] == [30, 15, 15]


def test_folds_that_do_not_exist():
    clips = [replace(utterance(v), video=v) for v in "abcde"]
    with pytest.raises(ValueError, match="no fold 0; the folds are 1 to 5"):
        group_folds(clips, "video", 5, 0)
    with pytest.raises(ValueError, match="no fold 6"):
        group_folds(clips, "video", 5, 6)
    with pytest.raises(ValueError, match="cannot be put into 2 folds"):
        group_folds(clips, "video", 2, 1)


def test_speaker_folds_with_validation_from_training():
    clips = [
        utterance(f"{speaker}{i}", ("sad", "happy")[i % 2], speaker)
        for speaker in "abcd"
        for i in range(10)
    ]
    folds = {1: ["a"], 2: ["b"], 3: ["c", "d"]}
    parts = speaker_folds(clips, folds, test_fold=1, valid_fraction=0.2)
    assert {clip.spk_id for clip in parts["test"]} == {"a"}
    assert {clip.spk_id for clip in parts["train"]} == {"b", "c", "d"}
    assert [len(parts[part]) for part in ("train", "valid")] == [24, 6]
    with pytest.raises(ValueError, match="valid_fold or valid_fraction"):
        speaker_folds(clips, folds, 1, valid_fold=2, valid_fraction=0.2)
