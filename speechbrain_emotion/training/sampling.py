"""Balanced sampling of training utterances."""

from collections import Counter

from speechbrain.dataio.sampler import ReproducibleWeightedRandomSampler


def balanced_sampler(
    dataset, by, num_samples, seed, weights=None, equal=None, power=1.0
):
    """Draws utterances so that all groups come equally often.

    Arguments
    ---------
    dataset : speechbrain.dataio.dataset.DynamicItemDataset
        Its manifest has the keys named in ``by``.
    by : list of str
        Keys whose values make a group, e.g. ["corpus", "emo"].
    num_samples : int
        Number of utterances in an epoch, drawn with replacement.
    seed : int
        Seed of the draw; each epoch draws anew.
    weights : dict
        How often the groups of a value of the first key come, relative to the
        others, e.g. {"TESS": 0.5}; by default all the same.
    equal : str
        Key whose values come equally often over all groups, e.g. "emo" where
        not every corpus has every emotion; by default none.
    power : float
        1 to balance the groups in full, 0 to draw each as often as it is in
        the corpus. In between a group of n utterances is drawn in proportion
        to n ** (1 - power).

    Raises
    ------
    ValueError
        If ``weights`` names a value that no utterance has.

    Returns
    -------
    speechbrain.dataio.sampler.ReproducibleWeightedRandomSampler

    Example
    -------
    >>> from speechbrain.dataio.dataset import DynamicItemDataset
    >>> data = {str(i): {"emo": "sad" if i else "happy"} for i in range(9)}
    >>> dataset = DynamicItemDataset(data)
    >>> sampler = balanced_sampler(dataset, ["emo"], 1000, seed=0)
    >>> 400 < list(sampler).count(0) < 600
    True
    """
    items = [dataset.data[id] for id in dataset.data_ids]
    groups = [tuple(item[key] for key in by) for item in items]
    count = Counter(groups)
    share = weights or {}
    unknown = set(share) - {group[0] for group in count}
    if unknown:
        raise ValueError(
            f"weights: no utterance has {by[0]} {', '.join(sorted(unknown))}"
        )
    drawn = [
        share.get(group[0], 1.0) / count[group] ** power for group in groups
    ]
    if equal is not None:
        total = Counter()
        for item, weight in zip(items, drawn):
            total[item[equal]] += weight
        drawn = [w / total[item[equal]] for item, w in zip(items, drawn)]
    return ReproducibleWeightedRandomSampler(
        drawn, num_samples, replacement=True, seed=seed
    )
