"""``speechbrain-emotion timeline``: the emotion in the parts of one file."""

import os
import sys

from speechbrain_emotion.commands.modes import (
    Given,
    check_model,
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
from speechbrain_emotion.commands.writers import check_output, open_output
from speechbrain_emotion.inference.known import SPOKEN


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
        text_option=False,  # a transcript goes before what would transcribe
        transcription=is_transcription_asked(args),
    )
    _check_call(args, given)
    mode = args.mode or default_mode(given)
    if args.mode is None and args.segments in SPOKEN:
        mode = "concat"  # what is said has to be known anyway
    _check_read(f"mode '{mode}'", modalities_of(mode), args)
    transcript = args.transcript and read_transcript(args.transcript)
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
        load_model,
        load_transcriber,
    )
    from speechbrain_emotion.inference.segments import check_segments

    check_segments(args.segments, args.window)
    classifier = load_model(
        mode,
        args.model,
        args.language,
        args.text_encoder,
        args.device,
        args.precision,
        args.trust,
    )
    name = f"the model '{args.model}'" if args.model else "this model"
    modalities = classifier.modalities
    check_model(name, modalities, args.mode)
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
        from speechbrain_emotion.commands.timeline_plot import (
            DPI,
            draw_timeline,
        )

        draw_timeline(prediction, envelope).savefig(args.plot, dpi=DPI)


def _report(error):
    """Says why the file could not be answered; gives the exit code."""
    print(f"error: {' '.join(str(error).splitlines())}", file=sys.stderr)
    return 1
