"""EmotionClassifier on an exported model with random weights."""

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)

from speechbrain.inference.classifiers import EncoderClassifier
from speechbrain_emotion import AudioError, EmotionClassifier


@pytest.fixture(scope="module")
def classifier(tiny_folder):
    return EmotionClassifier.from_hparams(source=tiny_folder)


@pytest.fixture(scope="module")
def clips(samples):
    return sorted(samples.glob("*.flac"))[:4]


@settings(deadline=None, max_examples=15)
@given(data=st.data(), extra=st.integers(0, 4000))
def test_answers_do_not_depend_on_the_batch(classifier, data, extra):
    lengths = data.draw(
        st.lists(st.integers(600, 9000), min_size=2, max_size=5)
    )
    torch.manual_seed(sum(lengths))
    wavs = [0.1 * torch.randn(n) for n in lengths]
    longest = max(lengths) + extra
    batch = torch.full((len(wavs), longest), 1e3)  # garbage as padding
    for row, wav in zip(batch, wavs):
        row[: len(wav)] = wav
    lens = torch.tensor(lengths) / longest
    order = data.draw(st.permutations(range(len(wavs))))
    together, *_ = classifier.classify_batch(batch[order], lens[order])
    alone = torch.cat([classifier.classify_batch(wav)[0] for wav in wavs])
    torch.testing.assert_close(together, alone[order], rtol=0, atol=1e-5)


def test_two_loads_are_bit_equal(tiny_folder, classifier, clips):
    again = EmotionClassifier.from_hparams(source=str(tiny_folder))
    for clip in clips:
        assert torch.equal(
            again.classify_file(clip)[0], classifier.classify_file(clip)[0]
        )


def test_export_keeps_the_model(tiny_definition, classifier, clips):
    wav = classifier.load_audio(clips[0])
    with torch.no_grad():
        logits = tiny_definition["model"](wav.unsqueeze(0))
    assert torch.equal(
        classifier.classify_batch(wav)[0], logits.log_softmax(dim=-1)
    )
    assert classifier.labels == tiny_definition["labels"]


def test_the_four_results_belong_together(classifier, clips):
    log_probs, score, index, labels = classifier.classify_file(clips[0])
    assert log_probs.shape == (1, 7)
    assert log_probs.exp().sum().item() == pytest.approx(1, abs=1e-5)
    assert score[0] == log_probs[0, index[0]] == log_probs.max()
    assert labels == [classifier.labels[index[0]]]


def test_speechbrains_own_classifier_loads_the_folder(
    tiny_folder, classifier, clips, tmp_path
):
    stock = EncoderClassifier.from_hparams(
        source=str(tiny_folder), savedir=str(tmp_path / "stock")
    )
    wav = classifier.load_audio(clips[0])
    *ours, our_labels = classifier.classify_batch(wav)
    *theirs, their_labels = stock.classify_batch(wav)
    assert our_labels == their_labels
    for our, their in zip(ours, theirs):
        torch.testing.assert_close(our, their, rtol=0, atol=1e-6)
    assert torch.allclose(
        classifier.encode_batch(wav), stock.encode_batch(wav), atol=1e-6
    )


def test_no_gradient_and_no_dropout(classifier, clips):
    embedding = classifier.encode_batch(classifier.load_audio(clips[0]))
    assert not embedding.requires_grad
    assert not classifier.mods.model.training


def test_predict_one(classifier, clips):
    prediction = classifier.predict(clips[0])
    log_probs, score, _, labels = classifier.classify_file(clips[0])
    assert prediction.label == labels[0]
    assert prediction.score == pytest.approx(score.exp().item())
    assert list(prediction.scores) == classifier.labels
    assert prediction.source == str(clips[0])
    from_wav = classifier.predict(classifier.load_audio(clips[0]))
    assert from_wav.scores == pytest.approx(prediction.scores, abs=1e-6)
    assert from_wav.source is None


@pytest.mark.parametrize("seconds", [0.1, 3, 60])
def test_predict_many_goes_on_after_a_bad_file(
    classifier, clips, tmp_path, seconds
):
    (tmp_path / "bad.wav").write_text("not audio")
    inputs = [clips[0], tmp_path / "gone.wav", clips[1], tmp_path / "bad.wav"]
    predictions = classifier.predict(inputs, max_batch_length=seconds)
    assert [p.source for p in predictions] == [str(i) for i in inputs]
    assert "no audio file" in predictions[1].error
    assert "cannot be read" in predictions[3].error
    for i in (0, 2):
        expected = classifier.predict(inputs[i]).scores
        assert predictions[i].scores == pytest.approx(expected, abs=1e-5)


