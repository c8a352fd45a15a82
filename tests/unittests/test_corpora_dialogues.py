"""Readers of corpora that have sessions, dialogues or videos."""

import logging
from collections import Counter

import pytest
from corpora_layouts import real_corpus, write_audio
from hypothesis import (
    given,
    strategies as st,
)

from speechbrain_emotion.dataio.corpora import (
    read_iemocap,
    read_meacorpus,
    read_meld,
)
from speechbrain_emotion.dataio.corpora.tables import decode, mend_text
from speechbrain_emotion.dataio.manifests import CorpusError

# IEMOCAP


def write_session(folder, labels, texts=""):
    """Writes labels and transcripts of one dialogue of session 1."""
    dialog = folder / "Session1" / "dialog"
    for kind, text in (("EmoEvaluation", labels), ("transcriptions", texts)):
        (dialog / kind).mkdir(parents=True)
        (dialog / kind / "Ses01F_impro01.txt").write_bytes(text.encode())
    return folder


LABELS = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]
C-E2:\tNeutral;\t()
A-E3:\tval 3; act 2; dom  2;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M001\tfru\t[2.5000, 2.5000, 2.5000]
"""
TEXTS = """M: [laughs]
Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
Ses01F_impro01_M001 [010.0100-011.3925]: That\x92s: [ten]?
Ses01F_impro01_MXX0 [012.0000-012.1000]: Uh.
"""
WAVS = "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01"


def test_iemocap(tmp_path, caplog):
    folder = write_session(tmp_path / "IEMOCAP_full_release", LABELS, TEXTS)
    write_audio(
        folder,
        f"{WAVS}_F000.wav",
        f"{WAVS}_M001.wav",
        f"{WAVS}_M002.wav",  # has no label
        "Session1/dialog/wav/Ses01F_impro01.wav",
    )
    hidden = folder / "Session1/dialog/EmoEvaluation/._Ses01F_impro01.txt"
    hidden.write_text(LABELS.replace("M001", "M002"))
    votes = folder / "Session1/dialog/EmoEvaluation/Categorical/e2.txt"
    votes.parent.mkdir()
    votes.write_text(LABELS.replace("neu", "ang"))
    for data_folder in (folder, tmp_path):
        first, second = read_iemocap(data_folder)
        assert (first.id, first.emo) == ("Ses01F_impro01_F000", "neu")
        assert (first.spk_id, first.gender) == ("Ses01F", "female")
        assert (second.spk_id, second.gender) == ("Ses01M", "male")
        assert (second.emo, second.words) == ("fru", "That’s: [ten]?")
        assert (first.session, first.style) == ("Ses01", "improvised")
        assert (first.words, first.corpus) == ("Excuse me.", "IEMOCAP")
    assert "2 clips found, expected 10039" in caplog.text


def test_scripted_scenes_of_iemocap(tmp_path):
    name = "Ses05M_script01_1b_F003"
    label = f"[1.0 - 2.0]\t{name}\txxx\t[2.5, 2.5, 2.5]\n"
    write_session(tmp_path, label)
    write_audio(tmp_path, f"{name}.wav")
    (clip,) = read_iemocap(tmp_path)
    assert (clip.style, clip.session, clip.spk_id, clip.emo) == (
        "scripted",
        "Ses05",
        "Ses05F",
        "xxx",
    )


def test_iemocap_without_labels_or_with_unknown_ones(tmp_path):
    write_audio(tmp_path, f"{WAVS}_F000.wav")
    with pytest.raises(CorpusError, match="no labels.*EmoEvaluation"):
        read_iemocap(tmp_path)
    write_session(tmp_path, LABELS.replace("neu", "odd"))
    with pytest.raises(CorpusError, match="unknown emotion 'odd'.*: ang, hap"):
        read_iemocap(tmp_path)


# MELD

HEADER = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,"
    "Season,Episode,StartTime,EndTime\n"
)
ROW = '1,{},Ross,joy,positive,3,{},8,21,"00:16:16,059","00:16:21,731"\n'
MELD_FOLDERS = {
    "train": "train_splits",
    "dev": "dev_splits_complete",
    "test": "output_repeated_splits_test",
}


@pytest.fixture
def meld(tmp_path):
    """The tables of MELD, with three utterances each."""
    for part in MELD_FOLDERS:
        (tmp_path / part).mkdir()
        rows = "".join(ROW.format("Oh!", i) for i in range(3))
        (tmp_path / part / f"{part}_sent_emo.csv").write_text(HEADER + rows)
    return tmp_path


def test_meld(meld):
    clips = read_meld(meld)
    assert [clip.id for clip in clips] == [
        f"{part}_dia3_utt{i}" for part in MELD_FOLDERS for i in range(3)
    ]
    first = clips[3]
    assert (first.part, first.session) == ("dev", "dev_dia3")
    assert (first.emo, first.spk_id, first.words) == ("joy", "Ross", "Oh!")
    assert (first.video, first.lang, first.wav) == ("s08e21", "en", None)


def test_meld_lacks_a_table(meld):
    (meld / "dev" / "dev_sent_emo.csv").unlink()
    with pytest.raises(CorpusError, match="no dev_sent_emo.csv below"):
        read_meld(meld)
    with pytest.raises(CorpusError, match="neither train_sent.* nor 'meld"):
        read_meld(meld / "dev")


@pytest.mark.parametrize(
    "written",
    [
        ["It’s".encode(), "It’s".encode("cp1252")],
        ["Itâ€™s".encode(), "It\x92s".encode()],
    ],
)
def test_meld_in_wrong_encodings(meld, written):
    table = meld / "train" / "train_sent_emo.csv"
    rows = [ROW.format("TEXT", i).encode() for i in range(2)]
    for i, text in enumerate(written):
        rows[i] = rows[i].replace(b"TEXT", text)
    table.write_bytes(HEADER.encode() + b"".join(rows))
    assert [clip.words for clip in read_meld(meld)[:2]] == ["It’s", "It’s"]


TYPESET = st.text(st.sampled_from("abc '\n’‘“”—–…éèñüç£"))


@given(TYPESET)
def test_what_was_read_in_a_wrong_encoding_is_mended(text):
    misread = "".join(
        bytes([byte]).decode("cp1252")
        if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
        else chr(byte)
        for byte in text.encode("utf-8")
    )
    assert mend_text(misread) == text
    assert mend_text(text.encode("utf-8").decode("latin-1")) == text
    assert mend_text(text.encode("cp1252").decode("latin-1")) == text


@given(TYPESET)
def test_what_was_read_well_is_left_alone(text):
    assert mend_text(text) == text
    assert decode(text.encode("utf-8")) == text


def test_audio_of_meld(meld, caplog):
    write_audio(
        meld,
        "train/train_splits/dia3_utt0.wav",
        "train_dia3_utt1.flac",
        "output_repeated_splits_test/dia3_utt0.wav",
        "output_repeated_splits_test/dia3_utt1.wav",
        "output_repeated_splits_test/final_videos_testdia3_utt1.wav",
        "output_repeated_splits_test/dia3_utt9.wav",  # in no table
        "elsewhere/dia3_utt0.wav",
        # The innermost folder tells the part.
        "train_splits/dev_splits_complete/dia3_utt1.wav",
    )
    write_audio(meld, "dev_splits_complete/dia3_utt2.wav", seconds=0)
    clips = {clip.id: clip for clip in read_meld(meld)}
    assert list(clips) == [
        *("train_dia3_utt0", "train_dia3_utt1", "dev_dia3_utt1"),
        *("test_dia3_utt0", "test_dia3_utt1"),
    ]
    assert clips["train_dia3_utt1"].wav == meld / "train_dia3_utt1.flac"
    assert clips["test_dia3_utt1"].wav.stem == "final_videos_testdia3_utt1"
    assert clips["train_dia3_utt0"].length == pytest.approx(0.01)
    left_out = "of 9 utterances left out, which have"
    assert f"3 {left_out} no audio (train_dia3_utt2, dev_" in caplog.text
    assert f"1 {left_out} broken audio (dev_dia3_utt2)" in caplog.text
    texts = read_meld(meld, audio="none")
    assert len(texts) == 9 and {text.wav for text in texts} == {None}


def test_audio_that_is_required(meld, caplog):
    with pytest.raises(CorpusError, match="no audio.*dia0_utt0.mp4"):
        read_meld(meld, audio="required")
    with caplog.at_level(logging.INFO):
        assert read_meld(meld)[0].wav is None
    assert "MELD: texts alone, there is no audio. Put videos" in caplog.text
    write_audio(meld, "train_splits/dia3_utt0.wav", seconds=0)
    with pytest.raises(CorpusError, match="none of the 9 .*train_dia3_utt0"):
        read_meld(meld)
    with pytest.raises(ValueError, match="auto, required, none, not 'yes'"):
        read_meld(meld, audio="yes")


def test_real_meld():
    texts = read_meld(real_corpus("text"))
    assert len({text.id for text in texts}) == 13708
    assert Counter(text.part for text in texts) == {
        "train": 9989,
        "dev": 1109,
        "test": 2610,
    }
    dialogues = Counter(text.session.split("_")[0] for text in texts)
    assert dialogues == Counter(text.part for text in texts)
    # The last of them are dialogues 1038, 113 and 279.
    last = {text.part: text.session for text in texts}
    assert last == {
        "train": "train_dia1038",
        "dev": "dev_dia113",
        "test": "test_dia279",
    }


# Spanish MEACorpus 2023


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
