"""Words and their times, sentences, and passages of what is said."""

import json
import math

import numpy
import pytest
from hypothesis import (
    given,
    strategies as st,
)

from speechbrain_emotion import TextError, Transcript, Word


@st.composite
def transcripts(draw):
    """Words with times, in a text with whatever lies between them."""
    texts = draw(
        st.lists(st.sampled_from(["so", "sad.", "ñandú?", "é", "Oh!", "a b"]))
    )
    text, words, time = draw(st.sampled_from(["", " "])), [], 0.0
    for word in texts:
        start = time + draw(st.sampled_from([0.0, 0.1, 1.5]))
        time = start + draw(st.sampled_from([0.0, 0.3, 20.0]))
        confidence = draw(st.sampled_from([0.0, 0.4, 0.6, 1.0]))
        words.append(Word(word, start, time, confidence))
        text += word + draw(st.sampled_from([" ", "  ", " - "]))
    return Transcript(text, words, "es")


def middle(word):
    return (word.start + word.end) / 2


@given(transcripts())
def test_sentences_have_every_word_once(transcript):
    sentences = transcript.sentences
    assert [w for s in sentences for w in s.words] == list(transcript.words)
    for sentence in sentences:
        assert sentence.is_whole and sentence.text in transcript.text
        assert sentence.text.startswith(sentence.spoken)
    for before, after in zip(sentences, sentences[1:]):
        assert before.end <= after.start
        last = before.text[-1]
        assert (
            last in ".?!"
            or after.start - before.end >= 1.0
            or (after.words[0].end - before.start > 30.0)
        )


@given(transcripts(), st.floats(0, 60), st.floats(0, 60))
def test_a_passage_has_the_words_of_its_time(transcript, start, end):
    start, end = sorted((start, end))
    inside = [w for w in transcript.words if start <= middle(w) < end]
    passage = transcript.passage(start, end)
    if not transcript.words:
        assert (passage is None) == (not transcript.text.strip())
        return
    if not inside:
        assert passage is None
        return
    assert passage.words == inside
    assert passage.confidence == pytest.approx(
        sum(w.confidence for w in inside) / len(inside)
    )
    for word, (first, stop) in zip(passage.words, passage.offsets):
        assert passage.text[first:stop] == word.text
    around = {
        w
        for s in transcript.sentences
        for w in s.words
        if set(s.words) & set(inside)
    }
    if len(inside) < len(transcript.words):
        assert set(passage.context.words) == around
    else:
        assert passage.text == transcript.text


@given(transcripts(), st.sampled_from([0.0, 0.5, 0.9, 1.0]))
def test_what_is_sure(transcript, threshold):
    passage = transcript.passage()
    if passage is None:
        return
    sure = passage.confident(threshold)
    kept = [w for w in passage.words if w.confidence >= threshold]
    if not kept and passage.words:
        assert sure is None
        return
    assert list(sure.words) == kept
    if len(kept) == len(passage.words):
        assert sure == passage
    for word, (first, stop) in zip(sure.words, sure.offsets):
        assert sure.text[first:stop] == word.text
    if not passage.is_whole:
        return
    assert all(w.confidence >= threshold for w in sure.context.words)


def test_unsure_words_around_a_passage_go_too():
    words = [Word("so", 0, 1, 0.2), Word("very", 1, 2, 0.9), Word("sad", 2, 3)]
    transcript = Transcript("so very sad", words)
    passage = transcript.passage(1.0, 2.0)
    assert (passage.text, passage.spoken) == ("so very sad", "very")
    sure = passage.confident(0.5)
    assert (sure.text, sure.spoken) == ("very sad", "very")
    assert transcript.passage(0.0, 1.0).confident(0.5) is None


@given(transcripts())
def test_json(transcript):
    content = json.loads(json.dumps(transcript.to_dict()))
    assert Transcript.from_dict(content) == transcript


def test_languages_without_spaces():
    words = [
        Word("我", 0, 0.5),
        Word("很", 0.5, 1.0, 0.1),
        Word("好。", 1.0, 2),
    ]
    transcript = Transcript("我很好。", words, "zh")
    assert [s.text for s in transcript.sentences] == ["我很好。"]
    assert transcript.passage().confident(0.5).text == "我好。"


