"""The command line: predict, timeline, models, experiment, results, push."""

import argparse
import os
import sys

from speechbrain_emotion.commands import experiment, push, results
from speechbrain_emotion.commands.tables import format_table
from speechbrain_emotion.commands.timeline_formats import FORMATS
from speechbrain_emotion.inference.known import (
    LANGUAGES,
    MAX_BATCH_LENGTH,
    MODES,
    PRECISIONS,
    SEGMENTS,
)

__all__ = ["build_parser", "format_table", "main"]

EXAMPLES = """examples:
  speechbrain-emotion predict clip.wav another.mp3
  speechbrain-emotion predict recordings/ --format csv --output answers.csv
  speechbrain-emotion predict "data/**/*.flac" --language es
  speechbrain-emotion predict clip.wav --text "Don't forget a jacket."
  speechbrain-emotion predict clip.wav --mode concat
  speechbrain-emotion predict --texts texts.csv --language en
  speechbrain-emotion predict new/ --enroll old/ --save-profile ana.safetensors
  speechbrain-emotion predict new/ --profile ana.safetensors
  speechbrain-emotion predict clips.csv --speaker-column speaker

exit codes: 0 all answered, 1 some inputs failed, 2 wrong call or no model,
130 stopped with Ctrl-C
"""
TIMELINE_EXAMPLES = """examples:
  speechbrain-emotion timeline talk.mp3
  speechbrain-emotion timeline talk.mp3 --segments windows --plot talk.png
  speechbrain-emotion timeline talk.mp3 --format vtt --output talk.vtt

exit codes: 0 answered, 1 the file cannot be used, 2 wrong call or no model,
130 stopped with Ctrl-C
"""


