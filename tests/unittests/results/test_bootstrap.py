"""Confidence intervals by the bootstrap over speakers."""

import time

import numpy as np
import pytest
from hypothesis import (
    given,
    settings,
    strategies as st,
)

from speechbrain_emotion.results import bootstrap as module
from speechbrain_emotion.results.bootstrap import (
    FIGURES,
    bootstrap,
    confusions,
    figures_of,
    units_to_draw,
)
from speechbrain_emotion.results.predictions import Predictions
from speechbrain_emotion.utils.metrics import ClassificationReport

SMALL = st.integers(0, 5)


def simulate(rng, n_speakers, n_each, n_classes=4, spread=0.0, seeds=1):
    """Answers of speakers who are recognised 60 % of the time, more or less."""
    rate = np.clip(0.6 + spread * rng.standard_normal(n_speakers), 0, 1)
    speakers = np.tile(np.repeat(np.arange(n_speakers), n_each), seeds)
    true = np.arange(len(speakers)) % n_classes
    wrong = (true + rng.integers(1, n_classes, len(true))) % n_classes
    right = rng.random(len(true)) < rate[speakers]
    seed = np.repeat(np.arange(seeds), n_speakers * n_each)
    return true, np.where(right, true, wrong), speakers.astype(str), seed


@given(st.lists(st.tuples(SMALL, SMALL), min_size=1, max_size=40))
def test_figures_are_those_of_the_report(pairs):
    true, predicted = zip(*pairs)
    labels = list("abcdef")
    report = ClassificationReport.from_indices(predicted, true, labels)
    figures = figures_of(np.stack([report.confusion, 3 * report.confusion]))
    assert tuple(figures) == FIGURES
    for name, values in figures.items():
        assert values == pytest.approx(2 * [getattr(report, name)])


def test_figures_of_no_clips_are_unknown():
    assert all(np.isnan(v) for v in figures_of(np.zeros((2, 2))).values())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 2))
def test_intervals_hold_the_figures_and_ignore_the_order(seed, seeds):
    rng = np.random.default_rng(seed)
    data = simulate(rng, 15, 24, spread=0.1, seeds=seeds)
    intervals = bootstrap(*data, n_classes=4)
    counts = confusions(*data[:2], [data[3]], 4)
    for name, values in figures_of(counts).items():
        low, high = intervals[name]
        assert 0 <= low < values.mean() < high <= 1
    order = rng.permutation(len(data[0]))
    assert bootstrap(*(x[order] for x in data), n_classes=4) == intervals


def test_all_correct():
    true, _, units, seeds = simulate(np.random.default_rng(0), 5, 8)
    intervals = bootstrap(true, true, units, seeds, 4)
    assert set(intervals.values()) == {(1.0, 1.0)}


@pytest.mark.parametrize("n_units,n_each", [(12, 10), (100, 1)])
def test_intervals_are_those_of_the_plain_bootstrap(n_units, n_each):
    true, predicted, units, seeds = simulate(
        np.random.default_rng(1), n_units, n_each, spread=0.2
    )
    true[: n_units // 2] = 0  # so that classes differ in size
    intervals = bootstrap(true, predicted, units, seeds, 4)
    rng, plain = np.random.default_rng(2), []
    for _ in range(1000):
        drawn = rng.integers(n_units, size=n_units).astype(str)
        index = np.concatenate([np.flatnonzero(units == u) for u in drawn])
        counts = confusions(true[index], predicted[index], [], 4)
        plain.append(figures_of(counts))
    for name in FIGURES:
        expected = np.percentile([p[name] for p in plain], [2.5, 97.5])
        assert intervals[name] == pytest.approx(expected, abs=0.03)


def test_coverage(monkeypatch):
    monkeypatch.setattr(module, "N_RESAMPLES", 400)
    rng = np.random.default_rng(3)
    covered = {"speakers": 0, "clips": 0}
    for _ in range(200):
        true, predicted, speakers, seeds = simulate(rng, 30, 40, spread=0.15)
        for name, units in (
            ("speakers", speakers),
            ("clips", np.arange(len(true))),
        ):
            intervals = bootstrap(true, predicted, units, seeds, 4)
            low, high = intervals["accuracy"]
            covered[name] += low <= 0.6 <= high
    assert 0.88 <= covered["speakers"] / 200 <= 0.99
    # Clips of one speaker resemble each other, which this leaves out.
    assert covered["clips"] / 200 < 0.8


def test_a_seed_that_lacks_speakers():
    true, predicted, units, _ = simulate(np.random.default_rng(4), 3, 6)
    seeds = (units == "0").astype(int)
    assert np.isfinite(
        list(bootstrap(true, predicted, units, seeds, 4).values())
    ).all()


def test_seeds_are_averaged_not_pooled():
    # Two seeds that err in turn: their mean is the same for each speaker.
    true, units = np.zeros(40, int), np.tile(np.arange(10), 4)
    seeds = np.repeat([0, 1], 20)
    predicted = np.where((units % 2) == seeds, 0, 1)
    low, high = bootstrap(true, predicted, units, seeds, 2)["accuracy"]
    assert (low, high) == (0.5, 0.5)
    one = seeds == 0
    low, high = bootstrap(true[one], predicted[one], units[one], seeds[one], 2)[
        "accuracy"
    ]
    assert low < 0.4 and high > 0.6


def test_many_clips_are_fast():
    data = simulate(np.random.default_rng(5), 2000, 6, n_classes=7, seeds=3)
    start = time.perf_counter()
    bootstrap(*data, n_classes=7)
    bootstrap(*data[:2], np.arange(len(data[0])), data[3], n_classes=7)
    assert time.perf_counter() - start < 10


# ---- What is drawn ---------------------------------------------------------


def drawn(speakers):
    """Units and note for clips of these speakers."""
    clips = np.array([f"a/{i}" for i in range(len(speakers))])
    columns = [None] * 4
    return units_to_draw(
        Predictions((), clips, None, np.array(speakers), *columns)
    )


def test_speakers_are_drawn():
    speakers = [f"a/{i // 2}" for i in range(20)]
    units, note = drawn(speakers)
    assert units.tolist() == speakers and note == ""


def test_few_speakers():
    units, note = drawn([f"a/{i // 2}" for i in range(18)])
    assert len(set(units)) == 9
    assert note == "The intervals are unreliable, with so few speakers: 9."


@pytest.mark.parametrize(
    "speakers,words",
    [(["", "", ""], "speakers are unknown"), (3 * ["a/Eva"], "one speaker")],
)
def test_clips_are_drawn(speakers, words):
    units, note = drawn(speakers)
    assert len(set(units)) == 3
    assert words in note and "over clips" in note
    assert note.endswith("They are unreliable, with so few clips: 3.")
    assert "unreliable" not in drawn(4 * speakers)[1]


def test_some_speakers_are_unknown():
    units, note = drawn(["a/1", "a/1", *9 * [""]])
    assert len(set(units)) == 10
    assert note.startswith("The speakers of 9 clips are unknown")
    assert "unreliable" not in note
