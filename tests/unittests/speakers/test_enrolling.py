"""Speakers enrolled, and answers adapted by their profiles."""

import dataclasses
import logging
import shutil

import pytest
import torch
from adaptable_model import PRIOR, load_adaptable
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from local_models import build_both, noise, write

from speechbrain_emotion import AudioError, ProfileError, predict_emotion
from speechbrain_emotion.inference import published
from speechbrain_emotion.nnet.speaker import SpeakerNormalization


@pytest.fixture(scope="module")
def others(samples):
    """Six clips of another."""
    return sorted(samples.glob("1002*.flac"))


@pytest.fixture(scope="module")
def recording(classifier, clips):
    """More than the model hears at once, with a second of silence in it."""
    wavs = [classifier.load_audio(clip) for clip in clips]
    recording = torch.cat([*wavs, torch.zeros(16000), *wavs])
    assert recording.numel() > 2 * classifier.encoder.max_samples
    return recording


def by_hand(classifier, embeddings, profile):
    """Probabilities of embeddings of a speaker, as the issue has them."""
    model = classifier.mods.model
    count = profile.n_utterances
    difference = profile.mean - model.speaker_normalization.mean
    adapted = embeddings - count / (count + PRIOR) * difference
    with torch.no_grad():
        return model.classifier(adapted).softmax(dim=-1)


def rows(predictions):
    """The scores of predictions or segments as a tensor."""
    return torch.tensor([list(p.scores.values()) for p in predictions])


def close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)


# ---- enrolling -------------------------------------------------------------


def test_files_waveforms_and_folders_make_one_profile(
    classifier, clips, profile, tmp_path
):
    for clip, place in zip(clips, ["", "a", "a/b", "", "c", "c"]):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, tmp_path / place)
    (tmp_path / "notes.txt").write_text("not audio, and not looked at")
    wavs = tuple(classifier.load_audio(clip) for clip in clips)
    profiles = [classifier.enroll(x) for x in (wavs, tmp_path, str(tmp_path))]
    for again in (profile, *profiles):
        close(again.mean, profile.mean)
        assert again.mean.dtype == torch.float32
        assert again.n_utterances == len(clips)
        assert again.model == profile.model
    embeddings = [classifier.encode_utterance(clip) for clip in clips]
    close(profile.mean, torch.cat(embeddings).mean(dim=0))
    for one in (clips[0], wavs[0]):
        alone = classifier.enroll(one)
        assert alone.n_utterances == 1
        close(alone.mean, embeddings[0][0])


@settings(deadline=None, max_examples=4)
@given(order=st.permutations(range(6)))
def test_the_order_of_clips_does_not_matter(classifier, clips, profile, order):
    again = classifier.enroll([clips[i] for i in order])
    close(again.mean, profile.mean)
    assert again.n_utterances == 6


def test_a_long_recording_is_enrolled(classifier, recording, tmp_path):
    profile = classifier.enroll([write(tmp_path / "long.wav", recording)])
    assert profile.n_utterances == 1
    close(profile.mean, classifier.encode_utterance(recording)[0])


def test_clips_that_cannot_be_used_are_left_out(
    classifier, clips, tmp_path, caplog
):
    (tmp_path / "broken.wav").write_text("not audio")
    good = [shutil.copy(clip, tmp_path) for clip in clips[:2]]
    write(tmp_path / "silent.wav", torch.zeros(16000))
    write(tmp_path / "tiny.wav", noise(100))
    gone = tmp_path / "gone.wav"
    mixed = [good[0], gone, torch.zeros(16000), good[1]]
    with caplog.at_level(logging.WARNING):
        from_folder = classifier.enroll(tmp_path)
    folder_warnings = [record.getMessage() for record in caplog.records]
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        from_list = classifier.enroll(mixed)
    list_warnings = [record.getMessage() for record in caplog.records]
    expected = classifier.enroll(good)
    for profile in (from_folder, from_list):
        assert profile.n_utterances == 2
        close(profile.mean, expected.mean)
    assert len(folder_warnings) == 3
    for name, warning in zip(
        ["broken.wav", "silent.wav", "tiny.wav"], sorted(folder_warnings)
    ):
        assert f"{tmp_path / name}" in warning
    assert len(list_warnings) == 2
    assert f"no audio file '{gone}'" in list_warnings[0]
    assert "utterance 3 of 4: the waveform is silent" in list_warnings[1]


