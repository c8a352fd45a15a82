"""Tiny random models in UMUTeam's layout, as folders."""

import json
import shutil

import torch
from safetensors.torch import save_file
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    RobertaConfig,
    RobertaModel,
    Wav2Vec2BertConfig,
    Wav2Vec2BertModel,
)

from speechbrain_emotion import EmotionClassifier
from speechbrain_emotion.lobes.published import FUSIONS

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
