"""What a HyperPyYAML file from outside may hold without being trusted.

HyperPyYAML turns tags such as ``!new:package.Class`` into imports and calls,
so that a YAML file is code. The check here lets through what builds a model
and refuses everything else, known or not.
"""

import inspect
import itertools
import pydoc
import re

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from transformers import PreTrainedConfig

# A class is accepted if its name in the file and the module that defines it
# both lie here. Whatever arguments these classes get, they build parts of a
# model. The rest of SpeechBrain can run shell commands, import by name,
# unpickle and write files.
ALLOWED_PACKAGES = (
    "speechbrain.dataio.encoder",
    "speechbrain.lobes",
    "speechbrain.nnet",
    "speechbrain.processing",
    "speechbrain.utils.parameter_transfer",
    "speechbrain_emotion.lobes",
    "speechbrain_emotion.nnet",
    "speechbrain_emotion.utils.parameter_transfer",
    "torch.nn",
    "transformers",  # of which only configurations
)

# These lie there as well, but unpickle files.
DENIED = (
    "speechbrain.lobes.models.MSTacotron2.TextMelCollate",
    "speechbrain.lobes.models.fairseq_wav2vec",
)

PLAIN_TAGS = {
    # Not !!binary: as text it is something else than what the file shows.
    *(
        f"tag:yaml.org,2002:{name}"
        for name in (
            "bool float int map merge null omap pairs seq set str timestamp "
            "value"
        ).split()
    ),
    "!PLACEHOLDER",
    "!copy",
    "!ref",
    "!tuple",
}

# No underscore in front: that is private, and leads to any object's globals.
_CLASS_NAME = re.compile(r"[a-z]\w*(\.[a-z]\w*)+", re.ASCII | re.IGNORECASE)
_TUPLE = re.compile(r"\(.*\)", re.DOTALL)
_ANY_REFERENCE = re.compile(r"<[^>]*>")
_ATTRIBUTE_REFERENCE = re.compile(r"<[^>]*\.[^>]*>")
_KEY_REFERENCE = re.compile(r"<[^<>.]*>")

ADVICE = (
    "The YAML file of a model is code: read it, and pass trust=True if you "
    "trust it"
)


class UntrustedYamlError(ValueError):
    """A YAML file that could run code; the message names the line."""


def check_yaml(path):
    """Refuses a HyperPyYAML file that could run code when it is loaded.

    The file is parsed, but nothing that it describes is made. Accepted are
    plain values, references to keys, and ``!new:`` and ``!name:`` of classes
    that models are built of (``ALLOWED_PACKAGES``). To look these classes up
    imports their modules, and no others.

    Arguments
    ---------
    path : str or Path
        The file.

    Raises
    ------
    UntrustedYamlError
        If something else is in the file, or if it cannot be parsed.

    Example
    -------
    >>> path = getfixture("tmp_path") / "hyperparams.yaml"
    >>> _ = path.write_text("model: !new:torch.nn.Linear [2, 3]")
    >>> check_yaml(path)
    >>> _ = path.write_text("model: !apply:os.system [reboot]")
    >>> check_yaml(path)
    Traceback (most recent call last):
    ...
    speechbrain_emotion.utils.trusted_yaml.UntrustedYamlError: ... trust it
    """
    nodes = list(_walk(_compose(path)))
    # Texts first, because to look up a tag imports modules.
    problems = itertools.chain(
        _text_problems(nodes), _key_problems(nodes), _tag_problems(nodes)
    )
    for node, problem in problems:
        line = node.start_mark.line + 1
        raise UntrustedYamlError(f"'{path}', line {line}: {problem}. {ADVICE}")


def _compose(path):
    """Parses a file, as HyperPyYAML reads it, into a tree of nodes."""
    with open(path, encoding="utf-8") as fin:
        try:
            return YAML().compose(fin)
        # On what is no YAML the parser also fails in unforeseen ways.
        except Exception as error:
            raise UntrustedYamlError(
                f"'{path}' is not one YAML document, so that what it would "
                f"do cannot be checked: {error}"
            ) from error


