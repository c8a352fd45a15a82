"""The pieces of segments that lie in the windows of a recording."""

import itertools
import math

import torch

from speechbrain_emotion.dataio.transcript import Transcript

# Power of a pause, relative to the loudest window: -30 dB.
PAUSE = 1e-3
# Text encoders cut what is longer than about 500 tokens.
MAX_WORDS = 200
# Frames that an encoder may lack at the end.
NEAR_END = 3


class SegmentFrames:
    """Segments in frames of the speech encoder, and what is said in them.

    Arguments
    ---------
    bounds : list of tuple of float
        Start and end of each segment, in seconds; an infinite end is that of
        the recording.
    text : str, Passage, Transcript or None
        What is said in the recording.
    texts : list of str, Passage or None
        What is said in each segment.
    layout : WindowLayout
        How the recording is cut.
    sample_rate : int
        Of the recording, in Hz.

    Example
    -------
    >>> from speechbrain_emotion.inference.windows import WindowLayout
    >>> layout = WindowLayout(size=3200, context=320, frame=320)
    >>> bounds, texts = [(0.0, math.inf), (0.1, 0.2)], ["Oh!", "Oh!"]
    >>> segments = SegmentFrames(bounds, "Oh!", texts, layout)
    >>> segments.within(0, 8)
    [(0, slice(0, 8, None), 'Oh!'), (1, slice(5, 8, None), 'Oh!')]
    """

    def __init__(self, bounds, text, texts, layout, sample_rate=16000):
        self.bounds = bounds
        self.text = text
        self.texts = texts
        self.frame_seconds = layout.frame / sample_rate
        self.window_seconds = layout.size / sample_rate
        starts, ends = zip(*bounds)
        self.first = self._to_frames(starts)
        # At least a frame each.
        self.end = torch.maximum(self._to_frames(ends), self.first + 1)

    def within(self, first, end, is_last=False):
        """Finds the pieces of segments that lie in a stretch of frames.

        Arguments
        ---------
        first : int
            The first frame.
        end : int
            The frame behind the last one.
        is_last : bool
            Whether the recording ends with it.

        Returns
        -------
        list of tuple
            For each piece the index of its segment, its frames, and what is
            said in it: a str, a Passage or None.
        """
        firsts = self.first
        if is_last:
            # A word may lie in the samples that do not fill a frame; what is
            # farther behind is a mistake of the file's header.
            near = firsts < end + NEAR_END
            firsts = torch.where(near, firsts.clamp(max=end - 1), firsts)
        inside = (firsts < end) & (self.end > first)
        seconds = (
            first * self.frame_seconds,
            math.inf if is_last else end * self.frame_seconds,
        )
        return [
            (
                i,
                slice(max(int(firsts[i]), first), min(int(self.end[i]), end)),
                self._said(i, *seconds),
            )
            for i in inside.nonzero().flatten().tolist()
        ]

    def _said(self, i, window_start, window_end):
        """What is said in the piece of a segment."""
        start, end = self.bounds[i]
        # A segment that a window cuts has its text in both pieces. What is
        # longer has in each window what is said there.
        if end - start <= self.window_seconds:
            return self.texts[i]
        return said(self.text, max(start, window_start), min(end, window_end))

    def _to_frames(self, seconds):
        """The frames that times lie nearest to."""
        frames = torch.tensor(seconds, dtype=torch.float64) / self.frame_seconds
        return frames.clamp(max=2**62).round().long()


class PieceAverage:
    """Puts the embeddings of pieces together to those of segments.

    A segment's embedding is the mean of its pieces', weighted by their
    numbers of frames. Pieces in windows more than 30 dB below the segment's
    loudest one are pauses and do not count.

    Arguments
    ---------
    n_segments : int
        Number of segments.

    Example
    -------
    >>> average = PieceAverage(2)
    >>> average.add([0, 0], [1, 3], [0.1, 0.1], torch.tensor([[0.0], [4.0]]))
    >>> average.means()
    (tensor([[3.],
            [0.]]), tensor([ True, False]))
    """

    def __init__(self, n_segments):
        self.n_segments = n_segments
        self.segments, self.counts, self.powers = [], [], []
        self.embeddings = []

    def add(self, segments, counts, powers, embeddings):
        """Takes pieces.

        Arguments
        ---------
        segments : list of int
            The index of each piece's segment.
        counts : list of int
            The number of its frames.
        powers : list of float
            The mean power of its window.
        embeddings : torch.Tensor
            [pieces, dim].
        """
        self.segments += segments
        self.counts += counts
        self.powers += powers
        # On the CPU, as not every device has the float64 of the mean.
        self.embeddings.append(embeddings.cpu())

    def means(self):
        """Computes the embeddings of the segments.

        Returns
        -------
        embeddings : torch.Tensor
            [segments, dim]; zeros where a segment has no pieces.
        answered : torch.Tensor
            Which segments have any, [segments], bool.
        """
        index = torch.tensor(self.segments)
        powers = torch.tensor(self.powers, dtype=torch.float64)
        loudest = torch.zeros(self.n_segments, dtype=torch.float64)
        loudest.scatter_reduce_(0, index, powers, "amax")
        weights = torch.tensor(self.counts, dtype=torch.float64)
        weights[powers < PAUSE * loudest[index]] = 0.0
        totals = torch.zeros(self.n_segments, dtype=torch.float64)
        totals.index_add_(0, index, weights)
        shares = (weights / totals[index]).unsqueeze(1)
        size = self.embeddings[0].shape[1]
        means = torch.zeros(self.n_segments, size, dtype=torch.float64)
        lengths = [len(batch) for batch in self.embeddings]
        for i, share, batch in zip(
            index.split(lengths), shares.split(lengths), self.embeddings
        ):
            means.index_add_(0, i, share * batch)
        return means.float(), totals > 0


def text_pieces(text):
    """Cuts what is said into pieces that a text encoder can read.

    Arguments
    ---------
    text : str, Passage, Transcript or None
        What is said.

    Returns
    -------
    list of tuple
        Passages of whole sentences, each with its number of words. What has
        no words, or not many, is one piece.
    """
    passage = said(text)
    if passage is None:
        return []
    if isinstance(passage, str) or len(passage.words) <= MAX_WORDS:
        return [(passage, 1)]
    context = passage.context
    ends, n_words = [], 0
    for sentence in context.sentences:
        if n_words + len(sentence.words) > MAX_WORDS and n_words:
            ends.append(sentence.start)
            n_words = 0
        n_words += len(sentence.words)
    starts = [passage.start, *(t for t in ends if t > passage.start)]
    end = math.nextafter(passage.end, math.inf)
    bounds = itertools.pairwise([*starts, end])
    parts = [context.passage(*bound) for bound in bounds]
    return [(part, len(part.words)) for part in parts if part is not None]


def said(text, start=0.0, end=math.inf):
    """Finds what is said in a stretch of time.

    Arguments
    ---------
    text : str, Transcript or None
        What is said in all. A str has no times: it is said all the time.
    start : float
        In seconds.
    end : float
        In seconds.

    Returns
    -------
    str, Passage or None
        None where nothing is said.
    """
    if isinstance(text, Transcript):
        return text.passage(start, end)
    return text
