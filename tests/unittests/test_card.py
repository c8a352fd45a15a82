"""The model card: what the hub reads of it, and what people do."""

import json
import re

import pytest
from huggingface_hub import ModelCard

from speechbrain_emotion.dataio.protocol import protocol_in_words
from speechbrain_emotion.training.card import model_card
from speechbrain_emotion.training.split_record import find_split_record
from speechbrain_emotion.utils.metrics import ClassificationReport

CARD = {
    "title": "A model: of speech",
    "language": ["en", "es"],
    "license": "cc-by-nc-sa-4.0",
    "data": "RAVDESS.",
    "terms": "Not for sale.",
    "base_model": "facebook/w2v-bert-2.0",
}
REPORTS = {
    "all": ClassificationReport.from_indices(
        [0, 0, 1, 1, 0, 1, 0], [0, 0, 0, 1, 1, 1, 1], ["sad", "happy"]
    )
}
SPLIT = {
    "settings": {"split": {"name": "speaker_folds", "test_fold": 2}},
    "protocol": "emobox",
    "speaker_independent": True,
    "parts": {
        "train": {"clips": 90, "speakers": ["RAVDESS/1", "RAVDESS/2"]},
        "valid": {"clips": 10, "speakers": []},
        "test": {"clips": 7, "speakers": ["RAVDESS/3"]},
    },
    "audit": {
        "majority": {"accuracy": 0.25, "uar": 0.5, "macro_f1": 0.2},
        "columns": {"spk_id": {"test_clips": 7, "shared_clips": 0}},
        "duplicates": {"train-test": []},
        "warnings": [],
    },
}


@pytest.fixture
def write(tmp_path):
    """Writes a card for a record of a split."""

    def write_card(split, reports=REPORTS, card=CARD, **options):
        path = None
        if split is not None:
            path = tmp_path / "split.json"
            path.write_text(json.dumps(split))
        return model_card(reports, card, path, **options)

    return write_card


def figures(card):
    """What the hub lists: (corpus, name of the metric) -> value."""
    results = ModelCard(card).data.eval_results
    return {(r.dataset_name, r.metric_name): r for r in results}


def test_front_matter(write):
    text = write(SPLIT)
    data = ModelCard(text).data.to_dict()
    assert text.startswith("---\n")
    assert data["language"] == ["en", "es"]
    assert data["license"] == "cc-by-nc-sa-4.0"
    assert data["library_name"] == "speechbrain"
    assert data["pipeline_tag"] == "audio-classification"
    assert data["base_model"] == "facebook/w2v-bert-2.0"
    assert data["metrics"] == ["accuracy", "f1", "precision", "recall"]
    assert data["model-index"][0]["name"] == "A model: of speech"
    assert "datasets" not in data


def test_what_the_yaml_may_leave_out_or_add(write):
    card = {**CARD, "base_model": None, "datasets": ["xbgoose/ravdess"]}
    data = ModelCard(write(None, card=card)).data.to_dict()
    assert "base_model" not in data
    assert data["datasets"] == ["xbgoose/ravdess"]


def test_the_index_has_the_figures_of_the_report(write):
    found = figures(write(SPLIT))
    report = json.loads(json.dumps(REPORTS["all"].to_dict()))
    assert {name: r.metric_value for (_, name), r in found.items()} == {
        "Accuracy": report["accuracy"],
        "UAR": report["uar"],
        "Macro F1": report["macro_f1"],
        "Weighted precision": report["weighted_precision"],
        "Weighted F1": report["weighted_f1"],
    }
    assert {corpus for corpus, _ in found} == {"RAVDESS"}
    uar = found["RAVDESS", "UAR"]
    assert (uar.metric_type, uar.dataset_type) == ("recall", "ravdess")
    assert (uar.task_type, uar.dataset_split) == (
        "audio-classification",
        "test",
    )
    assert uar.dataset_args == {
        "protocol": "emobox",
        "speaker_independent": True,
        "leaky": False,
    }


def test_several_corpora(write):
    other = ClassificationReport.from_indices([1], [0], ["sad", "happy"])
    reports = {**REPORTS, "TESS (Toronto)": other}
    found = figures(write(None, reports))
    assert found["test part", "Accuracy"].metric_value == 4 / 7
    accuracy = found["TESS (Toronto)", "Accuracy"]
    assert accuracy.metric_value == 0
    assert accuracy.dataset_type == "tess-toronto"


@pytest.mark.parametrize(
    "modalities,task,example",
    [
        (["speech"], "audio-classification", 'predict("clip.wav")'),
        (["text"], "text-classification", "predict(texts="),
        (["speech", "text"], "audio-classification", 'predict("clip.wav", "'),
    ],
)
def test_modalities(write, modalities, task, example):
    text = write(SPLIT, modalities=modalities)
    data = ModelCard(text).data
    assert data.pipeline_tag == task
    assert {r.task_type for r in data.eval_results} == {task}
    assert example in text


def test_sections_in_order(write):
    text = write(SPLIT, sections={"Missing speech": "It helps little."})
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    names = [heading[3:] for heading in headings]
    assert names == [
        "Labels",
        "Training data",
        "Protocol",
        "Results",
        "Missing speech",
        "Limits",
        "Ethics",
        "Citation",
    ]
    assert str(REPORTS["all"]) in text
    assert "- Not for sale.\n" in text