def build_parser():
    """Builds the argument parser.

    Returns
    -------
    argparse.ArgumentParser

    Example
    -------
    >>> build_parser().parse_args(["predict", "a.wav"]).inputs
    ['a.wav']
    """
    parser = argparse.ArgumentParser(
        prog="speechbrain-emotion",
        description="Emotion recognition from speech, text or both.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_predict(commands)
    _add_timeline(commands)
    _add_models(commands)
    experiment.add_parser(commands)
    results.add_parser(commands)
    push.add_parser(commands)
    return parser


def main(argv=None):
    """Runs the command line.

    Arguments
    ---------
    argv : list of str
        The arguments; by default those of the process.

    Returns
    -------
    int
        Exit code.
    """
    parser = build_parser()
    args, overrides = parser.parse_known_args(argv)
    if hasattr(args, "overrides"):  # experiment passes them on
        args.overrides = overrides
    elif overrides:
        parser.error(f"unrecognized arguments: {' '.join(overrides)}")
    try:
        code = args.run(args)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever reads the answers, such as `head`, has enough. Python would
        # complain when it flushes on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _add_predict(commands):
    """Adds the command ``predict``."""
    predict = commands.add_parser(
        "predict",
        help="recognise the emotion in speech, texts or both",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    predict.set_defaults(run=_predict)
    _add_inputs(predict)
    _add_model(
        predict,
        mode="audio, text or concat, as speech, texts or both are given, and "
        "concat where an option says how to transcribe",
    )
    _add_transcription(predict)
    _add_speakers(predict)
    _add_batches(predict)
    _add_output(predict)


def _add_inputs(predict):
    """Adds the arguments that say what to read."""
    predict.add_argument(
        "inputs",
        nargs="*",
        metavar="INPUT",
        help="audio files, folders with audio files, quoted patterns such as "
        '"data/**/*.wav", and CSV files with a column wav or path (relative '
        "to the CSV file), and perhaps text or words, and id",
    )
    texts = predict.add_mutually_exclusive_group()
    texts.add_argument(
        "--text", help="what is said in the one INPUT, or the text to read"
    )
    texts.add_argument(
        "--texts",
        metavar="CSV",
        help="CSV file with a column text or words: what is said in each "
        "INPUT, which wav, path or id names by path, file name or stem; or "
        "the texts to read",
    )


def _add_model(predict, mode):
    """Adds the arguments that choose the model; mode: what its default is."""
    predict.add_argument(
        "--language",
        choices=LANGUAGES,
        help="use the published model of this language, and transcribe in it "
        "(default: the model in the package, and its language)",
    )
    predict.add_argument(
        "--mode",
        choices=MODES,
        help="what to read, and how to join speech and text (default: "
        f"{mode}); where a text is not given, it is transcribed",
    )
    predict.add_argument("--model", help="folder or hub id of another model")
    predict.add_argument(
        "--text-encoder",
        metavar="MODEL",
        help="folder or hub id of the text encoder of a --model in the layout "
        "of the published ones (default: that of the --language)",
    )
    predict.add_argument(
        "--device",
        help='e.g. "cpu" or "cuda" (default: the GPU, where there is one)',
    )
    predict.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="half precisions are faster and change scores a little, fp16 is "
        "for GPUs (default: fp32)",
    )
    predict.add_argument(
        "--trust",
        action="store_true",
        help="let the model's YAML file run any code: only for models that "
        "you trust",
    )


def _add_transcription(predict):
    """Adds the arguments that say how to transcribe."""
    group = predict.add_argument_group(
        "transcription",
        "What has no text is transcribed, if the model reads text and none is "
        "given at all, or if there is one of these options.",
    )
    group.add_argument(
        "--whisper",
        metavar="MODEL",
        help='size, e.g. "small", or .pt file of the Whisper model (default: '
        "base)",
    )
    group.add_argument(
        "--transcripts",
        metavar="FOLDER",
        help="keep the transcripts here, and use those that are there",
    )
    group.add_argument(
        "--vad",
        action="store_true",
        help="find the speech first and transcribe nothing else: Whisper may "
        "invent text where nobody speaks",
    )
    group.add_argument(
        "--beam-size",
        type=int,
        metavar="N",
        help="how many transcripts Whisper follows at once; more is slower, "
        "and may be better (default: the best one alone)",
    )


def _add_speakers(predict):
    """Adds the arguments that say who speaks."""
    group = predict.add_argument_group(
        "speakers",
        "A few clips of a speaker, without labels, make a profile, and answers "
        "are adapted\nby it, as far as they come from speech. The output says "
        "by how many clips each\nwas adapted (enrolled); without these options, "
        "none is.",
    )
    ways = group.add_mutually_exclusive_group()
    ways.add_argument(
        "--enroll",
        metavar="CLIPS",
        help="clips of the one who speaks in all INPUT: an audio file, a "
        "folder, a quoted pattern or a CSV file, as INPUT",
    )
    ways.add_argument(
        "--profile",
        metavar="FILE",
        help="the profile of the one who speaks in all INPUT, as "
        "--save-profile wrote it with the same model",
    )
    ways.add_argument(
        "--speaker-column",
        metavar="NAME",
        help="the column of the CSV files (INPUT) that says who speaks: in a "
        "first pass, the clips of each speaker make a profile for all of "
        "that speaker's rows; a name is the same speaker in all CSV files of "
        "a call, and rows with an empty cell are not adapted",
    )
    group.add_argument(
        "--save-profile",
        metavar="FILE",
        help="keep the profile of --enroll here: it describes a voice and is "
        "personal data",
    )


def _add_batches(predict):
    """Adds the argument that bounds the memory."""
    predict.add_argument(
        "--max-batch-length",
        type=float,
        default=MAX_BATCH_LENGTH,
        metavar="SECONDS",
        help="how much audio to compute at once (default: "
        f"{MAX_BATCH_LENGTH:g}); less needs less memory",
    )


def _add_output(predict):
    """Adds the arguments that say how to answer."""
    predict.add_argument(
        "--format",
        choices=["table", "json", "jsonl", "csv"],
        default="table",
        help="table (default), json (one list), jsonl (one object a line) or "
        "csv; the last two are written while the rest is computed",
    )
    predict.add_argument(
        "--output",
        metavar="FILE",
        help="write the answers here (default: standard output)",
    )


def _add_timeline(commands):
    """Adds the command ``timeline``."""
    timeline = commands.add_parser(
        "timeline",
        help="recognise the emotion in each part of a recording",
        epilog=TIMELINE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    timeline.set_defaults(run=_timeline)
    timeline.add_argument("file", metavar="FILE", help="an audio file")
    _add_parts(timeline)
    _add_model(
        timeline,
        mode="concat for words and sentences, and where a transcript or how to "
        "transcribe is given, otherwise audio",
    )
    _add_transcription(timeline)
    _add_batches(timeline)
    timeline.add_argument(
        "--format",
        choices=list(FORMATS),
        default="table",
        help="table (default), json (all that is known), csv (a row each), "
        "rttm (the emotion as the speaker), vtt (subtitles), textgrid (Praat) "
        "or audacity (label track)",
    )
    timeline.add_argument(
        "--output",
        metavar="FILE",
        help="write the answer here (default: standard output)",
    )
    timeline.add_argument(
        "--plot",
        metavar="PICTURE",
        help="draw waveform, words and scores here, e.g. as .png or .pdf",
    )


def _add_parts(timeline):
    """Adds the arguments that say what the parts are, and what is said."""
    timeline.add_argument(
        "--segments",
        choices=SEGMENTS,
        default="sentences",
        help="the parts: words, sentences (default), windows of equal length, "
        "or vad: stretches of speech",
    )
    timeline.add_argument(
        "--window",
        type=float,
        metavar="SECONDS",
        help="length of the windows (default: 3)",
    )
    timeline.add_argument(
        "--transcript",
        metavar="JSON",
        help='what is said: {"text": ..., "words": [{"text": ..., "start": '
        'seconds, "end": seconds}, ...]} (default: it is transcribed, where '
        "it is needed)",
    )


def _add_models(commands):
    """Adds the command ``models``."""
    models = commands.add_parser(
        "models",
        help="list the known models, and which are on the disk",
        allow_abbrev=False,
    )
    models.set_defaults(run=_models)
    models.add_argument("--format", choices=["table", "json"], default="table")


# The commands are imported when they run, so that --help is quick and needs
# no torch.


def _predict(args):
    """Runs ``predict``."""
    from speechbrain_emotion.commands.predict import run_predict

    return run_predict(args)


def _timeline(args):
    """Runs ``timeline``."""
    from speechbrain_emotion.commands.timeline import run_timeline

    return run_timeline(args)


def _models(args):
    """Runs ``models``."""
    from speechbrain_emotion.commands.models import run_models

    return run_models(args)


if __name__ == "__main__":
    sys.exit(main())
