"""The tokenizer: ids, limits, files, threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from published_layouts import WORDS
from text_layouts import KINDS, LONG, TEXTS, texts_of_words
from transformers import AutoTokenizer

from speechbrain.utils.checkpoints import Checkpointer
from speechbrain_emotion.lobes.tokenizer import TextTokenizer
from speechbrain_emotion.utils.parameter_transfer import FolderPretrainer

# ---- the tokenizer ---------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_tokenizer_gives_the_ids_of_transformers(kind, folders):
    tokenizer = TextTokenizer(folders[kind])
    tokenizer.truncate(512)
    ids, lengths = tokenizer(TEXTS)
    expected = AutoTokenizer.from_pretrained(folders[kind])(
        TEXTS,
        padding=True,
        truncation=True,
        max_length=512,
        return_tensors="pt",
    )
    assert torch.equal(ids, expected["input_ids"])
    assert torch.equal(lengths, expected["attention_mask"].sum(dim=1))
    assert ids.dtype == torch.int64
    assert len(set(lengths.tolist())) > 3 and lengths.max() == 512


@settings(deadline=None, max_examples=25)
@given(texts=texts_of_words, limit=st.integers(3, 40))
@pytest.mark.parametrize("kind", KINDS)
def test_tokenizer_pads_to_the_longest_and_keeps_the_ends(
    kind, folders, texts, limit
):
    whole, cut = TextTokenizer(folders[kind]), TextTokenizer(folders[kind])
    cut.truncate(limit)
    pad = whole.backend.padding["pad_id"]
    all_lengths = whole(texts)[1]
    ids, lengths = cut(texts)
    assert torch.equal(lengths, all_lengths.clamp(max=limit))
    assert ids.shape == (len(texts), lengths.max())
    for row, length, text in zip(ids, lengths, texts):
        complete = whole([text])[0][0]
        assert torch.equal(row[: length - 1], complete[: length - 1])
        assert row[length - 1] == complete[-1]  # the end token
        assert (row[length:] == pad).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", [None, 7])
def test_saved_tokenizer_gives_the_same_ids(kind, limit, folders, tmp_path):
    tokenizer = TextTokenizer(folders[kind])
    if limit is not None:
        tokenizer.truncate(limit)
    tokenizer.save(tmp_path / "tokenizer.json")
    copy = TextTokenizer()
    copy.load(tmp_path / "tokenizer.json")
    for ours, theirs in zip(copy(TEXTS), tokenizer(TEXTS)):
        assert torch.equal(ours, theirs)


def test_limit_holds_for_a_file_loaded_later(folders, tmp_path):
    TextTokenizer(folders["bert"]).save(tmp_path / "tokenizer.json")
    tokenizer = TextTokenizer()
    tokenizer.truncate(7)
    tokenizer.load(tmp_path / "tokenizer.json")
    assert tokenizer([LONG])[1].tolist() == [7]
    tokenizer.load(tmp_path / "tokenizer.json")
    assert tokenizer([LONG])[1].tolist() == [7]


def test_the_smallest_limit_holds(folders):
    tokenizer = TextTokenizer(folders["bert"])
    for limit, expected in ((9, 9), (12, 9), (6, 6), (10**30, 6)):
        tokenizer.truncate(limit)
        assert tokenizer([LONG])[1].tolist() == [expected]


@pytest.mark.parametrize("first", ["limit", "file"])
def test_a_smaller_limit_in_the_file_holds(first, folders, tmp_path):
    saved = TextTokenizer(folders["bert"])
    saved.truncate(7)
    saved.save(tmp_path / "tokenizer.json")
    tokenizer = TextTokenizer()
    if first == "limit":  # as in an exported model
        tokenizer.truncate(512)
        tokenizer.load(tmp_path / "tokenizer.json")
    else:
        tokenizer.load(tmp_path / "tokenizer.json")
        tokenizer.truncate(512)
    assert tokenizer([LONG])[1].tolist() == [7]


@pytest.mark.parametrize("limit", [0, 1])
def test_a_limit_without_room_is_refused(limit, folders):
    tokenizer = TextTokenizer(folders["bert"])
    try:
        tokenizer.truncate(limit)
    except ValueError:
        return
    assert tokenizer([LONG])[1].item() <= limit


def test_pretrainer_and_checkpointer_load_the_tokenizer(folders, tmp_path):
    tokenizer = TextTokenizer(folders["bert"])
    tokenizer.truncate(7)
    tokenizer.save(tmp_path / "tokenizer.json")
    fetched = TextTokenizer()
    pretrainer = FolderPretrainer(
        {"tokenizer": fetched}, {"tokenizer": "tokenizer.json"}
    )
    pretrainer.collect_files(default_source=str(tmp_path))
    pretrainer.load_collected()
    Checkpointer(tmp_path / "save", {"t": tokenizer}).save_checkpoint()
    recovered = TextTokenizer()
    Checkpointer(tmp_path / "save", {"t": recovered}).recover_if_possible()
    for copy in (fetched, recovered):
        assert torch.equal(copy(TEXTS)[0], tokenizer(TEXTS)[0])


def test_tokenizer_that_is_not_loaded():
    tokenizer = TextTokenizer()
    tokenizer.truncate(7)
    with pytest.raises(RuntimeError, match="is not loaded: give it a `source`"):
        tokenizer(["so sad"])


def test_tokenizer_that_is_not_loaded_cannot_be_saved(tmp_path):
    with pytest.raises(RuntimeError, match="not loaded"):
        TextTokenizer().save(tmp_path / "tokenizer.json")


@pytest.mark.parametrize("kind", KINDS)
def test_tokenizer_in_many_threads(kind, folders):
    tokenizer = TextTokenizer(folders[kind])
    tokenizer.truncate(30)
    batches = [
        [" ".join(WORDS[:n]), " ".join(WORDS[n:]), LONG[: 10 * n]]
        for n in range(len(WORDS))
    ]
    expected = [tokenizer(batch) for batch in batches]
    barrier = threading.Barrier(8)

    def work(start):
        barrier.wait()
        order = [(start + n) % len(batches) for n in range(10 * len(batches))]
        return [(n, tokenizer(batches[n])) for n in order]

    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(work, range(8)):
            for n, (ids, lengths) in answers:
                assert torch.equal(ids, expected[n][0])
                assert torch.equal(lengths, expected[n][1])
