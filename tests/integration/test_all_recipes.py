"""Every recipe on tiny corpora in the layouts of their publishers."""

import csv
import json
import pathlib
import re
import textwrap

import pytest
from hyperpyyaml import load_hyperpyyaml
from recipe_runs import ROOT, ROWS, debug_flags, row_name, run_row
from tiny_corpora import make_corpus

from speechbrain.dataio.dataio import load_data_json
from speechbrain_emotion import EmotionClassifier
from speechbrain_emotion.utils.metrics import ClassificationReport

# Recipe -> the keys of its YAML files that name folders -> the corpora there.
FOLDERS = {
    "GoEmotions-DAIR-ISEAR": {"data_folder": ["GoEmotions", "DAIR", "ISEAR"]},
    "RAVDESS-TESS-SAVEE": {
        "ravdess_folder": ["RAVDESS"],
        "tess_folder": ["TESS"],
        "savee_folder": ["SAVEE"],
        "data_folder": [],
    },
    "RAVDESS-TESS-nEMO": {
        "ravdess_folder": ["RAVDESS"],
        "tess_folder": ["TESS"],
        "nemo_folder": ["nEMO"],
        "data_folder": [],
    },
}
# Whether no test speaker is heard in training or validation.
SPEAKER_INDEPENDENT = {
    "emobox": True,
    "speaker_folds": True,
    "leave_one_speaker_out": True,
    "leave_one_session_out": True,
    "leave_one_corpus_out": True,
    "new_speakers": True,
    "new_corpus": True,
    "random": False,
    "official": False,
    "episode_folds": False,
}
# Nobody knows the speakers of these.
SPEAKERS_UNKNOWN = ("MEACorpus", "GoEmotions-DAIR-ISEAR")
# It takes what other recipes have made instead of a corpus.
PREPARED = [row for row in ROWS if "compact_concat" not in row["Hparam_file"]]
# What a debug run has in the place of a corpus, and of a short training.
OF_DEBUG_RUNS = ("annotation", "skip_prep", "labels", "n_classes", "folder")
LENGTHS = ("number_of_epochs", "encoder_epochs", "head_epochs", "patience")


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """The debug runs draw one for each recipe."""
    monkeypatch.setattr(
        ClassificationReport, "plot_confusion_matrix", lambda *args: None
    )


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    """Gives the folders of tiny corpora, each made when first asked for."""
    made = {}

    def folder(names):
        key = tuple(names)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("corpus")
            for name in names:
                make_corpus(name, made[key])
        return str(made[key])

    return folder


@pytest.fixture
def flags_of(corpora):
    """Gives the overrides for tiny models on tiny corpora."""

    def flags(row):
        own = {
            key: value
            for key, value in debug_flags(row).items()
            if not key.endswith(OF_DEBUG_RUNS)
        }
        own |= {k: 1 for k in LENGTHS if f"\n{k}: " in yaml_text(row)}
        folders = FOLDERS.get(row["Dataset"], {"data_folder": [row["Dataset"]]})
        return own | {key: corpora(names) for key, names in folders.items()}

    return flags


def yaml_text(row):
    """The YAML file of a row."""
    return (ROOT / row["Hparam_file"]).read_text(encoding="utf-8")


def load(row, flags, output_folder):
    """Loads a YAML file as its script does."""
    lines = [f"{key}: {value}" for key, value in flags.items()]
    with open(ROOT / row["Hparam_file"], encoding="utf-8") as fin:
        return load_hyperpyyaml(
            fin, "\n".join([*lines, f"output_folder: {output_folder}"])
        )


