"""``speechbrain-emotion predict``: from inputs to written answers."""

import contextlib
import dataclasses
import os
import sys

from tqdm import tqdm

from speechbrain_emotion.commands.items import (
    Item,
    expand_inputs,
    speaker_items,
    text_items,
)
from speechbrain_emotion.commands.manifests import ManifestError
from speechbrain_emotion.commands.matching import add_texts
from speechbrain_emotion.commands.modes import (
    Given,
    check_given,
    default_mode,
    modalities_of,
)
from speechbrain_emotion.commands.speakers import (
    check_hears,
    check_takes_profiles,
    enrolment_clips,
    find_profiles,
    speaker_option,
)
from speechbrain_emotion.commands.transcribing import (
    check_transcription,
    is_transcription_asked,
)
from speechbrain_emotion.commands.writers import check_output, open_writer
from speechbrain_emotion.inference.prediction import Prediction


def run_predict(args):
    """Answers ``predict``: all that can be is answered, the rest reported.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line.

    Returns
    -------
    int
        Exit code: 1 if an input could not be answered, otherwise 0.

    Raises
    ------
    OSError, ValueError, RuntimeError
        If the call is wrong or the model cannot be loaded.
    """
    check_batch_option(args.max_batch_length)
    option = speaker_option(args)
    items = gather_items(
        args.inputs, args.text, args.texts, args.speaker_column
    )
    given = _given(args, items)
    check_transcription(args, given)
    mode = args.mode or default_mode(given)
    if option is not None:
        check_hears(option, f"mode '{mode}'", modalities_of(mode))
    check_given(f"mode '{mode}'", modalities_of(mode), given)
    clips = enrolment_clips(args.enroll)
    _check_outputs(args, [item.audio for item in items if item.audio] + clips)
    # Imports torch, which takes seconds: after what can go wrong at once.
    from speechbrain_emotion.commands.loading import (
        load_asked,
        load_transcriber,
    )

    classifier, name = load_asked(args, mode)
    check_given(name, classifier.modalities, given)
    if option is not None:
        check_takes_profiles(option, name, classifier)
    transcriber = None
    if given.transcription or (
        "text" in classifier.modalities and not given.text
    ):
        transcriber = load_transcriber(args, classifier)
    profiles = find_profiles(args, classifier, items, clips)
    return _write_answers(args, classifier, items, transcriber, profiles)


def check_batch_option(seconds):
    """Makes sure that so much audio can be computed at once.

    Arguments
    ---------
    seconds : float
        The option.

    Raises
    ------
    ValueError
        If it is no length.
    """
    if not 0 < seconds < float("inf"):
        raise ValueError(
            f"--max-batch-length {seconds}: a positive number of seconds"
        )


def gather_items(inputs, text=None, texts=None, speaker_column=None):
    """Collects what a call wants to be recognised.

    Arguments
    ---------
    inputs : list of str
        Audio files, folders, patterns and manifests.
    text : str
        The text of the one input, or the only input.
    texts : str
        CSV file of texts for the inputs, or of the only inputs.
    speaker_column : str
        The column of the manifests that says who speaks, if any.

    Returns
    -------
    list of Item

    Raises
    ------
    ValueError
        If nothing is given, if the text is empty or for several inputs, or
        if the texts or the speakers cannot be read.

    Example
    -------
    >>> gather_items([], text="Oh!")
    [Item(source=None, audio=None, text='Oh!', ...)]
    >>> gather_items(["a.wav", "b.wav"], text="Oh!")
    Traceback (most recent call last):
    ...
    ValueError: --text is the text of one input, but there are 2: give their ...
    """
    if text is not None and not text.strip():
        raise ValueError("--text is empty: leave it out, or give a text")
    if not inputs and text is None and texts is None:
        raise ValueError("nothing to read: give INPUT, --text or --texts")
    if not inputs:
        return text_items(texts) if text is None else [Item(text=text)]
    items = _find(inputs, speaker_column)
    if texts is not None:
        return add_texts(items, texts)
    if text is None:
        return items
    if len(items) != 1:
        raise ValueError(
            f"--text is the text of one input, but there are {len(items)}: "
            "give their texts with --texts"
        )
    return [dataclasses.replace(items[0], text=text)]


