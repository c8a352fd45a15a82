"""What a run of the benchmarks is asked to do."""

import dataclasses
import gc
import pathlib

import torch


@dataclasses.dataclass
class Size:
    """Sizes of the models, and lengths of the audio in seconds."""

    speech: dict  # changed fields of transformers.Wav2Vec2BertConfig
    text: dict  # changed fields of transformers.BertConfig
    lengths: tuple
    feature_lengths: tuple
    n_clips: int
    longest_clip: float
    memory_length: float
    long_length: float  # longer than the model takes at once
    drift: tuple  # inputs of the embedded models, clips of Wav2Vec2-BERT


TINY_SPEECH = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
SIZES = {
    "full": Size(
        speech={},
        text={},
        lengths=(3, 10, 30, 60),
        feature_lengths=(3, 10, 30),
        n_clips=16,
        longest_clip=15,
        memory_length=60,
        long_length=600,
        drift=(600, 60),
    ),
    "tiny": Size(
        speech=TINY_SPEECH,
        text={"num_hidden_layers": 1},
        lengths=(0.5, 1),
        feature_lengths=(0.5,),
        n_clips=3,
        longest_clip=2,
        memory_length=2,
        long_length=170,
        drift=(3, 3),
    ),
}


@dataclasses.dataclass
class Setting:
    """All that a part needs to know."""

    size: Size
    device: str
    threads: int
    repeats: int
    precisions: list
    folder: pathlib.Path  # for checkpoints and clips, deleted afterwards

    @property
    def on_cuda(self):
        """Whether the models run on a GPU."""
        return self.device.startswith("cuda")

    def wait(self):
        """Waits until the device has done what it was told to do."""
        if self.on_cuda:
            torch.cuda.synchronize()

    def free(self):
        """Gives back what nothing uses any more."""
        gc.collect()
        if self.on_cuda:
            torch.cuda.empty_cache()
