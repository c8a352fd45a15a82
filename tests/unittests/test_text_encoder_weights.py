"""Weights of text encoders: those that fit, and those that do not."""

import json

import pytest
import torch
from hypothesis import strategies as st
from published_layouts import WORDS, copy_folder, write_bert, write_roberta
from safetensors.torch import load_file, save_file
from transformers import (
    BertForPreTraining,
    BertModel,
    DistilBertConfig,
    DistilBertForMaskedLM,
    ElectraConfig,
    ElectraForPreTraining,
    MPNetConfig,
    MPNetModel,
    RobertaForMaskedLM,
    RobertaForSequenceClassification,
    RobertaModel,
)

from speechbrain_emotion.lobes.text_encoder import TextEncoder
from speechbrain_emotion.lobes.tokenizer import TextTokenizer

SMALL = {"hidden_size": 24, "num_attention_heads": 2, "intermediate_size": 32}
CONFIG = {
    "model_type": "bert",
    "vocab_size": 100,
    "num_hidden_layers": 2,
    **SMALL,
}
LORA = {"rank": 2, "alpha": 4.0, "target_layers": ["*.self.query"]}
LONG = " ".join(WORDS[i % len(WORDS)] for i in range(2000))
TEXTS = ["so sad", "", "I am happy again, again!", "ñandú 你好", LONG]
KINDS = ["bert", "roberta"]
MODELS = {"bert": BertModel, "roberta": RobertaModel}
WRITERS = {"bert": write_bert, "roberta": write_roberta}

texts_of_words = st.lists(
    st.lists(st.sampled_from([*WORDS, "zz", "!"]), max_size=30).map(" ".join),
    min_size=1,
    max_size=4,
)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of a BERT and a RoBERTa of two layers."""
    root = tmp_path_factory.mktemp("text")
    return {
        kind: write(root / kind, num_hidden_layers=2, **SMALL)
        for kind, write in WRITERS.items()
    }


@pytest.fixture(scope="module")
def encoders(folders):
    return {
        (kind, output): TextEncoder(source, output=output).eval()
        for kind, source in folders.items()
        for output in ("cls", "tokens")
    }


def change_weights(folder, target, change):
    """Copies a folder with other weights."""
    copy_folder(folder, target, ["model.safetensors"])
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, target / "model.safetensors", {"format": "pt"})
    return target


def from_config(tokenizer, seed=0, **arguments):
    torch.manual_seed(seed)
    config = arguments.pop("config", CONFIG)
    return TextEncoder(config=config, tokenizer=tokenizer, **arguments)


# ---- weights that fit, and that do not -------------------------------------


def test_weights_that_do_not_fit(folders, tmp_path):
    def spoil(weights):
        weights["strange.weight"] = torch.zeros(3)
        del weights["encoder.layer.1.output.dense.weight"]
        weights["encoder.layer.0.output.dense.bias"] = torch.zeros(7)

    source = change_weights(folders["bert"], tmp_path / "bert", spoil)
    with pytest.raises(ValueError) as error:
        TextEncoder(source)
    message = str(error.value)
    assert "missing: encoder.layer.1.output.dense.weight;" in message
    assert "unexpected: strange.weight;" in message
    assert "another shape: encoder.layer.0.output.dense.bias." in message


def cut_embeddings(weights):
    name = "embeddings.word_embeddings.weight"
    weights[name] = weights[name][:-1].clone()


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda w: w.pop("embeddings.LayerNorm.bias"), "embeddings.LayerN"),
        (lambda w: w.update(odd=torch.zeros(1)), "unexpected: odd"),
        (cut_embeddings, "another shape: embeddings.word_embeddings.weight"),
    ],
)
def test_one_tensor_that_does_not_fit_is_enough(
    change, message, folders, tmp_path
):
    source = change_weights(folders["roberta"], tmp_path / "m", change)
    with pytest.raises(ValueError, match=message):
        TextEncoder(source)


@pytest.mark.parametrize(
    "kind, head",
    [
        ("bert", BertForPreTraining),
        ("roberta", RobertaForMaskedLM),
        ("roberta", RobertaForSequenceClassification),
    ],
)
def test_the_head_of_another_task_is_left_out(kind, head, folders, tmp_path):
    source = WRITERS[kind](tmp_path / kind, head, **SMALL)
    encoder = TextEncoder(source)
    tensors = load_file(source / "model.safetensors")
    assert any(not name.startswith(kind) for name in tensors)
    for name, x in encoder.model.state_dict().items():
        assert torch.equal(x, tensors[f"{kind}.{name}"]), name
    assert not any("pool" in name for name in encoder.state_dict())


def test_the_pooler_may_be_missing(folders, tmp_path):
    def drop(weights):
        for name in [n for n in weights if n.startswith("pooler.")]:
            del weights[name]

    source = change_weights(folders["bert"], tmp_path / "bert", drop)
    assert torch.equal(
        TextEncoder(source).eval()(TEXTS)[0],
        TextEncoder(folders["bert"]).eval()(TEXTS)[0],
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_loads_in_float32(dtype, folders, tmp_path):
    def halve(weights):
        weights.update({name: x.to(dtype) for name, x in weights.items()})

    source = change_weights(folders["bert"], tmp_path / "bert", halve)
    encoder = TextEncoder(source)
    assert {x.dtype for x in encoder.parameters()} == {torch.float32}


def test_a_config_of_half_precision(folders, tmp_path):
    source = copy_folder(folders["bert"], tmp_path / "bert")
    config = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(
        json.dumps({**config, "dtype": "float16"})
    )
    encoder = TextEncoder(source, load_weights=False)
    assert {x.dtype for x in encoder.parameters()} == {torch.float32}


def test_weights_in_a_pickle(folders, tmp_path):
    source = copy_folder(
        folders["bert"], tmp_path / "bert", ["model.safetensors"]
    )
    tensors = load_file(folders["bert"] / "model.safetensors")
    torch.save(tensors, source / "pytorch_model.bin")
    assert torch.equal(
        TextEncoder(source).eval()(TEXTS)[0],
        TextEncoder(folders["bert"]).eval()(TEXTS)[0],
    )


def test_a_pickle_of_other_things_is_a_value_error(folders, tmp_path):
    source = copy_folder(
        folders["bert"], tmp_path / "bert", ["model.safetensors"]
    )
    torch.save({"x": TextTokenizer()}, source / "pytorch_model.bin")
    with pytest.raises(ValueError, match="do not fit|could run code"):
        TextEncoder(source)


RELATIVES = {
    "distilbert": (
        DistilBertForMaskedLM,
        DistilBertConfig(
            vocab_size=100, dim=24, n_heads=2, n_layers=2, hidden_dim=32
        ),
    ),
    "electra": (
        ElectraForPreTraining,
        ElectraConfig(vocab_size=100, num_hidden_layers=2, **SMALL),
    ),
    "mpnet": (
        MPNetModel,
        MPNetConfig(
            vocab_size=100,
            num_hidden_layers=2,
            max_position_embeddings=514,
            **SMALL,
        ),
    ),
}


@pytest.mark.parametrize("name", RELATIVES)
def test_other_relatives_of_bert(name, folders, tmp_path):
    kind, config = RELATIVES[name]
    kind(config).save_pretrained(tmp_path)
    encoder = TextEncoder(tmp_path, tokenizer=TextTokenizer(folders["bert"]))
    assert encoder([LONG])[0].shape == (1, 1, 24)


@pytest.mark.parametrize("texts", ["so sad", [None], []])
def test_inputs_that_are_no_list_of_strings(texts, encoders):
    with pytest.raises(ValueError):
        encoders["bert", "cls"](texts)
