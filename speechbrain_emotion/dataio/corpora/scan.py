"""What all corpus readers share: find the audio files, read their lengths,
and say what was left out and why.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import soundfile

from ..manifests import CorpusError, Utterance
from ..notices import notice

logger = logging.getLogger(__name__)

AUDIO_SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".mp3")
NAMED_AT_MOST = 5  # names in one message
# Seconds: no speech encoder here has a frame for less.
SHORTEST = 0.035
# What lies in the place of a file that Git LFS has not fetched.
LFS_POINTER = b"version https://git-lfs"


@dataclass(frozen=True)
class Layout:
    """How a corpus lies on the disk.

    Arguments
    ---------
    corpus : str
        Name of the corpus.
    lang : str
        Language spoken in it.
    clips : int
        Number of clips in the complete corpus.
    example : str
        Path of one of its files, for the messages.
    describe : callable
        Given the path of an audio file, returns a dict with `emo`, `spk_id`,
        `gender`, `words` and what else is known of the clip, or None where
        the file is none of the corpus's clips. Raises CorpusError on a code
        that it does not know. The id is the name of the file without its
        suffix, unless the dict has another `id`.
    known_broken : frozenset of str
        Ids of clips that are left out, because their publishers say that
        they are broken, though the files can be read.
    """

    corpus: str
    lang: str
    clips: int
    example: str
    describe: Callable
    known_broken: frozenset = frozenset()


def read_layout(data_folder, layout):
    """Reads all clips of a corpus.

    Of several files with one id, the first that can be used counts, those
    higher up in the folder tree first. Files that cannot be read, or are
    shorter than 35 ms, are left out with a warning.

    Arguments
    ---------
    data_folder : str or pathlib.Path
        The folder of the corpus.
    layout : Layout
        What to expect in it.

    Returns
    -------
    list of Utterance
        The clips, sorted by id.

    Raises
    ------
    CorpusError
        Where the folder does not exist or no clip can be read from it.
    """
    files = audio_files(data_folder)
    clips, copies, strangers, broken = {}, [], [], []
    for path in files:
        fields = layout.describe(path)
        if fields is None:
            strangers.append(path)
            continue
        id = fields.pop("id", path.stem)
        if id in clips:
            copies.append(path)
        elif id in layout.known_broken:
            broken.append(path)
        elif not (length := usable_length(path)):
            broken.append(path)
        else:
            clips[id] = Utterance(
                id=id,
                wav=path,
                length=length,
                lang=layout.lang,
                corpus=layout.corpus,
                **fields,
            )
    if not clips:
        raise CorpusError(_nothing_found(data_folder, layout, files, broken))
    _log_left_out(layout, clips, copies, strangers, broken)
    return [clips[id] for id in sorted(clips)]


def audio_files(data_folder, suffixes=AUDIO_SUFFIXES):
    """Finds the audio files below a folder, links followed.

    Arguments
    ---------
    data_folder : str or pathlib.Path
        Where to look.
    suffixes : tuple of str
        How the names of the files end, in lower case.

    Returns
    -------
    list of pathlib.Path
        Absolute paths, the highest in the folder tree first. Hidden files
        are left out (macOS puts "._name.wav" beside "name.wav").

    Raises
    ------
    CorpusError
        Where the folder does not exist.
    """
    folder = Path(os.path.abspath(data_folder))
    if not folder.is_dir():
        raise CorpusError(
            f"The data folder '{data_folder}' does not exist. Give the "
            "folder into which the corpus was unpacked."
        )
    found = [
        Path(parent, name)
        for parent, _, names in os.walk(folder, followlinks=True)
        for name in names
        if name.lower().endswith(suffixes) and not name.startswith(".")
    ]
    return sorted(found, key=lambda path: (len(path.parts), path))


def look_up(codes, code, corpus, kind, path):
    """Looks up what a code in the name of a file stands for.

    Arguments
    ---------
    codes : dict
        Code -> meaning.
    code : str
        The code.
    corpus : str
        Name of the corpus, for the message.
    kind : str
        What the code tells, for the message.
    path : pathlib.Path
        The file, for the message.

    Returns
    -------
    object
        The meaning.

    Raises
    ------
    CorpusError
        Where there is no such code.

    Example
    -------
    >>> look_up({"05": "angry"}, "05", "RAVDESS", "emotion", "a.wav")
    'angry'
    >>> look_up({"05": "angry"}, "09", "RAVDESS", "emotion", "a.wav")
    Traceback (most recent call last):
        ...
    speechbrain_emotion.dataio.manifests.CorpusError: RAVDESS: unknown ...
    """
    if code not in codes:
        raise CorpusError(
            f"{corpus}: unknown {kind} '{code}' in '{path}'; known: "
            f"{', '.join(codes)}."
        )
    return codes[code]


def say_if_incomplete(logger, corpus, found, expected, unit):
    """Gives notice of a corpus of which a part is missing.

    Arguments
    ---------
    logger : logging.Logger
        Where to log it.
    corpus : str
        Name of the corpus.
    found : int
        How many clips or utterances there are.
    expected : int
        How many there are in the complete corpus.
    unit : str
        "clips" or "utterances".
    """
    if found < expected:
        notice(
            logger,
            f"{corpus}: {found:,} of {expected:,} {unit} were found.",
        )


def usable_length(path):
    """Reads the length of an audio file from its header.

    Arguments
    ---------
    path : str or pathlib.Path
        The audio file.

    Returns
    -------
    float
        Length in seconds; 0.0 where the file cannot be read or is shorter
        than 35 ms, too short for a frame of a speech encoder.
    """
    try:
        header = soundfile.info(str(path))
    except soundfile.LibsndfileError:
        return 0.0
    length = header.frames / header.samplerate
    return length if length >= SHORTEST else 0.0


def some_of(names):
    """Names the first few of many.

    Arguments
    ---------
    names : list of str
        The names.

    Returns
    -------
    str
        Five at most, and how many there are beyond.

    Example
    -------
    >>> some_of("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    some = ", ".join(names[:NAMED_AT_MOST])
    more = len(names) - NAMED_AT_MOST
    return f"{some} and {more} more" if more > 0 else some


def _nothing_found(data_folder, layout, files, broken):
    """The message for a folder without a clip of the corpus."""
    if broken:
        return (
            f"{layout.corpus}: none of the {len(broken)} clips below "
            f"'{data_folder}' can be used ({_names(broken)}). "
            f"{_lfs_hint(broken) or 'Unpack the corpus again.'}"
        )
    if files:
        found = f"{len(files)} other audio files ({_names(files)})"
    else:
        entries = sorted(Path(data_folder).iterdir())
        found = (
            f"no audio file ({', '.join(AUDIO_SUFFIXES)}) but "
            f"{_names(entries) or 'an empty folder'}"
        )
    return (
        f"{layout.corpus}: no clip below '{data_folder}'. Expected files like "
        f"'{layout.example}', found {found}."
    )


def _log_left_out(layout, clips, copies, strangers, broken):
    """Logs how many clips were read and which files were not."""
    logger.info(f"{layout.corpus}: {len(clips)} clips")
    if copies:
        logger.info(
            f"{layout.corpus}: {len(copies)} second copies ignored "
            f"({_names(copies)})"
        )
    if strangers:
        logger.info(
            f"{layout.corpus}: {len(strangers)} audio files ignored that are "
            f"none of its speech clips ({_names(strangers)})"
        )
    if broken:
        notice(
            logger,
            f"{layout.corpus}: {len(broken)} audio files left out that cannot "
            "be read, have no sound or are shorter than 35 ms "
            f"({_names(broken)}).{' ' * bool(_lfs_hint(broken))}"
            f"{_lfs_hint(broken)}",
        )
    say_if_incomplete(logger, layout.corpus, len(clips), layout.clips, "clips")


def _lfs_hint(broken):
    """What to do where Git LFS has left pointers in the place of files."""
    pointers = [path for path in broken if _is_lfs_pointer(path)]
    if not pointers:
        return ""
    return (
        f"{len(pointers)} of them are pointers of Git LFS in the place of "
        "audio; fetch it by 'git lfs pull' in the cloned repository."
    )


def _is_lfs_pointer(path):
    """Whether a file is what Git LFS puts in the place of another."""
    with open(path, "rb") as file:
        return file.read(len(LFS_POINTER)) == LFS_POINTER


def _names(paths):
    """The first few file names, and how many there are beyond."""
    return some_of([path.name for path in paths])
