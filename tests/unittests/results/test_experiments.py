"""Which runs belong together."""

import pytest
from run_folders import clip, write_run

from speechbrain_emotion.results.experiments import group_runs
from speechbrain_emotion.results.runs import read_run


@pytest.fixture
def group(tmp_path):
    """Groups runs: folder -> options of the run; a clip for each fold."""

    def group_written(runs, name=None):
        found = []
        for folder, options in runs.items():
            rows = [clip(f"c{options.get('fold', 1)}", "sad", "sad")]
            options = {"rows": rows, **options}
            found.append(read_run(write_run(tmp_path / folder, **options)))
        return group_runs(found, name)

    return group_written


def test_folds_and_seeds_are_pooled(group):
    (experiment,) = group(
        {
            f"whisper/emobox_{fold}/{seed}": {"fold": fold, "seed": seed}
            for seed in (10, 2)
            for fold in (1, 2, 3)
        }
    )
    assert experiment.name == "whisper emobox"
    assert experiment.protocol == "emobox, speaker-independent"
    assert list(experiment.by_seed) == ["2", "10"]
    assert experiment.n_folds == 3
    for some in experiment.by_seed.values():
        assert sorted(some.clips) == ["mine/c1", "mine/c2", "mine/c3"]


def test_other_folders_and_protocols_are_other_experiments(group):
    experiments = group(
        {
            "whisper/emobox_1/1": {},
            "small/emobox_1/1": {},
            "whisper/random_1/1": {"protocol": "random", "independent": False},
        }
    )
    names = {e.name: e.protocol for e in experiments}
    assert names == {
        "whisper emobox": "emobox, speaker-independent",
        "small emobox": "emobox, speaker-independent",
        "whisper random": "random, NOT speaker-independent",
    }


def test_other_settings_are_other_experiments(group):
    experiments = group(
        {
            "whisper/emobox_1/1": {"lr": 0.1},
            "whisper/emobox_2/1": {"lr": 0.2, "fold": 2},
        }
    )
    assert [e.name for e in experiments] == [
        "whisper emobox (lr=0.1)",
        "whisper emobox (lr=0.2)",
    ]


def test_what_is_known_of_speakers_is_part_of_the_protocol(group):
    kinds = ("none", "enrolled", "transductive")
    experiments = group(
        {f"whisper_{kind}/emobox_1/1": {"adaptation": kind} for kind in kinds}
    )
    adapted = "emobox, speaker-independent, adapted to each speaker by "
    assert {e.name: e.protocol for e in experiments} == {
        "whisper_none emobox": "emobox, speaker-independent",
        "whisper_enrolled emobox": adapted
        + "up to 16 other test clips, without labels",
        "whisper_transductive emobox": adapted
        + "all of the speaker's test clips, without labels",
    }


def test_other_layouts(group):
    (experiment,) = group({"mine/a": {"fold": 1}, "mine/b": {"fold": 2}})
    assert (experiment.name, experiment.n_folds) == ("mine emobox", 2)
    (experiment,) = group({"alone": {"protocol": None}})
    assert experiment.name == "alone"
    assert experiment.protocol == "speaker-independent"


def test_the_same_name_in_two_places(group, tmp_path):
    experiments = group({"a/w/emobox/1": {}, "b/w/emobox/1": {}})
    assert [e.name for e in experiments] == [
        f"w emobox ({tmp_path / place})"
        for place in ("a/w/emobox/1", "b/w/emobox/1")
    ]


def test_the_same_name_for_other_corpora(group):
    rows = [clip("a", "sad", "sad", corpus="TESS")]
    experiments = group({"a/w/emobox/1": {}, "b/w/emobox/1": {"rows": rows}})
    assert [(e.name, e.corpora) for e in experiments] == [
        ("w emobox (mine)", "mine"),
        ("w emobox (TESS)", "TESS"),
    ]


def test_numbers_of_folds(group):
    splits = [
        {"n_folds": 5},
        {"folds": {"1": ["a"], "2": ["b"]}},
        {"folds": None},
        {},
    ]
    for n, split in enumerate(splits):
        split = {"name": "some", **split}
        (experiment,) = group({f"{n}/emobox_1/1": {"split": split}})
        assert experiment.all_folds == [5, 2, None, None][n]


