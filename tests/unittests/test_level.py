"""Level normalisation."""

import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)

from speechbrain_emotion.nnet.lengths import true_lengths, valid_mask
from speechbrain_emotion.nnet.level import LevelNormalization


@settings(deadline=None, max_examples=30)
@given(gain_db=st.floats(-50, 20), n=st.integers(100, 2000))
def test_gain_does_not_matter(gain_db, n):
    torch.manual_seed(n)
    normalize = LevelNormalization(target_db=-26.0)
    wav = 0.1 * torch.randn(1, n)
    padded = torch.full((1, n + 50), float("nan"))
    padded[:, :n] = wav * 10 ** (gain_db / 20)
    out = normalize(padded, torch.tensor([n / (n + 50)]))
    reference = normalize(wav, torch.ones(1))
    torch.testing.assert_close(out[:, :n], reference, rtol=1e-4, atol=1e-6)
    assert (out[:, n:] == 0).all()
    rms = out[:, :n].square().mean().sqrt()
    torch.testing.assert_close(
        20 * torch.log10(rms).item(), -26.0, rtol=0, atol=1e-3
    )


def test_silence_stays_silent():
    out = LevelNormalization()(torch.zeros(1, 100), torch.ones(1))
    assert (out == 0).all()


def test_faint_noise_is_not_blown_up():
    out = LevelNormalization(floor_db=-80.0)(
        1e-7 * torch.ones(1, 100), torch.ones(1)
    )
    assert out.max() < 1e-4


@settings(max_examples=100)
@given(size=st.integers(1, 20_000_000), data=st.data())
def test_true_lengths_are_exact(size, data):
    n = data.draw(st.integers(max(1, size - 50), size))
    lens = torch.tensor([n], dtype=torch.float64) / size
    assert true_lengths(lens, size).item() == n
    if size < 8_000_000:  # float32 holds shares of 8 minutes at 16 kHz
        assert true_lengths(lens.float(), size).item() == n


def test_valid_mask():
    mask = valid_mask(torch.tensor([1.0, 1 / 3]), 3)
    assert mask.tolist() == [[True] * 3, [True, False, False]]
