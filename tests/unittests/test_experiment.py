"""Experiments: what is run, what is kept, which calls are refused."""

import json
import pathlib
import re
import statistics
import subprocess
import sys

import pytest
from experiment_fixtures import SCRIPT, starts, table
from hypothesis import (
    given,
    strategies as st,
)

from speechbrain_emotion import cli
from speechbrain_emotion.training.grid import parse_vary, plan_runs

pytest_plugins = ["experiment_fixtures"]


def test_all_combinations_and_the_summary(experiment):
    code, out, err = experiment("--vary", "test_fold=1-2", "--vary=seed=3,5")
    assert code == 0
    rows = table(out)
    assert rows[0] == ["test_fold", "seed", "UAR", "accuracy", "macro-F1"]
    assert rows[1:5] == [
        ["1", "3", "31.0", "50.0", "1.0"],
        ["1", "5", "51.0", "50.0", "1.0"],
        ["2", "3", "32.0", "50.0", "2.0"],
        ["2", "5", "52.0", "50.0", "2.0"],
    ]
    # 31.5 and 51.5: the mean over the folds, for each seed.
    deviation = f"{statistics.stdev([31.5, 51.5]):.1f}"
    assert "mean over 2 folds for each seed, then mean ± " in out
    assert rows[8][:3] == ["41.5", "±", deviation]
    assert out.endswith("speechbrain-emotion results results\n")
    progress = err.splitlines()
    assert len(progress) == 4
    assert re.fullmatch(
        r"\[2/4\] test_fold=1 seed=5: UAR 51.0 % in \d+ s "
        r"\(about \d+ s left\)",
        progress[1],
    )
    assert re.fullmatch(r"\[4/4\] .*: UAR 52.0 % in \d+ s", progress[3])
    log = pathlib.Path("results/fold_1/3/experiment.log").read_text()
    command, *printed = log.splitlines()
    assert command.startswith("$ ") and "--test_fold=1 --seed=3" in command
    assert printed == ["training 3"]


def test_finished_runs_are_kept(experiment):
    assert experiment("--vary=seed=1,2")[0] == 0
    predictions = pathlib.Path("results/fold_1/1/predictions.csv")
    predictions.write_text("mine")
    code, out, err = experiment("--vary=seed=1,2,3")
    assert code == 0
    assert "[1/3] seed=1: UAR 11.0 %, was finished" in err
    assert predictions.read_text() == "mine"
    assert [starts(f"results/fold_1/{seed}") for seed in (1, 2, 3)] == [1] * 3
    assert [row[0] for row in table(out)[1:4]] == ["1", "2", "3"]


def test_other_hyperparameters_are_refused(experiment, recipe):
    assert experiment("--vary=seed=1,2")[0] == 0
    before = pathlib.Path("results/fold_1/1/hyperparams.yaml").read_text()
    # One of the runs is enough, and nothing is run then.
    for argv, reason in [
        (["--lr=0.2"], "a run with other values of lr. "),
        (["--precision=bf16"], "a run with other values of precision"),
        (["--model={lr: 1}"], "a run with other values of model. "),
        (["--nproc-per-node=2"], "other values of nproc_per_node"),
    ]:
        code, out, err = experiment("--vary=seed=0,1", *argv)
        assert code == 2 and reason in err
        assert "'results/fold_1/1' of seed=1 holds" in err
        assert "Name another one with --output_folder=" in err
        assert not pathlib.Path("results/fold_1/0").exists()
    after = pathlib.Path("results/fold_1/1/hyperparams.yaml").read_text()
    assert after == before and starts("results/fold_1/1") == 1
    # Comments, and options that change no result, make no other experiment.
    path = recipe / "hparams" / "train.yaml"
    path.write_text(path.read_text().replace("how fast", "how quick"))
    argv = ["--device=cpu", "--num_workers=2", "--nproc-per-node=1"]
    code, out, err = experiment("--vary=seed=1,2", *argv)
    assert code == 0 and err.count("was finished") == 2


def test_a_finished_run_made_without_the_command(experiment):
    assert experiment()[0] == 0
    folder = pathlib.Path("results/fold_1/1")
    (folder / "experiment.json").unlink()
    code, out, err = experiment()
    assert code == 0 and "results/fold_1/1: UAR 11.0 %, was finished" in err
    (folder / "hyperparams.yaml").unlink()
    code, out, err = experiment()
    assert code == 2 and "no hyperparams.yaml" in err


