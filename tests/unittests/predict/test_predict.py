"""EmotionClassifier.predict: files, texts and lists, good and bad."""

import pathlib

import pytest
import torch
from published_layouts import LABELS, noise

from speechbrain_emotion import TextError, predict_emotion

# ---- predict ---------------------------------------------------------------


@pytest.fixture
def both(classifiers):
    return classifiers["concat"]


@pytest.fixture
def reader(classifiers):
    return classifiers["text"]


@pytest.mark.parametrize("seconds", [0.1, 1, 60])
def test_lists_with_none(seconds, both, clips):
    inputs = [clips[0], None, clips[1], noise(3000), None, clips[2]]
    texts = ["so sad", "happy", None, "", None, "am i"]
    predictions = both.predict(inputs, texts, max_batch_length=seconds)
    assert [p.text for p in predictions] == texts
    assert [p.source for p in predictions] == [
        None if not isinstance(x, pathlib.Path) else str(x) for x in inputs
    ]
    assert [p.modalities for p in predictions] == [
        ("speech", "text"),
        ("text",),
        ("speech",),
        ("speech", "text"),
        (),
        ("speech", "text"),
    ]
    assert "nothing to read: give speech or text" in predictions[4].error
    assert predictions[4].label is None and predictions[4].scores == {}
    for i in (0, 1, 2, 3, 5):
        (alone,) = both.predict([inputs[i]], [texts[i]])
        assert predictions[i].scores == pytest.approx(alone.scores, abs=1e-5)
        assert predictions[i].error is None
        assert predictions[i].label == alone.label
        assert predictions[i].score == max(predictions[i].scores.values())


def test_lists_where_a_modality_is_missing_from_all(both, clips):
    texts = ["so sad", "happy"]
    read = both.predict([None, None], texts)
    heard = both.predict(clips[:2], [None, None])
    for i in range(2):
        model = both.mods.model
        with torch.no_grad():
            expected = model(texts=[texts[i]]).softmax(dim=-1)[0].tolist()
            assert [*read[i].scores.values()] == pytest.approx(
                expected, abs=1e-5
            )
            wav = both.load_audio(clips[i])[None]
            expected = model(wav).softmax(dim=-1)[0].tolist()
            assert [*heard[i].scores.values()] == pytest.approx(
                expected, abs=1e-5
            )
    assert {p.modalities for p in read} == {("text",)}
    assert {p.modalities for p in heard} == {("speech",)}


def test_one_of_each(both, reader, clips):
    single = both.predict(clips[0], "so sad")
    (listed,) = both.predict([clips[0]], ["so sad"])
    assert single.scores == pytest.approx(listed.scores, abs=1e-6)
    assert single.modalities == ("speech", "text")
    assert (single.source, single.text) == (str(clips[0]), "so sad")
    wav = both.predict(both.load_audio(clips[0]), "so sad")
    assert wav.scores == pytest.approx(single.scores, abs=1e-6)
    assert wav.source is None
    read = reader.predict(texts="so sad")
    assert read.modalities == ("text",)
    assert (read.source, read.text, read.error) == (None, "so sad", None)
    assert read.to_dict()["scores"] == read.scores
    assert reader.predict(texts=("so sad",))[0].scores == pytest.approx(
        read.scores
    )


def test_a_classifier_of_speech(classifiers, clips):
    prediction = classifiers["audio"].predict(clips[0])
    assert prediction.modalities == ("speech",) and prediction.text is None
    missing, there = classifiers["audio"].predict([None, clips[0]])
    assert "nothing to read: give speech" in missing.error
    assert there.scores == pytest.approx(prediction.scores, abs=1e-5)


@pytest.mark.parametrize(
    "inputs, texts, message",
    [
        ([noise(3000)], ["a", "b"], "1 inputs but 2 texts"),
        ([noise(3000)] * 3, ["a"], "3 inputs but 1 texts"),
        ([noise(3000)] * 2, "so", "both in a list"),
        ([], ["a"], "0 inputs but 1 texts"),
        (None, "so sad", "no speech was given; where it is not known"),
        (None, None, "no speech was given"),
    ],
)
def test_inputs_and_texts_that_do_not_belong_together(
    inputs, texts, message, both
):
    with pytest.raises(ValueError, match=message):
        both.predict(inputs, texts)


def test_what_a_classifier_does_not_read(classifiers, clips):
    with pytest.raises(ValueError, match="text was given.* only speech"):
        classifiers["audio"].predict(clips[0], "so sad")
    with pytest.raises(FileNotFoundError, match="no audio file 'so sad'"):
        classifiers["text"].predict("so sad")
    with pytest.raises(ValueError, match="no text was given"):
        classifiers["text"].predict()
    with pytest.raises(ValueError, match="no speech was given"):
        classifiers["audio"].predict()


def test_texts_of_similar_length_are_read_together(reader, monkeypatch):
    batches = []
    encode = reader.encode_batch

    def note(texts):
        batches.append(texts)
        return encode(texts=texts)

    monkeypatch.setattr(reader, "encode_batch", note)
    short, long = "so", "so sad " * 15  # 105 characters, 7 s
    texts = [long, short, long, short, long, short]
    predictions = reader.predict(texts=texts, max_batch_length=16)
    assert batches == [[short] * 3, [long] * 2, [long]]
    assert [p.text for p in predictions] == texts
    assert reader.predict(texts=[]) == []


