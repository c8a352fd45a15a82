"""Shares of what may be nothing."""

import numpy as np


def ratio(part, whole):
    """Divides, with 0 where the whole is 0.

    Arguments
    ---------
    part : numpy.ndarray
        Any shape.
    whole : numpy.ndarray
        A shape that broadcasts with it.

    Returns
    -------
    numpy.ndarray

    Example
    -------
    >>> ratio([1, 0], [2, 0]).tolist()
    [0.5, 0.0]
    """
    part, whole = np.broadcast_arrays(part, whole)
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
