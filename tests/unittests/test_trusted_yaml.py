"""YAML files from outside are refused before they can run anything."""

import pathlib
import pydoc
import subprocess
import sys
import tempfile

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml
from hypothesis import (
    given,
    settings,
    strategies as st,
)

from speechbrain_emotion.utils.trusted_yaml import (
    ALLOWED_PACKAGES,
    UntrustedYamlError,
    check_yaml,
)

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROJECT_FILES = [
    *sorted((ROOT / "hparams").rglob("*.yaml")),
    *sorted((ROOT / "speechbrain_emotion" / "pretrained").rglob("*.yaml")),
]

# In a text, a tuple that runs code when it is read.
TUPLE = "!!python/object/apply:os.mkdir [marker]"
ESCAPED = TUPLE.replace("!", "\\x21")

# Each makes something called "marker" if HyperPyYAML loads it.
ATTACKS = {
    "apply": "x: !apply:os.mkdir [marker]",
    "applyref": "x: !applyref:os.mkdir [marker]",
    "new": "x: !new:logging.FileHandler [marker]",
    "new, arguments by name": "x: !new:logging.FileHandler {filename: marker}",
    "module of the file's folder": "x: !name:evil.harmless",
    "longer name of an allowed package": "x: !name:transformers_evil.harmless",
    "module tag": "x: !module:evil",
    "included file": "x: !include:evil.yaml",
    "chain through a module": (
        "x: !new:speechbrain.utils.logger.logging.FileHandler [marker]"
    ),
    "chain through an allowed module": (
        "x: !new:speechbrain.dataio.encoder.sb.utils.logger.logging."
        "FileHandler [marker]"
    ),
    "PyYAML's own tag": "x: !!python/object/apply:os.mkdir [marker]",
    "PyYAML's name": 'x: !!python/name:evil.harmless ""',
    "PyYAML's module": 'x: !!python/module:evil ""',
    "verbatim tag": "x: !<!apply:os.mkdir> [marker]",
    "PyYAML's own tag, verbatim": (
        "x: !<tag:yaml.org,2002:python/object/apply:os.mkdir> [marker]"
    ),
    "TAG directive": "%TAG !e! !apply:os.\n---\nx: !e!mkdir [marker]",
    "TAG directive for !!": "%TAG !! !apply:os.\n---\nx: !!mkdir [marker]",
    "TAG directive for !": (
        "%TAG ! tag:yaml.org,2002:python/object/apply:shutil.\n---\n"
        "x: !copy [evil.py, marker]"
    ),
    "percent": "x: !apply:os%2Emkdir [marker]",
    "percent in the name of the tag": "x: !%61pply:os.mkdir [marker]",
    "percent, twice": "x: !apply:os%252Emkdir [marker]",
    "empty parts of a name": "x: !apply:.os..mkdir [marker]",
    "byte order mark": "\ufeffx: !apply:os.mkdir [marker]",
    "line ends of Windows": "a: 1\r\nx: !apply:os.mkdir [marker]\r\n",
    "nested": "x: {y: [1, {z: !apply:os.mkdir [marker]}]}",
    "in the arguments of a class": (
        "x: !new:torch.nn.Sequential\n  - !new:torch.nn.Identity\n"
        "  - !apply:os.mkdir [marker]"
    ),
    "anchor and alias": "x: &x !apply:os.mkdir [marker]\ny: *x",
    "merge": "x: &x {y: !apply:os.mkdir [marker]}\nz: {<<: *x}",
    "merge of a literal": "x:\n  <<: {y: !apply:os.mkdir [marker]}",
    "hidden key": "__x: !apply:os.mkdir [marker]",
    "tuple": f"x: ({TUPLE})",
    "tuple in quotes": f'x: "({TUPLE})"',
    "tuple as a key": f"? ({TUPLE})\n: 1",
    "tuple by tag": f"x: !tuple ' {TUPLE} '",
    "tuple with a verbatim tag": (
        "x: '(!<tag:yaml.org,2002:python/object/apply:os.mkdir> [marker])'"
    ),
    "tuple by reference": f"x: !ref ({TUPLE})",
    "tuple put together": f"a: '{TUPLE}'\nx: !ref (<a>)",
    "tuple put together in steps": (
        f"a: '{TUPLE}'\nb: '(<a>)'\nx:\n  y: !copy <b>"
    ),
    "tuple put together of a list's text": (
        f"a: [1]\nb: '{TUPLE}'\nx: !ref (<a>, <b>)"
    ),
    "tuple computed": f"a: 1\nx: !ref '\"({ESCAPED})\" * <a>'",
    "tuple computed with an override": (
        f"a: !PLACEHOLDER\nx: !ref '\"({ESCAPED})\" * <a>'"
    ),
}

