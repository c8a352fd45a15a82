"""What is said in an utterance, and when."""

import bisect
import dataclasses
import functools
import itertools
import math
import re

# Words may end a little behind the audio, whose length is rounded.
TOLERANCE = 0.02  # seconds
SENTENCE_END = re.compile(r"[.!?…。！？]['\"”’»)\]]*$")
PAUSE_SECONDS = 1.0  # ends a sentence that has no full stop
SENTENCE_SECONDS = 30.0  # so that no text encoder has to cut one


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
    """

    text: str
    start: float
    end: float
    confidence: float = 1.0


@dataclasses.dataclass(frozen=True)
class Transcript:
    """What is said in an utterance, with the times of its words if known.

    Arguments
    ---------
    text : str
        All that is said; empty where there is no speech.
    words : tuple of Word
        Its words in order. Without them the text has no times.
    language : str or None
        Code of the language, e.g. "en".

    Attributes
    ----------
    offsets : list of tuple of int
        Where each word stands in the text: its first character, and the one
        behind its last.

    Raises
    ------
    TextError
        If a word is not in the text, or if times or confidences of words
        cannot be.

    Example
    -------
    >>> words = [Word("Oh!", 0.2, 0.5, 0.9), Word("Kids.", 0.7, 1.1, 0.7)]
    >>> transcript = Transcript("Oh! Kids.", words)
    >>> [(s.start, s.end, s.text) for s in transcript.sentences]
    [(0.2, 0.5, 'Oh!'), (0.7, 1.1, 'Kids.')]
    >>> transcript.passage(0.6, 1.0).text
    'Kids.'
    >>> Transcript("Oh!", [Word("Oh!", 0.5, 0.2)])
    Traceback (most recent call last):
    ...
    speechbrain_emotion.dataio.transcript.TextError: the word 'Oh!' ends ...
    """

    text: str
    words: tuple[Word, ...] = ()
    language: str | None = None

    def __post_init__(self):
        object.__setattr__(self, "words", tuple(self.words))
        if not isinstance(self.text, str):
            raise TextError(
                f"the text of a transcript is {self.text!r}: give a string"
            )
        for word in self.words:
            _check_word(word)
        for before, word in itertools.pairwise(self.words):
            if word.start < before.end - 1e-6:
                raise TextError(
                    f"the words '{before.text}' and '{word.text}' overlap: "
                    f"one ends at {before.end:g} s, the next starts at "
                    f"{word.start:g} s; give words in order of time"
                )
        object.__setattr__(self, "offsets", _find_words(self.words, self.text))

    @classmethod
    def from_dict(cls, content):
        """Makes a transcript of what ``to_dict`` gives.

        Arguments
        ---------
        content : dict
            ``text``, ``words`` and ``language``, of which the text may be
            left out where there are words.

        Returns
        -------
        Transcript

        Raises
        ------
        TextError
            If it is in another form, or as the constructor.

        Example
        -------
        >>> word = {"text": "Oh!", "start": 0.2, "end": 0.5}
        >>> Transcript.from_dict({"words": [word]}).text
        'Oh!'
        """
        form = (
            'a transcript is {"text": ..., "words": [{"text": ..., "start": '
            'seconds, "end": seconds, "confidence": 0 to 1}]}'
        )
        try:
            words = [Word(**word) for word in content.get("words", ())]
            text = content.get("text", " ".join(word.text for word in words))
            return cls(text, words, content.get("language"))
        except (AttributeError, TypeError) as error:
            raise TextError(f"{form}: {error}") from error

    def to_dict(self):
        """Gives the fields as a plain dictionary, e.g. for JSON."""
        return dataclasses.asdict(self)

    def check_end(self, seconds, name):
        """Makes sure that no word lies behind the audio.

        Arguments
        ---------
        seconds : float
            Length of the audio.
        name : str
            What it is, for the message.

        Raises
        ------
        TextError
            If a word ends later.
        """
        if self.words and self.words[-1].end > seconds + TOLERANCE:
            word = self.words[-1]
            raise TextError(
                f"the word '{word.text}' ends at {word.end:g} s, but {name} "
                f"lasts {seconds:g} s: is this the transcript of another file?"
            )

    @functools.cached_property
    def sentences(self):
        """The sentences, a list of Passage.

        One ends with a full stop or the like, before a pause of a second, or
        when it lasts half a minute. A text without times has none.
        """
        return [
            Passage(self._slice(first, end), range(end - first))
            for first, end in itertools.pairwise(self._sentence_bounds)
        ]

    @functools.cached_property
    def _sentence_bounds(self):
        """Indexes of the words that sentences start with, and the end."""
        bounds = [0]
        for i, (word, following) in enumerate(
            itertools.zip_longest(self.words, self.words[1:]), start=1
        ):
            if (
                following is None
                or SENTENCE_END.search(word.text)
                or following.start - word.end >= PAUSE_SECONDS
                or following.end - self.words[bounds[-1]].start
                > SENTENCE_SECONDS
            ):
                bounds.append(i)
        return bounds

    def passage(self, start=0.0, end=math.inf):
        """Finds what is said in a stretch of time.

        These are the words whose middle lies in it, within the sentences
        that they are from. A text without times is said all the time.

        Arguments
        ---------
        start : float
            In seconds.
        end : float
            In seconds.

        Returns
        -------
        Passage or None
            None where nothing is said.
        """
        if not self.words:
            return Passage(self) if self.text.strip() else None
        first = bisect.bisect_left(self._middles, start)
        last = bisect.bisect_left(self._middles, end)
        if first == last:
            return None
        if last - first == len(self.words):
            return Passage(self, range(last))
        bounds = self._sentence_bounds
        opening = bounds[bisect.bisect_right(bounds, first) - 1]
        closing = bounds[bisect.bisect_left(bounds, last)]
        chosen = range(first - opening, last - opening)
        return Passage(self._slice(opening, closing), chosen)

    @functools.cached_property
    def _middles(self):
        """The middle of each word, in seconds."""
        return [(word.start + word.end) / 2 for word in self.words]

    def _slice(self, first, end):
        """Some of the words, with their part of the text."""
        start, stop = self.offsets[first][0], self.offsets[end - 1][1]
        return Transcript(
            self.text[start:stop], self.words[first:end], self.language
        )


@dataclasses.dataclass(frozen=True)
class Passage:
    """A part of a text, with the sentences around it.

    Arguments
    ---------
    context : Transcript
        What a text encoder reads.
    chosen : range or None
        Which of its words are meant; None where it has no words, and all of
        it is meant.

    Example
    -------
    >>> words = [Word("Oh", 0.0, 0.5, 0.25), Word("Kids", 0.5, 1.0, 0.75)]
    >>> passage = Transcript("Oh Kids", words).passage()
    >>> passage.confidence
    0.5
    >>> passage.confident(0.5).text
    'Kids'
    """

    context: Transcript
    chosen: range | None = None

    @property
    def text(self):
        """What the sentences around it say, itself included."""
        return self.context.text

    @property
    def spoken(self):
        """What its words say, without the sentences around it."""
        if not self.offsets:
            return self.text
        return self.text[self.offsets[0][0] : self.offsets[-1][1]]

    @property
    def words(self):
        """The words that are meant."""
        return [] if self.chosen is None else self._pick(self.context.words)

    @property
    def offsets(self):
        """Where they stand in the text: (first, end) characters."""
        return [] if self.chosen is None else self._pick(self.context.offsets)

    @property
    def is_whole(self):
        """Whether all of the text is meant."""
        return self.chosen is None or len(self.chosen) == len(
            self.context.words
        )

    @property
    def start(self):
        """Where the first word starts, in seconds; 0 without times."""
        return self.words[0].start if self.words else 0.0

    @property
    def end(self):
        """Where the last word ends, in seconds; infinite without times."""
        return self.words[-1].end if self.words else math.inf

    @property
    def confidence(self):
        """Mean confidence of its words; 1 without words."""
        if not self.words:
            return 1.0
        return math.fsum(w.confidence for w in self.words) / len(self.words)

    def confident(self, threshold):
        """Leaves out the words that are not sure enough.

        Arguments
        ---------
        threshold : float
            The least confidence of a word.

        Returns
        -------
        Passage or None
            With no such words around it either. None where nothing is left.
        """
        words, offsets = self.context.words, self.context.offsets
        if all(word.confidence >= threshold for word in words):
            return self
        starts = [first for first, _ in offsets] + [len(self.text)]
        kept = [i for i, w in enumerate(words) if w.confidence >= threshold]
        chosen = [n for n, i in enumerate(kept) if i in self.chosen]
        if not chosen:
            return None
        # Up to the next word, so with the space between them, if any.
        text = "".join(self.text[starts[i] : starts[i + 1]] for i in kept)
        context = Transcript(
            text.strip(), [words[i] for i in kept], self.context.language
        )
        return Passage(context, range(chosen[0], chosen[-1] + 1))

    def _pick(self, sequence):
        """The entries of the words that are meant."""
        return list(sequence[self.chosen.start : self.chosen.stop])


def _find_words(words, text):
    """Where each word stands in a text: (first, end) characters."""
    offsets, position = [], 0
    for word in words:
        first = text.find(word.text, position)
        if first < 0:
            raise TextError(
                f"the word '{word.text}' at {word.start:g} s is not in its "
                "place in the text: the words must be those of the text, in "
                "the same order"
            )
        position = first + len(word.text)
        offsets.append((first, position))
    return offsets


def _check_word(word):
    """Makes sure that a word has sense."""
    if not isinstance(word.text, str) or not word.text.strip():
        raise TextError(f"a word of a transcript is {word.text!r}")
    numbers = (word.start, word.end, word.confidence)
    if not all(isinstance(x, int | float) for x in numbers):
        raise TextError(
            f"the word '{word.text}' has start, end and confidence "
            f"{numbers}: give numbers"
        )
    if not 0 <= word.start <= word.end < math.inf:
        raise TextError(
            f"the word '{word.text}' ends at {word.end:g} s and starts at "
            f"{word.start:g} s: give 0 <= start <= end, in seconds"
        )
    if not 0 <= word.confidence <= 1:
        raise TextError(
            f"the word '{word.text}' has a confidence of "
            f"{word.confidence:g}: give 0 to 1"
        )
