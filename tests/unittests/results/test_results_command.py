"""``speechbrain-emotion results``, from folders of runs to tables."""

import csv
import json

import pytest
from run_folders import clip, random_clips, start_run, write_run
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    precision_score,
    recall_score,
)

from speechbrain_emotion.cli import main
from speechbrain_emotion.results.tables import markdown_table

WARNING = "12 of 100 test clips share a video with training."


@pytest.fixture
def runs(tmp_path):
    """Two experiments of 2 folds and 2 seeds, and a run that goes on."""
    folder = tmp_path / "results"
    for name, accuracy in (("good", 0.9), ("bad", 0.4)):
        for fold in (1, 2):
            for seed in (1, 2):
                rows = random_clips(
                    6, 9, accuracy, first=6 * fold, seed=10 * seed + fold
                )
                write_run(
                    folder / name / f"emobox_{fold}" / str(seed),
                    rows,
                    seed=seed,
                    fold=fold,
                    leaks=[WARNING] if name == "bad" else [],
                )
    start_run(folder / "good" / "emobox_3" / "1", fold=3)
    return folder


@pytest.fixture
def results(capsys):
    """Runs the command; gives exit code, output and errors."""

    def run(*argv):
        code = main(["results", *map(str, argv)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def read_rows(folder):
    """The rows of the predictions of a run."""
    with open(folder / "predictions.csv", newline="") as fin:
        return list(csv.DictReader(fin))


def test_everything_is_written(results, runs, tmp_path):
    output = tmp_path / "new" / "tables"
    code, out, err = results(runs, "--output", output)
    assert (code, err) == (0, "")
    assert sorted(path.name for path in output.iterdir()) == [
        "confusion_bad_emobox.png",
        "confusion_good_emobox.png",
        "reliability_bad_emobox.png",
        "reliability_good_emobox.png",
        "results.csv",
        "results.json",
        "results.md",
    ]
    assert (output / "results.md").read_text() == out
    for path in output.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    again = tmp_path / "again"
    assert results(runs, "--output", again)[1] == out
    name = "results.json"
    assert (output / name).read_text() == (again / name).read_text()


def test_figures(results, runs, tmp_path):
    results(runs, "--output", tmp_path)
    data = json.loads((tmp_path / "results.json").read_text())
    bad, good = data["experiments"]
    assert (bad["name"], good["name"]) == ("bad emobox", "good emobox")
    scores = []
    for seed in "12":
        rows = [
            row
            for fold in (1, 2)
            for row in read_rows(runs / "good" / f"emobox_{fold}" / seed)
        ]
        pair = [row["emo"] for row in rows], [row["predicted"] for row in rows]
        scores.append(
            {
                "accuracy": accuracy_score(*pair),
                "weighted_precision": precision_score(
                    *pair, average="weighted"
                ),
                "weighted_f1": f1_score(*pair, average="weighted"),
                "macro_f1": f1_score(*pair, average="macro"),
                "uar": recall_score(*pair, average="macro"),
            }
        )
    assert list(good["figures"]) == list(scores[0])
    for name, figure in good["figures"].items():
        a, b = (score[name] for score in scores)
        assert figure["value"] == pytest.approx((a + b) / 2)
        assert figure["std"] == pytest.approx(abs(a - b) / 2**0.5)
        assert figure["low"] < figure["value"] < figure["high"]
    counts = {k: good[k] for k in ("clips", "speakers", "folds", "seeds")}
    assert counts == {"clips": 108, "speakers": 12, "folds": 2, "seeds": 2}
    assert sum(map(sum, good["confusion"])) == 216
    assert 0 < good["calibration"]["expected_calibration_error"] < 1
    assert len(good["runs"]) == 4


def test_the_table_says_it(results, runs):
    _, out, _ = results(runs)
    header = next(line for line in out.splitlines() if "macro F1" in line)
    titles = [cell.strip() for cell in header.strip("|").split("|")]
    assert titles == [
        "experiment",
        "corpora",
        "protocol",
        "accuracy",
        "weighted precision",
        "weighted F1",
        "macro F1",
        "UAR",
        "clips",
        "speakers",
        "folds",
        "seeds",
    ]
    assert (
        "| bad emobox (!) [1] | mine    | emobox, speaker-independent |" in out
    )
    assert "| good emobox        |" in out
    assert f"[1] Leaky split: {WARNING}" in out
    assert "(!) The split is leaky" in out
    assert "good emobox is better" in out
    unfinished = out[out.index("## Not finished") :]
    assert f"- {runs / 'good' / 'emobox_3' / '1'}" in unfinished


def test_groups(results, runs, tmp_path):
    _, out, _ = results(runs / "good", "--output", tmp_path)
    assert "## Comparisons" not in out
    (good,) = json.loads((tmp_path / "results.json").read_text())["experiments"]
    groups = {(g["by"], g["group"]): g for g in good["groups"]}
    assert list(groups) == [("gender", "female"), ("gender", "male")]
    assert sum(g["clips"] for g in groups.values()) == 108
    assert "| female * |" in out
    note = "\\* The intervals are unreliable, with so few speakers: 6.\n"
    assert note in out
    lines = list(csv.DictReader((tmp_path / "results.csv").open()))
    assert [line["group"] for line in lines] == ["all", "female", "male"]
    for line, data in zip(lines, [good, *groups.values()]):
        uar = data["figures"]["uar"]
        for field in ("value", "std", "low", "high"):
            assert float(line[f"uar_{field}"]) == uar[field]


def test_corpora(results, tmp_path):
    rows = [
        *random_clips(12, 9, corpus="RAVDESS", seed=1),
        *random_clips(1, 9, corpus="TESS", seed=2),
    ]
    for row in rows:
        row["gender"] = "female"
    code, out, _ = results(write_run(tmp_path / "w" / "emobox" / "1", rows))
    section = out[out.index("## By corpus") :]
    assert "| RAVDESS |" in section and "| TESS *  |" in section
    assert "There is one speaker" in section and "female" not in section


def test_everything_right(results, tmp_path):
    rows = [clip(str(i), "sad", "sad", spk_id=str(i // 2)) for i in range(40)]
    _, out, _ = results(write_run(tmp_path / "w" / "emobox" / "1", rows))
    assert out.count("100.0 [100.0, 100.0]") == 5


def test_missing_folds(results, tmp_path):
    rows = random_clips(12, 9)
    split = {"name": "speaker_folds", "folds": {"1": ["a"], "2": ["b"]}}
    _, out, _ = results(write_run(tmp_path / "w", rows, split=split))
    assert "| w emobox [1] |" in out and "[1] Only 1 of 2 folds.\n" in out


def test_debug_runs(results, tmp_path):
    for seed in (1, 2):
        folder = tmp_path / "w" / "emobox_1" / str(seed)
        write_run(folder, random_clips(12, 9), seed=seed, n_test=240)
    _, out, _ = results(tmp_path)
    assert "[1] 264 test clips have no answer, as after --debug.\n" in out


def test_what_is_not_compared(results, runs, tmp_path):
    write_run(tmp_path / "w", random_clips(12, 9), protocol="random")
    _, out, _ = results(runs, tmp_path / "w")
    assert "| bad emobox | good emobox |" in out
    assert (
        "Not compared, because their protocols differ:\n\n"
        "- bad emobox and w random\n- good emobox and w random\n"
    ) in out


def test_notes(results, tmp_path):
    rows = [clip(str(i), "sad", "sad") for i in range(9)]
    write_run(tmp_path / "w" / "emobox_1" / "1", rows, seed=1)
    write_run(tmp_path / "w" / "emobox_1" / "2", rows, seed=2)
    other = [clip("other", "sad", "sad")]
    write_run(tmp_path / "w" / "emobox_2" / "1", other, seed=1, fold=2)
    _, out, _ = results(tmp_path)
    assert "| w emobox [1, 2] |" in out
    assert "[1] Seeds differ in their folds: seed 1 has 2, seed 2 has 1." in out
    assert "[2] The speakers are unknown, so that the intervals are" in out


def test_a_name_for_all(results, runs, tmp_path):
    _, out, _ = results(
        runs / "good", "--name", "mine|own", "--output", tmp_path
    )
    assert "| mine\\|own " in out
    assert (tmp_path / "confusion_mine_own.png").is_file()


@pytest.mark.parametrize(
    "argv,words",
    [
        (["none"], "there is no folder"),
        (["good/emobox_3"], "no run is finished"),
        (["good", "--output", "file"], "is a file: name a folder"),
        (["good", "--name", " "], "--name is empty"),
        ([".", "--name", "all"], "both answer the test clip"),
    ],
)
def test_wrong_calls(results, runs, monkeypatch, argv, words):
    monkeypatch.chdir(runs)
    (runs / "file").touch()
    code, out, err = results(*argv)
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and words in err


def test_a_broken_file_is_named(results, runs):
    path = runs / "good" / "emobox_1" / "1" / "predictions.csv"
    path.write_text(path.read_text().replace(",sad,", ",bad,", 1))
    code, out, err = results(runs)
    assert (code, out) == (2, "")
    assert f"'{path}', line " in err and "'bad' is none of the labels" in err


def test_tables_line_up():
    table = markdown_table(["a", "b"], [["x" * 9, 1], ["|", 23]])
    assert len({len(line) for line in table.splitlines()}) == 1
