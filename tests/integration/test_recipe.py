"""The RAVDESS recipe on real clips: train, stop, resume, export, use."""

import csv
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest
from safetensors.torch import load_file

from speechbrain_emotion import EmotionClassifier

EMOTIONS = {"ANG": "05", "SAD": "04"}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
TINY = (
    "--definition={speech_encoder: {source: null, config: {hidden_size: 16, "
    "num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32}}}"
)


@pytest.fixture(scope="module")
def corpus(samples, tmp_path_factory):
    """A folder in the layout of RAVDESS, filled with CREMA-D clips."""
    folder = tmp_path_factory.mktemp("RAVDESS")
    actors = [(f"{actor:02d}", 1001 + actor % 2) for actor in range(1, 25)]
    for (actor, voice), (word, code) in itertools.product(
        actors, EMOTIONS.items()
    ):
        target = (
            folder / f"Actor_{actor}" / f"03-01-{code}-01-01-01-{actor}.flac"
        )
        target.parent.mkdir(exist_ok=True)
        shutil.copy(samples / f"{voice}_DFA_{word}_XX.flac", target)
    return folder


@pytest.fixture
def command(pytestconfig, corpus):
    """The command line of a quick training, without its output folder."""
    recipe = pytestconfig.rootpath / "recipes/RAVDESS/emotion_recognition"
    return [
        sys.executable,
        str(recipe / "train.py"),
        str(recipe / "hparams/train_w2v_bert.yaml"),
        f"--data_folder={corpus}",
        TINY,
        "--encoder_dim=16",
        "--number_of_epochs=2",
        "--num_workers=0",
        "--max_batch_length=10",
        "--ckpt_interval_minutes=0",
        "--ckpt_interval_steps=2",
        "--device=cpu",
    ]


def run(command, output_folder):
    return subprocess.run(
        [*command, f"--output_folder={output_folder}"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
    )


def interrupt_within_epoch(command, output_folder, save="save"):
    """Sends Ctrl-C once a checkpoint was saved within the first epoch."""
    process = subprocess.Popen(
        [*command, f"--output_folder={output_folder}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
    )
    deadline = time.monotonic() + 120
    while not list((output_folder / save).glob("CKPT*/CKPT.yaml")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    messages, _ = process.communicate(timeout=60)
    return process.returncode, messages


def test_train_stop_resume_export(command, tmp_path, samples):
    whole = tmp_path / "whole"
    result = run(command, whole)
    assert result.returncode == 0, result.stderr
    assert "Labels:" in (whole / "log.txt").read_text()
    assert "UAR" in result.stdout
    for name in (
        "train_log.txt",
        "split.json",
        "report.json",
        "confusion_matrix.png",
        "export/README.md",
    ):
        assert (whole / name).is_file()
    assert "speaker-independent" in (whole / "export/README.md").read_text()

    # Stopped within an epoch and started again: the same parameters.
    stopped = tmp_path / "stopped"
    code, messages = interrupt_within_epoch(command, stopped)
    assert code == 130, messages
    assert "resumes it from the last checkpoint" in messages
    assert not (stopped / "train_log.txt").exists()  # no epoch was finished
    result = run(command, stopped)
    assert result.returncode == 0, result.stderr
    log = (stopped / "log.txt").read_text()
    assert log.index("Loading a checkpoint") < log.index(
        "Saved an end-of-epoch"
    )
    once = load_file(whole / "export/model.safetensors")
    twice = load_file(stopped / "export/model.safetensors")
    assert once.keys() == twice.keys()
    assert all((once[name] == twice[name]).all() for name in once)

    # Other labels in the same folder would give the checkpoints wrong names.
    result = run(
        [
            *command,
            "--labels=[sad, angry, calm, disgust, fear, happy, neutral, "
            "surprise]",
        ],
        stopped,
    )
    assert result.returncode != 0
    assert "name another output folder" in result.stdout + result.stderr

    # The folder can be moved, and needs nothing but itself.
    moved = shutil.move(whole / "export", tmp_path / "moved")
    classifier = EmotionClassifier.from_hparams(source=moved)
    assert classifier.predict(samples / "1001_DFA_ANG_XX.flac").label


def listed_command(name, root, changed_flags):
    """The debug run of a recipe that tests/recipes lists, changed."""
    (row,) = (
        row
        for path in (root / "tests" / "recipes").glob("*.csv")
        for row in csv.DictReader(path.open())
        if row["Hparam_file"].endswith(f"/{name}.yaml")
    )
    flags = row["test_debug_flags"]
    for old, new in changed_flags.items():
        assert old in flags
        flags = flags.replace(old, new)
    return [
        sys.executable,
        row["Script_file"],
        row["Hparam_file"],
        *shlex.split(flags),
        "--ckpt_interval_minutes=0",
        "--ckpt_interval_steps=2",
        "--device=cpu",
    ]


RESUMED = {
    # Stopped while it distils its encoder.
    "train_compact": (
        "save/encoder",
        {
            "--clips_per_epoch=32": "--clips_per_epoch=40",
            "--head_epochs=8": "--head_epochs=2",
        },
    ),
    "train_compact_text": (
        "save",
        {
            "--texts_per_epoch=24": "--texts_per_epoch=400",
            "--number_of_epochs=15": "--number_of_epochs=2",
        },
    ),
    "train_compact_concat": (
        "save",
        {
            "--clips_per_epoch=24": "--clips_per_epoch=40",
            "--number_of_epochs=6": "--number_of_epochs=2",
        },
    ),
}


@pytest.mark.parametrize("name", RESUMED)
def test_resume_of_other_recipes(name, pytestconfig, tmp_path):
    checkpoints, changed_flags = RESUMED[name]
    command = listed_command(name, pytestconfig.rootpath, changed_flags)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    result = run(command, whole)
    assert result.returncode == 0, result.stdout + result.stderr
    code, messages = interrupt_within_epoch(command, stopped, checkpoints)
    assert code == 130, messages
    assert not (stopped / "export").exists()
    result = run(command, stopped)
    assert result.returncode == 0, result.stdout + result.stderr
    once = load_file(whole / "export/model.safetensors")
    twice = load_file(stopped / "export/model.safetensors")
    assert all((once[name] == twice[name]).all() for name in once)


def test_missing_corpus(command, tmp_path):
    command = [c for c in command if not c.startswith("--data_folder")]
    result = run([*command, f"--data_folder={tmp_path}/none"], tmp_path / "out")
    assert result.returncode != 0
    messages = result.stdout + result.stderr
    assert "CorpusError" in messages and f"{tmp_path}/none" in messages
