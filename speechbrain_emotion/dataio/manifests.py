"""Utterances, and the JSON manifests that SpeechBrain's datasets read."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from ..utils.whole_files import written_whole


class CorpusError(ValueError):
    """A corpus folder does not hold what its reader expects."""


@dataclass(frozen=True)
class Utterance:
    """One recorded clip, or one text, and what is known about it.

    Arguments
    ---------
    id : str
        Name of the clip, unique within its corpus.
    wav : pathlib.Path or None
        The audio file; None for a text alone.
    length : float
        Length in seconds.
    emo : str
        The corpus's own word for the emotion; the label once
        `speechbrain_emotion.dataio.labels.map_labels` has been applied.
    spk_id : str
        The speaker.
    gender : str
        "female" or "male", empty where unknown.
    lang : str
        ISO 639-1 code of the language.
    words : str
        What is said, empty where unknown.
    corpus : str
        Name of the corpus.
    part : str
        The part that the corpus's publishers put it in, empty where they
        did not.
    session : str
        The session or dialogue that it was recorded in, empty where unknown.
    video : str
        The video that it was cut from, empty where unknown.
    style : str
        How it was elicited, as "improvised" or "scripted", empty where
        unknown.

    Example
    -------
    >>> clip = Utterance(
    ...     id="OAF_back_ps",
    ...     wav=Path("TESS/OAF_back_ps.wav"),
    ...     length=1.9,
    ...     emo="pleasant_surprise",
    ...     spk_id="OAF",
    ...     gender="female",
    ...     lang="en",
    ...     words="Say the word back",
    ...     corpus="TESS",
    ... )
    >>> clip.spk_id
    'OAF'
    """

    id: str
    wav: Path | None
    length: float
    emo: str
    spk_id: str
    gender: str
    lang: str
    words: str
    corpus: str
    part: str = ""
    session: str = ""
    video: str = ""
    style: str = ""


def write_manifest(path, utterances, data_root=None):
    """Writes a JSON manifest for `DynamicItemDataset.from_json`.

    Arguments
    ---------
    path : str or pathlib.Path
        The file to write.
    utterances : list of Utterance
        The clips, in the order in which they are written.
    data_root : str or pathlib.Path
        Where given, audio paths are written relative to this folder, as
        "{data_root}/...", so that the manifest stays valid when the corpus
        moves. Otherwise, and outside this folder, they are absolute. A text
        alone has no such path.

    Example
    -------
    >>> from speechbrain.dataio.dataio import load_data_json
    >>> folder = Path(getfixture("tmp_path"))
    >>> clip = Utterance(
    ...     "a", folder / "a.wav", 1.5, "sad", "1", "", "en", "{sighs}", "mine"
    ... )
    >>> write_manifest(folder / "train.json", [clip], data_root=folder)
    >>> entry = load_data_json(folder / "train.json", {"data_root": "/data"})
    >>> entry["a"]["wav"], entry["a"]["words"]
    ('/data/a.wav', '{sighs}')
    """
    write_json(path, {clip.id: _entry(clip, data_root) for clip in utterances})


def _entry(clip, data_root):
    """The manifest entry of one clip."""
    entry, root = asdict(clip), ""
    del entry["id"]
    if clip.wav is None:
        del entry["wav"]
    else:
        path = Path(clip.wav)
        folder = data_root and os.path.abspath(data_root)
        if folder and path.is_relative_to(folder):
            path, root = path.relative_to(folder), "{data_root}/"
        entry["wav"] = path.as_posix()
    # SpeechBrain puts every string through str.format, so that a brace of
    # the corpus's own must be doubled.
    entry = {
        key: value.replace("{", "{{").replace("}", "}}")
        if isinstance(value, str)
        else value
        for key, value in entry.items()
    }
    if root:
        entry["wav"] = root + entry["wav"]
    return entry


def write_json(path, content):
    """Writes a JSON file that is there as a whole or not at all.

    Arguments
    ---------
    path : str or pathlib.Path
        The file to write. Its folder is made where it does not exist.
    content : dict
        What to write.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False)
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
