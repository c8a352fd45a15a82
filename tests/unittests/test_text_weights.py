"""Weights of tokens in the fusions: from the whole text to none."""

import pytest
import torch
from fusion_cases import (
    EQUAL_WIDTHS,
    FUSIONS,
    assert_close,
    build,
    pad,
    random_rows,
)
from hypothesis import (
    given,
    settings,
    strategies as st,
)

from speechbrain_emotion.nnet.cross_attention import CrossAttention
from speechbrain_emotion.nnet.fusion import (
    ConcatFusion,
    CrossAttentionFusion,
    MeanFusion,
)
from speechbrain_emotion.nnet.pooling import MeanPooling, mean_weight

KINDS = [*FUSIONS, "standardised"]
lengths_of_rows = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 6)), min_size=1, max_size=4
)


def make(kind):
    """A fusion in evaluation; "standardised" has seen some data."""
    if kind != "standardised":
        return build(kind)
    fusion = ConcatFusion(4, 6, standardize=["speech", "text"])
    speech, text = 3 + torch.randn(50, 1, 4), 2 * torch.randn(50, 1, 6) - 1
    fusion(speech, torch.ones(50), text, torch.ones(50))
    return fusion.eval()


def draw_rows(data, fusion):
    """Rows of speech, text and weights of the tokens."""
    torch.manual_seed(data.draw(st.integers(0, 99)))
    rows = random_rows(fusion, data.draw(lengths_of_rows))
    some = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, 1e-30]))
    return [
        (*row, torch.tensor([data.draw(some) for _ in row[1]])) for row in rows
    ]


def batch(rows, extra=0):
    """The arguments of a fusion, with NaN in all padding."""
    speeches, texts, weights = zip(*rows)
    weights, _ = pad([w.unsqueeze(-1) for w in weights], extra)
    return *pad(speeches, extra), *pad(texts, extra), weights.squeeze(-1)


# ---- the laws --------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(lengths=lengths_of_rows, extra=st.integers(0, 3), data=st.data())
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [False, True])
def test_full_weights_change_nothing(kind, training, lengths, extra, data):
    fusion = make(kind).train(training)
    torch.manual_seed(data.draw(st.integers(0, 99)))
    rows = [(*r, torch.ones(len(r[1]))) for r in random_rows(fusion, lengths)]
    *inputs, weights = batch(rows, extra)
    results = []
    for arguments in (inputs, [*inputs, weights]):
        torch.manual_seed(0)  # of the dropout
        results.append(fusion(*arguments))
    assert torch.equal(*results)


@settings(deadline=None, max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [False, True])
def test_without_weight_the_text_is_missing(kind, training, data):
    fusion = make(kind).train(training)
    speech, speech_lens, text, text_lens, weights = batch(
        draw_rows(data, fusion)
    )
    distrusted = torch.tensor(
        [data.draw(st.booleans()) for _ in range(len(text))]
    )
    missing = text_lens.masked_fill(distrusted, 0.0)
    weights[distrusted] = weights[distrusted] * 0
    results = []
    for lens in (text_lens, missing):
        torch.manual_seed(0)
        results.append(fusion(speech, speech_lens, text, lens, weights))
    assert torch.equal(*results)
    assert results[0].isfinite().all()


@settings(deadline=None, max_examples=40)
@given(data=st.data(), step=st.sampled_from([1e-3, 1e-5]))
@pytest.mark.parametrize("kind", KINDS)
def test_a_small_change_of_weights_is_a_small_change(kind, data, step):
    fusion = make(kind)
    *inputs, weights = batch(draw_rows(data, fusion))
    scale = fusion(*inputs).abs().max() + 1
    for row, lens in zip(weights, inputs[3]):
        count = round(lens.item() * len(row))
        # Shares of tokens in a text jump as all weights vanish; what they
        # share out does not.
        row[:count] *= data.draw(st.sampled_from([0.0, step, 1.0]))
    changed = (weights + step * torch.rand_like(weights)).clamp(max=1)
    difference = fusion(*inputs, changed) - fusion(*inputs, weights)
    assert difference.abs().max() <= 100 * step * scale


