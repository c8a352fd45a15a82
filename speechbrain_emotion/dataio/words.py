"""Words, their times, and their places in a text."""

import dataclasses
import math
import numbers


class TextError(ValueError):
    """A text that cannot be used; the message says why."""


@dataclasses.dataclass(frozen=True)
class Word:
    """A word of a transcript.

    Arguments
    ---------
    text : str
        The word as it stands in the text, with punctuation.
    start : float
        Where it starts in the audio, in seconds.
    end : float
        Where it ends, in seconds.
    confidence : float
        How sure the transcriber is of it, between 0 and 1.

    Raises
    ------
    TextError
        If there is no text, or if times or confidence cannot be.

    Example
    -------
    >>> Word(" Oh!", 0.2, 0.5)  # spaces around it do not belong to it
    Word(text='Oh!', start=0.2, end=0.5, confidence=1.0)
    >>> Word("Oh!", 0.5, 0.2)
    Traceback (most recent call last):
    ...
    speechbrain_emotion.dataio.words.TextError: the word 'Oh!' ends ...
    """

    text: str
    start: float
    end: float
    confidence: float = 1.0

    def __post_init__(self):
        if not isinstance(self.text, str) or not self.text.strip():
            raise TextError(f"a word of a transcript is {self.text!r}")
        object.__setattr__(self, "text", self.text.strip())
        for name in ("start", "end", "confidence"):
            value = getattr(self, name)
            # Also those of numpy.
            if not isinstance(value, numbers.Real):
                raise TextError(
                    f"the {name} of the word '{self.text}' is {value!r}: give "
                    "a number"
                )
            object.__setattr__(self, name, float(value))
        if not 0 <= self.start <= self.end < math.inf:
            raise TextError(
                f"the word '{self.text}' ends at {self.end:g} s and starts at "
                f"{self.start:g} s: give 0 <= start <= end, in seconds"
            )
        if not 0 <= self.confidence <= 1:
            raise TextError(
                f"the word '{self.text}' has a confidence of "
                f"{self.confidence:g}: give 0 to 1"
            )


def find_words(words, text):
    """Finds words in a text, one behind the other.

    Arguments
    ---------
    words : list of Word
        The words.
    text : str
        What they are in.

    Returns
    -------
    list of tuple of int
        For each its first character, and the one behind its last.

    Raises
    ------
    TextError
        If one is not there, or not in its place.

    Example
    -------
    >>> find_words([Word("a", 0.0, 0.2), Word("cat", 0.2, 0.5)], "had a cat!")
    [(4, 5), (6, 9)]
    """
    try:
        # Not letters within another word, if words stand apart at all.
        return _search(words, text, _stands_alone)
    except TextError:
        return _search(words, text, lambda *_: True)


def _search(words, text, accept):
    """Finds words at places that are accepted."""
    offsets, position = [], 0
    for word in words:
        first = text.find(word.text, position)
        end = first + len(word.text)
        while first >= 0 and not accept(text, first, end):
            first = text.find(word.text, first + 1)
            end = first + len(word.text)
        if first < 0:
            raise TextError(
                f"the word '{word.text}' at {word.start:g} s is not in its "
                "place in the text: the words must be those of the text, in "
                "the same order"
            )
        offsets.append((first, end))
        position = end
    return offsets


def _stands_alone(text, first, end):
    """Whether some characters are no part of a longer word."""
    before, behind = text[first - 1 : first], text[end : end + 1]
    inside = (before + text[first]).isalnum() and bool(before)
    goes_on = (text[end - 1] + behind).isalnum() and bool(behind)
    return not (inside or goes_on)
