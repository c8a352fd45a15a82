"""Upload of an exported model to the Hugging Face hub."""

import os
import pathlib
import re
import tempfile

import huggingface_hub
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
)

from speechbrain_emotion.inference.classifier import EmotionClassifier
from speechbrain_emotion.training.settings import read_settings

REQUIRED = (
    "hyperparams.yaml",
    "model.safetensors",
    "label_encoder.txt",
    "README.md",
)
# Of models that read text, whose definition names it.
OPTIONAL = ("tokenizer.json",)
# What the hub needs to list a model, and readers to use it.
FRONT_MATTER = ("license", "library_name", "pipeline_tag")
# As the hub writes them: apache-2.0, cc-by-nc-sa-4.0, other.
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
DEFAULT_MESSAGE = "Upload a model of speechbrain-emotion"


def push_to_hub(
    folder, repo_id, private=False, revision=None, message=None, token=None
):
    """Uploads an exported model to the Hugging Face hub.

    The repository is made if needed; where it holds another model, the files
    of the same names are replaced. Afterwards
    ``EmotionClassifier.from_hparams(repo_id)`` loads the model.

    Arguments
    ---------
    folder : str or Path
        Export folder of a training, see ``check_export``.
    repo_id : str
        owner/name on the hub.
    private : bool
        Whether nobody else may see it. Then nothing is uploaded to a
        repository that is public already.
    revision : str
        Branch to upload to, which is made if needed; None: main.
    message : str
        What the commit says; None: that a model is uploaded.
    token : str
        Token that may write; None: the one that was stored at login.

    Returns
    -------
    str
        Address of the model.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder is no complete model that loads, or the hub id cannot
        be one.
    PermissionError
        If there is no token, or it may not write there.
    ConnectionError
        If the hub cannot be reached or answers something else.
    """
    _check_id(repo_id)
    check_export(folder)
    if token is None and huggingface_hub.get_token() is None:
        raise PermissionError(
            "there is no token for the Hugging Face hub: log in with `hf auth "
            "login`, or set HF_TOKEN to one that may write"
        )
    api = huggingface_hub.HfApi(token=token)
    try:
        return _upload(api, folder, repo_id, private, revision, message)
    except PermissionError:
        raise
    # Of the hub, the network and whatever lies between, with as many errors.
    except Exception as error:
        raise _explained(error, repo_id) from error


