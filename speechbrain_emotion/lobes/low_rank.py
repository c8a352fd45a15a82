"""Low-rank layers in a pretrained model."""

from fnmatch import fnmatch

from torch import nn

from speechbrain_emotion.nnet.low_rank import low_rank_layer


def insert_low_rank(model, ranks):
    """Replaces layers of a model by untrained low-rank ones.

    Arguments
    ---------
    model : torch.nn.Module
        Changed in place.
    ranks : dict
        Wildcard of layer names -> rank. Linear layers and one-dimensional
        convolutions can be replaced; the first wildcard that matches counts.

    Returns
    -------
    torch.nn.Module
        The model.

    Raises
    ------
    ValueError
        If a wildcard matches no such layer.

    Example
    -------
    >>> model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))
    >>> insert_low_rank(model, {"0": 3})
    Sequential(
      (0): Sequential(
        (0): Linear(in_features=8, out_features=3, bias=False)
        (1): Linear(in_features=3, out_features=8, bias=True)
      )
      (1): Linear(in_features=8, out_features=2, bias=True)
    )
    """
    layers = {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv1d)
    }
    used = set()
    for name, layer in layers.items():
        for wildcard, rank in ranks.items():
            if fnmatch(name, wildcard):
                model.set_submodule(name, low_rank_layer(layer, rank))
                used.add(wildcard)
                break
    unused = [wildcard for wildcard in ranks if wildcard not in used]
    if unused:
        raise ValueError(
            f"low_rank: {unused} match no layer. Names look like "
            f"{', '.join(list(layers)[:4])}."
        )
    return model
