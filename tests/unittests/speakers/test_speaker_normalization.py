"""Normalising embeddings by what is known of a speaker."""

import math

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)

from speechbrain_emotion.lobes.embedding import (
    MultimodalEmbedding,
    SpeechEmbedding,
    TextEmbedding,
)
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.nnet.fusion import (
    ConcatFusion,
    CrossAttentionFusion,
    MeanFusion,
)
from speechbrain_emotion.nnet.head import LinearHead
from speechbrain_emotion.nnet.pooling import MeanPooling
from speechbrain_emotion.nnet.speaker import SpeakerNormalization

DIM = 5
seeds = st.integers(0, 2**32 - 1)
no_deadline = settings(deadline=None, max_examples=25)


class Hears(torch.nn.Identity):
    modalities = ("speech",)
    output_size = DIM


def trained(seed=0, prior_utterances=8):
    """A normalisation that has learnt some mean."""
    torch.manual_seed(seed)
    normalize = SpeakerNormalization(DIM, prior_utterances)
    normalize(3 * torch.randn(4, DIM))
    return normalize.eval()


def bits(tensor):
    """What tells -0.0 from 0.0, and has NaN equal to itself."""
    kinds = {2: torch.int16, 4: torch.int32}
    return tensor.view(kinds[tensor.element_size()])


