"""The call of the published system, over its ten models or any others.

Reference: Pan et al., SoftwareX 34, 2026, 102677.
"""

import json
import pathlib
import re

from speechbrain_emotion.inference.classifier import EmotionClassifier
from speechbrain_emotion.inference.inputs import check_device, check_precision
from speechbrain_emotion.inference.known import MODES, PUBLISHED, TEXT_ENCODERS
from speechbrain_emotion.inference.transcription import default_transcriber
from speechbrain_emotion.lobes.published import FUSIONS
from speechbrain_emotion.utils.hub import fetch_folder
from speechbrain_emotion.utils.kept import Kept

# A full-size model takes 2.3 GB.
MODELS_KEPT = 4


def predict_emotion(
    audio_path=None,
    text=None,
    model_id=None,
    mode="text",
    language="es",
    device=None,
    model_config_path=None,
    text_encoder=None,
    precision=None,
    transcriber=None,
    profile=None,
):
    """Recognises the emotion of one utterance with a published model.

    Models are kept, so only the first call with a model loads it. Calls from
    several threads are safe. The labels are those of the model, whatever the
    language.

    Reference: Pan et al., SoftwareX 34, 2026, 102677.

    Arguments
    ---------
    audio_path : str or Path
        The audio file; needed in all modes but "text", and there if no text
        is given.
    text : str or Transcript
        What is said, for all modes but "audio"; without it, it is
        transcribed.
    model_id : str or Path
        Hub id or folder of the model; by default the published one of the
        mode and language.
    mode : str
        "text", "audio", "concat", "mean" or "multihead".
    language : str
        "en" or "es", which chooses the default model and text encoder.
    device : str
        E.g. "cpu" or "cuda"; by default the GPU, where there is one.
    model_config_path : str or Path
        A JSON file ``{language: {mode: id or folder}}``, whose entries come
        before the published ones.
    text_encoder : str or Path
        Hub id or folder of the text encoder in the multimodal modes; by
        default BERT for English and BETO for Spanish.
    precision : str
        "fp32", which is the default, "bf16" or, on a GPU, "fp16".
    transcriber : Transcriber
        What transcribes; by default Whisper base in that language.
    profile : SpeakerProfile
        Who speaks, for models that take one; see
        ``EmotionClassifier.enroll``.

    Returns
    -------
    dict
        ``top_label``, ``top_score`` and ``scores`` (label -> probability).
        Where the audio was transcribed also ``transcript``, a string, and
        ``modalities``: without an intelligible word, the answer of a
        multimodal model is that of the speech alone. With a profile also
        ``enrolled``, of how many utterances it is.

    Raises
    ------
    ValueError
        If mode or language is unknown, or if what the mode reads is missing.
    OSError
        If a file, folder or model cannot be found.
    AudioError
        If the audio cannot be used.
    TextError
        If the text cannot be used, or nothing that is said was understood
        and there is nothing else to answer from.
    CheckpointError
        If the model's weights do not fit.
    ImportError
        If the audio must be transcribed, and the extra for that is missing.

    Example
    -------
    >>> predict_emotion(text="Hola", mode="smell")
    Traceback (most recent call last):
    ...
    ValueError: mode 'smell': choose one of text, audio, concat, mean, multihead
    """
    _check_mode(mode, audio_path, text)
    ids = published_ids(model_config_path)
    if model_id is None:
        model_id = _look_up(ids, mode, language)
    classifier = load_classifier(
        model_id, mode, language, device, precision, text_encoder
    )
    reads = {"text": ("text",), "audio": ("speech",)}
    if classifier.modalities != reads.get(mode, ("speech", "text")):
        raise ValueError(
            f"mode '{mode}': the model '{model_id}' reads "
            f"{' and '.join(classifier.modalities)}: name another mode or model"
        )
    if mode != "audio" and text is None:
        device = str(classifier.device)
        transcriber = transcriber or default_transcriber(language, device)
    prediction = classifier.predict(
        None if mode == "text" and text is not None else audio_path,
        None if mode == "audio" else text,
        transcriber=None if mode == "audio" else transcriber,
        profiles=profile,
    )
    answer = {
        "top_label": prediction.label,
        "top_score": prediction.score,
        "scores": prediction.scores,
    }
    if prediction.transcribed:
        answer["transcript"] = prediction.transcript.text
        answer["modalities"] = prediction.modalities
    if profile is not None:
        answer["enrolled"] = prediction.enrolled
    return answer


def published_id(mode, language, model_config_path=None):
    """Looks up the model of a mode and language.

    Arguments
    ---------
    mode : str
        The mode.
    language : str
        The language.
    model_config_path : str or Path
        A JSON file whose entries come before the published ones.

    Returns
    -------
    str
        Hub id, or what the JSON file says.

    Raises
    ------
    FileNotFoundError
        If there is no such JSON file.
    ValueError
        If the file is not in that form, or there is no such entry.

    Example
    -------
    >>> published_id("text", "es")
    'UMUTeam/MarIA-emotion-es'
    """
    return _look_up(published_ids(model_config_path), mode, language)


