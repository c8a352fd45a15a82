"""Checkpoints in UMUTeam's layout: loaded exactly, or refused by name.

The models are tiny and random, written here in the published layout.
"""

import json
import pickle
import shutil
import subprocess

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from safetensors.torch import load_file, save_file
from torch.nn.functional import layer_norm, linear
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaModel,
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
    published_labels,
)
from speechbrain_emotion.training.export import export_model
from speechbrain_emotion.utils.parameter_transfer import read_tensors

LABELS = ["joy", "fear", "neutral"]
SIZE = 768
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = "i am so happy sad angry not again el la es muy feliz triste".split()
TINY_TEXT = {
    "hidden_size": SIZE,
    "num_hidden_layers": 1,
    "num_attention_heads": 12,
    "intermediate_size": 32,
}
TINY_SPEECH = {
    "hidden_size": 16,
    "output_hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
NAMED = {
    "num_labels": len(LABELS),
    "id2label": dict(enumerate(LABELS)),
    "label2id": {label: index for index, label in enumerate(LABELS)},
}
SQUARE = ["Wq", "Wk", "Wv", "Wq_reverse", "Wk_reverse", "Wv_reverse"]


def fill(shapes, seed):
    """Random tensors, large enough for answers to differ."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        x = torch.randn(shape, generator=generator)
        if not name.endswith("weight"):
            x *= 0.1
        elif x.ndim == 1:
            x = 1 + 0.1 * x
        elif "embedding" not in name:
            x *= 1.6 / x[0].numel() ** 0.5
        state[name] = x
    return state


def write_model(folder, kind, config, seed):
    """Writes config and weights as transformers does."""
    config.architectures = [kind.__name__]
    config.save_pretrained(folder)
    shapes = {name: x.shape for name, x in kind(config).state_dict().items()}
    save_file(fill(shapes, seed), folder / "model.safetensors")
    return folder


def write_bert(folder, kind=BertModel, seed=0, **fields):
    """Writes a BERT with its tokenizer."""
    folder.mkdir(parents=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, "!"]
    words += [*(f"##{letter}" for letter in LETTERS), *WORDS[1:]]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    tokenizer = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    fields = {"vocab_size": len(words), **TINY_TEXT, **fields}
    return write_model(folder, kind, BertConfig(**fields), seed)


def write_roberta(folder, kind=RobertaModel, seed=0, **fields):
    """Writes a RoBERTa with its tokenizer."""
    folder.mkdir(parents=True)
    words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "Ġ", "!", *LETTERS]
    vocabulary = {word: index for index, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = {"tokenizer_class": "RobertaTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    fields = {
        "vocab_size": len(words),
        "max_position_embeddings": 514,
        "type_vocab_size": 1,
        **TINY_TEXT,
        **fields,
    }
    return write_model(folder, kind, RobertaConfig(**fields), seed)


def add_linear(shapes, name, outputs, inputs):
    shapes[f"{name}.weight"] = (outputs, inputs)
    shapes[f"{name}.bias"] = (outputs,)


def write_speech(folder, mode, seed=0):
    """Writes a model that hears, as it was published."""
    folder.mkdir(parents=True)
    config = Wav2Vec2BertConfig(**TINY_SPEECH, **NAMED)
    config.save_pretrained(folder)
    size = 2 * SIZE if mode == "concat" else SIZE
    shapes = {
        f"wav2vec2_bert.{name}": x.shape
        for name, x in Wav2Vec2BertModel(config).state_dict().items()
    }
    add_linear(shapes, "projector", SIZE, config.hidden_size)
    add_linear(shapes, "classifier.dense", size, size)
    add_linear(shapes, "classifier.out_proj", len(LABELS), size)
    shapes["classifier.layernorm.weight"] = (size,)
    shapes["classifier.layernorm.bias"] = (size,)
    if mode == "multihead":
        for head in range(8):
            prefix = f"mult_attn_model.heads.{head}"
            for layer in SQUARE:
                add_linear(shapes, f"{prefix}.{layer}", SIZE, SIZE)
            add_linear(shapes, f"{prefix}.linear_out", SIZE, 2 * SIZE)
            shapes[f"{prefix}.norm.weight"] = (SIZE,)
            shapes[f"{prefix}.norm.bias"] = (SIZE,)
        add_linear(shapes, "mult_attn_model.proj", SIZE, 8 * SIZE)
    save_file(fill(shapes, seed), folder / "model.safetensors")
    return folder


def write_models(folder):
    """Writes a model of each mode, and a text encoder, "bert"."""
    write_bert(folder / "bert")
    write_bert(folder / "text", BertForSequenceClassification, **NAMED)
    for mode in ("audio", *FUSIONS):
        write_speech(folder / mode, mode)
    return folder


def copy_folder(source, target, without=()):
    """Copies a model's folder, all but some files."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*without))
    return target


def edit_config(folder, **fields):
    """Changes fields of a config."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **fields}
    path.write_text(json.dumps(config))
    return folder


def load(folder, mode, **arguments):
    return EmotionClassifier.from_checkpoint(
        folder, mode, run_opts={"device": "cpu"}, **arguments
    )


def noise(n_samples, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(n_samples, generator=generator)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = write_models(tmp_path_factory.mktemp("published"))
    write_roberta(folder / "roberta", RobertaForSequenceClassification, **NAMED)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def classifiers(models):
    bert = models / "bert"
    return {m: load(models / m, m, text_encoder=bert) for m in MODES}


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


def classify(classifier, rows, extra=0, garbage=0.0):
    """Classifies rows as one batch."""
    inputs = {}
    if "speech" in classifier.modalities:
        lengths = [0 if speech is None else speech[0] for speech, _ in rows]
        size = max(1, *lengths, 1) + extra
        inputs["wavs"] = torch.full((len(rows), size), garbage)
        for wav, (speech, _) in zip(inputs["wavs"], rows):
            if speech is not None:
                wav[: speech[0]] = noise(*speech)
        inputs["wav_lens"] = torch.tensor(lengths) / size
    if "text" in classifier.modalities:
        inputs["texts"] = [text for _, text in rows]
    return classifier.classify_batch(**inputs)[0].exp()


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)


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


# ---- files of weights ------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_no_weights(mode, models, tmp_path):
    folder = copy_folder(models / mode, tmp_path / mode, ["model.safetensors"])
    with pytest.raises(FileNotFoundError, match="holds no weights: none of"):
        load(folder, mode, text_encoder=models / "bert")


@pytest.mark.parametrize("name", ["model.bin", "pytorch_model.bin"])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_of_tensors(name, zipped, models, classifiers, tmp_path):
    folder = copy_folder(models / "audio", tmp_path / "m", ["*.safetensors"])
    torch.save(
        load_file(models / "audio" / "model.safetensors"),
        folder / name,
        _use_new_zipfile_serialization=zipped,
    )
    rows = [((3000, 1), None)]
    assert torch.equal(
        classify(load(folder, "audio"), rows),
        classify(classifiers["audio"], rows),
    )


def test_safetensors_come_before_pickles(models, classifiers, tmp_path):
    folder = copy_folder(models / "audio", tmp_path / "m")
    torch.save({}, folder / "model.bin")
    torch.save({}, folder / "pytorch_model.bin")
    rows = [((3000, 1), None)]
    assert torch.equal(
        classify(load(folder, "audio"), rows),
        classify(classifiers["audio"], rows),
    )
    (folder / "model.safetensors").unlink()
    tensors = load_file(models / "audio" / "model.safetensors")
    torch.save(tensors, folder / "model.bin")
    load(folder, "audio")


class Bomb:
    """Runs a command where it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return subprocess.call, (["touch", str(self.marker)],)


def bombs(tensors, bomb, path):
    """Writes the bomb in each way in which torch.load could meet it."""
    state = {**tensors, "bomb": bomb}
    yield torch.save(state, path)
    yield torch.save(state, path, _use_new_zipfile_serialization=False)
    yield torch.save(bomb, path)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield path.write_bytes(pickle.dumps(state, protocol))


@pytest.mark.parametrize("name", ["model.bin", "pytorch_model.bin"])
def test_a_pickle_cannot_run_code(name, models, tmp_path):
    folder = copy_folder(models / "audio", tmp_path / "m", ["*.safetensors"])
    tensors = load_file(models / "audio" / "model.safetensors")
    marker = tmp_path / "marker"
    for _ in bombs(tensors, Bomb(marker), folder / name):
        with pytest.raises(CheckpointError, match="could run code"):
            load(folder, "audio")
        assert not marker.exists()
    # The bomb is a real one.
    pickle.loads(pickle.dumps(Bomb(marker)))
    assert marker.exists()


def test_a_pickle_of_the_text_encoder_cannot_run_code(models, tmp_path):
    bert = copy_folder(models / "bert", tmp_path / "b", ["*.safetensors"])
    tensors = load_file(models / "bert" / "model.safetensors")
    marker = tmp_path / "marker"
    for _ in bombs(tensors, Bomb(marker), bert / "pytorch_model.bin"):
        with pytest.raises(ValueError):
            load(models / "concat", "concat", text_encoder=bert)
        assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        b'{"error": "Repository not found"}',
    ],
)
def test_a_file_that_is_no_pickle(content, tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="model.bin' is no file of tens"):
        read_tensors(path)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "value",
    [[torch.ones(1)], {"state_dict": {"a": torch.ones(1)}}, {"epoch": 3}],
)
def test_a_pickle_of_other_things(value, zipped, tmp_path):
    path = tmp_path / "model.bin"
    torch.save(value, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="no state dict of tensors"):
        read_tensors(path)


