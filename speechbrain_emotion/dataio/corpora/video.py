"""Audio out of the videos of a corpus."""

import logging
import os
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from ...utils.whole_files import written_whole
from ..notices import notice
from .scan import some_of

RATE = 16000

logger = logging.getLogger(__name__)


def extract_audio(videos, audio_folder):
    """Writes the audio of videos, each once.

    What was extracted before is not extracted again, so that a run that was
    stopped goes on where it was. Videos without audio that can be decoded are
    left out with a warning.

    Arguments
    ---------
    videos : dict
        Id -> video file.
    audio_folder : str or pathlib.Path
        Where to write `<id>.flac`, 16 kHz, mono. It is made where it does
        not exist.

    Returns
    -------
    dict
        Id -> absolute path of the audio file.

    Raises
    ------
    ModuleNotFoundError
        Where something is left to extract and PyAV is not installed.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> (folder / "a.flac").touch()  # from an earlier run
    >>> [path.name for path in extract_audio({"a": "a.mp4"}, folder).values()]
    ['a.flac']
    """
    folder = Path(os.path.abspath(audio_folder))
    folder.mkdir(parents=True, exist_ok=True)
    targets = {id: folder / f"{id}.flac" for id in videos}
    left = [id for id, path in targets.items() if not path.is_file()]
    broken = []
    if left:
        logger.info(f"Extracting audio of {len(left)} videos into {folder}")
        av = _import_av()
        for id in tqdm(left, desc="Extracting audio", unit="video"):
            waveform = _decode(av, videos[id])
            if waveform is None:
                broken.append(id)
            else:
                _write(targets[id], waveform)
    if broken:
        names = some_of([Path(videos[id]).name for id in broken])
        notice(
            logger,
            f"{len(broken)} videos have no audio that can be decoded "
            f"({names}).",
        )
    return {id: targets[id] for id in videos if id not in set(broken)}


def _import_av():
    """PyAV, or an error that says how to install it."""
    # It loads torch, which is not needed to read a corpus.
    from speechbrain_emotion.utils.extras import import_extra

    return import_extra("av", "video")


def _decode(av, video):
    """The audio of a video, [samples], int16, or None without any."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    frames = []
    try:
        with av.open(str(video)) as container:
            if not container.streams.audio:
                return None
            for packet in container.demux(container.streams.audio[0]):
                for frame in _frames(av, packet):
                    frames += resampler.resample(frame)
            frames += resampler.resample(None)
    except av.FFmpegError:
        return None
    pieces = [frame.to_ndarray().reshape(-1) for frame in frames]
    return np.concatenate(pieces) if pieces else None


def _frames(av, packet):
    """The frames of a packet; none of a broken one, as for ffmpeg."""
    try:
        return packet.decode()
    except av.FFmpegError:
        return []


def _write(path, waveform):
    """Writes a file that is there as a whole or not at all."""
    with written_whole(path) as unfinished:
        soundfile.write(unfinished, waveform, RATE, format="FLAC")