def _look_up(models, mode, language):
    """The model of a mode and language."""
    if language not in models:
        raise ValueError(
            f"language '{language}': there are models for {', '.join(models)};"
            " name a model_id for others"
        )
    if mode not in models[language]:
        raise ValueError(
            f"mode '{mode}': the models of '{language}' are for "
            f"{', '.join(models[language])}"
        )
    return models[language][mode]


def published_ids(model_config_path=None):
    """Lists the published models, merged with a user's own.

    Arguments
    ---------
    model_config_path : str or Path
        A JSON file whose entries come before the published ones.

    Returns
    -------
    dict
        ``{language: {mode: id}}``.

    Raises
    ------
    FileNotFoundError, ValueError
        As ``published_id``.
    """
    models = dict(PUBLISHED)
    if model_config_path is not None:
        for language, modes in _read_ids(model_config_path).items():
            models[language] = {**models.get(language, {}), **modes}
    return models


def load_classifier(
    source,
    mode,
    language=None,
    device=None,
    precision=None,
    text_encoder=None,
):
    """Loads a model of either layout, once, and keeps it.

    Arguments
    ---------
    source : str or Path
        Hub id or folder: one that a recipe exported (``hyperparams.yaml``),
        or one in the layout of the published models.
    mode : str
        What the model is; for the published layout only.
    language : str
        Chooses the default text encoder.
    device : str
        By default the GPU, where there is one.
    precision : str
        "fp32", which is the default, "bf16" or "fp16".
    text_encoder : str or Path
        Hub id or folder of the text encoder; by default that of the language.

    Returns
    -------
    EmotionClassifier

    Raises
    ------
    OSError, CheckpointError, ValueError
        As ``EmotionClassifier.from_hparams`` and ``from_checkpoint``.
    """
    if device is not None:
        device = str(device)
        check_device(device)
    precision = precision or "fp32"
    check_precision(precision, device)
    if mode not in FUSIONS:
        text_encoder = None
    elif text_encoder is None:
        text_encoder = TEXT_ENCODERS.get(language)
    return _kept(
        str(source),
        mode,
        text_encoder and str(text_encoder),
        device,
        precision,
        _fingerprint(source, text_encoder),
    )


def run_options(device=None, precision=None):
    """Options of SpeechBrain for a model that is to be loaded.

    Arguments
    ---------
    device : str
        By default the GPU, where there is one.
    precision : str
        By default "fp32".

    Returns
    -------
    dict

    Example
    -------
    >>> run_options("cpu")
    {'device': 'cpu'}
    """
    options = {"device": device, "precision": precision}
    return {name: value for name, value in options.items() if value}


def _load(source, mode, text_encoder, device, precision, fingerprint):
    """Loads a model, anew where the fingerprint has changed."""
    run_opts = run_options(device, precision)
    small = ["hyperparams.yaml", "config.json"]
    folder = fetch_folder(source, allow_patterns=small)
    if (folder / "hyperparams.yaml").is_file():
        return EmotionClassifier.from_hparams(source, run_opts=run_opts)
    return EmotionClassifier.from_checkpoint(
        source, mode, text_encoder, run_opts
    )


_kept = Kept(_load, MODELS_KEPT)


def _fingerprint(*sources):
    """Changes whenever a file of a local model does."""
    folders = [pathlib.Path(source) for source in sources if source]
    return tuple(
        (str(file), file.stat().st_mtime_ns, file.stat().st_size)
        for folder in folders
        if folder.is_dir()
        for file in [*sorted(folder.iterdir()), *_files_beside(folder)]
    )


def _files_beside(folder):
    """Files in other folders that a model's YAML file names."""
    yaml = folder / "hyperparams.yaml"
    text = yaml.read_text(encoding="utf-8") if yaml.is_file() else ""
    named = [folder / path for path in re.findall(r"\.\./[\w./-]+", text)]
    return [path for path in named if path.is_file()]


def _check_mode(mode, audio_path, text):
    """Makes sure that a mode exists and has what it reads."""
    if mode not in MODES:
        raise ValueError(f"mode '{mode}': choose one of {', '.join(MODES)}")
    if mode == "text" and text is None and audio_path is None:
        raise ValueError(
            "mode 'text' reads text: give `text`, or `audio_path` to have it "
            "transcribed"
        )
    if mode != "text" and audio_path is None:
        raise ValueError(f"mode '{mode}' hears speech: give `audio_path`")
    for given in (audio_path, text):
        if isinstance(given, list | tuple):
            raise ValueError(
                f"one utterance at a time, not {given!r}; for several, see "
                "EmotionClassifier.predict"
            )


def _read_ids(path):
    """Reads a JSON file of models."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file '{path}' of model ids")
    form = f"'{path}' must be a JSON file {{language: {{mode: model}}}}"
    try:
        models = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"{form}: {error}") from error
    if not isinstance(models, dict):
        raise ValueError(f"{form}, but holds a {type(models).__name__}")
    for language, modes in models.items():
        if not isinstance(modes, dict):
            raise ValueError(f"{form}: '{language}' is no object")
        unknown = set(modes) - set(MODES)
        if unknown:
            raise ValueError(
                f"{form}: '{language}' names the modes {sorted(unknown)}; "
                f"there are {', '.join(MODES)}"
            )
        for mode, model in modes.items():
            if not isinstance(model, str):
                raise ValueError(
                    f"{form}: the model of '{language}', '{mode}' is {model!r}"
                )
    return models
