"""The examples of the README run."""

import io
import re

import pytest
import ruamel.yaml
from hyperpyyaml import load_hyperpyyaml
from tiny_models import write_bert, write_cached, write_concat_model

from speechbrain_emotion import Transcript, WhisperTranscriber, Word
from speechbrain_emotion.inference import published


@pytest.fixture(scope="module")
def readme(pytestconfig):
    return (pytestconfig.rootpath / "README.md").read_text()


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """Tiny models in the places of the published ones; no network."""
    cache = tmp_path / "cache"
    concat = write_concat_model(tmp_path / "concat")
    write_cached(cache, "UMUTeam/w2v-bert-beto-concat-emotion-en", concat)
    bert = write_bert(tmp_path / "bert", 768)
    write_cached(cache, "google-bert/bert-base-uncased", bert)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    published._kept.clear()
    yield cache
    published._kept.clear()


@pytest.fixture
def no_whisper(monkeypatch):
    """Stands in for Whisper, which would be downloaded."""
    pytest.importorskip("whisper_timestamped")
    words = [Word("Don't", 0.4, 0.6), Word("forget!", 0.6, 0.9, 0.5)]
    transcript = Transcript("Don't forget!", words, "en")
    monkeypatch.setattr(
        WhisperTranscriber, "transcribe", lambda *args: transcript
    )


def test_python_examples(
    readme, hub_cache, no_whisper, pytestconfig, monkeypatch, capsys
):
    monkeypatch.chdir(pytestconfig.rootpath)
    examples = blocks(readme, "python")
    assert examples
    for example in examples:
        exec(compile(example, "README.md", "exec"), {})
    out = capsys.readouterr().out
    assert "there is no audio file 'missing.wav'" in out
    assert "Don't forget!" in out


def test_yaml_example(readme, pytestconfig):
    (example,) = blocks(readme, "yaml")
    folder = pytestconfig.rootpath / "recipes/RAVDESS/emotion_recognition"
    path = folder / "hparams" / "train_small.yaml"
    recipe, yaml = path.read_text(), ruamel.yaml.YAML()
    # As a user would: put the example in the place of the sections.
    tree = yaml.load(recipe)
    tree.update(yaml.load(example))
    stream = io.StringIO()
    stream.name = str(path)
    yaml.dump(tree, stream)
    stream.seek(0)
    hparams = load_hyperpyyaml(stream, {"data_folder": "none"})
    settings = hparams["prepare"].keywords
    split = settings["splits"][settings["protocol"]]
    assert split.func.__name__ == "leave_one_group_out"
    assert split.keywords["test_group"] == ["Actor_05", "Actor_06"]
    assert hparams["output_folder"] == "results/small/two_actors_1/1234"


def test_overrides_that_are_named(pytestconfig):
    folder = pytestconfig.rootpath / "recipes/RAVDESS/emotion_recognition"
    config = (
        "{d_model: 512, encoder_layers: 4, encoder_attention_heads: 2, "
        "encoder_ffn_dim: 8}"
    )
    overrides = (
        "data_folder: none\nlayers: 3\nencoder_dim: 512\n"
        "embedding_dim: 1024\n"
        "definition: {speech_encoder: {source: null, config: "
        f"{config}}}}}"
    )
    with open(folder / "hparams" / "train_whisper.yaml") as fin:
        hparams = load_hyperpyyaml(fin, overrides)
    encoder = hparams["definition"]["speech_encoder"]
    assert (encoder.num_layers, encoder.layer) == (4, 3)


def test_files_that_are_named_exist(readme, pytestconfig):
    for path in re.findall(r"\]\((recipes/[^)]*)\)", readme):
        assert (pytestconfig.rootpath / path / "README.md").is_file()
    for path in re.findall(r"\]\(([^)]*\.md)\)", readme):
        assert (pytestconfig.rootpath / path).is_file()
