"""Recordings become transcripts chunk by chunk, each chunk once."""

import functools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import (
    HealthCheck,
    given,
    settings,
    strategies as st,
)
from spoken_bursts import BURST, STEP, hiss, say

from speechbrain_emotion.dataio.audio import AudioError
from speechbrain_emotion.dataio.transcript import Transcript
from speechbrain_emotion.inference import transcription
from speechbrain_emotion.inference.transcription import WhisperTranscriber

NUMBERS = [1, 2, 3, 4, 5, 6] * 2  # six seconds, so several chunks
NAMES = ["one", "two", "three", "four", "five", "six"] * 2


def times(transcript):
    return [x for word in transcript.words for x in (word.start, word.end)]


def burst_times(n):
    return [x for i in range(n) for x in (STEP * i, STEP * i + BURST)]


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sizes=st.lists(st.integers(1, 50000), min_size=1, max_size=20))
def test_words_and_times_whatever_the_blocks(backend, sizes):
    recording = say(*NUMBERS)
    rest = max(0, len(recording) - sum(sizes))
    blocks = recording.split([*sizes, rest]) if rest else [recording]
    transcript = WhisperTranscriber(device="cpu").transcribe(iter(blocks))
    assert [word.text for word in transcript.words] == NAMES
    assert times(transcript) == pytest.approx(burst_times(12), abs=1e-3)
    assert transcript.text.startswith("one, two, three")
    assert transcript.text.replace(",", "").replace(".", "").split() == NAMES
    assert transcript.language == "es"


def test_plain_numbers(backend):
    transcript = WhisperTranscriber().transcribe([say(1)])
    (word,) = transcript.words
    for number in (word.start, word.end, word.confidence):
        assert type(number) is float


def test_blocks_are_read_as_they_are_needed(backend):
    read = []

    def blocks():
        for number in NUMBERS:
            read.append(len(backend.calls))
            yield say(number)

    WhisperTranscriber().transcribe(blocks())
    assert read[0] == 0 and read[-1] >= 2


@pytest.mark.parametrize("vad", [False, True])
def test_what_is_no_speech_is_not_sent(backend, vad):
    transcriber = WhisperTranscriber(language="en", vad=vad)
    for blocks in ([torch.zeros(40000)], [hiss(5)], []):
        assert transcriber.transcribe(blocks) == Transcript("", (), "en")
    assert not backend.calls and not backend.loaded
    transcriber.transcribe([hiss(4), say(1), hiss(4)])
    assert len(backend.calls) == 1


def test_what_is_heard_far_from_speech_is_dropped(backend):
    def hallucinate(result):
        word = {"text": "Thanks", "start": 1.4, "end": 1.5, "confidence": 0.9}
        segment = {"text": " Thanks", "start": 1.4, "end": 1.5}
        result["segments"].append({**segment, "words": [word]})
        return result

    backend.edit = hallucinate
    transcriber = WhisperTranscriber()
    assert transcriber.transcribe([say(1), hiss(1.4)]).text == "one."
    near = [say(1), say(2), say(3), hiss(0.4)]
    assert transcriber.transcribe(near).text == "one, two, three. Thanks"


def test_silence_is_cut_out_before(backend, monkeypatch):
    recording = torch.cat([hiss(3), say(1), hiss(0.5), say(2), hiss(3)])
    monkeypatch.setattr(
        "speechbrain_emotion.inference.transcription.cut_at_pauses",
        lambda blocks, rate: [(0, torch.cat(list(blocks)))],
    )
    monkeypatch.setattr(
        "speechbrain_emotion.inference.transcription.find_segments",
        lambda *args: [(0.2, 0.4), (3.0, 3.2), (4.0, 4.2), (7.3, 7.4)],
    )
    WhisperTranscriber(vad=True).transcribe([recording])
    segments = backend.calls[0]["vad"]
    expected = [(0.0, 0.9), (2.5, 4.7), (6.8, 7.5)]
    assert sum(segments, ()) == pytest.approx(sum(expected, ()))
    WhisperTranscriber(vad=False).transcribe([recording])
    assert backend.calls[1]["vad"] is False


def test_the_language_is_detected_once(backend):
    transcriber = WhisperTranscriber()
    transcript = transcriber.transcribe([hiss(3), say(*NUMBERS)])
    given = [call["language"] for call in backend.calls]
    assert len(given) > 2 and given == [None] + ["es"] * (len(given) - 1)
    assert transcript.language == "es"


def test_a_language_without_words_is_not_believed(backend):
    def mishear(result):
        if len(backend.calls) == 1:
            result["segments"][0]["words"] = []
        return result

    backend.edit = mishear
    WhisperTranscriber().transcribe([say(*NUMBERS)])
    assert [c["language"] for c in backend.calls][:3] == [None, None, "es"]


def edited(**fields):
    def edit(result):
        for word, values in zip(
            result["segments"][0]["words"], fields["words"]
        ):
            word.update(values)
        result["segments"][0]["text"] = fields["text"]
        return result

    return edit


