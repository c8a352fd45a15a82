"""Exact tests between experiments."""

import numpy as np
import pytest
from hypothesis import (
    given,
    strategies as st,
)
from run_folders import clip, write_run

from speechbrain_emotion.results.comparison import (
    _combine,
    _one_sided,
    compare,
    holm,
    mcnemar,
)
from speechbrain_emotion.results.experiments import group_runs
from speechbrain_emotion.results.runs import read_run


def answers(right, labels=("angry", "happy", "sad"), first=0):
    """Clips of the first label; right: whether each is recognised."""
    return [
        clip(f"c{first + i}", labels[0], labels[0 if r else 1], labels=labels)
        for i, r in enumerate(right)
    ]


@pytest.fixture
def experiment(tmp_path):
    """Makes an experiment from what is right for each seed."""

    def make(name, by_seed, first=0, labels=("angry", "happy", "sad"), **more):
        runs = [
            write_run(
                tmp_path / name / "emobox_1" / seed,
                answers(right, labels, first),
                labels,
                seed=seed,
                **more,
            )
            for seed, right in by_seed.items()
        ]
        return group_runs([read_run(run) for run in runs])[0]

    return make


def test_mcnemar_is_the_binomial_test_of_those_that_differ():
    first = np.array([1] * 30 + [1] * 8 + [0] * 1 + [0] * 9, dtype=bool)
    second = np.array([1] * 30 + [0] * 8 + [1] * 1 + [0] * 9, dtype=bool)
    # 2 * (C(9, 0) + C(9, 1)) / 2 ** 9
    assert mcnemar(first, second) == (8, 1, pytest.approx(20 / 512))
    assert mcnemar(second, first)[2] == mcnemar(first, second)[2]
    assert mcnemar(first, first) == (0, 0, 1.0)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm(p_values):
    corrected = holm(p_values)
    for p, c in zip(p_values, corrected):
        # Step down: what is below must have been rejected as well.
        steps = [
            p2 * sum(p3 >= p2 for p3 in p_values) for p2 in p_values if p2 <= p
        ]
        assert c == pytest.approx(min(1, max(steps)))


def test_the_better_one_is_named(experiment):
    good = experiment("good", {"1": [1] * 20 + [0] * 5})
    bad = experiment("bad", {"1": [0] * 15 + [1] * 5 + [0] * 5})
    same = experiment("same", {"1": [1] * 19 + [0] * 6})
    comparisons, reasons = compare([bad, good, same])
    assert not reasons
    verdicts = {(c.first, c.second): c.verdict for c in comparisons}
    assert verdicts == {
        ("bad emobox", "good emobox"): "good emobox is better",
        ("bad emobox", "same emobox"): "same emobox is better",
        ("good emobox", "same emobox"): "not distinguishable",
    }
    first = comparisons[0]
    assert (first.clips, first.left_out, first.seeds) == (25, 0, 1)
    assert (first.only_first, first.only_second) == (0, 15)
    assert first.p == pytest.approx(2 / 2**15)
    assert first.corrected == pytest.approx(3 * 2 / 2**15)


def test_common_clips_only(experiment):
    first = experiment("first", {"1": [1] * 10})
    second = experiment("second", {"1": [0] * 10}, first=4)
    ((comparison,), reasons) = compare([first, second])
    assert (comparison.clips, comparison.left_out) == (6, 8)
    assert comparison.only_first == 6


def test_clips_are_paired_by_name_in_any_order(experiment):
    right = [1, 1, 1, 0, 1, 0, 0, 1]
    first = experiment("first", {"1": right})
    second = experiment("second", {"1": right[::-1]})
    pairs = second.by_seed["1"]
    pairs.clips[:] = pairs.clips[::-1]
    ((comparison,), _) = compare([first, second])
    assert (comparison.only_first, comparison.only_second) == (0, 0)


