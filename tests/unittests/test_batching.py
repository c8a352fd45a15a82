"""Utterances of similar length are computed together, answered in order."""

import inspect

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)

from speechbrain_emotion import EmotionClassifier
from speechbrain_emotion.inference import predictor
from speechbrain_emotion.inference.batching import make_batches


@settings(deadline=None)
@given(
    lengths=st.lists(st.floats(0.1, 100), max_size=60),
    limit=st.floats(0.5, 50),
)
def test_batches(lengths, limit):
    batches = make_batches(lengths, limit)
    assert sorted(i for batch in batches for i in batch) == [
        *range(len(lengths))
    ]
    longest = [max(lengths[i] for i in batch) for batch in batches]
    assert longest == sorted(longest)
    for batch, length in zip(batches, longest):
        assert len(batch) == 1 or len(batch) * length <= limit


@pytest.fixture(scope="module")
def classifier(tiny_folder):
    return EmotionClassifier.from_hparams(source=tiny_folder)


@pytest.fixture(scope="module")
def wavs():
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(600, 16000, (12,), generator=generator).tolist()
    return [0.1 * torch.randn(n, generator=generator) for n in lengths]


@settings(deadline=None, max_examples=15)
@given(data=st.data(), limit=st.floats(0.1, 20))
def test_answers_do_not_depend_on_batches_or_order(
    classifier, wavs, data, limit
):
    order = data.draw(st.permutations(range(len(wavs))))
    shuffled = classifier.predict(
        [wavs[i] for i in order], max_batch_length=limit
    )
    for i, prediction in zip(order, shuffled):
        alone = classifier.predict(wavs[i])
        assert prediction.scores == pytest.approx(alone.scores, abs=1e-5)


def test_answers_come_while_the_rest_is_computed(
    classifier, wavs, samples, monkeypatch
):
    monkeypatch.setattr(predictor, "BATCHES_SORTED", 1)
    loaded = []
    load = classifier.load_audio
    monkeypatch.setattr(
        classifier, "load_audio", lambda path: loaded.append(path) or load(path)
    )
    clips = sorted(samples.glob("*.flac"))[:6]
    answers = classifier.predict_each(clips, max_batch_length=4.0)
    for n_answers in range(1, 7):
        assert next(answers).error is None
        assert len(loaded) <= n_answers + 2
    # A file that is not there waits for nobody.
    answers = classifier.predict_each(["gone.wav", clips[0]])
    assert "no audio file" in next(answers).error
    assert len(loaded) == 6


def test_many_bad_inputs_are_few_at_a_time(classifier, monkeypatch):
    monkeypatch.setattr(predictor, "MAX_SORTED", 3)
    names = (f"{i}.wav" for i in range(8))
    answers = classifier.predict([*names])
    assert [p.source for p in answers] == [f"{i}.wav" for i in range(8)]
    assert classifier.predict([]) == []


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), "60"])
def test_limits_that_are_none(classifier, wavs, limit):
    with pytest.raises(ValueError, match="max_batch_length must be a positive"):
        classifier.predict(wavs, max_batch_length=limit)


def test_the_command_line_has_the_same_default():
    from speechbrain_emotion.cli import build_parser

    args = build_parser().parse_args(["predict", "a.wav"])
    defaults = inspect.signature(EmotionClassifier.predict).parameters
    assert args.max_batch_length == defaults["max_batch_length"].default
