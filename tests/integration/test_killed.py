"""A recipe that is killed at random moments and started again."""

import random
import time

from recipe_processes import finish, start
from recipe_runs import ROWS, row_name, run_row
from safetensors.torch import load_file

FLAGS = {
    "data_folder": "tests/samples/CREMA-D",
    "train_annotation": "tests/samples/annotation/CREMA-D_train.json",
    "valid_annotation": "tests/samples/annotation/CREMA-D_dev.json",
    "test_annotation": "tests/samples/annotation/CREMA-D_dev.json",
    "skip_prep": True,
    "number_of_epochs": 6,
    "patience": 6,
    "num_workers": 0,
    "batch_size": 1,
    "encoder_dim": 32,
    "num_layers": 1,
    "ffn_dim": 64,
    # It saves most of the time.
    "ckpt_interval_minutes": 0,
    "ckpt_interval_steps": 1,
}
ROW = next(row for row in ROWS if row_name(row) == "RAVDESS-train_small")


def test_goes_on_where_it_was_killed(tmp_path):
    draw, killed = random.Random(1), tmp_path / "killed"
    for _ in range(2):
        known = set(killed.glob("save/CKPT*"))
        process = start(ROW, FLAGS, killed)
        deadline = time.monotonic() + 120
        while set(killed.glob("save/CKPT*")) <= known:  # none of its own
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.3))
        process.kill()
        process.communicate()
        assert not (killed / "predictions.csv").exists()
    code, messages = finish(start(ROW, FLAGS, killed))
    assert code == 0, messages
    whole = tmp_path / "whole"
    run_row(ROW, FLAGS, whole)
    once = load_file(whole / "export/model.safetensors")
    again = load_file(killed / "export/model.safetensors")
    assert once.keys() == again.keys()
    assert all((once[name] == again[name]).all() for name in once)
    for name in ("report.json", "predictions.csv"):
        assert (whole / name).read_text() == (killed / name).read_text()
