"""What a call says about transcription."""

import json

from speechbrain_emotion.dataio.transcript import Transcript
from speechbrain_emotion.dataio.words import TextError

# As they stand on the command line, and in its namespace.
OPTIONS = {
    "--whisper": "whisper",
    "--transcripts": "transcripts",
    "--vad": "vad",
    "--beam-size": "beam_size",
}


def is_transcription_asked(args):
    """Whether a call says how to transcribe, and so asks for it.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line.

    Returns
    -------
    bool
    """
    return any(getattr(args, name) for name in OPTIONS.values())


def check_transcription(args, given):
    """Makes sure that there is something to transcribe, if that is asked for.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line.
    given : Given
        What the call gives.

    Raises
    ------
    ValueError
        If not, or if an option is wrong.
    """
    if args.beam_size is not None and args.beam_size < 1:
        raise ValueError(f"--beam-size {args.beam_size}: a number from 1 on")
    if not given.transcription:
        return
    options = " and ".join(
        option for option, name in OPTIONS.items() if getattr(args, name)
    )
    if not given.speech:
        raise ValueError(
            f"{options}: there is nothing to transcribe: name audio files"
        )
    if given.text_option:
        raise ValueError(
            f"{options}: what is said is given already, and nothing is to be "
            "transcribed: leave out one or the other"
        )


def read_transcript(path):
    """Reads a transcript from a file.

    Arguments
    ---------
    path : str or Path
        JSON file, as ``Transcript.from_dict`` takes it.

    Returns
    -------
    Transcript

    Raises
    ------
    OSError, TextError
        If it cannot be read, or is none.

    Example
    -------
    >>> path = getfixture("tmp_path") / "clip.json"
    >>> _ = path.write_text('{"text": "Oh!"}')
    >>> read_transcript(path).text
    'Oh!'
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            return Transcript.from_dict(json.load(file))
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"there is no file '{path}': name a JSON file with a transcript, "
            "or leave --transcript out"
        ) from error
    # Of JSON, of UTF-8, of a transcript.
    except ValueError as error:
        raise TextError(f"'{path}' is no transcript: {error}") from error
