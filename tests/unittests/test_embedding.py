"""Embeddings of speech, text or both, and the model around them."""

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

from speechbrain_emotion.lobes.embedding import (
    MultimodalEmbedding,
    SpeechEmbedding,
    TextEmbedding,
)
from speechbrain_emotion.nnet.fusion import ConcatFusion
from speechbrain_emotion.nnet.pooling import MeanPooling, StatisticsPooling

# ---- what a model reads ----------------------------------------------------

WAVS = torch.randn(2, 8)
TEXTS = ["so", "sad"]


def test_modalities():
    assert build("speech").modalities == ("speech",)
    assert build("text").modalities == ("text",)
    for kind in FUSIONS:
        assert build(kind).modalities == ("speech", "text")
    encoders = build("mean").embedding_model.encoders
    assert [type(encoder) for encoder in encoders] == [Frames, Letters]
    assert len(build("speech").embedding_model.encoders) == 1
    assert len(build("text").embedding_model.encoders) == 1


@pytest.mark.parametrize("method", ["forward", "embed"])
@pytest.mark.parametrize(
    "kind, inputs, message",
    [
        ("speech", {"wavs": WAVS, "texts": TEXTS}, "text was given, but this"),
        ("speech", {"texts": TEXTS}, "text was given, .* only speech: leave"),
        ("text", {"wavs": WAVS, "texts": TEXTS}, "speech was given, but this"),
        ("text", {"wavs": WAVS}, "speech was given, .* only text: leave it"),
        ("speech", {}, "nothing to read: give speech$"),
        ("text", {}, "nothing to read: give text$"),
        ("concat", {}, "nothing to read: give speech or text$"),
        ("speech", {"wav_lens": torch.ones(2)}, "nothing to read"),
    ],
)
def test_what_is_given_must_be_what_is_read(kind, inputs, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(build(kind), method)(**inputs)


@torch.no_grad()
def test_forward_is_head_of_embedding():
    for kind, inputs in {
        "speech": {"wavs": WAVS},
        "text": {"texts": TEXTS},
        "concat": {"wavs": WAVS, "texts": TEXTS},
    }.items():
        model = build(kind)
        embedding = model.embed(**inputs)
        assert len(embedding) == 2 and embedding.ndim == 2
        assert torch.equal(model(**inputs), model.classifier(embedding))
        assert model(**inputs).shape == (2, 3)


@torch.no_grad()
def test_embeddings_by_hand():
    rows = [(8, "so"), (4, "sad")]
    wavs, wav_lens, texts = batch(rows)
    heard = build("speech").embed(wavs, wav_lens)
    frames = build("speech").embedding_model.encoder.layer
    read = build("text").embed(texts=texts)
    vectors = build("text").embedding_model.text_encoder.layer
    for row, (n, text) in enumerate(rows):
        steps = frames(wavs[row, :n].view(-1, 2))
        assert_close(heard[row], steps.mean(dim=0))
        codes = torch.tensor([*map(ord, f"^{text}")])
        assert_close(read[row], vectors(codes).mean(dim=0))
    for kind in ("concat", "mean"):
        model = build(kind)
        encoder = model.embedding_model.encoder
        letters = model.embedding_model.text_encoder
        speech = SpeechEmbedding(encoder, MeanPooling(SIZE))(wavs, wav_lens)
        text = TextEmbedding(letters)(texts=texts)
        expected = (
            torch.cat([speech, text], dim=1)
            if kind == "concat"
            else (speech + text) / 2
        )
        assert_close(model.embed(wavs, wav_lens, texts), expected)


@torch.no_grad()
def test_lengths_are_full_by_default():
    wavs = torch.randn(2, 8)
    for kind, texts in (("speech", None), ("concat", TEXTS)):
        model = build(kind)
        full = model(wavs, torch.ones(2), texts)
        assert torch.equal(model(wavs, texts=texts), full)
        assert not torch.equal(model(wavs, torch.tensor([1, 0.5]), texts), full)


@torch.no_grad()
def test_normaliser_and_projector_are_applied_in_order():
    torch.manual_seed(1)
    projector = nn.Linear(SIZE, SIZE)

    def double(wavs, wav_lens):
        assert wav_lens.tolist() == [1.0, 0.5]
        return 2 * wavs

    wavs, wav_lens = torch.randn(2, 8), torch.tensor([1.0, 0.5])
    plain = build("speech").embedding_model
    model = build("speech", normalizer=double, projector=projector)
    frames, lens = plain.encoder(2 * wavs, wav_lens)
    expected = plain.pooling(projector(frames), lens)
    assert_close(model.embed(wavs, wav_lens), expected)
    both = build("concat", normalizer=double, projector=projector)
    assert_close(both.embed(wavs, wav_lens, TEXTS)[:, :SIZE], expected)


# ---- dimensions ------------------------------------------------------------


def speech(encoder=SIZE, pooling=MeanPooling, taken=SIZE, projector=None):
    return SpeechEmbedding(Frames(encoder), pooling(taken), projector=projector)


def both(speech_size=SIZE, text_size=SIZE, taken=(SIZE, SIZE), projector=None):
    return MultimodalEmbedding(
        Frames(speech_size),
        Letters(text_size),
        ConcatFusion(*taken),
        projector=projector,
    )


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: speech(taken=4),
            "frames have 6 dimensions, but the MeanPooling .* takes 4",
        ),
        (
            lambda: speech(pooling=StatisticsPooling, taken=5),
            "frames have 6 dimensions, but the StatisticsPooling .* takes 5",
        ),
        (
            lambda: speech(projector=nn.Linear(4, SIZE)),
            "frames have 6 dimensions, but the Linear .* takes 4",
        ),
        (
            lambda: speech(projector=nn.Linear(SIZE, 4)),
            "frames have 4 dimensions, but the MeanPooling .* takes 6",
        ),
        (
            lambda: both(taken=(4, SIZE)),
            "frames have 6 dimensions, but the ConcatFusion .* takes 4",
        ),
        (
            lambda: both(taken=(SIZE, 4)),
            "text vectors have 6 dimensions, but the ConcatFusion .* takes 4",
        ),
        (
            lambda: both(speech_size=4),
            "frames have 4 dimensions, but the ConcatFusion .* takes 6",
        ),
        (
            lambda: both(projector=nn.Linear(5, SIZE)),
            "frames have 6 dimensions, but the Linear .* takes 5",
        ),
    ],
)
def test_dimensions_that_do_not_agree(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_dimensions_that_agree():
    speech(encoder=4, projector=nn.Linear(4, SIZE))
    both(
        speech_size=4,
        text_size=5,
        taken=(SIZE, 5),
        projector=nn.Linear(4, SIZE),
    )
    # What does not say its size is not checked.
    assert speech(projector=nn.Sequential(nn.Linear(SIZE, SIZE)))


# ---- missing modalities ----------------------------------------------------

some_rows = st.lists(
    st.tuples(
        st.sampled_from([0, 2, 4, 10]),
        st.sampled_from([None, "", "a", "so sad"]),
    ),
    min_size=1,
    max_size=5,
)


@torch.no_grad()
@settings(deadline=None, max_examples=40)
@given(rows=some_rows)
@pytest.mark.parametrize("kind", FUSIONS)
def test_missing_rows_equal_a_call_of_their_own(kind, rows):
    model = build(kind)
    together = model(*batch(rows))
    for row, (n, text) in enumerate(rows):
        wavs, wav_lens, texts = batch([(n, text)])
        assert_close(model(wavs, wav_lens, texts), together[row : row + 1])
        # None instead of a whole modality says the same.
        if text is None:
            assert_close(model(wavs, wav_lens), together[row : row + 1])
        if n == 0:
            assert_close(model(texts=texts), together[row : row + 1])


@torch.no_grad()
@pytest.mark.parametrize("kind", FUSIONS)
def test_encoders_get_the_rows_that_have_something(kind):
    model = build(kind)
    embedding = model.embedding_model
    frames, letters = embedding.encoder, embedding.text_encoder
    model(*batch([(4, "a"), (0, "b"), (6, None), (0, "c"), (0, None)]))
    assert (frames.seen, letters.seen) == ([2], [3])
    model(*batch([(0, "a"), (0, "b")]))
    assert (frames.seen, letters.seen) == ([2], [3, 2])
    model(*batch([(4, None)]))
    assert (frames.seen, letters.seen) == ([2, 1], [3, 2])


def test_a_missing_modality_gets_no_gradient():
    model = build("attention")
    rows = [(0, "a"), (4, None), (6, "so sad")]
    wavs, wav_lens, texts = batch(rows)
    wavs.requires_grad_()
    model(wavs, wav_lens, texts).square().sum().backward()
    assert (wavs.grad[0] == 0).all()
    assert (wavs.grad[2] != 0).all()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("texts", [["a"], ["a", "b", "c"]])
def test_as_many_texts_as_waveforms(texts):
    with pytest.raises(ValueError):
        build("concat")(WAVS, None, texts)


# ---- modality dropout ------------------------------------------------------


def dropped(model, n_rows, rows=((4, "so sad"),)):
    """How often neither, speech or text is dropped, in training mode."""
    embedding = model.embedding_model.train()
    wavs, wav_lens, texts = batch([*rows] * n_rows)
    seen = {}

    def spy(speech, speech_lens, text, text_lens):
        seen["heard"], seen["read"] = speech_lens > 0, text_lens > 0
        return torch.zeros(len(speech), 2 * SIZE)

    embedding.fusion.forward = spy
    embedding(wavs, wav_lens, texts)
    return seen["heard"], seen["read"]


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_modality_dropout_takes_about_its_share(share):
    model = build("concat", modality_dropout=share)
    torch.manual_seed(3)
    n = 4000
    heard, read = dropped(model, n)
    assert (heard | read).all()
    for kept in (heard, read):
        # Five standard deviations of a binomial distribution.
        p = share / 2
        tolerance = 5 * (p * (1 - p) / n) ** 0.5
        assert (~kept).float().mean().item() == pytest.approx(p, abs=tolerance)


def test_modality_dropout_leaves_rows_with_one_modality():
    model = build("concat", modality_dropout=1.0)
    heard, read = dropped(model, 50, [(4, None), (0, "so sad"), (4, "a")])
    assert heard[0::3].all() and not read[0::3].any()
    assert read[1::3].all() and not heard[1::3].any()
    assert (heard[2::3] ^ read[2::3]).all()


def test_modality_dropout_is_random_from_call_to_call():
    model = build("concat", modality_dropout=0.5)
    torch.manual_seed(0)
    first, second = (dropped(model, 100)[0] for _ in range(2))
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(dropped(model, 100)[0], first)


@torch.no_grad()
@pytest.mark.parametrize("kind", FUSIONS)
def test_modality_dropout_is_for_training_only(kind):
    rows = batch([(4, "so sad")] * 20)
    plain = build(kind)
    model = build(kind, modality_dropout=1.0)
    assert torch.equal(model(*rows), plain(*rows))
    assert not torch.allclose(model.train()(*rows), plain(*rows))
    torch.manual_seed(0)
    without = build(kind).embedding_model.train()
    heard = []
    without.fusion.register_forward_hook(
        lambda module, inputs, out: heard.append((inputs[1], inputs[3]))
    )
    without(*rows)
    assert all((lens > 0).all() for lens in heard[0])


@torch.no_grad()
def test_a_row_that_loses_a_modality_is_a_row_without_it():
    model = build("concat", modality_dropout=1.0).embedding_model
    rows = batch([(4, "so sad")] * 20)
    model.train()
    torch.manual_seed(0)
    trained = model(*rows)
    model.eval()
    no_text = model(*batch([(4, None)]))[0]
    no_speech = model(*batch([(0, "so sad")]))[0]
    kinds = [
        [torch.allclose(row, expected, atol=1e-6) for row in trained]
        for expected in (no_text, no_speech)
    ]
    assert all(a != b for a, b in zip(*kinds))
    assert all(map(any, kinds))
