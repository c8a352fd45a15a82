"""The reader of Spanish MEACorpus 2023, in both layouts of its tables."""

from collections import Counter

import pytest
from corpora_layouts import real_corpus, write_audio

from speechbrain_emotion.dataio.corpora import read_meacorpus
from speechbrain_emotion.dataio.manifests import CorpusError


def test_meacorpus_of_two_tables(tmp_path, caplog):
    (tmp_path / "spanish_meacorpus_2023.csv").write_text(
        "id,text,emotion,split,language\na-1,¿Qué?,anger,train,es\n"
        "a-2,Sí,joy,test,es\nb-1,No,fear,train,es\n",
        encoding="utf-8",
    )
    (tmp_path / "spanish_meacorpus_2023_segments.csv").write_text(
        "id,gender,duration_s,video_key\na-1,female,2.5,Xy\na-2,male,3,Xy\n"
    )
    first, second, third = read_meacorpus(tmp_path)
    assert (first.id, first.words, first.emo) == ("a-1", "¿Qué?", "anger")
    assert (first.gender, first.video, first.length) == ("female", "Xy", 2.5)
    assert (first.part, second.part, first.lang) == ("train", "test", "es")
    assert (third.gender, third.video, third.length) == ("", "", 0.0)
    write_audio(tmp_path, "deep/a-1.flac", "a-2.mp3", "a-1.wav", seconds=0.5)
    clips = read_meacorpus(tmp_path, audio="required")
    assert [clip.wav.name for clip in clips] == ["a-1.wav", "a-2.mp3"]
    assert clips[0].length == 0.5
    assert "1 of 3 utterances left out, which have no audio (b-1)" in (
        caplog.text
    )
    assert len(read_meacorpus(tmp_path, audio="none")) == 3


def test_meacorpus_of_its_publishers(tmp_path):
    table = tmp_path / "output" / "spanish-meacorpus-2023-dataset.csv"
    table.parent.mkdir()
    columns = '"filename","label","transcription","split"'
    row = '"a-1.mp3","disgust"," Yo, no…","train"'
    table.write_text(f"{columns}\n{row}\n", encoding="utf-8")
    (clip,) = read_meacorpus(tmp_path)
    assert (clip.id, clip.emo, clip.words) == ("a-1", "disgust", "Yo, no…")
    assert (clip.part, clip.video, clip.length) == ("train", "", 0.0)
    columns += ',"youtube_key","gender","start_time","end_time"'
    row += ',"Xy","male","1500","4000"'
    table.write_text(f"{columns}\n{row}\n", encoding="utf-8")
    (clip,) = read_meacorpus(tmp_path)
    assert (clip.video, clip.gender, clip.length) == ("Xy", "male", 2.5)


NOW = "filename,label,transcription,split\na-1.mp3,joy,Sí,train\n"
BEFORE = (
    "youtube_key,segment_id,label,gender,start_time,end_time,transcription,"
    "split,source\nXy,0.mp3,joy,male,1500.0,4000.0,Sí,train,youtube\n"
)


@pytest.fixture
def tables(tmp_path):
    """Writes the publishers' two tables, and returns their folder."""

    def write(now=NOW, before=BEFORE):
        name = "spanish-meacorpus-2023-dataset.csv"
        (tmp_path / name).write_text(now, encoding="utf-8")
        if before:
            (tmp_path / "dataset.csv").write_text(before, encoding="utf-8")
        return tmp_path

    return write


def test_videos_of_the_earlier_table(tables, caplog):
    (clip,) = read_meacorpus(tables(before=None))
    assert clip.video == ""
    assert "the videos are not known, without" in caplog.text
    caplog.clear()
    (clip,) = read_meacorpus(tables())
    assert (clip.video, clip.gender, clip.length) == ("Xy", "male", 2.5)
    assert "not known" not in caplog.text


@pytest.mark.parametrize(
    "wrong, message",
    [
        (dict(now=NOW + "a-2.mp3,,No,test\n"), "row 3 of .* has no label"),
        (dict(now=NOW + "a-2.mp3,joy,No\n"), "row 3 of .* has no split"),
        (dict(now=NOW + "a-2.mp3,joy,No,test,?\n"), "row 3 .* too many cells"),
        (dict(now=NOW + "a-1.mp3,joy,No,test\n"), "twice .*: a-1.mp3.* row 3"),
        (dict(now=NOW.partition("\n")[0]), "no row but the header"),
        (
            dict(before=BEFORE.replace("1500.0", "abc")),
            "row 2 of .*/dataset.csv' has 'abc' as start_time",
        ),
        (dict(before=BEFORE.replace("4000.0", "1")), "before its start_time"),
        (
            dict(before=BEFORE.replace("Sí", "No")),
            "row 2 of .* has another transcription than 'a-1' of",
        ),
        (dict(before=BEFORE.partition("\n")[0]), "has 0 rows, and .* has 1"),
        (dict(before="youtube_key,label\n"), "no column transcription, split"),
    ],
)
def test_broken_tables_of_meacorpus(tables, wrong, message):
    with pytest.raises(CorpusError, match=message):
        read_meacorpus(tables(**wrong))


@pytest.mark.parametrize(
    "row, message",
    [
        ("a-1,male,n/a,Xy", "row 2 of .* has 'n/a' as duration_s"),
        ("a-1,male,-1,Xy", "row 2 of .* has '-1' as duration_s"),
        ("a-1,male,nan,Xy", "row 2 of .* has 'nan' as duration_s"),
        (",male,1,Xy", "row 2 of .* has no id"),
        ("", "no row but the header"),
    ],
)
def test_broken_tables_of_segments(tables, row, message):
    folder = tables()
    name = "spanish_meacorpus_2023_segments.csv"
    (folder / name).write_text(f"id,gender,duration_s,video_key\n{row}\n")
    with pytest.raises(CorpusError, match=message):
        read_meacorpus(folder)


def test_meacorpus_without_a_table(tmp_path):
    with pytest.raises(CorpusError, match="neither 'spanish-meacorpus-2023-"):
        read_meacorpus(tmp_path)
    table = tmp_path / "spanish-meacorpus-2023-dataset.csv"
    table.write_text("segment_id,label\n")
    with pytest.raises(CorpusError, match="no column filename, transcr"):
        read_meacorpus(tmp_path)


def test_real_meacorpus():
    texts = read_meacorpus(real_corpus("text"))
    parts = Counter(text.part for text in texts)
    assert parts == {"train": 4102, "test": 1027}
    assert len({text.video for text in texts}) == 3006
    assert Counter(text.gender for text in texts) == {
        "male": 2722,
        "female": 2407,
    }
    in_training = {text.video for text in texts if text.part == "train"}
    assert (
        sum(t.part == "test" and t.video in in_training for t in texts) == 551
    )
    hours = sum(text.length for text in texts) / 3600
    assert hours == pytest.approx(13.17, abs=0.01)
