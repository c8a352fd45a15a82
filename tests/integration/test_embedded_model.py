"""The model that ships with the package, and the demonstration."""

import socket
import sys

import pytest
import torch
from safetensors.torch import load_file

from speechbrain.inference.classifiers import EncoderClassifier
from speechbrain.utils.data_utils import batch_pad_right
from speechbrain_emotion import EMBEDDED_MODELS, EmotionClassifier, demo


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module")
def classifier():
    return EmotionClassifier.from_hparams()


@pytest.fixture(scope="module")
def text_classifier():
    return EmotionClassifier.from_hparams(EMBEDDED_MODELS / "text")


@pytest.fixture(scope="module")
def concat_classifier():
    return EmotionClassifier.from_hparams(EMBEDDED_MODELS / "concat")


@pytest.fixture(scope="module")
def clips(samples):
    return sorted(samples.glob("*.flac"))


def test_size(classifier):
    model = classifier.mods.model
    assert sum(p.numel() for p in model.parameters()) <= 4_000_000
    files = [path for path in EMBEDDED_MODELS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 25e6


def test_labels(classifier, text_classifier, concat_classifier):
    labels = "angry disgust fear happy neutral sad surprise".split()
    for model in (classifier, text_classifier, concat_classifier):
        assert model.labels == labels


def test_text(text_classifier):
    found = [p.label for p in text_classifier.predict(texts=demo.SENTENCES)]
    truth = ["happy", "sad", "angry", "disgust", "fear", "neutral"]
    # Guessing gets one.
    assert sum(a == b for a, b in zip(found, truth)) >= 5


def test_concat_reads_and_hears(concat_classifier, clips):
    truth = [demo.true_label(clip) for clip in clips]
    by_label = dict(
        zip(["happy", "sad", "angry", "disgust", "fear"], demo.SENTENCES)
    )
    texts = [by_label.get(label, demo.SENTENCES[-1]) for label in truth]
    heard = concat_classifier.predict(clips, [None] * len(clips))
    read = concat_classifier.predict([None] * len(clips), texts)
    both = concat_classifier.predict(clips, texts)
    assert {p.modalities for p in heard} == {("speech",)}
    assert {p.modalities for p in read} == {("text",)}
    right = {
        name: sum(p.label == label for p, label in zip(predictions, truth))
        for name, predictions in {"heard": heard, "both": both}.items()
    }
    assert right["heard"] >= 4  # guessing gets two
    assert right["both"] >= max(9, right["heard"])


def test_concat_answers_each_row_alone(concat_classifier, clips):
    clips = [*clips[:3], None]
    texts = [demo.SENTENCES[0], None, demo.SENTENCES[1] * 9, "Oh no!"]
    together = concat_classifier.predict(clips, texts)
    backwards = concat_classifier.predict(clips[::-1], texts[::-1])[::-1]
    alone = [
        concat_classifier.predict([clip], [text])[0]
        for clip, text in zip(clips, texts)
    ]
    for predictions in zip(together, backwards, alone):
        scores = torch.tensor([list(p.scores.values()) for p in predictions])
        assert scores.std(dim=0).max() < 1e-5


def test_concat_shares_its_encoders(
    concat_classifier, classifier, text_classifier
):
    fused = concat_classifier.mods.model.embedding_model
    speech = classifier.mods.model.embedding_model.encoder.state_dict()
    text = text_classifier.mods.model.embedding_model.text_encoder
    for name, tensor in fused.encoder.state_dict().items():
        assert torch.equal(tensor, speech[name])
    for name, tensor in fused.text_encoder.state_dict().items():
        assert torch.equal(tensor, text.state_dict()[name])
    statistics = classifier.mods.model.classifier.standardize.state_dict()
    for name, tensor in fused.projector.state_dict().items():
        assert torch.equal(tensor, statistics[name])


@pytest.mark.parametrize("mode", ["audio", "concat"])
def test_included_models_know_speakers(mode, clips):
    folder = EMBEDDED_MODELS / mode
    classifier = EmotionClassifier.from_hparams(folder)
    weights = load_file(folder / "model.safetensors")
    mean = classifier.mods.model.speaker_normalization.mean
    assert mean.any()
    assert torch.equal(mean, weights["speaker_normalization.mean"].float())
    profile = classifier.enroll(clips[:2])
    texts = None if mode == "audio" else [demo.SENTENCES[0]]
    [adapted] = classifier.predict(clips[:1], texts, profiles=profile)
    [plain] = classifier.predict(clips[:1], texts)
    assert (adapted.enrolled, plain.enrolled) == (2, 0)
    assert adapted.scores != plain.scores


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
        source=str(EMBEDDED_MODELS / "audio"), savedir=str(tmp_path / "stock")
    )
    wav = classifier.load_audio(clips[0])
    ours, theirs = classifier.classify_batch(wav), stock.classify_batch(wav)
    torch.testing.assert_close(ours[0], theirs[0], rtol=0, atol=1e-5)
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
