"""The state of the random number generators, as part of a checkpoint."""

import random

import numpy as np
import torch

from speechbrain.utils import checkpoints
from speechbrain.utils.distributed import if_main_process


@checkpoints.register_checkpoint_hooks
class RandomState:
    """Saves and restores the generators of Python, NumPy and torch.

    With it among the recoverables of a ``Checkpointer``, dropout and
    augmentation go on after an interruption as they would have without it.
    Where several processes train together, the first one's state is saved.

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
            The file.
        """
        if not if_main_process():
            return
        kind, keys, *rest = np.random.get_state()
        state = {
            "python": random.getstate(),
            # As plain types, so that it loads with weights_only=True.
            "numpy": (kind, torch.from_numpy(keys.astype(np.int64)), *rest),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all(),
        }
        torch.save(state, path)

    @checkpoints.mark_as_loader
    def load(self, path, end_of_epoch):
        """Restores the states.

        Arguments
        ---------
        path : str or Path
            The file.
        end_of_epoch : bool
            Not used.
        """
        state = torch.load(path, weights_only=True, map_location="cpu")
        random.setstate(state["python"])
        kind, keys, *rest = state["numpy"]
        np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
        torch.set_rng_state(state["torch"])
        if len(state["cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["cuda"])
