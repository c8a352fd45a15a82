"""Checkpoints that are there as a whole or not at all.

SpeechBrain's ``Checkpointer`` writes the file that makes a folder a
checkpoint first: a process that is killed while it saves leaves one that is
found, but cannot be loaded.
"""

import logging
import os
import shutil

from speechbrain.utils.checkpoints import CKPT_PREFIX, METAFNAME
from speechbrain.utils.distributed import ddp_barrier, if_main_process
from speechbrain.utils.logger import get_logger

logger = get_logger(__name__)

# Folder beside the checkpoints, where none is looked for.
UNFINISHED = "unfinished"


def save_whole(checkpointer, meta, end_of_epoch=True, verbosity=logging.INFO):
    """Saves a checkpoint aside and, when all is written, moves it in place.

    Where several processes train together, all call this.

    Arguments
    ---------
    checkpointer : speechbrain.utils.checkpoints.Checkpointer
        Knows where to, and what is saved.
    meta : dict
        Statistics that go with the checkpoint.
    end_of_epoch : bool
        See SpeechBrain's ``Checkpointer``.
    verbosity : int
        Level of the message in the log.

    Example
    -------
    >>> import torch
    >>> from speechbrain.utils.checkpoints import Checkpointer
    >>> layer = torch.nn.Linear(1, 1)
    >>> checkpointer = Checkpointer(getfixture("tmpdir"), {"layer": layer})
    >>> save_whole(checkpointer, {"epoch": 1})
    >>> checkpointer.find_checkpoint().meta["epoch"]
    1
    """
    folder = checkpointer.checkpoints_dir
    # Only the main process's name counts.
    target = checkpointer._new_checkpoint_dirpath()
    checkpointer.checkpoints_dir = folder / UNFINISHED
    try:
        checkpointer.save_checkpoint(
            meta=meta,
            end_of_epoch=end_of_epoch,
            name=target.name.removeprefix(f"{CKPT_PREFIX}+"),
            verbosity=logging.DEBUG,
        )
    finally:
        checkpointer.checkpoints_dir = folder
    ddp_barrier()  # each process writes its random state
    if if_main_process():
        unfinished = folder / UNFINISHED / target.name
        _flush(unfinished)
        os.rename(unfinished, target)
        kind = "end-of-epoch" if end_of_epoch else "intra-epoch"
        logger.log(verbosity, f"Saved an {kind} checkpoint in {target}")
    ddp_barrier()  # all find the same checkpoints


def discard_unfinished(checkpointer):
    """Deletes what a process left behind that was killed.

    Arguments
    ---------
    checkpointer : speechbrain.utils.checkpoints.Checkpointer
        Knows where its checkpoints are.

    Example
    -------
    >>> from speechbrain.utils.checkpoints import Checkpointer
    >>> folder = getfixture("tmpdir")
    >>> _ = folder.mkdir("CKPT+half-deleted"), folder.mkdir("unfinished")
    >>> discard_unfinished(Checkpointer(folder))
    >>> folder.listdir()
    []
    """
    if if_main_process():
        folder = checkpointer.checkpoints_dir
        shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
        for checkpoint in folder.glob(f"{CKPT_PREFIX}+*"):
            if not (checkpoint / METAFNAME).exists():
                shutil.rmtree(checkpoint)
    ddp_barrier()


def _flush(folder):
    """Waits until the files are on the disk, should the machine go down."""
    for path in folder.iterdir():
        with open(path, "r+b") as file:
            os.fsync(file.fileno())