# What HyperPyYAML does not load, or what does no harm until later.
OTHERS = {
    "YAML directive": "%YAML 1.1\n---\nx: !apply:os.mkdir [marker]",
    "unknown tag": "x: !other 1",
    "unknown tag of YAML": "x: !!other 1",
    "tag with an empty name": "x: !new: 1",
    "half a tag": "x: !new 1",
    "binary": "x: !!binary AAAA",
    "tag on a key": "? !apply:os.mkdir [marker]\n: 1",
    "tag on a key in a set": "x: !!set {? !apply:os.mkdir marker}",
    "tag on the document": "!apply:os.mkdir [marker]",
    "second document": "x: 1\n---\nx: !apply:os.mkdir [marker]",
    "second document after an end": "x: 1\n...\nx: !apply:os.mkdir [marker]",
    "shell": "x: !name:speechbrain.utils.superpowers.run_shell {cmd: ls}",
    "shell that the pretrainer runs": (
        "x: !new:speechbrain.utils.parameter_transfer.Pretrainer\n"
        "  conditions:\n"
        "    y: !name:speechbrain.utils.superpowers.run_shell {cmd: ls}"
    ),
    "chain to a process": (
        "x: !new:speechbrain.utils.superpowers.subprocess.Popen [[ls]]"
    ),
    "chain to a function": "x: !name:torch.nn.modules.module.os.system",
    "chain in torch": "x: !name:torch.nn.functional.importlib.import_module",
    "chain through a class": "x: !name:torch.nn.Linear.__init__.__globals__",
    "chain to a class method": "x: !name:torch.nn.Embedding.from_pretrained",
    "chain to another class": "x: !new:torch.nn.modules.module.OrderedDict",
    "private module": "x: !name:torch.nn.attention._fa3._fa3_import_module",
    "class of a private module": (
        "x: !new:torch.nn.utils._named_member_accessor.NamedMemberAccessor"
    ),
    "private class": "x: !new:transformers._LazyModule [a, b, {}]",
    "function": "x: !name:torch.nn.functional.relu",
    "value": "x: !name:torch.nn.modules.module.torch",
    "module": "x: !name:torch.nn.modules",
    "lazy module": (
        "x: !new:speechbrain.utils.importutils.LazyModule [a, os, null]"
    ),
    "unpickling": "x: !name:speechbrain.dataio.dataio.load_pickle [a]",
    "unpickling of speaker embeddings": (
        "x: !new:speechbrain.lobes.models.MSTacotron2.TextMelCollate [a]"
    ),
    "unpickling by fairseq": (
        "x: !new:speechbrain.lobes.models.fairseq_wav2vec.FairseqWav2Vec2"
    ),
    "unpickling of clusters": (
        "x: !new:speechbrain.lobes.models.kmeans.MiniBatchKMeansSklearn"
    ),
    "model that asks for code from the hub": (
        "x: !new:speechbrain.integrations.huggingface.mert.MERT [a, b]"
    ),
    "another interface": (
        "x: !name:speechbrain.inference.interfaces.foreign_class {source: a}"
    ),
    "transformers, not a config": "x: !new:transformers.BertModel",
    "transformers by name": "x: !name:transformers.pipeline {model: a}",
    "transformers, loading": "x: !name:transformers.AutoModel.from_pretrained",
    "longer name of a package": "x: !new:torch.nnx.Linear",
    "longer name of speechbrain": "x: !new:speechbrain_evil.Linear",
    "shorter name of a package": "x: !new:torch.Linear",
    "package in another": "x: !new:evil.torch.nn.Linear",
    "allowed package, no class": "x: !new:torch.nn",
    "class that does not exist": "x: !new:torch.nn.Nothing",
    "letters that look alike": "x: !new:torch.nn.L\u0456near",
    "wide letters": "x: !new:\uff54\uff4f\uff52\uff43\uff48.nn.Linear",
    "encoded letters": "x: !new:torch.nn.%D0%9Cinear",
    "encoded class": "x: !new:torch%252Enn.Linear",
    "space in a name": "x: !new:torch.nn%20.Linear",
    "line end in a name": "x: !new:torch.nn.Linear%0A",
    "remote code": "x: !new:transformers.BertConfig {trust_remote_code: true}",
    "remote code, deep": "x: [{y: {'trust_remote_code': 1}}]",
    "remote code, merged": "x: &x {trust_remote_code: 1}\ny: {<<: *x}",
    "remote code, key by alias": "x: &x trust_remote_code\n*x : true",
    "remote code, escaped": 'x: {"trust\\x5fremote_code": true}',
    "attribute": "a: !new:torch.nn.Identity\nx: !ref <a.__class__>",
    "attribute by a text": (
        "a: !new:torch.nn.Identity\nb: <a.__class__>\nx: !ref <b>"
    ),
    "attribute put together": (
        "a: !new:torch.nn.Identity\nb: <a\nc: .__class__>\nx: !ref <b><c>"
    ),
    "attribute, nested": "a: {b: 1}\nx: !ref <a[b].real>",
}

