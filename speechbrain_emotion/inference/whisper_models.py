"""OpenAI's Whisper, loaded once, and called without effects elsewhere.

References: Radford et al. 2023, https://arxiv.org/abs/2212.04356 (Whisper);
Louradour 2023, https://github.com/linto-ai/whisper-timestamped (word times).
"""

import functools
import hashlib
import http.client
import importlib.metadata
import inspect
import numbers
import os
import pickle
import threading

import torch

from speechbrain_emotion.dataio.audio import AudioError
from speechbrain_emotion.utils.extras import import_extra
from speechbrain_emotion.utils.kept import Kept
from speechbrain_emotion.utils.parameter_transfer import CheckpointError

# The large models take 6 GB.
MODELS_KEPT = 2
SEED = 1234  # for temperatures above 0

# What WhisperTranscriber sets itself; a translation has no word times, and
# plots are not for a library.
RESERVED = (
    "model",
    "audio",
    "task",
    "language",
    "vad",
    "beam_size",
    "verbose",
    "seed",
    "plot_word_alignment",
)

# While words are timed, whisper has another attention, in all models at once.
_lock = threading.Lock()


def check_model(model):
    """Makes sure that there is a Whisper model.

    Arguments
    ---------
    model : str
        Size, or path of a file in OpenAI's layout.

    Raises
    ------
    ModuleNotFoundError
        If the package whisper-timestamped is not installed.
    ValueError
        If it is neither.
    FileNotFoundError
        If there is no such file.
    """
    names = _package().available_models()
    if model in names:
        return
    if not model.endswith(".pt"):
        raise ValueError(
            f"Whisper model '{model}': choose one of {', '.join(names)}, or "
            "name a file in OpenAI's layout, which ends with .pt"
        )
    if not os.path.isfile(model):
        raise FileNotFoundError(f"there is no Whisper model file '{model}'")


def check_language(language, model):
    """Makes sure that a model is for a language.

    Arguments
    ---------
    language : str
        Its code.
    model : str
        As ``check_model``. A file is not opened.

    Raises
    ------
    ModuleNotFoundError
        If the package whisper-timestamped is not installed.
    ValueError
        If there is no such code, or the model is for English only.
    """
    codes = _package().tokenizer.LANGUAGES
    if not isinstance(language, str) or language not in codes:
        raise ValueError(
            f"language {language!r}: give a code, such as en or es, or None "
            f"to have it detected; Whisper knows {', '.join(codes)}"
        )
    _check_english(language, model, model.endswith(".en"))


def check_options(options):
    """Makes sure that whisper-timestamped has such options.

    Of their values, only the temperature is looked at.

    Arguments
    ---------
    options : dict
        The options.

    Raises
    ------
    ModuleNotFoundError
        If the package whisper-timestamped is not installed.
    ValueError
        If one is unknown, or not to be set here, or if the temperature is
        none.
    """
    known = inspect.signature(_package().transcribe).parameters
    known = [name for name in known if name not in RESERVED]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise ValueError(
            f"Whisper has no option {', '.join(unknown)} here: there are "
            f"{', '.join(known)}"
        )
    if "temperature" in options:
        _check_temperature(options["temperature"])


def model_identity(model):
    """Tells models apart whose transcripts may differ.

    Arguments
    ---------
    model : str
        As ``check_model``.

    Returns
    -------
    str
        Its name, or what identifies the content of its file.
    """
    if not model.endswith(".pt"):
        return model
    return _digest(model, *_fingerprint(model))


def package_versions():
    """Tells versions apart whose transcripts may differ.

    Returns
    -------
    list of str
    """
    packages = ("whisper-timestamped", "openai-whisper", "silero-vad")
    return [f"{x} {importlib.metadata.version(x)}" for x in packages]


