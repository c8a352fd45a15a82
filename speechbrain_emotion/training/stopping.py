"""Stopping a training that no longer gets better."""

from speechbrain.utils.checkpoints import register_checkpoint_hooks
from speechbrain.utils.epoch_loop import EpochCounterWithStopper

# It inherits the hooks of a plain counter, which save the epoch alone: a
# training that had stopped would go on when it is started again.
register_checkpoint_hooks(EpochCounterWithStopper)


def prepare_stopper(epoch_counter, selection, direction):
    """Readies an epoch counter to stop by what checkpoints are selected by.

    Arguments
    ---------
    epoch_counter : iterable
        The epochs. Only an ``EpochCounterWithStopper`` stops early.
    selection : str
        The statistic that checkpoints are selected by.
    direction : str
        "max" where its highest value is the best, "min" for the lowest.

    Returns
    -------
    callable
        To be called with the statistic after each epoch.

    Raises
    ------
    ValueError
        If the counter takes the other direction for the better one, or the
        last epoch is always taken for the best.

    Example
    -------
    >>> counter = EpochCounterWithStopper(
    ...     limit=9, limit_to_stop=2, limit_warmup=0, direction="max"
    ... )
    >>> update = prepare_stopper(counter, "UAR", "max")
    >>> for epoch in counter:
    ...     update(0.5)
    >>> epoch
    3
    """
    if not isinstance(epoch_counter, EpochCounterWithStopper):
        return lambda statistic: None
    if selection == "epoch":
        raise ValueError(
            "selection: the last epoch is always the best, so that nothing "
            "would stop early; use an EpochCounter, or select by UAR or loss"
        )
    if epoch_counter.direction != direction:
        raise ValueError(
            f"epoch_counter: its direction is '{epoch_counter.direction}', "
            f"but checkpoints are selected by {selection}: write '{direction}'"
        )
    # With the margin it comes with, a maximum that is reached again counts
    # as a better one, and training never stops.
    epoch_counter.min_delta = 0
    return epoch_counter.update_metric