def test_predict_a_list_of_bad_files_only(classifier, tmp_path):
    (prediction,) = classifier.predict([tmp_path / "gone.wav"])
    assert prediction.label is None and prediction.error


@pytest.mark.parametrize(
    "samples, message",
    [
        (np.zeros(0), "holds no samples"),
        (0.1 * np.random.rand(100), "too short: 100 samples"),
        (np.zeros(16000), "is silent"),
        (np.full(16000, np.nan), "NaN or infinite"),
    ],
)
def test_classify_file_refuses_bad_audio(
    classifier, tmp_path, samples, message
):
    path = tmp_path / "clip.wav"
    soundfile.write(path, samples, 16000, subtype="FLOAT")
    with pytest.raises(AudioError, match=f"clip.wav.*{message}"):
        classifier.classify_file(path)


def test_batch_checks(classifier):
    good = 0.1 * torch.randn(2, 16000)
    with pytest.raises(AudioError, match="row 1 of the batch is too short"):
        classifier.classify_batch(good, torch.tensor([1.0, 0.001]))
    with pytest.raises(AudioError, match="row 0 of the batch is silent"):
        classifier.classify_batch(torch.zeros(2, 16000))
    with pytest.raises(ValueError, match="relative lengths in"):
        classifier.classify_batch(good, torch.tensor([16000.0, 8000.0]))
    with pytest.raises(ValueError, match=r"wav_lens must be \[2\]"):
        classifier.classify_batch(good, torch.ones(3))
    with pytest.raises(ValueError, match="max_batch_length must be a positive"):
        classifier.predict(list(good), max_batch_length=-1)
    with pytest.raises(AudioError, match="a waveform is mono"):
        classifier.predict(good)
    assert "mono" in classifier.predict([good])[0].error
    with pytest.raises(ValueError, match="mono"):
        classifier.classify_batch(good.unsqueeze(0))
    with pytest.raises(ValueError, match="this model reads only speech"):
        classifier.classify_batch(good, texts=["a", "b"])
    with pytest.raises(ValueError, match="this model reads only speech"):
        classifier.predict(list(good), texts=["a", "b"])


def test_sources_that_are_no_models(tmp_path, samples, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(FileNotFoundError, match="neither a model folder"):
        EmotionClassifier.from_hparams(source=tmp_path / "nothing" / "here")
    with pytest.raises(FileNotFoundError, match="holds no 'hyperparams.yaml'"):
        EmotionClassifier.from_hparams(source=samples)
    with pytest.raises(FileNotFoundError, match="there is no folder 'a/b'"):
        EmotionClassifier.from_hparams(source="a/b")


def test_a_used_savedir_does_not_bring_back_the_old_model(
    tiny_folder, tmp_path, classifier, clips
):
    savedir = tmp_path / "savedir"
    savedir.mkdir()
    (savedir / "hyperparams.yaml").write_text("this: is another model\n")
    again = EmotionClassifier.from_hparams(source=tiny_folder, savedir=savedir)
    assert torch.equal(
        again.classify_file(clips[0])[0], classifier.classify_file(clips[0])[0]
    )
    assert not any(path.is_symlink() for path in savedir.iterdir())


def test_label_encoder_of_another_size(tiny_definition):
    from speechbrain.dataio.encoder import CategoricalEncoder

    encoder = CategoricalEncoder()
    encoder.update_from_iterable(["a", "b"])
    with pytest.raises(ValueError, match="7 outputs, but its label encoder 2"):
        EmotionClassifier(
            modules={"model": tiny_definition["model"]},
            hparams={"label_encoder": encoder, "sample_rate": 16000},
        )


def test_missing_module(tiny_definition):
    with pytest.raises(ValueError, match="define no module"):
        EmotionClassifier(
            modules={"classifier": tiny_definition["classifier"]},
            hparams={
                "label_encoder": tiny_definition["label_encoder"],
                "sample_rate": 16000,
            },
        )


def test_threads_do_not_change_the_answer(classifier, clips):
    threads = torch.get_num_threads()
    answers = []
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            answers.append(classifier.classify_file(clips[0])[0])
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(*answers, rtol=0, atol=1e-5)


def test_other_formats_of_a_clip(shared, samples, classifier):
    mp3 = shared / "data" / "formats" / "1002_DFA_HAP_XX.mp3"
    flac = samples / "1002_DFA_HAP_XX.flac"
    assert classifier.predict(mp3).error is None
    assert classifier.predict(mp3).label == classifier.predict(flac).label