def run_whisper(model, device, samples, name, language=None, **options):
    """Transcribes a waveform.

    Calls from several threads wait for each other. torch's random numbers
    are as if it had not been called.

    Arguments
    ---------
    model : str
        As ``check_model``; loaded unless it was used last.
    device : torch.device
        Where to compute.
    samples : torch.Tensor
        Waveform, [samples], 16 kHz.
    name : str
        What it is, for messages.
    language : str or None
        Code; None: to be detected.
    **options
        Of ``whisper_timestamped.transcribe``.

    Returns
    -------
    dict
        What that returns.

    Raises
    ------
    RuntimeError
        If the model cannot be downloaded.
    OSError
        If it cannot be read.
    CheckpointError
        If its file is damaged or in another layout.
    ValueError
        If the model does not know the language.
    AudioError
        If whisper-timestamped fails.
    """
    gpus = [device] if device.type == "cuda" else []
    with _lock, torch.random.fork_rng(gpus):
        whisper = _models(model, device, *_fingerprint(model))
        if language is not None:
            _check_known(language, model, whisper)
        elif not whisper.is_multilingual:
            language = "en"
        try:
            return _transcribe(whisper, device, samples, language, **options)
        # It lost track of the words: let it decode first, then time them.
        except AssertionError:
            options["naive_approach"] = True
        try:
            return _transcribe(whisper, device, samples, language, **options)
        except AssertionError as error:
            raise AudioError(
                f"{name} cannot be transcribed ({error}): give its text"
            ) from error


def _package():
    """whisper-timestamped, which imports whisper."""
    return import_extra("whisper_timestamped", "asr")


def _check_temperature(temperature):
    """Makes sure that there is one temperature, or several to try."""
    is_list = isinstance(temperature, list | tuple)
    values = temperature if is_list else [temperature]
    if not values or not all(
        isinstance(x, numbers.Real) and 0 <= x <= 1 for x in values
    ):
        raise ValueError(
            f"the option temperature is {temperature!r}: give a number from 0 "
            "to 1, or a tuple of them, which are tried in turn"
        )


def _check_english(language, model, is_english):
    """Makes sure that a model for English only is used for that."""
    if is_english and language != "en":
        raise ValueError(
            f"the Whisper model '{model}' is for English only, not for "
            f"'{language}': choose one for many languages, such as base"
        )


def _check_known(language, model, whisper):
    """Makes sure that a loaded model knows a language."""
    _check_english(language, model, not whisper.is_multilingual)
    codes = list(_package().tokenizer.LANGUAGES)
    if codes.index(language) >= whisper.num_languages:
        raise ValueError(
            f"the Whisper model '{model}' does not know '{language}': choose "
            "large-v3 or turbo"
        )


def _load(model, device, *fingerprint):
    """Loads a model, anew where its file has changed."""
    load = _package().load_model
    if not model.endswith(".pt"):
        return _download(load, model).to(device)
    try:
        whisper = load(model, device="cpu")
    except (
        EOFError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
        pickle.UnpicklingError,
    ) as error:
        raise CheckpointError(
            f"'{model}' is damaged, or no Whisper model in OpenAI's layout "
            f"({error}): get it again"
        ) from error
    return whisper.to(device)


def _download(load, model):
    """Loads a model by its name."""
    try:
        return load(model, device="cpu")
    # RuntimeError: there is something else in its place.
    except (OSError, RuntimeError, http.client.HTTPException) as error:
        # Not an OSError, which would be one of the recording.
        raise RuntimeError(
            f"the Whisper model '{model}' cannot be downloaded ({error}): try "
            f"again with a connection to the internet, or name a file '{model}"
            ".pt' from elsewhere"
        ) from error


_models = Kept(_load, MODELS_KEPT)


def _fingerprint(model):
    """Changes whenever the file of a model does."""
    if not model.endswith(".pt"):
        return ()
    stat = os.stat(model)
    return stat.st_mtime_ns, stat.st_size


@functools.lru_cache
def _digest(path, *fingerprint):
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()


def _transcribe(whisper, device, samples, language, **options):
    """Calls whisper-timestamped, with the same random numbers each time."""
    # Not torch.manual_seed, as it does itself: that seeds all GPUs.
    torch.default_generator.manual_seed(SEED)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(SEED)
    return _package().transcribe(
        whisper, samples, language=language, verbose=None, seed=None, **options
    )
