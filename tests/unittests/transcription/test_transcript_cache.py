"""Transcripts that are kept, and folders that cannot keep them."""

import errno
import logging
import os
import pathlib
import shutil

import pytest
from spoken_bursts import say

from speechbrain_emotion.inference import transcript_cache
from speechbrain_emotion.inference.transcription import WhisperTranscriber


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"transcript": {"text"',
        b"{}",
        b"[]",
        b"\xff",
        b'{"transcript": 1}',
    ],
)
def test_an_unreadable_file_is_made_anew(backend, tmp_path, caplog, content):
    transcriber = WhisperTranscriber(cache_folder=tmp_path)
    expected = transcriber.transcribe([say(1)])
    (file,) = tmp_path.iterdir()
    good = file.read_bytes()
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        transcriber = WhisperTranscriber(cache_folder=tmp_path)
        assert transcriber.transcribe([say(1)]) == expected
    assert str(file) in caplog.text and "made anew" in caplog.text
    assert file.read_bytes() == good and len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written(backend, tmp_path, caplog):
    transcriber = WhisperTranscriber(cache_folder=tmp_path / "gone")
    shutil.rmtree(tmp_path / "gone")
    assert transcriber.transcribe([say(1)]).text == "one."
    assert "cannot be written" in caplog.text


@pytest.mark.parametrize("error", [errno.EROFS, errno.ENOSPC])
def test_a_disk_that_cannot_be_written(
    backend, tmp_path, caplog, monkeypatch, error
):
    def fail(*args, **kwargs):
        raise OSError(error, os.strerror(error))

    transcriber = WhisperTranscriber(cache_folder=tmp_path)
    monkeypatch.setattr(pathlib.Path, "write_text", fail)
    if error == errno.EROFS:
        monkeypatch.setattr(pathlib.Path, "unlink", fail)
    assert transcriber.transcribe([say(1)]).text == "one."
    assert "cannot be written" in caplog.text and str(tmp_path) in caplog.text
    assert transcriber.transcribe([say(1)]).text == "one."
    assert len(backend.calls) == 1


@pytest.mark.parametrize(
    "name, problem",
    [("file", "it is no folder"), ("file/folder", "Not a directory")],
)
def test_a_folder_that_is_none(backend, tmp_path, name, problem):
    (tmp_path / "file").touch()
    with pytest.raises(OSError) as error:
        WhisperTranscriber(cache_folder=tmp_path / name)
    assert str(error.value) == (
        f"transcripts cannot be kept in '{tmp_path / name}' ({problem}): name "
        "another folder"
    )


def test_memory_is_bounded(backend, monkeypatch):
    monkeypatch.setattr(transcript_cache, "MAX_KEPT", 2)
    transcriber = WhisperTranscriber()
    for number in (1, 2, 1, 3, 1, 2):
        transcriber.transcribe([say(number)])
    assert len(transcriber.cache.kept) == 2
    assert len(backend.calls) == 4
