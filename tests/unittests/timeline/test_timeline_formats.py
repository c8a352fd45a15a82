"""What ``timeline`` writes: it is read again by small readers."""

import csv
import io
import json

import pytest
from hypothesis import given
from timeline_answers import LABELS, answer, answers, normal, segment
from timeline_readers import read_audacity, read_rttm, read_textgrid, read_vtt

from speechbrain_emotion.commands.timeline_formats import FORMATS

ANSWER = answer(
    segment(0.0, 1.25, "sad", 'Oh "no"'),
    segment(1.25, 2.0, None, "hm"),
    segment(3661.5, 3662.0, "really angry"),
    words=[("Oh", 0.0, 0.5), ('"no"', 0.5, 1.25), ("hm", 1.25, 2.0)],
)


def captions(prediction):
    return [
        normal(f"[{s.label} {s.score:.2f}] {s.text or ''}")
        for s in prediction.segments
        if s.label is not None
    ]


def test_json():
    content = json.loads(FORMATS["json"](ANSWER, 4000.0))
    assert content == json.loads(json.dumps(ANSWER.to_dict()))
    assert [s["label"] for s in content["segments"]] == [
        "sad",
        None,
        "really angry",
    ]


def test_csv():
    first, silent, _ = csv.DictReader(io.StringIO(FORMATS["csv"](ANSWER, 1.0)))
    assert first == {
        "start": "0.000",
        "end": "1.250",
        "text": 'Oh "no"',
        "label": "sad",
        "score": "0.625",
        "happy": "0.1875",
        "sad": "0.625",
        "really angry": "0.1875",
    }
    assert silent["text"] == "hm"
    assert {silent[name] for name in ["label", "score", *LABELS]} == {""}


def test_what_has_no_answer_is_left_out():
    spans = [(0.0, 1.25), (3661.5, 3662.0)]
    rttm = read_rttm(FORMATS["rttm"](ANSWER, 4000.0))
    assert rttm == [
        ("my_clip", *spans[0], "sad"),
        ("my_clip", *spans[1], "really_angry"),
    ]
    expected = [(*s, c) for s, c in zip(spans, captions(ANSWER))]
    assert read_vtt(FORMATS["vtt"](ANSWER, 4000.0)) == expected
    assert read_audacity(FORMATS["audacity"](ANSWER, 4000.0)) == expected
    assert "01:01:01.500 --> 01:01:02.000" in FORMATS["vtt"](ANSWER, 4000.0)


def test_the_table():
    lines = FORMATS["table"](ANSWER, 4000.0).splitlines()
    assert lines[:4] == [
        "  start      end  label         score  text",
        '   0.00     1.25  sad            0.62  Oh "no"',
        "   1.25     2.00  -                 -  hm",
        "3661.50  3662.00  really angry   0.62",
    ]
    assert lines[4:] == ["", "as a whole: happy 0.50"]


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_was_found(format):
    text = FORMATS[format](answer(), 2.0)
    if format == "textgrid":
        assert read_textgrid(text) == {"emotion": [(0.0, 2.0, "")]}
    elif format in ("rttm", "audacity"):
        assert text == ""
    elif format == "vtt":
        assert read_vtt(text) == []
    elif format == "csv":
        assert len(text.splitlines()) == 1
    elif format == "json":
        assert json.loads(text)["segments"] == []
    else:
        assert "as a whole: happy 0.50" in text


@given(answers())
def test_any_text_is_read_again(prediction):
    answered = [s for s in prediction.segments if s.label is not None]
    # What has no length gets a millisecond.
    spans = [
        (round(s.start, 3), round(max(s.end, s.start + 0.001), 3))
        for s in answered
    ]
    expected = [(*s, c) for s, c in zip(spans, captions(prediction))]
    assert read_vtt(FORMATS["vtt"](prediction, 1.0)) == expected
    assert read_audacity(FORMATS["audacity"](prediction, 1.0)) == expected
    names = [s.label.replace(" ", "_") for s in answered]
    rows = read_rttm(FORMATS["rttm"](prediction, 1.0))
    assert rows == [("my_clip", *s, name) for s, name in zip(spans, names)]
    table = FORMATS["csv"](prediction, 1.0)
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [row["text"] for row in rows] == [
        normal(s.text) for s in prediction.segments
    ]
    content = json.loads(FORMATS["json"](prediction, 1.0))
    assert content == json.loads(json.dumps(prediction.to_dict()))