def test_failed_runs(experiment, recipe):
    varied = ["--vary=seed=1,2,3", "--broken=2"]
    code, out, err = experiment(*varied)
    assert code == 1
    assert "[2/3] seed=2: failed after" in err and "exit code 1" in err
    assert "RuntimeError: no such corpus" in err
    assert "\n    progress 50 %\n" in err and "progress  1 %" not in err
    rows = table(out)
    assert rows[2] == ["2", "failed", "-", "-"]
    assert rows[3][:2] == ["3", "31.0"]
    assert rows[-3] == ["-", "-", "-"]  # no mean over the rest
    # Once its reason is gone, it is run again, and it alone.
    script = recipe / "train.py"
    script.write_text(SCRIPT.replace("raise RuntimeError", "RuntimeError"))
    code, out, err = experiment(*varied)
    assert code == 0 and err.count("was finished") == 2
    assert [starts(f"results/fold_1/{seed}") for seed in (1, 2, 3)] == [1, 2, 1]


def test_a_script_that_fails_after_its_predictions(experiment, recipe):
    script = recipe / "train.py"
    script.write_text(SCRIPT + "raise RuntimeError('disk full')")
    assert experiment()[0] == 1
    script.write_text(SCRIPT)
    code, out, err = experiment()
    assert code == 0 and "was finished" not in err
    assert starts("results/fold_1/1") == 2


def test_a_script_without_results(experiment, recipe):
    code, out, err = experiment("--vary=seed=1,2", "--forgetful=1")
    assert code == 1
    assert "left no predictions.csv in 'results/fold_1/1'" in err
    script = recipe / "train.py"
    script.write_text(SCRIPT.replace('"uar"', '"war"'))
    code, out, err = experiment("--root=other")
    assert code == 1 and "'other/fold_1/1/report.json'" in err
    assert "uar" in err


def test_dry_run(experiment):
    assert experiment("--vary=seed=2")[0] == 0
    assert experiment("--vary=seed=3", "--broken=3")[0] == 1
    code, out, err = experiment(
        "--vary", "seed=1,2", "--root", "results", "--dry-run"
    )
    assert code == 0 and err == ""
    assert table(out) == [
        ["seed", "state", "output", "folder"],
        ["1", "new", "results/fold_1/1"],
        ["2", "finished", "results/fold_1/2"],
    ]
    assert not pathlib.Path("results/fold_1/1").exists()
    out = experiment("--vary=seed=3", "--broken=3", "--dry-run")[1]
    assert table(out)[1] == ["3", "started", "results/fold_1/3"]


def test_an_output_folder_for_another_key(experiment):
    code, out, err = experiment(
        "--vary=lr=1,2", "--output_folder=!ref other/<lr>", "--dry-run"
    )
    assert code == 0
    assert [row[-1] for row in table(out)[1:]] == ["other/1", "other/2"]


def test_verbose(experiment):
    code, out, err = experiment("--vary=seed=1,2", "--verbose")
    lines = err.splitlines()
    assert lines[0].rstrip() == "[1/2] seed=1:"
    assert lines[1] == "training 1"
    assert lines[2].startswith("[1/2] seed=1: UAR 11.0 % in")
    assert "training" not in out


