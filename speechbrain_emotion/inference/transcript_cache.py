"""Transcripts that were made already, in memory and on disk."""

import contextlib
import hashlib
import json
import logging
import os
import pathlib
import threading
from collections import OrderedDict

from speechbrain_emotion.dataio.transcript import Transcript

logger = logging.getLogger(__name__)

MAX_KEPT = 1024  # in memory


class TranscriptCache:
    """Keeps transcripts, the last used in memory and all of them in a folder.

    Several threads and processes may share a folder. Where it cannot be read
    or written, this is logged, and nothing is kept there.

    Arguments
    ---------
    folder : str or Path
        Where to keep them, too; made if it does not exist.

    Raises
    ------
    OSError
        If there can be no such folder.

    Example
    -------
    >>> import torch
    >>> cache = TranscriptCache(getfixture("tmpdir"))
    >>> key = cache_key(torch.zeros(8), language="en")
    >>> cache.put(key, Transcript("Oh!"))
    >>> TranscriptCache(getfixture("tmpdir")).get(key).text
    'Oh!'
    """

    def __init__(self, folder=None):
        self.folder = None if folder is None else pathlib.Path(folder)
        self.lock = threading.Lock()
        self.kept = OrderedDict()
        if folder is not None:
            self._make_folder()

    def get(self, key):
        """Looks a transcript up.

        Arguments
        ---------
        key : str
            What ``cache_key`` gives.

        Returns
        -------
        Transcript or None
        """
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
        transcript = None if self.folder is None else self._read(key)
        if transcript is not None:
            self._keep(key, transcript)
        return transcript

    def put(self, key, transcript):
        """Keeps a transcript.

        Arguments
        ---------
        key : str
            What ``cache_key`` gives.
        transcript : Transcript
            The transcript.
        """
        self._keep(key, transcript)
        if self.folder is not None:
            self._write(key, transcript)

    def _make_folder(self):
        """Makes the folder if it does not exist."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            there = os.path.exists(self.folder)
            problem = "it is no folder" if there else error.strerror
            raise OSError(
                f"transcripts cannot be kept in '{self.folder}' ({problem}): "
                "name another folder"
            ) from error

    def _keep(self, key, transcript):
        """Keeps it in memory."""
        with self.lock:
            self.kept[key] = transcript
            self.kept.move_to_end(key)
            while len(self.kept) > MAX_KEPT:
                self.kept.popitem(last=False)

    def _read(self, key):
        """Reads it from the folder, if it is there."""
        path = self._path(key)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return Transcript.from_dict(content["transcript"])
        except FileNotFoundError:
            return None
        # ValueError: no JSON, no Unicode, or no transcript.
        except (OSError, ValueError, LookupError, TypeError) as error:
            logger.warning(
                "'%s' is no kept transcript (%s): it is made anew", path, error
            )
            return None

    def _write(self, key, transcript):
        """Writes it to the folder, all or nothing."""
        path = self._path(key)
        owner = f"{os.getpid()}-{threading.get_ident()}"
        unfinished = path.with_name(f"{path.name}.{owner}.unfinished")
        content = json.dumps(
            {"transcript": transcript.to_dict()}, ensure_ascii=False
        )
        try:
            unfinished.write_text(content, encoding="utf-8")
            os.replace(unfinished, path)
        except OSError as error:
            logger.warning("'%s' cannot be written (%s)", path, error)
        finally:
            # It is there after Ctrl-C, or where the disk is full.
            with contextlib.suppress(OSError):
                unfinished.unlink()

    def _path(self, key):
        """The file of a transcript."""
        return self.folder / f"{key}.json"


def cache_key(samples, **settings):
    """Identifies what is transcribed, and how.

    Arguments
    ---------
    samples : torch.Tensor
        Waveform, [samples], float32.
    **settings
        All that the transcript depends on.

    Returns
    -------
    str
        Hexadecimal.

    Example
    -------
    >>> import torch
    >>> one, two = (cache_key(torch.zeros(8), beam_size=n) for n in (1, 2))
    >>> one == two
    False
    """
    text = json.dumps(settings, sort_keys=True, default=repr)
    digest = hashlib.sha256(text.encode())
    digest.update(samples.contiguous().numpy())
    return digest.hexdigest()
