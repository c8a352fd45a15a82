"""Wav2Vec2-BERT as a speech encoder."""

import json
import socket

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from safetensors.torch import load_file, save_file
from transformers import (
    SeamlessM4TFeatureExtractor,
    Wav2Vec2BertConfig,
    Wav2Vec2BertForCTC,
    Wav2Vec2BertModel,
)

from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder

CONFIG = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "feature_projection_input_dim": 160,
}
LORA = {"rank": 2, "alpha": 4.0, "target_layers": ["*.linear_[qv]"]}
MIN = W2VBertEncoder.min_samples


def encoder(seed=0, **arguments):
    torch.manual_seed(seed)
    return W2VBertEncoder(config=arguments.pop("config", CONFIG), **arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A Hugging Face folder with weights."""
    path = tmp_path_factory.mktemp("w2v-bert")
    torch.manual_seed(1)
    Wav2Vec2BertModel(Wav2Vec2BertConfig(**CONFIG)).save_pretrained(path)
    return path


def change_weights(folder, target, change):
    """Copies a folder with other weights."""
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, target / "model.safetensors", {"format": "pt"})
    config = (folder / "config.json").read_text()
    (target / "config.json").write_text(config)
    return target


def test_equals_transformers():
    model = encoder().eval()
    clips = [0.1 * torch.randn(9000), 0.1 * torch.randn(5280)]
    wavs = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True)
    frames, lens = model(wavs, torch.tensor([1.0, 5280 / 9000]))
    inputs = SeamlessM4TFeatureExtractor()(
        [clip.numpy() for clip in clips],
        sampling_rate=16000,
        return_tensors="pt",
    )
    expected = model.model(**inputs).last_hidden_state
    counts = inputs["attention_mask"].sum(1)
    assert torch.equal(torch.round(lens * frames.shape[1]).long(), counts)
    for row, count in enumerate(counts.tolist()):
        torch.testing.assert_close(
            frames[row, :count], expected[row, :count], atol=1e-3, rtol=0
        )
        assert not frames[row, count:].any()


PADDED = {
    layer: encoder(layer=layer).eval() for layer in ("last", "weighted", 1)
}


@settings(deadline=None, max_examples=15)
@given(
    lengths=st.lists(st.integers(MIN, 9000), min_size=1, max_size=3),
    padding=st.integers(0, 3000),
    garbage=st.sampled_from([0.0, 1e4, float("inf"), float("nan")]),
    layer=st.sampled_from(list(PADDED)),
    seed=st.integers(0, 1000),
)
def test_a_clip_depends_on_itself_only(lengths, padding, garbage, layer, seed):
    model = PADDED[layer]
    generator = torch.Generator().manual_seed(seed)
    clips = [torch.randn(n, generator=generator) for n in lengths]
    size = max(lengths) + padding
    wavs = torch.full((len(clips), size), garbage)
    for row, clip in enumerate(clips):
        wavs[row, : len(clip)] = clip
    with torch.no_grad():
        frames, lens = model(wavs, torch.tensor(lengths) / size)
        counts = torch.round(lens * frames.shape[1]).long().tolist()
        for row, clip in enumerate(clips):
            alone, _ = model(clip[None])
            assert alone.shape[1] == counts[row]
            torch.testing.assert_close(
                frames[row, : counts[row]], alone[0], atol=1e-5, rtol=1e-5
            )


def test_silence_is_finite():
    frames, _ = encoder()(torch.zeros(2, 4000))
    assert torch.isfinite(frames).all()


def test_short_clip():
    model = encoder()
    wavs = torch.randn(2, MIN)
    assert model(wavs)[0].shape == (2, 1, 32)
    with pytest.raises(ValueError, match=r"Clip 1 .* 280 samples \(17.5 ms\)"):
        model(wavs, torch.tensor([1.0, 0.5]))
    with pytest.raises(ValueError, match=f"at least {MIN} samples"):
        model(wavs[:, :-1])
    with pytest.raises(ValueError, match="mono"):
        model(wavs[:, None])


def test_gradient_reaches_parameters_and_waveform():
    model = encoder(config={**CONFIG, "layerdrop": 0.0})
    wavs = torch.randn(2, 4000, requires_grad=True)
    model(wavs)[0].pow(3).sum().backward()
    assert wavs.grad.abs().sum() > 0
    idle = [n for n, p in model.named_parameters() if p.grad is None]
    assert idle == ["model.masked_spec_embed"]  # of SpecAugment, which is off


@pytest.mark.parametrize("layer", ["last", "weighted"])
def test_frozen_is_frozen(layer):
    config = {**CONFIG, "hidden_dropout": 0.5, "attention_dropout": 0.5}
    model = encoder(config=config, freeze=True, layer=layer)
    parent = torch.nn.Sequential(model).train()
    assert not any(module.training for module in model.model.modules())
    wavs = torch.randn(1, 4000, requires_grad=True)
    frames, _ = parent(wavs)
    torch.testing.assert_close(frames, parent(wavs)[0], atol=0, rtol=0)
    assert not any(p.requires_grad for p in model.model.parameters())
    trained = [n for n, p in parent.named_parameters() if p.requires_grad]
    if layer == "last":
        assert not trained and not frames.requires_grad
    else:
        frames.pow(3).sum().backward()
        assert trained == ["0.layer_mixing.weights"]
        assert model.layer_mixing.weights.grad.abs().sum() > 0
    assert wavs.grad is None


def test_layer_selects_a_hidden_state():
    wavs = torch.randn(1, 4000)
    last, first = encoder().eval(), encoder(layer=1).eval()
    torch.testing.assert_close(encoder(layer=-1).eval()(wavs)[0], last(wavs)[0])
    assert not torch.allclose(first(wavs)[0], last(wavs)[0])
    for layer in (3, -4, "first"):
        with pytest.raises(ValueError, match="layer="):
            encoder(layer=layer)


def test_layer_drop_leaves_every_hidden_state():
    model = encoder(config={**CONFIG, "layerdrop": 0.9}, layer="weighted")
    for _ in range(5):
        model.train()(torch.randn(1, 2000))


def test_lora_trains_the_adapters_only():
    model = encoder(lora=LORA)
    trained = [n for n, p in model.named_parameters() if p.requires_grad]
    assert len(trained) == 8 and all("adapter_" in name for name in trained)
    torch.manual_seed(0)
    wavs = torch.randn(1, 4000)
    # The adapters start at zero.
    torch.testing.assert_close(model.eval()(wavs)[0], encoder().eval()(wavs)[0])
    model.train()(wavs)[0].pow(3).sum().backward()
    assert all(
        (p.grad is not None) == p.requires_grad for p in model.parameters()
    )


def test_lora_errors():
    with pytest.raises(ValueError, match="train nothing"):
        encoder(freeze=True, lora=LORA)
    with pytest.raises(ValueError, match="matches no linear layer"):
        encoder(lora={"rank": 2, "target_layers": ["*.q_proj"]})


@pytest.mark.parametrize("layer", ["last", "weighted", 1])
def test_gradient_checkpointing_changes_nothing(layer):
    config = {**CONFIG, "layerdrop": 0.0, "conformer_conv_dropout": 0.0}
    wavs = torch.randn(2, 4000)
    gradients = []
    for switch in (False, True):
        model = encoder(
            config=config, layer=layer, gradient_checkpointing=switch
        )
        model.train()(wavs)[0].pow(3).sum().backward()
        gradients.append(model.model.feature_projection.projection.weight.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("layer", ["last", "weighted", 1])
@pytest.mark.parametrize("lora", [None, LORA])
def test_export_round_trip(layer, lora):
    config = {**CONFIG, "position_embeddings_type": "relative"}
    model = encoder(config=config, layer=layer, lora=lora).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    arguments = model.export_arguments()
    assert json.loads(json.dumps(arguments)) == arguments
    copy = W2VBertEncoder(**arguments).eval()
    copy.load_state_dict(model.state_dict(), strict=True)
    wavs = torch.randn(2, 4000)
    torch.testing.assert_close(copy(wavs)[0], model(wavs)[0], atol=0, rtol=0)
    assert copy.export_arguments() == arguments


def test_loads_a_folder_offline(folder, monkeypatch):
    def no_network(*_):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    model = W2VBertEncoder(source=folder).eval()
    expected = load_file(folder / "model.safetensors")
    for name, tensor in model.model.state_dict().items():
        torch.testing.assert_close(tensor, expected[name])
    copy = W2VBertEncoder(**model.export_arguments()).eval()
    copy.load_state_dict(model.state_dict(), strict=True)
    wavs = torch.randn(1, 4000)
    torch.testing.assert_close(copy(wavs)[0], model(wavs)[0], atol=0, rtol=0)


def test_loads_in_float32(folder, tmp_path):
    def halve(weights):
        weights.update({k: v.half() for k, v in weights.items()})

    source = change_weights(folder, tmp_path, halve)
    assert W2VBertEncoder(source=source).model.dtype == torch.float32


def test_loads_the_encoder_of_a_fine_tuned_model(tmp_path):
    config = Wav2Vec2BertConfig(**CONFIG, vocab_size=5)
    whole = Wav2Vec2BertForCTC(config)
    whole.save_pretrained(tmp_path)
    model = W2VBertEncoder(source=str(tmp_path))
    torch.testing.assert_close(
        model.model.feature_projection.projection.weight,
        whole.wav2vec2_bert.feature_projection.projection.weight,
    )


def test_mask_vector_of_spec_augment_may_be_missing(folder, tmp_path):
    source = change_weights(
        folder, tmp_path, lambda weights: weights.pop("masked_spec_embed")
    )
    W2VBertEncoder(source=source)


def test_weights_that_do_not_fit(folder, tmp_path):
    def spoil(weights):
        weights["strange.weight"] = torch.zeros(3)
        del weights["encoder.layers.1.self_attn.linear_q.weight"]
        weights["feature_projection.projection.bias"] = torch.zeros(7)

    source = change_weights(folder, tmp_path, spoil)
    with pytest.raises(ValueError) as error:
        W2VBertEncoder(source=source)
    message = str(error.value)
    assert "missing: encoder.layers.1.self_attn.linear_q.weight;" in message
    assert "unexpected: strange.weight;" in message
    assert "another shape: feature_projection.projection.bias." in message


def test_folder_without_weights(folder, tmp_path):
    config = (folder / "config.json").read_text()
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(FileNotFoundError, match="only config.json"):
        W2VBertEncoder(source=tmp_path)
    torch.save({}, tmp_path / "model.ckpt")
    with pytest.raises(FileNotFoundError, match="model.ckpt"):
        W2VBertEncoder(source=tmp_path)


def test_constructor_errors(folder, tmp_path):
    with pytest.raises(ValueError, match="exactly one"):
        W2VBertEncoder()
    with pytest.raises(ValueError, match="exactly one"):
        W2VBertEncoder(source=folder, config=CONFIG)
    with pytest.raises(ValueError, match="has no hiden_size"):
        encoder(config={"hiden_size": 32})
    with pytest.raises(ValueError, match="not 'whisper'"):
        encoder(config={"model_type": "whisper"})
    with pytest.raises(ValueError, match="add_adapter"):
        encoder(config={**CONFIG, "add_adapter": True})


def test_reduced_precision():
    wavs = torch.randn(1, 4000)
    expected, _ = encoder().eval()(wavs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed, _ = encoder().eval()(wavs)
    whole, _ = encoder().to(torch.bfloat16).eval()(wavs)
    for frames in (mixed, whole):
        torch.testing.assert_close(frames.float(), expected, atol=0.1, rtol=0.1)