def test_a_given_name_pools_all(group):
    runs = {"a/emobox/1": {"lr": 0.1}, "b/emobox/1": {"lr": 0.2, "fold": 2}}
    (experiment,) = group(runs, name="both")
    assert (experiment.name, experiment.n_folds) == ("both", 2)


def test_run_options_make_other_experiments(group):
    experiments = group(
        {
            "w/emobox_1/1": {"options": {}},
            "w/emobox_2/1": {"fold": 2},
            "w/emobox_3/1": {"fold": 3, "options": {"precision": "bf16"}},
        }
    )
    assert [(e.name, e.n_folds) for e in experiments] == [
        ("w emobox (--precision=None)", 2),
        ("w emobox (--precision=bf16)", 1),
    ]


def test_unanswered_clips(group, tmp_path):
    rows = [clip(id, "sad", "sad") for id in "abc"]
    run = {"rows": rows, "n_test": 5}
    (experiment,) = group({"debug/emobox_1/1": run})
    assert experiment.n_unanswered == 2
    # The record of another split, as skip_prep can leave it.
    (experiment,) = group({"fewer/emobox_1/1": {"rows": rows, "n_test": 1}})
    assert experiment.n_unanswered == 0
    folder = write_run(tmp_path / "more/emobox_1/1", **run)
    with open(folder / "hyperparams.yaml", "a") as fout:
        fout.write("skip_prep: True\n")
    (experiment,) = group_runs([read_run(folder)])
    assert experiment.n_unanswered == 0


@pytest.mark.parametrize(
    "change,words",
    [
        (
            {"split": {"name": "speaker_folds", "valid_fraction": 0.2}},
            "settings of their splits differ",
        ),
        ({"labels": ("sad", "angry", "happy")}, "their labels differ"),
        ({"protocol": "random"}, "their protocols differ"),
        ({"adaptation": "transductive"}, "their adaptations differ"),
        ({"fold": 1}, "both answer the test clip mine/c1 with the seed 1"),
    ],
)
def test_what_cannot_be_pooled(group, change, words):
    runs = {"a/emobox/1": {}, "b/emobox/1": {"fold": 2, **change}}
    with pytest.raises(ValueError, match=words) as caught:
        group(runs, name="both")
    assert "a/emobox/1'" in str(caught.value) and "b/emobox/1'" in str(
        caught.value
    )


def test_labels_of_one_experiment_must_agree(group):
    labels = ("sad", "happy")
    rows = [clip("c2", "sad", "sad", labels=labels)]
    runs = {
        "a/emobox_1/1": {},
        "a/emobox_2/1": {"fold": 2, "labels": labels, "rows": rows},
    }
    with pytest.raises(ValueError, match="cannot be pooled .* labels differ"):
        group(runs)


def test_the_worst_fold_names_the_protocol(group):
    flags = {"1": True, "2": None, "3": False}
    for n, words in ((1, "speaker-ind"), (2, "speakers unk"), (3, "NOT")):
        (experiment,) = group(
            {
                f"{n}/emobox_{fold}/1": {
                    "fold": fold,
                    "independent": flags[fold],
                }
                for fold in list(flags)[:n]
            }
        )
        assert experiment.protocol.startswith(f"emobox, {words}")


def test_warnings_are_told_once(group):
    (experiment,) = group(
        {
            "a/emobox_1/1": {"warnings": ["one", "two"]},
            "a/emobox_2/1": {"fold": 2, "warnings": ["two", "three"]},
        }
    )
    assert experiment.warnings == ["one", "two", "three"]


def test_a_split_that_was_not_recorded(tmp_path):
    folder = write_run(tmp_path / "w/emobox/1", [clip("a", "sad", "sad")])
    (folder / "split.json").unlink()
    (experiment,) = group_runs([read_run(folder)])
    assert experiment.name == "emobox"
    assert experiment.protocol == "unknown protocol"
    assert experiment.split is None
