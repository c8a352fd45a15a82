"""Export of a trained model as a folder that inference loads."""

import contextlib
import os
import pathlib
import shutil

import ruamel.yaml
import torch
from hyperpyyaml import resolve_references
from ruamel.yaml.comments import TaggedScalar
from safetensors.torch import save_file

PRETRAINER = """
!new:speechbrain_emotion.utils.parameter_transfer.FolderPretrainer
loadables: {}
paths:
    model: model.safetensors
    label_encoder: label_encoder.txt
"""
TOKENIZER = """
!new:speechbrain_emotion.lobes.tokenizer.TextTokenizer
source: null
"""


def export_model(
    folder,
    hparams_file,
    overrides,
    definition,
    model,
    label_encoder,
    card,
    dtype="float32",
):
    """Writes a self-contained inference folder.

    It holds ``hyperparams.yaml`` (the model definition that the training YAML
    includes, with the encoders built from their configurations, so that
    nothing is downloaded), ``model.safetensors``, ``label_encoder.txt``, for
    models that read text ``tokenizer.json``, and the model card
    ``README.md``.

    Arguments
    ---------
    folder : str or Path
        Made if needed; files of an earlier export are replaced.
    hparams_file : str or Path
        The training YAML.
    overrides : str or dict
        What the command line changed in it.
    definition : str
        The key of the training YAML that holds the model definition.
    model : EmotionModel
        With trained parameters.
    label_encoder : speechbrain.dataio.encoder.CategoricalEncoder
        The labels, in index order.
    card : str
        Text of the model card.
    dtype : str
        How weights are stored, e.g. "float16" for half the size. A model
        computes in float32 all the same.

    Returns
    -------
    Path
        The folder.
    """
    encoders = {
        f"{modality}_encoder": encoder
        for modality, encoder in zip(
            model.modalities, model.embedding_model.encoders
        )
    }
    with _written_whole(pathlib.Path(folder)) as unfinished:
        with open(
            unfinished / "hyperparams.yaml", "w", encoding="utf-8"
        ) as fout:
            _write_definition(
                fout, hparams_file, overrides, definition, encoders
            )
        tokenizer = getattr(encoders.get("text_encoder"), "tokenizer", None)
        if tokenizer is not None:
            tokenizer.save(unfinished / "tokenizer.json")
        weights = unfinished / "model.safetensors"
        save_file(_stored(model.state_dict(), getattr(torch, dtype)), weights)
        # safetensors lets nobody but the owner read it.
        weights.chmod(0o644)
        label_encoder.save(unfinished / "label_encoder.txt")
        (unfinished / "README.md").write_text(card, encoding="utf-8")
    return pathlib.Path(folder)


@contextlib.contextmanager
def _written_whole(folder):
    """Gives a folder to write to, whose files then come to this one. A stop
    leaves no half of a model.
    """
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}")
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        folder.mkdir(exist_ok=True)
        for path in unfinished.iterdir():
            os.replace(path, folder / path.name)
    finally:
        shutil.rmtree(unfinished)


def _stored(state, dtype):
    """Tensors as they are stored; counters and the like keep their type."""
    stored = {}
    for name, tensor in state.items():
        tensor = tensor.detach().cpu().contiguous()
        stored[name] = tensor
        if tensor.is_floating_point():
            stored[name] = tensor.to(dtype)
            if not torch.equal(tensor.isfinite(), stored[name].isfinite()):
                raise ValueError(
                    f"{name} has values that {dtype} cannot hold: export in "
                    "float32"
                )
    return stored


def _write_definition(fout, hparams_file, overrides, definition, encoders):
    """Takes the model definition out of the training YAML."""
    with open(hparams_file, encoding="utf-8") as fin:
        resolved = resolve_references(fin, overrides)
    yaml = ruamel.yaml.YAML()
    tree = yaml.load(resolved)[definition]
    for name, encoder in encoders.items():
        # The references to the encoder are aliases of this one node.
        for argument in ("save_path", "cached_texts"):  # of this training
            tree[name].pop(argument, None)
        tree[name].update(encoder.export_arguments())
    # What is loaded is what is exported, wherever the definition had it from.
    tree["pretrainer"] = yaml.load(PRETRAINER)
    if hasattr(encoders.get("text_encoder"), "tokenizer"):
        tree["tokenizer"] = yaml.load(TOKENIZER)
        tree["text_encoder"]["tokenizer"] = tree["tokenizer"]
        tree["pretrainer"]["paths"]["tokenizer"] = "tokenizer.json"
    for name in tree["pretrainer"]["paths"]:
        tree["pretrainer"]["loadables"][name] = tree[name]
    _strip_comments(tree)
    fout.write("# Model definition, exported by speechbrain_emotion.\n")
    write_definition(fout, tree)


def write_definition(fout, tree):
    """Writes a model definition as SpeechBrain's YAML files are written.

    Arguments
    ---------
    fout : file
        Open for writing.
    tree : ruamel.yaml.comments.CommentedMap
        The definition. What stands at its top level, and again within it,
        is written once, and as ``!ref <key>`` where it occurs again.

    Example
    -------
    >>> import sys
    >>> yaml = ruamel.yaml.YAML()
    >>> tree = yaml.load("a: &a !new:torch.nn.ReLU {}\\nb: {c: *a, d: yes}")
    >>> write_definition(sys.stdout, tree)
    a: !new:torch.nn.ReLU {}
    b: {c: !ref <a>, d: yes}
    """
    names = {
        id(node): key
        for key, node in tree.items()
        if isinstance(node, dict | list | TaggedScalar)
    }
    for node in tree.values():
        _refer(node, names)
        if hasattr(node, "anchor"):
            node.anchor.value = None
    yaml = ruamel.yaml.YAML()
    yaml.Representer = _Representer
    yaml.indent(mapping=4, sequence=6, offset=4)
    yaml.dump(tree, fout)


class _Representer(ruamel.yaml.RoundTripRepresenter):
    """Writes truth values with a capital, as SpeechBrain does."""


_Representer.add_representer(
    bool,
    lambda self, value: self.represent_scalar(
        "tag:yaml.org,2002:bool", str(value)
    ),
)


def _refer(node, names):
    """Replaces what stands elsewhere by a reference."""
    if not isinstance(node, dict | list):
        return
    children = node.items() if isinstance(node, dict) else enumerate(node)
    for key, child in list(children):
        if id(child) in names:
            name = f"<{names[id(child)]}>"
            node[key] = TaggedScalar(name, style=None, tag="!ref")
        else:
            _refer(child, names)


def _strip_comments(node):
    """Removes comments, which no longer stand where they belong."""
    if isinstance(node, dict):
        children = list(node.values())
    elif isinstance(node, list):
        children = node
    else:
        return
    if hasattr(node, ruamel.yaml.comments.Comment.attrib):
        delattr(node, ruamel.yaml.comments.Comment.attrib)
    for child in children:
        _strip_comments(child)
