"""What the interface answers for one utterance."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The emotion recognised in one utterance.

    A score is the model's probability for a label among the labels it knows.
    It is an estimate of how the utterance sounds to listeners, not a fact
    about what the speaker feels.

    Arguments
    ---------
    label : str or None
        The label with the highest score; None where the input failed.
    score : float or None
        The probability of that label.
    scores : dict
        Probability of every label, in the model's order; they sum to 1.
    source : str or None
        The file, where the input was one.
    error : str or None
        Why the input could not be answered, otherwise None.

    Example
    -------
    >>> p = Prediction.from_scores({"happy": 0.75, "sad": 0.25})
    >>> p.label, p.score
    ('happy', 0.75)
    """

    label: str | None
    score: float | None
    scores: dict[str, float]
    source: str | None = None
    error: str | None = None

    @classmethod
    def from_scores(cls, scores, source=None):
        """Builds a prediction from the probability of every label.

        Arguments
        ---------
        scores : dict
            Label -> probability.
        source : str
            The file, where the input was one.

        Returns
        -------
        Prediction
        """
        label = max(scores, key=scores.get)
        return cls(label, scores[label], scores, source)

    @classmethod
    def failed(cls, error, source=None):
        """Records an input that could not be answered.

        Arguments
        ---------
        error : str
            What is wrong with it and what to do.
        source : str
            The file, where the input was one.

        Returns
        -------
        Prediction
        """
        return cls(None, None, {}, source, error)

    def to_dict(self):
        """Gives the fields as a plain dictionary, e.g. for JSON."""
        return dataclasses.asdict(self)
