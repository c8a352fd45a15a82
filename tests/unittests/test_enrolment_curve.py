"""The curve over enrolment utterances, of made-up answers."""

import importlib.util
import pathlib

import numpy as np
import pytest
import torch

PATH = pathlib.Path(__file__).parent.parent / "benchmarks" / "enrolment.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("enrolment", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made_up_run(bench, n_each=4):
    """Two speakers; a model that only sees whether a mean was moved."""
    run = bench.Run.__new__(bench.Run)
    speakers = [s for s in "ab" for _ in range(2 * n_each)]
    run.seed, run.speakers = "1", np.array(speakers)
    run.labels = np.array(["neutral", "sad"] * (2 * n_each))
    run.speech = torch.eye(len(speakers))
    run.embeddings = torch.cat([run.speech, run.speech], dim=1)
    run.asked = []

    def answer(means=None, counts=None):
        run.asked.append((means, counts))
        return run.labels if means is not None else np.roll(run.labels, 1)

    run.answer = answer
    return run


def test_enrolment_is_by_other_clips_of_the_speaker(bench):
    run = made_up_run(bench)
    generator = np.random.default_rng(0)
    run.adapted("random", "", 3, generator)
    run.adapted("neutral", "neutral", 2, generator)
    for (means, counts), wanted in zip(run.asked, (3, 2)):
        assert set(counts.tolist()) == {wanted}
        for clip, mean in enumerate(means):
            used = mean.nonzero().flatten().tolist()
            assert len(used) == wanted and clip not in used
            assert {run.speakers[i] for i in used} == {run.speakers[clip]}
    used = run.asked[1][0].nonzero()[:, 1]
    assert {run.labels[i] for i in used} == {"neutral"}
    # A clip of the emotion itself needs one more.
    assert run.adapted("neutral", "neutral", 4, generator) is None


def test_enrolment_curve(bench):
    found = bench.curve([made_up_run(bench)], n_draws=2)
    assert found["none", 0][""] == [0.0]
    assert found["random", 4][""] == [100.0, 100.0]
    assert ("random", 8) not in found or not found["random", 8]
    assert set(found["one emotion", 2]) == {"neutral", "sad"}
    lines = [*bench.row("toys", found)]
    assert lines[0].startswith("| toys | random | 0.0 | 100.0 ± 0.0 |")
    assert "100.0 (100.0 neutral; 2 emotions)" in lines[2]


def test_recall_is_averaged_over_classes(bench):
    truth = np.array(["a", "a", "a", "b"])
    answers = np.array(["a", "a", "b", "b"])
    assert bench.uar([(truth, answers)]) == pytest.approx(100 * (2 / 3 + 1) / 2)
