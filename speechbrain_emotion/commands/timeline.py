"""``speechbrain-emotion timeline``: the emotion in the parts of one file."""

import io
import math
import os
import pathlib
import sys

from speechbrain_emotion.commands.modes import (
    Given,
    default_mode,
    modalities_of,
)
from speechbrain_emotion.commands.predict import check_batch_option
from speechbrain_emotion.commands.timeline_formats import FORMATS
from speechbrain_emotion.commands.transcribing import (
    check_transcription,
    is_transcription_asked,
    read_transcript,
)
from speechbrain_emotion.commands.writers import (
    check_output,
    open_binary,
    open_output,
)
from speechbrain_emotion.inference.known import SHORTEST_SEGMENT, SPOKEN


def run_timeline(args):
    """Answers ``timeline``.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line.

    Returns
    -------
    int
        Exit code: 1 if the file could not be answered, otherwise 0.

    Raises
    ------
    OSError, ValueError, RuntimeError, ImportError
        If the call is wrong, or if a model cannot be loaded.
    """
    given = Given(
        speech=True,
        text=args.transcript is not None,
        text_option=args.transcript is not None,
        transcription=is_transcription_asked(args),
    )
    _check_call(args, given)
    mode = args.mode or default_mode(given)
    if args.mode is None and args.segments in SPOKEN:
        mode = "concat"  # what is said has to be known anyway
    _check_read(f"mode '{mode}'", modalities_of(mode), args)
    transcript = _read_transcript(args)
    # Imports torch, which takes seconds: after what can go wrong at once.
    from speechbrain_emotion.commands.envelope import read_envelope
    from speechbrain_emotion.dataio.audio import audio_length
    from speechbrain_emotion.inference.predictor import INPUT_ERRORS

    try:
        audio_length(args.file)
    except INPUT_ERRORS as error:
        return _report(error)
    classifier, transcriber = _load(args, mode)
    try:
        prediction = classifier.predict(
            args.file,
            transcript,
            segments=args.segments,
            window_seconds=args.window,
            transcriber=transcriber,
            max_batch_length=args.max_batch_length,
            progress=sys.stderr.isatty(),
        )
        # Headers may not know how long a file is.
        envelope = read_envelope(args.file)
    except INPUT_ERRORS as error:
        return _report(error)
    _write(args, prediction, envelope)
    return 0


def _check_call(args, given):
    """Makes sure, before any work is done, that the options have sense."""
    check_batch_option(args.max_batch_length)
    check_transcription(args, given)
    if args.window is not None and args.segments != "windows":
        raise ValueError(
            f"--window {args.window:g}: the segments are {args.segments}: "
            "leave it out, or ask for --segments windows"
        )
    _check_outputs(args)
    if args.window is not None:
        _check_window(args.window)


def _check_outputs(args):
    """Makes sure that the answer and the picture can be written."""
    inputs = [path for path in (args.file, args.transcript) if path]
    if args.output is not None:
        check_output(args.output, inputs)
    if args.plot is None:
        return
    # Imports matplotlib, which takes a second.
    from speechbrain_emotion.commands.timeline_plot import check_picture

    check_picture(args.plot)
    check_output(args.plot, inputs, "--plot")
    if args.output and os.path.abspath(args.output) == os.path.abspath(
        args.plot
    ):
        raise ValueError(
            f"--output and --plot are both '{args.plot}': name two files"
        )


def _check_window(seconds):
    """Makes sure that windows can be so long."""
    if not SHORTEST_SEGMENT <= seconds < math.inf:
        raise ValueError(
            f"--window {seconds:g}: a number of seconds from "
            f"{SHORTEST_SEGMENT:g} on"
        )


def _read_transcript(args):
    """Reads the transcript that is given, if any."""
    if args.transcript is None:
        return None
    transcript = read_transcript(args.transcript)
    has_no_times = transcript.text.strip() and not transcript.words
    if has_no_times and args.segments in SPOKEN:
        raise ValueError(
            f"--transcript '{args.transcript}' has no times, which "
            f'{args.segments} need: give its "words" with their "start" and '
            '"end", or leave --transcript out, and it is transcribed'
        )
    return transcript


def _check_read(reader, modalities, args):
    """Makes sure that a transcript is read, or that its times are needed."""
    needed = "text" in modalities or args.segments in SPOKEN
    if args.transcript is not None and not needed:
        raise ValueError(
            f"{reader} hears speech and reads no text: leave out "
            "--transcript, or name another --mode or --model"
        )


def _load(args, mode):
    """Loads the model, and the transcriber if something is to be transcribed."""
    from speechbrain_emotion.commands.loading import (
        load_asked,
        load_transcriber,
    )

    classifier, name = load_asked(args, mode)
    modalities = classifier.modalities
    _check_read(name, modalities, args)
    if args.transcript is not None:
        return classifier, None
    needed = "text" in modalities or args.segments in SPOKEN
    if needed or is_transcription_asked(args):
        return classifier, load_transcriber(args, classifier)
    return classifier, None


def _write(args, prediction, envelope):
    """Writes the answer and draws the picture."""
    text = FORMATS[args.format](prediction, envelope.seconds)
    with open_output(args.output, args.format) as stream:
        stream.write(text)
    if args.plot is not None:
        _draw(args.plot, prediction, envelope)


def _draw(path, prediction, envelope):
    """Draws the picture and writes it as a whole."""
    from speechbrain_emotion.commands.timeline_plot import DPI, draw_timeline

    picture = io.BytesIO()
    draw_timeline(prediction, envelope).savefig(
        picture, format=pathlib.Path(path).suffix[1:].lower(), dpi=DPI
    )
    with open_binary(path) as file:
        file.write(picture.getvalue())


def _report(error):
    """Says why the file could not be answered; gives the exit code."""
    print(f"error: {' '.join(str(error).splitlines())}", file=sys.stderr)
    return 1
