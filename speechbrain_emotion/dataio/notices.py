"""What a reader of results must know of how the clips came about.

Readers and splits say it in the log, where it is soon forgotten. Preparation
also collects it for the record of the split, so that cards and tables say it.
"""

from contextlib import contextmanager
from contextvars import ContextVar

_collected = ContextVar("notices", default=None)


def notice(logger, message):
    """Logs a warning that also belongs into the record of a split.

    Arguments
    ---------
    logger : logging.Logger
        Where to log it.
    message : str
        One sentence, for readers of results.

    Example
    -------
    >>> import logging
    >>> with collected_notices() as notices:
    ...     notice(logging.getLogger("mine"), "Half of the clips are missing.")
    >>> notices
    ['Half of the clips are missing.']
    """
    logger.warning(message)
    if (notices := _collected.get()) is not None:
        notices.append(message)


@contextmanager
def collected_notices():
    """Collects the notices that are given meanwhile.

    Yields
    ------
    list of str
        The notices so far, in their order.
    """
    notices = []
    token = _collected.set(notices)
    try:
        yield notices
    finally:
        _collected.reset(token)
