"""Splits at random, as published, and by corpus."""

import random
from functools import partial

import pytest
from corpora_layouts import utterance
from hypothesis import (
    given,
    strategies as st,
)
from split_cases import (
    assert_each_clip_is_in_one_part,
    classes,
    clips_of,
    ids,
    sizes,
    with_fields,
)

from speechbrain_emotion.dataio.protocol import PARTS
from speechbrain_emotion.dataio.splits import (
    leave_one_group_out,
    published_split,
    split_each,
    stratified_random,
    whole_corpus,
)


@given(
    st.dictionaries(st.sampled_from("abcdefg"), st.integers(1, 40)),
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(0, 9),
    st.randoms(),
)
def test_stratified_random(counts, one_cut, other_cut, seed, rng):
    clips = clips_of(**counts)
    cuts = [0, *sorted([one_cut, other_cut]), 100]  # in percent
    fractions = [(b - a) / 100 for a, b in zip(cuts, cuts[1:], strict=False)]
    ends = [(2 * cut * len(clips) + 100) // 200 for cut in cuts]  # rounded
    totals = [b - a for a, b in zip(ends, ends[1:], strict=False)]
    if not all(totals):
        with pytest.raises(ValueError, match="leaves no clip for"):
            stratified_random(clips, fractions, seed)
        return
    parts = stratified_random(clips, fractions, seed)
    assert sizes(parts) == totals
    assert_each_clip_is_in_one_part(clips, parts)
    for part, fraction in zip(PARTS, fractions, strict=True):
        drawn = classes(parts[part])
        for emo, count in counts.items():
            assert abs(drawn[emo] - fraction * count) <= 1 + 1e-9
    shuffled = rng.sample(clips, len(clips))
    assert ids(stratified_random(shuffled, fractions, seed)) == ids(parts)


def test_totals_are_those_of_the_literature():
    # RAVDESS + TESS + SAVEE, without calm
    clips = clips_of(
        angry=192 + 400 + 60,
        disgust=192 + 400 + 60,
        fear=192 + 400 + 60,
        happy=192 + 400 + 60,
        neutral=96 + 400 + 120,
        sad=192 + 400 + 60,
        surprise=192 + 400 + 60,
    )
    assert len(clips) == 4528
    assert sizes(stratified_random(clips)) == [3622, 453, 453]


def test_draw_is_the_same_everywhere():
    clips = [utterance(str(i)) for i in range(20)]
    parts = ids(stratified_random(clips, seed=1))
    assert parts["valid"] == ["15", "4"]
    assert parts["test"] == ["1", "9"]
    assert ids(stratified_random(clips, seed=2)) != parts


def test_shares_are_rounded():
    clips = [utterance(str(i)) for i in range(10)]
    parts = stratified_random(clips, [0.7, 0.2, 0.1])  # 0.7 + 0.2 < 0.9
    assert sizes(parts) == [7, 2, 1]


def test_a_missing_file_moves_few_others():
    clips = [utterance(str(i)) for i in range(200)]
    before = ids(stratified_random(clips))
    after = ids(stratified_random(random.Random(0).sample(clips, 199)))
    assert len(set(before["train"]) ^ set(after["train"])) <= 3


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


WORDS = {"train": "train", "dev": "valid", "test": "test"}


def published(**counts):
    """Clips in the parts of their publishers."""
    return [
        clip
        for part, count in counts.items()
        for clip in with_fields(clips_of(**{part: count}), emo="s", part=part)
    ]


def test_published_split():
    clips = published(train=4, dev=2, test=1)
    parts = published_split(clips, WORDS)
    assert ids(parts)["valid"] == ["dev0", "dev1"]
    assert sizes(parts) == [4, 2, 1]
    with pytest.raises(ValueError, match="2 clips.: leave out valid_fraction"):
        published_split(clips, WORDS, valid_fraction=0.1)
    with pytest.raises(ValueError, match="parts 'dev', which .* not map"):
        published_split(clips, {"train": "train", "test": "test"})


def test_published_parts_that_are_missing():
    train = with_fields(clips_of(sad=2), part="train")
    with pytest.raises(ValueError, match="publishers' dev, test.$"):
        published_split(train, WORDS)
    test = with_fields(clips_of(happy=1), part="test")
    with pytest.raises(ValueError, match="valid: no part .* valid_fraction"):
        published_split(train + test, {"train": "train", "test": "test"})


def test_validation_part_of_published_split():
    # Spanish MEACorpus 2023
    train = with_fields(
        clips_of(
            neutral=1599, disgust=959, anger=534, joy=514, sadness=466, fear=30
        ),
        part="train",
    )
    test = with_fields(clips_of(tested=1027), part="test")
    parts = published_split(train + test, WORDS, valid_fraction=0.1, seed=3)
    assert sizes(parts) == [3692, 410, 1027]
    assert parts["test"] == test
    assert classes(parts["valid"])["fear"] == 3
    assert ids(published_split(train + test, WORDS, 0.1, seed=4)) != ids(parts)
    with pytest.raises(ValueError, match="no clip for valid"):
        published_split(train + test, WORDS)
    with pytest.raises(ValueError, match="between 0 and 1, not 1.5"):
        published_split(train + test, WORDS, valid_fraction=1.5)


def test_each_corpus_by_its_own_split():
    clips = [
        *(utterance(f"R{s}", spk_id=s, corpus="RAVDESS") for s in "abc"),
        *(utterance(f"T{i}", corpus="TESS") for i in range(20)),
        *(utterance(f"S{i}", corpus="SAVEE") for i in range(2)),
    ]
    splits = {
        "RAVDESS": partial(
            leave_one_group_out,
            by="spk_id",
            test_group="a",
            valid_group="b",
        ),
        "TESS": stratified_random,
        "SAVEE": partial(whole_corpus, part="test"),
    }
    parts = split_each(clips, splits)
    assert_each_clip_is_in_one_part(clips, parts)
    assert sizes(parts) == [1 + 16, 1 + 2, 1 + 2 + 2]
    assert {"Ra", "S0", "S1"} < set(ids(parts)["test"])
    del splits["SAVEE"]
    with pytest.raises(
        ValueError, match="of RAVDESS, TESS, SAVEE, the splits for RAVDESS, T"
    ):
        split_each(clips, splits)
    with pytest.raises(ValueError, match="SAVEE.*, the splits for TESS, SAVE"):
        split_each(clips[-2:], {"TESS": None, "SAVEE": None})


def test_whole_corpus():
    clips = [utterance("1"), utterance("2")]
    parts = whole_corpus(clips, "test")
    assert parts == {"train": [], "valid": [], "test": clips}
    with pytest.raises(ValueError, match="No part 'dev'; parts: train, valid"):
        whole_corpus(clips, "dev")
