"""Trains toy models; by torchrun in several processes. See the test of it."""

import functools
import operator
import pathlib
import sys

import torch

import speechbrain as sb
from speechbrain.dataio.sampler import DynamicBatchSampler
from speechbrain.utils.epoch_loop import EpochCounterWithStopper
from speechbrain_emotion.training.brain import EmotionBrain
from speechbrain_emotion.training.sampling import balanced_sampler
from speechbrain_emotion.training.shares import process_count, process_rank

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from toy_training import (  # noqa: E402
    clips,
    dataset,
    speech_model,
    train,
    weights,
)


class StoppedBrain(EmotionBrain):
    """Is stopped by Ctrl-C within the second epoch."""

    def on_fit_batch_start(self, batch, should_step):
        super().on_fit_batch_start(batch, should_step)
        if self.optimizer_step == 5:
            raise KeyboardInterrupt


class WatchingBrain(EmotionBrain):
    """Notes what it is given and what it draws."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.given, self.drawn = [], []

    def compute_forward(self, batch, stage):
        if stage == sb.Stage.TRAIN:
            self.given.append(batch.id)
            state = torch.get_rng_state()
            self.drawn.append(torch.rand(1).item())
            torch.set_rng_state(state)
        return super().compute_forward(batch, stage)


def train_everything(folder):
    """Trains in several ways.

    Arguments
    ---------
    folder : pathlib.Path
        Where each has its folder, with ``result{rank}.pt`` of each process.
    """
    size = 4 // process_count()  # of a batch, 4 in all processes together
    options = {
        "cls": WatchingBrain,
        "run_opts": {"distributed_backend": "gloo"},
    }

    def save(name, brain, **extra):
        """Saves what the process has found."""
        result = {
            "weights": weights(brain),
            "given": brain.given,
            "drawn": brain.drawn,
            "train_loss": brain.train_loss,
            "loss": brain.loss,
            **extra,
        }
        path = folder / name / f"result{process_rank()}.pt"
        torch.save(result, path)

    for name, extra in {
        "plain": {},
        "frozen": {"encoder_frozen_epochs": 1, "class_weight_power": 1.0},
        "accumulated": {"accumulate": 2},
    }.items():
        factor = extra.pop("accumulate", 1)
        run_opts = {**options["run_opts"], "grad_accumulation_factor": factor}
        brain = train(
            folder / name,
            model=speech_model(dropout=0.0, adaptable=name == "plain"),
            loader={"batch_size": size // factor, "shuffle": True},
            **{**options, "run_opts": run_opts, **extra},
        )
        # One clip: fewer than processes.
        brain.evaluate(dataset(clips(1)))
        small = brain.loss
        # Batches that are dealt out unevenly.
        brain.evaluate(dataset(clips(5)), test_loader_kwargs={"batch_size": 2})
        save(name, brain, small=small)

    brain = train(
        folder / "stopper",
        counter=EpochCounterWithStopper(9, 2, 0, "max"),
        rate=0.0,
        valid_size=5,  # a single batch: one process has nothing to do
        **options,
    )
    save("stopper", brain)

    samplers = {
        "balanced": {
            "batch_size": size,
            "sampler": functools.partial(
                balanced_sampler, by=["emo"], num_samples=8, seed=1
            ),
        },
        "seconds": {
            "batch_sampler": functools.partial(
                DynamicBatchSampler,
                max_batch_length=0.7,
                num_buckets=3,
                length_func=operator.itemgetter("length"),
            )
        },
    }
    for name, loader in samplers.items():
        save(name, train(folder / name, loader=loader, n_clips=9, **options))

    resumed = {
        "loader": {"batch_size": 1, "shuffle": True},
        "run_opts": {**options["run_opts"], "ckpt_interval_steps": 1},
    }
    save("whole", train(folder / "whole", **{**options, **resumed}))
    try:
        train(folder / "stopped", **resumed, cls=StoppedBrain)
    except SystemExit:
        save("stopped", train(folder / "stopped", **{**options, **resumed}))


if __name__ == "__main__":
    torch.set_num_threads(1)
    sb.utils.distributed.ddp_init_group({"distributed_backend": "gloo"})
    train_everything(pathlib.Path(sys.argv[1]))
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
