"""Which parameters are trained, and when."""

import torch


def split_parameters(model):
    """Separates the trainable parameters of pretrained encoder and head.

    Arguments
    ---------
    model : EmotionModel
        Its pretrained parts are the ``model`` of each of
        ``model.embedding_model.encoders``.

    Returns
    -------
    head : list of torch.nn.Parameter
        All that are not the pretrained part's, a learned mixture of the
        encoder's layers included.
    encoder : list of torch.nn.Parameter
        The pretrained part's that are not frozen.

    Example
    -------
    >>> from torch import nn
    >>> from speechbrain_emotion.lobes.embedding import SpeechEmbedding
    >>> from speechbrain_emotion.lobes.emotion_model import EmotionModel
    >>> from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
    >>> encoder = W2VBertEncoder(
    ...     config={"hidden_size": 16, "num_hidden_layers": 1}, freeze=True
    ... )
    >>> model = EmotionModel(
    ...     SpeechEmbedding(encoder, nn.Identity()), nn.Linear(16, 7)
    ... )
    >>> [len(group) for group in split_parameters(model)]
    [2, 0]
    """
    encoder = {
        id(parameter)
        for pretrained in model.embedding_model.encoders
        for parameter in pretrained.model.parameters()
    }
    trainable = [p for p in model.parameters() if p.requires_grad]
    return (
        [p for p in trainable if id(p) not in encoder],
        [p for p in trainable if id(p) in encoder],
    )


class EncoderFreeze:
    """Keeps pretrained encoders as they are for some epochs.

    Meanwhile they run in evaluation mode and get no gradients, so that none
    pile up for the first step afterwards. What is frozen for good, or
    besides LoRA's adapters, stays so.

    Arguments
    ---------
    encoders : list of PretrainedEncoder
        The encoders.
    n_epochs : int
        How many epochs they are frozen for, from the first one on.

    Example
    -------
    >>> from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
    >>> encoder = W2VBertEncoder(
    ...     config={"hidden_size": 16, "num_hidden_layers": 1}
    ... )
    >>> freeze = EncoderFreeze([encoder], n_epochs=1)
    >>> freeze.set_epoch(1)
    >>> encoder.train().model.training
    False
    >>> freeze.set_epoch(2)
    >>> encoder.train().model.training
    True
    """

    def __init__(self, encoders, n_epochs):
        self.n_epochs = n_epochs
        self.active = False
        self.parameters = {
            encoder: [p for p in encoder.model.parameters() if p.requires_grad]
            for encoder in encoders
        }

    def set_epoch(self, epoch):
        """Freezes the encoders or lets them go.

        Arguments
        ---------
        epoch : int
            The epoch that begins; the first is 1.
        """
        self._set(epoch <= self.n_epochs)

    def release(self):
        """Lets the encoders go."""
        self._set(False)

    def _set(self, active):
        """Freezes the encoders or lets them go."""
        if active == self.active:
            return
        self.active = active
        for encoder, parameters in self.parameters.items():
            if not parameters:
                continue  # frozen for good
            encoder.freeze = active
            for parameter in parameters:
                parameter.requires_grad_(not active)
                parameter.grad = None


def clip_gradients(optimizer, limit):
    """Scales the gradients of an optimizer down to a norm.

    SpeechBrain does so with the first parameter group only, and turns the
    gradients round where the limit is negative.

    Arguments
    ---------
    optimizer : torch.optim.Optimizer
        All its parameters make one norm.
    limit : float
        The norm that they may have; negative for any.

    Example
    -------
    >>> a, b = torch.zeros(1, requires_grad=True), torch.zeros(1)
    >>> optimizer = torch.optim.SGD([{"params": [a]}, {"params": [b]}], lr=1)
    >>> a.grad, b.grad = torch.tensor([3.0]), torch.tensor([4.0])
    >>> clip_gradients(optimizer, 1.0)
    >>> a.grad, b.grad
    (tensor([0.6000]), tensor([0.8000]))
    """
    if limit < 0:
        return
    parameters = [
        parameter
        for group in optimizer.param_groups
        for parameter in group["params"]
    ]
    torch.nn.utils.clip_grad_norm_(parameters, limit)
