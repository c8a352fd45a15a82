"""What the interface answers for one utterance."""

import dataclasses

from speechbrain_emotion.dataio.transcript import Transcript


@dataclasses.dataclass(frozen=True)
class Segment:
    """The emotion recognised in a part of an utterance.

    Arguments
    ---------
    start : float
        Where it starts, in seconds.
    end : float
        Where it ends, in seconds.
    label : str or None
        The label with the highest score; None where there is nothing to
        answer from: silence, or nothing said for a model that only reads.
    score : float or None
        The probability of that label.
    scores : dict
        Probability of every label, in the model's order.
    text : str or None
        What is said in it, where that is known.
    modalities : tuple of str
        What the answer comes from: "speech", "text" or both.
    """

    start: float
    end: float
    label: str | None
    score: float | None
    scores: dict[str, float]
    text: str | None = None
    modalities: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The emotion recognised in one utterance.

    A score is the model's probability for a label among the labels it knows.
    It is an estimate of how the utterance sounds to listeners or reads, not
    a fact about what the speaker feels.

    Arguments
    ---------
    label : str or None
        The label with the highest score; None where the input failed.
    score : float or None
        The probability of that label.
    scores : dict
        Probability of every label, in the model's order; they sum to 1.
    source : str or None
        The audio file, where there was one.
    text : str or None
        The text that was read, where there was one.
    modalities : tuple of str
        What the answer comes from: "speech", "text" or both. A model of both
        answers from one where the other is missing.
    transcript : Transcript or None
        The text with the times of its words, where they are known. An empty
        one says that nothing was understood.
    transcribed : bool
        Whether the text was transcribed, and not given.
    enrolled : int
        Of how many utterances the speaker's profile is that the answer was
        adapted by; 0 where there was none, or nothing was heard.
    segments : tuple of Segment
        The parts of the utterance, where they were asked for.
    error : str or None
        Why the input could not be answered, otherwise None.

    Example
    -------
    >>> p = Prediction.from_scores({"happy": 0.75, "sad": 0.25}, text="Oh!")
    >>> p.label, p.score, p.text
    ('happy', 0.75, 'Oh!')
    """

    label: str | None
    score: float | None
    scores: dict[str, float]
    source: str | None = None
    text: str | None = None
    modalities: tuple[str, ...] = ()
    transcript: Transcript | None = None
    transcribed: bool = False
    enrolled: int = 0
    segments: tuple[Segment, ...] = ()
    error: str | None = None

    @classmethod
    def from_scores(cls, scores, **fields):
        """Builds a prediction from the probability of every label.

        Arguments
        ---------
        scores : dict
            Label -> probability.
        **fields
            Any of ``source``, ``text``, ``modalities``, ``transcript``,
            ``transcribed``, ``enrolled`` and ``segments``.

        Returns
        -------
        Prediction
        """
        label = max(scores, key=scores.get)
        return cls(label, scores[label], scores, **fields)

    @classmethod
    def failed(cls, error, **fields):
        """Records an input that could not be answered.

        Arguments
        ---------
        error : str
            What is wrong with it and what to do.
        **fields
            ``source``, ``text``.

        Returns
        -------
        Prediction
        """
        return cls(None, None, {}, error=error, **fields)

    def to_dict(self):
        """Gives the fields as a plain dictionary, e.g. for JSON."""
        return dataclasses.asdict(self)
