"""A training with speaker profiles, from the recipe to the answers."""

import json

import pytest
from recipe_runs import ROWS, debug_flags, row_name, run_row

from speechbrain_emotion import EmotionClassifier
from speechbrain_emotion.results.experiments import group_runs
from speechbrain_emotion.results.runs import read_run

ROW = next(row for row in ROWS if row_name(row) == "SAVEE-train_whisper")


@pytest.mark.parametrize("adaptation", ["none", "enrolled", "transductive"])
def test_adapted_recipe(adaptation, samples, tmp_path):
    flags = debug_flags(ROW)
    flags |= {
        "adaptation": adaptation,
        "enrolment_clips": 3,
        "number_of_epochs": 2,
        "embeddings_folder": tmp_path / "embeddings",
    }
    run_row(ROW, flags, tmp_path / "1")
    card = (tmp_path / "1" / "export" / "README.md").read_text()
    words = {
        "none": "",
        "enrolled": "by up to 3 other test clips",
        "transductive": "by all of the speaker's test clips",
    }[adaptation]
    assert ("adapted to each speaker" in card) == bool(words)
    assert words in card and "personal data" in card
    [experiment] = group_runs([read_run(tmp_path / "1")])
    assert experiment.protocol.endswith("without labels") == bool(words)
    assert words in experiment.protocol
    # The exported model takes profiles, and answers as the recipe did.
    classifier = EmotionClassifier.from_hparams(tmp_path / "1" / "export")
    test = json.loads(
        (samples.parent / "annotation/CREMA-D_dev.json").read_text()
    )
    clips = [samples / f"{id}.flac" for id in test]
    profile = None
    if adaptation != "none":
        profile = classifier.enroll(clips)
    if adaptation == "enrolled":
        return  # by other clips for each of them
    run = read_run(tmp_path / "1").predictions
    for clip, prediction in zip(
        clips, classifier.predict(clips, profiles=profile)
    ):
        [i] = [i for i, name in enumerate(run.clips) if clip.stem in name]
        assert list(prediction.scores.values()) == pytest.approx(
            run.probabilities[i].tolist(), abs=1e-4
        )
