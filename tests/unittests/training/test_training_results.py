"""What a training leaves behind, and when it stops by itself."""

import csv
import json
import math
import sys

import pytest
import torch
from toy_training import LABELS, clips, dataset, make_brain, train, weights

import speechbrain as sb
from speechbrain.utils.epoch_loop import EpochCounter, EpochCounterWithStopper
from speechbrain_emotion.training.brain import EmotionBrain
from speechbrain_emotion.training.loggers import TrainLogger
from speechbrain_emotion.training.reports import write_predictions
from speechbrain_emotion.utils.metrics import ClassificationMetrics


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_predictions(tmp_path):
    brain = train(tmp_path, n_epochs=1)
    entries = clips(7, "test")
    entries["test3"]["spk_id"] = "Ä, 1"
    shuffled = {"sampler": lambda data: [5, 3, 1, 6, 4, 2, 0], "batch_size": 2}
    brain.evaluate(dataset(entries), test_loader_kwargs=shuffled)
    rows = read(tmp_path / "predictions.csv")
    assert list(rows[0]) == [
        *("id", "corpus", "spk_id", "gender", "session", "video"),
        *("emo", "predicted", *LABELS),
    ]
    assert [row["id"] for row in rows] == list(entries)
    for row in rows:
        entry = entries[row["id"]]
        assert row["emo"] == entry["emo"] and row["spk_id"] == entry["spk_id"]
        assert row["corpus"] == "toys" and row["video"] == ""
        scores = {label: float(row[label]) for label in LABELS}
        assert sum(scores.values()) == pytest.approx(1, abs=1e-5)
        assert max(scores, key=scores.get) == row["predicted"]
        sig = dataset({"x": entry})[0]["sig"]
        with torch.no_grad():
            expected = brain.model(sig[None], torch.ones(1)).softmax(-1)[0]
        assert list(scores.values()) == pytest.approx(expected.tolist(), 1e-4)
    right = sum(row["emo"] == row["predicted"] for row in rows)
    report = json.loads((tmp_path / "report.json").read_text())["all"]
    assert report["accuracy"] == pytest.approx(right / len(rows))
    assert not list(tmp_path.glob(".*"))


def test_predictions_are_there_when_a_run_is_finished(tmp_path):
    brain = train(tmp_path, n_epochs=1)
    brain.evaluate(dataset(clips(3)))
    path = tmp_path / "predictions.csv"
    assert path.exists()
    train(tmp_path, n_epochs=1)  # nothing left to train
    assert path.exists()
    train(tmp_path, n_epochs=2)
    assert not path.exists()


def test_six_digits(tmp_path):
    metrics = ClassificationMetrics(["a", "b"])
    metrics.append(["x"], [[1 / 3, 1e-7]], [0])
    write_predictions(tmp_path / "p.csv", metrics, {"x": {}})
    row = read(tmp_path / "p.csv")[0]
    assert (row["a"], row["b"]) == ("0.333333", "1e-07")


def stopper(direction="max", patience=2):
    return EpochCounterWithStopper(
        limit=9, limit_to_stop=patience, limit_warmup=0, direction=direction
    )


def epochs(folder):
    lines = (folder / "train_log.txt").read_text().splitlines()
    return [line.split(",")[0] for line in lines if line.startswith("Epoch: ")]


def test_stops_on_a_plateau_and_stays_stopped(tmp_path):
    """Nothing is learned here: the UAR of all epochs is the same."""
    brain = train(tmp_path, counter=stopper(), rate=0.0)
    assert epochs(tmp_path) == ["Epoch: 1", "Epoch: 2", "Epoch: 3"]
    before = weights(brain)
    brain = train(tmp_path, counter=stopper(), rate=0.0)
    assert epochs(tmp_path) == ["Epoch: 1", "Epoch: 2", "Epoch: 3"]
    brain.evaluate(dataset(clips(3)))
    after = weights(brain)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_patience_survives_an_interruption(tmp_path):
    counter = stopper()
    counter.limit = 2
    train(tmp_path, counter=counter, rate=0.0)
    train(tmp_path, counter=stopper(), rate=0.0)
    assert len(epochs(tmp_path)) == 3


def test_a_stopper_of_the_other_direction(tmp_path):
    with pytest.raises(ValueError, match="by UAR: write 'max'"):
        train(tmp_path, counter=stopper("min"))
    with pytest.raises(ValueError, match="by loss: write 'min'"):
        train(tmp_path, counter=stopper("max"), selection="loss")


