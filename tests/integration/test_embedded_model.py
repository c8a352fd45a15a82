"""The model that ships with the package, and the demonstration."""

import socket
import sys

import pytest
import torch

from speechbrain.inference.classifiers import EncoderClassifier
from speechbrain.utils.data_utils import batch_pad_right
from speechbrain_emotion import EmotionClassifier, demo
from speechbrain_emotion.inference.classifier import EMBEDDED_MODEL


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module")
def classifier():
    return EmotionClassifier.from_hparams()


@pytest.fixture(scope="module")
def clips(samples):
    return sorted(samples.glob("*.flac"))


def test_size(classifier):
    model = classifier.mods.model
    assert sum(p.numel() for p in model.parameters()) <= 4_000_000
    files = [path for path in EMBEDDED_MODEL.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 16 * 2**20


def test_labels(classifier):
    assert classifier.labels == [
        "angry",
        "disgust",
        "fear",
        "happy",
        "neutral",
        "sad",
        "surprise",
    ]


def test_two_loads_are_bit_equal(classifier, clips):
    again = EmotionClassifier.from_hparams()
    for clip in clips:
        assert torch.equal(
            again.classify_file(clip)[0], classifier.classify_file(clip)[0]
        )


def test_one_equals_many(classifier, clips):
    wavs = [classifier.load_audio(clip) for clip in clips]
    batch, lens = batch_pad_right(wavs)
    together, *_ = classifier.classify_batch(batch, lens)
    alone = torch.cat([classifier.classify_file(clip)[0] for clip in clips])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


def test_level_does_not_matter(classifier, clips):
    wav = classifier.load_audio(clips[0])
    loud, *_ = classifier.classify_batch(wav)
    quiet, *_ = classifier.classify_batch(0.03 * wav)
    torch.testing.assert_close(loud, quiet, rtol=0, atol=1e-3)


def test_speechbrains_own_classifier(classifier, clips, tmp_path):
    stock = EncoderClassifier.from_hparams(
        source=str(EMBEDDED_MODEL), savedir=str(tmp_path / "stock")
    )
    wav = classifier.load_audio(clips[0])
    ours, theirs = classifier.classify_batch(wav), stock.classify_batch(wav)
    torch.testing.assert_close(ours[0], theirs[0], rtol=0, atol=1e-6)
    assert ours[3] == theirs[3]


def test_it_has_learned_something(classifier, clips):
    truth = [demo.true_label(clip) for clip in clips]
    found = [p.label for p in classifier.predict(clips)]
    # Six emotions: guessing gets two of twelve.
    assert sum(a == b for a, b in zip(found, truth)) >= 4


def test_demo(clips, tmp_path, monkeypatch, capsys):
    picture = tmp_path / "demo.png"
    argv = ["demo", str(clips[0].parent), "--plot", str(picture)]
    monkeypatch.setattr(sys, "argv", argv)
    demo.main()
    out = capsys.readouterr().out
    assert sum(clip.name in out for clip in clips) == 12
    right = sum(
        p.label == demo.true_label(clip)
        for clip, p in zip(
            clips, EmotionClassifier.from_hparams().predict(clips)
        )
    )
    assert f"{right} of 12 clips right" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
