"""What is said in an utterance, and when."""

import bisect
import dataclasses
import functools
import itertools
import math
import re

from speechbrain_emotion.dataio.words import TextError, Word, find_words

# Words may end a little behind the audio, whose length is rounded.
TOLERANCE = 0.02  # seconds
SENTENCE_END = re.compile(r"[.!?…。！？]['\"”’»)\]]*$")
PAUSE_SECONDS = 1.0  # ends a sentence that has no full stop
SENTENCE_SECONDS = 30.0  # so that no text encoder has to cut one


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
        If a word is not in the text, or if words overlap.

    Example
    -------
    >>> words = [Word("Oh!", 0.2, 0.5, 0.9), Word("Kids.", 0.7, 1.1, 0.7)]
    >>> transcript = Transcript("Oh! Kids.", words)
    >>> [(s.start, s.end, s.text) for s in transcript.sentences]
    [(0.2, 0.5, 'Oh!'), (0.7, 1.1, 'Kids.')]
    >>> transcript.passage(0.6, 1.0).text
    'Kids.'
    >>> Transcript("Oh!", [Word("Kids", 0.2, 0.5)])
    Traceback (most recent call last):
    ...
    speechbrain_emotion.dataio.words.TextError: the word 'Kids' at 0.2 ...
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
            if not isinstance(word, Word):
                raise TextError(
                    f"a word of a transcript is of type {type(word).__name__}:"
                    " give a Word; see also Transcript.from_dict"
                )
        for before, word in itertools.pairwise(self.words):
            if word.start < before.end - 1e-6:
                raise TextError(
                    f"the words '{before.text}' and '{word.text}' overlap: "
                    f"one ends at {before.end:g} s, the next starts at "
                    f"{word.start:g} s; give words in order of time"
                )
        object.__setattr__(self, "offsets", find_words(self.words, self.text))

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
            known = {"text", "words", "language"}
            if unknown := set(content) - known:
                raise TextError(f"{form}, but it has {sorted(unknown)}, too")
            if not {"text", "words"} & set(content):
                raise TextError(f"{form}, but it has neither text nor words")
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
            itertools.pairwise(self.words), start=1
        ):
            # The full stop may belong to the word or follow it.
            spoken = self.text[self.offsets[i - 1][0] : self.offsets[i][0]]
            if (
                SENTENCE_END.search(spoken.rstrip())
                or following.start - word.end >= PAUSE_SECONDS
                or following.end - self.words[bounds[-1]].start
                > SENTENCE_SECONDS
            ):
                bounds.append(i)
        return [*bounds, len(self.words)] if self.words else bounds

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
        return self.passage_of(first, last)

    def passage_of(self, first, end):
        """Finds some words within the sentences that they are from.

        Arguments
        ---------
        first : int
            Index of the first word.
        end : int
            The one behind the last word.

        Returns
        -------
        Passage
        """
        if end - first == len(self.words):
            return Passage(self, range(end))
        bounds = self._sentence_bounds
        opening = bounds[bisect.bisect_right(bounds, first) - 1]
        closing = bounds[bisect.bisect_left(bounds, end)]
        chosen = range(first - opening, end - opening)
        return Passage(self._slice(opening, closing), chosen)

    @functools.cached_property
    def _middles(self):
        """The middle of each word, in seconds."""
        return [(word.start + word.end) / 2 for word in self.words]

    def _slice(self, first, end):
        """Some of the words, with their part of the text."""
        starts = [start for start, _ in self.offsets] + [len(self.text)]
        # What stands in front of the first word belongs to it.
        start = starts[first] if first else 0
        text = self.text[start : starts[end]].strip()
        return Transcript(text, self.words[first:end], self.language)


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
