"""Models of Whisper: which there are, how they fail, loaded once."""

import pickle
import sys
import urllib.error
import urllib.request

import pytest
import torch
from spoken_bursts import say

from speechbrain_emotion import CheckpointError
from speechbrain_emotion.dataio.audio import AudioError
from speechbrain_emotion.inference import transcription, whisper_models
from speechbrain_emotion.inference.transcription import (
    WhisperTranscriber,
    default_transcriber,
)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"model": "huge"}, "'huge': choose one of base, base.en, or"),
        ({"model": "folder/model.bin"}, "which ends with .pt"),
        ({"language": "english"}, "'english': give a code, such as en or es"),
        ({"language": "EN"}, "'EN': give a code"),
        ({"language": ["en"]}, r"language \['en'\]: give a code"),
        ({"language": 5}, "language 5: give a code"),
        ({"model": "base.en", "language": "es"}, "'base.en' is for English"),
        ({"beam_size": 0}, "beam_size is 0: give 1 or more"),
        ({"beam_size": "5"}, "beam_size is '5'"),
        ({"device": "toaster"}, "'toaster': torch knows no such device"),
        ({"options": {"heat": 0.2}}, "no option heat here: .*temperature"),
        ({"options": {"verbose": True}}, "no option verbose"),
        ({"options": {"vad": True}}, "no option vad"),
        (
            {"options": {"temperature": "hot"}},
            "temperature is 'hot': give a num",
        ),
        ({"options": {"temperature": -0.1}}, "temperature is -0.1: give"),
        ({"options": {"temperature": (0.0, 2)}}, "is .0.0, 2.: give a number"),
        ({"options": {"temperature": ()}}, "temperature is ..: give a number"),
        ({"options": {"task": "translate"}}, "no option task"),
    ],
)
def test_wrong_arguments(backend, settings, message):
    with pytest.raises(ValueError, match=message):
        WhisperTranscriber(**settings)


def test_a_missing_file(backend, tmp_path):
    with pytest.raises(FileNotFoundError, match="no Whisper model file '.*x.p"):
        WhisperTranscriber(tmp_path / "x.pt")


def test_models_are_loaded_when_needed_and_shared(backend, tmp_path):
    (tmp_path / "own.pt").write_bytes(b"1")
    for name in ("base", tmp_path / "own.pt", "base", tmp_path / "own.pt"):
        transcriber = WhisperTranscriber(name)
        n_loaded = len(backend.loaded)
        transcriber.transcribe([say(1)])
    assert backend.loaded == ["base", str(tmp_path / "own.pt")]
    assert n_loaded == 2 and len(backend.calls) == 4


def test_another_content_is_another_model(backend, tmp_path):
    path, folder = tmp_path / "own.pt", tmp_path / "transcripts"
    for content in (b"1", b"12", b"12"):
        path.write_bytes(content)
        transcriber = WhisperTranscriber(path, cache_folder=folder)
        transcriber.transcribe([say(1)])
    assert len(backend.calls) == len(backend.loaded) == 2
    # The same content elsewhere is the same model.
    path = path.rename(tmp_path / "renamed.pt")
    WhisperTranscriber(path, cache_folder=folder).transcribe([say(1)])
    assert len(backend.calls) == 2


def test_languages_of_a_loaded_model(backend, tmp_path):
    (tmp_path / "own.pt").write_bytes(b"1")
    with pytest.raises(ValueError, match="does not know 'yue': choose large"):
        WhisperTranscriber(language="yue").transcribe([say(1)])
    whisper_models._models.clear()
    backend.multilingual = False
    with pytest.raises(ValueError, match="own.pt' is for English only"):
        WhisperTranscriber(tmp_path / "own.pt", "es").transcribe([say(1)])
    transcript = WhisperTranscriber(tmp_path / "own.pt").transcribe([say(1)])
    assert transcript.language == "en"


@pytest.mark.parametrize("n_failures", [1, 2])
def test_where_the_words_get_lost(backend, n_failures):
    def lose(result):
        assert len(backend.calls) > n_failures, "Inconsistent segments"
        return result

    backend.edit = lose
    transcriber = WhisperTranscriber()
    if n_failures == 1:
        assert transcriber.transcribe([say(1)]).text == "one."
    else:
        with pytest.raises(AudioError, match="call.wav .*Inconsistent seg"):
            transcriber.transcribe([say(1)], "call.wav")
    assert [c["naive_approach"] for c in backend.calls] == [False, True]


@pytest.mark.parametrize("temperature", [0, 1.0, [0.5], (0.0, 0.2, 0.4)])
def test_temperatures(backend, temperature):
    transcriber = WhisperTranscriber(options={"temperature": temperature})
    transcriber.transcribe([say(1)])
    assert backend.calls[0]["temperature"] == temperature


@pytest.fixture
def gpus(monkeypatch):
    """Lets torch have GPUs."""
    monkeypatch.setattr(transcription, "check_device", lambda name: None)
    monkeypatch.setattr(transcription, "infer_device", lambda: "cuda:0")
    transcription._defaults.clear()
    yield
    transcription._defaults.clear()


def test_the_default(backend, gpus):
    spanish = default_transcriber("es", "cpu")
    assert (spanish.model, spanish.language) == ("base", "es")
    assert spanish.device == torch.device("cpu")
    assert spanish is default_transcriber("es", device="cpu")
    assert spanish is default_transcriber("es", "mps")
    assert default_transcriber().device == torch.device("cuda:0")
    assert default_transcriber() is default_transcriber(None, "cuda:0")
    others = [("es", None), (None, "cpu"), ("es", "cuda:1"), ("en", "cpu")]
    different = {id(default_transcriber(*other)) for other in others}
    assert len(different | {id(spanish)}) == 5


@pytest.mark.parametrize(
    "language, device, message",
    [
        (["en"], None, r"language \['en'\]: give a code"),
        ("en", "toaster", "'toaster': torch knows no such device"),
    ],
)
def test_no_default(backend, language, device, message):
    with pytest.raises(ValueError, match=message):
        default_transcriber(language, device)


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "whisper_timestamped", None)
    with pytest.raises(ModuleNotFoundError) as error:
        WhisperTranscriber()
    assert 'pip install "speechbrain-emotion[asr]"' in str(error.value)
    assert "whisper_timestamped" in str(error.value)


class Trap:
    """A pickle that would run code."""

    def __reduce__(self):
        return print, ("the trap was sprung",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no model",
        {"weights": torch.zeros(2)},
        {"dims": {"n_mels": 80}, "model_state_dict": {}},
        {"dims": 7, "model_state_dict": {}},
        torch.zeros(3),
        Trap(),
    ],
)
def test_a_damaged_file(tmp_path, capsys, content):
    pytest.importorskip("whisper_timestamped", reason="needs the extra asr")
    path = tmp_path / "bad.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path, pickle_module=pickle)
    device = torch.device("cpu")
    with pytest.raises(CheckpointError, match="bad.pt' is damaged, or no Wh"):
        whisper_models.run_whisper(str(path), device, say(1), "call.wav")
    assert "trap" not in capsys.readouterr().out


def test_no_network(tmp_path, monkeypatch):
    pytest.importorskip("whisper_timestamped", reason="needs the extra asr")

    def refuse(*args, **kwargs):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    device = torch.device("cpu")
    with pytest.raises(
        RuntimeError, match="'tiny' cannot be downloaded .*no route"
    ):
        whisper_models.run_whisper("tiny", device, say(1), "call.wav")
