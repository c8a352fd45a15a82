"""A recipe that is killed at random moments and started again."""

import os
import random
import subprocess
import sys
import time

from safetensors.torch import load_file

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
FLAGS = [
    "--data_folder=tests/samples/CREMA-D",
    "--train_annotation=tests/samples/annotation/CREMA-D_train.json",
    "--valid_annotation=tests/samples/annotation/CREMA-D_dev.json",
    "--test_annotation=tests/samples/annotation/CREMA-D_dev.json",
    "--skip_prep=True",
    "--number_of_epochs=6",
    "--patience=6",
    "--num_workers=0",
    "--batch_size=1",
    "--encoder_dim=32",
    "--num_layers=1",
    "--ffn_dim=64",
    "--device=cpu",
    # It saves most of the time.
    "--ckpt_interval_minutes=0",
    "--ckpt_interval_steps=1",
]


def start(root, output_folder):
    recipe = root / "recipes/RAVDESS/emotion_recognition"
    return subprocess.Popen(
        [
            sys.executable,
            str(recipe / "train.py"),
            str(recipe / "hparams/train_small.yaml"),
            f"--output_folder={output_folder}",
            *FLAGS,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=root,
        env=ENVIRONMENT,
    )


def finish(process):
    messages, _ = process.communicate(timeout=180)
    assert process.returncode == 0, messages


def test_goes_on_where_it_was_killed(pytestconfig, tmp_path):
    root, draw = pytestconfig.rootpath, random.Random(1)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    uninterrupted = start(root, whole)
    for _ in range(2):
        known = set(killed.glob("save/CKPT*"))
        process = start(root, killed)
        deadline = time.monotonic() + 120
        while set(killed.glob("save/CKPT*")) <= known:  # none of its own
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.3))
        process.kill()
        process.communicate()
        assert not (killed / "predictions.csv").exists()
    finish(start(root, killed))
    finish(uninterrupted)
    once = load_file(whole / "export/model.safetensors")
    again = load_file(killed / "export/model.safetensors")
    assert once.keys() == again.keys()
    assert all((once[name] == again[name]).all() for name in once)
    for name in ("report.json", "predictions.csv"):
        assert (whole / name).read_text() == (killed / name).read_text()
