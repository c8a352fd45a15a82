"""The command line's inputs: files, folders, patterns, manifests, texts."""

import os
import pathlib

import pytest

from speechbrain_emotion.commands.items import Item, expand_inputs, text_items
from speechbrain_emotion.commands.manifests import ManifestError, read_manifest
from speechbrain_emotion.commands.matching import add_texts
from speechbrain_emotion.commands.predict import gather_items

TREE = ["b.wav", "a.FLAC", "sub/c.mp3", "sub/deep/d.opus", "a/e.ogg"]
OTHERS = ["notes.txt", "sub/list.csv", "._b.wav", "sub/.hidden.wav"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of (empty) files, in which the test runs."""
    for name in [*TREE, *OTHERS]:
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def audio(*inputs):
    items = expand_inputs(inputs)
    assert [i.error for i in items] == [None] * len(items)
    assert [i.source for i in items] == [i.audio for i in items]
    return [i.audio for i in items]


def errors(*inputs):
    items = expand_inputs(inputs)
    assert [i.audio for i in items] == [None] * len(items)
    assert [i.source for i in items] == [*inputs]
    return [i.error for i in items]


def write(path, content, encoding="utf-8"):
    pathlib.Path(path).write_text(content, encoding=encoding)
    return str(path)


ALL = [
    "clips/a/e.ogg",
    "clips/a.FLAC",
    "clips/b.wav",
    "clips/sub/c.mp3",
    "clips/sub/deep/d.opus",
]


@pytest.mark.parametrize("name", ["clips", "clips/"])
def test_a_folder_is_searched(folder, name):
    assert audio(name) == ALL


def test_files_are_kept_as_given(folder):
    given = ["clips/b.wav", "gone.wav", "clips/notes.txt", "clips/b.wav"]
    assert audio(*given) == given


@pytest.mark.parametrize(
    "pattern, found",
    [
        ("clips/*.wav", ["clips/b.wav"]),
        ("clips/**/*.[mo]p*", ["clips/sub/c.mp3", "clips/sub/deep/d.opus"]),
        ("clips/**", sorted(ALL)),  # folders too, nothing twice
        ("clips/*", sorted(ALL)),
        ("clips/su?", ALL[-2:]),
        ("clips/*.txt", ["clips/notes.txt"]),  # only if there is no audio
    ],
)
def test_patterns(folder, pattern, found):
    assert audio(pattern) == found


def test_a_pattern_below_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder / "clips"))
    assert audio("~/*.wav") == [str(folder / "clips" / "b.wav")]


def test_a_file_that_is_named_like_a_pattern(folder):
    (folder / "take [1].wav").touch()
    assert audio("take [1].wav") == ["take [1].wav"]


def test_a_pattern_may_find_manifests(folder):
    write("list1.csv", "wav\nclips/b.wav\n")
    write("list2.csv", "wav\nclips/c.wav\n")
    assert audio("list?.csv") == ["clips/b.wav", "clips/c.wav"]


def test_what_matches_nothing(folder):
    (folder / "empty").mkdir()
    write("empty/notes.txt", "")
    no_folder, no_match, no_manifest = errors("empty", "*.mp9", "gone.csv")
    assert "'empty' is a folder without audio files (.wav, " in no_folder
    assert no_match == "no file matches the pattern '*.mp9'"
    assert no_manifest == "there is no CSV file 'gone.csv'"


@pytest.mark.parametrize("column", ["wav", "path"])
@pytest.mark.parametrize("words", ["text", "words"])
def test_a_manifest(folder, column, words):
    write(
        "clips/sub/List.CSV",
        f"id,{column},more,{words}\n1,c.mp3,x,¡Sí!\n2,../b.wav,,\n",
        "utf-8-sig",
    )
    assert expand_inputs(["clips/sub/List.CSV"]) == [
        Item("clips/sub/c.mp3", "clips/sub/c.mp3", "¡Sí!", "1"),
        Item("clips/sub/../b.wav", "clips/sub/../b.wav", None, "2"),
    ]


def test_a_manifest_with_absolute_paths(folder):
    path = folder / "clips" / "b.wav"
    write("list.csv", f"wav\n{path}\n")
    assert audio("list.csv") == [str(path)]


def test_a_row_without_a_file(folder):
    write("list.csv", "wav,text\nb.wav,Oh\n\n ,Oh no\n")
    good, bad = expand_inputs(["list.csv"])
    assert good.error is None
    assert bad.error == "line 4 of 'list.csv' names no audio file"
    assert bad.source == "list.csv"


BAD_CSV = {
    "no column": (b"file,text\na,b\n", "no column 'wav' or 'path', only 'fi"),
    "semicolons": (b"wav;text\na;b\n", "only 'wav;text': name the columns"),
    "empty": (b"", "only an empty first line"),
    "no rows": (b"wav,text\n", "holds no rows"),
    "latin 1": ("wav\nsé.wav\n".encode("latin-1"), "not in UTF-8"),
    "binary": (bytes(range(256)), "cannot be read"),
    "open quote": (b'wav,text\na.wav,"Oh\nb.wav,No\n', "unexpected end of"),
}


@pytest.mark.parametrize("content, message", BAD_CSV.values(), ids=BAD_CSV)
def test_bad_manifests(folder, content, message):
    (folder / "list.csv").write_bytes(content)
    (error,) = errors("list.csv")
    assert "'list.csv'" in error and message in error


def test_a_manifest_that_may_not_be_read(folder, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied", "list.csv")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ManifestError, match="'list.csv' cannot be read: Perm"):
        read_manifest("list.csv")


def test_texts_alone(folder):
    path = write("texts.csv", "id,words\na,Oh\n,No\nc, \n")
    first, second, third = text_items(path)
    assert first == Item(source="a", text="Oh")
    assert second == Item(text="No")
    assert third.error == "line 4 of 'texts.csv' has no text"
    path = write("texts.csv", "id\na\n")
    with pytest.raises(ManifestError, match="no column 'text' or 'words'"):
        text_items(path)


def texts_of(inputs, content):
    path = write("texts.csv", content)
    return add_texts(expand_inputs(inputs), path)


@pytest.mark.parametrize("column", ["wav", "path", "id"])
@pytest.mark.parametrize("name", ["clips/b.wav", "b.wav", "x/b.wav", "b"])
@pytest.mark.parametrize("full", [False, True])
def test_texts_are_matched(folder, column, name, full):
    name = os.path.abspath(name) if full else name
    (item,) = texts_of(["clips/b.wav"], f"{column},text\nc,No\n{name},Oh\n")
    assert (item.text, item.error) == ("Oh", None)


def test_the_surest_match_counts(folder):
    content = "wav,text\nb.mp3,stem\nx/b.wav,name\nclips/b.wav,path\n"
    for inputs, text in [("clips/b.wav", "path"), ("x/b.wav", "name")]:
        (item,) = texts_of([inputs], content)
        assert item.text == text
    (item,) = texts_of(["c/b.flac"], content)
    assert "has 3 different texts for 'c/b.flac'" in item.error
    (item,) = texts_of(["c/b.mp3"], content)
    assert item.text == "stem"


def test_a_dot_in_an_id_is_no_suffix(folder):
    items = texts_of(["a.wav", "a.1.wav", "s.aiff"], "id,text\na.1,Oh\ns,No\n")
    assert [item.text for item in items] == [None, "Oh", "No"]


def test_ids_of_the_inputs_count(folder):
    write("clips/list.csv", "id,wav,text\n7,b.wav,old\n8,b.wav,\n")
    items = texts_of(["clips/list.csv"], "id,text\n7,Oh\n8,No\nb,stem\n")
    assert [item.text for item in items] == ["Oh", "No"]


def test_texts_that_cannot_be_matched(folder):
    write("list.csv", "wav,text\nclips/b.wav,mine\n")
    content = "id,text\nc,Oh\nc.wav,\nc.mp3,Ah\nd,Oh\nd,No\ne,Oh\ne,Oh\n"
    inputs = ["list.csv", "c.wav", "d.wav", "e.wav", "none/", "e.wav"]
    missing, empty, several, same, other, again = texts_of(inputs, content)
    assert missing.text is None  # and not that of the manifest
    assert "has no text for 'clips/b.wav': no row names it" in missing.error
    assert empty.error == "'texts.csv' has no text for 'c.wav'"
    assert "has 2 different texts for 'd.wav': name each" in several.error
    assert same.text == again.text == "Oh"
    assert other.error.startswith("'texts.csv' has no text for 'none/'")


def test_failed_inputs_get_no_text(folder):
    (item,) = texts_of(["*.mp9"], "id,text\na,Oh\n")
    assert item.error == "no file matches the pattern '*.mp9'"


def test_texts_without_names(folder):
    with pytest.raises(
        ManifestError, match="no column 'wav' or 'path' or 'id'"
    ):
        texts_of(["a.wav"], "text\nOh\n")


def test_one_text_for_one_input(folder):
    write("list.csv", "wav,text\nb.wav,old\n")
    (item,) = gather_items(["list.csv"], text="new")
    assert (item.audio, item.text) == ("b.wav", "new")


def test_real_manifests(shared, folder):
    data = shared / "data"
    for corpus in ("crema_d_sample", "spanish_clips"):
        manifest = data / corpus / "manifest.csv"
        items = expand_inputs([str(manifest)])
        assert all(i.text and os.path.isfile(i.audio) for i in items)
        matched = add_texts(expand_inputs([str(data / corpus)]), manifest)
        assert all(i.text for i in matched) and len(matched) == len(items)
    for path in (data / "text").glob("*.csv"):
        if "segments" not in path.name:  # it has no texts
            items = text_items(path)
            assert len(items) > 5000
            assert sum(i.error is not None for i in items) < 10
