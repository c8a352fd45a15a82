"""Tiny models with random weights, in the layouts that can be loaded."""

import json

import torch
from safetensors.torch import save_file
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    Wav2Vec2BertConfig,
    Wav2Vec2BertModel,
)

LABELS = ["angry", "happy", "sad"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "so", "happy", "sad"]
WIDTH = 768  # of the published models, between encoders and fusion

# An exported model reads its YAML file, here with weights from elsewhere.
TEXT_YAML = """
text_encoder: !new:speechbrain_emotion.lobes.text_encoder.TextEncoder
    source: {source}
    load_weights: False
model: !new:speechbrain_emotion.lobes.emotion_model.EmotionModel
    embedding_model: !new:speechbrain_emotion.lobes.embedding.TextEmbedding
        text_encoder: !ref <text_encoder>
    classifier: !new:speechbrain_emotion.nnet.head.TanhHead
        input_size: 16
        n_classes: 3
modules:
    model: !ref <model>
label_encoder: !new:speechbrain.dataio.encoder.CategoricalEncoder
pretrainer: !new:speechbrain_emotion.lobes.published.PublishedPretrainer
    checkpoint: {source}
    model: !ref <model>
    label_encoder: !ref <label_encoder>
"""


def write_bert(folder, hidden_size, model_class=BertModel):
    """A text encoder, or with another class the model of the mode "text"."""
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=hidden_size,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        id2label=dict(enumerate(LABELS)),
        label2id={label: i for i, label in enumerate(LABELS)},
    )
    model_class(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    tokenizer = {"tokenizer_class": "BertTokenizer", "model_max_length": 32}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    return folder


def write_text_model(folder):
    """A model of the mode "text" in the published layout."""
    return write_bert(folder, 16, BertForSequenceClassification)


def write_exported_text_model(folder, source):
    """A model of the mode "text" with a YAML file."""
    folder.mkdir(parents=True)
    yaml = TEXT_YAML.format(source=source)
    (folder / "hyperparams.yaml").write_text(yaml)
    return folder


def write_concat_model(folder):
    """A model of the mode "concat" in the published layout."""
    config = Wav2Vec2BertConfig(
        hidden_size=16,
        output_hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        id2label=dict(enumerate(LABELS)),
        label2id={label: i for i, label in enumerate(LABELS)},
    )
    config.save_pretrained(folder)
    encoder = Wav2Vec2BertModel(config).state_dict()
    tensors = {f"wav2vec2_bert.{name}": x for name, x in encoder.items()}
    shapes = {
        "projector": (WIDTH, 16),
        "classifier.dense": (2 * WIDTH, 2 * WIDTH),
        "classifier.out_proj": (len(LABELS), 2 * WIDTH),
    }
    for name, shape in shapes.items():
        tensors[f"{name}.weight"] = 0.02 * torch.randn(shape)
        tensors[f"{name}.bias"] = torch.zeros(shape[0])
    for name in ("weight", "bias"):  # there, and not used
        tensors[f"classifier.layernorm.{name}"] = torch.ones(2 * WIDTH)
    save_file(tensors, folder / "model.safetensors")
    return folder


def write_cached(cache, hub_id, source):
    """Puts a model where the hub's downloads lie."""
    repo = cache / f"models--{hub_id.replace('/', '--')}"
    (repo / "blobs").mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("0" * 40)
    snapshot = repo / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    for file in source.iterdir():
        (repo / "blobs" / file.name).write_bytes(file.read_bytes())
        (snapshot / file.name).symlink_to(repo / "blobs" / file.name)
    return repo
