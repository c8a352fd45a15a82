"""Which utterances are computed together."""

from speechbrain.dataio.sampler import DynamicBatchSampler

NUM_BUCKETS = 9  # each of twice the length of the one before


def check_batch_length(max_batch_length):
    """Makes sure that a limit of batches is one.

    Arguments
    ---------
    max_batch_length : float
        Seconds.

    Raises
    ------
    ValueError
        If it is no positive number.

    Example
    -------
    >>> check_batch_length(0)
    Traceback (most recent call last):
    ...
    ValueError: max_batch_length must be a positive number of seconds, not 0
    """
    is_number = isinstance(max_batch_length, int | float)
    if not (is_number and 0 < max_batch_length < float("inf")):
        raise ValueError(
            "max_batch_length must be a positive number of seconds, not "
            f"{max_batch_length!r}"
        )


def make_batches(lengths, max_batch_length):
    """Puts utterances of similar length together.

    Arguments
    ---------
    lengths : list of float
        Seconds of each utterance.
    max_batch_length : float
        Most seconds of a batch, padding included. What is longer by itself
        is a batch of its own.

    Returns
    -------
    list of list of int
        Indexes of each batch, the shortest first.

    Example
    -------
    >>> make_batches([5.0, 1.0, 4.9, 90.0, 1.1], max_batch_length=10.0)
    [[1, 4], [2, 0], [3]]
    """
    # The sampler puts into a batch of a bucket whatever comes next.
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    sampler = DynamicBatchSampler(
        order,
        max_batch_length,
        bucket_boundaries=[
            max_batch_length / 2**k for k in reversed(range(NUM_BUCKETS))
        ],
        lengths_list=[lengths[i] for i in order],
        shuffle=False,
        batch_ordering="ascending",
    )
    return [[order[i] for i in batch] for batch in sampler]
