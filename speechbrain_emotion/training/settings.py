"""The settings of a training, and which of them its results depend on."""

from ruamel.yaml import YAML
from ruamel.yaml.comments import TaggedScalar

# Keys of a YAML file, at any depth, that leave the results as they are.
NEUTRAL_KEYS = frozenset(
    "num_workers skip_prep card ckpt_interval_minutes ckpt_interval_steps "
    "embeddings_folder tensorboard_folder".split()
)
# Run options of SpeechBrain that do.
NEUTRAL_OPTIONS = frozenset(
    "ckpt_interval_minutes ckpt_interval_steps device distributed_backend "
    "find_unused_parameters log_config noprogressbar tqdm_colored_bar".split()
)
# Keys that choose one of several test parts: results are averaged over them.
FOLD_KEYS = frozenset(
    f"{part}_{group}"
    for part in ("test", "valid")
    for group in ("fold", "group", "speaker", "session", "video")
) | {"fold"}


def read_settings(text):
    """Reads a HyperPyYAML file without building what it describes.

    Arguments
    ---------
    text : str or file
        The YAML, with references resolved.

    Returns
    -------
    dict
        Values in the types of JSON; what has a tag is a dict of tag and
        value.

    Raises
    ------
    ruamel.yaml.error.YAMLError
        If it is no YAML.
    ValueError
        If it holds no keys and values.

    Example
    -------
    >>> read_settings("seed: 1\\nact: !name:torch.nn.ReLU {a: [1, b]}")
    {'seed': 1, 'act': {'!name:torch.nn.ReLU': {'a': [1, 'b']}}}
    """
    settings = _plain(YAML().load(text))
    if not isinstance(settings, dict):
        raise ValueError("it holds no keys and values")
    return settings


def comparable(settings, left_out, folders):
    """Takes out of settings what two runs need not have in common.

    Arguments
    ---------
    settings : dict
        What ``read_settings`` returned.
    left_out : set of str
        Keys to leave out, at any depth.
    folders : list of str
        Top-level keys whose value is a folder. They are left out as well,
        and paths below these folders begin with ``<key>`` instead.

    Returns
    -------
    dict

    Example
    -------
    >>> settings = {"seed": 1, "output_folder": "a/1", "log": "a/1/log"}
    >>> comparable(settings, {"seed"}, ["output_folder"])
    {'log': '<output_folder>/log'}
    """
    paths = {
        str(settings[key]).rstrip("/"): f"<{key}>"
        for key in folders
        if settings.get(key)
    }
    return _without(settings, {*left_out, *folders}, paths)


def _without(node, left_out, paths):
    """Leaves keys out, and writes the names of folders for their paths."""
    if isinstance(node, dict):
        return {
            key: _without(value, left_out, paths)
            for key, value in node.items()
            if key not in left_out
        }
    if isinstance(node, list):
        return [_without(value, left_out, paths) for value in node]
    if isinstance(node, str):
        for path, name in paths.items():
            if f"{node}/".startswith(f"{path}/"):
                return name + node[len(path) :]
    return node


def _plain(node):
    """What YAML describes, in the types of JSON."""
    tag = getattr(getattr(node, "tag", None), "value", None)
    if isinstance(node, TaggedScalar):
        node = node.value
    elif isinstance(node, dict):
        node = {str(key): _plain(value) for key, value in node.items()}
    elif isinstance(node, list):
        node = [_plain(value) for value in node]
    elif isinstance(node, float):
        node = float(node)
    elif not isinstance(node, int | None):
        node = str(node)
    return {tag: node} if tag else node
