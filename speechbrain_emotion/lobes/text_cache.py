"""What a frozen model made of the texts that it has read."""

from collections import OrderedDict
from itertools import chain


class TextCache:
    """Keeps the vectors of the texts that a model read last.

    They hold for one state of the model: as soon as one of its tensors was
    changed, replaced or moved, all are forgotten. What is changed behind
    torch's back, through ``tensor.data``, is not noticed.

    Arguments
    ---------
    limit : int
        Number of texts. When there are more, the one that was not asked for
        the longest is forgotten.

    Raises
    ------
    ValueError
        If the limit is less than 1.

    Example
    -------
    >>> import torch
    >>> model = torch.nn.Linear(1, 1)
    >>> cache, read = TextCache(limit=2), []
    >>> def encode(key):
    ...     read.append(key)
    ...     return torch.zeros(1, 1)
    >>> for keys in ["ab", "ba", "ac", "b"]:
    ...     _ = cache.look_up(keys, model, encode)
    >>> read
    ['a', 'b', 'c', 'b']
    """

    def __init__(self, limit):
        if limit < 1:
            raise ValueError(
                f"limit={limit}: a cache holds at least 1 text; set "
                "cached_texts to 0 for none"
            )
        self.limit = limit
        self.vectors = OrderedDict()
        self.state = None

    def look_up(self, keys, model, encode):
        """Gives the vectors of texts; those that are not known are computed.

        Arguments
        ---------
        keys : iterable
            For each text all that its vectors depend on, hashable.
        model : torch.nn.Module
            The model that the vectors come from.
        encode : callable
            ``key -> vectors``, called for one text at a time.

        Returns
        -------
        list of torch.Tensor
            The vectors of each text, on the CPU.
        """
        state = _state(model)
        if state != self.state:
            self.forget()
            self.state = state
        return [self._look_up(key, encode) for key in keys]

    def forget(self):
        """Forgets all texts."""
        self.vectors.clear()

    def _look_up(self, key, encode):
        """Gives the vectors of one text."""
        if key not in self.vectors:
            # A copy: a view would keep all that it was cut from.
            self.vectors[key] = encode(key).cpu().clone()
        self.vectors.move_to_end(key)
        if len(self.vectors) > self.limit:
            self.vectors.popitem(last=False)
        return self.vectors[key]


def _state(model):
    """Changes with the tensors of a model, without reading them."""
    return [
        # torch counts what is done to a tensor in place.
        (tensor.data_ptr(), tensor._version, tensor.dtype, tensor.device)
        for tensor in chain(model.parameters(), model.buffers())
    ]