def answer(classifier, items, transcriber=None, profiles=None, **options):
    """Answers each item, one after another.

    Arguments
    ---------
    classifier : EmotionClassifier
        The model. It is given only what it reads.
    items : list of Item
        The inputs.
    transcriber : Transcriber
        What transcribes those that have no text.
    profiles : list of SpeakerProfile
        Who speaks in each, None where that is not known; None for all.
    **options
        See ``EmotionClassifier.predict_each``.

    Yields
    ------
    Prediction
        One each, in the same order.

    Example
    -------
    >>> from speechbrain_emotion import EmotionClassifier
    >>> item = Item("a", error="there is no folder 'a'")
    >>> [prediction] = answer(EmotionClassifier.from_hparams(), [item])
    >>> prediction.source, prediction.error
    ('a', "there is no folder 'a'")
    """
    modalities = set(classifier.modalities)
    heard = modalities | ({"speech"} if transcriber else set())
    errors = [_problem(item, heard) for item in items]
    usable = [i for i, error in zip(items, errors) if error is None]
    texts = [i.text for i in usable] if "text" in modalities else None
    if profiles is not None:
        profiles = [p for p, error in zip(profiles, errors) if error is None]
    predictions = classifier.predict_each(
        [i.audio for i in usable] if "speech" in heard else None,
        texts,
        profiles=profiles,
        transcriber=transcriber,
        **options,
    )
    for item, error in zip(items, errors):
        if error is not None:
            yield Prediction.failed(error, source=item.source, text=item.text)
        else:
            # Texts have no name in the model's answers.
            yield dataclasses.replace(next(predictions), source=item.source)


def _find(inputs, speaker_column):
    """What the inputs stand for, and who speaks, if a column says it."""
    if speaker_column is None:
        return expand_inputs(inputs)
    try:
        return speaker_items(inputs, speaker_column)
    except ManifestError as error:
        raise ValueError(
            f"--speaker-column '{speaker_column}': {error}"
        ) from error


def _check_outputs(args, audio):
    """Makes sure that answers and profile can be written, and lose nothing."""
    named = [args.texts, args.profile, args.enroll]
    read = [*args.inputs, *audio, *(name for name in named if name)]
    if args.output is not None:
        check_output(args.output, read)
    if args.save_profile is None:
        return
    if args.enroll is None:
        raise ValueError(
            f"--save-profile '{args.save_profile}': nobody is enrolled: name "
            "the speaker's clips with --enroll"
        )
    check_output(args.save_profile, read, "--save-profile")
    # It is put in the place of what is there, even of a device.
    if os.path.exists(args.save_profile) and not os.path.isfile(
        args.save_profile
    ):
        raise ValueError(
            f"--save-profile '{args.save_profile}' is no ordinary file: name "
            "another one"
        )
    if args.output and os.path.abspath(args.output) == os.path.abspath(
        args.save_profile
    ):
        raise ValueError(
            f"--output and --save-profile are both '{args.output}': name two "
            "files"
        )


def _given(args, items):
    """What a call gives to read."""
    text_option = args.text is not None or args.texts is not None
    return Given(
        speech=bool(args.inputs),
        text=text_option or any(item.text is not None for item in items),
        text_option=text_option,
        transcription=is_transcription_asked(args),
    )


def _write_answers(args, classifier, items, transcriber, profiles):
    """Writes each answer when it is known; reports at the end what failed."""
    failed = []
    writer = open_writer(args.output, args.format, classifier.labels)
    predictions = answer(
        classifier,
        items,
        transcriber,
        profiles,
        max_batch_length=args.max_batch_length,
        progress=sys.stderr.isatty(),
    )
    try:
        with writer as out, contextlib.closing(predictions):
            for prediction in predictions:
                if prediction.error is not None:
                    failed.append(prediction)
                with tqdm.external_write_mode():
                    out.write([prediction])
    finally:
        # Also after Ctrl-C.
        for prediction in failed:
            line = " ".join(prediction.error.splitlines())
            print(f"error: {line}", file=sys.stderr)
    return 1 if failed else 0


def _problem(item, modalities):
    """Why an item cannot be given to a model, or None."""
    there = {"speech": item.audio, "text": item.text}
    if item.error or any(there[name] is not None for name in modalities):
        return item.error
    return f"there is no {' or '.join(sorted(modalities))} for '{item.source}'"
