"""What the tests of recipes, benchmarks and Whisper have once for all."""

import functools
import pathlib
import sys

import pytest

import speechbrain as sb
from speechbrain_emotion import WhisperTranscriber

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(autouse=True, scope="package")
def one_environment():
    """Describes the environment once for all recipes of this process.

    SpeechBrain asks pip and git in processes of their own, for every run.
    """
    with pytest.MonkeyPatch.context() as patch:
        describe = sb.utils.logger.get_environment_description
        patch.setattr(
            sb.utils.logger,
            "get_environment_description",
            functools.cache(describe),
        )
        yield


@pytest.fixture(scope="module")
def benchmarks():
    """Folder of the benchmarks, whose modules can be imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield BENCHMARKS
    # Their names are common ones.
    for name, module in [*sys.modules.items()]:
        if str(getattr(module, "__file__", "")).startswith(f"{BENCHMARKS}/"):
            del sys.modules[name]


@pytest.fixture(scope="session")
def spanish(whisper_base):
    """Whisper for Spanish, which keeps what it has transcribed."""
    return WhisperTranscriber(whisper_base, "es", device="cpu")
