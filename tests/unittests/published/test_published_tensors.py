"""Tensors in UMUTeam's layout: loaded exactly, or refused by name."""

import shutil

import pytest
import torch
from published_layouts import (
    assert_close,
    classify,
    copy_folder,
    edit_config,
    load,
    write_bert,
)
from safetensors.torch import load_file, save_file

from speechbrain_emotion import CheckpointError
from speechbrain_emotion.lobes.published import FUSIONS, MODES

# ---- tensors that do not fit -----------------------------------------------

HEARING = [
    "wav2vec2_bert.masked_spec_embed",
    "wav2vec2_bert.encoder.layers.0.ffn1.output_dense.weight",
    "projector.bias",
    "classifier.dense.weight",
    "classifier.out_proj.bias",
    "classifier.layernorm.weight",
]
PARTS = {
    "text": [
        "bert.embeddings.word_embeddings.weight",
        "bert.encoder.layer.0.output.dense.bias",
        "bert.pooler.dense.weight",
        "classifier.bias",
    ],
    "audio": HEARING,
    "concat": HEARING,
    "mean": HEARING,
    "multihead": [
        *HEARING,
        "mult_attn_model.heads.7.Wq.weight",
        "mult_attn_model.heads.0.Wv_reverse.weight",
        "mult_attn_model.heads.3.norm.bias",
        "mult_attn_model.proj.weight",
    ],
}
DAMAGE = {
    "dropped": lambda name, x: {},
    "renamed": lambda name, x: {f"{name}_": x},
    "reshaped": lambda name, x: {name: torch.cat([x, x])},
}
MESSAGES = {
    "dropped": ["missing: {0}\n"],
    "renamed": ["missing: {0}\n", "unexpected: {0}_\n"],
    "reshaped": ["{0} has the shape {1}, expected {2}\n"],
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("mode", MODES)
def test_every_damaged_tensor_is_named(mode, damage, models, tmp_path):
    folder = copy_folder(models / mode, tmp_path / mode, ["*.safetensors"])
    state = load_file(models / mode / "model.safetensors")
    expected = []
    for name in PARTS[mode]:
        x = state.pop(name)
        state.update(DAMAGE[damage](name, x))
        shapes = (2 * len(x), *x.shape[1:]), tuple(x.shape)
        expected += [m.format(name, *shapes) for m in MESSAGES[damage]]
    save_file(state, folder / "model.safetensors")
    with pytest.raises(CheckpointError) as error:
        load(folder, mode, text_encoder=models / "bert")
    message = f"{error.value}\n"
    assert str(folder / "model.safetensors") in message
    for line in expected:
        assert f"\n  {line}" in message
    assert message.count("\n") == len(expected) + 1  # and no others
    shutil.rmtree(folder)


@pytest.mark.parametrize("mode", ["text", "audio"])
def test_one_damaged_tensor_is_enough(mode, models, tmp_path):
    folder = copy_folder(models / mode, tmp_path / mode, ["*.safetensors"])
    whole = load_file(models / mode / "model.safetensors")
    for damage, name in [*zip(DAMAGE, PARTS[mode]), *zip(DAMAGE, [*whole])]:
        state = {n: x for n, x in whole.items() if n != name}
        state.update(DAMAGE[damage](name, whole[name]))
        save_file(state, folder / "model.safetensors")
        with pytest.raises(CheckpointError, match=name):
            load(folder, mode)


def test_an_extra_tensor_is_refused(models, tmp_path):
    folder = copy_folder(models / "audio", tmp_path / "m", ["*.safetensors"])
    state = load_file(models / "audio" / "model.safetensors")
    save_file({**state, "extra": torch.ones(1)}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="unexpected: extra"):
        load(folder, "audio")


def test_constants_of_old_versions_may_be_in_the_file(models, tmp_path):
    for mode, name in (("text", "bert"), ("audio", "wav2vec2_bert")):
        folder = copy_folder(models / mode, tmp_path / mode, ["*.safetensors"])
        state = load_file(models / mode / "model.safetensors")
        state[f"{name}.embeddings.position_ids"] = torch.arange(512)
        save_file(state, folder / "model.safetensors")
        load(folder, mode)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("mode", ["text", "concat"])
def test_half_precision_loads_as_float32(mode, dtype, models, tmp_path):
    folders = {}
    tensors = load_file(models / mode / "model.safetensors")
    for kept in (dtype, torch.float32):
        folder = copy_folder(
            models / mode, tmp_path / str(kept), ["*.safetensors"]
        )
        state = {name: x.to(dtype).to(kept) for name, x in tensors.items()}
        save_file(state, folder / "model.safetensors")
        folders[kept] = load(folder, mode, text_encoder=models / "bert")
    model = folders[dtype].mods.model
    assert {x.dtype for x in model.state_dict().values()} == {torch.float32}
    rows = [((3000, 1), "so sad"), ((2000, 2), "happy")]
    half, full = (classify(folders[x], rows) for x in folders)
    assert torch.equal(half, full)


@pytest.mark.parametrize("field", ["dtype", "torch_dtype"])
@pytest.mark.parametrize("mode", ["text", "audio"])
def test_a_config_of_half_precision_loads_as_float32(
    mode, field, models, classifiers, tmp_path
):
    folder = copy_folder(models / mode, tmp_path / mode)
    edit_config(folder, **{field: "float16"})
    classifier = load(folder, mode)
    state = classifier.mods.model.state_dict()
    assert {x.dtype for x in state.values()} == {torch.float32}
    rows = [((3000, 1), "so sad")]
    expected = classify(classifiers[mode], rows)
    assert_close(classify(classifier, rows), expected)


@pytest.mark.parametrize("mode", MODES)
def test_a_model_of_another_mode_is_refused(mode, models):
    # "audio" and "mean" have the same tensors: no file tells them apart.
    same = {"audio", "mean"}
    for other in MODES:
        if other != mode and {mode, other} != same:
            with pytest.raises(CheckpointError):
                load(models / mode, other, text_encoder=models / "bert")


def test_a_text_model_for_speech_is_named(models):
    with pytest.raises(CheckpointError, match="type 'bert'.*wav2vec2-bert"):
        load(models / "text", "audio")
    with pytest.raises(CheckpointError, match="'wav2vec2-bert'.*roberta"):
        load(models / "audio", "text")


def test_modes_and_text_encoders(models):
    with pytest.raises(ValueError, match="mode 'smell': choose one of text"):
        load(models / "text", "smell")
    for mode in FUSIONS:
        with pytest.raises(ValueError, match=f"'{mode}' needs a text encod"):
            load(models / mode, mode)
    for mode in ("text", "audio"):  # which have no use for one
        load(models / mode, mode, text_encoder="no/such-encoder")


def test_the_text_encoder_must_fit_the_fusion(models, tmp_path):
    small = write_bert(tmp_path / "small", hidden_size=24)
    with pytest.raises(ValueError, match="have 24 dimensions.* takes 768"):
        load(models / "concat", "concat", text_encoder=small)


def test_the_frozen_text_encoder_comes_from_its_own_folder(models, tmp_path):
    other = write_bert(tmp_path / "other", seed=5)
    rows = [((3000, 1), "so sad")]
    ours, theirs = (
        classify(load(models / "mean", "mean", text_encoder=bert), rows)
        for bert in (models / "bert", other)
    )
    assert not torch.allclose(ours, theirs, atol=1e-3)
