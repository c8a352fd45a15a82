"""Classification head."""

import torch
from torch import nn


class TanhHead(nn.Module):
    """The head of the published UMUTeam models: dense, tanh, projection.

    Dropout comes before each of the two linear layers, as in the
    classification heads of RoBERTa and of Wav2Vec2.

    Reference: Pan et al., SoftwareX 34, 2026, 102677.

    Arguments
    ---------
    input_size : int
        Dimension of the utterance embedding.
    n_classes : int
        Number of labels.
    hidden_size : int
        Width of the dense layer; by default that of the input.
    dropout : float
        Dropout probability, in training only.

    Example
    -------
    >>> head = TanhHead(input_size=16, n_classes=7)
    >>> head(torch.rand(2, 16)).shape
    torch.Size([2, 7])
    """

    def __init__(self, input_size, n_classes, hidden_size=None, dropout=0.3):
        super().__init__()
        hidden_size = hidden_size or input_size
        self.n_classes = n_classes
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(input_size, hidden_size)
        self.out_proj = nn.Linear(hidden_size, n_classes)

    def forward(self, x):
        """Maps embeddings to logits.

        Arguments
        ---------
        x : torch.Tensor
            Embeddings, [batch, input_size].

        Returns
        -------
        torch.Tensor
            Logits, [batch, n_classes].
        """
        x = torch.tanh(self.dense(self.dropout(x)))
        return self.out_proj(self.dropout(x))


class LinearHead(nn.Module):
    """Standardisation and one linear layer: logistic regression.

    Each dimension is brought to mean 0 and variance 1 by the statistics of
    the training data. With a strong weight decay this is the head that
    changes least between corpora.

    Arguments
    ---------
    input_size : int
        Dimension of the utterance embedding.
    n_classes : int
        Number of labels.
    dropout : float
        Dropout probability, in training only.
    standardize : bool
        Whether the embeddings still need standardisation.

    Example
    -------
    >>> head = LinearHead(input_size=16, n_classes=7).eval()
    >>> head(torch.rand(2, 16)).shape
    torch.Size([2, 7])
    """

    def __init__(self, input_size, n_classes, dropout=0.0, standardize=True):
        super().__init__()
        self.n_classes = n_classes
        # momentum=None: the statistics are averages over all batches.
        self.standardize = (
            nn.BatchNorm1d(input_size, affine=False, momentum=None)
            if standardize
            else nn.Identity()
        )
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(input_size, n_classes)

    def forward(self, x):
        """Maps embeddings to logits.

        Arguments
        ---------
        x : torch.Tensor
            Embeddings, [batch, input_size].

        Returns
        -------
        torch.Tensor
            Logits, [batch, n_classes].
        """
        return self.out_proj(self.dropout(self.standardize(x)))
