"""The features of Wav2Vec2-BERT against those of transformers."""

import pathlib

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from transformers import SeamlessM4TFeatureExtractor

from speechbrain_emotion.nnet.fbank import MAX_FRAMES, StackedFbank

GOLDEN = pathlib.Path(__file__).parents[3] / "shared" / "golden" / "audio"
EXTRACTOR = SeamlessM4TFeatureExtractor()
FBANK = StackedFbank()


def noise(samples, seed=0, scale=0.1):
    generator = np.random.default_rng(seed)
    return (scale * generator.standard_normal(samples)).astype(np.float32)


def reference(clips, **options):
    """Features and mask as transformers computes them."""
    out = EXTRACTOR(clips, sampling_rate=16000, return_tensors="pt", **options)
    return out["input_features"], out["attention_mask"].bool()


# 1, 2, 3, 4 frames; the last sample of a frame missing; an odd frame left.
@pytest.mark.parametrize("samples", [560, 719, 720, 880, 16000, 16159, 16160])
def test_equals_transformers(samples):
    clip = noise(samples)
    expected, mask = reference(clip)
    features, _ = FBANK(torch.from_numpy(clip)[None])
    torch.testing.assert_close(
        features, expected[mask][None], atol=1e-3, rtol=0
    )


def test_batch_equals_transformers():
    clips = [noise(9000), noise(16000, 1, 1e-3), noise(560, 2, 0.9)]
    expected, mask = reference(clips)
    wavs = torch.nn.utils.rnn.pad_sequence(
        [torch.from_numpy(clip) for clip in clips], batch_first=True
    )
    lens = torch.tensor([len(clip) / 16000 for clip in clips])
    features, feature_lens = FBANK(wavs, lens)
    counts = torch.round(feature_lens * features.shape[1]).long()
    assert counts.tolist() == mask.sum(1).tolist()
    for row, count in enumerate(counts.tolist()):
        torch.testing.assert_close(
            features[row, :count], expected[row, :count], atol=1e-3, rtol=0
        )
        assert not features[row, count:].any()


def test_long_clip_is_cut_after_the_normalisation():
    clip = noise(160 * (MAX_FRAMES + 5) + 240)
    clip[-800:] = 0.0  # inside the normalisation, outside the output
    expected, mask = reference(clip, max_length=MAX_FRAMES, truncation=True)
    features, _ = FBANK(torch.from_numpy(clip)[None])
    assert features.shape == (1, MAX_FRAMES // 2, 160)
    torch.testing.assert_close(features, expected, atol=1e-3, rtol=0)


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="needs ../shared/golden/audio")
def test_speech_equals_transformers():
    for file in sorted(GOLDEN.glob("*.wav")):
        clip, _ = soundfile.read(file, dtype="float32")
        expected, mask = reference(clip)
        features, _ = FBANK(torch.from_numpy(clip)[None])
        torch.testing.assert_close(
            features, expected[mask][None], atol=1e-4, rtol=0
        )


@settings(deadline=None, max_examples=20)
@given(
    samples=st.integers(560, 6000),
    padding=st.integers(1, 3000),
    garbage=st.sampled_from([0.0, 7.0, float("inf"), float("nan")]),
    kind=st.sampled_from(["noise", "tone", "silence", "constant"]),
)
def test_padding_does_not_matter(samples, padding, garbage, kind):
    time = torch.arange(samples) / 16000
    clip = {
        "noise": torch.from_numpy(noise(samples, samples)),
        "tone": torch.sin(2 * torch.pi * 200 * time),  # equal in every frame
        "silence": torch.zeros(samples),
        "constant": torch.full((samples,), 0.3),
    }[kind]
    alone, _ = FBANK(clip[None])
    wavs = torch.full((2, samples + padding), garbage)
    wavs[0, :samples] = clip
    wavs[1] = torch.from_numpy(noise(samples + padding, 1))
    lens = torch.tensor([samples / (samples + padding), 1.0])
    features, feature_lens = FBANK(wavs, lens)
    count = round((feature_lens * features.shape[1])[0].item())
    assert count == alone.shape[1]
    torch.testing.assert_close(features[0, :count], alone[0], atol=1e-5, rtol=0)


def test_silence_is_finite_and_has_a_gradient():
    wavs = torch.zeros(1, 4000, requires_grad=True)
    features, _ = FBANK(wavs)
    features.sum().backward()
    assert torch.isfinite(features).all()
    assert torch.isfinite(wavs.grad).all()


def test_gradient_reaches_true_samples_only():
    wavs = torch.from_numpy(np.stack([noise(4000), noise(4000, 1)]))
    wavs.requires_grad_()
    features, _ = FBANK(wavs, torch.tensor([1.0, 0.5]))
    features.square().mul(torch.rand_like(features)).sum().backward()
    assert wavs.grad[0, :3900].abs().min() > 0
    assert not wavs.grad[1, 2000:].any()


def test_reduced_precision_does_not_round_the_constants():
    wavs = torch.from_numpy(noise(4000))[None]
    expected, _ = FBANK(wavs)
    halved = StackedFbank().to(torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features, _ = halved(wavs)
    torch.testing.assert_close(features, expected, atol=1e-5, rtol=0)


def test_nothing_to_save():
    assert not FBANK.state_dict()
