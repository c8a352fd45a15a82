"""Tables of texts."""

import pytest

from speechbrain_emotion.dataio.corpora import read_texts
from speechbrain_emotion.dataio.manifests import CorpusError


@pytest.mark.parametrize(
    "content, message",
    [
        (b"id,text\na,b\n", "no column emotion"),
        (b"id,text,emotion\na,Oh\n", "row 2 of .*texts.csv' has no emotion"),
        (b"id,text,emotion\na,b,sad,d\n", "row 2 .* too many cells"),
        (b'id,text,emotion\na,"Oh,sad\n', "no CSV file in UTF-8"),
        (b"id,text,emotion\na,\xe9,sad\n", "no CSV file in UTF-8"),
        (
            b"id,text,emotion\na,b,sad\na,c,sad\n",
            r"ids occur twice .*\(id\): a, as in row 3",
        ),
        (b"id,text,emotion\n,b,sad\n", "row 2 of .* has no id"),
        (b"id,text,emotion\n", "no row but the header"),
        (b"id,text,emotion\na,,sad\n", "no text is left"),
    ],
)
def test_tables_of_texts_that_cannot_be_read(content, message, tmp_path):
    (tmp_path / "texts.csv").write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        read_texts(tmp_path, "texts.csv", corpus="mine")


def test_texts_with_several_emotions_are_left_out(tmp_path, caplog):
    table = "id,text,emotion,split\na,Oh,sad|joy,dev\nb, ,joy,dev\nc,Ah,joy,dev"
    (tmp_path / "texts.csv").write_text(table)
    (text,) = read_texts(tmp_path, "texts.csv", corpus="mine")
    assert "mine: 2 of 3 texts left out, which are empty" in caplog.text
    assert (text.id, text.emo, text.part, text.wav) == ("c", "joy", "dev", None)
    with pytest.raises(CorpusError, match="there is no file"):
        read_texts(tmp_path, "missing.csv", corpus="mine")
