"""Weights of text encoders: those that fit, and those that do not."""

import json

import pytest
import torch
from published_layouts import copy_folder
from safetensors.torch import load_file
from text_layouts import LONG, SMALL, TEXTS, WRITERS, change_weights
from transformers import (
    BertForPreTraining,
    DistilBertConfig,
    DistilBertForMaskedLM,
    ElectraConfig,
    ElectraForPreTraining,
    MPNetConfig,
    MPNetModel,
    RobertaForMaskedLM,
    RobertaForSequenceClassification,
)

from speechbrain_emotion.lobes.text_encoder import TextEncoder
from speechbrain_emotion.lobes.tokenizer import TextTokenizer

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
