"""Texts that nobody gave."""

import inspect

import pytest
import torch
from local_models import Dictation, noise

from speechbrain_emotion import TextError, Transcript, Word, predict_emotion
from speechbrain_emotion.inference import options, published

SAID = Transcript("so sad", [Word("so", 0.1, 0.3), Word("sad", 0.4, 0.9, 0.5)])


@pytest.fixture
def listener():
    return Dictation(SAID)


@pytest.fixture
def default(monkeypatch, listener):
    """Stands in for Whisper; notes which languages are asked for."""
    listener.languages = []

    def choose(language=None, device=None):
        assert device == "cpu"
        listener.languages.append(language)
        return listener

    monkeypatch.setattr(options, "default_transcriber", choose)
    monkeypatch.setattr(published, "default_transcriber", choose)
    return listener


def test_without_a_text_it_is_transcribed(classifiers, clips, default):
    both = classifiers["concat"]
    found = both.predict(clips[0])
    assert found.scores == pytest.approx(
        both.predict(clips[0], "so sad").scores, abs=1e-6
    )
    assert (found.text, found.transcript) == ("so sad", SAID)
    assert found.transcribed and found.modalities == ("speech", "text")
    assert default.heard == [len(both.load_audio(clips[0]))]
    assert default.languages == [None]


def test_a_text_that_is_given_wins(classifiers, clips, default):
    both = classifiers["concat"]
    found = both.predict(clips[0], "so happy", transcriber=default)
    assert found.text == "so happy" and not found.transcribed
    transcript = Transcript("so happy", [Word("happy", 0.1, 0.3)])
    told = both.predict(clips[0], transcript, transcriber=default)
    assert told.transcript == transcript and told.scores == found.scores
    assert default.heard == []


def test_none_in_a_list_is_transcribed_only_if_asked(
    classifiers, clips, default
):
    both = classifiers["concat"]
    first, second = both.predict(clips[:2], ["so sad", None])
    assert second.modalities == ("speech",) and default.heard == []
    asked, heard = both.predict(
        clips[:2], ["so sad", None], transcriber=default
    )
    assert asked == first and len(default.heard) == 1
    assert heard.transcribed and heard.scores != second.scores
    all_heard = both.predict(clips)
    assert [p.transcribed for p in all_heard] == [True] * 3


def test_nothing_understood(classifiers, clips):
    nothing = Dictation(Transcript(""))
    both = classifiers["concat"]
    found = both.predict(clips[0], transcriber=nothing)
    [silent] = both.predict([clips[0]], [None])
    assert found.scores == pytest.approx(silent.scores, abs=1e-6)
    assert found.modalities == ("speech",) and found.text is None
    assert found.transcribed and found.transcript == Transcript("")
    reader = classifiers["text"]
    with pytest.raises(TextError, match="DFA_ANG_XX.flac' has no words"):
        reader.predict(clips[0], transcriber=nothing)
    failed, read = reader.predict([clips[0]] * 2, [None, "a"])
    assert "has no words" in failed.error and read.error is None


def test_a_model_that_only_reads_can_listen(classifiers, clips, default):
    reader = classifiers["text"]
    found = reader.predict(clips[0])
    assert found.scores == reader.predict(texts="so sad").scores
    assert found.modalities == ("text",)
    assert found.source == str(clips[0])
    wav = reader.predict(noise(20000))
    assert wav.scores == found.scores and default.heard[1] == 20000
    *_, labels = reader.classify_file(clips[0])
    assert labels == [found.label]


def test_a_long_talk_is_read_to_its_end(classifiers):
    """Text encoders take some hundred words at once."""
    reader = classifiers["text"]
    words = [
        Word("sad." if i % 10 == 9 else "so", i, i + 0.9) for i in range(400)
    ]
    text = " ".join(word.text for word in words)
    talk = Dictation(Transcript(text, words))
    found = reader.encode_utterance(noise(16000 * 401), transcriber=talk)
    half = reader.encode_batch(texts=[" ".join(text.split()[:200])])
    torch.testing.assert_close(found, half)
    end = [*words[:-1], Word("happy.", 399, 399.9)]
    other = Transcript(" ".join(word.text for word in end), end)
    changed = reader.encode_utterance(
        noise(16000 * 401), transcriber=Dictation(other)
    )
    assert not torch.allclose(found, changed)


@pytest.mark.parametrize("mode", ["text", "concat", "mean", "multihead"])
def test_the_published_call(mode, models, clips, default):
    call = {"mode": mode, "language": "es", "model_id": models / mode}
    if mode != "text":
        call["text_encoder"] = models / "bert"
    found = predict_emotion(clips[0], device="cpu", **call)
    told = predict_emotion(clips[0], "so sad", device="cpu", **call)
    assert found["scores"] == pytest.approx(told["scores"], abs=1e-6)
    assert found["transcript"] == "so sad"
    assert "text" in found["modalities"]
    assert default.languages == ["es"] and len(default.heard) == 1


def test_what_a_transcriber_makes_up(classifiers, clips):
    late = Dictation(Transcript("so", [Word("so", 0.0, 60.0)]))
    with pytest.raises(TextError, match="'so' ends at 60 s, but '.*' lasts"):
        classifiers["concat"].predict(clips[0], transcriber=late)
    failed, _ = classifiers["concat"].predict(
        clips[:2], ["a", None][::-1], transcriber=late
    )
    assert "is this the transcript of another file?" in failed.error
    both = classifiers["concat"]
    with pytest.raises(ValueError, match="the transcriber is a str: give one"):
        both.predict(clips[0], transcriber="base")
    with pytest.raises(ValueError, match="the transcriber is a type: give one"):
        both.predict(clips[0], transcriber=Dictation)
    with pytest.raises(ValueError, match="gave a str for '.*ANG_XX.flac'"):
        both.predict(clips[0], transcriber=Dictation("so sad"))


def test_a_transcript_of_another_file(classifiers, clips):
    other = Transcript("so", [Word("so", 0.0, 60.0)])
    with pytest.raises(TextError, match="'so' ends at 60 s, but '.*' lasts"):
        classifiers["concat"].predict(clips[0], other)


def test_the_signature_of_the_protocol():
    """Other transcribers are called as Whisper's."""
    from speechbrain_emotion import WhisperTranscriber

    theirs = inspect.signature(Dictation.transcribe)
    ours = inspect.signature(WhisperTranscriber.transcribe)
    assert list(theirs.parameters) == list(ours.parameters)
