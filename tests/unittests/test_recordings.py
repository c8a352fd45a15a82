"""Recordings longer than the encoder takes, by each way into a model."""

import pytest
import soundfile
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from local_models import LIMIT, build_both, build_hearing, noise, write

from speechbrain_emotion import AudioError, EmotionClassifier
from speechbrain_emotion.inference import pieces


@pytest.fixture(scope="module")
def hearing():
    return build_hearing()


@pytest.fixture(scope="module")
def both():
    return build_both()


@pytest.fixture
def at_once(monkeypatch):
    """Encodes a recording in one pass, as if there were no limit."""

    def encode(classifier, wav, text=None):
        texts = None if text is None else [text]
        with monkeypatch.context() as patch:
            patch.setattr(classifier.encoder, "max_samples", None)
            return classifier.encode_batch(wav, texts=texts)

    return encode


def scores_of(classifier, embedding):
    log_probs, *_ = classifier.classify_embeddings(embedding)
    return log_probs[0].exp().tolist()


@pytest.mark.parametrize(
    "n_samples", [LIMIT + 1, 7000, 11519, 11520, 11521, 50001]
)
@pytest.mark.parametrize("max_batch_length", [0.1, 1.0])
def test_windows_give_the_answer_of_one_pass(
    hearing, at_once, tmp_path, n_samples, max_batch_length
):
    wav = noise(n_samples)
    expected = at_once(hearing, wav)
    torch.testing.assert_close(
        hearing.encode_batch(wav), expected, rtol=0, atol=1e-6
    )
    file = write(tmp_path / "long.wav", wav)
    torch.testing.assert_close(
        hearing.encode_utterance(file), expected, rtol=0, atol=1e-6
    )
    scores = pytest.approx(scores_of(hearing, expected), abs=1e-6)
    assert hearing.classify_file(file)[0].exp()[0].tolist() == scores
    for item in (file, wav):
        prediction = hearing.predict(item, max_batch_length=max_batch_length)
        assert [*prediction.scores.values()] == scores


def test_an_encoder_that_loses_frames_at_the_end(
    tiny_folder, monkeypatch, tmp_path
):
    classifier = EmotionClassifier.from_hparams(tiny_folder)  # W2V-BERT
    monkeypatch.setattr(classifier.encoder, "max_samples", 32000)
    spans = []
    embed = classifier.mods.model.embed
    monkeypatch.setattr(
        classifier.mods.model,
        "embed",
        lambda *args: spans.extend(span for row in args[3] for span in row)
        or embed(*args),
    )
    wav = noise(100001)
    found = classifier.predict(write(tmp_path / "long.wav", wav))
    n_frames = classifier.encoder.count_frames(100001)
    assert sum(span.stop - span.start for span in spans) == n_frames
    assert found.scores == pytest.approx(classifier.predict(wav).scores)


def test_no_window_is_longer_than_the_encoder_takes(hearing):
    hearing.encoder.longest = 0
    hearing.encode_batch(noise(LIMIT))
    assert hearing.encoder.longest == LIMIT  # one pass
    hearing.encode_batch(noise(50001))
    assert hearing.encoder.longest == LIMIT


@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_rows_of_a_batch(both, data):
    lengths = data.draw(
        st.lists(
            st.sampled_from([0, 320, 5000, LIMIT, LIMIT + 1, 20000]),
            min_size=1,
            max_size=5,
        )
    )
    texts = [
        data.draw(st.sampled_from(["so", None, ""])) if n else "sad"
        for n in lengths
    ]
    longest = max(*lengths, 1000)
    batch = torch.full((len(lengths), longest), 1e3)  # garbage as padding
    wavs = [noise(n, seed) for seed, n in enumerate(lengths)]
    for row, wav in zip(batch, wavs):
        row[: len(wav)] = wav
    lens = torch.tensor(lengths) / longest
    together = both.encode_batch(batch, lens, texts)
    listed = both.predict([w if len(w) else None for w in wavs], texts)
    for i, (wav, text) in enumerate(zip(wavs, texts)):
        there = torch.tensor([float(len(wav) > 0)])
        alone = both.encode_batch(
            wav if len(wav) else torch.zeros(1), there, [text]
        )
        torch.testing.assert_close(
            together[i : i + 1], alone, rtol=0, atol=1e-5
        )
        assert [*listed[i].scores.values()] == pytest.approx(
            scores_of(both, alone), abs=1e-5
        )


def test_the_text_goes_with_every_window(both, at_once):
    wav = noise(30000)
    expected = at_once(both, wav, "so sad")
    assert expected[0, -1] == len("so sad")
    torch.testing.assert_close(
        both.encode_utterance(wav, "so sad"), expected, rtol=0, atol=1e-6
    )


def test_silent_windows_are_left_out(hearing, at_once):
    # Windows start each 5,120 samples; the third keeps what comes until 16,000.
    wav = torch.cat((noise(15360), torch.zeros(40000)))
    torch.testing.assert_close(
        hearing.encode_batch(wav),
        at_once(hearing, wav[:16000]),
        rtol=0,
        atol=1e-6,
    )


def test_recordings_that_are_silent(hearing, tmp_path):
    with pytest.raises(AudioError, match="'.*none.wav' is silent"):
        hearing.predict(write(tmp_path / "none.wav", torch.zeros(50000)))
    with pytest.raises(AudioError, match="the waveform is silent"):
        hearing.predict(torch.full((50000,), 0.1))
    with pytest.raises(AudioError, match="row 0 of the batch is silent"):
        hearing.encode_batch(torch.zeros(50000))


