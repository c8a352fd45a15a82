"""Pieces of an utterance: encoded together, embedded one by one."""

import pytest
import torch
from embedding_cases import FUSIONS, SIZE, assert_close, batch, build
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from torch import nn

from speechbrain_emotion.lobes.embedding import SpeechEmbedding
from speechbrain_emotion.lobes.pieces import cut_pieces, join_pieces
from speechbrain_emotion.nnet.lengths import true_lengths
from speechbrain_emotion.nnet.pooling import AttentiveStatisticsPooling

some_spans = st.lists(
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(0, 9)).map(
            lambda ends: slice(min(ends), max(ends))
        ),
        max_size=6,
    ),
    min_size=1,
    max_size=4,
).filter(any)


def one_by_one(frames, frame_lens, spans):
    """The frames of each piece."""
    counts = true_lengths(frame_lens, frames.shape[1]).tolist()
    return [
        row[:count][span]
        for row, count, slices in zip(frames, counts, spans)
        for span in slices
    ]


def draw_frames(data, spans):
    torch.manual_seed(data.draw(st.integers(0, 99)))
    frames = torch.randn(len(spans), data.draw(st.integers(9, 12)), SIZE)
    lens = [data.draw(st.sampled_from([1.0, 0.5, 0.1, 0.0])) for _ in spans]
    return frames, torch.tensor(lens)


@settings(deadline=None, max_examples=100)
@given(spans=some_spans, data=st.data())
def test_groups_have_all_pieces_and_are_no_larger_than_the_batch(spans, data):
    frames, lens = draw_frames(data, spans)
    expected = one_by_one(frames, lens, spans)
    found = []
    for indexes, pieces, piece_lens in cut_pieces(frames, lens, spans):
        assert pieces.shape[0] * pieces.shape[1] <= len(frames[..., 0].ravel())
        counts = true_lengths(piece_lens, pieces.shape[1]).tolist()
        for i, piece, count in zip(indexes, pieces, counts, strict=True):
            assert torch.equal(piece[:count], expected[i])
            found.append(i)
    assert sorted(found) == list(range(len(expected)))


def test_words_of_a_window_need_little_memory():
    frames = torch.randn(1, 500, 4)
    words = [slice(12 * i, 12 * i + 9 + i % 4) for i in range(40)]
    spans = [[*words, slice(0, 500)]]
    groups = [
        pieces.shape[:2]
        for _, pieces, _ in cut_pieces(frames, torch.ones(1), spans)
    ]
    # The whole alone, and all words in one group.
    assert [tuple(shape) for shape in groups] == [(1, 500), (40, 12)]


@settings(deadline=None, max_examples=50)
@given(order=st.permutations(range(6)), cut=st.integers(0, 6))
def test_join(order, cut):
    vectors = torch.arange(6.0).unsqueeze(-1)
    groups = [
        (group, vectors[group]) for group in (order[:cut], order[cut:]) if group
    ]
    assert torch.equal(join_pieces(groups), vectors)


@torch.no_grad()
@settings(deadline=None, max_examples=30)
@given(spans=some_spans, data=st.data())
def test_speech_pieces_equal_pooling_alone(spans, data):
    frames, lens = draw_frames(data, spans)
    encoder = nn.Module()
    encoder.output_size = SIZE
    encoder.forward = lambda wavs, wav_lens: (frames, lens)
    pooling = AttentiveStatisticsPooling(SIZE, attention_size=3)
    embedded = SpeechEmbedding(encoder, pooling)(
        frames[..., 0], lens, spans=spans
    )
    pieces = one_by_one(frames, lens, spans)
    assert len(embedded) == len(pieces)
    for vector, piece in zip(embedded, pieces):
        piece = piece.reshape(1, -1, SIZE)
        torch.testing.assert_close(
            vector, pooling(piece, torch.ones(1))[0], rtol=0, atol=1e-6
        )


