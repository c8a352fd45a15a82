"""Checkpoints in UMUTeam's layout: what they answer."""

import json

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from published_layouts import (
    LABELS,
    SIZE,
    WORDS,
    assert_close,
    classify,
    load,
    noise,
)
from safetensors.torch import load_file
from torch.nn.functional import layer_norm, linear
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertModel,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2BertConfig,
    Wav2Vec2BertModel,
)

from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain.utils.fetching import FetchConfig
from speechbrain_emotion import CheckpointError, EmotionClassifier
from speechbrain_emotion.lobes.published import (
    FUSIONS,
    MODES,
    PublishedPretrainer,
    build_published,
)
from speechbrain_emotion.training.export import export_model

# ---- what a model answers --------------------------------------------------


def part(tensors, prefix):
    return {
        name.removeprefix(prefix): x
        for name, x in tensors.items()
        if name.startswith(prefix)
    }


def published_frames(folder, tensors, wav):
    """The speech encoder and projector, by transformers."""
    encoder = Wav2Vec2BertModel(Wav2Vec2BertConfig.from_pretrained(folder))
    encoder.load_state_dict(part(tensors, "wav2vec2_bert."))
    inputs = SeamlessM4TFeatureExtractor()(
        wav.numpy(), sampling_rate=16000, return_tensors="pt"
    )
    assert inputs["attention_mask"].all()
    frames = encoder.eval()(**inputs).last_hidden_state
    return apply(tensors, "projector", frames)


