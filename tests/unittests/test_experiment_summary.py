"""The summary of an experiment: means, deviations, durations."""

import pathlib

import pytest
from experiment_fixtures import table

from speechbrain_emotion.commands.experiment_runs import format_duration
from speechbrain_emotion.commands.experiment_summary import format_summary
from speechbrain_emotion.training.grid import Run


def summary(fold="test_fold", **figures):
    """The summary of runs named lr_fold_seed; None failed."""
    runs, found = [], {}
    for name, uar in figures.items():
        values = dict(zip(("lr", fold, "seed"), name.split("_")))
        run = Run(values, (), "", {}, pathlib.Path("results") / name)
        runs.append(run)
        if uar is not None:
            both = {"accuracy": 0, "macro_f1": 1}
            found[run.name] = {"uar": uar, **both}
    return format_summary(runs, found)


@pytest.mark.parametrize("fold", ["test_fold", "fold", "test_session"])
def test_other_keys_are_compared_and_folds_averaged(fold):
    text = summary(fold, a_1_7=0.1, a_2_7=0.3, b_1_7=0.5, b_2_7=0.9)
    assert "mean ± standard deviation over 2 folds, in %" in text
    rows = table(text)[-4:-2]
    assert rows[0][:4] == ["a", "20.0", "±", "14.1"]
    assert rows[1][:4] == ["b", "70.0", "±", "28.3"]


@pytest.mark.parametrize("key", ["data_folder", "test_annotation", "folds"])
def test_keys_that_choose_no_test_part_are_compared(key):
    text = summary(key, a_clean_7=0.9, a_noisy_7=0.3)
    assert "±" not in text


def test_only_combinations_with_a_failed_run_have_no_mean():
    text = summary(a_1_7=0.1, a_2_7=None, b_1_7=0.5, b_2_7=0.9)
    rows = table(text)[-4:-2]
    assert rows[0] == ["a", "-", "-", "-"]
    assert rows[1][:4] == ["b", "70.0", "±", "28.3"]


def test_one_run_has_no_deviation():
    text = summary(a_1_7=0.1)
    assert "±" not in text
    assert text.endswith("results results/a_1_7")


@pytest.mark.parametrize(
    "folders, common",
    [
        (["a/1", "b/1"], "."),
        (["a b/1", "a b/2"], "'a b'"),
        (["/a/1", "/a/2"], "/a"),
        ([pathlib.Path("a").absolute(), "b"], str(pathlib.Path.cwd())),
    ],
)
def test_the_folder_that_all_runs_lie_in(folders, common):
    runs = [
        Run({"seed": str(i)}, (), "", {}, pathlib.Path(folder))
        for i, folder in enumerate(folders)
    ]
    figures = dict.fromkeys(("uar", "accuracy", "macro_f1"), 0.5)
    text = format_summary(runs, {run.name: figures for run in runs})
    assert text.endswith(f" results {common}")


@pytest.mark.parametrize(
    "seconds, text",
    [
        (59.6, "1 min 0 s"),
        (599.7, "10 min"),
        (3595, "1 h 0 min"),
        (86400, "24 h 0 min"),
    ],
)
def test_durations(seconds, text):
    assert format_duration(seconds) == text
