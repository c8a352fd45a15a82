"""predict_emotion: what it takes and gives, and which model it asks."""

import inspect
import json

import pytest
from asking import ask
from published_layouts import LABELS

from speechbrain_emotion import (
    AudioError,
    CheckpointError,
    EmotionClassifier,
    TextError,
    predict_emotion,
)
from speechbrain_emotion.inference import published
from speechbrain_emotion.inference.published import published_id, published_ids
from speechbrain_emotion.lobes.published import FUSIONS, MODES

TEXT_IDS = {
    "en": "UMUTeam/roberta-emotion-en",
    "es": "UMUTeam/MarIA-emotion-es",
}
ENCODERS = {
    "en": "google-bert/bert-base-uncased",
    "es": "dccuchile/bert-base-spanish-wwm-uncased",
}


# ---- predict_emotion: what it takes and gives ------------------------------


def test_the_published_signature():
    signature = "".join(str(inspect.signature(predict_emotion)).split())
    assert signature == (
        "(audio_path=None,text=None,model_id=None,mode='text',language='es',"
        "device=None,model_config_path=None,text_encoder=None,precision=None,"
        "transcriber=None,profile=None)"
    )


@pytest.mark.parametrize("mode", MODES)
def test_the_answer_is_that_of_the_classifier(mode, models, clips):
    audio = None if mode == "text" else str(clips[0])
    text = None if mode == "audio" else "so sad"
    answer = ask(models, mode, audio, text)
    assert list(answer) == ["top_label", "top_score", "scores"]
    assert list(answer["scores"]) == LABELS
    assert sum(answer["scores"].values()) == pytest.approx(1, abs=1e-5)
    assert answer["top_score"] == max(answer["scores"].values())
    assert answer["scores"][answer["top_label"]] == answer["top_score"]
    classifier = EmotionClassifier.from_checkpoint(
        models / mode, mode, models / "bert", {"device": "cpu"}
    )
    wavs = audio and classifier.load_audio(audio)
    log_probs, _, _, labels = classifier.classify_batch(
        wavs, texts=text and [text]
    )
    assert answer["top_label"] == labels[0]
    expected = dict(zip(LABELS, log_probs[0].exp().tolist()))
    assert answer["scores"] == pytest.approx(expected, abs=1e-6)
    assert json.loads(json.dumps(answer)) == answer


def test_text_is_the_default_mode_and_may_be_positional(models):
    by_name = predict_emotion(text="so sad", model_id=models / "text")
    assert predict_emotion(None, "so sad", str(models / "text")) == by_name
    other = predict_emotion(text="happy", model_id=models / "text")
    assert other != by_name


def test_text_mode_does_not_hear(models, clips):
    for audio in (clips[0], "no such file.wav"):
        assert ask(models, "text", audio, "sad") == ask(
            models, "text", None, "sad"
        )


def test_audio_mode_does_not_read(models, clips):
    expected = ask(models, "audio", clips[0])
    assert ask(models, "audio", clips[1]) != expected
    for text in ("so sad", "", 5):
        assert ask(models, "audio", clips[0], text) == expected


@pytest.mark.parametrize("mode", FUSIONS)
def test_fusions_hear_and_read(mode, models, clips):
    answers = [
        ask(models, mode, audio, text)["scores"]
        for audio in clips[:2]
        for text in ("so sad", "")
    ]
    for i, answer in enumerate(answers):
        assert answer not in answers[:i]


@pytest.mark.parametrize(
    "mode, given, message",
    [
        ("text", {}, "'text' reads text: give `text`"),
        ("audio", {}, "'audio' hears speech: give `audio_path`"),
        ("audio", {"text": "a"}, "'audio' hears speech: give `audio_path`"),
        ("mean", {"text": "a"}, "'mean' hears speech: give `audio_path`"),
        ("concat", {}, "'concat' hears speech: give `audio_path`"),
        ("smell", {"text": "a"}, "'smell': choose one of text, audio, conc"),
        ("Text", {"text": "a"}, "'Text': choose one of"),
    ],
)
def test_what_a_mode_needs(mode, given, message, models, loads):
    with pytest.raises(ValueError, match=message):
        predict_emotion(model_id=models / "text", mode=mode, **given)
    assert loads == []  # found out before the model is loaded


def test_audio_that_cannot_be_used(models, tmp_path):
    (tmp_path / "bad.wav").write_text("not audio")
    with pytest.raises(FileNotFoundError, match="no audio file"):
        ask(models, "audio", tmp_path / "gone.wav")
    with pytest.raises(AudioError, match="cannot be read"):
        ask(models, "concat", tmp_path / "bad.wav", "so sad")


@pytest.mark.parametrize("text", [5, b"so sad", 1.5])
def test_a_text_that_is_no_string(text, models):
    with pytest.raises(TextError, match="give a string"):
        ask(models, "text", None, text)


@pytest.mark.parametrize(
    "mode, given", [("text", {"text": ["a"]}), ("audio", {"audio": ["a.wav"]})]
)
def test_one_utterance_only(mode, given, models):
    with pytest.raises(ValueError):
        ask(models, mode, **given)


# ---- predict_emotion: which model ------------------------------------------


