"""The corpus readers, on made and on real corpora."""

import csv
import logging
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from corpora_layouts import real_corpus, write_audio

from speechbrain_emotion.dataio.corpora import (
    read_cremad,
    read_nemo,
    read_ravdess,
    read_savee,
    read_tess,
)
from speechbrain_emotion.dataio.manifests import CorpusError
from speechbrain_emotion.dataio.splits import speaker_folds
from speechbrain_emotion.lobes.w2v_bert import StackedFbank
from speechbrain_emotion.lobes.whisper import WhisperEncoder

READERS = {"ravdess": read_ravdess, "tess": read_tess, "nemo": read_nemo}
EXAMPLES = {
    read_ravdess: "03-01-05-01-01-01-01",
    read_tess: "OAF_back_angry",
    read_nemo: "KS0_anger_1",
    read_savee: "AudioData/DC/a01",
    read_cremad: "AudioWAV/1001_DFA_ANG_XX",
}
each_reader = pytest.mark.parametrize("read", EXAMPLES)


# Layouts


def test_ravdess_names(tmp_path):
    write_audio(
        tmp_path,
        "Actor_01/03-01-06-02-01-02-01.wav",
        "deep/er/Actor_02/03-01-08-01-02-01-02.flac",
        seconds=0.25,
    )
    first, second = read_ravdess(tmp_path)
    assert first.id == "03-01-06-02-01-02-01"
    assert first.wav == tmp_path / "Actor_01/03-01-06-02-01-02-01.wav"
    assert first.length == 0.25
    assert (first.emo, first.spk_id, first.gender, first.lang) == (
        "fearful",
        "Actor_01",
        "male",
        "en",
    )
    assert first.words == "Kids are talking by the door"
    assert first.corpus == "RAVDESS"
    assert (second.emo, second.spk_id, second.gender, second.words) == (
        "surprised",
        "Actor_02",
        "female",
        "Dogs are sitting by the door",
    )


def test_ravdess_from_kaggle_with_songs_and_copies(tmp_path, caplog):
    clip = "Actor_01/03-01-05-01-01-01-01.wav"
    inner = f"audio_speech_actors_01-24/{clip}"
    song, video = "03-02-05-01-01-01-01.wav", "01-01-05-01-01-01-01.wav"
    hidden = "Actor_01/._03-01-05-01-01-01-01.wav"
    write_audio(tmp_path, inner, clip, song, video, hidden)
    with caplog.at_level(logging.INFO):
        (only,) = read_ravdess(tmp_path)
    assert only.wav == tmp_path / clip
    assert "1 second copies ignored (03-01-05-01-01-01-01.wav)" in caplog.text
    ignored = "2 audio files ignored that are none of its speech clips"
    assert f"{ignored} ({video}, {song})" in caplog.text
    assert "RAVDESS: 1 of 1,440 clips were found." in caplog.text


def test_tess_from_kaggle(tmp_path):
    outer = "TESS Toronto emotional speech set data"
    write_audio(
        tmp_path,
        f"{outer}/YAF_pleasant_surprised/YAF_bar_ps.wav",
        f"{outer}/{outer}/YAF_pleasant_surprised/YAF_bar_ps.wav",
        f"{outer}/OAF_neutral/OA_bite_neutral.wav",
        f"{outer}/OAF_Sad/OAF_youth_sad.wav",
    )
    clips = read_tess(tmp_path)
    assert [(c.id, c.emo, c.spk_id, c.words) for c in clips] == [
        ("OAF_youth_sad", "sad", "OAF", "Say the word youth"),
        ("OA_bite_neutral", "neutral", "OAF", "Say the word bite"),
        ("YAF_bar_ps", "pleasant_surprise", "YAF", "Say the word bar"),
    ]
    assert {c.gender for c in clips} == {"female"}


def test_savee_in_both_layouts(tmp_path):
    write_audio(tmp_path / "official", "AudioData/KL/su15.wav")
    write_audio(tmp_path / "official", "AudioData/DC/a01.wav")
    write_audio(tmp_path / "flat", "KL_su15.wav", "DC_a01.wav")
    for folder in ("official", "flat"):
        clips = read_savee(tmp_path / folder)
        assert [(c.id, c.emo, c.spk_id, c.gender) for c in clips] == [
            ("DC_a01", "anger", "DC", "male"),
            ("KL_su15", "surprise", "KL", "male"),
        ]
        assert {(c.corpus, c.lang, c.words) for c in clips} == {
            ("SAVEE", "en", "")
        }


def test_savee_leaves_other_speakers_alone(tmp_path):
    write_audio(tmp_path, "JE/n30.wav", "JE/AB_n30.wav", "other/n30.wav")
    (clip,) = read_savee(tmp_path)
    assert clip.wav == tmp_path / "JE/n30.wav"


