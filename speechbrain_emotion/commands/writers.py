"""Where the answers go: to a file or to standard output."""

import contextlib
import io
import os
import pathlib
import sys

from speechbrain_emotion.commands.formats import (
    csv_header,
    format_answered,
    format_csv,
    format_json,
    format_jsonl,
)

# Written while the rest is computed, and at the end.
STREAMED = {"jsonl": format_jsonl, "csv": format_csv}
WHOLE = {"table": format_answered, "json": format_json}


class Writer:
    """Writes answers in one of the formats.

    What is written at once is written as a whole, so that nobody ever reads
    half a row.

    Arguments
    ---------
    stream : file
        Where to write.
    format : str
        "table", "json", "jsonl" or "csv".
    labels : list of str
        The labels of the model.

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Prediction
    >>> writer = Writer(sys.stdout, "csv", ["sad"])
    source,text,label,score,sad,enrolled,error
    >>> writer.write([Prediction.from_scores({"sad": 1.0}, source="a.wav")])
    a.wav,,sad,1.0,1.0,0,
    >>> writer.finish()
    """

    def __init__(self, stream, format, labels):
        self.stream = stream
        self.format = format
        self.labels = labels
        self.waiting = []
        if format == "csv":
            self._emit(csv_header(labels))

    def write(self, predictions):
        """Takes answers, and writes them if the format can be streamed.

        Arguments
        ---------
        predictions : list of Prediction
            Answered or failed.
        """
        if self.format in STREAMED:
            self._emit(STREAMED[self.format](predictions, self.labels))
        else:
            self.waiting += predictions

    def finish(self):
        """Writes what can only be written as a whole."""
        if self.format in WHOLE:
            self._emit(WHOLE[self.format](self.waiting, self.labels))

    def _emit(self, text):
        """Writes a text as a whole."""
        self.stream.write(text)
        self.stream.flush()


@contextlib.contextmanager
def open_writer(output, format, labels):
    """Opens a writer; whatever happens, what it was given gets written.

    Arguments
    ---------
    output : str or Path
        The file; None: standard output.
    format : str
        "table", "json", "jsonl" or "csv".
    labels : list of str
        The labels of the model.

    Yields
    ------
    Writer

    Example
    -------
    >>> path = getfixture("tmp_path") / "answers.json"
    >>> with open_writer(path, "json", ["happy"]) as writer:
    ...     writer.write([])
    >>> path.read_text()
    '[]\\n'
    """
    with open_output(output, format) as stream:
        writer = Writer(stream, format, labels)
        try:
            yield writer
        finally:
            writer.finish()


def open_output(output, format):
    """Opens where answers go.

    Arguments
    ---------
    output : str or Path
        The file; None: standard output.
    format : str
        "table" is for people, whose terminal may lack letters; others are
        written in UTF-8.

    Returns
    -------
    context manager
        Gives the open file.

    Example
    -------
    >>> path = getfixture("tmp_path") / "answers.txt"
    >>> with open_output(path, "vtt") as stream:
    ...     _ = stream.write("WEBVTT")
    >>> path.read_text()
    'WEBVTT'
    """
    return _standard_output(format) if output is None else _open(output)


def check_output(output, inputs, option="--output"):
    """Makes sure, before any work is done, that a file can be written.

    Arguments
    ---------
    output : str or Path
        The file.
    inputs : list of str
        Files that are read.
    option : str
        What names the file, for the message.

    Raises
    ------
    ValueError
        If it has no folder, is one, is one of the inputs, or may not be
        written.

    Example
    -------
    >>> check_output("answers.csv", ["clips.csv"])
    >>> check_output("clips.csv", ["clips.csv"])
    Traceback (most recent call last):
    ...
    ValueError: --output 'clips.csv' is an input, which would be lost: name ...
    """
    folder = pathlib.Path(output).parent
    if not folder.is_dir():
        raise ValueError(
            f"{option} '{output}': there is no folder '{folder}': make it first"
        )
    if os.path.isdir(output):
        raise ValueError(f"{option} '{output}' is a folder: name a file")
    if os.path.abspath(output) in map(os.path.abspath, inputs):
        raise ValueError(
            f"{option} '{output}' is an input, which would be lost: name "
            "another file"
        )
    target = output if os.path.exists(output) else folder
    if not os.access(target, os.W_OK):
        raise ValueError(
            f"{option} '{output}' cannot be written: you may not write to "
            f"'{target}': name another file"
        )


def open_binary(path):
    """Opens a file for what is no text, such as pictures.

    Arguments
    ---------
    path : str or Path
        The file, which is overwritten.

    Returns
    -------
    binary file
        Errors of writing to it name it.

    Example
    -------
    >>> path = getfixture("tmp_path") / "picture.png"
    >>> with open_binary(path) as file:
    ...     _ = file.write(b"PNG")
    >>> path.read_bytes()
    b'PNG'
    """
    return io.BufferedWriter(_NamedFile(path, "w"))


class _NamedFile(io.FileIO):
    """A file whose name is in the errors of writing to it."""

    def write(self, content):
        """Writes bytes; where the disk is full, Python names no file."""
        try:
            return super().write(content)
        except OSError as error:
            error.filename = os.fspath(self.name)
            raise


def _open(path):
    """Opens a file; the names in it may hold bytes that are no text."""
    return io.TextIOWrapper(
        open_binary(path),
        encoding="utf-8",
        errors="backslashreplace",
        newline="",
    )


def _standard_output(format):
    """Prepares standard output as `_open` does, tables in its own letters."""
    # Notebooks and the like have something else there.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            encoding=None if format == "table" else "utf-8",
            errors="backslashreplace",
        )
    return contextlib.nullcontext(sys.stdout)
