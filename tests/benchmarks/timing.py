"""Times of functions that do the same work in different ways."""

import time

import torch


@torch.no_grad()
def race(contestants, setting, warm_up=True):
    """Calls functions in turn, so that a busy machine hits all alike.

    Takes name -> function. Gives two dicts: name -> what the function gave,
    and name -> seconds of each round. Every second round goes backwards.
    """
    names = list(contestants)
    outputs, times = {}, {name: [] for name in names}
    if warm_up:
        outputs = {name: contestants[name]() for name in names}
    for _ in range(setting.repeats):
        for name in names:
            setting.wait()
            start = time.perf_counter()
            output = contestants[name]()
            setting.wait()
            times[name].append(time.perf_counter() - start)
            outputs.setdefault(name, output)
            del output
        names.reverse()
    return outputs, times


def compare(times, baseline, ours):
    """Columns that compare two contestants; the fastest round counts."""
    theirs, mine = min(times[baseline]), min(times[ours])
    return {
        "transformers (s)": theirs,
        "ours (s)": mine,
        "ratio": theirs / mine,
    }


def difference(x, y):
    """The largest absolute difference between two tensors.

    Transformers pads an odd last frame to a pair, and masks it: of sequences
    the common length is compared.
    """
    steps = min(x.shape[1], y.shape[1])
    return float((x[:, :steps].float() - y[:, :steps].float()).abs().max())