def _walk(root):
    """Yields every node once, in order: keys, values, what aliases mean."""
    waiting, seen = [root], {id(None)}  # an empty file has no root
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, MappingNode):
            waiting += reversed([*itertools.chain(*node.value)])
        elif isinstance(node, SequenceNode):
            waiting += reversed(node.value)


def _text_problems(nodes):
    """Yields the texts from which HyperPyYAML could make a tag.

    It reads a text in parentheses as YAML again, in which any tag works. It
    replaces ``<key>`` in references and in all texts that they lead to, reads
    ``<key.name>`` as an attribute, and computes what comes out, strings
    included. So a harmful text could be put together of harmless ones.
    """
    texts = [node for node in nodes if isinstance(node, ScalarNode)]
    refers = any(node.tag in ("!ref", "!copy") for node in nodes)
    mixes = refers and any(
        _ANY_REFERENCE.search(node.value)
        and not _ANY_REFERENCE.fullmatch(node.value)
        for node in texts
    )
    for node in texts:
        text = node.value
        is_tuple = node.tag == "!tuple" or _TUPLE.fullmatch(text.strip())
        if "trust_remote_code" in text:
            yield node, f"{text!r} lets transformers run code from the hub"
        elif is_tuple and "!" in text:
            yield node, f"{text!r} is a tuple that may hold a tag"
        elif refers and _ATTRIBUTE_REFERENCE.search(text):
            yield node, f"{text!r} refers to an attribute, which can be code"
        elif mixes and set("!'\"<") & set(_KEY_REFERENCE.sub("", text)):
            yield (
                node,
                f"{text!r} has one of ! ' \" < in a file that puts texts "
                "together with !ref, which could make a tag",
            )


def _key_problems(nodes):
    """Yields keys that a Pretrainer would make files of in other folders."""
    for node in nodes:
        keys = node.value if isinstance(node, MappingNode) else []
        for key, _ in keys:
            if isinstance(key, ScalarNode) and set("/\\") & set(key.value):
                yield key, f"the key {key.value!r} may name a file elsewhere"


def _tag_problems(nodes):
    """Yields the tags that are not known to run no code."""
    for node in nodes:
        if node.tag in PLAIN_TAGS:
            continue
        kind, _, name = node.tag.partition(":")
        if kind not in ("!new", "!name"):
            yield (
                node,
                f"{node.tag!r} is not a tag that is known to run no code",
            )
        elif (problem := _class_problem(name)) is not None:
            yield node, f"{node.tag!r} {problem}"


def _class_problem(name):
    """Says what is wrong with a class, or None."""
    if not _is_allowed(name):
        return "is none of the classes that models are built of"
    try:
        found = pydoc.locate(name)  # as HyperPyYAML does
    # Modules of optional dependencies fail in their own ways.
    except Exception as error:
        return f"cannot be imported ({error})"
    if found is None:
        return "does not exist"
    if not inspect.isclass(found):
        return "is no class"
    home = f"{found.__module__}.{found.__qualname__}"
    if not _is_allowed(home):
        return f"is {home}, none of the classes that models are built of"
    # Other classes of transformers read the hub, and take much by name.
    if _lies_in(home, ["transformers"]) and not issubclass(
        found, PreTrainedConfig
    ):
        return "is not a configuration, but another part of transformers"
    return None


def _is_allowed(name):
    """Whether the name of a class lies where classes build models."""
    return (
        _CLASS_NAME.fullmatch(name) is not None
        and _lies_in(name, ALLOWED_PACKAGES)
        and not _lies_in(name, DENIED)
    )


def _lies_in(name, packages):
    """Whether a name is one of the packages or lies in one of them."""
    return any(f"{name}.".startswith(f"{package}.") for package in packages)
