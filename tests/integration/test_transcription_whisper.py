"""Whisper base itself: what it hears, when, and what it leaves alone."""

import csv
import math
import os
import re
import subprocess
import sys

import pytest
import torch

from speechbrain_emotion.dataio.audio import load_audio
from speechbrain_emotion.dataio.transcript import Transcript
from speechbrain_emotion.inference import transcription, whisper_models
from speechbrain_emotion.inference.transcription import WhisperTranscriber
from speechbrain_emotion.inference.voice_activity import speech_segments

RATE = 16000
SENTENCES = {
    "01": "kids are talking by the door",
    "02": "dogs are sitting by the door",
}
CLIPS = [
    "Actor_01/03-01-01-01-01-01-01.flac",
    "Actor_02/03-01-05-01-02-01-02.flac",
    "Actor_09/03-01-04-01-01-01-09.flac",
    "Actor_14/03-01-03-01-02-02-14.flac",
]


@pytest.fixture(scope="module")
def model(whisper_base):
    yield whisper_base
    whisper_models._models.clear()


@pytest.fixture(scope="module")
def english(model):
    return WhisperTranscriber(model, "en", device="cpu")


@pytest.fixture(scope="module")
def clips(shared):
    """Waveforms of four actors, with what they say."""
    folder = shared / "data" / "ravdess"
    return [
        (load_audio(folder / clip), SENTENCES[clip.split("-")[4]])
        for clip in CLIPS
    ]


@pytest.fixture
def called(monkeypatch):
    """Seconds of audio of each call of Whisper."""
    seconds = []
    run = transcription.run_whisper

    def count(model, device, samples, *args, **options):
        seconds.append(len(samples) / RATE)
        return run(model, device, samples, *args, **options)

    monkeypatch.setattr(transcription, "run_whisper", count)
    return seconds


def normalize(text):
    return " ".join(re.sub(r"[^\w\s]", " ", text.lower()).split())


