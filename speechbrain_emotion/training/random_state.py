"""The state of the random number generators, as part of a checkpoint."""

import functools
import pathlib
import random

import numpy as np
import torch

from speechbrain.utils import checkpoints
from speechbrain.utils.logger import get_logger
from speechbrain_emotion.training.shares import process_count, process_rank

logger = get_logger(__name__)


@functools.partial(
    checkpoints.register_checkpoint_hooks, save_on_main_only=False
)
class RandomState:
    """Saves and restores the generators of Python, NumPy and torch.

    With it among the recoverables of a ``Checkpointer``, dropout and
    augmentation go on after an interruption as they would have without it.
    Where several processes train together, each has a file of its own.

    Example
    -------
    >>> path = getfixture("tmpdir") / "random.ckpt"
    >>> RandomState().save(path)
    >>> first = torch.rand(1), random.random(), np.random.rand()
    >>> RandomState().load(path, end_of_epoch=True)
    >>> first == (torch.rand(1), random.random(), np.random.rand())
    True
    """

    @checkpoints.mark_as_saver
    def save(self, path):
        """Writes the states.

        Arguments
        ---------
        path : str or Path
            The file of the main process; the others write beside it.
        """
        kind, keys, *rest = np.random.get_state()
        state = {
            "processes": process_count(),
            "python": random.getstate(),
            # As plain types, so that it loads with weights_only=True.
            "numpy": (kind, torch.from_numpy(keys.astype(np.int64)), *rest),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all(),
        }
        torch.save(state, _own(path))

    @checkpoints.mark_as_loader
    def load(self, path, end_of_epoch):
        """Restores the states.

        Arguments
        ---------
        path : str or Path
            The file of the main process.
        end_of_epoch : bool
            Whether it was saved between two epochs, and not within one.
        """
        main = torch.load(path, weights_only=True, map_location="cpu")
        if main["processes"] != process_count():
            within = "" if end_of_epoch else " and, in this epoch, clips"
            logger.warning(
                f"'{path}' was saved by {main['processes']} processes, not "
                f"{process_count()}: training goes on with other random "
                f"numbers{within} than it would have."
            )
        path = _own(path)
        if not path.exists():
            return
        state = torch.load(path, weights_only=True, map_location="cpu")
        random.setstate(state["python"])
        kind, keys, *rest = state["numpy"]
        np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
        torch.set_rng_state(state["torch"])
        if len(state["cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["cuda"])


def diversify_random_state(rank):
    """Gives one of several processes random numbers of its own.

    SpeechBrain seeds all alike, so that they start from the same weights;
    with the same dropout and augmentation they would learn less.

    Arguments
    ---------
    rank : int
        Number of the process. Nothing changes for the main process, 0.

    Example
    -------
    >>> _ = torch.manual_seed(1)
    >>> diversify_random_state(0)
    >>> torch.initial_seed()
    1
    >>> diversify_random_state(2)
    >>> torch.initial_seed()
    3
    """
    if rank > 0:
        seed = torch.initial_seed() + rank
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)


def _own(path):
    """Where a process writes its state."""
    path, rank = pathlib.Path(path), process_rank()
    # Not *.ckpt, which would be the name of another recoverable.
    return path if rank == 0 else path.with_suffix(f".rank{rank}")