def test_cremad(tmp_path, caplog):
    write_audio(
        tmp_path,
        "AudioWAV/1002_IEO_HAP_LO.wav",
        "AudioWAV/1091_TSI_NEU_XX.wav",
        "AudioWAV/1040_ITH_SAD_X.wav",  # as it was first published
        "AudioWAV/1076_MTI_SAD_XX.wav",
        "AudioMP3/1064_IEO_DIS_MD.wav",
    )
    table = '"ActorID","Age","Sex"\n1002,21,"Female"\n1040,42,"Male"\n'
    (tmp_path / "VideoDemographics.csv").write_text(table)
    for folder in (tmp_path, tmp_path / "AudioWAV"):
        clips = read_cremad(folder)
        assert [(c.id, c.emo, c.spk_id, c.gender) for c in clips] == [
            ("1002_IEO_HAP_LO", "happy", "1002", "female"),
            ("1040_ITH_SAD_X", "sad", "1040", "male"),
            ("1091_TSI_NEU_XX", "neutral", "1091", ""),
        ]
        assert clips[2].words == "The surface is slick."
    assert "have no sound or are shorter than 35 ms (1076_MTI" in (caplog.text)


def test_pointers_of_git_lfs(tmp_path, caplog):
    write_audio(tmp_path, "1001_DFA_ANG_XX.wav")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
    for name in ("1001_DFA_SAD_XX.wav", "1001_DFA_FEA_XX.wav"):
        (tmp_path / name).write_text(pointer)
    (tmp_path / "1001_DFA_HAP_XX.wav").write_text("not audio")
    (clip,) = read_cremad(tmp_path)
    assert "3 audio files left out" in caplog.text
    assert "2 of them are pointers of Git LFS" in caplog.text
    clip.wav.unlink()
    with pytest.raises(CorpusError, match="none of the 3.*'git lfs pull'"):
        read_cremad(tmp_path)


# As published: extensions in the ids, blanks before the speakers.
TSV = (
    "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
    'XX0_fear_2.wav\tfear\t"Tak" – rzekł.\ttak\t        XX0\tfemale\t23\n'
)
OTHER_TSV = TSV.replace("gender\tage", "speaker_gender\tspeaker_age")


@pytest.mark.parametrize("table", [TSV, OTHER_TSV])
@pytest.mark.parametrize(
    "where, folder", [("", ""), ("", "samples"), ("nEMO", "")]
)
def test_nemo_table(tmp_path, table, where, folder):
    root = tmp_path / where
    write_audio(root, "samples/XX0_fear_2.wav", "samples/KS0_anger_10.wav")
    (root / "data.tsv").write_text(table, encoding="utf-8")
    without_row, with_row = read_nemo(tmp_path / folder)
    assert (with_row.words, with_row.gender) == ('"Tak" – rzekł.', "female")
    assert (with_row.emo, with_row.spk_id, with_row.lang) == (
        "fear",
        "XX0",
        "pl",
    )
    assert (without_row.words, without_row.gender) == ("", "male")


def test_nemo_manifest(tmp_path):
    write_audio(tmp_path, "KS0_fear_2.ogg")
    (tmp_path / "manifest.csv").write_text(
        'id,text,gender\nKS0_fear_2,"Tak, nie",male\n', encoding="utf-8"
    )
    (clip,) = read_nemo(tmp_path)
    assert clip.words == "Tak, nie"


