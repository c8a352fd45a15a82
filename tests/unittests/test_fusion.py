"""Fusions read the valid steps of the modalities present, and nothing else."""

import pytest
import torch
from fusion_cases import (
    EQUAL_WIDTHS,
    FUSIONS,
    MISSING,
    assert_close,
    build,
    fuse,
    pad,
    random_rows,
)
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from torch import nn
from torch.nn.functional import layer_norm

from speechbrain_emotion.nnet.cross_attention import CrossAttention
from speechbrain_emotion.nnet.fusion import (
    ConcatFusion,
    CrossAttentionFusion,
    MeanFusion,
    MultiHeadFusion,
)
from speechbrain_emotion.nnet.head import LinearHead
from speechbrain_emotion.nnet.standardization import FrozenStandardization

SPEECH, TEXT = 0, 1
UNUSED = ["Wq", "Wk", "Wq_reverse", "Wk_reverse", "norm"]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@settings(deadline=None, max_examples=40)
@given(
    lengths=st.lists(
        st.tuples(st.integers(0, 20), st.integers(0, 6)),
        min_size=1,
        max_size=5,
    ),
    extra=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    widths=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    data=st.data(),
)
@pytest.mark.parametrize("kind", FUSIONS)
def test_padding_and_batch_mates_change_nothing(
    kind, lengths, extra, widths, data
):
    torch.manual_seed(data.draw(st.integers(0, 99)))
    fusion = build(kind, *widths)
    rows = random_rows(fusion, lengths)
    together = fuse(fusion, rows)
    assert together.shape == (len(rows), fusion.output_size)

    assert_close(fuse(fusion, rows, extra), together)
    alone = torch.cat([fuse(fusion, [row]) for row in rows])
    assert_close(alone, together)
    order = data.draw(st.permutations(range(len(rows))))
    permuted = fuse(fusion, [rows[i] for i in order])
    assert_close(permuted, together[order])
    split = data.draw(st.integers(0, len(rows)))
    parts = [part for part in (rows[:split], rows[split:]) if part]
    assert_close(torch.cat([fuse(fusion, part) for part in parts]), together)


@pytest.mark.parametrize("kind", FUSIONS)
def test_gradients_are_finite_and_the_padding_gets_none(kind):
    fusion = build(kind).train()
    lengths = [*MISSING, (5, 4), (2, 1)]
    speeches, texts = zip(*random_rows(fusion, lengths))
    speech, speech_lens = pad(speeches, 2)
    text, text_lens = pad(texts, 2)
    out = fusion(
        speech.requires_grad_(), speech_lens, text.requires_grad_(), text_lens
    )
    out.square().sum().backward()
    for x in (speech, text):
        assert torch.isfinite(x.grad).all()
        padded = x.isnan()
        assert (x.grad[padded] == 0).all()
        assert (x.grad[~padded] != 0).all()
    for name, parameter in fusion.named_parameters():
        if parameter.requires_grad:
            assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("kind", FUSIONS)
def test_a_sequence_without_any_step_is_missing(kind):
    fusion = build(kind)
    speech = torch.randn(2, 5, fusion.speech_size)
    text = torch.full((2, 3, fusion.text_size), float("nan"))
    lens, none = torch.ones(2), torch.zeros(2)
    expected = fusion(speech, lens, text, none)
    assert_close(fusion(speech, lens, text[:, :0], none), expected)


@pytest.mark.parametrize("kind", [MultiHeadFusion, CrossAttentionFusion])
def test_dropout_is_for_training_only(kind):
    fusion = build(kind)
    rows = random_rows(fusion, [(5, 4)])
    assert torch.equal(fuse(fusion, rows), fuse(fusion, rows))
    fusion.train()
    assert not torch.equal(fuse(fusion, rows), fuse(fusion, rows))


@pytest.mark.parametrize("kind", EQUAL_WIDTHS)
def test_unequal_widths_are_refused(kind):
    with pytest.raises(ValueError, match="speech_size=4 and text_size=6"):
        kind(4, 6)


def test_concat_by_hand():
    fusion = build(ConcatFusion)
    rows = random_rows(fusion, [(7, 3), *MISSING])
    expected = torch.zeros(4, 10)
    expected[0, :4] = rows[0][0].mean(0)
    expected[0, 4:] = rows[0][1].mean(0)
    expected[1, 4:] = rows[1][1].mean(0)
    expected[2, :4] = rows[2][0].mean(0)
    assert_close(fuse(fusion, rows), expected)


def test_mean_by_hand():
    fusion = build(MeanFusion)
    rows = random_rows(fusion, [(7, 3), *MISSING])
    expected = torch.zeros(4, 4)
    expected[0] = (rows[0][0].mean(0) + rows[0][1].mean(0)) / 2
    expected[1] = rows[1][1].mean(0)
    expected[2] = rows[2][0].mean(0)
    assert_close(fuse(fusion, rows), expected)