def apply(tensors, name, x):
    return linear(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"])


def published_attention(tensors, prefix, x, memory, reverse):
    """One direction of a published head, softmax and all."""
    q, k, v = (
        apply(tensors, f"{prefix}.W{which}{'_reverse' * reverse}", y)
        for which, y in (("q", x), ("k", memory), ("v", memory))
    )
    if not reverse:
        norm = tensors[f"{prefix}.norm.weight"], tensors[f"{prefix}.norm.bias"]
        q, k = (layer_norm(y, [SIZE], *norm) for y in (q, k))
    return (q @ k.T / SIZE**0.5).softmax(dim=-1) @ v + v


def published_fusion(tensors, mode, audio, text):
    if mode == "concat":
        return torch.cat([audio, text], dim=-1)
    if mode == "mean":
        return (audio + text) / 2
    outputs = []
    for head in range(8):
        prefix = f"mult_attn_model.heads.{head}"
        pair = [
            published_attention(tensors, prefix, text, audio, False),
            published_attention(tensors, prefix, audio, text, True),
        ]
        pair = torch.cat(pair, dim=-1)
        outputs.append(apply(tensors, f"{prefix}.linear_out", pair))
    return apply(tensors, "mult_attn_model.proj", torch.cat(outputs, dim=-1))


@torch.no_grad()
def published_answer(folder, mode, wav, text):
    """The probabilities of a model that hears, in the published steps."""
    tensors = load_file(folder / mode / "model.safetensors")
    frames = published_frames(folder / mode, tensors, wav)
    x = frames.mean(dim=1)
    if mode != "audio":
        tokenizer = AutoTokenizer.from_pretrained(folder / "bert")
        bert = BertModel.from_pretrained(folder / "bert").eval()
        tokens = bert(**tokenizer(text, return_tensors="pt"))
        cls = tokens.last_hidden_state[:, 0]
        x = published_fusion(tensors, mode, x, cls)
    x = apply(tensors, "classifier.dense", x).tanh()
    return apply(tensors, "classifier.out_proj", x).softmax(dim=-1)


@pytest.mark.parametrize("mode", ["audio", *FUSIONS])
@pytest.mark.parametrize("text", ["so sad", "I am happy again!"])
def test_a_model_that_hears_answers_as_published(
    mode, text, models, classifiers
):
    wav = noise(8000, seed=len(text))
    expected = published_answer(models, mode, wav, text)
    texts = None if mode == "audio" else [text]
    log_probs, *_ = classifiers[mode].classify_batch(wav, texts=texts)
    # The features are computed differently, to the same numbers.
    torch.testing.assert_close(log_probs.exp(), expected, rtol=0, atol=2e-4)
    flat = torch.full_like(expected, 1 / 3)
    assert (expected - flat).abs().max() > 0.02  # a test with an answer


@pytest.mark.parametrize("folder", ["text", "roberta"])
def test_a_model_that_reads_answers_as_transformers(folder, models):
    source = models / folder
    classifier = load(source, "text")
    model = AutoModelForSequenceClassification.from_pretrained(source).eval()
    tokenizer = AutoTokenizer.from_pretrained(source)
    texts = ["so sad", "Happy!", "", "xyz", "sad not angry " * 700]
    answers = classifier.classify_batch(texts=texts)[0].exp()
    for text, answer in zip(texts, answers):
        tokens = tokenizer(
            text, truncation=True, max_length=512, return_tensors="pt"
        )
        with torch.no_grad():
            expected = model(**tokens).logits[0].softmax(dim=-1)
        torch.testing.assert_close(answer, expected, rtol=0, atol=1e-5)
    assert (answers.max(dim=0).values - answers.min(dim=0).values).max() > 0.02


@pytest.mark.parametrize("mode", MODES)
def test_what_a_loaded_model_is(mode, classifiers):
    classifier = classifiers[mode]
    modalities = {"text": ("text",), "audio": ("speech",)}
    expected = modalities.get(mode, ("speech", "text"))
    assert classifier.modalities == expected
    assert classifier.labels == LABELS
    model = classifier.mods.model
    assert not any(module.training for module in model.modules())
    assert {x.dtype for x in model.state_dict().values()} == {torch.float32}
    for module in model.modules():
        if module is getattr(model.embedding_model, "text_encoder", None):
            assert module.freeze == (mode in FUSIONS)


# ---- a row depends on itself only ------------------------------------------

rows_of_speech = st.tuples(
    st.one_of(st.integers(560, 1400), st.integers(1400, 6000)),
    st.integers(0, 999),
)
rows_of_text = st.lists(st.sampled_from([*WORDS, "zz", "!"]), max_size=40).map(
    " ".join
)


@st.composite
def batches(draw, mode):
    """Rows: (samples and seed of a waveform, text); None where missing."""
    rows = []
    for _ in range(draw(st.integers(2, 4))):
        speech, text = draw(rows_of_speech), draw(rows_of_text)
        if mode in FUSIONS:
            keep = draw(st.sampled_from(["both", "both", "speech", "text"]))
            speech = None if keep == "text" else speech
            text = None if keep == "speech" else text
        rows.append((speech, text))
    return rows


@settings(deadline=None, max_examples=15)
@given(data=st.data())
@pytest.mark.parametrize("mode", MODES)
def test_a_row_depends_on_itself_only(mode, classifiers, data):
    classifier = classifiers[mode]
    rows = data.draw(batches(mode))
    together = classify(classifier, rows)
    assert torch.isfinite(together).all()

    order = data.draw(st.permutations(range(len(rows))))
    extra = data.draw(st.integers(0, 3000))
    garbage = data.draw(st.sampled_from([0.0, 1e3, torch.inf, torch.nan]))
    shuffled = classify(classifier, [rows[i] for i in order], extra, garbage)
    assert_close(shuffled, together[order])

    split = data.draw(st.integers(1, len(rows) - 1))
    parts = [classify(classifier, x) for x in (rows[:split], rows[split:])]
    assert_close(torch.cat(parts), together)
    alone = [classify(classifier, [row]) for row in rows]
    assert_close(torch.cat(alone), together)


@pytest.mark.parametrize("mode", MODES)
def test_the_number_of_threads_changes_nothing(mode, classifiers):
    texts = ["so sad", "", "i am happy again " * 30]
    rows = [((4000 * (1 + n), n), text) for n, text in enumerate(texts)]
    threads = torch.get_num_threads()
    answers = []
    try:
        for n in (1, 2):
            torch.set_num_threads(n)
            answers.append(classify(classifiers[mode], rows))
    finally:
        torch.set_num_threads(threads)
    assert_close(*answers)


# ---- loading through a YAML file -------------------------------------------


@pytest.mark.parametrize("mode", ["text", "concat"])
def test_pretrainer_fills_model_and_labels(mode, models, classifiers):
    folder = models / mode
    model = build_published(folder, mode, models / "bert").eval()
    encoder = CategoricalEncoder()
    pretrainer = PublishedPretrainer(folder, model, encoder)
    paths = pretrainer.collect_files("not/used", fetch_config=FetchConfig())
    assert paths == {"model": str(folder), "label_encoder": str(folder)}
    pretrainer.load_collected()
    encoder.expect_len(len(LABELS))
    assert encoder.decode_ndim([0, 1, 2]) == LABELS
    expected = classifiers[mode].mods.model.state_dict()
    for name, x in model.state_dict().items():
        assert torch.equal(x, expected[name]), name


def test_pretrainer_refuses_what_does_not_fit(models):
    model = build_published(models / "audio", "audio")
    encoder = CategoricalEncoder()
    pretrainer = PublishedPretrainer(models / "concat", model, encoder)
    pretrainer.collect_files()
    with pytest.raises(CheckpointError, match="classifier.dense.weight has"):
        pretrainer.load_collected()


@pytest.mark.parametrize("mode", ["audio", "text", "concat"])
def test_a_trained_published_model_is_exported_as_it_is(
    mode, models, tmp_path, pytestconfig
):
    """The export loads what was trained, not what was published."""
    root = pytestconfig.rootpath
    overrides = {"checkpoint": str(models / mode), "n_classes": len(LABELS)}
    if mode == "text":
        overrides["embedding_dim"] = 768
    else:
        config = json.loads((models / mode / "config.json").read_text())
        overrides["encoder_dim"] = config["hidden_size"]
    if mode == "concat":
        overrides["text_encoder_hub"] = str(models / "bert")
    yaml = root / "hparams" / "umuteam" / f"en-{mode}.yaml"
    trained = EmotionClassifier.from_hparams(
        yaml.parent, yaml.name, overrides=overrides
    )
    with torch.no_grad():
        trained.mods.model.classifier.out_proj.bias += torch.arange(
            float(len(LABELS))
        )
    wrapper = tmp_path / "train.yaml"
    wrapper.write_text(
        f"definition: !include:{yaml}\n"
        + "".join(f"    {key}: {value}\n" for key, value in overrides.items())
    )
    folder = export_model(
        tmp_path / "exported",
        wrapper,
        None,
        "definition",
        trained.mods.model,
        trained.hparams.label_encoder,
        card="",
    )
    batch = {}
    if mode != "text":
        batch["wavs"] = torch.rand(1, 8000)
    if mode != "audio":
        batch["texts"] = ["so sad"]
    again = EmotionClassifier.from_hparams(folder)
    torch.testing.assert_close(
        again.classify_batch(**batch)[0], trained.classify_batch(**batch)[0]
    )
