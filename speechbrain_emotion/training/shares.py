"""Who does what, where several processes train and evaluate together."""

import itertools
import os

import torch
from torch.utils.data import BatchSampler, Sampler, SequentialSampler

from speechbrain.dataio.sampler import ReproducibleRandomSampler
from speechbrain.utils.distributed import is_distributed_initialized


class Share(Sampler):
    """Every n-th of what a sampler draws.

    SpeechBrain's ``DistributedSamplerWrapper`` shuffles once more, whatever
    the seed, and fails where a share is a single batch.

    Arguments
    ---------
    sampler : torch.utils.data.Sampler
        Draws utterances or batches, the same in every process.
    rank : int
        Number of the process.
    n_processes : int
        Number of processes.
    even : bool
        Whether all shares are equally large, as training needs: what comes
        first then comes again in the end. Otherwise everything is in exactly
        one share.

    Example
    -------
    >>> [list(Share(range(5), rank, 2, even=True)) for rank in range(2)]
    [[0, 2, 4], [1, 3, 0]]
    >>> [list(Share(range(5), rank, 2, even=False)) for rank in range(2)]
    [[0, 2, 4], [1, 3]]
    """

    def __init__(self, sampler, rank, n_processes, even):
        self.sampler = sampler
        self.rank = rank
        self.n_processes = n_processes
        self.even = even

    def __len__(self):
        first = 0 if self.even else self.rank
        return len(range(first, len(self.sampler), self.n_processes))

    def __iter__(self):
        drawn = list(self.sampler)
        if self.even:
            total = len(drawn) + -len(drawn) % self.n_processes
            drawn = list(itertools.islice(itertools.cycle(drawn), total))
        return iter(drawn[self.rank :: self.n_processes])

    def set_epoch(self, epoch):
        """Tells the sampler which epoch it is.

        Arguments
        ---------
        epoch : int
            Number of the epoch.
        """
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch)


def share_training(dataset, options):
    """Options of a loader that gives a process its share in training.

    In each step the processes together see the utterances that one process
    would see in batches as large as theirs together.

    Arguments
    ---------
    dataset : Dataset
        The training part.
    options : dict
        Options of the loader of a single process.

    Returns
    -------
    dict
        Options with a ``Share`` as sampler or batch sampler.

    Example
    -------
    >>> options = share_training(range(4), {"batch_size": 2})
    >>> list(options["sampler"])
    [0, 1, 2, 3]
    """
    options = dict(options)
    shuffle = options.pop("shuffle", False)
    if options.get("batch_sampler") is not None:
        kind = "batch_sampler"
    else:
        kind = "sampler"
        if options.get(kind) is not None and shuffle:
            raise ValueError("train loader: give a sampler or shuffle=True")
        if options.get(kind) is None and shuffle:
            seed = os.environ.get("SB_GLOBAL_SEED", 563375142)
            options[kind] = ReproducibleRandomSampler(dataset, seed=seed)
        elif options.get(kind) is None:
            options[kind] = SequentialSampler(dataset)
    options[kind] = Share(
        options[kind], process_rank(), process_count(), even=True
    )
    return options


def share_evaluation(dataset, options):
    """Options of a loader that gives a process its share in evaluation.

    The batches are those of a single process, so that the answers are, too.

    Arguments
    ---------
    dataset : Dataset
        The validation or test part.
    options : dict
        Options of the loader of a single process.

    Returns
    -------
    dict
        Options with a ``Share`` as batch sampler, which may be empty.

    Example
    -------
    >>> options = share_evaluation(range(3), {"batch_size": 2})
    >>> list(options["batch_sampler"])
    [[0, 1], [2]]
    """
    options = dict(options)
    sampler = options.pop("sampler", None) or SequentialSampler(dataset)
    size = options.pop("batch_size", 1)
    drop_last = options.pop("drop_last", False)
    options.pop("shuffle", None)  # the order of a sum is no matter
    batches = options.pop("batch_sampler", None)
    if batches is None:
        batches = BatchSampler(sampler, size, drop_last)
    share = Share(batches, process_rank(), process_count(), even=False)
    return {**options, "batch_sampler": share}


def gather(found):
    """Collects what each process has found.

    Arguments
    ---------
    found : object
        Of this process; anything that can be pickled.

    Returns
    -------
    list
        That of each process, the same in all of them.

    Example
    -------
    >>> gather("alone")
    ['alone']
    """
    if process_count() == 1:
        return [found]
    parts = [None] * process_count()
    torch.distributed.all_gather_object(parts, found)
    return parts


def interleave(parts):
    """Puts shares together again, in the order they were dealt in.

    Arguments
    ---------
    parts : list of list
        The share of each process.

    Returns
    -------
    list

    Example
    -------
    >>> interleave([[0, 2, 4], [1, 3]])
    [0, 1, 2, 3, 4]
    """
    nothing = object()
    rounds = itertools.zip_longest(*parts, fillvalue=nothing)
    dealt = itertools.chain.from_iterable(rounds)
    return [item for item in dealt if item is not nothing]


def process_count():
    """Number of processes that train together; 1 without ``torchrun``.

    Returns
    -------
    int
    """
    if is_distributed_initialized():
        return torch.distributed.get_world_size()
    return 1


def process_rank():
    """Number of this process among those that train together.

    Returns
    -------
    int
        0 for the main process.
    """
    if is_distributed_initialized():
        return torch.distributed.get_rank()
    return 0
