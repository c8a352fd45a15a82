"""The gate that keeps words from being believed that nobody may have said."""

import pytest
import torch
from embedding_cases import (
    FUSIONS,
    SIZE,
    Frames,
    Letters,
    assert_close,
    batch,
    build,
)
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from torch import nn

from speechbrain_emotion.dataio.transcript import Passage, Transcript
from speechbrain_emotion.dataio.words import Word
from speechbrain_emotion.lobes.embedding import MultimodalEmbedding
from speechbrain_emotion.nnet.fusion import ConcatFusion, MeanFusion

GATES = [None, "mask", "weight"]
confidences = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0]))
some_words = st.lists(
    st.tuples(st.sampled_from(["so", "sad", "I"]), confidences),
    min_size=1,
    max_size=5,
)


def passage(words, chosen=None):
    """Words and their confidences, one a second, as a passage."""
    spoken = [
        Word(text, second, second + 1, confidence)
        for second, (text, confidence) in enumerate(words)
    ]
    context = Transcript(" ".join(text for text, _ in words), spoken)
    return Passage(context, chosen or range(len(words)))


def gated(kind, gate, **arguments):
    return build(kind, confidence_gate=gate, **arguments)


def embed(model, text, n=6):
    """The embedding of one utterance; n is the length of its speech."""
    return model.embed(*batch([(n, text)]))


@torch.no_grad()
@pytest.mark.parametrize("kind", FUSIONS)
@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("training", [False, True])
def test_what_is_sure_passes(kind, gate, training):
    plain = build(kind).train(training)
    model = gated(kind, gate).train(training)
    rows = [(6, "so sad"), (0, "so sad"), (4, None)]
    sure = passage([("so", 1.0), ("sad", 1.0)])
    results = []
    for one, text in ((plain, "so sad"), (model, "so sad"), (model, sure)):
        torch.manual_seed(0)
        results.append(one.embed(*batch([(n, t and text) for n, t in rows])))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


@torch.no_grad()
@pytest.mark.parametrize("kind", FUSIONS)
@pytest.mark.parametrize("gate", ["mask", "weight"])
@pytest.mark.parametrize("training", [False, True])
def test_what_is_not_sure_at_all_is_missing(kind, gate, training):
    model = gated(kind, gate).train(training)
    for n in (6, 0):
        results = []
        for text in (passage([("so", 0.0), ("sad", 0.0)]), None):
            torch.manual_seed(0)
            results.append(embed(model, text, n))
        assert torch.equal(*results)
        assert results[0].isfinite().all()


@torch.no_grad()
@settings(deadline=None, max_examples=30)
@given(words=some_words, threshold=st.floats(0, 1), n=st.sampled_from([0, 6]))
@pytest.mark.parametrize("kind", FUSIONS)
def test_a_mask_reads_the_sure_words_only(kind, words, threshold, n):
    model = gated(kind, "mask", min_confidence=threshold)
    sure = [text for text, confidence in words if confidence >= threshold]
    expected = embed(build(kind), " ".join(sure) if sure else None, n)
    assert_close(embed(model, passage(words), n), expected)


@torch.no_grad()
def test_a_mask_of_parts():
    model = gated("concat", "mask", min_confidence=0.5)
    words = [("so", 0.4), ("sad", 0.6), ("I", 0.9)]
    plain = build("concat")
    # The unsure word is not in the context either, but the others are.
    rest = passage(words[1:], range(0, 1))
    assert_close(embed(model, passage(words, range(0, 2))), embed(plain, rest))
    unsure = passage(words, range(0, 1))
    assert_close(embed(model, unsure), embed(plain, None))