def test_nemo_table_without_columns(tmp_path):
    write_audio(tmp_path, "KS0_fear_2.wav")
    (tmp_path / "data.tsv").write_text("file_id\tage\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="no column raw_text; it has"):
        read_nemo(tmp_path)


# What is wrong with a folder


@each_reader
def test_no_folder(read, tmp_path):
    with pytest.raises(CorpusError, match="gone' does not exist"):
        read(tmp_path / "gone")


@each_reader
def test_no_audio(read, tmp_path):
    (tmp_path / "corpus.zip").touch()
    with pytest.raises(CorpusError) as e:
        read(tmp_path)
    assert f"{EXAMPLES[read]}.wav', found no audio file" in str(e.value)
    assert "corpus.zip" in str(e.value)


@each_reader
def test_other_audio(read, tmp_path):
    write_audio(tmp_path, *(f"a{i}.wav" for i in range(7)))
    with pytest.raises(CorpusError) as e:
        read(tmp_path)
    assert "found 7 other audio files (a0.wav, a1.wav" in str(e.value)
    assert "a4.wav and 2 more)" in str(e.value)


@each_reader
def test_broken_files_are_skipped(read, tmp_path, caplog):
    write_audio(tmp_path, f"{EXAMPLES[read]}.wav")
    broken = [
        "03-01-01-01-01-01-02.wav",
        "03-01-01-01-01-01-03.wav",
        "OAF_a_sad.wav",
        "OAF_b_sad.wav",
        "KS0_fear_1.wav",
        "KS0_fear_2.wav",
        "DC_su01.wav",
        "DC_su02.wav",
        "1001_IEO_SAD_LO.wav",
        "1001_IEO_SAD_HI.wav",
    ]
    for name in broken[::2]:
        (tmp_path / name).write_text("not audio")
    write_audio(tmp_path, *broken[1::2])
    for name in broken[1::2]:  # all but 25 samples are lost
        os.truncate(tmp_path / name, 44 + 2 * 25)
    (clip,) = read(tmp_path)
    assert clip.wav == tmp_path / f"{EXAMPLES[read]}.wav"
    message = next(m for m in caplog.messages if "cannot" in m)
    assert "2 audio files left out that cannot be read, have no" in message
    assert sum(name in message for name in broken) == 2


def test_clips_are_as_long_as_every_encoder_needs(tmp_path):
    needed = max(StackedFbank.min_samples, WhisperEncoder.min_samples)
    write_audio(tmp_path, "DC/a01.wav", seconds=needed / 16000)
    write_audio(tmp_path, "DC/a02.wav", seconds=(needed - 1) / 16000)
    assert [clip.id for clip in read_savee(tmp_path)] == ["DC_a01"]


@each_reader
def test_only_broken_files(read, tmp_path):
    write_audio(tmp_path, f"{EXAMPLES[read]}.wav", seconds=0)
    with pytest.raises(CorpusError, match="none of the 1 clips") as e:
        read(tmp_path)
    assert f"({Path(EXAMPLES[read]).name}.wav)" in str(e.value)


def test_a_good_copy_replaces_a_broken_file(tmp_path):
    write_audio(tmp_path, "inner/OAF_back_sad.wav")
    write_audio(tmp_path, "OAF_back_sad.wav", seconds=0)
    (clip,) = read_tess(tmp_path)
    assert clip.wav.parent.name == "inner"


@pytest.mark.parametrize(
    "read, name, message",
    [
        (read_ravdess, "03-01-09-01-01-01-01", "emotion code '09'.*: 01, 02"),
        (read_ravdess, "03-01-05-01-03-01-01", "statement code '03'"),
        (read_tess, "OAF_back_bored", "'bored'.*known: angry, disgust"),
        (read_nemo, "KS0_disgust_1", "'disgust'.*known: anger, fear"),
        (read_savee, "DC_x01", "'x'.*known: a, d, f"),
        (read_cremad, "1001_DFA_SUR_XX", "emotion code 'SUR'.*: ANG, DIS"),
        (read_cremad, "1001_ABC_SAD_XX", "sentence code 'ABC'.*: DFA, IEO"),
    ],
)
def test_unknown_codes(read, name, message, tmp_path):
    write_audio(tmp_path, f"{name}.wav")
    with pytest.raises(CorpusError, match=message) as e:
        read(tmp_path)
    assert f"{name}.wav" in str(e.value)


def test_readers_load_no_torch():
    code = (
        "import speechbrain_emotion.dataio.prepare, sys;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# The real corpora

COUNTS = {
    "ravdess": {
        **dict.fromkeys(
            ("angry", "calm", "disgust", "fearful", "happy", "sad"), 160
        ),
        "neutral": 80,
        "surprised": 160,
    },
    "tess": {
        **dict.fromkeys(("disgust", "fear", "happy", "neutral"), 400),
        "angry": 399,
        "pleasant_surprise": 400,
        "sad": 399,
    },
    "nemo": {
        "anger": 569,
        "fear": 556,
        "happiness": 569,
        "neutral": 630,
        "sadness": 589,
        "surprised": 490,
    },
}


@pytest.mark.parametrize(
    "name, total", [*zip(COUNTS, (1200, 2798, 3403), strict=True)]
)
def test_real_corpus(name, total):
    folder = real_corpus(name)
    clips = {clip.id: clip for clip in READERS[name](folder)}
    assert len(clips) == total
    assert Counter(clip.emo for clip in clips.values()) == COUNTS[name]
    with open(folder / "manifest.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == total
    for row in rows:
        clip = clips[row["id"]]
        assert clip.wav.samefile(folder / row["path"])
        assert clip.length == pytest.approx(float(row["duration_s"]), abs=0.01)
        expected = ("emotion", "speaker", "gender", "language", "text")
        assert tuple(row[column] for column in expected) == (
            clip.emo,
            clip.spk_id,
            clip.gender,
            clip.lang,
            clip.words,
        )


EMOBOX_FOLDS = {
    fold: [f"Actor_{actor}" for actor in actors.split()]
    for fold, actors in {
        1: "01 11 20 21",
        2: "04 10 12 14",
        3: "08 09 19 23",
        4: "03 05 07 24",
        5: "02 15 16 18",
        6: "06 13 17 22",
    }.items()
}


@pytest.mark.parametrize("fold", [1, 2, 3, 4, 5])
def test_folds_of_ravdess_are_emobox_folds(fold):
    folder = real_corpus("ravdess")
    parts = speaker_folds(read_ravdess(folder), EMOBOX_FOLDS, fold)
    with open(folder / "emobox_test_folds.csv", encoding="utf-8") as file:
        expected = {
            row["id"]
            for row in csv.DictReader(file)
            if row["test_fold"] == str(fold)
        }
    assert {clip.id for clip in parts["test"]} == expected
    assert [len(parts[part]) for part in parts] == [720, 240, 240]
