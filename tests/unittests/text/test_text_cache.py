"""The cache of a frozen text encoder: the same vectors, read once."""

import copy
import pathlib

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from text_layouts import KINDS, TEXTS, texts_of_words

from speechbrain_emotion import EmotionClassifier
from speechbrain_emotion.lobes.text_encoder import TextEncoder
from speechbrain_emotion.training.export import export_model

OUTPUTS = ["cls", "tokens"]
ROOT = pathlib.Path(__file__).resolve().parents[3]
TRAINING_YAML = f"""
definition: !include:{ROOT}/hparams/compact_text.yaml
    labels: [a, b]
    n_classes: 2
    embedding_dim: 24
    tokenizer:
        source: {{source}}
    text_encoder:
        source: {{source}}
        num_layers: null
        freeze: True
        cached_texts: 9
"""


@pytest.fixture(scope="module")
def pairs(folders):
    """Frozen encoders with and without a cache, of the same weights."""
    return {
        (kind, output): [
            TextEncoder(source, freeze=True, output=output, cached_texts=n)
            for n in (3, 0)
        ]
        for kind, source in folders.items()
        for output in OUTPUTS
    }


@pytest.fixture
def cached(folders):
    return TextEncoder(folders["bert"], freeze=True, cached_texts=9).train()


def count_reads(encoder):
    """Counts the texts that the model itself reads."""
    reads = []
    encoder.model.register_forward_hook(
        lambda model, inputs, output: reads.append(len(inputs[0]))
    )
    return reads


@settings(max_examples=20, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    output=st.sampled_from(OUTPUTS),
    batches=st.lists(texts_of_words, max_size=3),
)
def test_equals_the_encoder_without_cache(pairs, kind, output, batches):
    cached, plain = pairs[kind, output]
    for texts in [*batches, *batches]:
        vectors, lens = cached(texts)
        expected, expected_lens = plain(texts)
        torch.testing.assert_close(vectors, expected, rtol=0, atol=1e-5)
        assert torch.equal(lens, expected_lens)
        # Bit-equal to the text alone, whatever was read before and beside.
        for row, text in zip(vectors, texts):
            alone = plain([text])[0][0]
            assert torch.equal(row[: len(alone)], alone)
            assert not row[len(alone) :].any()
    assert len(cached.cache.vectors) <= 3


def test_a_text_is_read_once(cached):
    reads = count_reads(cached)
    for _ in range(3):
        cached(["so sad", "so sad", "", TEXTS[2]])
    assert reads == [1, 1, 1]
    assert {v.shape for v in cached.cache.vectors.values()} == {(1, 24)}


CHANGES = {
    "loading": lambda e: e.load_state_dict(
        {k: v + 0.1 for k, v in e.state_dict().items()}
    ),
    "loading by assignment": lambda e: e.model.load_state_dict(
        {k: v + 0.1 for k, v in e.model.state_dict().items()}, assign=True
    ),
    "another dtype": lambda e: e.double(),
    "rounding": lambda e: e.half().float(),
    "an update": lambda e: next(e.model.parameters()).add_(0.1),
    "fewer layers": lambda e: e.truncate(1),
    "another output": lambda e: setattr(e, "output", "tokens"),
}


@torch.no_grad()
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_drops_what_was_kept(cached, change):
    before, _ = cached(["so sad"])
    CHANGES[change](cached)
    after, _ = cached(["so sad"])
    plain = copy.deepcopy(cached)
    plain.cache = None
    assert torch.equal(after, plain(["so sad"])[0])
    assert not torch.equal(after, before)


def test_another_vocabulary(cached, pairs):
    before, _ = cached(["so sad"])
    cached.tokenizer = pairs["roberta", "cls"][0].tokenizer
    assert not torch.equal(cached(["so sad"])[0], before)


def test_only_while_frozen(folders):
    encoder = TextEncoder(folders["bert"], cached_texts=9).train()
    vectors, _ = encoder(["so sad"])
    assert vectors.requires_grad and not encoder.cache.vectors
    encoder.freeze_now()
    encoder(["so sad"])
    assert len(encoder.cache.vectors) == 1
    encoder.freeze = False
    reads = count_reads(encoder)
    encoder(["so sad"])
    assert reads == [1]


def test_nothing_in_state_dict_and_export(cached):
    names = set(cached.state_dict())
    cached(TEXTS[:3])
    assert set(cached.state_dict()) == names
    assert not any("cache" in name for name in names)
    assert "cached_texts" not in cached.export_arguments()


def test_each_precision_has_its_own(cached):
    full, _ = cached(["so sad"])
    with torch.autocast("cpu", torch.bfloat16):
        low, _ = cached(["so sad"])
        again, _ = cached(["so sad"])
    assert torch.equal(low, again) and not torch.equal(low.float(), full)
    assert torch.equal(cached(["so sad"])[0], full)


def test_kept_in_inference_used_in_training(cached):
    with torch.inference_mode():
        cached(["so sad"])
    head = torch.nn.Linear(24, 1)
    head(cached(["so sad"])[0]).sum().backward()
    assert head.weight.grad.abs().sum() > 0


def test_negative_limit(folders):
    with pytest.raises(ValueError, match="set cached_texts to 0"):
        TextEncoder(folders["bert"], freeze=True, cached_texts=-1)


def test_an_exported_model_caches_nothing(folders, tmp_path):
    training = tmp_path / "train.yaml"
    training.write_text(TRAINING_YAML.format(source=folders["bert"]))
    with open(training) as fin:
        definition = load_hyperpyyaml(fin)["definition"]
    assert definition["text_encoder"].cache.limit == 9
    definition["model"](texts=["so sad"])
    definition["label_encoder"].update_from_iterable(["a", "b"])
    folder = export_model(
        tmp_path / "export",
        training,
        None,
        "definition",
        definition["model"],
        definition["label_encoder"],
        card="",
    )
    assert "cache" not in (folder / "hyperparams.yaml").read_text()
    assert EmotionClassifier.from_hparams(folder).predict(texts="so sad").label
