"""The report, figure by figure against scikit-learn."""

import io
import json
import warnings

import numpy as np
import pytest
import sklearn.metrics
import torch
from hypothesis import (
    given,
    strategies as st,
)

from speechbrain_emotion.utils.metrics import (
    ClassificationMetrics,
    ClassificationReport,
)

LABELS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


@st.composite
def predictions(draw):
    """Predicted and true indices, as a rule with absent classes."""
    clips = draw(st.integers(1, 40))
    some_classes = st.lists(st.integers(0, 6), min_size=1, max_size=7)
    predicted, true = (
        draw(
            st.lists(
                st.sampled_from(draw(some_classes)),
                min_size=clips,
                max_size=clips,
            )
        )
        for _ in range(2)
    )
    return predicted, true


@given(predictions())
def test_every_figure_is_scikit_learns(sample):
    predicted, true = sample
    report = ClassificationReport.from_indices(predicted, true, LABELS)
    every = range(len(LABELS))

    def sklearn_scores(**settings):
        return sklearn.metrics.precision_recall_fscore_support(
            true, predicted, zero_division=0, **settings
        )

    precision, recall, f1, support = sklearn_scores(labels=list(every))
    np.testing.assert_allclose(report.precision, precision)
    np.testing.assert_allclose(report.recall, recall)
    np.testing.assert_allclose(report.f1, f1)
    np.testing.assert_array_equal(report.support, support)
    np.testing.assert_allclose(
        [report.weighted_precision, report.weighted_recall, report.weighted_f1],
        sklearn_scores(average="weighted")[:3],
    )
    assert report.macro_f1 == pytest.approx(sklearn_scores(average="macro")[2])
    assert report.accuracy == pytest.approx(
        sklearn.metrics.accuracy_score(true, predicted)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of predicted classes without truth
        uar = sklearn.metrics.balanced_accuracy_score(true, predicted)
    assert report.uar == pytest.approx(uar)
    np.testing.assert_array_equal(
        report.confusion,
        sklearn.metrics.confusion_matrix(true, predicted, labels=every),
    )


@given(predictions())
def test_dict_survives_json(sample):
    report = ClassificationReport.from_indices(*sample, LABELS)
    figures = report.to_dict()
    assert json.loads(json.dumps(figures)) == figures
    assert figures["uar"] == report.uar
    assert figures["clips"] == len(sample[0])
    assert list(figures["classes"]) == LABELS
    assert figures["classes"]["sad"]["recall"] == report.recall[5]
    assert figures["confusion"] == report.confusion.tolist()


def test_table_shows_counts_in_the_right_cells():
    report = ClassificationReport.from_indices([1, 1, 0], [0, 0, 1], LABELS)
    lines = str(report).splitlines()
    matrix = lines[lines.index("Truth in rows, prediction in columns") + 1 :]
    assert matrix[0].split() == LABELS
    assert matrix[1].split() == ["angry", "0", "2", *"00000"]
    assert matrix[2].split() == ["disgust", "1", "0", *"00000"]
    assert len({len(line) for line in matrix}) == 1


def test_picture(tmp_path):
    rng = np.random.default_rng(0)
    report = ClassificationReport.from_indices(
        rng.integers(0, 7, 500), rng.integers(0, 7, 500), LABELS
    )
    path = tmp_path / "confusion.png"
    report.plot_confusion_matrix(path)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "predicted, true, message",
    [
        ([], [], "not 0 and 0"),
        ([0], [0, 1], "not 1 and 2"),
        ([7], [0], r"\[7\] are none of the 7 labels angry"),
        ([-1], [0], r"\[-1\] are none"),
    ],
)
def test_unusable_indices(predicted, true, message):
    with pytest.raises(ValueError, match=message):
        ClassificationReport.from_indices(predicted, true, LABELS)


def test_metrics_add_up_over_batches():
    metrics = ClassificationMetrics(["happy", "sad"])
    logits = torch.tensor([[2.0, 1.0], [0.0, 0.5]])
    metrics.append(["a", "b"], logits, torch.tensor([[0], [0]]))
    metrics.append(["c"], torch.tensor([[1]]), [1])
    assert metrics.summarize("accuracy") == pytest.approx(2 / 3)
    assert metrics.summarize("uar") == 0.75
    assert metrics.summarize().confusion.tolist() == [[1, 1], [0, 1]]

    stream = io.StringIO()
    metrics.write_stats(stream)
    assert "UAR                 75.00 %" in stream.getvalue()
    assert stream.getvalue().endswith(
        "Wrong: 1 of 3\nb: happy, predicted sad\n"
    )

    metrics.clear()
    with pytest.raises(ValueError, match="at least one clip"):
        metrics.summarize()


def test_metrics_reject_a_batch_that_does_not_match():
    metrics = ClassificationMetrics(LABELS)
    with pytest.raises(ValueError, match="1 ids with 3 predictions and 1 tar"):
        metrics.append(["a"], torch.zeros(1, 3), torch.tensor([0]))
    assert metrics.ids == []


def test_metrics_of_other_processes_add_up():
    metrics, other = (ClassificationMetrics(["happy", "sad"]) for _ in range(2))
    metrics.append(["a"], torch.tensor([[0.75, 0.25]]), [0])
    other.append(["b", "c"], torch.tensor([[0.25, 0.75], [0.5, 0.5]]), [0, 1])
    metrics.extend(other)
    assert metrics.ids == ["a", "b", "c"]
    assert metrics.predictions == [0, 1, 0] and metrics.targets == [0, 0, 1]
    assert metrics.probabilities == [[0.75, 0.25], [0.25, 0.75], [0.5, 0.5]]
    assert metrics.summarize("accuracy") == pytest.approx(1 / 3)