@pytest.mark.parametrize("trains", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_without_a_profile_nothing_changes(trains, dtype):
    embeddings = torch.tensor([[-0.0, 1e-40, torch.inf, torch.nan, 2.5]])
    embeddings = embeddings.to(dtype)
    normalized = trained().train(trains)(embeddings)
    assert torch.equal(bits(normalized), bits(embeddings))


@no_deadline
@given(
    seed=seeds,
    trains=st.booleans(),
    counts=st.lists(st.sampled_from([0, 0, 1, 7, 70000]), min_size=1),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
)
def test_rows_without_a_profile_keep_every_bit(seed, trains, counts, dtype):
    normalize = trained(seed)
    counts = torch.tensor(counts)
    embeddings = torch.randn(len(counts), DIM).to(dtype)
    embeddings[:, 0] = -0.0
    means = torch.randn(len(counts), DIM)
    means[counts == 0] = math.nan
    normalized = normalize.train(trains)(embeddings, (means, counts))
    there = counts > 0
    assert torch.equal(bits(normalized[~there]), bits(embeddings[~there]))
    assert normalized.dtype == dtype
    assert normalized.isfinite().all()
    assert (normalized[there] != embeddings[there]).any(dim=1).all()


@no_deadline
@given(
    seed=seeds,
    counts=st.lists(st.integers(1, 10**6), min_size=2, unique=True),
    prior=st.floats(0.1, 100),
)
def test_more_utterances_bring_a_speaker_nearer(seed, counts, prior):
    normalize = trained(seed, prior)
    mean = torch.randn(1, DIM)
    counts = torch.tensor(sorted(counts))
    rows = mean.expand(len(counts), -1)
    # In double precision rounding does not hide the order.
    moved = normalize.double()(rows.double(), (rows.double(), counts))
    before = (mean - normalize.mean).squeeze(0)
    after = moved - normalize.mean
    left = after / before
    assert ((left > 0) & (left < 1)).all()
    assert (left.diff(dim=0) < 0).all()
    expected = prior / (counts.double() + prior)
    torch.testing.assert_close(left, expected[:, None].expand_as(left))


@pytest.mark.parametrize("prior", [0.5, 1, 8, 40])
def test_the_prior_is_where_half_is_taken_out(prior):
    normalize = trained(prior_utterances=prior)
    embeddings, means = torch.randn(2, 1, DIM)
    normalized = normalize(embeddings, (means, torch.tensor([prior])))
    expected = embeddings + (normalize.mean - means) / 2
    torch.testing.assert_close(normalized, expected)


@pytest.mark.parametrize("prior", [0, -1, math.inf, math.nan])
def test_priors_that_are_none(prior):
    with pytest.raises(ValueError, match="prior_utterances=.*positive"):
        SpeakerNormalization(DIM, prior)


def test_differences_within_a_speaker_stay():
    embeddings = torch.randn(2, DIM)
    profiles = torch.ones(2, DIM), torch.tensor([3, 3])
    normalized = trained()(embeddings, profiles)
    torch.testing.assert_close(normalized.diff(dim=0), embeddings.diff(dim=0))


@no_deadline
@given(seed=seeds, data=st.data())
def test_rows_know_nothing_of_each_other(seed, data):
    normalize = trained(seed)
    counts = data.draw(st.lists(st.integers(0, 20), min_size=2, max_size=6))
    counts = torch.tensor(counts)
    order = data.draw(st.permutations(range(len(counts))))
    embeddings, means = torch.randn(2, len(counts), DIM)
    together = normalize(embeddings, (means, counts))
    shuffled = normalize(embeddings[order], (means[order], counts[order]))
    assert torch.equal(shuffled, together[order])
    for i, row in enumerate(together):
        alone = slice(i, i + 1)
        (by_itself,) = normalize(
            embeddings[alone], (means[alone], counts[alone])
        )
        assert torch.equal(by_itself, row)


@no_deadline
@given(seed=seeds, sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_learns_the_average_of_the_means_of_batches(seed, sizes):
    torch.manual_seed(seed)
    batches = [torch.randn(n, DIM) + n for n in sizes]
    normalize = SpeakerNormalization(DIM)
    for batch in batches:
        profiles = torch.randn(len(batch), DIM), torch.full([len(batch)], 5)
        normalize(batch, profiles)  # which have no part in it
        normalize.eval()(batch - 100)
        normalize.train()
    expected = torch.stack([batch.mean(dim=0) for batch in batches]).mean(dim=0)
    torch.testing.assert_close(normalize.mean, expected)
    assert normalize.n_batches == len(batches)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_batch_that_overflowed_teaches_nothing(bad):
    normalize = SpeakerNormalization(DIM)
    normalize(torch.full((2, DIM), bad))
    good = torch.randn(3, DIM)
    normalize(good)
    normalize(torch.tensor([[bad, 1.0, 1.0, 1.0, 1.0]]))
    torch.testing.assert_close(normalize.mean, good.mean(dim=0))


def test_half_precision_is_averaged_in_full():
    batch = torch.tensor([[1.0], [1.0078125]]).bfloat16()  # neighbours
    normalize = SpeakerNormalization(1)
    normalize(batch)
    assert normalize.mean == 1.00390625


def test_learns_nothing_from_gradients():
    normalize = SpeakerNormalization(DIM)
    embeddings = torch.randn(3, DIM, requires_grad=True)
    profiles = torch.full((3, DIM), math.nan), torch.tensor([0, 0, 0])
    normalize(embeddings, profiles).sum().backward()
    assert not list(normalize.parameters())
    assert normalize.mean.grad_fn is None
    # The mean of a batch is a constant, and so is that of a speaker.
    assert torch.equal(embeddings.grad, torch.ones(3, DIM))


def test_goes_on_from_a_checkpoint():
    normalize, again = SpeakerNormalization(DIM), SpeakerNormalization(DIM)
    normalize(torch.ones(2, DIM))
    again.load_state_dict(normalize.state_dict())
    for module in (normalize, again):
        module(torch.full((2, DIM), 4.0))
    assert torch.equal(again.mean, torch.full([DIM], 2.5))
    assert torch.equal(again.mean, normalize.mean)


def test_lies_between_embedding_and_classifier():
    head = LinearHead(DIM, 3).eval()
    normalize = trained()
    model = EmotionModel(Hears(), head, normalize).eval()
    embeddings, means = torch.randn(2, 4, DIM)
    profiles = means, torch.tensor([0, 1, 5, 50])
    assert torch.equal(
        model(embeddings=embeddings, profiles=profiles),
        head(normalize(embeddings, profiles)),
    )
    bare = EmotionModel(Hears(), head).eval()
    unknown = model(embeddings=embeddings)
    assert torch.equal(unknown, bare(embeddings=embeddings))
    with pytest.raises(ValueError, match="not trained with speaker profiles"):
        bare(embeddings=embeddings, profiles=profiles)


# ---- speech beside text ----------------------------------------------------


@no_deadline
@given(
    seed=seeds,
    trains=st.booleans(),
    heard=st.lists(st.booleans(), min_size=1, max_size=8),
)
def test_only_what_is_heard_is_moved(seed, trains, heard):
    normalize = trained(seed).train(trains)
    heard = torch.tensor(heard)
    speech = torch.randn(len(heard), DIM) * heard.unsqueeze(1)
    text = torch.randn(len(heard), 3)
    profiles = torch.randn(len(heard), DIM), torch.randint(1, 9, heard.shape)
    expected = trained(seed).train(trains)(
        speech[heard], tuple(x[heard] for x in profiles)
    )
    found = normalize(torch.cat([speech, text], dim=1), profiles)
    assert torch.equal(found[:, DIM:], text)
    assert torch.equal(found[heard, :DIM], expected)
    assert torch.equal(found[~heard, :DIM], speech[~heard])


def test_learns_only_from_what_is_heard():
    normalize = SpeakerNormalization(2)
    nothing = torch.tensor([0.0, 0.0, 9.0])
    normalize(torch.stack([torch.tensor([1.0, 3.0, 9.0]), nothing]))
    assert normalize.mean.tolist() == [1.0, 3.0]
    normalize(torch.stack([nothing, nothing]))
    assert normalize.mean.tolist() == [1.0, 3.0] and normalize.n_batches == 1


def test_speech_must_be_apart_from_text():
    head, normalize = LinearHead(2 * DIM, 3), SpeakerNormalization(DIM)

    def build(fusion, normalize=normalize):
        embed = MultimodalEmbedding(Hears(), Hears(), fusion)
        return EmotionModel(embed, head, normalize)

    assert build(ConcatFusion(DIM, DIM)).speaker_normalization is normalize
    for fusion in (MeanFusion, CrossAttentionFusion):
        expected = f"speaker_normalization: .* what {fusion.__name__} gives: "
        with pytest.raises(ValueError, match=expected):
            build(fusion(DIM, DIM))
        assert build(fusion(DIM, DIM), None).speaker_normalization is None
    with pytest.raises(ValueError, match="what TextEmbedding gives: "):
        EmotionModel(TextEmbedding(Hears()), head, normalize)


@pytest.mark.parametrize("size", [DIM - 1, DIM + 1])
def test_speech_has_the_size_of_the_normalization(size):
    head, normalize = LinearHead(DIM, 3), SpeakerNormalization(size)
    for embed in (
        SpeechEmbedding(Hears(), MeanPooling(DIM)),
        MultimodalEmbedding(Hears(), Hears(), ConcatFusion(DIM, DIM)),
    ):
        expected = f"is of {size} dimensions, but speech has 5 in the embedding"
        with pytest.raises(ValueError, match=expected):
            EmotionModel(embed, head, normalize)
