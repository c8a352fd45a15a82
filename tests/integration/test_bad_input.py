"""What is decided for each kind of input, by file and by command line."""

import numpy as np
import pytest
import soundfile

from speechbrain_emotion import AudioError, EmotionClassifier, cli

SPEECH = "1001_DFA_HAP_XX.flac"


@pytest.fixture(scope="module")
def classifier():
    return EmotionClassifier.from_hparams()


@pytest.fixture(scope="module")
def speech(samples):
    return soundfile.read(samples / SPEECH, dtype="float32")[0]


def write(path, samples, rate=16000, **kwargs):
    soundfile.write(path, samples, rate, **kwargs)
    return path


def text_file(folder):
    (folder / "clip.wav").write_text("not audio")
    return folder / "clip.wav"


BAD = {
    "missing file": (lambda d: d / "clip.wav", OSError, "no audio file"),
    "folder": (lambda d: d, OSError, "is a folder"),
    "text named wav": (text_file, AudioError, "cannot be read as audio"),
    "zero samples": (
        lambda d: write(d / "clip.wav", np.zeros(0)),
        AudioError,
        "holds no samples",
    ),
    "too short": (
        lambda d: write(d / "clip.wav", 0.1 * np.random.rand(100)),
        AudioError,
        "too short: 100 samples",
    ),
    "NaN": (
        lambda d: write(
            d / "clip.wav", np.full(16000, np.nan), subtype="FLOAT"
        ),
        AudioError,
        "16000 NaN or infinite samples",
    ),
    "infinite": (
        lambda d: write(
            d / "clip.wav", np.full(16000, np.inf), subtype="FLOAT"
        ),
        AudioError,
        "16000 NaN or infinite samples",
    ),
    "silence": (
        lambda d: write(d / "clip.wav", np.zeros(16000)),
        AudioError,
        "is silent",
    ),
}


@pytest.mark.parametrize("make, kind, message", BAD.values(), ids=BAD)
def test_bad_input(classifier, samples, tmp_path, capsys, make, kind, message):
    path = make(tmp_path)
    with pytest.raises(kind, match=message) as error:
        classifier.classify_file(path)
    assert str(path) in str(error.value)
    # The others of the list are answered all the same.
    code = cli.main(["predict", str(samples / SPEECH), str(path)])
    out, err = capsys.readouterr()
    assert code == 1
    assert SPEECH in out and message in err and str(path) in err


def resampled(samples, rate):
    """The clip at another rate, made without the code under test."""
    n = round(len(samples) * rate / 16000)
    spectrum = np.fft.rfft(samples)
    keep = min(len(spectrum), n // 2 + 1)
    padded = np.zeros(n // 2 + 1, complex)
    padded[:keep] = spectrum[:keep]
    return np.fft.irfft(padded, n) * n / len(samples)


GOOD = {
    "48 kHz stereo": lambda s: (np.stack([resampled(s, 48000)] * 2, 1), 48000),
    "96 kHz": lambda s: (resampled(s, 96000), 96000),
    "24,414 Hz": lambda s: (resampled(s, 24414), 24414),
}


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_other_rates_give_the_same_answer(
    classifier, samples, speech, tmp_path, make
):
    path = write(tmp_path / "clip.wav", *make(speech), subtype="FLOAT")
    expected = classifier.predict(samples / SPEECH)
    found = classifier.predict(path)
    assert found.label == expected.label
    # The resampler's filter takes a little away just below 8 kHz.
    assert found.scores == pytest.approx(expected.scores, abs=0.05)


def test_8_khz_and_mp3_are_answered(classifier, speech, tmp_path):
    # What the format has taken away may change the scores a little.
    narrow = write(tmp_path / "clip.wav", resampled(speech, 8000), 8000)
    mp3 = write(tmp_path / "clip.mp3", speech)
    for prediction in classifier.predict([narrow, mp3]):
        assert prediction.error is None
        assert sum(prediction.scores.values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_long_recording(classifier, speech, tmp_path, capsys, rate):
    seconds = resampled(speech, rate)
    long = np.tile(seconds, 1 + 40 * rate // len(seconds))
    path = write(tmp_path / "long.wav", long, rate, subtype="FLOAT")
    wav = classifier.load_audio(path)
    expected = classifier.predict(wav)
    found = classifier.predict(path)
    assert found.scores == pytest.approx(expected.scores, abs=1e-4)
    assert cli.main(["predict", str(path)]) == 0
    assert found.label in capsys.readouterr().out
