"""Audio out of videos."""

import subprocess
import sys

import numpy as np
import pytest
import soundfile
from tiny_corpora import make_corpus, write_video

from speechbrain_emotion.dataio.corpora import read_meld, video
from speechbrain_emotion.dataio.corpora.video import extract_audio

av = pytest.importorskip("av", reason='needs the extra "video"')


def tone(rate, seconds=0.5):
    """A tone of 500 Hz, [samples], int16."""
    time = np.arange(int(rate * seconds)) / rate
    return (8000 * np.sin(2 * np.pi * 500 * time)).astype(np.int16)


@pytest.fixture
def meld(tmp_path):
    return make_corpus("MELD", tmp_path / "MELD")


def test_stereo_becomes_mono_of_16_khz(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, np.repeat(tone(48000), 2), 48000, "stereo")
    (target,) = extract_audio({"a": path}, tmp_path / "audio").values()
    waveform, rate = soundfile.read(target)
    assert (target.name, rate, waveform.ndim) == ("a.flac", 16000, 1)
    # Whole frames of 1,024 samples, to the last sample.
    assert len(waveform) == pytest.approx(25 * 1024 / 3, abs=1)
    middle = waveform[2000:6000]
    spectrum = np.abs(np.fft.rfft(middle))
    assert spectrum.argmax() * 16000 / 4000 == 500
    assert middle.std() == pytest.approx(8000 / 2**15 / 2**0.5, rel=0.05)


def test_audio_is_extracted_once(meld, tmp_path, monkeypatch):
    folder = tmp_path / "audio"
    in_no_table = meld / "dev_splits_complete" / "dia66_utt9.mp4"
    write_video(in_no_table, tone(16000))
    clips = read_meld(meld, audio="required", audio_folder=folder)
    assert len(clips) == 42
    assert {clip.wav for clip in clips} == set(folder.iterdir())
    assert clips[0].wav == folder / "train_dia0_utt0.flac"
    assert 0.5 < clips[0].length < 0.8
    # A second time, PyAV is not even needed, nor are the videos.
    monkeypatch.setattr(video, "_import_av", lambda: pytest.fail("extracts"))
    assert read_meld(meld, audio_folder=folder) == clips
    for path in meld.rglob("*.mp4"):
        path.unlink()
    assert read_meld(meld, "required", folder) == clips


def test_the_final_video_counts(meld, tmp_path):
    folder = meld / "output_repeated_splits_test"
    write_video(folder / "final_videos_testdia0_utt0.mp4", tone(16000, 2))
    clips = read_meld(meld, audio_folder=tmp_path / "audio")
    lengths = {clip.id: clip.length for clip in clips}
    assert lengths["test_dia0_utt0"] > 1.9 > lengths["train_dia0_utt0"]


def test_broken_videos_are_left_out(meld, tmp_path, caplog):
    videos = meld / "train_splits"
    (videos / "dia0_utt0.mp4").write_bytes(b"no video" * 999)
    (videos / "dia0_utt1.mp4").write_bytes(b"")
    truncated = (videos / "dia0_utt2.mp4").read_bytes()[:-500]
    (videos / "dia0_utt2.mp4").write_bytes(truncated)
    (meld / "dev_splits_complete" / "dia0_utt6.mp4").unlink()
    clips = read_meld(meld, audio_folder=tmp_path / "audio")
    assert len(clips) == 38
    broken = "3 videos have no audio that can be decoded (dia0_utt0.mp4, dia0"
    assert broken in caplog.text
    assert "4 of 42 utterances left out, which have no audio" in caplog.text
    assert len(list((tmp_path / "audio").iterdir())) == 38


def test_broken_packets_are_skipped(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, tone(16000, seconds=2))
    with av.open(str(path)) as container:
        packets = list(container.demux(container.streams.audio[0]))
        places = [(packet.pos, packet.size) for packet in packets[8:12]]
    content = bytearray(path.read_bytes())
    for position, size in places:
        content[position : position + size] = b"\xff" * size
    path.write_bytes(content)
    (target,) = extract_audio({"a": path}, tmp_path / "audio").values()
    # 1,024 samples are lost with each.
    assert soundfile.info(target).frames == pytest.approx(27900, abs=2048)


def test_a_video_without_sound(tmp_path, caplog):
    path = tmp_path / "mute.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 16
        frame = np.zeros((16, 16, 3), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(frame, format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert extract_audio({"mute": path}, tmp_path / "audio") == {}
    assert "(mute.mp4)" in caplog.text


def test_ctrl_c_leaves_whole_files_and_goes_on_later(
    meld, tmp_path, monkeypatch
):
    folder, write = tmp_path / "audio", soundfile.write
    written = []

    def write_some(path, waveform, rate, format):
        if len(written) == 5:
            path.write_bytes(b"half a file")
            raise KeyboardInterrupt
        written.append(path)
        write(path, waveform, rate, format=format)

    with monkeypatch.context() as patch:
        patch.setattr(soundfile, "write", write_some)
        with pytest.raises(KeyboardInterrupt):
            read_meld(meld, audio_folder=folder)
    files = list(folder.iterdir())
    assert len(files) == 5
    before = {path: path.stat().st_mtime_ns for path in files}
    assert len(read_meld(meld, audio_folder=folder)) == 42
    assert all(path.stat().st_mtime_ns == before[path] for path in before)


def test_the_error_names_the_extra(meld, tmp_path):
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from speechbrain_emotion.dataio.corpora import read_meld\n"
        f"read_meld({str(meld)!r}, audio_folder={str(tmp_path / 'audio')!r})"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert "ModuleNotFoundError: this needs the package 'av'" in result.stderr
    assert 'pip install "speechbrain-emotion[video]"' in result.stderr
