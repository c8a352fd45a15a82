"""What a wrong answer costs in training: label masks and class weights."""

import copy
from collections import Counter

import torch
from torch import nn


def label_masks(utterances, labels):
    """Marks for each utterance the labels that its corpus has.

    Arguments
    ---------
    utterances : dict
        Id -> manifest entry with ``corpus`` and ``emo``.
    labels : list of str
        All labels, in index order.

    Returns
    -------
    dict
        Id -> mask, [n_classes], True where the corpus has the label.

    Example
    -------
    >>> masks = label_masks(
    ...     {
    ...         "a": {"corpus": "ISEAR", "emo": "sad"},
    ...         "b": {"corpus": "MELD", "emo": "neutral"},
    ...     },
    ...     ["neutral", "sad"],
    ... )
    >>> masks["a"]
    tensor([False,  True])
    """
    found = {(entry["corpus"], entry["emo"]) for entry in utterances.values()}
    masks = {
        corpus: torch.tensor([(corpus, label) in found for label in labels])
        for corpus, _ in found
    }
    return {id: masks[entry["corpus"]] for id, entry in utterances.items()}


def class_weights(utterances, labels, power):
    """Weighs classes by how rare they are.

    The weight of a class of n utterances is in proportion to n ** -power, and
    1 on average over the utterances.

    Arguments
    ---------
    utterances : dict
        Id -> manifest entry with ``emo``.
    labels : list of str
        All labels, in index order.
    power : float
        0 for no weights, 1 for classes that count as much as each other
        whatever their size, 0.5 for in between.

    Returns
    -------
    torch.Tensor
        [n_classes]; 0 for a class without utterances.

    Example
    -------
    >>> utterances = {
    ...     "a": {"emo": "sad"},
    ...     "b": {"emo": "sad"},
    ...     "c": {"emo": "sad"},
    ...     "d": {"emo": "happy"},
    ... }
    >>> class_weights(utterances, ["happy", "sad"], power=1)
    tensor([2.0000, 0.6667])
    """
    found = Counter(entry["emo"] for entry in utterances.values())
    counts = torch.tensor([float(found[label]) for label in labels])
    weights = torch.where(counts > 0, counts**-power, 0.0)
    return weights * counts.sum() / (weights * counts).sum()


def weighted_cost(compute_cost, weights):
    """Gives a cross-entropy weights of its classes.

    torch's own divides by the sum of the weights in a batch, in which a rare
    class hardly counts where batches are small. Here it is the number of
    utterances, so that accumulated gradients are those of a large batch.

    Arguments
    ---------
    compute_cost : torch.nn.CrossEntropyLoss
        Without weights; it is not changed.
    weights : torch.Tensor
        Weight of each class, [n_classes].

    Returns
    -------
    callable
        ``(logits [batch, n_classes], index [batch]) -> loss``.

    Raises
    ------
    ValueError
        If the cost is another one, or has weights already.

    Example
    -------
    >>> cost = weighted_cost(nn.CrossEntropyLoss(), torch.tensor([2.0, 0.5]))
    >>> cost(torch.zeros(2, 2), torch.tensor([0, 1])) / torch.tensor(2).log()
    tensor(1.2500)
    """
    if (
        not isinstance(compute_cost, nn.CrossEntropyLoss)
        or compute_cost.weight is not None
        or compute_cost.reduction != "mean"
    ):
        raise ValueError(
            "class_weight_power needs compute_cost to be a "
            "torch.nn.CrossEntropyLoss without weight and reduction; set "
            "class_weight_power to 0 for another one"
        )
    total = copy.deepcopy(compute_cost)
    total.reduction, total.weight = "sum", weights
    return lambda logits, index: total(logits, index) / len(index)
