"""Random models of full size, in the layout of the published ones."""

import json
import string

import torch
from safetensors.torch import save_file
from transformers import (
    BertConfig,
    BertModel,
    Wav2Vec2BertConfig,
    Wav2Vec2BertModel,
)

from speechbrain_emotion.lobes.published import EMBEDDING_SIZE

PREFIX = "wav2vec2_bert."
LABELS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


def published(setting, mode):
    """The folder of a model that hears, written when first asked for."""
    folder = setting.folder / mode
    if folder.exists():
        return folder
    torch.manual_seed(0)
    config = Wav2Vec2BertConfig(
        **setting.size.speech,
        id2label=dict(enumerate(LABELS)),
        label2id={label: i for i, label in enumerate(LABELS)},
    )
    config.save_pretrained(folder)
    encoder = Wav2Vec2BertModel(config).state_dict()
    tensors = {PREFIX + name: x for name, x in encoder.items()}
    tensors |= _head(config.hidden_size, mode)
    save_file(tensors, folder / "model.safetensors")
    return folder


def _head(hidden_size, mode):
    """Projector and classification head."""
    width = (2 if mode == "concat" else 1) * EMBEDDING_SIZE
    shapes = {
        "projector": (EMBEDDING_SIZE, hidden_size),
        "classifier.dense": (width, width),
        "classifier.out_proj": (len(LABELS), width),
    }
    tensors = {}
    for name, shape in shapes.items():
        tensors[f"{name}.weight"] = torch.randn(shape) / shape[1] ** 0.5
        tensors[f"{name}.bias"] = torch.zeros(shape[0])
    for name in ("weight", "bias"):  # there, and not used
        tensors[f"classifier.layernorm.{name}"] = torch.ones(width)
    return tensors


def bert(setting):
    """The folder of a BERT that knows letters only."""
    folder = setting.folder / "bert"
    torch.manual_seed(0)
    BertModel(BertConfig(**setting.size.text)).save_pretrained(folder)
    letters = [*string.ascii_lowercase, "'", "."]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    words += [f"##{letter}" for letter in letters]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    tokenizer = {"tokenizer_class": "BertTokenizer", "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    return folder