CLASSES = [
    "!new:torch.nn.Linear",
    "!name:torch.nn.ReLU",
    "!new:torch.nn.LogSoftmax",
    "!new:transformers.BertConfig",
    "!new:speechbrain.dataio.encoder.CategoricalEncoder",
    "!new:speechbrain.lobes.features.Fbank",
    "!new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN",
    "!new:speechbrain.nnet.containers.Sequential",
    "!new:speechbrain.processing.features.InputNormalization",
    "!new:speechbrain.utils.parameter_transfer.Pretrainer",
    "!new:speechbrain_emotion.nnet.pooling.MeanPooling",
    "!<!new:torch.nn.Linear>",
]

VALUES = [
    "",
    "x: [1, 1.5, true, null, text, 2020-01-01, 'quoted!', (Hello!) you]",
    "x: (3, 4)",
    "x: !tuple (a, b)",
    "x: {y: &y [a, b], z: *y}\nw: {<<: {a: 1}}",
    "x: &x [*x]",
    "x: !!set {a, b}\ny: !!omap [a: 1]\nz: !!str 1",
    "x: !PLACEHOLDER",
    "a: {b: 1}\nx: !ref <a[b]>\ny: !copy <a>",
    "a: 3\nx: !ref <a> // 2 + 1\ny: !ref <a>/model.ckpt\nz: !ref (<a>, 2)",
    "a: 1\nx: !ref <a>\ny: Don't shout!\nz: 1 < 2",
    "x: a text with <mark.up> and 'quotes'!",
]