def test_the_last_epoch_is_selected(tmp_path):
    brain = train(tmp_path, n_epochs=3, selection="last", rate=0.0)
    brain.evaluate(dataset(clips(3)))
    assert brain.epoch_loaded == 3
    with pytest.raises(ValueError, match="the last epoch is always the best"):
        train(tmp_path / "stops", counter=stopper(), selection="last")
    with pytest.raises(ValueError, match="expected UAR, loss, last"):
        train(tmp_path / "unknown", selection="F1")


def scalars(folder, name):
    accumulators = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    )
    log = accumulators.EventAccumulator(str(folder))
    log.Reload()
    return [(event.step, event.value) for event in log.Scalars(name)]


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    folder = tmp_path / "events"

    def log(logger, epoch, uar):
        logger.log_stats(
            {"Epoch": epoch, "lr_head": 0.5 / epoch},
            train_stats={"loss": 2.0},
            valid_stats={"loss": 3.0, "UAR": uar},
        )

    logger = TrainLogger(tmp_path / "log.txt", folder)
    for epoch, uar in ((1, 0.25), (2, 0.5), (3, 0.0)):
        log(logger, epoch, uar)
    assert scalars(folder, "UAR/valid") == [(1, 0.25), (2, 0.5), (3, 0.0)]
    assert scalars(folder, "loss/train") == [(i, 2.0) for i in (1, 2, 3)]
    assert scalars(folder, "lr_head")[1] == (2, 0.25)
    # Killed before the checkpoint of the third epoch, which comes again.
    logger = TrainLogger(tmp_path / "log.txt", folder)
    for epoch, uar in ((3, 0.75), (4, 1.0)):
        log(logger, epoch, uar)
    logger.log_stats({"Epoch loaded": 4}, test_stats={"UAR": 0.5})
    assert [step for step, _ in scalars(folder, "UAR/valid")] == [1, 2, 3, 4]
    assert scalars(folder, "UAR/valid")[2:] == [(3, 0.75), (4, 1.0)]
    assert scalars(folder, "UAR/test") == [(4, 0.5)]
    assert (tmp_path / "log.txt").read_text().count("Epoch: ") == 5


def test_without_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    TrainLogger(tmp_path / "log.txt")
    with pytest.raises(ModuleNotFoundError, match=r"emotion\[tensorboard\]"):
        TrainLogger(tmp_path / "log.txt", tmp_path)


def break_after(first):
    """A Brain whose weights are NaN after an epoch."""

    class Diverging(EmotionBrain):
        def on_stage_end(self, stage, stage_loss, epoch=None):
            if stage == sb.Stage.TRAIN and epoch >= first:
                with torch.no_grad():
                    self.model.classifier.out_proj.weight.fill_(torch.nan)
            super().on_stage_end(stage, stage_loss, epoch)

    return Diverging


@pytest.mark.parametrize("selection", ["UAR", "loss"])
def test_a_diverged_epoch_is_not_selected(tmp_path, selection):
    diverging = break_after(2)
    brain = train(tmp_path, n_epochs=2, cls=diverging, selection=selection)
    assert brain.loss == float("inf")
    assert "valid loss: inf" in (tmp_path / "train_log.txt").read_text()
    assert math.isfinite(brain.evaluate(dataset(clips(3))))
    if selection == "loss":
        assert brain.epoch_loaded == 1


def test_divergence_does_not_look_like_progress(tmp_path):
    counter = stopper("min", patience=2)
    train(tmp_path, counter=counter, cls=break_after(2), selection="loss")
    assert epochs(tmp_path) == ["Epoch: 1", "Epoch: 2", "Epoch: 3"]


def test_predictions_of_a_diverged_model_are_refused(tmp_path):
    brain = train(tmp_path, n_epochs=1, cls=break_after(1))
    with pytest.raises(ValueError, match="3 of 3 test clips .* epoch 1 gives"):
        brain.evaluate(dataset(clips(3)))
    assert not (tmp_path / "predictions.csv").exists()
    assert not (tmp_path / "report.json").exists()


def test_nothing_to_evaluate(tmp_path):
    brain = make_brain(tmp_path, EpochCounter(1))
    with pytest.raises(ValueError, match="save' has no checkpoint of a whole"):
        brain.evaluate(dataset(clips(3)))
