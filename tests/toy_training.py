"""A model that is trained within a second, and clips to train it on."""

import functools

import torch
from torch import nn

import speechbrain as sb
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain.nnet.schedulers import NoamScheduler
from speechbrain.utils.checkpoints import Checkpointer
from speechbrain.utils.epoch_loop import EpochCounter
from speechbrain_emotion.lobes.embedding import SpeechEmbedding
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.lobes.whisper import WhisperEncoder
from speechbrain_emotion.nnet.head import TanhHead
from speechbrain_emotion.nnet.pooling import MeanPooling
from speechbrain_emotion.nnet.speaker import SpeakerNormalization
from speechbrain_emotion.training.brain import EmotionBrain
from speechbrain_emotion.training.loggers import TrainLogger

LABELS = ["angry", "happy", "sad"]
CONFIG = {
    "d_model": 16,
    "encoder_layers": 2,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
}


def clips(n, prefix="clip"):
    """Manifest entries; the labels come in turn."""
    return {
        f"{prefix}{i}": {
            "seed": i,
            "length": 0.2 + 0.02 * (7 * i % 10),
            "emo": LABELS[i % 3],
            "corpus": "toys",
            "spk_id": f"{i % 2:02d}",
        }
        for i in range(n)
    }


@sb.utils.data_pipeline.takes("seed", "length")
@sb.utils.data_pipeline.provides("sig")
def make_sound(seed, length):
    """Noise of some seconds."""
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(round(16000 * length), generator=generator)


@sb.utils.data_pipeline.takes("emo")
@sb.utils.data_pipeline.provides("emo_encoded")
def encode_label(emo):
    """The index of the label."""
    return torch.tensor([LABELS.index(emo)])


def dataset(entries):
    """The dataset that manifest entries make."""
    return DynamicItemDataset(
        entries,
        dynamic_items=[make_sound, encode_label],
        output_keys=["id", "sig", "emo_encoded"],
    )


def speech_model(dropout=0.3, adaptable=False, **encoder_options):
    """A model with defined weights and, by default, dropout in its head."""
    torch.manual_seed(0)
    options = {"config": CONFIG, **encoder_options}
    encoder = WhisperEncoder(**options)
    model = EmotionModel(
        SpeechEmbedding(encoder, MeanPooling(16)),
        TanhHead(16, n_classes=len(LABELS), dropout=dropout),
        SpeakerNormalization(16) if adaptable else None,
    )
    # Where there is one, DDP waits for the other processes in every call.
    model.register_buffer("statistics", torch.zeros(1))
    return model


def make_brain(folder, counter, model=None, run_opts=None, rate=0.1, **options):
    """A Brain that trains it by gradient descent, without momentum."""
    model = model or speech_model()
    optimizer = functools.partial(torch.optim.SGD, lr=0.1, weight_decay=0.01)
    options = {
        "cls": EmotionBrain,
        "compute_cost": nn.CrossEntropyLoss(),
        "opt_class": optimizer,
        "encoder_opt_class": optimizer,
        "schedulers": {
            name: NoamScheduler(rate, 4) for name in ("head", "encoder")
        },
        "augment": None,
        **options,
    }
    make = options.pop("cls")
    return make(
        {"model": model},
        run_opts={"device": "cpu", "noprogressbar": True, **(run_opts or {})},
        checkpointer=Checkpointer(
            folder / "save", {"model": model, "counter": counter}
        ),
        labels=LABELS,
        train_logger=TrainLogger(folder / "train_log.txt"),
        report_folder=folder,
        **options,
    )


def train(
    folder,
    n_epochs=2,
    loader=None,
    n_clips=8,
    counter=None,
    valid_size=2,
    **options,
):
    """Trains, and validates in batches of some size; gives the Brain."""
    counter = counter or EpochCounter(n_epochs)
    brain = make_brain(folder, counter, **options)
    brain.fit(
        counter,
        dataset(clips(n_clips)),
        dataset(clips(5, "valid")),
        train_loader_kwargs=loader or {"batch_size": 4, "shuffle": True},
        valid_loader_kwargs={"batch_size": valid_size},
    )
    return brain


def weights(brain):
    """All parameters by name."""
    return {k: v.detach().clone() for k, v in brain.model.state_dict().items()}


def assert_same(first, second, **tolerance):
    """Compares two sets of parameters."""
    assert first.keys() == second.keys()
    for name in first:
        torch.testing.assert_close(
            first[name], second[name], msg=name, **tolerance
        )