def test_nothing_to_enroll_from(classifier, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    broken = tmp_path / "broken.wav"
    broken.write_text("not audio")
    missing = tmp_path / "missing"
    for inputs, error, message in [
        ([], AudioError, "no utterances of the speaker: give a list"),
        (empty, AudioError, f"'{empty}' is a folder without audio files"),
        (missing, FileNotFoundError, f"no folder or audio file '{missing}'"),
        (broken, AudioError, f"'{broken}' cannot be read as audio"),
        (tmp_path, AudioError, f"'{broken}' cannot be read as audio"),
        ([missing, broken], AudioError, f"'{missing}'.*(and 1 more)"),
        ([torch.zeros(9000)], AudioError, "utterance 1 of 1: .* is silent"),
        (torch.zeros(2, 9000), AudioError, "a waveform is mono"),
        ({"a": broken}, AudioError, "is of type dict"),
    ]:
        with pytest.raises(error, match=message):
            classifier.enroll(inputs)
    monkeypatch.chdir(tmp_path)  # which an empty name is not
    with pytest.raises(FileNotFoundError, match="no folder or audio file ''"):
        classifier.enroll("")


def test_progress(classifier, clips, capsys):
    classifier.enroll(clips[:2])
    assert not capsys.readouterr().err
    classifier.enroll(clips[:2], progress=True)
    assert "2/2" in capsys.readouterr().err


# ---- adapting --------------------------------------------------------------


def test_every_way_to_ask_gives_the_adapted_answer(
    classifier, clips, others, profile
):
    embeddings = torch.cat([classifier.encode_utterance(x) for x in others])
    expected = by_hand(classifier, embeddings, profile)
    plain = rows(classifier.predict(others))
    assert (expected - plain).abs().max() > 0.01
    wav = classifier.load_audio(others[0])
    first = expected[:1]
    close(classifier.classify_batch(wav, profiles=profile)[0].exp(), first)
    close(classifier(wav, profiles=[profile])[0].exp(), first)
    log_probs, score, index, labels = classifier.classify_file(
        others[0], profile=profile
    )
    close(log_probs.exp(), first)
    assert score == log_probs.max() == log_probs[0, index[0]]
    assert labels == [classifier.labels[index[0]]]
    one = classifier.predict(others[0], profiles=profile)
    assert one.enrolled == one.to_dict()["enrolled"] == 6
    close(rows([one]), first)
    for predictions in (
        classifier.predict(others, profiles=profile),
        classifier.predict(others, profiles=[profile] * 6, max_batch_length=3),
        list(classifier.predict_each(others, profiles=(profile,) * 6)),
    ):
        assert [p.enrolled for p in predictions] == [6] * 6
        close(rows(predictions), expected)
    unknown = classifier.predict(others[0])
    assert unknown.enrolled == 0
    assert torch.equal(
        rows([unknown]), rows([classifier.predict(others[0], profiles=None)])
    )


@settings(deadline=None, max_examples=10)
@given(known=st.lists(st.booleans(), min_size=6, max_size=6))
def test_profiles_leave_the_other_rows_alone(
    classifier, clips, others, profile, known
):
    profiles = [profile if there else None for there in known]
    known = torch.tensor(known)
    wavs = torch.stack([noise(8000, seed) for seed in range(6)])
    plain = classifier.classify_batch(wavs)[0]
    adapted = classifier.classify_batch(wavs, profiles=profiles)[0]
    assert torch.equal(adapted[~known], plain[~known])
    assert (adapted != plain)[known].any(dim=1).all()
    expected = by_hand(classifier, classifier.encode_batch(wavs), profile)
    close(adapted[known].exp(), expected[known])

    plain = classifier.predict(clips)
    adapted = classifier.predict(clips, profiles=profiles)
    assert [p.enrolled for p in adapted] == (known * 6).tolist()
    for there, new, old in zip(known, adapted, plain):
        assert there or new == old


def test_each_row_is_adapted_by_its_own_profile(
    classifier, clips, others, tmp_path
):
    lengths = [30000, 9000, 50000, 400, 20000, 90000]  # answered by length
    wavs = [noise(n, seed) for seed, n in enumerate(lengths)]
    broken = tmp_path / "broken.wav"
    broken.write_text("not audio")
    profiles = [
        classifier.enroll(others[:2]),
        None,
        classifier.enroll(others[:3]),
        classifier.enroll(clips[:4]),
        None,
        classifier.enroll(clips[:5]),
    ]
    together = classifier.predict(
        [*wavs, broken], profiles=[*profiles, profiles[0]], max_batch_length=4
    )
    assert [p.enrolled for p in together] == [2, 0, 3, 4, 0, 5, 0]
    assert "broken.wav" in together.pop().error
    alone = [
        classifier.predict(wav, profiles=profile)
        for wav, profile in zip(wavs, profiles)
    ]
    close(rows(together), rows(alone))


@pytest.mark.parametrize("long", [False, True])
def test_segments_are_adapted_too(classifier, clips, recording, profile, long):
    wav = recording if long else recording[:60000]
    asked = {"segments": "windows", "window_seconds": 1.5}
    plain = classifier.predict(wav, **asked)
    answer = classifier.predict(wav, profiles=profile, **asked)
    assert answer.enrolled == 6 and plain.enrolled == 0
    whole = classifier.encode_utterance(wav)
    close(rows([answer]), by_hand(classifier, whole, profile))
    bounds = [(s.start, s.end) for s in answer.segments if s.scores]
    embeddings, answered = classifier.encode_segments([wav], bounds)
    assert answered.all() and len(bounds) > 1
    close(
        rows([s for s in answer.segments if s.scores]),
        by_hand(classifier, embeddings, profile),
    )
    _, listed = classifier.predict(
        [recording[:9000], wav], profiles=[None, profile], **asked
    )
    close(rows(listed.segments[:2]), rows(answer.segments[:2]))
    for new, old in zip(answer.segments, plain.segments):
        assert bool(new.scores) == bool(old.scores)
        assert new.scores != old.scores or not old.scores


def test_long_recordings_are_adapted(classifier, recording, profile, tmp_path):
    path = write(tmp_path / "long.wav", recording)
    embedding = classifier.encode_utterance(path)
    expected = by_hand(classifier, embedding, profile)
    close(rows([classifier.predict(path, profiles=profile)]), expected)
    close(classifier.classify_file(path, profile=profile)[0].exp(), expected)
    batch = torch.stack([recording, recording.flip(0)])
    probs = classifier.classify_batch(batch, profiles=[profile, None])[0].exp()
    close(probs[:1], expected)
    assert torch.equal(probs[1], classifier.classify_batch(batch)[0][1].exp())


def test_a_model_of_both_is_adapted(monkeypatch):
    classifier = build_both()
    fusion = classifier.mods.model.embedding_model.fusion
    normalization = SpeakerNormalization(fusion.speech_size, PRIOR).eval()
    normalization.mean.fill_(0.5)
    classifier.mods.model.speaker_normalization = normalization
    # No texts are asked for, and none are transcribed.
    monkeypatch.setattr(
        "speechbrain_emotion.inference.options.default_transcriber", None
    )
    profile = classifier.enroll([noise(4800, 2), noise(3200, 3)])
    assert profile.mean.shape == (fusion.speech_size,)
    wavs = [noise(3200), None, noise(6400, 1), noise(20000)]
    texts = ["oh", "no words", None, "well"]
    profiles = [profile, profile, None, profile]
    answers = classifier.predict(wavs, texts, profiles=profiles)
    # Where nothing is heard, nothing is adapted.
    assert [p.enrolled for p in answers] == [2, 0, 0, 2]
    plain = classifier.predict(wavs, texts)
    assert answers[1:3] == plain[1:3]
    for i in (0, 3):
        assert answers[i].modalities == plain[i].modalities
        assert answers[i].scores != plain[i].scores
        embedding = classifier.encode_utterance(wavs[i], texts[i])
        speech, text = embedding.split(fusion.speech_size, dim=1)
        weight = 2 / (2 + PRIOR)
        moved = speech + weight * (normalization.mean - profile.mean)
        adapted = torch.cat([moved, text], dim=1)
        log_probs, *_ = classifier.classify_embeddings(adapted)
        close(rows([answers[i]]), log_probs.exp())


def test_threads_do_not_change_adapted_answers(classifier, clips, others):
    threads = torch.get_num_threads()
    answers = []
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            profile = classifier.enroll(clips[:1])
            answer = classifier.predict(others[0], profiles=profile)
            answers.append(rows([answer]))
    finally:
        torch.set_num_threads(threads)
    close(*answers)


def test_predict_emotion_takes_a_profile(
    classifier, others, profile, monkeypatch
):
    clip = others[0]
    asked = {"audio_path": clip, "mode": "audio", "profile": profile}
    monkeypatch.setattr(published, "load_classifier", lambda *_: classifier)
    answer = predict_emotion(**asked)
    expected = classifier.predict(clip, profiles=profile)
    assert (
        answer["scores"] == expected.scores != classifier.predict(clip).scores
    )
    assert answer["top_label"] == expected.label
    assert answer["enrolled"] == profile.n_utterances
    assert "enrolled" not in predict_emotion(clip, mode="audio")
    other = dataclasses.replace(profile, model="another")
    with pytest.raises(ProfileError, match="made by another model"):
        predict_emotion(**{**asked, "profile": other})
    bare = load_adaptable(adaptable=False)
    monkeypatch.setattr(published, "load_classifier", lambda *_: bare)
    with pytest.raises(ValueError, match="not trained with speaker profiles"):
        predict_emotion(**asked)