def test_words_as_other_programs_write_them():
    """With a space in front, without punctuation, numbers of numpy."""
    words = [Word(" Oh", 0, 0.5, 0.1), Word(" kids", 0.6, 1, 0.9)]
    sure = Transcript(" Oh kids", words).passage().confident(0.5)
    assert sure.text == "kids" == sure.spoken
    times = numpy.arange(6, dtype=numpy.float32)
    bare = [
        Word(text, *pair)
        for text, pair in zip(
            "i am happy now i am".split(), zip(times, times + 1)
        )
    ]
    sentences = Transcript("i am happy! now, i am...", bare).sentences
    assert [s.text for s in sentences] == ["i am happy!", "now, i am..."]
    assert type(bare[0].start) is float


def test_a_word_is_not_a_letter_of_another():
    transcript = Transcript("I had a cat", [Word("a", 1, 1.2)])
    assert transcript.offsets == [(6, 7)]
    words = [Word("ha", i, i + 0.5) for i in range(3)]
    assert Transcript("haha ha", words).offsets == [(0, 2), (2, 4), (5, 7)]


def test_a_sentence_without_full_stop():
    words = [Word("so", 0, 0.5), Word("sad", 1.6, 2), Word("now", 2.9, 3)]
    sentences = Transcript("so sad now", words).sentences
    assert [s.text for s in sentences] == ["so", "sad now"]
    talk = [Word("la", i, i + 0.9) for i in range(100)]
    sentences = Transcript(" ".join(["la"] * 100), talk).sentences
    assert max(s.end - s.start for s in sentences) <= 30.0
    assert len(sentences) == 4


@pytest.mark.parametrize(
    "words, message",
    [
        ([("so", 1.0, 0.5)], "'so' ends at 0.5 s and starts at 1 s"),
        ([("so", -1.0, 0.5)], "give 0 <= start <= end"),
        ([("so", 0.0, math.inf)], "give 0 <= start <= end"),
        ([("so", math.nan, 1.0)], "give 0 <= start <= end"),
        ([("so", "0", 1.0)], "the start of the word 'so' is '0'"),
        ([("so", 0.0, 1.0, 1.5)], "'so' has a confidence of 1.5"),
        ([("so", 0.0, 1.0, math.nan)], "give 0 to 1"),
        ([(" ", 0.0, 1.0)], "a word of a transcript is ' '"),
        ([(5, 0.0, 1.0)], "a word of a transcript is 5"),
        ([("so", 0.0, 1.0), ("sad", 0.9, 2.0)], "'so' and 'sad' overlap"),
        ([("so", 1.0, 2.0), ("sad", 0.0, 0.5)], "words in order of time"),
        ([("sad", 0.0, 1.0), ("so", 1.0, 2.0)], "'so' at 1 s is not in its"),
        ([("happy", 0.0, 1.0)], "'happy' at 0 s is not in its place"),
    ],
)
def test_words_that_cannot_be(words, message):
    with pytest.raises(TextError, match=message):
        Transcript("so sad", [Word(*word) for word in words])


@pytest.mark.parametrize(
    "content, message",
    [
        ([], "a transcript is {"),
        ({}, "it has neither text nor words"),
        ({"text": "so", "segments": []}, r"but it has \['segments'\], too"),
        ({"words": [{"text": "so"}]}, "missing 2 required"),
        ({"words": [{"word": "so", "start": 0, "end": 1}]}, "unexpected"),
        ({"words": 5}, "not iterable"),
        ({"text": 5}, "the text of a transcript is 5"),
        ({"text": None}, "give a string"),
    ],
)
def test_json_in_another_form(content, message):
    with pytest.raises(TextError, match=message):
        Transcript.from_dict(content)


def test_words_that_are_none():
    with pytest.raises(TextError, match="of type str: give a Word"):
        Transcript("so", ["so"])


def test_words_behind_the_audio():
    transcript = Transcript("so", [Word("so", 0.0, 1.01)])
    transcript.check_end(1.0, "'a.wav'")
    with pytest.raises(TextError, match="'so' ends at 1.01 s, but 'a.wav' la"):
        transcript.check_end(0.9, "'a.wav'")
    Transcript("so").check_end(0.0, "'a.wav'")