def published_direction(query, key, value, norm, x, memory):
    """One direction of a published head, over sequences of length 1."""
    q, k, v = query(x), key(memory), value(memory)
    if norm is not None:
        q, k = norm(q), norm(k)
    weights = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(dim=-1)
    return weights @ v + v


def published_attention(fusion, speech, text):
    """What ``MultiHeadFusion`` leaves out included, [batch, dim] each."""
    a, t = speech.unsqueeze(1), text.unsqueeze(1)
    outputs = []
    for h in fusion.heads:
        forth = published_direction(h.Wq, h.Wk, h.Wv, h.norm, t, a)
        back = published_direction(
            h.Wq_reverse, h.Wk_reverse, h.Wv_reverse, None, a, t
        )
        outputs.append(h.linear_out(torch.cat([forth, back], dim=-1)))
    return fusion.proj(torch.cat(outputs, dim=-1)).squeeze(1)


def test_multihead_is_the_published_attention():
    fusion = build(MultiHeadFusion)
    rows = random_rows(fusion, [(7, 1), (3, 1), (1, 4)])
    speech = torch.stack([speech.mean(0) for speech, _ in rows])
    text = torch.stack([text.mean(0) for _, text in rows])
    expected = published_attention(fusion, speech, text)
    assert_close(fuse(fusion, rows), expected)


@pytest.mark.parametrize("missing", [SPEECH, TEXT])
def test_multihead_without_a_modality_has_zeros_for_its_value(missing):
    fusion = build(MultiHeadFusion)
    rows = random_rows(fusion, [MISSING[missing]])
    actual = fuse(fusion, rows)
    # With zeros as input only the bias would be left: take that away too.
    for head in fusion.heads:
        layer = head.Wv if missing == SPEECH else head.Wv_reverse
        nn.init.zeros_(layer.bias)
    speech, text = (
        x.mean(0, keepdim=True) if len(x) else torch.zeros(1, 4)
        for x in rows[0]
    )
    assert_close(actual, published_attention(fusion, speech, text))


def test_multihead_has_the_published_names_and_shapes():
    expected = {"proj.weight": (6, 48), "proj.bias": (6,)}
    square = ["Wq", "Wk", "Wv", "Wq_reverse", "Wk_reverse", "Wv_reverse"]
    for head in range(8):
        shapes = dict.fromkeys(square, (6, 6))
        shapes |= {"linear_out": (6, 12), "norm": (6,)}
        for layer, shape in shapes.items():
            expected[f"heads.{head}.{layer}.weight"] = shape
            expected[f"heads.{head}.{layer}.bias"] = (6,)
    state = MultiHeadFusion(6, 6).state_dict()
    assert {name: tuple(x.shape) for name, x in state.items()} == expected


def test_multihead_freezes_exactly_what_does_not_matter():
    fusion = build(MultiHeadFusion)
    rows = random_rows(fusion, [(7, 3), (2, 1)])
    before = fuse(fusion, rows)
    for name, parameter in list(fusion.named_parameters()):
        unused = name.split(".")[-2] in UNUSED
        assert parameter.requires_grad != unused, name
        original = parameter.detach().clone()
        nn.init.normal_(parameter)
        assert torch.equal(fuse(fusion, rows), before) == unused, name
        parameter.data.copy_(original)


def torch_attention(module):
    """``torch.nn.MultiheadAttention`` with a ``CrossAttention``'s weights."""
    size = module.query.in_features
    reference = nn.MultiheadAttention(
        size, module.num_heads, batch_first=True
    ).eval()
    layers = (module.query, module.key, module.value)
    weight = torch.cat([layer.weight for layer in layers])
    bias = torch.cat([layer.bias for layer in layers])
    reference.in_proj_weight.data.copy_(weight)
    reference.in_proj_bias.data.copy_(bias)
    reference.out_proj.load_state_dict(module.out.state_dict())
    return reference


def reference_direction(module, x, memory):
    attended, _ = torch_attention(module)(x, memory, memory)
    norm = module.norm
    normed = layer_norm(x + attended, x.shape[-1:], norm.weight, norm.bias)
    return normed.mean(dim=1)


@pytest.mark.parametrize("frames, tokens", [(9, 5), (1, 5), (9, 1)])
def test_cross_attention_agrees_with_torch(frames, tokens):
    fusion = build(CrossAttentionFusion)
    speech, text = torch.randn(3, frames, 4), torch.randn(3, tokens, 6)
    x, y = fusion.project_speech(speech), fusion.project_text(text)
    expected = torch.cat(
        [
            reference_direction(fusion.speech_to_text, x, y),
            reference_direction(fusion.text_to_speech, y, x),
        ],
        dim=-1,
    )
    lens = torch.ones(3)
    assert_close(fusion(speech, lens, text, lens), expected)


