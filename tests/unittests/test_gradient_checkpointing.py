"""Gradients are the same where activations are computed twice."""

import pytest
import torch
from published_layouts import WORDS, write_bert
from torch.utils import checkpoint

from speechbrain_emotion.lobes.text_encoder import TextEncoder
from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
from speechbrain_emotion.lobes.whisper import WhisperEncoder

W2V_BERT = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "layerdrop": 0.0,
}
WHISPER = {
    "d_model": 16,
    "encoder_layers": 3,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "dropout": 0.2,
}


def lora(layers):
    return {"rank": 2, "alpha": 4.0, "target_layers": [layers]}


def speech():
    draw = torch.Generator().manual_seed(0)
    wavs = 0.1 * torch.randn(2, 8000, generator=draw)
    return wavs, torch.tensor([1.0, 0.6])


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Name -> class, arguments, what it reads, layers with LoRA."""
    bert = write_bert(
        tmp_path_factory.mktemp("text") / "bert",
        num_hidden_layers=3,
        hidden_size=16,
        num_attention_heads=2,
        intermediate_size=32,
    )
    text = ([" ".join(WORDS[:5]), WORDS[0]],)
    return {
        "w2v_bert": (W2VBertEncoder, {"config": W2V_BERT}, speech(), "*_q"),
        "weighted": (
            W2VBertEncoder,
            {"config": W2V_BERT, "layer": "weighted"},
            speech(),
            "*_q",
        ),
        "whisper": (WhisperEncoder, {"config": WHISPER}, speech(), "*q_proj"),
        "text": (TextEncoder, {"source": bert}, text, "*.query"),
    }


def gradients(encoder, inputs):
    """Gradients of a training step with dropout."""
    torch.manual_seed(1)
    frames, _ = encoder.train()(*inputs)
    frames.square().mean().backward()
    return {
        name: parameter.grad
        for name, parameter in encoder.named_parameters()
        if parameter.grad is not None
    }


@pytest.mark.parametrize("adapted", [False, True], ids=["all", "lora"])
@pytest.mark.parametrize("name", ["w2v_bert", "weighted", "whisper", "text"])
def test_gradients_are_identical(cases, name, adapted, monkeypatch):
    make, arguments, inputs, layers = cases[name]
    if adapted:
        arguments = {**arguments, "lora": lora(layers)}
    calls = []
    run = checkpoint._checkpoint_without_reentrant_generator
    monkeypatch.setattr(
        checkpoint,
        "_checkpoint_without_reentrant_generator",
        lambda *args, **kwargs: calls.append(1) or run(*args, **kwargs),
    )
    found, counts = [], []
    for saves_memory in (False, True):
        torch.manual_seed(0)
        encoder = make(**arguments, gradient_checkpointing=saves_memory)
        calls.clear()
        found.append(gradients(encoder, inputs))
        counts.append(len(calls))
    # Once more a layer: an attention may save memory by itself.
    assert counts[1] >= counts[0] + 3
    plain, checkpointed = found
    assert plain and plain.keys() == checkpointed.keys()
    for key in plain:
        assert torch.equal(plain[key], checkpointed[key]), key
    if adapted:
        assert all("adapter" in k or "layer_mixing" in k for k in plain)
