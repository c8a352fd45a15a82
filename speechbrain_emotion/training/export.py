"""Export of a trained model as a folder that inference loads."""

import pathlib

import ruamel.yaml
from hyperpyyaml import resolve_references
from safetensors.torch import save_file


def export_model(
    folder, hparams_file, overrides, definition, model, label_encoder, card
):
    """Writes a self-contained inference folder.

    It holds ``hyperparams.yaml`` (the model definition that the training YAML
    includes, with the encoder built from its configuration, so that nothing
    is downloaded), ``model.safetensors``, ``label_encoder.txt`` and the model
    card ``README.md``.

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

    Returns
    -------
    Path
        The folder.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    encoder = model.embedding_model.encoder
    with open(folder / "hyperparams.yaml", "w", encoding="utf-8") as fout:
        _write_definition(fout, hparams_file, overrides, definition, encoder)
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    save_file(tensors, folder / "model.safetensors")
    # safetensors lets nobody but the owner read it.
    (folder / "model.safetensors").chmod(0o644)
    label_encoder.save(folder / "label_encoder.txt")
    (folder / "README.md").write_text(card, encoding="utf-8")
    return folder


def _write_definition(fout, hparams_file, overrides, definition, encoder):
    """Takes the model definition out of the training YAML."""
    with open(hparams_file, encoding="utf-8") as fin:
        resolved = resolve_references(fin, overrides)
    yaml = ruamel.yaml.YAML()
    tree = yaml.load(resolved)[definition]
    # The references to the encoder are aliases of this one node.
    node = tree["speech_encoder"]
    node.pop("save_path", None)
    node.update(encoder.export_arguments())
    _strip_comments(tree)
    for key, value in tree.items():
        if isinstance(value, ruamel.yaml.comments.CommentedMap):
            value.yaml_set_anchor(key)
    fout.write("# Model definition, exported by speechbrain_emotion.\n")
    yaml.dump(tree, fout)


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