def test_a_pickle_with_other_names_than_strings(models, tmp_path):
    folder = copy_folder(models / "audio", tmp_path / "m", ["*.safetensors"])
    torch.save({0: torch.ones(1)}, folder / "model.bin")
    with pytest.raises(CheckpointError):
        load(folder, "audio")


@pytest.mark.parametrize("content", ["cut off", "an answer of the hub"])
def test_a_spoiled_pickle_is_a_checkpoint_error(content, tmp_path):
    path = tmp_path / "model.bin"
    tensors = {"weight": torch.ones(100)}
    torch.save(tensors, path, _use_new_zipfile_serialization=False)
    whole = path.read_bytes()
    cuts = [whole[:n] for n in range(0, len(whole), 10)]
    for spoiled in cuts if content == "cut off" else [b"Repository not found"]:
        path.write_bytes(spoiled)
        with pytest.raises(CheckpointError):
            read_tensors(path)


# ---- tensors that do not fit -----------------------------------------------

HEARING = [
    "wav2vec2_bert.masked_spec_embed",
    "wav2vec2_bert.encoder.layers.0.ffn1.output_dense.weight",
    "projector.bias",
    "classifier.dense.weight",
    "classifier.out_proj.bias",
    "classifier.layernorm.weight",
]
PARTS = {
    "text": [
        "bert.embeddings.word_embeddings.weight",
        "bert.encoder.layer.0.output.dense.bias",
        "bert.pooler.dense.weight",
        "classifier.bias",
    ],
    "audio": HEARING,
    "concat": HEARING,
    "mean": HEARING,
    "multihead": [
        *HEARING,
        "mult_attn_model.heads.7.Wq.weight",
        "mult_attn_model.heads.0.Wv_reverse.weight",
        "mult_attn_model.heads.3.norm.bias",
        "mult_attn_model.proj.weight",
    ],
}
DAMAGE = {
    "dropped": lambda name, x: {},
    "renamed": lambda name, x: {f"{name}_": x},
    "reshaped": lambda name, x: {name: torch.cat([x, x])},
}
MESSAGES = {
    "dropped": ["missing: {0}\n"],
    "renamed": ["missing: {0}\n", "unexpected: {0}_\n"],
    "reshaped": ["{0} has the shape {1}, expected {2}\n"],
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("mode", MODES)
def test_every_damaged_tensor_is_named(mode, damage, models, tmp_path):
    folder = copy_folder(models / mode, tmp_path / mode, ["*.safetensors"])
    state = load_file(models / mode / "model.safetensors")
    expected = []
    for name in PARTS[mode]:
        x = state.pop(name)
        state.update(DAMAGE[damage](name, x))
        shapes = (2 * len(x), *x.shape[1:]), tuple(x.shape)
        expected += [m.format(name, *shapes) for m in MESSAGES[damage]]
    save_file(state, folder / "model.safetensors")
    with pytest.raises(CheckpointError) as error:
        load(folder, mode, text_encoder=models / "bert")
    message = f"{error.value}\n"
    assert str(folder / "model.safetensors") in message
    for line in expected:
        assert f"\n  {line}" in message
    assert message.count("\n") == len(expected) + 1  # and no others
    shutil.rmtree(folder)


@pytest.mark.parametrize("mode", ["text", "audio"])
def test_one_damaged_tensor_is_enough(mode, models, tmp_path):
    folder = copy_folder(models / mode, tmp_path / mode, ["*.safetensors"])
    whole = load_file(models / mode / "model.safetensors")
    for damage, name in [*zip(DAMAGE, PARTS[mode]), *zip(DAMAGE, [*whole])]:
        state = {n: x for n, x in whole.items() if n != name}
        state.update(DAMAGE[damage](name, whole[name]))
        save_file(state, folder / "model.safetensors")
        with pytest.raises(CheckpointError, match=name):
            load(folder, mode)


def test_an_extra_tensor_is_refused(models, tmp_path):
    folder = copy_folder(models / "audio", tmp_path / "m", ["*.safetensors"])
    state = load_file(models / "audio" / "model.safetensors")
    save_file({**state, "extra": torch.ones(1)}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="unexpected: extra"):
        load(folder, "audio")


def test_constants_of_old_versions_may_be_in_the_file(models, tmp_path):
    for mode, name in (("text", "bert"), ("audio", "wav2vec2_bert")):
        folder = copy_folder(models / mode, tmp_path / mode, ["*.safetensors"])
        state = load_file(models / mode / "model.safetensors")
        state[f"{name}.embeddings.position_ids"] = torch.arange(512)
        save_file(state, folder / "model.safetensors")
        load(folder, mode)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("mode", ["text", "concat"])
def test_half_precision_loads_as_float32(mode, dtype, models, tmp_path):
    folders = {}
    tensors = load_file(models / mode / "model.safetensors")
    for kept in (dtype, torch.float32):
        folder = copy_folder(
            models / mode, tmp_path / str(kept), ["*.safetensors"]
        )
        state = {name: x.to(dtype).to(kept) for name, x in tensors.items()}
        save_file(state, folder / "model.safetensors")
        folders[kept] = load(folder, mode, text_encoder=models / "bert")
    model = folders[dtype].mods.model
    assert {x.dtype for x in model.state_dict().values()} == {torch.float32}
    rows = [((3000, 1), "so sad"), ((2000, 2), "happy")]
    half, full = (classify(folders[x], rows) for x in folders)
    assert torch.equal(half, full)


@pytest.mark.parametrize("field", ["dtype", "torch_dtype"])
@pytest.mark.parametrize("mode", ["text", "audio"])
def test_a_config_of_half_precision_loads_as_float32(
    mode, field, models, classifiers, tmp_path
):
    folder = copy_folder(models / mode, tmp_path / mode)
    edit_config(folder, **{field: "float16"})
    classifier = load(folder, mode)
    state = classifier.mods.model.state_dict()
    assert {x.dtype for x in state.values()} == {torch.float32}
    rows = [((3000, 1), "so sad")]
    expected = classify(classifiers[mode], rows)
    assert_close(classify(classifier, rows), expected)


@pytest.mark.parametrize("mode", MODES)
def test_a_model_of_another_mode_is_refused(mode, models):
    # "audio" and "mean" have the same tensors: no file tells them apart.
    same = {"audio", "mean"}
    for other in MODES:
        if other != mode and {mode, other} != same:
            with pytest.raises(CheckpointError):
                load(models / mode, other, text_encoder=models / "bert")


def test_a_text_model_for_speech_is_named(models):
    with pytest.raises(CheckpointError, match="type 'bert'.*wav2vec2-bert"):
        load(models / "text", "audio")
    with pytest.raises(CheckpointError, match="'wav2vec2-bert'.*roberta"):
        load(models / "audio", "text")


def test_modes_and_text_encoders(models):
    with pytest.raises(ValueError, match="mode 'smell': choose one of text"):
        load(models / "text", "smell")
    for mode in FUSIONS:
        with pytest.raises(ValueError, match=f"'{mode}' needs a text encod"):
            load(models / mode, mode)
    for mode in ("text", "audio"):  # which have no use for one
        load(models / mode, mode, text_encoder="no/such-encoder")


def test_the_text_encoder_must_fit_the_fusion(models, tmp_path):
    small = write_bert(tmp_path / "small", hidden_size=24)
    with pytest.raises(ValueError, match="have 24 dimensions.* takes 768"):
        load(models / "concat", "concat", text_encoder=small)


def test_the_frozen_text_encoder_comes_from_its_own_folder(models, tmp_path):
    other = write_bert(tmp_path / "other", seed=5)
    rows = [((3000, 1), "so sad")]
    ours, theirs = (
        classify(load(models / "mean", "mean", text_encoder=bert), rows)
        for bert in (models / "bert", other)
    )
    assert not torch.allclose(ours, theirs, atol=1e-3)


# ---- config, labels and tokenizer ------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        None,
        {},
        {"0": "joy", "1": "joy", "2": "neutral"},
        {"0": "joy", "1": "fear", "3": "neutral"},
        {"1": "joy", "2": "fear", "3": "neutral"},
        {"0": "joy", "1": None, "2": "neutral"},
    ],
)
@pytest.mark.parametrize("mode", ["text", "audio"])
def test_labels_must_be_named_once(mode, names, models, tmp_path):
    folder = edit_config(
        copy_folder(models / mode, tmp_path / mode), id2label=names
    )
    with pytest.raises(CheckpointError, match="does not name each label once"):
        published_labels(folder)
    with pytest.raises(CheckpointError, match="does not name each label once"):
        load(folder, mode)


