"""Pieces of encoded utterances, pooled one by one."""

import torch
from torch.nn.utils.rnn import pad_sequence

from speechbrain_emotion.nnet.lengths import true_lengths

MAX_PIECES = 64  # in a group


def pad_steps(sequences):
    """Pads sequences of steps with zeros, to at least one step.

    Arguments
    ---------
    sequences : list of torch.Tensor
        Each [steps, ...]; there may be no step.

    Returns
    -------
    padded : torch.Tensor
        [batch, steps, ...].
    lens : torch.Tensor
        Relative lengths, [batch].

    Example
    -------
    >>> padded, lens = pad_steps([torch.ones(2, 3), torch.ones(0, 3)])
    >>> padded.shape, lens
    (torch.Size([2, 2, 3]), tensor([1., 0.]))
    """
    padded = pad_sequence(sequences, batch_first=True)
    if padded.shape[1] == 0:
        padded = padded.new_zeros(len(padded), 1, *padded.shape[2:])
    counts = torch.tensor([len(steps) for steps in sequences])
    return padded, (counts / padded.shape[1]).to(padded.device)


def cut_pieces(frames, frame_lens, spans=None, together=False):
    """Cuts the rows of a batch into pieces, padded in groups.

    Pieces of similar length come together, so that the frames of no group
    take more memory than those of the batch, however many pieces there are;
    nor are there many in a group, as each may have a text.

    Arguments
    ---------
    frames : torch.Tensor
        [batch, frames, dim].
    frame_lens : torch.Tensor
        Relative lengths, [batch].
    spans : list of list of slice
        For each row its pieces, which may overlap or be empty. None: each
        row is one piece, and all are one group.
    together : bool
        Whether all are one group in any case: in training, where batch
        normalisation must see them all.

    Yields
    ------
    indexes : list of int
        Which pieces these are, counted row after row.
    pieces : torch.Tensor
        Their frames, [pieces, frames, dim].
    piece_lens : torch.Tensor
        Their relative lengths, [pieces].

    Example
    -------
    >>> frames = torch.arange(8.0).view(2, 4, 1)
    >>> spans = [[slice(0, 4), slice(1, 2)], [slice(2, 4)]]
    >>> for indexes, pieces, lens in cut_pieces(frames, torch.ones(2), spans):
    ...     print(indexes, pieces.flatten(1), lens)
    [0, 2] tensor([[0., 1., 2., 3.],
            [6., 7., 0., 0.]]) tensor([1.0000, 0.5000])
    [1] tensor([[1.]]) tensor([1.])
    """
    if spans is None:
        yield list(range(len(frames))), frames, frame_lens
        return
    counts = true_lengths(frame_lens, frames.shape[1]).tolist()
    pieces = [
        row[:count][span]
        for row, count, slices in zip(frames, counts, spans, strict=True)
        for span in slices
    ]
    # The order is stable: the longest first.
    order = sorted(range(len(pieces)), key=lambda i: -len(pieces[i]))
    if together:
        yield order, *pad_steps([pieces[i] for i in order])
        return
    while order:
        longest = max(1, len(pieces[order[0]]))
        size = min(len(frames) * frames.shape[1] // longest, MAX_PIECES)
        group, order = order[:size], order[size:]
        yield group, *pad_steps([pieces[i] for i in group])


def join_pieces(groups):
    """Brings what was made of groups of pieces back into their order.

    Arguments
    ---------
    groups : iterable of (list of int, torch.Tensor)
        Indexes of pieces and one vector for each, [pieces, dim].

    Returns
    -------
    torch.Tensor
        The vectors of all pieces, [pieces, dim].

    Example
    -------
    >>> groups = [([2, 0], torch.tensor([[2], [0]])), ([1], torch.ones(1, 1))]
    >>> join_pieces(groups).flatten()
    tensor([0., 1., 2.])
    """
    indexes, vectors = zip(*groups)
    order = torch.tensor([i for group in indexes for i in group])
    joined = torch.cat(vectors)
    return joined[order.argsort().to(joined.device)]