@pytest.mark.parametrize("text", [5, b"so sad", ["so", "sad"], 0])
def test_texts_that_are_no_strings(text, reader):
    bad, good = reader.predict(texts=[text, "so sad"])
    assert "give a string" in bad.error and bad.label is None
    assert type(text).__name__ in bad.error
    assert good.scores == pytest.approx(reader.predict(texts="so sad").scores)
    if not isinstance(text, list):
        with pytest.raises(TextError, match="give a string"):
            reader.predict(texts=text)
    with pytest.raises(TextError, match="give a string"):
        reader.classify_batch(texts=["a", text])


@pytest.mark.parametrize("seconds", [0.1, 1, 60])
def test_bad_files_among_good_ones(seconds, both, clips, tmp_path):
    (tmp_path / "bad.wav").write_text("not audio")
    inputs = [
        tmp_path / "gone.wav",
        clips[0],
        tmp_path / "bad.wav",
        noise(100),
        torch.zeros(3000),
        None,
        tmp_path,
    ]
    messages = [
        "no audio file",
        None,
        "cannot be read",
        "the waveform is too short: 100 samples",
        "the waveform is silent",
        None,
        "is a folder",
    ]
    texts = [f"so {letter}" for letter in "abcdefg"]
    predictions = both.predict(inputs, texts, max_batch_length=seconds)
    assert [p.text for p in predictions] == texts
    for prediction, item, message in zip(predictions, inputs, messages):
        if message is None:
            assert prediction.error is None and prediction.label in LABELS
        else:
            assert message in prediction.error
            assert prediction.label is prediction.score is None
            assert prediction.scores == {} and prediction.modalities == ()
    (alone,) = both.predict([clips[0]], ["so b"])
    assert predictions[1].scores == pytest.approx(alone.scores, abs=1e-5)


def test_nothing_but_bad_files(both, tmp_path):
    predictions = both.predict([tmp_path / "gone.wav"] * 3, ["a"] * 3)
    assert all("no audio file" in p.error for p in predictions)
    with pytest.raises(FileNotFoundError, match="no audio file"):
        both.predict(tmp_path / "gone.wav", "a")


def test_classify_file(both, classifiers, clips):
    log_probs, score, index, labels = both.classify_file(clips[0], "so sad")
    expected = both.predict(clips[0], "so sad")
    assert log_probs[0].exp().tolist() == pytest.approx(
        [*expected.scores.values()], abs=1e-6
    )
    assert labels == [expected.label] == [LABELS[index[0]]]
    assert score[0] == log_probs.max()
    with pytest.raises(ValueError, match="text was given"):
        classifiers["audio"].classify_file(clips[0], "so sad")


def test_classify_batch_wants_all_that_is_read(classifiers):
    wavs = noise(3000)
    for mode, inputs, message in (
        ("concat", {"wavs": wavs}, "no text was given"),
        ("concat", {"texts": ["so sad"]}, "no speech was given"),
        ("concat", {}, "no speech was given"),
        ("audio", {}, "reads speech, but no speech was given"),
        ("text", {}, "reads text, but no text was given"),
        ("audio", {"wavs": wavs, "texts": ["a"]}, "text was given, but"),
        ("text", {"wavs": wavs, "texts": ["a"]}, "speech was given, but"),
    ):
        for method in ("classify_batch", "encode_batch", "forward"):
            with pytest.raises(ValueError, match=message):
                getattr(classifiers[mode], method)(**inputs)


@pytest.mark.parametrize("texts", ["so", ("so" for _ in range(2)), ["so"]])
def test_one_text_for_each_row_of_a_batch(texts, both):
    wavs = torch.stack([noise(3000), noise(3000, 1)])
    with pytest.raises(ValueError, match="list of strings|2 utterances but 1"):
        both.classify_batch(wavs, texts=texts)


# ---- predict: bad input ----------------------------------------------------


def test_a_text_that_is_no_unicode(reader):
    bad, good = reader.predict(texts=["sad \udcff", "so sad"])
    assert good.error is None


@pytest.mark.parametrize("texts", [[None], ["so sad", None], []])
def test_a_reader_needs_texts(texts, reader):
    with pytest.raises(ValueError):
        reader.classify_batch(texts=texts)


def test_a_row_with_nothing_to_read(both):
    with pytest.raises(ValueError, match="nothing to read"):
        both.classify_batch(
            torch.stack([noise(3000)] * 2),
            torch.tensor([1.0, 0.0]),
            ["so sad", None],
        )


@pytest.mark.parametrize("single", ["ab", pathlib.Path("ab")])
def test_a_single_input_with_a_list_of_texts(single, both):
    with pytest.raises(ValueError, match="both in a list"):
        both.predict(single, ["so sad", "happy"])


def test_a_waveform_of_integers(classifiers):
    wav = (noise(3000) * 2**15).short()
    bad, good = classifiers["audio"].predict([wav, noise(3000)])
    assert good.error is None


def test_another_mode_than_the_model_has(tiny_folder, clips):
    with pytest.raises(ValueError, match="reads speech: name another mode"):
        predict_emotion(clips[0], "so sad", tiny_folder, "concat")


def test_a_missing_file_of_ids_matters_even_with_a_model(models, tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        predict_emotion(
            text="so sad",
            model_id=models / "text",
            model_config_path=tmp_path / "missing.json",
        )
