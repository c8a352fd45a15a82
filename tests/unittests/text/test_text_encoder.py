"""Tokenizer and text encoder: what transformers gives, whatever the batch."""

import json
import threading

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from published_layouts import copy_folder
from text_layouts import (
    CONFIG,
    KINDS,
    LONG,
    LORA,
    MODELS,
    SMALL,
    TEXTS,
    WRITERS,
    from_config,
    texts_of_words,
)
from transformers import AutoTokenizer
from transformers.initialization import no_init_weights

from speechbrain_emotion.lobes import pretrained_encoder
from speechbrain_emotion.lobes.text_encoder import TextEncoder
from speechbrain_emotion.lobes.tokenizer import TextTokenizer

# ---- what the encoder gives ------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_equals_transformers(kind, folders, encoders):
    model = MODELS[kind].from_pretrained(folders[kind]).eval()
    tokenizer = AutoTokenizer.from_pretrained(folders[kind])
    vectors, lens = encoders[kind, "tokens"](TEXTS)
    cls, cls_lens = encoders[kind, "cls"](TEXTS)
    assert cls.shape == (len(TEXTS), 1, 24) and (cls_lens == 1).all()
    assert encoders[kind, "cls"].output_size == 24
    for row, text in enumerate(TEXTS):
        inputs = tokenizer(
            text, truncation=True, max_length=512, return_tensors="pt"
        )
        expected = model(**inputs).last_hidden_state[0]
        n = round(lens[row].item() * vectors.shape[1])
        assert n == len(expected)
        torch.testing.assert_close(
            vectors[row, :n], expected, rtol=0, atol=1e-5
        )
        assert not vectors[row, n:].any()
        torch.testing.assert_close(cls[row, 0], expected[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "kind, positions, limit",
    [
        ("bert", 512, 512),
        ("roberta", 514, 512),
        ("bert", 40, 40),
        ("roberta", 40, 38),
    ],
)
def test_long_texts_are_cut_at_the_models_maximum(
    kind, positions, limit, tmp_path
):
    source = WRITERS[kind](
        tmp_path / kind, max_position_embeddings=positions, **SMALL
    )
    vectors, lens = TextEncoder(source, output="tokens").eval()([LONG])
    assert vectors.shape == (1, limit, 24) and lens.tolist() == [1.0]
    # Not a position is left unused.
    model = MODELS[kind].from_pretrained(source).eval()
    tokens = AutoTokenizer.from_pretrained(source)(
        LONG, truncation=True, max_length=limit + 1, return_tensors="pt"
    )
    with pytest.raises((IndexError, RuntimeError)):
        model(**tokens)


def test_a_smaller_limit_of_the_tokenizer_holds(folders, tmp_path):
    source = copy_folder(folders["bert"], tmp_path / "bert")
    path = source / "tokenizer_config.json"
    fields = {**json.loads(path.read_text()), "model_max_length": 9}
    path.write_text(json.dumps(fields))
    encoder = TextEncoder(source, output="tokens")
    assert encoder([LONG])[0].shape[1] == 9


@settings(deadline=None, max_examples=15)
@given(texts=texts_of_words, mate=st.integers(0, 500), data=st.data())
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("output", ["cls", "tokens"])
def test_a_text_depends_on_itself_only(
    kind, output, encoders, texts, mate, data
):
    encoder = encoders[kind, output]
    order = data.draw(st.permutations(range(len(texts) + 1)))
    batch = [*texts, LONG[:mate]]
    with torch.no_grad():
        vectors, lens = encoder([batch[i] for i in order])
        counts = torch.round(lens * vectors.shape[1]).long().tolist()
        for row, i in enumerate(order):
            alone, _ = encoder([batch[i]])
            assert alone.shape[1] == counts[row]
            torch.testing.assert_close(
                vectors[row, : counts[row]], alone[0], rtol=0, atol=1e-5
            )
            assert not vectors[row, counts[row] :].any()


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_only_the_first_layers(kind, folders):
    model = MODELS[kind].from_pretrained(folders[kind]).eval()
    tokens = AutoTokenizer.from_pretrained(folders[kind])(
        "so sad", return_tensors="pt"
    )
    states = model(**tokens, output_hidden_states=True).hidden_states
    for layers in (1, 2):
        encoder = TextEncoder(
            folders[kind], num_layers=layers, output="tokens"
        ).eval()
        torch.testing.assert_close(
            encoder(["so sad"])[0], states[layers], rtol=0, atol=1e-5
        )
    for layers in (0, -1, 3):
        with pytest.raises(ValueError, match=f"num_layers={layers}: .* 2 lay"):
            TextEncoder(folders[kind], num_layers=layers)


# ---- training --------------------------------------------------------------


@pytest.mark.parametrize("output", ["cls", "tokens"])
def test_frozen_is_frozen(output, folders):
    encoder = TextEncoder(folders["bert"], freeze=True, output=output)
    parent = torch.nn.Sequential(encoder).train()
    assert encoder.training
    assert not any(module.training for module in encoder.model.modules())
    assert not any(p.requires_grad for p in parent.parameters())
    vectors, _ = parent(TEXTS)
    assert not vectors.requires_grad
    assert torch.equal(vectors, parent(TEXTS)[0])  # no dropout


def test_freezing_later(folders):
    encoder = TextEncoder(folders["bert"]).train()
    assert encoder(["so sad"])[0].requires_grad
    assert not torch.equal(encoder(TEXTS)[0], encoder(TEXTS)[0])  # dropout
    encoder.freeze_now()
    encoder.train()
    assert not encoder(["so sad"])[0].requires_grad
    assert torch.equal(encoder(TEXTS)[0], encoder(TEXTS)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_gets_a_gradient(kind, folders):
    encoder = TextEncoder(folders[kind], output="tokens").train()
    encoder(TEXTS)[0].pow(3).sum().backward()
    idle = [n for n, p in encoder.named_parameters() if p.grad is None]
    assert idle == []  # the pooler would be idle


def test_lora_trains_the_adapters_only(folders):
    encoder = TextEncoder(folders["bert"], lora=LORA)
    trained = [n for n, p in encoder.named_parameters() if p.requires_grad]
    assert len(trained) == 4 and all("adapter_" in name for name in trained)
    # The adapters start at zero.
    with torch.no_grad():
        torch.testing.assert_close(
            encoder.eval()(TEXTS)[0],
            TextEncoder(folders["bert"]).eval()(TEXTS)[0],
        )
    encoder.train()(TEXTS)[0].pow(3).sum().backward()
    assert all(
        (p.grad is not None) == p.requires_grad for p in encoder.parameters()
    )


def test_gradient_checkpointing_changes_nothing(folders):
    tokenizer = TextTokenizer(folders["bert"])
    config = {
        **CONFIG,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    gradients = []
    for switch in (False, True):
        encoder = from_config(
            tokenizer, config=config, gradient_checkpointing=switch
        )
        assert switch == any(
            getattr(module, "gradient_checkpointing", False)
            for module in encoder.model.modules()
        )
        encoder.train()(TEXTS)[0].pow(3).sum().backward()
        gradients.append(encoder.model.embeddings.word_embeddings.weight.grad)
    torch.testing.assert_close(*gradients)


# ---- construction ----------------------------------------------------------


def test_from_config_and_tokenizer(folders):
    tokenizer = TextTokenizer(folders["bert"])
    encoder = from_config(tokenizer)
    assert encoder.tokenizer is tokenizer and tokenizer.limit == 512
    first, again, other = (
        from_config(tokenizer, seed).eval()(TEXTS)[0] for seed in (0, 0, 1)
    )
    assert torch.equal(first, again) and not torch.allclose(first, other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lora", [None, LORA])
@pytest.mark.parametrize("num_layers", [None, 1])
def test_export_round_trip(kind, lora, num_layers, folders, tmp_path):
    encoder = TextEncoder(
        folders[kind], lora=lora, num_layers=num_layers, output="tokens"
    ).eval()
    for parameter in encoder.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    arguments = encoder.export_arguments()
    assert json.loads(json.dumps(arguments)) == arguments
    assert arguments["source"] is None
    encoder.tokenizer.save(tmp_path / "tokenizer.json")
    tokenizer = TextTokenizer()
    copy = TextEncoder(**arguments, tokenizer=tokenizer, output="tokens")
    copy.load_state_dict(encoder.state_dict(), strict=True)
    tokenizer.load(tmp_path / "tokenizer.json")
    for ours, theirs in zip(copy.eval()(TEXTS), encoder(TEXTS)):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    assert copy.export_arguments() == arguments


def test_without_loading_weights(folders, tmp_path):
    source = copy_folder(
        folders["bert"], tmp_path / "bert", ["model.safetensors"]
    )
    encoder = TextEncoder(source, load_weights=False).eval()
    whole = TextEncoder(folders["bert"]).eval()
    encoder.load_state_dict(whole.state_dict(), strict=True)
    assert torch.equal(encoder(TEXTS)[0], whole(TEXTS)[0])
    with pytest.raises(FileNotFoundError, match=r"no \*.safetensors or \*.bin"):
        TextEncoder(source)


def test_random_weights_while_another_thread_loads(folders):
    tokenizer = TextTokenizer(folders["bert"])
    thread = threading.Thread(target=from_config, args=[tokenizer])
    with pretrained_encoder._INITIALIZATION, no_init_weights():
        thread.start()
        thread.join(2)
        waits = thread.is_alive()
    thread.join()
    assert waits


def test_constructor_errors(folders):
    tokenizer = TextTokenizer(folders["bert"])
    with pytest.raises(ValueError, match="output='mean': expected 'cls' or"):
        TextEncoder(folders["bert"], output="mean")
    with pytest.raises(ValueError, match="needs a `tokenizer`"):
        TextEncoder(config=CONFIG)
    with pytest.raises(ValueError, match="exactly one"):
        TextEncoder(tokenizer=tokenizer)
    with pytest.raises(ValueError, match="exactly one"):
        TextEncoder(folders["bert"], config=CONFIG, tokenizer=tokenizer)
    with pytest.raises(ValueError, match="train nothing"):
        TextEncoder(folders["bert"], freeze=True, lora=LORA)
    with pytest.raises(ValueError, match="matches no linear layer"):
        TextEncoder(folders["bert"], lora={**LORA, "target_layers": ["x"]})
    with pytest.raises(ValueError, match="has no hiden_size"):
        from_config(tokenizer, config={"model_type": "bert", "hiden_size": 2})
    with pytest.raises(ValueError, match="knows no model_type 'bart2'"):
        from_config(tokenizer, config={"model_type": "bart2"})
