"""predict_emotion and predict: files, texts and models, good and bad."""

import gc
import inspect
import json
import pathlib
import shutil
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_published import LABELS, copy_folder, noise, write_bert, write_models

from speechbrain_emotion import (
    AudioError,
    CheckpointError,
    EmotionClassifier,
    TextError,
    predict_emotion,
)
from speechbrain_emotion.inference import published
from speechbrain_emotion.inference.published import (
    MODELS_KEPT,
    load_classifier,
    published_id,
    published_ids,
)
from speechbrain_emotion.lobes.published import FUSIONS, MODES

TEXT_IDS = {
    "en": "UMUTeam/roberta-emotion-en",
    "es": "UMUTeam/MarIA-emotion-es",
}
ENCODERS = {
    "en": "google-bert/bert-base-uncased",
    "es": "dccuchile/bert-base-spanish-wwm-uncased",
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(autouse=True)
def nothing_kept():
    """Each test loads its models itself."""
    published._kept.clear()
    yield
    published._kept.clear()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = write_models(tmp_path_factory.mktemp("predict"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def clips(samples):
    return sorted(samples.glob("*.flac"))[:3]


@pytest.fixture(scope="module")
def classifiers(models):
    return {
        mode: EmotionClassifier.from_checkpoint(
            models / mode, mode, models / "bert", {"device": "cpu"}
        )
        for mode in ("text", "audio", "concat")
    }


@pytest.fixture
def loads(monkeypatch):
    """The folders of the checkpoints that are loaded, in order."""
    sources = []
    original = EmotionClassifier.from_checkpoint

    def load(source, *args, **kwargs):
        sources.append(str(source))
        return original(source, *args, **kwargs)

    monkeypatch.setattr(EmotionClassifier, "from_checkpoint", load)
    return sources


def ask(models, mode, audio=None, text=None, **arguments):
    """Asks the model of a mode."""
    if mode in FUSIONS:
        arguments.setdefault("text_encoder", models / "bert")
    return predict_emotion(
        audio, text, models / mode, mode, device="cpu", **arguments
    )


# ---- predict_emotion: what it takes and gives ------------------------------


def test_the_published_signature():
    signature = "".join(str(inspect.signature(predict_emotion)).split())
    assert signature == (
        "(audio_path=None,text=None,model_id=None,mode='text',language='es',"
        "device=None,model_config_path=None,text_encoder=None)"
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
        ("text", {"audio_path": "a.wav"}, "'text' reads text: give `text`"),
        ("audio", {}, "'audio' hears speech: give `audio_path`"),
        ("audio", {"text": "a"}, "'audio' hears speech: give `audio_path`"),
        ("mean", {"text": "a"}, "'mean' hears speech: give `audio_path`"),
        ("concat", {}, "'concat' reads text"),
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


# ---- predict_emotion: which models are kept --------------------------------


def test_a_model_is_loaded_once(models, loads):
    answers = [ask(models, "text", None, "so sad") for _ in range(3)]
    ask(models, "text", None, "happy", language="en", text_encoder="a/b")
    assert answers[0] == answers[1] == answers[2]
    assert loads == [str(models / "text")]


def test_a_bounded_number_of_models_is_kept(models, tmp_path, loads):
    assert MODELS_KEPT == 4
    kept = []
    for n in range(MODELS_KEPT + 1):
        (tmp_path / str(n)).symlink_to(models / "text")
        kept.append(weakref.ref(load_classifier(tmp_path / str(n), "text")))
    gc.collect()
    assert [ref() is not None for ref in kept] == [False, *[True] * 4]
    for n in (1, 4, 0):
        load_classifier(tmp_path / str(n), "text")
    assert [pathlib.Path(source).name for source in loads] == [*"012340"]


def move_bias(folder, name):
    state = load_file(folder / "model.safetensors")
    state[name] = state[name] + torch.arange(len(state[name]))
    save_file(state, folder / "model.safetensors")


def test_a_changed_model_is_loaded_again(models, tmp_path, loads):
    folder = copy_folder(models / "text", tmp_path / "text")
    before = ask(tmp_path, "text", None, "so sad")
    assert ask(tmp_path, "text", None, "so sad") == before
    move_bias(folder, "classifier.bias")
    after = ask(tmp_path, "text", None, "so sad")
    assert after["scores"]["neutral"] > before["scores"]["neutral"] + 0.01
    assert ask(tmp_path, "text", None, "so sad") == after
    assert len(loads) == 2


def test_a_changed_config_is_read_again(models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text")
    ask(tmp_path, "text", None, "so sad")
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {"0": "x", "1": "y", "2": "z"}
    (folder / "config.json").write_text(json.dumps(config))
    assert list(ask(tmp_path, "text", None, "so sad")["scores"]) == [*"xyz"]


def test_a_changed_text_encoder_is_loaded_again(models, tmp_path, clips, loads):
    bert = copy_folder(models / "bert", tmp_path / "bert")
    asking = (models, "mean", clips[0], "so sad")
    before = ask(*asking, text_encoder=bert)
    shutil.rmtree(bert)
    write_bert(bert, seed=7)
    assert ask(*asking, text_encoder=bert) != before
    assert ask(*asking) == before  # another folder
    assert len(loads) == 3


def test_a_failure_is_not_kept(models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text", ["*.safetensors"])
    for _ in range(2):
        with pytest.raises(FileNotFoundError, match="holds no weights"):
            ask(tmp_path, "text", None, "so sad")
    shutil.copy(models / "text" / "model.safetensors", folder)
    assert ask(tmp_path, "text", None, "so sad") == ask(
        models, "text", None, "so sad"
    )


@pytest.mark.parametrize("mode", ["text", "multihead"])
def test_threads_load_a_model_once_and_agree(mode, models, clips, loads):
    barrier = threading.Barrier(8)
    audio = None if mode == "text" else clips[0]

    def work(n):
        barrier.wait()
        return ask(models, mode, audio, ["so sad", "happy"][n % 2])

    with ThreadPoolExecutor(8) as pool:
        answers = [answer["scores"] for answer in pool.map(work, range(8))]
    assert loads == [str(models / mode)]
    for n, answer in enumerate(answers):
        assert answer == pytest.approx(answers[n % 2], abs=1e-6)
    assert answers[0] != pytest.approx(answers[1], abs=1e-3)


def test_threads_with_several_models(models, clips, loads):
    modes = ["text", "audio", "concat", "mean"]
    given = {"text": (None, "sad"), "audio": (clips[0], None)}
    expected = {}

    def work(mode):
        return ask(models, mode, *given.get(mode, (clips[0], "sad")))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, modes * 3))
    for mode, answer in zip(modes * 3, answers):
        first = expected.setdefault(mode, answer["scores"])
        assert answer["scores"] == pytest.approx(first, abs=1e-6)
    assert sorted(loads) == sorted(str(models / mode) for mode in modes)


# ---- predict ---------------------------------------------------------------


@pytest.fixture
def both(classifiers):
    return classifiers["concat"]


@pytest.fixture
def reader(classifiers):
    return classifiers["text"]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 8])
def test_lists_with_none(batch_size, both, clips):
    inputs = [clips[0], None, clips[1], noise(3000), None, clips[2]]
    texts = ["so sad", "happy", None, "", None, "am i"]
    predictions = both.predict(inputs, texts, batch_size=batch_size)
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
        (noise(3000), None, "no text was given; where it is not known"),
        (None, "so sad", "no speech was given; where it is not known"),
        ([noise(3000)], None, "no text was given.* give None in its place"),
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
    with pytest.raises(ValueError, match="speech was given.* only text"):
        classifiers["text"].predict(clips[0], "so sad")
    with pytest.raises(ValueError, match="speech was given.* only text"):
        classifiers["text"].predict("so sad")
    with pytest.raises(ValueError, match="no text was given"):
        classifiers["text"].predict()
    with pytest.raises(ValueError, match="no speech was given"):
        classifiers["audio"].predict()


@pytest.mark.parametrize("batch_size", [0, -1])
def test_batch_size(batch_size, reader):
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        reader.predict(texts=["a"], batch_size=batch_size)


def test_batches_are_of_that_size(reader, monkeypatch):
    sizes = []
    classify = reader.classify_batch

    def count(texts):
        sizes.append(len(texts))
        return classify(texts=texts)

    monkeypatch.setattr(reader, "classify_batch", count)
    assert len(reader.predict(texts=["a"] * 7, batch_size=3)) == 7
    assert sizes == [3, 3, 1]
    assert reader.predict(texts=[]) == []
    assert len(reader.predict(texts=["a"] * 9)) == 9
    assert sizes == [3, 3, 1, 8, 1]


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


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_bad_files_among_good_ones(batch_size, both, clips, tmp_path):
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
    predictions = both.predict(inputs, texts, batch_size=batch_size)
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
    with pytest.raises(ValueError, match="no text was given"):
        both.classify_file(clips[0])
    with pytest.raises(ValueError, match="text was given"):
        classifiers["audio"].classify_file(clips[0], "so sad")
    with pytest.raises(ValueError, match="speech was given"):
        classifiers["text"].classify_file(clips[0], "so sad")


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


# ---- predict: defects ------------------------------------------------------


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