@settings(deadline=None, max_examples=40)
@given(data=st.data(), extra=st.integers(0, 5))
@pytest.mark.parametrize("kind", KINDS)
def test_padding_and_batch_mates_change_nothing(kind, data, extra):
    fusion = make(kind)
    rows = draw_rows(data, fusion)
    together = fusion(*batch(rows))
    assert together.isfinite().all()
    assert_close(fusion(*batch(rows, extra)), together)
    order = data.draw(st.permutations(range(len(rows))))
    assert_close(fusion(*batch([rows[i] for i in order])), together[order])
    alone = torch.cat([fusion(*batch([row])) for row in rows])
    assert_close(alone, together)


@settings(deadline=None, max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("training", [False, True])
def test_gradients_are_finite(kind, training, data):
    fusion = make(kind).train(training)
    inputs = batch(draw_rows(data, fusion))
    for x in (inputs[0], inputs[2], inputs[4]):
        x.requires_grad_()
    fusion(*inputs).square().sum().backward()
    for x in (inputs[0], inputs[2]):
        assert x.grad.isfinite().all()
    for name, parameter in fusion.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("kind", KINDS)
def test_weights_matter(kind):
    fusion = make(kind)
    rows = [(*row, torch.rand(4)) for row in random_rows(fusion, [(5, 4)])]
    *inputs, weights = batch(rows)
    weighted = fusion(*inputs, weights)
    assert not torch.allclose(weighted, fusion(*inputs))
    assert not torch.allclose(weighted, fusion(*inputs, weights / 2))
    # Beside the mean, which tokens have the weight.
    assert not torch.allclose(weighted, fusion(*inputs, weights.roll(1, 1)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_tokens", [1, 3])
def test_nothing_to_rely_on(kind, n_tokens):
    fusion = make(kind)
    rows = random_rows(fusion, [(0, n_tokens)])
    for weight in (0.0, 1e-45, 1e-6):
        weights = torch.full((n_tokens,), weight)
        fused = fusion(*batch([(*rows[0], weights)]))
        empty = random_rows(fusion, [(0, 0)])
        nothing = fusion(*batch([(*empty[0], torch.ones(0))]))
        torch.testing.assert_close(fused, nothing, rtol=0, atol=1e-4)


# ---- by hand ---------------------------------------------------------------

SPEECH = torch.tensor([[2.0, 4.0]])
TEXT = torch.tensor([[8.0, 0.0], [0.0, 16.0]])
WEIGHTS = torch.tensor([0.75, 0.25])  # mean [6, 4], trust 0.5


def by_hand(kind, speech):
    fusion = build(kind, speech_size=2, text_size=2)
    return fusion(*batch([(speech, TEXT, WEIGHTS)])).flatten().tolist()


def test_concat_by_hand():
    assert by_hand(ConcatFusion, SPEECH) == [2, 4, 3, 2]
    assert by_hand(ConcatFusion, SPEECH[:0]) == [0, 0, 3, 2]


def test_mean_by_hand():
    expected = [(2 + 3) / 1.5, (4 + 2) / 1.5]
    assert by_hand(MeanFusion, SPEECH) == pytest.approx(expected)
    # Alone, the text goes to zeros with the trust in it, without a jump.
    assert by_hand(MeanFusion, SPEECH[:0]) == [3, 2]


def test_standardised_concat_by_hand():
    fusion = ConcatFusion(2, 2, standardize=["speech", "text"]).eval()
    fusion.standardize_text.running_mean += torch.tensor([1.0, 2.0])
    fusion.standardize_text.running_var.fill_(4.0)
    fused = fusion(*batch([(SPEECH, TEXT, WEIGHTS)]))[0, 2:]
    expected = 0.5 * (torch.tensor([6.0, 4.0]) - torch.tensor([1.0, 2.0])) / 2
    torch.testing.assert_close(fused, expected)


def test_statistics_are_those_of_trusted_texts():
    fusion = ConcatFusion(2, 2, standardize=["speech", "text"])
    text = torch.tensor([[[1.0, 1.0]], [[3.0, 5.0]], [[9.0, 9.0]]])
    weights = torch.tensor([[1.0], [1.0], [0.0]])
    fusion(torch.rand(3, 1, 2), torch.ones(3), text, torch.ones(3), weights)
    mean = fusion.standardize_text.running_mean
    torch.testing.assert_close(mean, torch.tensor([2.0, 3.0]))


@torch.no_grad()
def test_a_weight_is_how_often_a_token_counts():
    attend = CrossAttention(4, num_heads=2, dropout=0.0).eval()
    x, memory = torch.randn(1, 3, 4), torch.randn(1, 2, 4)
    weights = torch.tensor([[1.0, 0.5]])
    mask = torch.ones(1, 2, dtype=torch.bool)
    twice = memory[:, [0, 0, 1]]
    # The attention is scaled by the mean weight, 0.75, of what it would be.
    expected = attend.norm(x + 0.75 * attention_only(attend, x, twice))
    assert_close(attend(x, memory, mask, weights), expected)


def attention_only(attend, x, memory):
    """What a ``CrossAttention`` adds to the residual."""
    added = []
    hook = attend.out.register_forward_hook(
        lambda module, inputs, output: added.append(output)
    )
    attend(x, memory, torch.ones(memory.shape[:2], dtype=torch.bool))
    hook.remove()
    return added[0]


@pytest.mark.parametrize("kind", EQUAL_WIDTHS)
def test_weights_of_a_single_vector_scale_it(kind):
    fusion = build(kind)
    ((speech, text),) = random_rows(fusion, [(3, 1)])
    low = fusion(*batch([(speech, text, torch.tensor([0.25]))]))
    none = fusion(*batch([(speech, text, torch.tensor([0.0]))]))
    full = fusion(*batch([(speech, text, torch.tensor([1.0]))]))
    # On the straight line between, nearer to no text.
    along = (low - none) / (full - none)
    assert_close(along, along.mean().expand_as(along))
    assert 0.2 < along.mean() < 0.5


def test_pooling_with_weights():
    x = torch.tensor([[[1.0], [4.0], [torch.nan]]]).repeat(3, 1, 1)
    lens = torch.tensor([2 / 3, 2 / 3, 0.0])
    weights = torch.tensor([[0.1, 0.2, 0.3], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    pooled = MeanPooling(1)(x, lens, weights)
    assert_close(pooled, torch.tensor([[3.0], [0.0], [0.0]]))
    mask = torch.tensor([[True, True, False]] * 2 + [[False] * 3])
    expected = torch.tensor([[0.15], [0.0], [0.0]])
    assert_close(mean_weight(weights, mask), expected)


@torch.no_grad()
def test_the_halves_of_cross_attention():
    fusion = build(CrossAttentionFusion)
    ((speech, text),) = random_rows(fusion, [(5, 2)])
    weights = torch.tensor([0.2, 0.6])
    alone = fusion(*batch([(speech[:0], text, weights)])).chunk(2, dim=1)
    vectors = fusion.text_to_speech.norm(fusion.project_text(text))
    # The sum of weights times vectors, by the number of tokens.
    assert_close(alone[1][0], weights @ vectors / 2)
    assert not alone[0].any()
    both = fusion(*batch([(speech, text, weights)])).chunk(2, dim=1)
    half = fusion(*batch([(speech, text, weights / 2)])).chunk(2, dim=1)
    assert_close(half[1], both[1] / 2)
    assert not torch.allclose(half[0], both[0])


def plain_attention(q, k, v, attn_mask):
    """Attention as in the paper: over no key at all the softmax is NaN."""
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    return (scores + attn_mask).softmax(dim=-1) @ v


def test_cross_attention_is_finite_whatever_the_kernel(monkeypatch):
    fusion = build(CrossAttentionFusion)
    rows = random_rows(fusion, [(5, 2), (5, 2), (0, 2), (5, 0)])
    weights = [torch.zeros(2), torch.tensor([0.0, 0.5])] * 2
    inputs = batch([(*row, w[: len(row[1])]) for row, w in zip(rows, weights)])
    expected = fusion(*inputs)
    attention = "cross_attention.scaled_dot_product_attention"
    unmasked = fusion.text_to_speech.forward
    monkeypatch.setattr(
        fusion.text_to_speech,
        "forward",
        lambda x, memory, mask: unmasked(x, memory, mask, mask.float()),
    )
    monkeypatch.setattr(
        f"speechbrain_emotion.nnet.{attention}", plain_attention
    )
    actual = fusion(*inputs)
    assert_close(actual, expected)
    actual.sum().backward()
    for name, parameter in fusion.named_parameters():
        assert parameter.grad.isfinite().all(), name
