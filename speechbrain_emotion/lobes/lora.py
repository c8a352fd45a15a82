"""LoRA adapters for the linear layers of a pretrained model.

Reference: https://arxiv.org/abs/2106.09685
"""

from fnmatch import fnmatch

from torch import nn

from speechbrain.nnet.adapters import AdaptedModel, LoRA


def insert_lora(model, rank, target_layers, alpha=1.0):
    """Freezes a model and adds LoRA adapters to some of its linear layers.

    Reference: https://arxiv.org/abs/2106.09685

    Arguments
    ---------
    model : torch.nn.Module
        The model; its layers are replaced in place.
    rank : int
        Rank of the adapters.
    target_layers : str or list of str
        Wildcards of names; every ``torch.nn.Linear`` they match is adapted.
    alpha : float
        The adapters' output is scaled by alpha / rank.

    Returns
    -------
    torch.nn.Module
        The model.

    Raises
    ------
    ValueError
        If no linear layer matches.

    Example
    -------
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    >>> model = insert_lora(model, rank=2, target_layers=["1"])
    >>> [name for name, p in model.named_parameters() if p.requires_grad]
    ['1.adapter_down_proj.weight', '1.adapter_up_proj.weight']
    """
    if isinstance(target_layers, str):
        target_layers = [target_layers]
    linear = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
    ]
    targets = [
        name
        for name in linear
        if any(fnmatch(name, wildcard) for wildcard in target_layers)
    ]
    if not targets:
        raise ValueError(
            f"LoRA: {target_layers} matches no linear layer, nothing would "
            f"be trained. Names look like {', '.join(linear[:3])}."
        )
    # The layers are replaced in place. The wrapper itself is not kept, so
    # that the model remains a standard Hugging Face one.
    return AdaptedModel(
        model_to_adapt=model,
        adapter_class=LoRA,
        target_layers=targets,
        adapter_kwargs={"rank": rank, "alpha": alpha},
    ).adapted_model
