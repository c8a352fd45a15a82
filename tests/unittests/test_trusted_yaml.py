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
from yaml_texts import ATTACKS, CLASSES, OTHERS, TUPLE, VALUES

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
