"""The splits: what they put where, and what they refuse."""

import random
from collections import Counter
from functools import partial

import pytest
from corpora_layouts import utterance
from hypothesis import (
    given,
    strategies as st,
)

from speechbrain_emotion.dataio.protocol import (
    PARTS,
    check_split,
    describe,
    protocol_of,
)
from speechbrain_emotion.dataio.splits import (
    leave_one_speaker_out,
    speaker_folds,
    stratified_random,
    whole_corpus,
)

FOLDS = {1: ["A", "B"], 2: ["C"], 3: ["D", "E"]}


@st.composite
def corpora(draw):
    """Clips of the speakers A to E in up to four classes."""
    clips = [
        utterance(
            str(number),
            emo=draw(st.sampled_from(["angry", "happy", "neutral", "sad"])),
            spk_id=speaker,
        )
        for number, speaker in enumerate(
            "ABCDE" + draw(st.text("ABCDE", max_size=60))
        )
    ]
    return clips


def ids(parts):
    """The ids of the clips in each part."""
    return {part: sorted(clip.id for clip in parts[part]) for part in PARTS}


def speakers(clips):
    """The speakers of clips."""
    return {clip.spk_id for clip in clips}


def assert_each_clip_is_in_one_part(clips, parts):
    placed = [clip.id for part in PARTS for clip in parts[part]]
    assert sorted(placed) == sorted(clip.id for clip in clips)


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
    parts = leave_one_speaker_out(clips, test, valid)
    assert_each_clip_is_in_one_part(clips, parts)
    assert speakers(parts["test"]) == set(test)
    assert speakers(parts["valid"]) == {valid}
    assert speakers(parts["train"]) == set(order[last:4])


@given(corpora(), st.integers(0, 9), st.randoms())
def test_validation_clips_of_training_speakers(clips, seed, rng):
    clips += [utterance(f"A{i}", spk_id="A") for i in range(10)]
    split = partial(
        leave_one_speaker_out, test_speaker="B", valid_fraction=0.5, seed=seed
    )
    parts = split(clips)
    assert_each_clip_is_in_one_part(clips, parts)
    assert speakers(parts["test"]) == {"B"}
    assert "B" not in speakers(parts["train"]) | speakers(parts["valid"])
    others = Counter(clip.emo for clip in clips if clip.spk_id != "B")
    drawn = Counter(clip.emo for clip in parts["valid"])
    assert all(abs(drawn[emo] - others[emo] / 2) < 1 for emo in others)
    assert ids(split(rng.sample(clips, len(clips)))) == ids(parts)


@given(corpora(), st.integers(0, 9), st.randoms())
def test_stratified_random(clips, seed, rng):
    clips += [utterance(f"s{i}") for i in range(40)]  # lest a part be empty
    fractions = [0.6, 0.2, 0.2]
    parts = stratified_random(clips, fractions, seed)
    assert_each_clip_is_in_one_part(clips, parts)
    classes = Counter(clip.emo for clip in clips)
    for part, fraction in zip(PARTS, fractions, strict=True):
        counts = Counter(clip.emo for clip in parts[part])
        for emo, count in classes.items():
            assert abs(counts[emo] - fraction * count) <= 1
    shuffled = rng.sample(clips, len(clips))
    assert ids(stratified_random(shuffled, fractions, seed)) == ids(parts)


def test_draw_is_the_same_everywhere():
    clips = [utterance(str(i)) for i in range(20)]
    parts = ids(stratified_random(clips, seed=1))
    assert parts["valid"] == ["15", "4"]
    assert parts["test"] == ["1", "9"]
    assert ids(stratified_random(clips, seed=2)) != parts


def test_shares_are_rounded():
    clips = [utterance(str(i)) for i in range(10)]
    parts = stratified_random(clips, [0.7, 0.2, 0.1])  # 0.7 + 0.2 < 0.9
    assert [len(parts[part]) for part in PARTS] == [7, 2, 1]


def test_a_missing_file_moves_few_others():
    clips = [utterance(str(i)) for i in range(200)]
    before = ids(stratified_random(clips))
    after = ids(stratified_random(random.Random(0).sample(clips, 199)))
    assert len(set(before["train"]) ^ set(after["train"])) <= 3


def test_default_validation_fold_is_the_next_with_clips():
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


def test_absent_speakers_are_logged(caplog):
    clips = [utterance(s, spk_id=s) for s in "ACD"]
    speaker_folds(clips, FOLDS, test_fold=1, valid_fold=2)
    assert "Speakers without a clip: B, E" in caplog.text