@pytest.mark.parametrize(
    "argv, message",
    [
        (["--vary=sed=1,2"], "has no key 'sed'; did you mean seed?"),
        (["--vary=seed=1,2", "--test_fld=2"], "did you mean test_fold?"),
        (["--vary=max_grad_norm=1,2"], "has no key 'max_grad_norm'."),
        (["--vary=precision=fp32,bf16"], "'precision' cannot be varied"),
        (["--vary=seed=1", "--seed=2"], "'seed' is given twice"),
        (["--vary=seed=1", "--vary=seed=2"], "'seed' is given twice"),
        (["--vary=seed"], "gives no key with values"),
        (["--vary=seed="], "gives no key with values"),
        (["--vary==1"], "gives no key with values"),
        (["--vary=seed=[1"], "--vary seed=[1: "),
        (["--vary=seed=1,2,1"], "gives the value 1 twice"),
        (["--vary=seed=3-1"], "3-1 is no range"),
        (["--vary=lr=1,2"], "would both write to 'results/fold_1/1'"),
        (["--vary=lr=1,2", "--vary=seed=1-2"], "contain <lr>."),
        (
            ["--vary=lr=1,2", "--vary=seed=1-2", "--output_folder=a"],
            "lr=1 seed=1 and lr=1 seed=2 would both write to 'a'",
        ),
        (
            ["--vary=lr=1,2", "--vary=seed=1-2", "--output_folder=a"],
            "contain <lr> and <seed>.",
        ),
        (["--vary=seed=a=b"], "takes no value with an equals sign"),
        (["seed=3"], "cannot read the overrides 'seed 3"),
        (["--lr=1", "--lr=2"], "duplicate key"),
        (["--lr=: :"], "cannot read the overrides 'lr: : :"),
    ],
)
def test_calls_that_cannot_be_obeyed(experiment, argv, message):
    code, out, err = experiment(*argv)
    assert code == 2 and message in err, err
    assert err.startswith("error: ") and not pathlib.Path("results").exists()


@pytest.mark.parametrize(
    "number, message",
    [("0", "0 is below 1"), ("two", "invalid whole number value: 'two'")],
)
def test_numbers_of_processes(experiment, number, message):
    code, out, err = experiment(f"--nproc-per-node={number}")
    assert code == 2 and f"argument --nproc-per-node: {message}" in err


def test_files_that_cannot_be_used(recipe, experiment, capsys):
    def error(*argv):
        assert cli.main(["experiment", *argv]) == 2
        return capsys.readouterr().err

    script, hparams = "recipe/train.py", "hparams/train.yaml"
    assert "there is no file 'gone.py'" in error("gone.py", hparams)
    assert "there is no file 'recipe/gone.yaml'" in error(script, "gone.yaml")
    # The corpus is not named.
    assert "'data_folder' is a !PLACEHOLDER" in error(script, hparams)
    path = recipe / hparams
    for text, message in [
        ("a: [", "train.yaml'"),
        ("- a", "holds no hyperparameters"),
        ("seed: 1", "has no key 'output_folder'"),
    ]:
        path.write_text(text)
        assert message in error(script, hparams)


def test_other_commands_take_no_overrides(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["models", "--seed=1"])
    assert stop.value.code == 2
    assert "unrecognized arguments: --seed=1" in capsys.readouterr().err


@given(
    st.lists(
        st.one_of(
            st.integers().map(str),
            st.floats(allow_nan=False, allow_infinity=False).map(repr),
            st.from_regex(r"[A-Za-z][A-Za-z0-9_/.]*", fullmatch=True),
            st.text("ab, '-1", min_size=1).map(json.dumps),
            st.lists(st.integers()).map(json.dumps),
        ),
        min_size=1,
        unique=True,
    )
)
def test_values_stay_as_they_are_written(values):
    assert parse_vary(f"key={', '.join(values)}") == ("key", values)


def test_quoted_values_are_no_ranges():
    assert parse_vary('key="1-3",1-2') == ("key", ['"1-3"', "1", "2"])


def test_values_reach_the_hyperparameters(recipe):
    path = recipe / "hparams" / "train.yaml"
    varied = ['test_fold="1-3","a, b"', "seed=[1, 2],x"]
    runs = plan_runs(path, varied, ["--data_folder=x"])
    folders = [str(run.folder) for run in runs]
    assert folders[0] == "results/fold_1-3/[1, 2]"
    assert folders[3] == "results/fold_a, b/x"
    assert runs[3].arguments == (
        "--data_folder=x",
        '--test_fold="a, b"',
        "--seed=x",
    )


def test_no_torch_is_loaded(recipe):
    script = (
        "import sys, speechbrain_emotion.cli as cli\n"
        "argv = ['experiment', 'recipe/train.py', 'hparams/train.yaml']\n"
        "assert cli.main([*argv, '--data_folder=clips']) == 0\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    script = (
        "import sys, speechbrain_emotion.cli as cli\n"
        "try:\n"
        "    cli.main(['experiment', '--help'])\n"
        "except SystemExit:\n"
        "    pass\n"
        "assert not {'torch', 'hyperpyyaml'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