@pytest.mark.parametrize("row", PREPARED, ids=row_name)
def test_every_protocol_can_be_prepared(row, flags_of, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    hparams = load(row, flags_of(row), tmp_path / "run")
    assert hparams["n_classes"] == len(hparams["labels"])
    assert hparams["protocol"] in hparams["splits"]
    for protocol in hparams["splits"]:
        files = {
            f"{part}_annotation": str(tmp_path / protocol / f"{part}.json")
            for part in ("train", "valid", "test")
        }
        record = tmp_path / protocol / "split.json"
        hparams["prepare"](**files, split_file=str(record), protocol=protocol)
        for path in files.values():
            clips = json.loads(pathlib.Path(path).read_text()).values()
            assert clips
            assert {clip["emo"] for clip in clips} <= set(hparams["labels"])
        found = json.loads(record.read_text())
        assert found["protocol"] == protocol
        if row["Dataset"] in SPEAKERS_UNKNOWN:
            assert found["speaker_independent"] is None
        else:
            expected = SPEAKER_INDEPENDENT[protocol]
            assert found["speaker_independent"] is expected
        if protocol in ("video_folds", "episode_folds"):
            videos = found["audit"]["columns"]["video"]
            assert videos["shared_groups"] == 0 < videos["test_groups"]


def test_meacorpus_as_its_publishers_lay_it_out(corpora, flags_of, tmp_path):
    row = row_called("MEACorpus-train_text")
    flags = flags_of(row) | {"data_folder": corpora(["MEACorpus-published"])}
    for protocol, leaky in (("official", True), ("video_folds", False)):
        run = tmp_path / protocol
        load(row, flags | {"protocol": protocol}, run)["prepare"]()
        record = json.loads((run / "split.json").read_text())
        assert record["audit"]["columns"]["video"]["test_groups"] > 0
        assert bool(record["audit"]["leaks"]) is leaky


@pytest.mark.parametrize("row", PREPARED, ids=row_name)
def test_recipe_from_corpus_to_export(row, flags_of, tmp_path):
    flags, folder = flags_of(row), tmp_path / "run"
    run_row(row, flags, folder)
    record = json.loads((folder / "split.json").read_text())
    with open(folder / "predictions.csv", newline="") as fin:
        predictions = {clip["id"]: clip for clip in csv.DictReader(fin)}
    assert len(predictions) == record["parts"]["test"]["clips"] > 0
    assert record["protocol"] in (folder / "export" / "README.md").read_text()

    # Who loads the export gets the answers that the recipe was scored by.
    classifier = EmotionClassifier.from_hparams(folder / "export")
    manifest = folder / "test.json"
    root = {"data_root": flags["data_folder"]}
    reads = "text" in classifier.modalities
    id, clip = next(
        (id, clip)
        for id, clip in load_data_json(manifest, root).items()
        if clip["words"] or not reads
    )
    text = clip["words"] if reads else None
    if classifier.modalities == ("text",):
        log_probs, *_ = classifier.classify_batch(texts=[text])
    else:
        log_probs, *_ = classifier.classify_file(clip["wav"], text)
    expected = [float(predictions[id][label]) for label in classifier.labels]
    # Some exports are stored in half precision.
    assert log_probs.exp().squeeze(0).tolist() == pytest.approx(
        expected, abs=1e-2 if "export_dtype" in yaml_text(row) else 1e-5
    )


def changed(row, pattern, replacement, folder):
    """The row with a copy of its YAML file in which one line is another."""
    yaml, n = re.subn(pattern, replacement, yaml_text(row), flags=re.MULTILINE)
    assert n == 1
    path = folder / "train.yaml"
    path.write_text(yaml.replace("!include:../../../..", f"!include:{ROOT}"))
    return {**row, "Hparam_file": str(path)}


def row_called(name):
    """The row of a recipe and YAML file."""
    (row,) = (row for row in ROWS if row_name(row) == name)
    return row


def test_balanced_sampling_as_the_readme_has_it(flags_of, tmp_path):
    readme = ROOT / "recipes/RAVDESS/emotion_recognition/README.md"
    (example,) = re.findall(
        r"  ```yaml\n(  sampler: .*?)  ```", readme.read_text(), re.DOTALL
    )
    row = changed(
        row_called("MELD-train_text"),
        "^sampler: null.*\n",
        textwrap.dedent(example),
        tmp_path,
    )
    run_row(row, flags_of(row), tmp_path / "run")
    # 1,000 draws in batches of 4, from far fewer texts.
    checkpoint = next((tmp_path / "run" / "save").glob("CKPT*/brain.ckpt"))
    assert "optimizer_step: 250" in checkpoint.read_text()


@pytest.mark.parametrize("mode", ["mean", "multihead", "cross_attention"])
def test_another_fusion_is_another_line(mode, flags_of, tmp_path):
    row = changed(
        row_called("MELD-train_concat"),
        r"^(definition: .*/)concat\.yaml$",
        rf"\1{mode}.yaml",
        tmp_path,
    )
    run_row(row, flags_of(row), tmp_path / "run")
    exported = (tmp_path / "run" / "export" / "hyperparams.yaml").read_text()
    fusion = {"multihead": "MultiHead", "cross_attention": "CrossAttention"}
    assert f"{fusion.get(mode, 'Mean')}Fusion" in exported


@pytest.mark.parametrize(
    "name, trained",
    [
        ("RAVDESS-train_w2v_bert", "all"),
        ("RAVDESS-train_w2v_bert_frozen", "none"),
        ("RAVDESS-train_w2v_bert_lora", "adapter"),
        ("TESS-train_whisper", "none"),
        ("MELD-train_text", "all"),
    ],
)
def test_what_is_trained_of_the_encoder(name, trained, flags_of, monkeypatch):
    monkeypatch.chdir(ROOT)
    row = row_called(name)
    flags = flags_of(row)
    flags.pop("freeze_encoder", None)
    hparams = load(row, flags, "none")
    (encoder,) = hparams["modules"]["model"].embedding_model.encoders
    parameters = dict(encoder.model.named_parameters())
    found = {name for name, p in parameters.items() if p.requires_grad}
    assert (
        found
        == {
            "all": set(parameters),
            "none": set(),
            "adapter": {name for name in parameters if "adapter" in name},
        }[trained]
    )


def test_fusions_keep_the_text_encoder_frozen(flags_of, monkeypatch):
    monkeypatch.chdir(ROOT)
    for row in PREPARED:
        if "\nfreeze_text_encoder: True" in yaml_text(row):
            flags = {**flags_of(row), "freeze_text_encoder": "True"}
            model = load(row, flags, "none")["modules"]["model"]
            speech, text = model.embedding_model.encoders
            assert not any(p.requires_grad for p in text.parameters())
            assert any(p.requires_grad for p in speech.parameters())