@torch.no_grad()
@settings(deadline=None, max_examples=30)
@given(spans=some_spans, data=st.data())
@pytest.mark.parametrize("kind", FUSIONS)
def test_pieces_equal_utterances_of_their_frames(kind, spans, data):
    model = build(kind)
    rows = [
        (data.draw(st.sampled_from([2, 6, 18])), None)
        for _ in range(len(spans))
    ]
    wavs, wav_lens, _ = batch(rows)
    texts = [
        data.draw(st.sampled_from([None, "", "a", "so sad"]))
        for row in spans
        for _ in row
    ]
    embedded = model.embed(wavs, wav_lens, texts, spans)
    assert embedded.shape == (
        len(texts),
        model.embedding_model.fusion.output_size,
    )
    texts_left = iter(texts)
    vectors = iter(embedded)
    for wav, (n, _), slices in zip(wavs, rows, spans):
        for span in slices:
            # Two samples are a frame, which knows nothing of the others.
            part = wav[:n][2 * span.start : 2 * span.stop].unsqueeze(0)
            there = torch.tensor([float(part.shape[1] > 0)])
            if part.shape[1] == 0:
                part = torch.zeros(1, 2)
            alone = model.embed(part, there, [next(texts_left)])
            torch.testing.assert_close(
                next(vectors), alone[0], rtol=0, atol=1e-6
            )


@torch.no_grad()
@pytest.mark.parametrize("kind", ["speech", *FUSIONS])
def test_the_encoder_runs_once(kind):
    model = build(kind)
    wavs, wav_lens, _ = batch([(20, None), (10, None), (4, None)])
    spans = [[slice(0, 10), slice(3, 4), slice(5, 9)], [], [slice(0, 2)]]
    texts = None if kind == "speech" else ["a", "b", "a", None]
    model.embed(wavs, wav_lens, texts, spans)
    # The row without pieces is nobody's context.
    n_rows = 3 if kind == "speech" else 2
    assert model.embedding_model.encoder.seen == [n_rows]
    if texts:
        assert model.embedding_model.text_encoder.seen == [2]


@torch.no_grad()
@pytest.mark.parametrize("kind", ["speech", *FUSIONS])
def test_a_whole_row_is_what_it_is_without_spans(kind):
    model = build(kind)
    wavs, wav_lens, texts = batch([(20, "so"), (10, None), (0, "sad")])
    texts = None if kind == "speech" else texts
    assert_close(
        model.embed(wavs, wav_lens, texts, [[slice(None)]] * 3),
        model.embed(wavs, wav_lens, texts),
    )


def test_pieces_in_training():
    model = build("concat", modality_dropout=1.0).train()
    wavs, wav_lens, _ = batch([(20, None), (10, None)])
    spans = [[slice(0, 5), slice(5, 10)] * 10, [slice(0, 5)] * 10]
    torch.manual_seed(0)
    embedded = model.embed(wavs, wav_lens, ["so"] * 30, spans)
    speech, text = ((half != 0).any(1) for half in embedded.split(SIZE, dim=1))
    assert (speech ^ text).all() and speech.any() and text.any()
    embedded.sum().backward()
    assert model.embedding_model.encoder.layer.weight.grad.isfinite().all()


@pytest.mark.parametrize("n_texts", [2, 4])
def test_as_many_texts_as_pieces(n_texts):
    wavs, wav_lens, _ = batch([(20, None), (10, None)])
    spans = [[slice(0, 5), slice(5, 10)], [slice(0, 5)]]
    with pytest.raises(ValueError, match="3 utterances or pieces but"):
        build("concat").embed(wavs, wav_lens, ["a"] * n_texts, spans)


def test_as_many_rows_of_pieces_as_waveforms():
    wavs, wav_lens, _ = batch([(20, None), (10, None)])
    for kind in ("speech", "concat"):
        with pytest.raises(ValueError, match="2 utterances but 3 lists of"):
            build(kind).embed(wavs, wav_lens, spans=[[slice(0, 5)]] * 3)
