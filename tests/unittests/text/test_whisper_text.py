"""Whisper's decoder as a text encoder; no network."""

import json

import pytest
import torch
from hypothesis import given, settings
from published_layouts import WORDS
from text_layouts import LONG, TEXTS, texts_of_words
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    WhisperConfig,
    WhisperForConditionalGeneration,
    WhisperModel,
)

from speechbrain_emotion.lobes.ngram_encoder import NgramEncoder
from speechbrain_emotion.lobes.text_ngrams import TextNgramEmbedding
from speechbrain_emotion.lobes.tokenizer import TextTokenizer
from speechbrain_emotion.lobes.whisper_text import WhisperTextEncoder

START, END = "<|startoftranscript|>", "<|endoftext|>"
LONGEST = 40  # tokens


def write_whisper(folder, model_class=WhisperForConditionalGeneration):
    """A Whisper of two layers each, and its tokenizer."""
    vocabulary = {w: i for i, w in enumerate([END, START, "[UNK]", *WORDS])}
    config = WhisperConfig(
        vocab_size=len(vocabulary),
        d_model=24,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=4,
        decoder_ffn_dim=32,
        encoder_ffn_dim=32,
        max_target_positions=LONGEST,
        max_source_positions=10,
        pad_token_id=0,
        bos_token_id=0,
        eos_token_id=0,
        decoder_start_token_id=1,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    torch.manual_seed(0)
    model = model_class(config)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.add_special_tokens([END, START])
    words.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, 1), (END, 0)]
    )
    words.save(str(folder / "tokenizer.json"))
    fields = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "unk_token": "[UNK]",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(fields))
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_whisper(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def encoder(source):
    return WhisperTextEncoder(source).eval()


@torch.no_grad()
@pytest.mark.parametrize("num_layers", [None, 1, 2])
def test_equals_transformers_without_speech(num_layers, source):
    encoder = WhisperTextEncoder(source, num_layers=num_layers).eval()
    decoder = WhisperModel.from_pretrained(source).eval().decoder
    vectors, lens = encoder(TEXTS)
    counts = (lens * vectors.shape[1]).round().int().tolist()
    assert max(counts) == vectors.shape[1] == LONGEST
    for row, text in enumerate(TEXTS):
        ids, lengths = encoder.tokenizer([text])
        assert lengths.tolist() == [counts[row]] == [ids.shape[1]]
        states = decoder(
            input_ids=ids, output_hidden_states=True, use_cache=False
        ).hidden_states
        torch.testing.assert_close(
            vectors[row, : counts[row]],
            states[1 if num_layers == 1 else -1][0],
            rtol=0,
            atol=1e-5,
        )
        assert not vectors[row, counts[row] :].any()


@settings(deadline=None, max_examples=15)
@given(texts=texts_of_words)
def test_a_text_depends_on_itself_only(encoder, texts):
    with torch.no_grad():
        vectors, lens = encoder([LONG, *texts])
        for row, text in enumerate(texts, start=1):
            alone, _ = encoder([text])
            n = alone.shape[1]
            assert round(lens[row].item() * vectors.shape[1]) == n
            torch.testing.assert_close(
                vectors[row, :n], alone[0], rtol=0, atol=1e-5
            )


def test_every_parameter_gets_a_gradient_unless_frozen(source):
    encoder = WhisperTextEncoder(source)
    encoder(["so sad"])[0].square().sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())
    names = [name for name, _ in encoder.named_parameters()]
    assert not [n for n in names if "encoder_attn" in n or "encoder." in n]
    frozen = WhisperTextEncoder(source, freeze=True).train()
    assert not frozen(["so sad"])[0].requires_grad
    assert not frozen.model.training


@pytest.mark.parametrize("num_layers", [None, 1])
def test_export_round_trip(num_layers, source, tmp_path):
    encoder = WhisperTextEncoder(source, num_layers=num_layers).eval()
    arguments = json.loads(json.dumps(encoder.export_arguments()))
    encoder.tokenizer.save(tmp_path / "tokenizer.json")
    tokenizer = TextTokenizer()
    copy = WhisperTextEncoder(**arguments, tokenizer=tokenizer).eval()
    copy.load_state_dict(encoder.state_dict(), strict=True)
    tokenizer.load(tmp_path / "tokenizer.json")
    assert torch.equal(copy(TEXTS)[0], encoder(TEXTS)[0])
    assert copy.export_arguments() == encoder.export_arguments()


def test_weights_of_the_bare_model_fit_too(source, encoder, tmp_path):
    bare = WhisperTextEncoder(write_whisper(tmp_path, WhisperModel)).eval()
    state = encoder.state_dict()
    assert state.keys() == bare.state_dict().keys()


def test_layers_that_are_not_there(source):
    for layers in (0, 3):
        with pytest.raises(ValueError, match=f"num_layers={layers}: .* 2 lay"):
            WhisperTextEncoder(source, num_layers=layers)


# ---- beside n-grams --------------------------------------------------------


def beside(source):
    torch.manual_seed(0)
    return TextNgramEmbedding(
        WhisperTextEncoder(source, freeze=True, num_layers=1),
        NgramEncoder(embedding_dim=4, n_buckets=50),
        scale=0.5,
    )


def test_both_parts_side_by_side(source):
    model = beside(source).train()
    embeddings = model(texts=TEXTS[:4])
    assert embeddings.shape == (4, 28)
    torch.testing.assert_close(
        embeddings[:, :24].mean(0), torch.zeros(24), rtol=0, atol=1e-5
    )
    deviations = embeddings[:, :24].std(0, correction=0)
    torch.testing.assert_close(
        deviations, 0.5 * torch.ones(24), rtol=0.01, atol=0
    )
    torch.testing.assert_close(
        embeddings[:, 24:], model.ngrams(texts=TEXTS[:4])
    )
    contextual, ngrams = model.encoders
    assert not contextual.model.training and ngrams.training
    # In use each depends on itself only.
    model.eval()
    whole = model(texts=TEXTS)
    for text, embedding in zip(TEXTS, whole, strict=True):
        torch.testing.assert_close(model(texts=[text])[0], embedding)
