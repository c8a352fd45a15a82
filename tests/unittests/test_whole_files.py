"""Files that are there as a whole or not at all."""

import pytest

from speechbrain_emotion.utils.whole_files import written_whole


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, ValueError])
def test_a_stop_leaves_the_file_as_it_was(error, tmp_path):
    path = tmp_path / "report.txt"
    path.write_text("before")
    with pytest.raises(error):
        with written_whole(path) as unfinished:
            unfinished.write_text("half")
            raise error
    assert [file.name for file in tmp_path.iterdir()] == ["report.txt"]
    assert path.read_text() == "before"


def test_readers_of_a_folder_do_not_meet_it(tmp_path):
    with written_whole(tmp_path / "a.safetensors") as unfinished:
        unfinished.touch()
        assert not list(tmp_path.glob("*.safetensors"))
    assert list(tmp_path.glob("*.safetensors"))
