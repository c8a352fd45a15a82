"""The models that a call asks for."""

from speechbrain_emotion.commands.modes import check_model, modalities_of
from speechbrain_emotion.inference import known
from speechbrain_emotion.inference.classifier import EmotionClassifier
from speechbrain_emotion.inference.inputs import check_device, check_precision
from speechbrain_emotion.inference.published import (
    load_classifier,
    published_id,
    run_options,
)
from speechbrain_emotion.inference.transcription import WhisperTranscriber
from speechbrain_emotion.utils.hub import fetch_folder
from speechbrain_emotion.utils.trusted_yaml import UntrustedYamlError

YAML = "hyperparams.yaml"
DEFAULT_WHISPER = "base"


def load_model(
    mode,
    source=None,
    language=None,
    text_encoder=None,
    device=None,
    precision=None,
    trust=False,
):
    """Loads the model that a call asks for.

    Arguments
    ---------
    mode : str
        Chooses the default model; says what a model in the published layout
        is.
    source : str
        Folder or hub id of the model. By default the published one of the
        language, or without a language the one in the package.
    language : str
        Also chooses the default text encoder.
    text_encoder : str
        Folder or hub id of the text encoder of a model in the published
        layout.
    device : str
        By default the GPU, where there is one.
    precision : str
        "fp32", which is the default, "bf16" or "fp16".
    trust : bool
        Whether the model's YAML file may run any code.

    Returns
    -------
    EmotionClassifier

    Raises
    ------
    OSError, ValueError, RuntimeError
        If the model cannot be found or loaded, or if an option is wrong.

    Example
    -------
    >>> load_model("audio").modalities
    ('speech',)
    >>> load_model("mean")
    Traceback (most recent call last):
    ...
    ValueError: mode 'mean': there is no such model in the package; choose a ...
    """
    if device is not None:
        check_device(device)
    check_precision(precision, device)
    if source is None and language is not None:
        source = published_id(mode, language)
    if source is None:
        source = embedded_model(mode)
    try:
        return _load(
            mode, source, language, text_encoder, (device, precision), trust
        )
    except UntrustedYamlError as error:
        raise ValueError(f"{error} (on the command line: --trust)") from error
    except (OSError, ValueError, RuntimeError):
        raise  # these say what is wrong
    # A YAML file can name any class, with any arguments.
    except Exception as error:
        raise ValueError(
            f"the model '{source}' cannot be loaded: {type(error).__name__}: "
            f"{error}"
        ) from error


def load_asked(args, mode):
    """Loads the model that the options of a call ask for.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line.
    mode : str
        What the model is to read.

    Returns
    -------
    classifier : EmotionClassifier
        The model.
    name : str
        How messages call it.

    Raises
    ------
    OSError, ValueError, RuntimeError
        As ``load_model``, or if it does not read what ``--mode`` says.
    """
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
    check_model(name, classifier.modalities, args.mode)
    return classifier, name


def load_transcriber(args, classifier):
    """Prepares the transcriber that a call asks for.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line.
    classifier : EmotionClassifier
        What reads the transcripts. Without ``--language``, they are to be in
        its language, if it says which; Whisper finds out otherwise.

    Returns
    -------
    WhisperTranscriber

    Raises
    ------
    OSError, ValueError, RuntimeError
        If an option is wrong.
    """
    language = args.language or getattr(classifier.hparams, "language", None)
    return WhisperTranscriber(
        args.whisper or DEFAULT_WHISPER,
        language=language,
        device=args.device,
        vad=args.vad,
        beam_size=args.beam_size,
        cache_folder=args.transcripts,
    )


def embedded_model(mode):
    """Finds the model in the package for a mode.

    Arguments
    ---------
    mode : str
        The mode.

    Returns
    -------
    Path
        Its folder.

    Raises
    ------
    ValueError
        If there is none.

    Example
    -------
    >>> embedded_model("audio").name
    'audio'
    """
    folder = known.EMBEDDED_MODELS / mode
    if not (folder / YAML).is_file():
        raise ValueError(
            f"mode '{mode}': there is no such model in the package; choose a "
            f"published one with --language {' or '.join(known.LANGUAGES)}, "
            "name another --mode, or a --model"
        )
    return folder


def _load(mode, source, language, text_encoder, options, trust):
    """Loads a model of either layout."""
    folder = fetch_folder(source, allow_patterns=[YAML, "config.json"])
    if not (folder / YAML).is_file():
        _check_text_encoder(mode, language, text_encoder, source)
        return load_classifier(
            source, mode, language, *options, text_encoder=text_encoder
        )
    _refuse_text_encoder(text_encoder, f"the model '{source}'")
    return EmotionClassifier.from_hparams(
        source, trust=trust, run_opts=run_options(*options)
    )


def _check_text_encoder(mode, language, text_encoder, source):
    """Makes sure that a model gets a text encoder where it needs one."""
    if len(modalities_of(mode)) < 2:
        _refuse_text_encoder(text_encoder, f"mode '{mode}'")
    elif language is None and text_encoder is None:
        raise ValueError(
            f"mode '{mode}': the model '{source}' needs the text encoder that "
            "it was trained with: name it with --text-encoder, or choose the "
            "usual one of a --language"
        )


def _refuse_text_encoder(text_encoder, reader):
    """Makes sure that a text encoder is not named in vain."""
    if text_encoder is not None:
        raise ValueError(
            f"--text-encoder '{text_encoder}': {reader} takes none: leave it "
            "out"
        )
