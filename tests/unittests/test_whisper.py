"""The encoder of Whisper on the true length of every clip."""

import json
import os

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from transformers import (
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from speechbrain_emotion.lobes.whisper import WhisperEncoder

CONFIG = {
    "d_model": 32,
    "encoder_layers": 3,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
}
ONE_SECOND = {**CONFIG, "max_source_positions": 50}
LORA = {"rank": 2, "target_layers": ["encoder.layers.*_proj"]}
MIN = WhisperEncoder.min_samples
REAL = os.environ.get("SPEECHBRAIN_EMOTION_WHISPER")


def encoder(seed=0, **arguments):
    torch.manual_seed(seed)
    model = WhisperEncoder(config=arguments.pop("config", CONFIG), **arguments)
    # Biases start at zero; silence could not leak through them.
    for name, parameter in model.model.named_parameters():
        if name.endswith("bias"):
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def assert_equals_transformers(model):
    """Compares 30 s of sound with Whisper's own features and forward."""
    generator = torch.Generator().manual_seed(0)
    loudness = torch.linspace(0.001, 0.3, 480000)
    wavs = loudness * torch.randn(1, 480000, generator=generator)
    features = WhisperFeatureExtractor()(
        wavs[0].numpy(), sampling_rate=16000, return_tensors="pt"
    )["input_features"]
    with torch.no_grad():
        expected = model.model.encoder(features).last_hidden_state
        frames, lens = model(wavs)
    assert lens.tolist() == [1.0]
    torch.testing.assert_close(frames, expected, atol=1e-3, rtol=0)


def test_30_seconds_equal_transformers():
    assert_equals_transformers(encoder().eval())


@pytest.mark.skipif(
    REAL is None,
    reason="SPEECHBRAIN_EMOTION_WHISPER names no folder of a Whisper model",
)
def test_30_seconds_of_a_pretrained_model_equal_transformers():
    model = WhisperEncoder(source=REAL, freeze=True)
    assert_equals_transformers(model)


PADDED = {
    layer: encoder(layer=layer).eval() for layer in ("last", "weighted", 1)
}
# Clips up to the limit of the model, where the signal is mirrored.
PADDED["limit"] = encoder(config=ONE_SECOND).eval()


@settings(deadline=None, max_examples=15)
@given(
    lengths=st.lists(
        st.integers(MIN, 9000) | st.integers(15700, 16000),
        min_size=1,
        max_size=3,
    ),
    padding=st.integers(0, 3000),
    garbage=st.sampled_from([0.0, 1e4, float("inf"), float("nan")]),
    layer=st.sampled_from(list(PADDED)),
    seed=st.integers(0, 1000),
)
def test_a_clip_depends_on_itself_only(lengths, padding, garbage, layer, seed):
    model = PADDED[layer]
    generator = torch.Generator().manual_seed(seed)
    clips = [
        torch.randn(n, generator=generator) / (row + 1) ** 4
        for row, n in enumerate(lengths)
    ]
    size = max(lengths) + padding
    wavs = torch.full((len(clips), size), garbage)
    for row, clip in enumerate(clips):
        wavs[row, : len(clip)] = clip
    with torch.no_grad():
        frames, lens = model(wavs, torch.tensor(lengths) / size)
        counts = torch.round(lens * frames.shape[1]).long().tolist()
        for row, clip in enumerate(clips):
            alone, _ = model(clip[None])
            assert alone.shape[1] == counts[row] == -(-len(clip) // 320)
            torch.testing.assert_close(
                frames[row, : counts[row]], alone[0], atol=1e-5, rtol=1e-5
            )
            assert not frames[row, counts[row] :].any()


def test_loudest_frame_lies_inside_the_clip():
    model = encoder().eval()
    clip = torch.zeros(480)
    clip[-1] = 100.0  # in the middle of the first window of the padding
    wavs = torch.zeros(2, 1600)
    wavs[0, :480] = clip
    frames, _ = model(wavs, torch.tensor([0.3, 1.0]))
    alone, _ = model(clip[None])
    torch.testing.assert_close(frames[0, :2], alone[0], atol=1e-5, rtol=1e-5)


def test_silence_is_finite():
    frames, _ = encoder()(torch.zeros(2, 4000))
    assert torch.isfinite(frames).all()


def test_clip_too_short_or_too_long():
    model = encoder(config=ONE_SECOND)
    assert model(torch.randn(1, MIN))[0].shape == (1, 2, 32)
    with pytest.raises(ValueError, match=r"Clip 0 .* 399 samples \(24.9 ms\)"):
        model(torch.randn(1, MIN - 1))
    assert model(torch.randn(1, 16000))[0].shape == (1, 50, 32)
    long = torch.randn(2, 16001)
    with pytest.raises(ValueError, match="Clip 1 .*at most .*windows"):
        model(long, torch.tensor([0.5, 1.0]))
    # Padding beyond the limit is harmless.
    model(long, torch.tensor([0.5, 0.5]))
    assert encoder().max_samples == 480000


def test_gradient_reaches_parameters_and_waveform():
    model = encoder()
    wavs = torch.randn(2, 4000)
    wavs[1, 2000:] = float("nan")
    wavs.requires_grad_()
    model(wavs, torch.tensor([1.0, 0.5]))[0].pow(3).sum().backward()
    assert torch.isfinite(wavs.grad).all()
    assert wavs.grad[0].abs().sum() > 0 and not wavs.grad[1, 2000:].any()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("layer", ["last", "weighted"])
def test_frozen_is_frozen(layer):
    config = {**CONFIG, "dropout": 0.5, "attention_dropout": 0.5}
    model = encoder(config=config, freeze=True, layer=layer)
    parent = torch.nn.Sequential(model).train()
    wavs = torch.randn(1, 4000, requires_grad=True)
    frames, _ = parent(wavs)
    torch.testing.assert_close(frames, parent(wavs)[0], atol=0, rtol=0)
    trained = [n for n, p in parent.named_parameters() if p.requires_grad]
    if layer == "last":
        assert not trained and not frames.requires_grad
    else:
        frames.pow(3).sum().backward()
        assert trained == ["0.layer_mixing.weights"]
        assert model.layer_mixing.weights.grad.abs().sum() > 0
    assert wavs.grad is None


def test_num_layers():
    wavs = torch.randn(1, 4000)
    whole, cut = encoder().eval(), encoder(num_layers=2).eval()
    state = cut.state_dict()
    cut.load_state_dict({k: whole.state_dict()[k] for k in state})
    # Without the normalisation of the last layer: the whole model's state.
    whole.layer = 2
    torch.testing.assert_close(cut(wavs)[0], whole(wavs)[0])
    again = WhisperEncoder(**cut.export_arguments()).eval()
    again.load_state_dict(state)
    assert torch.equal(again(wavs)[0], cut(wavs)[0])
    with pytest.raises(ValueError, match="num_layers=4: the encoder has 3"):
        encoder(num_layers=4)


@pytest.mark.parametrize("layer", ["last", "weighted", 1])
def test_gradient_checkpointing_changes_nothing(layer):
    wavs = torch.randn(2, 4000)
    gradients = []
    for switch in (False, True):
        model = encoder(layer=layer, gradient_checkpointing=switch)
        model.train()(wavs)[0].pow(3).sum().backward()
        gradients.append(model.model.encoder.conv1.weight.grad)
    torch.testing.assert_close(*gradients)


def test_lora_trains_the_adapters_only():
    model = encoder(lora=LORA)
    model(torch.randn(1, 4000))[0].pow(3).sum().backward()
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert trained == {
        n for n, p in model.named_parameters() if p.grad is not None
    }
    assert len(trained) == 3 * 4 * 2
    with pytest.raises(ValueError, match="train nothing"):
        encoder(freeze=True, lora=LORA)


@pytest.mark.parametrize("lora", [None, LORA])
@pytest.mark.parametrize("layer", ["last", "weighted", 1])
def test_export_round_trip(layer, lora):
    model = encoder(layer=layer, lora=lora, num_layers=2).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    arguments = model.export_arguments()
    assert json.loads(json.dumps(arguments)) == arguments
    copy = WhisperEncoder(**arguments).eval()
    copy.load_state_dict(model.state_dict(), strict=True)
    wavs = torch.randn(2, 4000)
    torch.testing.assert_close(copy(wavs)[0], model(wavs)[0], atol=0, rtol=0)
    assert copy.export_arguments() == arguments


@pytest.fixture
def folder(tmp_path):
    """A Hugging Face folder of a whole Whisper, decoder and all."""
    config = WhisperConfig(
        **CONFIG,
        vocab_size=60,
        decoder_layers=1,
        decoder_attention_heads=4,
        decoder_ffn_dim=64,
        pad_token_id=0,
        bos_token_id=0,
        eos_token_id=0,
        decoder_start_token_id=0,
        activation_dropout=0.1,
    )
    torch.manual_seed(1)
    WhisperForConditionalGeneration(config).save_pretrained(tmp_path)
    return tmp_path


def test_loads_a_folder_without_the_decoder(folder):
    model = WhisperEncoder(source=folder, num_layers=2).eval()
    assert all(name.startswith("model.encoder.") for name in model.state_dict())
    arguments = model.export_arguments()
    assert arguments["config"] == {"activation_dropout": 0.1, **CONFIG}
    assert arguments["num_layers"] == 2
    copy = WhisperEncoder(**arguments).eval()
    copy.load_state_dict(model.state_dict(), strict=True)
    wavs = torch.randn(1, 4000)
    torch.testing.assert_close(copy(wavs)[0], model(wavs)[0], atol=0, rtol=0)


def test_weights_that_do_not_fit(folder):
    config = json.loads((folder / "config.json").read_text())
    config["encoder_layers"] = 2
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="unexpected: .*encoder.layers.2"):
        WhisperEncoder(source=folder)
    config["encoder_layers"] = 4
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="missing: .*encoder.layers.3"):
        WhisperEncoder(source=folder)


def test_linear_layers_can_be_replaced():
    model = encoder().eval()
    wavs = torch.randn(1, 4000)
    expected, _ = model(wavs)
    for layer in model.model.encoder.layers:
        weight, bias = layer.fc1.weight, layer.fc1.bias
        narrow, wide = (
            torch.nn.Linear(32, 32, bias=False),
            torch.nn.Linear(32, 64),
        )
        narrow.weight.data = torch.eye(32)
        wide.weight, wide.bias = weight, bias
        layer.fc1 = torch.nn.Sequential(narrow, wide)
    torch.testing.assert_close(model(wavs)[0], expected)


def test_reduced_precision():
    wavs = torch.randn(1, 4000)
    expected, _ = encoder().eval()(wavs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed, _ = encoder().eval()(wavs)
    whole, _ = encoder().to(torch.bfloat16).eval()(wavs)
    for frames in (mixed, whole):
        torch.testing.assert_close(frames.float(), expected, atol=0.1, rtol=0.1)