def test_seeds_are_compared_one_by_one(experiment):
    right = {"1": [1] * 8, "2": [1] * 8, "3": [1] * 8}
    wrong = {"1": [0] * 8, "2": [0] * 6 + [1] * 2, "3": [1] * 8}
    first, second = experiment("first", right), experiment("second", wrong)
    ((comparison,), _) = compare([first, second])
    assert comparison.seeds == 3
    assert comparison.only_first == pytest.approx(14 / 3)
    # The second smallest of three, times 3 / 2, for both sides.
    assert comparison.p == pytest.approx(2 * 1.5 / 2**6)


def test_seeds_in_common_or_in_order(experiment):
    first = experiment("first", {"1": [1] * 6, "2": [0] * 6})
    common = experiment("common", {"2": [0] * 6, "9": [1] * 6})
    other = experiment("other", {"7": [1] * 6, "8": [0] * 6})
    (one, two, _), _ = compare([first, common, other])
    assert (one.seeds, one.only_first, one.only_second) == (1, 0, 0)
    assert (two.seeds, two.only_first, two.only_second) == (2, 0, 0)


@pytest.mark.parametrize(
    "change,reason",
    [
        ({"protocol": "random"}, "their protocols differ"),
        ({"independent": False}, "their protocols differ"),
        ({"labels": ("angry", "sad", "happy")}, "their labels differ"),
        (
            {"split": {"name": "speaker_folds", "n": 9}},
            "their protocols differ",
        ),
        ({"first": 100}, "they have no test clip in common"),
    ],
)
def test_what_cannot_be_compared(experiment, change, reason):
    first = experiment("first", {"1": [1] * 6})
    second = experiment("second", {"1": [0] * 6}, **change)
    comparisons, reasons = compare([first, second])
    assert not comparisons
    assert reasons == {reason: [("first emobox", second.name)]}


def test_other_truths(experiment, tmp_path):
    first = experiment("first", {"1": [1] * 6})
    rows = [clip(f"c{i}", "sad", "sad") for i in range(6)]
    folder = write_run(tmp_path / "second" / "x" / "1", rows)
    second = group_runs([read_run(folder)])[0]
    comparisons, reasons = compare([first, second])
    assert not comparisons
    assert list(reasons) == ["they take other labels of clips to be true"]


def test_unknown_protocols_may_differ(experiment):
    experiments = []
    for name in ("first", "second"):
        made = experiment(name, {"1": [1] * 6})
        (made.runs[0].folder / "split.json").unlink()
        experiments += group_runs([read_run(made.runs[0].folder)])
    comparisons, reasons = compare(experiments)
    assert not comparisons
    assert list(reasons) == ["a protocol is unknown, without a split.json"]


def test_seeds_that_contradict_each_other(experiment):
    """The first is better with one seed, the second with the other."""
    good, bad = [1] * 40 + [0] * 10, [0] * 40 + [1] * 10
    first = experiment("first", {"1": good, "2": bad})
    second = experiment("second", {"1": bad, "2": [1] * 39 + [0] * 11})
    ((comparison,), _) = compare([first, second])
    assert comparison.only_first != comparison.only_second
    assert comparison.p == 1
    assert comparison.verdict == "not distinguishable"


def test_the_better_one_is_so_on_average(experiment):
    """Two seeds say a little, the third says the contrary, and more."""
    more, less = [1] * 9 + [0] * 50, [0] * 59
    first = experiment("first", {"1": more, "2": more, "3": less})
    second = experiment("second", {"1": less, "2": less, "3": [1] * 59})
    ((comparison,), _) = compare([first, second])
    assert comparison.only_first < comparison.only_second
    assert comparison.verdict == "not distinguishable"


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30))
def test_of_one_seed_the_test_is_exact(outcomes):
    first = np.array([outcome == 0 for outcome in outcomes])
    second = np.array([outcome == 1 for outcome in outcomes])
    only_first, only_second, p = mcnemar(first, second)
    more, less = sorted((only_first, only_second), reverse=True)
    assert _combine([_one_sided(more, less)]) == pytest.approx(p)