@pytest.mark.parametrize(
    "text, words, expected",
    [
        # Overlapping, in the wrong order, and behind the end.
        (
            " a b c.",
            [
                {"text": "a", "start": 0.3, "end": 0.9, "confidence": 1.2},
                {"text": " b ", "start": 0.1, "end": 0.4, "confidence": -0.1},
                {"text": "c.", "start": 29.0, "end": 30.0, "confidence": 0.5},
            ],
            ("a b c.", [0.3, 0.9, 0.9, 0.9, 1.5, 1.5], [1.0, 0.0, 0.5]),
        ),
        # Words that are not in the text, or are no words.
        (
            " something else",
            [
                {"text": "a", "confidence": 0.5},
                {"text": "[*]", "confidence": 0.5},
                {"text": " ", "confidence": 0.5},
            ],
            ("a", [0.0, 0.2], [0.5]),
        ),
    ],
)
def test_what_is_untidy(backend, text, words, expected):
    backend.edit = edited(text=text, words=words)
    transcript = WhisperTranscriber().transcribe([say(1, 2, 3)])
    assert transcript.text == expected[0]
    assert times(transcript) == pytest.approx(expected[1])
    assert [word.confidence for word in transcript.words] == expected[2]


def test_a_language_without_spaces(backend):
    backend.edit = edited(
        text="好 的", words=[{"text": x} for x in ("你", "好", "嗎")]
    )
    backend.language = "zh"
    blocks = [say(1, 2, 3), torch.zeros(8000)] * 2
    transcript = WhisperTranscriber().transcribe(blocks)
    assert transcript.text == "你好嗎" * 2


def test_samples_that_are_not_finite(backend):
    recording = say(1)
    recording[7] = torch.nan
    with pytest.raises(AudioError, match="^call.wav holds 1 NaN"):
        WhisperTranscriber().transcribe([recording], "call.wav")


def test_the_same_is_transcribed_once(backend, tmp_path):
    recording = say(*NUMBERS)
    transcriber = WhisperTranscriber(cache_folder=tmp_path / "new" / "folder")
    first = transcriber.transcribe([recording])
    n_calls = len(backend.calls)
    assert transcriber.transcribe(recording.split(999)) == first
    another = WhisperTranscriber(cache_folder=tmp_path / "new" / "folder")
    assert another.transcribe([recording]) == first
    assert len(backend.calls) == n_calls


@pytest.mark.parametrize(
    "change",
    [
        {"model": "base.en"},
        {"language": "en"},
        {"device": "meta"},
        {"vad": True},
        {"beam_size": 2},
        {"options": {"temperature": 0.2}},
    ],
)
def test_other_settings_are_another_transcript(
    backend, tmp_path, monkeypatch, change
):
    # A device that is everywhere, but does not compute.
    monkeypatch.setattr(transcription, "check_device", lambda name: None)
    for settings_ in ({}, change, {}, change):
        settings_ = {"device": "cpu", **settings_}
        transcriber = WhisperTranscriber(cache_folder=tmp_path, **settings_)
        transcriber.transcribe([say(1)])
    assert len(backend.calls) == 2


def test_it_goes_on_after_an_interruption(backend, tmp_path):
    recording = say(*NUMBERS)
    expected = WhisperTranscriber().transcribe([recording])
    n_chunks = len(backend.calls)

    def interrupt(result):
        if len(backend.calls) == n_chunks + 3:
            raise KeyboardInterrupt
        return result

    backend.edit = interrupt
    with pytest.raises(KeyboardInterrupt):
        WhisperTranscriber(cache_folder=tmp_path).transcribe([recording])
    assert len(list(tmp_path.iterdir())) == 2
    del backend.calls[:]
    transcriber = WhisperTranscriber(cache_folder=tmp_path)
    assert transcriber.transcribe([recording]) == expected
    assert len(backend.calls) == n_chunks - 2


def test_several_threads(backend):
    transcribers = [WhisperTranscriber(), WhisperTranscriber(vad=True)]
    recordings = [say(1), say(2), say(*NUMBERS)] * 4
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(
                lambda i: transcribers[i % 2].transcribe([recordings[i]]),
                range(len(recordings)),
            )
        )
    assert [len(x.words) for x in found] == [1, 1, 12] * 4
    assert backend.loaded == ["base"]


def test_threads_that_want_the_same(backend):
    def hear_slowly(result):
        time.sleep(0.1)
        return result

    backend.edit = hear_slowly
    transcriber = WhisperTranscriber()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(transcriber.transcribe, [[say(1)]] * 4))
    assert found == found[:1] * 4 and len(backend.calls) == 1


def test_random_numbers(backend):
    before = torch.get_rng_state()
    confidences = []
    for _ in range(2):
        torch.rand(5)
        after = torch.get_rng_state()
        transcript = WhisperTranscriber().transcribe([say(*NUMBERS)])
        confidences.append([word.confidence for word in transcript.words])
        assert torch.equal(torch.get_rng_state(), after)
    torch.set_rng_state(before)
    assert confidences[0] == confidences[1]
    assert len(set(confidences[0][:3])) == 3


def test_progress(backend, capsys, monkeypatch):
    eager = functools.partial(transcription.tqdm, mininterval=0, miniters=0)
    monkeypatch.setattr(transcription, "tqdm", eager)
    transcriber = WhisperTranscriber()
    transcriber.transcribe([say(*NUMBERS)], "call.wav")
    assert capsys.readouterr().err == ""
    transcriber.transcribe([say(*NUMBERS)], "call.wav", progress=True)
    shown = capsys.readouterr().err
    assert "transcribing call.wav: 6 s of audio" in shown
    # Of a list of clips, each would leave a line.
    assert "\n" not in shown