LOAD = """
from hyperpyyaml import load_hyperpyyaml
with open("hyperparams.yaml", encoding="utf-8") as fin:
    text = fin.read()
    fin.seek(0)
    load_hyperpyyaml(fin, {"a": 1} if "PLACEHOLDER" in text else None)
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a YAML file into a folder that holds other evil files."""
    for name in ("evil.py", "transformers_evil.py"):
        (tmp_path / name).write_text(
            "import os\nos.mkdir('marker')\nharmless = 1\n"
        )
    (tmp_path / "evil.yaml").write_text("x: !apply:os.mkdir [marker]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def write(text):
        path = tmp_path / "hyperparams.yaml"
        path.write_bytes(text.encode())
        return path

    return write


@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_attack_is_refused_and_works_without_the_check(write, text):
    path = write(text)
    with pytest.raises(UntrustedYamlError, match="pass trust=True"):
        check_yaml(path)
    assert not pathlib.Path("marker").exists()
    # In a process of its own: HyperPyYAML's first load differs from others.
    subprocess.run([sys.executable, "-c", LOAD], stderr=subprocess.DEVNULL)
    assert pathlib.Path("marker").exists()


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_refused(write, text):
    with pytest.raises(UntrustedYamlError):
        check_yaml(write(text))
    assert not pathlib.Path("marker").exists()


@pytest.mark.parametrize("path", PROJECT_FILES, ids=lambda p: p.stem)
def test_files_of_the_project_are_accepted(path):
    check_yaml(path)


def test_exported_file_is_accepted(tiny_folder):
    check_yaml(tiny_folder / "hyperparams.yaml")


@pytest.mark.parametrize("tag", CLASSES)
def test_classes_that_models_are_built_of_are_accepted(write, tag):
    check_yaml(write(f"x: {{y: [{tag} {{}}]}}"))


@pytest.mark.parametrize("text", VALUES)
def test_values_are_accepted(write, text):
    check_yaml(write(text))


def test_arguments_of_the_accepted_forms_load(write):
    path = write("a: 3\nx: !new:torch.nn.Linear [2, !ref <a> - 1]")
    check_yaml(path)
    with open(path) as fin:
        assert load_hyperpyyaml(fin)["x"].out_features == 2


def test_nothing_is_constructed(write, monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("constructed")

    monkeypatch.setattr(torch.nn.Linear, "__init__", fail)
    check_yaml(write("x: !new:torch.nn.Linear [2, 3]"))


def test_texts_are_refused_before_anything_is_imported(write, monkeypatch):
    located = []
    monkeypatch.setattr(pydoc, "locate", located.append)
    with pytest.raises(UntrustedYamlError, match="trust_remote_code"):
        check_yaml(write("x: !new:torch.nn.Identity\ntrust_remote_code: 1"))
    assert not located


def test_message_names_file_line_and_tag(write):
    path = write("a: 1\nb:\n  c: !module:os\n")
    message = f"'{path}', line 3: '!module:os' is not a tag"
    with pytest.raises(UntrustedYamlError) as caught:
        check_yaml(str(path))
    assert message in str(caught.value)
    assert "read it, and pass trust=True if you trust it" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"x: [1",
        b"x: 1\n x: 2",
        b"\xff\xfe\x00x",
        b"x: \x00",
        b"x: !undefined!tag 1",
        b"x: !new:%zz 1",
        b"x: *unknown",
        b"[" * 2000,
        b"x: &a 1\n---\ny: *a",
    ],
)
def test_not_one_document_of_yaml(tmp_path, content):
    path = tmp_path / "hyperparams.yaml"
    path.write_bytes(content)
    with pytest.raises(UntrustedYamlError, match="hyperparams.yaml"):
        check_yaml(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        check_yaml(tmp_path / "hyperparams.yaml")


def refuses(text):
    """Whether a text is refused; any other error is one."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "hyperparams.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            check_yaml(path)
        except UntrustedYamlError:
            return True
    return False


def is_outside(name):
    return not any(
        name == package or name.startswith(package + ".")
        for package in ALLOWED_PACKAGES
    )


PART = st.sampled_from(
    "os sys system builtins eval exec subprocess Popen pickle load torch nn "
    "nnx Linear speechbrain speechbrain_evil speechbrain_emotion nnet utils "
    "run_shell transformers2 importlib import_module".split()
) | st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@settings(max_examples=300, deadline=None)
@given(
    tag=st.sampled_from(["!new:", "!name:", "!<!new:", "!apply:", "!module:"]),
    name=st.lists(PART, min_size=1, max_size=5).map(".".join),
)
def test_names_outside_are_refused_without_an_import(tag, name):
    if not is_outside(name):
        return
    located = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pydoc, "locate", located.append)
        assert refuses(f"x: {tag}{name}{'>' * tag.count('<')} []")
    assert not located


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*"[]{}:,?-|>&*!%#'\"<()\n ", "a", "1", "!ref ", "!new:", "%TAG"]
            + ["torch.nn.Linear", "---\n", "<a>", "<<: ", "a: ", "!!map "]
        )
        | st.characters(exclude_categories=["Cs"]),
        max_size=30,
    ).map("".join)
)
def test_any_text_is_accepted_or_refused(text):
    refuses(text)


@settings(max_examples=200, deadline=None)
@given(
    before=st.text("ab( <>[]{},'\"!x", max_size=6),
    after=st.text("ab) <>[]{},'\"!x", max_size=6),
)
def test_text_that_would_be_a_tag_is_refused_with_any_surroundings(
    before, after
):
    value = f"({before}{TUPLE}{after})".replace("'", "''")
    assert refuses(f"x: '{value}'")


def test_a_key_that_names_a_file_elsewhere(tmp_path):
    path = tmp_path / "hyperparams.yaml"
    path.write_text("loadables: {../../victim/model: 1}")
    with pytest.raises(UntrustedYamlError, match="may name a file elsewhere"):
        check_yaml(path)