@pytest.mark.parametrize("missing", [SPEECH, TEXT])
def test_cross_attention_without_a_modality_adds_exactly_zero(missing):
    fusion = build(CrossAttentionFusion)
    # Beside a row with both, so that there is something to attend to.
    rows = random_rows(fusion, [MISSING[missing], (5, 4)])
    halves = fuse(fusion, rows)[0].chunk(2)
    assert (halves[missing] == 0).all()

    present = 1 - missing
    project = (fusion.project_speech, fusion.project_text)[present]
    attention = (fusion.speech_to_text, fusion.text_to_speech)[present]
    alone = attention.norm(project(rows[0][present])).mean(0)
    assert_close(halves[present], alone)


def plain_attention(q, k, v, attn_mask):
    """Attention as in the paper: over no key at all the softmax is NaN."""
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    return scores.masked_fill(~attn_mask, -torch.inf).softmax(dim=-1) @ v


def test_cross_attention_is_finite_whatever_the_kernel(monkeypatch):
    fusion = build(CrossAttentionFusion)
    rows = random_rows(fusion, [*MISSING, (5, 4)])
    expected = fuse(fusion, rows)
    module = "speechbrain_emotion.nnet.cross_attention"
    monkeypatch.setattr(
        f"{module}.scaled_dot_product_attention", plain_attention
    )
    actual = fuse(fusion, rows)
    assert_close(actual, expected)
    actual.sum().backward()
    for name, parameter in fusion.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name


def test_heads_must_share_the_attention_size():
    with pytest.raises(ValueError, match="3 heads cannot share 8"):
        CrossAttention(8, num_heads=3, dropout=0.0)


def test_standardised_concat_ignores_what_is_missing():
    fusion = ConcatFusion(
        speech_size=3, text_size=2, standardize=["speech", "text"]
    )
    speech, text = 5 + 2 * torch.randn(400, 4, 3), 3 * torch.randn(400, 1, 2)
    speech_lens = (torch.rand(400) < 0.7).float()
    text_lens = (torch.rand(400) < 0.7).float()
    fused = fusion(speech, speech_lens, text, text_lens)
    halves = fused.split([3, 2], dim=-1)
    for half, lens in zip(halves, (speech_lens, text_lens)):
        assert (half[lens == 0] == 0).all()
        there = half[lens > 0]
        torch.testing.assert_close(
            there.mean(dim=0), torch.zeros(half.shape[1]), rtol=0, atol=1e-4
        )
        torch.testing.assert_close(
            there.std(dim=0), torch.ones(half.shape[1]), rtol=0, atol=1e-2
        )
    # In evaluation by the same statistics, and each row alone.
    fusion.eval()
    again = fusion(speech, speech_lens, text, text_lens)
    torch.testing.assert_close(again, fused, rtol=0, atol=2e-2)
    row = fusion(speech[:1], speech_lens[:1], text[:1], text_lens[:1])
    torch.testing.assert_close(row, again[:1], rtol=0, atol=1e-5)


@pytest.mark.parametrize("standardize", [True, "text", ["text", "video"], None])
def test_only_modalities_are_standardised(standardize):
    with pytest.raises(ValueError, match="expected a list of 'speech', 'text'"):
        ConcatFusion(speech_size=3, text_size=2, standardize=standardize)


def test_one_modality_is_standardised():
    fusion = ConcatFusion(speech_size=1, text_size=1, standardize=["text"])
    values = torch.tensor([[[1.0]], [[3.0]]])
    fused = fusion(values, torch.ones(2), values, torch.ones(2))
    torch.testing.assert_close(
        fused, torch.tensor([[1.0, -1.0], [3.0, 1.0]]), rtol=0, atol=1e-4
    )


def test_frozen_statistics_are_those_of_a_head():
    torch.manual_seed(0)
    head = LinearHead(input_size=3, n_classes=2)
    frames = 5 + 2 * torch.randn(40, 3, 3)
    head(frames[:, 0])
    standardize = FrozenStandardization(3)
    with pytest.raises(ValueError, match="has no statistics: load those of"):
        standardize(frames)
    standardize.load_state_dict(head.standardize.state_dict())
    found = standardize.train()(frames)
    assert torch.equal(found, standardize.eval()(frames))
    expected = head.eval().standardize(frames.flatten(0, 1))
    torch.testing.assert_close(found.flatten(0, 1), expected)
    # Averaging over time comes to the same before it and after it.
    torch.testing.assert_close(
        found.mean(dim=1), standardize(frames.mean(dim=1))
    )
    assert standardize.num_batches_tracked == 1
    assert not list(standardize.parameters())


@pytest.mark.parametrize("n_there", [0, 1])
def test_standardised_concat_trains_on_a_single_row(n_there):
    fusion = ConcatFusion(
        speech_size=3, text_size=2, standardize=["speech", "text"]
    )
    lens = torch.zeros(4)
    lens[:n_there] = 1
    fused = fusion(
        torch.rand(4, 2, 3), lens, torch.rand(4, 1, 2), torch.ones(4)
    )
    assert fused.isfinite().all()
    assert (fused[n_there:, :3] == 0).all()
