"""A Brain whose training can be stopped at any time and goes on the same."""

import contextlib
import logging
import signal
import threading

import torch
from torch.nn.modules.batchnorm import _BatchNorm

import speechbrain as sb
from speechbrain.core import INTRA_EPOCH_CKPT_FLAG
from speechbrain.utils.logger import get_logger
from speechbrain_emotion.training.checkpoints import (
    discard_unfinished,
    save_whole,
)
from speechbrain_emotion.training.random_state import (
    RandomState,
    diversify_random_state,
)
from speechbrain_emotion.training.shares import (
    process_rank,
    share_evaluation,
    share_training,
)

logger = get_logger(__name__)


class ResumableBrain(sb.Brain):
    """A Brain that, once stopped, goes on as if it had not been.

    It may be stopped by Ctrl-C or killed, also while it saves a checkpoint.
    Where several processes train together (``torchrun``), as many must go on.

    Arguments
    ---------
    modules : dict
        See ``speechbrain.Brain``.
    **kwargs
        See ``speechbrain.Brain``; ``checkpointer`` is needed.

    Raises
    ------
    ValueError
        If several processes cannot train the modules.
    """

    epoch_loaded = None
    # Whether evaluation gathers what several processes have found, so that
    # each may have a share of the utterances.
    shares_evaluation = False

    def __init__(self, modules, **kwargs):
        super().__init__(modules, **kwargs)
        if self.distributed_launch and torch.device(self.device).type == "cpu":
            _refuse_batch_norm(self.modules)
        # Of every encoder some layer is not read, and for modality dropout
        # and a frozen encoder even all.
        self.find_unused_parameters = True
        self.checkpointer.add_recoverable("random_state", RandomState())

    def make_dataloader(self, dataset, stage, **kwargs):
        """Makes a data loader that leaves the global generator alone.

        Otherwise each new iterator would draw a seed from it, and a resumed
        epoch would go on with other random numbers.

        Arguments
        ---------
        dataset : Dataset
            See ``speechbrain.Brain``.
        stage : speechbrain.Stage
            See ``speechbrain.Brain``.
        **kwargs
            See ``speechbrain.Brain``. ``sampler`` and ``batch_sampler`` may
            also be functions of the dataset that make one, as a YAML file
            gives by ``!name:``.

        Returns
        -------
        DataLoader
        """
        kwargs.setdefault("generator", torch.Generator())
        for kind in ("sampler", "batch_sampler"):
            if callable(kwargs.get(kind)):
                kwargs[kind] = kwargs[kind](dataset)
        if stage == sb.Stage.TRAIN:
            # SpeechBrain tells only a sampler that it made itself which
            # epoch it is; another one would draw the same in every epoch.
            self.train_sampler = kwargs.get("batch_sampler") or kwargs.get(
                "sampler"
            )
        elif self.distributed_launch and self.shares_evaluation:
            kwargs = share_evaluation(dataset, kwargs)
        return super().make_dataloader(dataset, stage, **kwargs)

    def _train_loader_specifics(self, dataset, loader_kwargs):
        """Gives each of several processes its share."""
        if not self.distributed_launch:
            return super()._train_loader_specifics(dataset, loader_kwargs)
        options = share_training(dataset, loader_kwargs)
        self.train_sampler = options.get("batch_sampler") or options["sampler"]
        return options

    def fit(self, *args, **kwargs):
        """Trains; Ctrl-C ends it with a hint how to go on.

        Arguments
        ---------
        *args, **kwargs
            See ``speechbrain.Brain``.
        """
        try:
            super().fit(*args, **kwargs)
        except KeyboardInterrupt:
            logger.warning(
                "Training was stopped. The same command resumes it from the "
                "last checkpoint."
            )
            raise SystemExit(130)

    def on_fit_start(self):
        """Readies the training and loads the last checkpoint."""
        diversify_random_state(process_rank())
        discard_unfinished(self.checkpointer)
        super().on_fit_start()

    def save_epoch(self, meta, **keys):
        """Saves a checkpoint at the end of an epoch and deletes worse ones.

        Arguments
        ---------
        meta : dict
            Statistics of the epoch.
        **keys
            ``max_keys`` or ``min_keys``, see SpeechBrain's ``Checkpointer``.
        """
        with interrupt_deferred():
            save_whole(self.checkpointer, meta)
            self.checkpointer.delete_checkpoints(**keys)

    def on_evaluate_start(self, max_key=None, min_key=None):
        """Loads the best checkpoint.

        Arguments
        ---------
        max_key : str
            Statistic whose maximum is the best.
        min_key : str
            Statistic whose minimum is the best.

        Raises
        ------
        ValueError
            If there is no checkpoint of a whole epoch.
        """
        checkpoint = self.checkpointer.recover_if_possible(
            max_key=max_key, min_key=min_key
        )
        if checkpoint is None:
            raise ValueError(
                f"'{self.checkpointer.checkpoints_dir}' has no checkpoint of a "
                "whole epoch: train for one epoch at least"
            )
        self.epoch_loaded = checkpoint.meta["epoch"]

    def _should_save_intra_epoch_ckpt(self, *args):
        """Only after an update: accumulated gradients are not saved."""
        due = super()._should_save_intra_epoch_ckpt(*args)
        return due and self.step % self.grad_accumulation_factor == 0

    def _save_intra_epoch_ckpt(self):
        """Saves a checkpoint in place of the last one within the epoch."""
        with interrupt_deferred():
            save_whole(
                self.checkpointer,
                {INTRA_EPOCH_CKPT_FLAG: True},
                end_of_epoch=False,
                verbosity=logging.DEBUG,
            )
            self.checkpointer.delete_checkpoints(
                ckpt_predicate=lambda c: INTRA_EPOCH_CKPT_FLAG in c.meta,
                verbosity=logging.DEBUG,
            )


def _refuse_batch_norm(modules):
    """Refuses layers that processes can share on GPUs only."""
    names = [n for n, m in modules.named_modules() if isinstance(m, _BatchNorm)]
    if names:
        raise ValueError(
            "torchrun on the CPU: the processes cannot share the statistics "
            f"of {', '.join(names)}, which PyTorch supports on GPUs only: "
            "train in one process, without torchrun"
        )


@contextlib.contextmanager
def interrupt_deferred():
    """Lets Ctrl-C wait until the block is done.

    Otherwise the checkpoint that is being written would be lost.

    Example
    -------
    >>> done = []
    >>> try:
    ...     with interrupt_deferred():
    ...         signal.raise_signal(signal.SIGINT)
    ...         done.append("written")
    ... except KeyboardInterrupt:
    ...     done.append("stopped")
    >>> done
    ['written', 'stopped']
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Signals reach the main thread only.
        return
    received = []
    previous = signal.signal(signal.SIGINT, lambda *args: received.append(args))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if received:
        signal.raise_signal(signal.SIGINT)