def word_errors(truth, text):
    """Substitutions, deletions and insertions, as a share of the truth."""
    truth, text = normalize(truth).split(), normalize(text).split()
    row = list(range(len(text) + 1))
    for i, word in enumerate(truth, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(text, start=1):
            best = min(diagonal + (word != other), row[j] + 1, row[j - 1] + 1)
            diagonal, row[j] = row[j], best
    return row[-1] / len(truth)


def noise(seconds, level):
    generator = torch.Generator().manual_seed(0)
    return level * torch.randn(int(seconds * RATE), generator=generator)


def test_english_sentences(english, clips):
    state, n_threads = torch.get_rng_state(), torch.get_num_threads()
    for wav, sentence in clips:
        transcript = english.transcribe([wav])
        assert normalize(transcript.text) == sentence
        assert [normalize(x.text) for x in transcript.words] == sentence.split()
        assert transcript.language == "en"
        segments = speech_segments([wav])
        first, last = transcript.words[0], transcript.words[-1]
        assert first.start == pytest.approx(segments[0][0], abs=0.3)
        assert last.end == pytest.approx(segments[-1][1], abs=0.35)
        confidences = [word.confidence for word in transcript.words]
        assert all(0 < x <= 1 for x in confidences)
        assert sum(confidences) / len(confidences) > 0.6
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == n_threads


def test_spanish_and_the_wrong_language(shared, spanish, english):
    folder = shared / "data" / "spanish_clips"
    with open(folder / "manifest.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    errors = {}
    for transcriber in (spanish, english):
        found = [
            transcriber.transcribe([load_audio(folder / row["path"])])
            for row in rows
        ]
        assert {x.language for x in found} == {transcriber.language}
        rates = [word_errors(r["text"], t.text) for r, t in zip(rows, found)]
        errors[transcriber.language] = sum(rates) / len(rates)
    # The voice is synthetic.
    assert errors["es"] < 0.5
    assert errors["en"] > 0.9


def test_the_language_is_detected(model, clips, called):
    detecting = WhisperTranscriber(model, device="cpu")
    transcript = detecting.transcribe([clips[0][0]])
    assert transcript.language == "en"
    assert normalize(transcript.text) == clips[0][1]
    assert len(called) == 1


def count_in_place(transcript, chosen):
    """How many clips of a recording have their sentence, where they are."""
    start, n_right = 0.0, 0
    for wav, sentence in chosen:
        end = start + len(wav) / RATE
        passage = transcript.passage(start, end)
        words = passage.words if passage else []
        n_right += normalize(" ".join(x.text for x in words)) == sentence
        start = end
    return n_right


def test_longer_than_a_chunk(model, clips, called, monkeypatch):
    """36 s in chunks of 20 s: each sentence in its place."""
    cut = transcription.cut_at_pauses
    monkeypatch.setattr(
        transcription, "cut_at_pauses", lambda *args: cut(*args, seconds=20)
    )
    transcriber = WhisperTranscriber(model, "en", device="cpu")
    chosen = [clips[i % 4] for i in range(10)]
    transcript = transcriber.transcribe(wav for wav, _ in chosen)
    assert len(called) == 2 and max(called) <= 20
    assert count_in_place(transcript, chosen) >= 9


def test_longer_than_whisper_hears_at_once(english, clips, called):
    chosen = [clips[i % 4] for i in range(10)]
    transcript = english.transcribe([wav for wav, _ in chosen])
    assert len(called) == 1 and called[0] > 30
    assert count_in_place(transcript, chosen) >= 9


def test_noise_tones_and_silence(english, called):
    time = torch.arange(10 * RATE) / RATE
    tone = 0.2 * torch.sin(2 * math.pi * 440 * time)
    bursts = noise(10, 0.2) * (time % 1 < 0.5)
    for wav in (noise(100, 0.1), tone, bursts, torch.zeros(RATE)):
        assert english.transcribe([wav]) == Transcript("", (), "en")
    assert called == []


@pytest.mark.parametrize("vad", [False, True])
def test_speech_between_noise(model, clips, vad):
    transcriber = WhisperTranscriber(model, "en", device="cpu", vad=vad)
    (one, said), (two, said_too), *_ = clips
    hiss = noise(5, 0.001)
    recording = torch.cat([hiss, 10 * one, hiss, hiss, 2 * two, hiss])
    transcript = transcriber.transcribe([recording])
    start = 15 + len(one) / RATE
    first, second = transcript.passage(0, start), transcript.passage(start)
    found = [" ".join(x.text for x in y.words) for y in (first, second)]
    assert [normalize(text) for text in found] == [said, said_too]
    segments = speech_segments([recording])
    assert first.start == pytest.approx(segments[0][0], abs=0.3)
    assert second.end == pytest.approx(segments[-1][1], abs=0.4)


def test_the_same_twice(model, clips, called, tmp_path):
    """The same result by computing again, and from disk without."""
    wav = clips[1][0]
    options = {"temperature": 0.7}  # words are drawn
    folders = [tmp_path / name for name in ("one", "two", "one")]
    found = []
    for folder in folders:
        transcriber = WhisperTranscriber(
            model, "en", "cpu", cache_folder=folder, options=options
        )
        found.append(transcriber.transcribe([wav]))
    assert found[0] == found[1] == found[2]
    assert len(called) == 2


def test_imports_change_nothing_else(model):
    """In a process that imports Whisper for the first time."""
    script = """
import os, sys, torch
from speechbrain_emotion.inference.transcription import WhisperTranscriber
packages = {"whisper", "whisper_timestamped", "silero_vad"}
assert not packages & set(sys.modules)
torch.set_num_threads(2)
torch.rand(3)
before = torch.get_rng_state(), torch.get_num_threads(), dict(os.environ)
WhisperTranscriber(sys.argv[1]).transcribe([0.1 * torch.ones(9).cumsum(0)])
after = torch.get_rng_state(), torch.get_num_threads(), dict(os.environ)
assert packages <= set(sys.modules)
assert torch.equal(before[0], after[0])
assert before[1:] == after[1:], (before[1:], after[1:])
"""
    result = subprocess.run(
        [sys.executable, "-c", script, model],
        capture_output=True,
        text=True,
        env={**os.environ, "CUDA_DEVICE_ORDER": "FASTEST_FIRST"},
    )
    assert result.returncode == 0, result.stderr
