"""Files that the command line cannot write."""

import os

import pytest

from speechbrain_emotion.commands import loading

pytest_plugins = ["cli_fixtures"]

FULL = "/dev/full"
needs_full = pytest.mark.skipif(
    not os.path.exists(FULL), reason=f"needs {FULL}, a disk without room"
)


@pytest.fixture
def protected(monkeypatch):
    """Paths that may not be written; root may write everything."""
    paths, real = set(), os.access

    def access(path, mode):
        is_protected = os.path.abspath(path) in paths and mode & os.W_OK
        return not is_protected and real(path, mode)

    monkeypatch.setattr(os, "access", access)
    return paths


@pytest.mark.parametrize("option", ["--output", "--plot"])
@pytest.mark.parametrize("exists", [True, False])
def test_what_may_not_be_written(
    run, samples, tmp_path, monkeypatch, protected, option, exists
):
    def load_model(*args):
        pytest.fail("a model was loaded")

    monkeypatch.setattr(loading, "load_model", load_model)
    clip, target = next(samples.glob("*ANG*")), tmp_path / "out.png"
    if exists:
        target.write_text("precious")
    place = target if exists else tmp_path
    protected.add(str(place))
    message = f"{option} '{target}' cannot be written: you may not write to "
    code, out, err = run("timeline", clip, option, target)
    assert code == 2 and f"{message}'{place}': name another file" in err
    if option == "--output":
        code, out, err = run("predict", clip, option, target)
        assert code == 2 and f"{message}'{place}': name another file" in err
    assert target.exists() == exists


def test_a_file_in_a_protected_folder(
    run, embedded, samples, tmp_path, protected
):
    clip, target = next(samples.glob("*ANG*")), tmp_path / "out"
    target.touch()
    protected.add(str(tmp_path))
    assert run("predict", clip, "--output", target)[0] == 0
    assert "ANG" in target.read_text()


@needs_full
@pytest.mark.parametrize("format", ["csv", "json"])
def test_a_full_disk(predict, samples, format):
    clip = next(samples.glob("*ANG*"))
    argv = [clip, "--format", format, "--output", FULL]
    code, out, err = predict(*argv)
    assert (code, out) == (
        2,
        "",
    ) and f"No space left on device: '{FULL}'" in err


@needs_full
@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_a_full_disk_for_a_timeline(run, embedded, samples, tmp_path, suffix):
    argv = ["timeline", next(samples.glob("*ANG*")), "--segments", "windows"]
    code, out, err = run(*argv, "--output", FULL)
    assert (code, out) == (
        2,
        "",
    ) and f"No space left on device: '{FULL}'" in err
    picture = tmp_path / f"picture.{suffix}"
    picture.symlink_to(FULL)
    code, out, err = run(*argv, "--plot", picture)
    assert code == 2 and f"No space left on device: '{picture}'" in err