def test_the_order_of_labels_is_that_of_their_indexes(models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text")
    names = {str(i): f"label {i}" for i in reversed(range(11))}
    edit_config(folder, id2label=names)
    assert published_labels(folder) == [f"label {i}" for i in range(11)]


def test_more_labels_than_outputs(models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text")
    names = dict(enumerate([*LABELS, "anger"]))
    edit_config(folder, id2label=names, label2id=None)
    with pytest.raises(CheckpointError, match=r"classifier.bias .* \(4,\)"):
        load(folder, "text")


def test_a_config_that_cannot_be_read(models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text")
    for content in (b"{", b"", b"\xff\xfe\x00"):
        (folder / "config.json").write_bytes(content)
        with pytest.raises(CheckpointError, match="is no JSON file"):
            load(folder, "text")
    (folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="holds no config.json"):
        load(folder, "text")
    with pytest.raises(FileNotFoundError, match="neither a model folder"):
        load(folder / "config.json", "text")


@pytest.mark.parametrize("form", ["no object", "list of labels"])
def test_a_config_of_another_form(form, models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text")
    if form == "no object":
        (folder / "config.json").write_text("[]")
    else:
        edit_config(folder, id2label=list(LABELS))
    with pytest.raises(CheckpointError):
        load(folder, "text")


@pytest.mark.parametrize("mode", ["text", "concat"])
def test_a_model_without_its_tokenizer_is_refused(mode, models, tmp_path):
    name = "text" if mode == "text" else "bert"
    folder = copy_folder(models / name, tmp_path / name, ["vocab.txt"])
    with pytest.raises(OSError, match="okenizer"):
        load(
            folder if mode == "text" else models / mode,
            mode,
            text_encoder=folder,
        )


def test_code_beside_the_weights_is_not_run(models, tmp_path):
    folder = copy_folder(models / "text", tmp_path / "text")
    marker = tmp_path / "marker"
    (folder / "evil.py").write_text(
        f"open({str(marker)!r}, 'w')\n\nclass Evil:\n    pass\n"
    )
    edit_config(
        folder, auto_map={"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil"}
    )
    load(folder, "text")
    assert not marker.exists()


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
