"""Cutting of long recordings into windows that overlap.

Every frame of a recording is kept from exactly one window. A frame is kept
with its context on both sides, but for the ends of the recording.
"""

import dataclasses

import torch

WINDOW_SECONDS = 10.0
CONTEXT = 0.1  # of a window, at each side


@dataclasses.dataclass(frozen=True)
class Window:
    """A piece of a recording.

    Arguments
    ---------
    samples : torch.Tensor
        Its waveform, [samples].
    start : int
        The frame of the recording that it starts with.
    first : int
        The first of its frames that is kept.
    end : int or None
        The frame behind the last one that is kept; None: all to the last.
    """

    samples: torch.Tensor
    start: int
    first: int
    end: int | None


@dataclasses.dataclass(frozen=True)
class WindowLayout:
    """How recordings are cut.

    Arguments
    ---------
    size : int
        Samples of a window.
    context : int
        Samples at each of its sides that are context only.
    frame : int
        Samples from one frame to the next, of which size and context are
        multiples.

    Example
    -------
    >>> layout = WindowLayout(size=50, context=10, frame=10)
    >>> for window in layout.cut(torch.arange(95.0).split(20)):
    ...     x = window.samples
    ...     print(int(x[0]), len(x), window.first, window.end)
    0 50 0 4
    30 50 1 4
    50 45 2 None
    >>> layout.count(95)
    3
    """

    size: int
    context: int
    frame: int

    @classmethod
    def of(cls, encoder, seconds=WINDOW_SECONDS):
        """Chooses the layout for an encoder.

        Models are trained on utterances, and know what lasts about as long.

        Arguments
        ---------
        encoder : SpeechEncoder
            Says how long its frames are, and how much it takes at once.
        seconds : float
            Length of a window; less where the encoder takes less.

        Returns
        -------
        WindowLayout
            A tenth of a window is context at each side.

        Raises
        ------
        ValueError
            If a window would have no frames besides its context.
        """
        frame = encoder.frame_samples
        longest = int(seconds * encoder.sample_rate)
        n_frames = min(longest, encoder.max_samples or longest) // frame
        n_context = max(1, int(CONTEXT * n_frames))
        if n_frames <= 2 * n_context:
            raise ValueError(
                f"window_seconds is {seconds}: give at least "
                f"{4 * frame / encoder.sample_rate} s"
            )
        return cls(n_frames * frame, n_context * frame, frame)

    def count(self, n_samples):
        """Counts the windows of a recording.

        Arguments
        ---------
        n_samples : int
            Its length.

        Returns
        -------
        int
        """
        step = self.size - 2 * self.context
        return 1 + max(0, -((self.size - n_samples) // step))

    def cut(self, blocks):
        """Cuts a recording while it is read.

        The last window is as long as the others (less what lacks to a whole
        frame), and so has more context in front.

        Arguments
        ---------
        blocks : iterable of torch.Tensor
            The recording, in blocks [samples] of any lengths.

        Yields
        ------
        Window
        """
        samples, position = torch.empty(0), 0  # of the first sample here
        start = kept = 0  # of the next window; of what it is to keep
        for block in blocks:
            samples = torch.cat((samples, block))
            while len(samples) > start - position + self.size:
                # What lies in front may be context of the last window.
                samples, position = samples[start - position :], start
                end = start + self.size - self.context
                yield self._window(samples[: self.size], start, kept, end)
                start, kept = end - self.context, end
        missing = position + len(samples) - self.size
        start = max(0, -(-missing // self.frame) * self.frame)
        yield self._window(samples[start - position :], start, kept, None)

    def _window(self, samples, start, kept, end):
        """A window, its frames counted from its start."""
        first = (kept - start) // self.frame
        end = None if end is None else (end - start) // self.frame
        return Window(samples, start // self.frame, first, end)
