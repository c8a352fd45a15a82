"""An utterance before its audio is read."""

import dataclasses
import math
import os

import torch

from speechbrain_emotion.dataio.audio import (
    AudioError,
    audio_length,
    check_speech,
)
from speechbrain_emotion.dataio.transcript import Transcript
from speechbrain_emotion.inference.inputs import check_row, check_wav, is_long
from speechbrain_emotion.inference.speaker_profile import SpeakerProfile

# What is heard only to be transcribed.
SAMPLE_RATE = 16000
CHARACTERS_PER_SECOND = 15
SHORTEST = 0.1  # seconds, so that an empty text counts too


@dataclasses.dataclass(frozen=True)
class Utterance:
    """What is to be recognised, and how long it is.

    Arguments
    ---------
    audio : str, Path, torch.Tensor or None
        Audio file or waveform [samples].
    text : str, Transcript or None
        What is said.
    n_samples : int
        Length of the audio as the model hears it; 0 where there is none.
    audio_seconds : float
        The same in seconds; infinite where there is none.
    seconds : float
        Length of the audio or, where that is longer, of the text when said.
    is_long : bool
        Whether the audio is more than the encoder takes at once.
    transcribed : bool
        Whether the text was transcribed.
    profile : SpeakerProfile or None
        Whose it is, where that is known.

    Example
    -------
    >>> utterance = Utterance.of(None, "Leave me alone, I hate you!", ["text"])
    >>> utterance.seconds, utterance.is_long
    (1.8, False)
    """

    audio: object
    text: str | Transcript | None
    n_samples: int
    audio_seconds: float
    seconds: float
    is_long: bool
    transcribed: bool = False
    profile: SpeakerProfile | None = None

    @classmethod
    def of(cls, audio, text, modalities, encoder=None):
        """Finds out what can be known without reading the audio.

        Arguments
        ---------
        audio : str, Path, torch.Tensor or None
            Audio file or waveform.
        text : str, Transcript or None
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
        n_characters = len(text_of(text) or "")
        seconds = max(SHORTEST, n_characters / CHARACTERS_PER_SECOND)
        if audio is None:
            return cls(audio, text, 0, math.inf, seconds, False)
        n_samples = _count_samples(audio, encoder)
        rate = SAMPLE_RATE if encoder is None else encoder.sample_rate
        utterance = cls(
            audio,
            text,
            n_samples,
            n_samples / rate,
            max(seconds, n_samples / rate),
            encoder is not None and is_long(n_samples, encoder),
        )
        if isinstance(text, Transcript):
            text.check_end(utterance.audio_seconds, utterance.name)
        return utterance

    @property
    def name(self):
        """How messages call it."""
        if self.audio is None:
            return "the text"
        source = source_of(self.audio)
        return "the waveform" if source is None else f"'{source}'"


def text_of(text):
    """Gives what is said as a string.

    Arguments
    ---------
    text : str, Transcript or None
        What is said.

    Returns
    -------
    str or None
        None where there is no text, or an empty transcript.
    """
    if isinstance(text, Transcript):
        return text.text or None
    return text


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
        if encoder is None:
            check_speech(audio, "the waveform", 1, SAMPLE_RATE)
        else:
            check_wav(audio, "the waveform", encoder)
        return audio.numel()
    if isinstance(audio, str | os.PathLike):
        rate = SAMPLE_RATE if encoder is None else encoder.sample_rate
        return audio_length(audio, rate)
    raise AudioError(
        f"an input is of type {type(audio).__name__}: give the name of an "
        "audio file, a torch.Tensor, or a list of these"
    )
