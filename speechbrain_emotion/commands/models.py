"""``speechbrain-emotion models``: what there is, and what is on the disk."""

import dataclasses
import json

from huggingface_hub import CacheNotFound, constants, scan_cache_dir

from speechbrain_emotion.commands.tables import align
from speechbrain_emotion.inference import known

WEIGHT_SUFFIXES = (".safetensors", ".bin")


@dataclasses.dataclass(frozen=True)
class KnownModel:
    """A model that the project knows.

    Arguments
    ---------
    home : str
        "package" or "hub".
    mode : str
        The mode, or "text encoder" for the one of the multimodal models.
    language : str or None
        The language; None for the models in the package.
    model : str
        Folder or hub id, as ``--model`` takes it.
    on_disk : bool
        Whether its weights are on the disk.
    size : int
        How much of it is there, in bytes.
    """

    home: str
    mode: str
    language: str | None
    model: str
    on_disk: bool
    size: int


def run_models(args):
    """Answers ``models``.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line.

    Returns
    -------
    int
        Exit code 0.
    """
    models = known_models()
    if args.format == "json":
        print(json.dumps([dataclasses.asdict(m) for m in models], indent=2))
    else:
        print(format_models(models))
    return 0


def known_models():
    """Lists the models in the package and those that are published.

    Returns
    -------
    list of KnownModel

    Example
    -------
    >>> [m.mode for m in known_models() if m.home == "package"]
    ['text', 'audio', 'concat']
    """
    cached = _cached_models()
    return [
        *(_embedded(mode) for mode in known.EMBEDDED_MODES),
        *(
            KnownModel(
                "hub", mode, language, name, *cached.get(name, (False, 0))
            )
            for language, models in known.PUBLISHED.items()
            for mode, name in [
                *models.items(),
                # The multimodal models need it as well.
                ("text encoder", known.TEXT_ENCODERS[language]),
            ]
        ),
    ]


def format_models(models):
    """Formats models as a text table.

    Arguments
    ---------
    models : list of KnownModel
        The models.

    Returns
    -------
    str

    Example
    -------
    >>> model = KnownModel("hub", "text", "es", "me/mine", True, 2_300_000_000)
    >>> print(format_models([model]))
    where  mode  language  model    on disk       size
    hub    text  es        me/mine  yes      2300.0 MB
    """
    rows = [["where", "mode", "language", "model", "on disk", "size"]]
    for m in models:
        size = f"{m.size / 1e6:.1f} MB" if m.size else "-"
        on_disk = "yes" if m.on_disk else "no"
        name = m.model
        rows.append([m.home, m.mode, m.language or "-", name, on_disk, size])
    return align(rows, n_left=5)


def _embedded(mode):
    """The model in the package for a mode."""
    folder = known.EMBEDDED_MODELS / mode
    files = [path for path in folder.rglob("*") if path.is_file()]
    return KnownModel(
        home="package",
        mode=mode,
        language=None,
        model=str(folder),
        on_disk=any(path.name.endswith(WEIGHT_SUFFIXES) for path in files),
        size=sum(path.stat().st_size for path in files),
    )


def _cached_models():
    """Hub id -> whether its weights are in the cache, and bytes there."""
    try:
        cache = scan_cache_dir(constants.HF_HUB_CACHE)
    except CacheNotFound:
        return {}
    return {
        repo.repo_id: (
            any(
                file.file_name.endswith(WEIGHT_SUFFIXES)
                for revision in repo.revisions
                for file in revision.files
            ),
            repo.size_on_disk,
        )
        for repo in cache.repos
        if repo.repo_type == "model"
    }