@pytest.mark.parametrize(
    "speakers, settings, message",
    [
        ("ACDX", dict(test_fold=1, valid_fold=2), "in no fold: X"),
        ("ADE", dict(test_fold=1, valid_fold=2), "no clip for valid"),
        ("CDE", dict(test_fold=1, valid_fold=2), "no clip for test"),
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
    with pytest.raises(ValueError, match="Speakers in two folds: A"):
        speaker_folds([], {1: ["A"], 2: ["A", "B"]}, 1, 2)


@pytest.mark.parametrize(
    "test, valid, message",
    [
        ("Z", "A", "No clips of speaker Z; speakers: A, B, C"),
        ("A", ["B", "Z"], "No clips of speaker Z"),
        ("A", ["A", "B"], "cannot both validate and test: A"),
        (["A", "B", "C"], None, "no clip for train, valid"),
        (["A", "B"], "C", "no clip for train"),
    ],
)
def test_impossible_speakers(test, valid, message):
    clips = [utterance(s, spk_id=s) for s in "ABC"]
    with pytest.raises(ValueError, match=message):
        leave_one_speaker_out(clips, test, valid)


@pytest.mark.parametrize(
    "fractions", [[0.8, 0.2], [0.8, 0.1, 0.2], [1.1, -0.2, 0.1]]
)
def test_impossible_fractions(fractions):
    clips = [utterance(str(i)) for i in range(20)]
    with pytest.raises(ValueError, match="three numbers of the sum 1"):
        stratified_random(clips, fractions)


def test_too_few_clips_to_draw_from():
    with pytest.raises(ValueError, match="no clip for valid"):
        stratified_random([utterance("1"), utterance("2")])


def test_whole_corpus():
    clips = [utterance("1"), utterance("2")]
    parts = whole_corpus(clips, "test")
    assert parts == {"train": [], "valid": [], "test": clips}
    with pytest.raises(ValueError, match="No part 'dev'; parts: train, valid"):
        whole_corpus(clips, "dev")


A, B, C, D = (utterance(name, spk_id=name) for name in "ABCD")


@pytest.mark.parametrize(
    "parts, message",
    [
        (dict(train=[A], valid=[B], dev=[C]), "not train, valid, dev"),
        (dict(train=[A, B], valid=[B], test=[C]), "1 clips .* than once: B"),
        (dict(train=[A], valid=[B], test=[]), "leaves out 1 of 3 clips"),
        (dict(train=[A], valid=[B], test=[C, D]), "adds 1"),
        (dict(train=[A, B], valid=[C], test=[]), "no clip for test"),
    ],
)
def test_check_refuses(parts, message):
    with pytest.raises(ValueError, match=message):
        check_split([A, B, C], parts)


def test_check_refuses_shared_speakers():
    other = utterance("A2", spk_id="A")
    parts = {"train": [A], "valid": [B], "test": [other]}
    check_split([A, B, other], parts)
    with pytest.raises(ValueError, match="test part .* too: made/A"):
        check_split([A, B, other], parts, disjoint_speakers=["test"])


def test_description():
    train = [
        utterance("1", "sad", "A", words="Hello"),
        utterance("2", "happy", "B", words="Hello"),
    ]
    valid = [utterance("3", "sad", "B", words="Hello")]
    test = [
        utterance("4", "sad", "C", words="Bye"),
        utterance("5", "sad", "C", words="Hello"),
        utterance("6", "sad", "A", corpus="another"),
    ]
    parts = {"train": train, "valid": valid, "test": test}
    assert describe(parts, ["angry", "happy", "sad"]) == {
        "speaker_independent": True,
        "shared_speakers": {
            "train-valid": ["made/B"],
            "train-test": [],
            "valid-test": [],
        },
        "test_sentences": 2,
        "test_sentences_in_train": 1,
        "parts": {
            "train": {
                "clips": 2,
                "minutes": 0.0,
                "speakers": ["made/A", "made/B"],
                "classes": {"angry": 0, "happy": 1, "sad": 1},
            },
            "valid": {
                "clips": 1,
                "minutes": 0.0,
                "speakers": ["made/B"],
                "classes": {"angry": 0, "happy": 0, "sad": 1},
            },
            "test": {
                "clips": 3,
                "minutes": 0.1,
                "speakers": ["another/A", "made/C"],
                "classes": {"angry": 0, "happy": 0, "sad": 3},
            },
        },
    }
    overlapping = {"train": test[:1], "valid": valid, "test": test[1:]}
    assert describe(overlapping)["speaker_independent"] is False


def test_protocol_names_the_settings():
    split = partial(speaker_folds, folds=FOLDS, test_fold=1)
    assert protocol_of(split) == {
        "name": "speaker_folds",
        "folds": FOLDS,
        "test_fold": 1,
    }
    assert protocol_of(partial(split, test_fold=2))["test_fold"] == 2
