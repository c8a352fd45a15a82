"""Recipes on real clips: train, stop, resume, export, use.

What is stopped and goes on are processes of their own. What they are compared
with is run in this process, in which torch is loaded already.
"""

import itertools
import shutil
import signal
import time

import pytest
from recipe_processes import finish, start
from recipe_runs import ROWS, debug_flags, row_name, run_row
from safetensors.torch import load_file

from speechbrain_emotion import EmotionClassifier

EMOTIONS = {"ANG": "05", "SAD": "04"}
TINY = (
    "{speech_encoder: {source: null, config: {hidden_size: 16, "
    "num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 32}}}"
)
SAVE_OFTEN = {"ckpt_interval_minutes": 0, "ckpt_interval_steps": 2}
ROW = {row_name(row): row for row in ROWS}
RAVDESS = ROW["RAVDESS-train_w2v_bert"]


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
def flags(corpus):
    """Overrides of a quick training."""
    return {
        "data_folder": corpus,
        "definition": TINY,
        "encoder_dim": 16,
        "number_of_epochs": 2,
        "num_workers": 0,
        "max_batch_length": 10,
        **SAVE_OFTEN,
    }


def interrupt_within_epoch(row, flags, output_folder, save="save"):
    """Sends Ctrl-C once a checkpoint was saved within the first epoch."""
    process = start(row, flags, output_folder)
    deadline = time.monotonic() + 120
    while not list((output_folder / save).glob("CKPT*/CKPT.yaml")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    return finish(process)


def assert_same_model(folder, other):
    """The models that two runs have exported are equal, bit by bit."""
    once, twice = (
        load_file(run / "export" / "model.safetensors")
        for run in (folder, other)
    )
    assert once.keys() == twice.keys()
    assert all((once[name] == twice[name]).all() for name in once)


def test_train_stop_resume_export(flags, tmp_path, samples, capfd):
    whole = tmp_path / "whole"
    run_row(RAVDESS, flags, whole)
    assert "Labels:" in (whole / "log.txt").read_text()
    assert "UAR" in capfd.readouterr().out
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
    code, messages = interrupt_within_epoch(RAVDESS, flags, stopped)
    assert code == 130, messages
    assert "resumes it from the last checkpoint" in messages
    assert not (stopped / "train_log.txt").exists()  # no epoch was finished
    code, messages = finish(start(RAVDESS, flags, stopped))
    assert code == 0, messages
    assert "UAR" in messages
    log = (stopped / "log.txt").read_text()
    assert log.index("Loading a checkpoint") < log.index(
        "Saved an end-of-epoch"
    )
    assert_same_model(whole, stopped)

    # Other labels in the same folder would give the checkpoints wrong names.
    labels = "[sad, angry, calm, disgust, fear, happy, neutral, surprise]"
    with pytest.raises(ValueError, match="name another output folder"):
        run_row(RAVDESS, {**flags, "labels": labels}, stopped)

    # The folder can be moved, and needs nothing but itself.
    moved = shutil.move(whole / "export", tmp_path / "moved")
    classifier = EmotionClassifier.from_hparams(source=moved)
    assert classifier.predict(samples / "1001_DFA_ANG_XX.flac").label


RESUMED = {
    # Stopped while it distils its encoder.
    "RAVDESS-TESS-nEMO-train_compact": (
        "save/encoder",
        {"clips_per_epoch": 40, "head_epochs": 2},
    ),
    "GoEmotions-DAIR-ISEAR-train_compact_text": (
        "save",
        {"texts_per_epoch": 400, "number_of_epochs": 2},
    ),
    "RAVDESS-TESS-nEMO-train_compact_concat": (
        "save",
        {"clips_per_epoch": 40, "number_of_epochs": 2},
    ),
}


@pytest.mark.parametrize("name", RESUMED)
def test_resume_of_other_recipes(name, tmp_path):
    checkpoints, changed_flags = RESUMED[name]
    flags = debug_flags(ROW[name])
    assert changed_flags.keys() <= flags.keys()
    flags |= {**changed_flags, **SAVE_OFTEN}
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    code, messages = interrupt_within_epoch(
        ROW[name], flags, stopped, checkpoints
    )
    assert code == 130, messages
    assert not (stopped / "export").exists()
    code, messages = finish(start(ROW[name], flags, stopped))
    assert code == 0, messages
    run_row(ROW[name], flags, whole)
    assert_same_model(whole, stopped)


def test_missing_corpus(flags, tmp_path):
    flags["data_folder"] = tmp_path / "none"
    code, messages = finish(start(RAVDESS, flags, tmp_path / "out"))
    assert code != 0
    assert "CorpusError" in messages and f"{tmp_path}/none" in messages