@torch.no_grad()
@settings(deadline=None, max_examples=30)
@given(words=some_words, n=st.sampled_from([0, 6]))
def test_weights_by_hand(words, n):
    model = gated("concat", "weight")
    letters = model.embedding_model.text_encoder.layer
    mean = sum(confidence for _, confidence in words) / len(words)
    weights = [mean]  # of the mark of the start
    text = "^"
    for i, (word, confidence) in enumerate(words):
        weights += [mean] * (i > 0) + [confidence] * len(word)
        text += " " * (i > 0) + word
    vectors = letters(torch.tensor([*map(ord, text)]))
    # Weighted mean times mean weight: the sum over the number.
    expected = torch.tensor(weights) @ vectors / len(text)
    assert_close(embed(model, passage(words), n)[0, SIZE:], expected)
    speech = embed(model, None, n)[:, :SIZE]
    assert torch.equal(embed(model, passage(words), n)[:, :SIZE], speech)


class FirstTokens(Letters):
    """A text encoder that gives one vector for each text, as "cls"."""

    def forward(self, texts):
        vectors, _ = super().forward(texts)
        return vectors.cumsum(dim=1)[:, -1:], torch.ones(len(texts))

    def offsets(self, texts):
        return [[(0, len(text))] for text in texts]


@torch.no_grad()
def test_a_single_vector_has_the_mean_confidence():
    model = MultimodalEmbedding(
        Frames(),
        FirstTokens(),
        ConcatFusion(SIZE, SIZE),
        confidence_gate="weight",
    ).eval()
    words = [("so", 0.25), ("sad", 0.75), ("I", 0.0)]
    whole, string = (
        model(texts=[text])[0, SIZE:] for text in (passage(words), "so sad I")
    )
    assert_close(whole, string / 3)
    part = model(texts=[passage(words, range(0, 2))])[0, SIZE:]
    assert_close(part, string / 2)


@torch.no_grad()
@settings(deadline=None, max_examples=30)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([0, 2, 6]),
            st.one_of(st.none(), st.just("so sad"), some_words.map(passage)),
        ),
        min_size=1,
        max_size=4,
    ),
    gate=st.sampled_from(GATES),
)
@pytest.mark.parametrize("kind", FUSIONS)
def test_batch_mates_change_nothing(kind, rows, gate):
    model = gated(kind, gate)
    together = model.embed(*batch(rows))
    assert together.isfinite().all()
    for row, vector in zip(rows, together):
        assert_close(model.embed(*batch([row]))[0], vector)


@pytest.mark.parametrize("kind", FUSIONS)
@pytest.mark.parametrize("gate", GATES)
def test_training_through_the_gate(kind, gate):
    model = gated(kind, gate, modality_dropout=0.5).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    texts = [
        passage([("so", 0.0), ("sad", 0.9)]),
        passage([("I", 0.1)]),
        passage([("so", 0.0)]),
        "so sad",
        None,
    ]
    rows = [(n, text) for n in (0, 6) for text in texts]
    losses = []
    for _ in range(30):
        logits = model(*batch(rows))
        targets = torch.arange(len(rows)) % 3
        losses.append(nn.functional.cross_entropy(logits, targets))
        optimizer.zero_grad()
        losses[-1].backward()
        for name, parameter in model.named_parameters():
            if parameter.grad is not None:
                assert parameter.grad.isfinite().all(), name
        optimizer.step()
    assert losses[-1].isfinite()
    assert sum(losses[-5:]) < sum(losses[:5])


def test_a_gate_that_is_not_there():
    with pytest.raises(ValueError, match="confidence_gate='soft': expected"):
        gated("concat", "soft")


@torch.no_grad()
@pytest.mark.parametrize("gate", [None, "mask"])
def test_only_weighting_asks_for_weights(gate):
    """Other fusions than ours may take four arguments."""

    class Fusion(MeanFusion):
        def forward(self, speech, speech_lens, text, text_lens):
            return super().forward(speech, speech_lens, text, text_lens)

    model = MultimodalEmbedding(
        Frames(), Letters(), Fusion(SIZE, SIZE), confidence_gate=gate
    )
    assert model(*batch([(4, "so")])).shape == (1, SIZE)
