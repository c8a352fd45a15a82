"""Calibration of probabilities."""

import math

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from speechbrain_emotion.results.calibration import Calibration


def binary(confidence, correct):
    """Answers of class 0 with these probabilities."""
    confidence = np.array(confidence)
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    true = np.where(correct, 0, 1)
    return Calibration.of(probabilities, np.zeros(len(true), int), true)


def test_perfectly_calibrated():
    calibration = binary([0.75] * 4, [1, 1, 1, 0])
    assert calibration.error == pytest.approx(0)
    assert calibration.sizes.sum() == 4


def test_overconfident():
    assert binary([1.0] * 4, [1, 0, 0, 0]).error == pytest.approx(0.75)


def test_bins_do_not_make_up_for_each_other():
    # Over all, confidence equals accuracy.
    calibration = binary([0.6, 0.6, 1.0, 1.0], [1, 1, 1, 0])
    assert calibration.error == pytest.approx((0.4 + 0.5) / 2)


def test_edges_belong_to_the_bin_below():
    sizes = binary([1.0, 14 / 15, 0.94, 9 / 15], [1, 1, 1, 1]).sizes
    assert sizes.tolist() == [0] * 8 + [1, 0, 0, 0, 0, 1, 2]


def test_random_answers_against_a_plain_computation():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(5), size=500)
    true = rng.integers(5, size=500)
    predicted = probabilities.argmax(axis=1)
    calibration = Calibration.of(probabilities, predicted, true)
    expected, top = 0, probabilities.max(axis=1)
    for i in range(15):
        inside = (top > i / 15) & (top <= (i + 1) / 15)
        if inside.any():
            right = (predicted == true)[inside].mean()
            expected += inside.mean() * abs(right - top[inside].mean())
    assert calibration.error == pytest.approx(expected)
    assert calibration.log_loss == pytest.approx(log_loss(true, probabilities))
    onehot = np.eye(5)[true]
    brier = sum(
        brier_score_loss(onehot[:, i], probabilities[:, i]) for i in range(5)
    )
    assert calibration.brier == pytest.approx(brier)


def test_an_impossible_truth_is_not_infinitely_bad():
    assert math.isfinite(binary([1.0], [0]).log_loss)


def test_diagram(tmp_path):
    path = tmp_path / "reliability.png"
    binary([0.6, 0.9], [1, 0]).plot(path)
    assert path.read_bytes().startswith(b"\x89PNG")
