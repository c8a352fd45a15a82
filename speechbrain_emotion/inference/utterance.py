"""An utterance before its audio is read."""

import dataclasses
import os

import torch

from speechbrain_emotion.dataio.audio import AudioError, audio_length
from speechbrain_emotion.inference.inputs import check_row, check_wav, is_long

CHARACTERS_PER_SECOND = 15
SHORTEST = 0.1  # seconds, so that an empty text counts too


@dataclasses.dataclass(frozen=True)
class Utterance:
    """What is to be recognised, and how long it is.

    Arguments
    ---------
    audio : str, Path, torch.Tensor or None
        Audio file or waveform [samples].
    text : str or None
        What is said.
    n_samples : int
        Length of the audio as the model hears it; 0 where there is none.
    seconds : float
        Length of the audio or, where that is longer, of the text when said.
    is_long : bool
        Whether the audio is more than the encoder takes at once.

    Example
    -------
    >>> utterance = Utterance.of(None, "Leave me alone, I hate you!", ["text"])
    >>> utterance.seconds, utterance.modalities
    (1.8, ('text',))
    """

    audio: object
    text: str | None
    n_samples: int
    seconds: float
    is_long: bool

    @classmethod
    def of(cls, audio, text, modalities, encoder=None):
        """Finds out what can be known without reading the audio.

        Arguments
        ---------
        audio : str, Path, torch.Tensor or None
            Audio file or waveform.
        text : str or None
            What is said.
        modalities : tuple of str
            What the model reads.
        encoder : SpeechEncoder
            Its speech encoder, if it hears.

        Returns
        -------
        Utterance

        Raises
        ------
        OSError, AudioError, TextError
            If it cannot be used, as far as can be seen.
        """
        check_row(modalities, audio, text)
        seconds = max(SHORTEST, len(text or "") / CHARACTERS_PER_SECOND)
        if audio is None:
            return cls(audio, text, 0, seconds, False)
        n_samples = _count_samples(audio, encoder)
        seconds = max(seconds, n_samples / encoder.sample_rate)
        return cls(audio, text, n_samples, seconds, is_long(n_samples, encoder))

    @property
    def name(self):
        """How messages call it."""
        source = source_of(self.audio)
        return "the waveform" if source is None else f"'{source}'"

    @property
    def modalities(self):
        """What there is of it: "speech", "text" or both, a tuple."""
        given = {"speech": self.audio, "text": self.text}
        return tuple(name for name, x in given.items() if x is not None)


def source_of(audio):
    """Gives the name of an audio file.

    Arguments
    ---------
    audio : str, Path, torch.Tensor or None
        Audio file or waveform.

    Returns
    -------
    str or None
        None where it is no file.
    """
    if audio is None or isinstance(audio, torch.Tensor):
        return None
    return str(audio)


def _count_samples(audio, encoder):
    """Length of a file or of a waveform, the latter checked."""
    if isinstance(audio, torch.Tensor):
        check_wav(audio, "the waveform", encoder)
        return audio.numel()
    if isinstance(audio, str | os.PathLike):
        return audio_length(audio, encoder.sample_rate)
    raise AudioError(
        f"an input is of type {type(audio).__name__}: give the name of an "
        "audio file, a torch.Tensor, or a list of these"
    )
