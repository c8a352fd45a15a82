"""A bounded cache of what is slow to make, for several threads."""

import threading
from collections import OrderedDict
from concurrent.futures import Future


class Kept:
    """Makes each thing once, and keeps those that were used last.

    ``functools.lru_cache`` makes a thing twice if two threads ask for it at
    once. Here the second waits for the first, and who asks for another thing
    does not wait. What fails is not kept.

    Arguments
    ---------
    make : callable
        Makes a thing from hashable arguments.
    size : int
        Number of things to keep.

    Example
    -------
    >>> squares = Kept(lambda x: print("computed") or x * x, size=2)
    >>> squares(3), squares(3)
    computed
    (9, 9)
    """

    def __init__(self, make, size):
        self.make = make
        self.size = size
        self.lock = threading.Lock()
        self.futures = OrderedDict()

    def __call__(self, *key):
        """Gives what belongs to the arguments.

        Arguments
        ---------
        *key
            Arguments of ``make``.

        Returns
        -------
        object
        """
        with self.lock:
            future = self.futures.get(key)
            is_new = future is None
            if is_new:
                future = self.futures[key] = Future()
            self.futures.move_to_end(key)
            while len(self.futures) > self.size:
                self.futures.popitem(last=False)
        if is_new:
            self._fill(future, key)
        return future.result()

    def clear(self):
        """Forgets everything."""
        with self.lock:
            self.futures.clear()

    def _fill(self, future, key):
        """Makes the thing that others may be waiting for."""
        try:
            future.set_result(self.make(*key))
        # Also Ctrl-C: nobody may wait for ever.
        except BaseException as error:
            with self.lock:
                self.futures.pop(key, None)
            future.set_exception(error)
