"""Words and character n-grams as vectors."""

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)

from speechbrain_emotion.lobes.embedding import TextEmbedding
from speechbrain_emotion.lobes.ngram_encoder import NgramEncoder

SPANISH = "¡Estoy muy feliz! ¿Y tú?"
texts = st.text(alphabet=" abcñéİ¡!?.", max_size=20)


def encoder(**arguments):
    torch.manual_seed(0)
    return NgramEncoder(
        **{"embedding_dim": 8, "n_buckets": 500, **arguments}
    ).eval()


def test_vector_of_a_word_is_the_mean_of_its_ngrams():
    model = encoder(shortest=3, longest=4)
    vectors, lens = model(["Ayer ayer"])
    assert lens.tolist() == [1.0]

    def mean(*grams):
        indexes = torch.tensor([model._index(gram) for gram in grams])
        return model.model.weight[indexes].mean(dim=0)

    alone = ["<ay", "aye", "yer", "er>", "<aye", "ayer", "yer>", "<ayer>"]
    torch.testing.assert_close(vectors[0, 0], mean(*alone, " ayer"))
    torch.testing.assert_close(vectors[0, 1], mean(*alone, "ayer ayer"))


@settings(max_examples=30, deadline=None)
@given(st.lists(texts, min_size=1, max_size=5), st.randoms())
def test_texts_do_not_depend_on_each_other(batch, random):
    embed = TextEmbedding(encoder())
    together = embed(texts=batch)
    order = list(range(len(batch)))
    random.shuffle(order)
    shuffled = embed(texts=[batch[i] for i in order])
    torch.testing.assert_close(shuffled, together[order])
    for text, vector in zip(batch, together, strict=True):
        torch.testing.assert_close(embed(texts=[text])[0], vector)


def test_offsets_are_those_of_the_vectors():
    model = encoder()
    batch = [SPANISH, "", "İo"]
    _, lens = model(batch)
    offsets = model.offsets(batch)
    counts = (lens * max(map(len, offsets))).round().int().tolist()
    assert counts == [len(spans) for spans in offsets] == [9, 1, 1]
    assert [SPANISH[a:b] for a, b in offsets[0]][:3] == ["¡", "Estoy", "muy"]


def test_hashes_are_the_same_in_every_process():
    # Of crc32, not of Python's own hash, which differs between processes.
    assert encoder(n_buckets=1000)._index("<ayer>") == 3798718602 % 1000


def test_dropout_is_of_training_only():
    model = encoder(dropout=0.5)
    assert torch.equal(model([SPANISH])[0], model([SPANISH])[0])
    model.train()
    assert not torch.equal(model([SPANISH])[0], model([SPANISH])[0])


def test_rebuilt_from_its_arguments():
    model = encoder(shortest=2, longest=3)
    copy = NgramEncoder(**model.export_arguments()).eval()
    copy.load_state_dict(model.state_dict())
    assert torch.equal(copy([SPANISH])[0], model([SPANISH])[0])


def test_no_more_words_are_remembered_than_asked(monkeypatch):
    monkeypatch.setattr(
        "speechbrain_emotion.lobes.ngram_encoder.KEPT_TOKENS", 2
    )
    model = encoder()
    with torch.no_grad():
        first = model([SPANISH])[0]
        assert len(model.known) <= 2
        torch.testing.assert_close(model([SPANISH])[0], first)


@pytest.mark.parametrize("shortest, longest", [(0, 3), (4, 3)])
def test_impossible_lengths_are_refused(shortest, longest):
    with pytest.raises(ValueError, match="shortest=.*longest="):
        encoder(shortest=shortest, longest=longest)
