"""Readers of corpora that have sessions, dialogues or videos."""

import logging
from collections import Counter

import pytest
from corpora_layouts import real_corpus, write_audio
from hypothesis import (
    given,
    strategies as st,
)

from speechbrain_emotion.dataio.corpora import read_iemocap, read_meld
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
    assert "IEMOCAP: 2 of 10,039 clips were found." in caplog.text


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


def test_iemocap_lacks_labels_of_a_session(tmp_path, caplog):
    write_session(tmp_path, LABELS, TEXTS)
    write_audio(tmp_path, f"{WAVS}_F000.wav", f"{WAVS}_M009.wav")
    for session in (3, 5):
        name = f"Ses{session:02d}M_impro02_F001.wav"
        write_audio(tmp_path / f"Session{session}", name)
    (clip,) = read_iemocap(tmp_path)
    assert clip.words == "Excuse me."
    assert (
        "IEMOCAP: 3 clips left out that have no label (Ses01F_impro01_M009, "
        "Ses03M_impro02_F001, Ses05M_impro02_F001); none has one in Ses03, "
        "Ses05."
    ) in caplog.messages


def test_iemocap_lacks_transcripts(tmp_path, caplog):
    some = TEXTS.replace("Ses01F_impro01_M001", "Ses01F_impro01_M002")
    write_session(tmp_path, LABELS, some)
    write_audio(tmp_path, f"{WAVS}_F000.wav", f"{WAVS}_M001.wav")
    first, second = read_iemocap(tmp_path, texts="required")
    assert first.words and not second.words
    missing = "2 clips have no transcript (Ses01F_impro01_M001)."
    assert f"IEMOCAP: 1 of {missing}" in caplog.messages
    for path in tmp_path.rglob("transcriptions/*.txt"):
        path.unlink()
    with pytest.raises(CorpusError, match="no clip has a .*/transcriptions/"):
        read_iemocap(tmp_path, texts="required")
    caplog.clear()
    assert len(read_iemocap(tmp_path)) == 2
    assert "IEMOCAP: 2 of 2 clips have no transcript" in caplog.text
    with pytest.raises(ValueError, match="auto or required, not 'none'"):
        read_iemocap(tmp_path, texts="none")


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


@pytest.mark.parametrize(
    "written, speaker",
    [
        ("Ross", "Ross"),
        (" ross ", "Ross"),
        ("Joey/Drake", "Joey"),
        ("Rachel/actress", "Rachel"),
        ("Phoebe Sr.", "Phoebe Sr"),
        ("Phoebe Sr", "Phoebe Sr"),
        ("Joey and Chandler", ""),
        ("Ross & Rachel", ""),
        ("All", ""),
        ("Both", ""),
        ("The Guys", ""),
        ("Her-Friends", ""),
        ("Sandy", "Sandy"),
    ],
)
def test_speakers_of_meld(meld, written, speaker):
    table = meld / "train" / "train_sent_emo.csv"
    table.write_text(table.read_text().replace("Ross", written))
    assert {clip.spk_id for clip in read_meld(meld)[:3]} == {speaker}


@pytest.mark.parametrize(
    "content, message",
    [
        (HEADER, "test_sent_emo.csv' has no row but the header"),
        (
            HEADER + ROW.format("Oh!", 0) + "2,Oh!,Ross,joy,positive,3,1\n",
            "row 3 of .*test_sent_emo.csv' has no Season and no Episode",
        ),
        (
            HEADER + ROW.format("Oh!", 0).replace(",8,21,", ",,21,"),
            "row 2 of .* has no Season",
        ),
        (
            HEADER + ROW.format("Oh!", 0).replace(",8,21,", ",8,x,"),
            "row 2 of .* has 'x' as Episode",
        ),
        (HEADER + 2 * ROW.format("Oh!", 0), "twice .*: 3 0, as in row 3"),
        (HEADER + ROW.format("Oh!,", 0), "row 2 of .* has too many cells"),
    ],
)
def test_broken_tables_of_meld(meld, content, message):
    (meld / "test" / "test_sent_emo.csv").write_text(content)
    with pytest.raises(CorpusError, match=message):
        read_meld(meld)


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
    assert clips["train_dia3_utt0"].length == pytest.approx(0.05)
    left_out = "of 9 utterances left out, which have"
    assert f"3 {left_out} no audio (train_dia3_utt2, dev_" in caplog.text
    broken = "audio that is broken or shorter than 35 ms (dev_dia3_utt2)"
    assert f"1 {left_out} {broken}" in caplog.text
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