@pytest.fixture
def asked(monkeypatch, tmp_path, classifiers):
    """What models are asked for by default; none is downloaded."""
    calls = []

    def load(source, mode, text_encoder, *_):
        calls.append((source, mode, text_encoder))
        return classifiers[mode if mode in classifiers else "concat"]

    monkeypatch.setattr(published, "fetch_folder", lambda *_, **__: tmp_path)
    monkeypatch.setattr(EmotionClassifier, "from_checkpoint", load)
    return calls


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("mode", MODES)
def test_the_published_models(mode, language, asked, clips):
    predict_emotion(clips[0], "so sad", mode=mode, language=language)
    fused = f"beto-{mode}-" if mode in FUSIONS else ""
    name = f"UMUTeam/w2v-bert-{fused}emotion-{language}"
    source = TEXT_IDS[language] if mode == "text" else name
    encoder = ENCODERS[language] if mode in FUSIONS else None
    assert asked == [(source, mode, encoder)]
    assert published_id(mode, language) == source


def test_spanish_is_the_default(asked):
    predict_emotion(text="so sad")
    assert asked == [(TEXT_IDS["es"], "text", None)]


def test_a_text_encoder_of_the_caller(asked, clips):
    predict_emotion(clips[0], "a", mode="mean", text_encoder="owner/bert")
    predict_emotion(text="a", text_encoder="owner/bert")
    assert [encoder for *_, encoder in asked] == ["owner/bert", None]


def write_ids(path, ids):
    path.write_text(ids if isinstance(ids, str) else json.dumps(ids))
    return path


def test_ids_of_the_caller_come_first(models, tmp_path):
    own = {"es": {"text": str(models / "text")}, "fr": {"audio": "a/b"}}
    path = write_ids(tmp_path / "model.json", own)
    expected = ask(models, "text", None, "so sad")
    for name in (path, str(path)):
        answer = predict_emotion(text="so sad", model_config_path=name)
        assert answer == expected
    merged, plain = published_ids(path), published_ids()
    assert merged["es"] == {**plain["es"], **own["es"]}
    assert merged["en"] == plain["en"]
    assert merged["fr"] == {"audio": "a/b"}
    assert "fr" not in published_ids()  # nothing is kept


def test_a_model_id_comes_before_the_ids(models, tmp_path):
    path = write_ids(tmp_path / "model.json", {"es": {"text": "not/used"}})
    answer = predict_emotion(
        text="so sad", model_id=models / "text", model_config_path=path
    )
    assert answer == ask(models, "text", None, "so sad")


@pytest.mark.parametrize(
    "content, message",
    [
        ("{", "must be a JSON file {language: {mode: model}}: Expecting"),
        ("", "must be a JSON file"),
        ("[]", "holds a list"),
        ("null", "holds a NoneType"),
        ({"es": "a/b"}, "'es' is no object"),
        ({"es": None}, "'es' is no object"),
        ({"es": {"smell": "a/b"}}, "'es' names the modes .'smell'.; there are"),
        ({"fr": {"Text": "a/b"}}, "'fr' names the modes .'Text'."),
    ],
)
def test_ids_in_another_form(content, message, tmp_path):
    path = write_ids(tmp_path / "model.json", content)
    with pytest.raises(ValueError, match=message) as error:
        predict_emotion(text="so sad", model_config_path=path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("entry", [None, 5, ["a/b"]])
def test_ids_that_are_no_strings(entry, tmp_path):
    path = write_ids(tmp_path / "model.json", {"es": {"text": entry}})
    with pytest.raises(ValueError, match="model.json"):
        predict_emotion(text="so sad", model_config_path=path)


def test_no_file_of_ids(tmp_path):
    for path in (tmp_path / "gone.json", tmp_path):
        with pytest.raises(FileNotFoundError, match="no file .* of model ids"):
            predict_emotion(text="so sad", model_config_path=path)


def test_unknown_language(models, tmp_path):
    with pytest.raises(ValueError, match="language 'fr': .* for en, es; name"):
        predict_emotion(text="so sad", language="fr")
    # With a model of one's own the language says nothing.
    expected = ask(models, "text", None, "so sad")
    assert ask(models, "text", None, "so sad", language="fr") == expected
    path = write_ids(tmp_path / "model.json", {"fr": {"audio": "a/b"}})
    with pytest.raises(ValueError, match="mode 'text': .* 'fr' are for audio"):
        predict_emotion(text="a", language="fr", model_config_path=path)


def test_no_default_text_encoder_in_another_language(models, clips):
    with pytest.raises(ValueError, match="needs a text encoder"):
        ask(models, "mean", clips[0], "a", language="fr", text_encoder=None)


def test_models_that_are_not_there(models, tmp_path):
    with pytest.raises(FileNotFoundError, match="neither a model folder"):
        predict_emotion(text="so sad", model_id=tmp_path / "gone")
    with pytest.raises(FileNotFoundError, match="no folder 'UMUTeam/MarIA"):
        predict_emotion(text="so sad")
    with pytest.raises(FileNotFoundError, match="holds no config.json"):
        predict_emotion(text="so sad", model_id=tmp_path)
    with pytest.raises(CheckpointError, match="of type 'wav2vec2-bert'"):
        predict_emotion(text="so sad", model_id=models / "audio")


def test_exports_of_a_recipe(tiny_folder, clips, loads):
    answer = predict_emotion(
        clips[0], model_id=tiny_folder, mode="audio", device="cpu"
    )
    classifier = EmotionClassifier.from_hparams(source=tiny_folder)
    expected = classifier.predict(clips[0])
    assert answer["scores"] == pytest.approx(expected.scores, abs=1e-6)
    assert answer["top_label"] == expected.label
    assert loads == []  # no published checkpoint
    with pytest.raises(ValueError, match="reads? .*speech"):
        predict_emotion(text="so sad", model_id=tiny_folder)