def test_protocol_in_words(write):
    text = write(SPLIT)
    assert f"\n\n{protocol_in_words(SPLIT)}.\n" in text
    assert "reaches 25.0 % accuracy and 50.0 % UAR" in text
    assert "leaky: the" not in text
    unknown = write(None)
    assert "Unknown: the manifests were not made by this recipe." in unknown


def test_a_leaky_split_is_told_above_the_figures(write):
    warnings = ["551 of 1027 test clips share a video.", "2 clips are twins."]
    audit = {**SPLIT["audit"], "warnings": warnings}
    split = {**SPLIT, "speaker_independent": False, "audit": audit}
    text = write(split)
    assert "NOT speaker-independent" in text
    places = [text.index(f"- {warning}\n") for warning in warnings]
    assert text.index("**The split is leaky") < min(places)
    assert max(places) < text.index("accuracy   ")
    assert all(r.dataset_args["leaky"] for r in figures(text).values())


def test_records_of_earlier_versions(write):
    split = {k: SPLIT[k] for k in ("speaker_independent", "parts")}
    text = write({**split, "speaker_independent": None})
    assert "\n\nspeakers unknown.\n" in text
    args = figures(text)["RAVDESS", "UAR"].dataset_args
    assert not args  # nothing is known


def test_citations(write):
    software = "Pan et al., SoftwareX 34, 2026, 102677"
    assert software in write(SPLIT)
    text = write(SPLIT, card={**CARD, "citation": "Me, My Model, 2026."})
    assert text.index("Me, My Model") < text.index(software)


@pytest.mark.parametrize(
    "given,found",
    [
        ("openai/whisper-base", "openai/whisper-base"),
        ("roberta-base", "roberta-base"),
        (["a/b", "/models/whisper"], "a/b"),
        (["a/b", "c/d"], ["a/b", "c/d"]),
        ("/models/whisper", None),
        ("../models/whisper", None),
        ("tests/samples", None),
    ],
)
def test_base_models_are_hub_ids(
    write, given, found, pytestconfig, monkeypatch
):
    monkeypatch.chdir(pytestconfig.rootpath)
    data = ModelCard(write(None, card={**CARD, "base_model": given})).data
    assert data.base_model == found


def test_warnings_are_no_leaks(write):
    leaks, warnings = ["2 clips are twins."], ["A clip cannot be read."]
    audit = {**SPLIT["audit"], "leaks": [], "warnings": warnings}
    text = write({**SPLIT, "audit": audit})
    assert "**The split is leaky" not in text
    assert "Notes on the data:\n\n- A clip cannot be read.\n" in text
    assert not any(r.dataset_args["leaky"] for r in figures(text).values())
    text = write({**SPLIT, "audit": {**audit, "leaks": leaks}})
    assert text.index("leaky: the") < text.index("- 2 clips are twins.\n")
    assert text.index("- 2 clips") < text.index("Notes on the data")
    assert all(r.dataset_args["leaky"] for r in figures(text).values())


def test_what_was_not_checked_is_not_called_clean(write):
    columns = {"words": {"test_clips": 7, "shared_clips": 0}}
    audit = {**SPLIT["audit"], "leaks": [], "columns": columns}
    audit["columns"]["words"]["lookup"] = audit["majority"]
    text = write({**SPLIT, "audit": audit})
    args = [r.dataset_args["leaky"] for r in figures(text).values()]
    assert set(args) == {"not checked"}


def test_corpora_that_were_really_used(write):
    corpora = {
        "train": {"RAVDESS": 1040, "TESS": 2798},
        "valid": {"TESS": 3},
        "test": {"RAVDESS": 400},
    }
    text = write({**SPLIT, "corpora": corpora})
    assert (
        "RAVDESS.\n\nTrained on: RAVDESS (1,040), TESS (2,798) utterances.\n\n"
        "Tested on: RAVDESS (400) utterances.\n" in text
    )


def test_a_record_is_used_where_it_fits_the_manifests(tmp_path):
    hparams = {"split_file": str(tmp_path / "split.json"), "skip_prep": True}
    for part in ("train", "valid", "test"):
        path = tmp_path / f"{part}.json"
        path.write_text(json.dumps({part: {}}))
        hparams[f"{part}_annotation"] = str(path)
    assert find_split_record(hparams) is None
    parts = {part: {"clips": 1} for part in ("train", "valid", "test")}
    (tmp_path / "split.json").write_text(json.dumps({"parts": parts}))
    assert find_split_record(hparams) == hparams["split_file"]
    (tmp_path / "valid.json").write_text('{"a": {}, "b": {}}')
    assert find_split_record(hparams) is None


def test_what_is_known_of_speakers(write):
    plain = write(SPLIT)
    assert "profile" not in plain
    adapted = write(SPLIT, adaptation="adapted to X", takes_profiles=True)
    [protocol] = re.findall(r"## Protocol\n\n(.*?)\.\n\n", adapted, re.DOTALL)
    assert protocol.endswith(", adapted to X")
    for text, known in ((plain, None), (adapted, "adapted to X")):
        results = ModelCard(text).data.eval_results
        assert {r.dataset_args.get("adaptation") for r in results} == {known}
    [limits] = re.findall(r"## Limits(.*?)## Ethics", adapted, re.DOTALL)
    assert "no audio and no words" in limits and "personal data" in limits
