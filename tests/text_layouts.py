"""What the tests of text encoders share: tiny models, texts, helpers."""

import torch
from hypothesis import strategies as st
from published_layouts import WORDS, copy_folder, write_bert, write_roberta
from safetensors.torch import load_file, save_file
from transformers import BertModel, RobertaModel

from speechbrain_emotion.lobes.text_encoder import TextEncoder

SMALL = {"hidden_size": 24, "num_attention_heads": 2, "intermediate_size": 32}
CONFIG = {
    "model_type": "bert",
    "vocab_size": 100,
    "num_hidden_layers": 2,
    **SMALL,
}
LORA = {"rank": 2, "alpha": 4.0, "target_layers": ["*.self.query"]}
LONG = " ".join(WORDS[i % len(WORDS)] for i in range(2000))
TEXTS = ["so sad", "", "I am happy again, again!", "ñandú 你好", LONG]
KINDS = ["bert", "roberta"]
MODELS = {"bert": BertModel, "roberta": RobertaModel}
WRITERS = {"bert": write_bert, "roberta": write_roberta}

texts_of_words = st.lists(
    st.lists(st.sampled_from([*WORDS, "zz", "!"]), max_size=30).map(" ".join),
    min_size=1,
    max_size=4,
)


def change_weights(folder, target, change):
    """Copies a folder with other weights."""
    copy_folder(folder, target, ["model.safetensors"])
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, target / "model.safetensors", {"format": "pt"})
    return target


def from_config(tokenizer, seed=0, **arguments):
    torch.manual_seed(seed)
    config = arguments.pop("config", CONFIG)
    return TextEncoder(config=config, tokenizer=tokenizer, **arguments)
