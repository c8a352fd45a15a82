"""Cuts are at pauses, and depend on the recording alone."""

import pytest
import torch
from hypothesis import (
    given,
    strategies as st,
)

from speechbrain_emotion.dataio.pauses import cut_at_pauses

RATE = 100
SIZE = 200  # samples of two seconds


def noise(n_samples, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(n_samples, generator=generator)


def cut(blocks, seconds=2.0):
    return list(cut_at_pauses(blocks, RATE, seconds))


@given(
    n_samples=st.integers(0, 1500),
    sizes=st.lists(st.integers(0, 500), max_size=50),
    seconds=st.floats(0.05, 5.0),
    seed=st.integers(0, 9),
)
def test_any_blocks(n_samples, sizes, seconds, seed):
    recording = noise(n_samples, seed)
    expected = cut([recording] if n_samples else [], seconds)
    blocks, position = [], 0
    for size in [*sizes, n_samples]:
        blocks.append(recording[position : position + size])
        position += size
    found = cut(iter(blocks), seconds)
    assert [first for first, _ in found] == [first for first, _ in expected]
    assert torch.equal(
        torch.cat([torch.empty(0), *(x for _, x in found)]), recording
    )
    position = 0
    size = int(seconds * RATE)
    for first, chunk in found:
        assert first == position and 1 <= len(chunk) <= size
        position += len(chunk)
    for _, chunk in found[:-1]:
        assert len(chunk) >= int(0.75 * size)


@pytest.mark.parametrize("start", range(150, 181, 6))
def test_a_pause_is_found(start):
    recording = noise(500)
    recording[start : start + 20] *= 0.01
    # The search takes steps of a twentieth of a pause.
    assert cut([recording])[1][0] == pytest.approx(start + 10, abs=1)


def test_a_pause_with_an_offset_is_found():
    recording = noise(500)
    recording[160:180] = 0
    assert cut([recording + 5.0])[1][0] == cut([recording])[1][0]


def test_pauses_before_the_last_quarter_do_not_count():
    recording = noise(500)
    recording[100:140] = 0
    recording[165:185] *= 0.5
    assert cut([recording])[1][0] == pytest.approx(175, abs=1)


def test_what_is_short_is_whole():
    for n_samples in (1, SIZE):
        assert [first for first, _ in cut([noise(n_samples)])] == [0]
    assert len(cut([noise(SIZE + 1)])) == 2
    assert cut([]) == cut([torch.empty(0)]) == []


def test_blocks_are_read_as_they_are_needed():
    read = []

    def blocks():
        for i in range(50):
            read.append(i)
            yield noise(50)

    chunks = cut_at_pauses(blocks(), RATE, 2.0)
    next(chunks)
    assert len(read) == 5
    next(chunks)
    assert len(read) <= 9


@pytest.mark.parametrize("block", [torch.zeros(()), torch.zeros(9, 2)])
def test_blocks_that_are_not_mono(block):
    with pytest.raises(ValueError, match="a block has the shape"):
        cut([block])


def test_too_short_chunks():
    with pytest.raises(ValueError, match="give at least 0.04 s"):
        cut([noise(9)], seconds=0.03)
