"""A training with speaker profiles, from the recipe to the answers."""

import json
import pathlib

import pytest
import torch
from recipe_runs import ROWS, debug_flags, row_name, run_row
from safetensors.torch import load_file

from speechbrain_emotion import EMBEDDED_MODELS, EmotionClassifier
from speechbrain_emotion.results.experiments import group_runs
from speechbrain_emotion.results.runs import read_run
from speechbrain_emotion.training.adaptation import SpeakerAdaptation

SPEECH, BOTH = (
    next(row for row in ROWS if row_name(row) == name)
    for name in (
        "SAVEE-train_whisper",
        "RAVDESS-TESS-nEMO-train_compact_concat",
    )
)


def check_answers(folder, clips, texts=None, adapted=False):
    """An exported model takes profiles, and answers as its recipe did."""
    classifier = EmotionClassifier.from_hparams(folder / "export")
    profile = classifier.enroll(clips) if adapted else None
    run = read_run(folder).predictions
    answers = classifier.predict(clips, texts, profiles=profile)
    for clip, answer in zip(clips, answers, strict=True):
        [i] = [i for i, name in enumerate(run.clips) if clip.stem in name]
        assert list(answer.scores.values()) == pytest.approx(
            run.probabilities[i].tolist(), abs=1e-4
        )


@pytest.mark.parametrize("adaptation", ["none", "enrolled", "transductive"])
def test_adapted_recipe(adaptation, samples, tmp_path):
    flags = debug_flags(SPEECH)
    flags |= {
        "adaptation": adaptation,
        "enrolment_clips": 3,
        "number_of_epochs": 2,
        "embeddings_folder": tmp_path / "embeddings",
    }
    run_row(SPEECH, flags, tmp_path / "1")
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
    if adaptation != "enrolled":  # by other clips for each of them
        test = samples.parent / "annotation" / "CREMA-D_dev.json"
        clips = [samples / f"{id}.flac" for id in json.loads(test.read_text())]
        check_answers(tmp_path / "1", clips, adapted=adaptation != "none")


def test_adapted_recipe_of_speech_and_text(samples, tmp_path, monkeypatch):
    drawn = []
    draw = SpeakerAdaptation.draw
    monkeypatch.setattr(
        SpeakerAdaptation,
        "draw",
        lambda *args: drawn.append(draw(*args)) or drawn[-1],
    )
    flags = debug_flags(BOTH)
    flags |= {"adaptation": "transductive", "number_of_epochs": 2}
    run_row(BOTH, flags, tmp_path / "1")
    # In training some have profiles, of other clips than their own.
    counts = torch.cat([count for _, count in drawn])
    assert 0 < (counts > 0).float().mean() < 1 and counts.max() == 5
    card = (tmp_path / "1" / "export" / "README.md").read_text()
    assert "by all of the speaker's test clips" in card
    assert "On the 6 clips of the test part, without speaker profiles:" in card
    assert "personal data" in card
    # The statistics of speech are those of the speech model.
    exported, speech = (
        load_file(folder / "model.safetensors")
        for folder in (tmp_path / "1" / "export", EMBEDDED_MODELS / "audio")
    )
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        assert torch.equal(
            exported[f"embedding_model.projector.{name}"],
            speech[f"classifier.standardize.{name}"],
        )
    test = samples.parent / "annotation" / "paired_dev.json"
    pairs = json.loads(test.read_text()).values()
    clips = [samples / pathlib.Path(pair["wav"]).name for pair in pairs]
    texts = [pair["words"] for pair in pairs]
    check_answers(tmp_path / "1", clips, texts, adapted=True)