@given(answers())
def test_any_text_is_read_again_by_praat(prediction):
    tiers = read_textgrid(FORMATS["textgrid"](prediction, 5.0))
    # A label on each segment that has an answer, in order.
    found = [row for row in tiers["emotion"] if row[2]]
    answered = [s for s in prediction.segments if s.label is not None]
    assert [row[2] for row in found] == [s.label for s in answered]
    lengthened = 0.001 * (len(prediction.segments) + 1)
    for (start, end, _), s in zip(found, answered):
        assert s.start - 1e-6 <= start <= s.start + lengthened
        assert s.end - 1e-6 <= end <= s.end + lengthened
    texts = [normal(s.text) for s in prediction.segments if normal(s.text)]
    assert [text for *_, text in tiers.get("text", []) if text] == texts


def test_tiers():
    tiers = read_textgrid(FORMATS["textgrid"](ANSWER, 4000.0))
    assert tiers == {
        "emotion": [
            (0.0, 1.25, "sad"),
            (1.25, 2.0, ""),
            (2.0, 3661.5, ""),
            (3661.5, 3662.0, "really angry"),
            (3662.0, 4000.0, ""),
        ],
        "words": [
            (0.0, 0.5, "Oh"),
            (0.5, 1.25, '"no"'),
            (1.25, 2.0, "hm"),
            (2.0, 4000.0, ""),
        ],
        "text": [
            (0.0, 1.25, 'Oh "no"'),
            (1.25, 2.0, "hm"),
            (2.0, 3661.5, ""),
            (3661.5, 3662.0, ""),
            (3662.0, 4000.0, ""),
        ],
    }


def test_words_that_are_segments_need_no_tier_of_texts():
    words = [("Oh", 0.0, 0.5), ("no", 0.5, 1.0)]
    segments = [segment(start, end, text=text) for text, start, end in words]
    text = FORMATS["textgrid"](answer(*segments, words=words), 1.0)
    assert list(read_textgrid(text)) == ["emotion", "words"]


def test_words_without_length_and_behind_the_end():
    # Their segments last a frame, and run into each other.
    words = [("a", 0.0, 0.0), ("b", 0.0, 0.0), ("c", 1.9, 2.01)]
    segments = [
        segment(0.0, 0.02),
        segment(0.0, 0.02),
        segment(0.0, 0.02),
        segment(1.9, 2.0),
    ]
    text = FORMATS["textgrid"](answer(*segments, words=words), 2.0)
    tiers = read_textgrid(text)
    assert [row[:2] for row in tiers["words"] if row[2]] == [
        (0.0, 0.001),
        (0.001, 0.002),
        (1.9, 2.01),
    ]
    assert [row[:2] for row in tiers["emotion"] if row[2]] == [
        (0.0, 0.02),
        (0.02, 0.021),
        (0.021, 0.022),
        (1.9, 2.0),
    ]


@pytest.mark.parametrize("start", [0.5, 0.9, 0.0])
def test_segments_that_overlap(start):
    prediction = answer(segment(0.0, 1.0), segment(start, 2.0))
    with pytest.raises(ValueError, match="segments overlap: one ends at 1 s"):
        FORMATS["textgrid"](prediction, 2.0)
    for format in set(FORMATS) - {"textgrid"}:
        FORMATS[format](prediction, 2.0)


def test_segments_in_another_order():
    prediction = answer(segment(1.0, 2.0), segment(0.0, 1.0, "happy"))
    for format, read in [("vtt", read_vtt), ("audacity", read_audacity)]:
        rows = read(FORMATS[format](prediction, 2.0))
        assert [row[0] for row in rows] == [0.0, 1.0]
    tiers = read_textgrid(FORMATS["textgrid"](prediction, 2.0))
    assert tiers["emotion"] == [(0.0, 1.0, "happy"), (1.0, 2.0, "sad")]