def test_bad_recordings_among_good_ones(hearing, tmp_path):
    bad = noise(50000)
    bad[40000] = torch.nan
    flac = tmp_path / "cut.flac"
    soundfile.write(flac, noise(50000).numpy(), 16000)
    flac.write_bytes(flac.read_bytes()[:40000])
    inputs = [bad, noise(30000), flac, noise(3000), noise(50000).short()]
    failed, good, cut, short, integers = hearing.predict(inputs)
    assert "holds 1 NaN or infinite samples out of 50000" in failed.error
    assert "cut.flac' cannot be read as audio" in cut.error
    assert "is of type torch.int16" in integers.error
    assert good.error is short.error is None
    alone = hearing.predict(inputs[1])
    assert good.scores == pytest.approx(alone.scores, abs=1e-6)


def test_a_recording_that_is_shorter_than_its_header_says(
    hearing, tmp_path, monkeypatch
):
    # No such file can be made: libsndfile looks at the size of the file.
    monkeypatch.setattr(
        "speechbrain_emotion.inference.utterance.audio_length",
        lambda path, rate: 10**18,
    )
    for n_samples in (320, 3000, LIMIT, 9000):
        wav = noise(n_samples)
        found = hearing.predict(write(tmp_path / "clip.wav", wav))
        expected = scores_of(hearing, hearing.encode_batch(wav))
        assert [*found.scores.values()] == pytest.approx(expected, abs=1e-6)
    with pytest.raises(AudioError, match="is too short: 100 samples"):
        hearing.predict(write(tmp_path / "clip.wav", noise(100)))


def test_progress(hearing, capsys, tmp_path):
    file = write(tmp_path / "long.wav", noise(30000))
    hearing.predict(file)
    hearing.predict([file, noise(1000)])
    assert capsys.readouterr().err == ""
    hearing.predict(file, progress=True)
    assert "long.wav'" in (err := capsys.readouterr().err) and "0/6" in err
    hearing.predict([noise(1000), file, "gone.wav"], progress=True)
    err = capsys.readouterr().err
    assert "long.wav'" in err and "3/3" in err


def test_ctrl_c_in_the_middle(hearing, monkeypatch):
    calls = []

    def embed(*args):
        calls.append(args)
        raise KeyboardInterrupt

    monkeypatch.setattr(hearing.mods.model, "embed", embed)
    with pytest.raises(KeyboardInterrupt):
        hearing.predict(noise(500000))
    assert len(calls) == 1


def limited(**limits):
    """The embedded speech model with other limits."""
    return EmotionClassifier.from_hparams(overrides=limits)


def test_the_model_says_what_is_long(monkeypatch):
    classifier = limited(max_utterance_seconds=2.0, window_seconds=1.0)
    lengths = []
    embed = classifier.mods.model.embed

    def watch(wavs, *args):
        lengths.append(wavs.shape[1])
        return embed(wavs, *args)

    monkeypatch.setattr(classifier.mods.model, "embed", watch)
    for n_samples in (32000, 32001):
        classifier.predict(noise(n_samples))
    # Windows of one length, less what lacks to a whole frame.
    assert lengths[0] == 32000 and max(lengths[1:]) == 16000


@pytest.mark.parametrize("seconds", [31.0, 0.0])
def test_an_impossible_utterance(seconds):
    with pytest.raises(ValueError, match="max_utterance_seconds is"):
        limited(max_utterance_seconds=seconds)


def test_a_window_without_frames():
    classifier = limited(window_seconds=0.04)
    with pytest.raises(ValueError, match="window_seconds is 0.04"):
        classifier.predict(noise(160000))


def test_pauses_do_not_count(monkeypatch):
    classifier = EmotionClassifier.from_hparams()
    speech, room = noise(160000), 0.01 * noise(640000)  # -40 dB

    def change():
        """How much a longer pause changes."""
        short, long = (
            classifier.encode_recording([speech, room[:n_samples]])
            for n_samples in (320000, 640000)
        )
        return (short - long).abs().max()

    assert change() < 1e-6
    monkeypatch.setattr(pieces, "PAUSE", 0.0)
    assert change() > 1e-3


def test_a_recording_with_samples_that_are_not_finite():
    blocks = [noise(160000), torch.full((10,), torch.nan)]
    with pytest.raises(AudioError, match="the recording holds 10 NaN"):
        EmotionClassifier.from_hparams().encode_recording(blocks)


def test_the_text_of_a_recording_is_read_once(both, monkeypatch):
    read = []
    encoder = both.mods.model.embedding_model.text_encoder
    forward = encoder.forward
    monkeypatch.setattr(
        encoder, "forward", lambda texts: read.append(texts) or forward(texts)
    )
    both.encode_utterance(noise(20000), "so sad")
    assert read == [["so sad"]]


def test_an_utterance_that_the_model_does_not_read():
    speech = EmotionClassifier.from_hparams()
    with pytest.raises(ValueError, match="no speech was given"):
        speech.encode_utterance(text="so sad")
    with pytest.raises(ValueError, match="text was given, but"):
        speech.encode_utterance(noise(20000), "so sad")