def check_export(folder):
    """Makes sure that a folder is a complete model, and nothing else.

    Arguments
    ---------
    folder : str or Path
        With ``hyperparams.yaml``, ``model.safetensors``,
        ``label_encoder.txt``, the model card ``README.md`` and, where the
        model reads text, ``tokenizer.json``.

    Raises
    ------
    FileNotFoundError
        If the folder or a file is missing.
    ValueError
        If there is any other file, such as a pickle or a checkpoint, the card
        lacks valid front matter, or the model does not load on its own or
        names a folder of this machine.

    Example
    -------
    >>> from speechbrain_emotion.inference.known import EMBEDDED_MODELS
    >>> check_export(EMBEDDED_MODELS / "audio")
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder '{folder}'")
    missing = [name for name in REQUIRED if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"'{folder}' is no complete model, it lacks {', '.join(missing)}: "
            "name the export folder of a training"
        )
    definition = (folder / "hyperparams.yaml").read_bytes()
    named = [name for name in OPTIONAL if name.encode() in definition]
    allowed = (*REQUIRED, *named)
    stray = sorted(p.name for p in folder.iterdir() if p.name not in allowed)
    if stray:
        raise ValueError(
            f"'{folder}' holds more than a model: {', '.join(stray)}. Only "
            f"{', '.join(allowed)} are uploaded, never checkpoints or "
            "pickles: move the rest elsewhere"
        )
    _check_card(folder / "README.md")
    _check_loads(folder)
    _check_paths(folder / "hyperparams.yaml")


def _check_id(repo_id):
    """Makes sure that the hub can have such a model."""
    try:
        huggingface_hub.utils.validate_repo_id(repo_id)
    except HFValidationError as error:
        raise ValueError(f"'{repo_id}' is no hub id: {error}") from error
    if "/" not in repo_id:
        raise ValueError(f"'{repo_id}' is no hub id: give owner/name")


def _check_card(path):
    """Makes sure that the front matter of a card is what the hub reads."""
    try:
        text = path.read_text(encoding="utf-8")
        card = huggingface_hub.ModelCard(text).data.to_dict()
    # Of YAML and of the hub's checks.
    except Exception as error:
        raise ValueError(
            f"the front matter of '{path}' is not valid: {error}"
        ) from error
    missing = [key for key in FRONT_MATTER if not card.get(key)]
    if missing:
        raise ValueError(
            f"the front matter of '{path}' lacks {', '.join(missing)}: export "
            "the model again, or write the model card"
        )
    if not _LICENSE.fullmatch(str(card["license"])):
        raise ValueError(
            f"'{path}': '{card['license']}' is no id of a license: write one "
            "that the hub lists, such as cc-by-4.0, or other"
        )
    for key in ("base_model", "datasets"):
        names = card.get(key) or []
        for name in [names] if isinstance(names, str) else names:
            try:
                huggingface_hub.utils.validate_repo_id(name)
            except HFValidationError as error:
                raise ValueError(
                    f"'{path}': '{name}' under {key} is no hub id: {error}"
                ) from error


def _check_paths(path):
    """Refuses folders of the machine on which a model was trained."""
    settings = read_settings(path.read_text(encoding="utf-8"))
    for key, value in _texts(settings):
        if os.path.isabs(value) or value.startswith("~"):
            raise ValueError(
                f"'{path}' names a folder of this machine, '{value}' under "
                f"{key}: export the model again, without it"
            )


def _texts(node, key=""):
    """Yields the texts within settings, each with its key."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _texts(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value, key)
    elif isinstance(node, str):
        yield key, node


def _check_loads(folder):
    """Makes sure that a model loads from its files alone."""
    with tempfile.TemporaryDirectory() as alone:
        for path in folder.iterdir():
            os.symlink(path.resolve(), os.path.join(alone, path.name))
        try:
            EmotionClassifier.from_hparams(alone)
        # Whatever a broken file leads to.
        except Exception as error:
            reason = str(error).replace(alone, str(folder))
            raise ValueError(
                f"the model in '{folder}' does not load from its files alone: "
                f"{reason}"
            ) from error


def _upload(api, folder, repo_id, private, revision, message):
    """Makes the repository if needed and uploads the files."""
    # None: what the owner's settings say.
    api.create_repo(repo_id, private=private or None, exist_ok=True)
    if private and not api.model_info(repo_id).private:
        raise PermissionError(
            f"'{repo_id}' is public already, so nothing is uploaded: make it "
            "private on the hub, or name another repository"
        )
    if revision is not None:
        api.create_branch(repo_id, branch=revision, exist_ok=True)
    api.upload_folder(
        repo_id=repo_id,
        folder_path=folder,
        revision=revision,
        commit_message=message or DEFAULT_MESSAGE,
        allow_patterns=[*REQUIRED, *OPTIONAL],
    )
    return f"{huggingface_hub.constants.ENDPOINT}/{repo_id}"


def _explained(error, repo_id):
    """An error that says what to do, for one of the hub's or network's."""
    status = None
    if isinstance(error, HfHubHTTPError) and error.response is not None:
        status = error.response.status_code
    if status == 401:
        return PermissionError(
            f"the hub does not accept the token for '{repo_id}': log in again "
            f"with `hf auth login`. The hub said: {error}"
        )
    if status == 403:
        return PermissionError(
            f"the token may not write to '{repo_id}': check the owner's name, "
            f"and that the token has the role write. The hub said: {error}"
        )
    if isinstance(error, OfflineModeIsEnabled):
        return ConnectionError(
            f"'{repo_id}' is not uploaded, because the hub is switched off: "
            "unset HF_HUB_OFFLINE"
        )
    return ConnectionError(
        f"'{repo_id}' could not be uploaded: check the connection, and try "
        f"again. The error was: {type(error).__name__}: {error}"
    )
