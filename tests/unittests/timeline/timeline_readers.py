"""Small readers of what ``timeline`` writes, by the formats' definitions."""

import html
import re


def read_rttm(text):
    """Lines of RTTM as (file, start, end, name)."""
    rows = []
    for line in text.splitlines():
        kind, file, channel, start, length, *rest = line.split(" ")
        assert (kind, channel) == ("SPEAKER", "1") and len(rest) == 5
        assert rest[:2] == ["<NA>", "<NA>"] and rest[4] == "<NA>"
        assert float(length) > 0 and 0 <= float(rest[3]) <= 1
        end = round(float(start) + float(length), 3)
        rows.append((file, float(start), end, rest[2]))
    return rows


def read_audacity(text):
    """Labels of Audacity as (start, end, label)."""
    rows = []
    for line in text.split("\n")[:-1]:
        start, end, label = line.split("\t")
        rows.append((float(start), float(end), label))
    return rows


STAMP = r"(\d{2,}):([0-5]\d):([0-5]\d\.\d{3})"


def read_vtt(text):
    """Cues of WebVTT as (start, end, text)."""
    header, *blocks = re.split("\n{2,}", text.rstrip("\n"))
    assert header == "WEBVTT"
    cues = []
    for block in blocks:
        timing, *lines = re.split("\r\n|\n|\r", block)
        match = re.fullmatch(f"{STAMP} --> {STAMP}", timing)
        h, m, s, h2, m2, s2 = map(float, match.groups())
        start, end = 3600 * h + 60 * m + s, 3600 * h2 + 60 * m2 + s2
        assert start < end and (not cues or cues[-1][0] <= start)
        (line,) = lines
        assert "-->" not in line and "<" not in line
        cues.append((round(start, 3), round(end, 3), html.unescape(line)))
    return cues


def read_textgrid(text):
    """Tiers of a long TextGrid: name -> list of (start, end, text).

    As Praat does, takes nothing but numbers and strings in their order.
    """
    tokens = re.findall(r'"((?:[^"]|"")*)"|(?<![\w\[])(-?\d+(?:\.\d+)?)', text)
    tokens = [
        float(number) if number else string.replace('""', '"')
        for string, number in tokens
    ]
    assert tokens[:3] == ["ooTextFile", "TextGrid", 0.0]
    end, count, *tokens = tokens[3:]
    tiers = {}
    for _ in range(int(count)):
        kind, name, tier_start, tier_end, size, *tokens = tokens
        assert (kind, tier_start, tier_end) == ("IntervalTier", 0, end)
        rows = [tuple(tokens[3 * i : 3 * i + 3]) for i in range(int(size))]
        tokens = tokens[3 * int(size) :]
        position = 0
        for start, stop, _ in rows:
            assert start == position and stop > start
            position = stop
        assert position == end
        tiers[name] = rows
    assert not tokens
    return tiers
