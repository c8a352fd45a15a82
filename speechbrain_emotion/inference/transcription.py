"""Transcription of speech, with the times of words."""

import dataclasses
import math
import threading
import typing

import torch
from tqdm import tqdm

from speechbrain.utils.distributed import infer_device
from speechbrain_emotion.dataio.audio import check_finite
from speechbrain_emotion.dataio.pauses import cut_at_pauses
from speechbrain_emotion.dataio.transcript import Transcript
from speechbrain_emotion.dataio.words import TextError, Word
from speechbrain_emotion.inference.inputs import check_device
from speechbrain_emotion.inference.transcript_cache import (
    TranscriptCache,
    cache_key,
)
from speechbrain_emotion.inference.voice_activity import (
    FRAME,
    SAMPLE_RATE,
    find_segments,
    merge_segments,
    speech_probabilities,
)
from speechbrain_emotion.inference.whisper_models import (
    check_language,
    check_model,
    check_options,
    model_identity,
    package_versions,
    run_whisper,
)
from speechbrain_emotion.utils.kept import Kept

# In noise and music, which nowhere reach it, Whisper may hear words. The
# voice detector is not as sure of shouts as it is of other speech.
SPEECH_PROBABILITY = 0.3

# How far from detected speech there may be words.
MARGIN_SECONDS = 0.5

DISFLUENCY = "[*]"  # what whisper-timestamped calls an "er"

# Languages that are written without spaces, of those that Whisper knows.
UNSPACED = ("zh", "ja", "th", "lo", "my", "yue")


class Transcriber(typing.Protocol):
    """What writes down what is said; any class with this method will do.

    Example
    -------
    >>> class Parrot:
    ...     def transcribe(self, blocks, name="", progress=False):
    ...         seconds = sum(map(len, blocks)) / 16000
    ...         return Transcript("Oh!", [Word("Oh!", 0.0, seconds)], "en")
    >>> Parrot().transcribe([torch.rand(8000)]).words[0].end
    0.5
    """

    def transcribe(
        self, blocks, name="the recording", progress=False
    ) -> Transcript:
        """Transcribes a recording.

        Arguments
        ---------
        blocks : iterable of torch.Tensor
            The recording, in blocks [samples] of any lengths, 16 kHz,
            float32.
        name : str
            What it is, for messages.
        progress : bool
            Whether to show a progress bar.

        Returns
        -------
        Transcript
            Without words where there is no speech.
        """


class WhisperTranscriber:
    """OpenAI's Whisper, with the times of words by whisper-timestamped.

    Recordings of any length are transcribed in chunks of two minutes at most,
    in memory that does not grow. The same chunk with the same settings is
    transcribed once by a transcriber, also where several threads use it.
    Transcribers share their models, which are loaded when they are first used.

    Arguments
    ---------
    model : str or Path
        Size, such as "tiny", "base", "small", "medium", "large-v3" or
        "turbo", which is downloaded when it is first used, or a ``.pt`` file
        in OpenAI's layout.
    language : str
        Code of the language, such as "en" or "es"; by default it is detected
        where somebody first speaks.
    device : str
        E.g. "cpu" or "cuda"; by default the GPU, where there is one.
    vad : bool
        Whether to cut silence out before, so that Whisper does not hear words
        in it. Where there is no speech in two minutes, none is looked for
        anyway.
    beam_size : int
        Number of hypotheses in beam search; by default the likeliest word is
        taken each time.
    cache_folder : str or Path
        Where to keep transcripts on disk. What was transcribed before an
        interruption is then found there.
    options : dict
        Further options of ``whisper_timestamped.transcribe``, such as
        ``temperature`` or ``condition_on_previous_text``.

    Raises
    ------
    ModuleNotFoundError
        If the packages of the extra "asr" are not installed.
    ValueError
        If an argument is wrong.
    FileNotFoundError
        If there is no such model file.
    OSError
        If there can be no such folder.

    Example
    -------
    >>> transcriber = WhisperTranscriber("base", language="en")
    >>> transcriber.transcribe([torch.zeros(16000)])
    Transcript(text='', words=(), language='en')
    """

    def __init__(
        self,
        model="base",
        language=None,
        device=None,
        vad=False,
        beam_size=None,
        cache_folder=None,
        options=None,
    ):
        self.model = str(model)
        self.language = language
        self.device = _choose_device(device)
        self.vad = bool(vad)
        self.options = {**(options or {}), "beam_size": beam_size}
        check_model(self.model)
        if language is not None:
            check_language(language, self.model)
        check_options(options or {})
        if beam_size is not None and (
            not isinstance(beam_size, int) or beam_size < 1
        ):
            raise ValueError(f"beam_size is {beam_size!r}: give 1 or more")
        self.cache = TranscriptCache(cache_folder)
        self.lock = threading.Lock()

    def transcribe(self, blocks, name="the recording", progress=False):
        """Transcribes a recording.

        Arguments
        ---------
        blocks : iterable of torch.Tensor
            The recording, in blocks [samples] of any lengths, 16 kHz.
        name : str
            What it is, for messages.
        progress : bool
            Whether to show a progress bar, in seconds of audio.

        Returns
        -------
        Transcript
            Without words where there is no speech.

        Raises
        ------
        AudioError
            If samples are not finite, or if whisper-timestamped fails.
        RuntimeError
            If the model cannot be downloaded.
        OSError
            If it cannot be read.
        CheckpointError
            If its file is damaged or in another layout.
        ValueError
            If it does not know the language, or if a block is not mono.
        """
        language, parts = self.language, []
        with tqdm(
            desc=f"transcribing {name}",
            bar_format="{desc}: {n:.0f} s of audio [{elapsed}]",
            leave=False,
            disable=not progress,
        ) as bar:
            for first, chunk in cut_at_pauses(blocks, SAMPLE_RATE):
                check_finite(chunk, name)
                chunk = chunk.to("cpu", torch.float32)
                part = self._transcribe_chunk(chunk, name, language)
                if part.words:
                    language = part.language
                parts.append((first / SAMPLE_RATE, part))
                bar.update(len(chunk) / SAMPLE_RATE)
        return _join(parts, language)

    def _transcribe_chunk(self, chunk, name, language):
        """What is said in a chunk, which may be known already."""
        key = cache_key(
            chunk,
            model=model_identity(self.model),
            # Whisper computes in half precision on GPUs.
            device=self.device.type,
            language=language,
            vad=self.vad,
            options=self.options,
            versions=package_versions(),
        )
        # Who wants the same waits, and then finds it.
        with self.lock:
            transcript = self.cache.get(key)
            if transcript is None:
                transcript = self._listen(chunk, name, language)
                self.cache.put(key, transcript)
        return transcript

    def _listen(self, chunk, name, language):
        """Lets Whisper hear a chunk, if there is speech in it."""
        probabilities = speech_probabilities(chunk)
        if not _has_speech(probabilities):
            return Transcript("", language=language)
        options, seconds = dict(self.options), len(chunk) / SAMPLE_RATE
        if self.vad:
            segments = find_segments(probabilities, len(chunk))
            options["vad"] = _widen(segments, seconds)
        result = run_whisper(
            self.model, self.device, chunk, name, language, **options
        )
        segments = [
            segment
            for segment in result["segments"]
            if _has_speech(probabilities, segment["start"], segment["end"])
        ]
        return _tidy(segments, seconds, language or result["language"])


def default_transcriber(language=None, device=None):
    """Gives the transcriber that is used where none is named: Whisper base.

    Arguments
    ---------
    language : str or None
        Code of the language; None: to be detected.
    device : str or None
        E.g. "cpu" or "cuda"; None: the GPU, where there is one. In the place
        of others, such as "mps", it is the CPU.

    Returns
    -------
    WhisperTranscriber
        The same one each time for a language and a device.

    Raises
    ------
    ModuleNotFoundError, ValueError
        As the constructor.

    Example
    -------
    >>> default_transcriber("en") is default_transcriber("en")
    True
    """
    if language is not None:
        check_language(language, "base")
    device = _choose_device(device)
    name = str(device) if device.type == "cuda" else "cpu"
    return _defaults(language, name)


_defaults = Kept(
    lambda language, device: WhisperTranscriber("base", language, device),
    size=16,
)


def _choose_device(name):
    """The device to compute on; Whisper's words are timed on CUDA or CPU."""
    if name is None:
        name = infer_device()
        return torch.device(name if name.startswith("cuda") else "cpu")
    check_device(str(name))
    return torch.device(name)


def _has_speech(probabilities, start=0.0, end=math.inf):
    """Whether there may be speech between two times, or near them."""
    first = max(0.0, start - MARGIN_SECONDS) * SAMPLE_RATE / FRAME
    last = min((end + MARGIN_SECONDS) * SAMPLE_RATE / FRAME, len(probabilities))
    near = probabilities[int(first) : math.ceil(last)]
    return bool((near >= SPEECH_PROBABILITY).any())


def _widen(segments, seconds):
    """Segments with what is near them; all where there are none."""
    wide = [
        (max(0.0, start - MARGIN_SECONDS), min(end + MARGIN_SECONDS, seconds))
        for start, end in segments
    ]
    return merge_segments(wide, gap=0.0) or [(0.0, seconds)]


def _tidy(segments, seconds, language):
    """The transcript of a chunk, of what whisper-timestamped gives."""
    texts, words = [], []
    for segment in segments:
        heard = []
        for word in segment.get("words", ()):
            text = word["text"].strip()
            if text and text != DISFLUENCY:
                earliest = (heard or words)[-1].end if heard or words else 0.0
                heard.append(_tidy_word(word, text, earliest, seconds))
        if heard:
            texts.append(_text_of(segment["text"].strip(), heard, language))
            words += heard
    return Transcript(_space(language).join(texts), words, language)


def _tidy_word(word, text, earliest, latest):
    """A word within its chunk, behind the one before it."""
    start = min(max(float(word["start"]), earliest), latest)
    end = min(max(float(word["end"]), start), latest)
    confidence = min(max(float(word.get("confidence", 1.0)), 0.0), 1.0)
    return Word(text, start, end, confidence)


def _text_of(text, words, language):
    """The text of a segment if its words are in it, else its words."""
    try:
        return Transcript(text, words).text
    except TextError:
        return _space(language).join(word.text for word in words)


def _join(parts, language):
    """The transcript of a recording, of those of its chunks."""
    words = [
        dataclasses.replace(
            word,
            start=round(offset + word.start, 3),
            end=round(offset + word.end, 3),
        )
        for offset, part in parts
        for word in part.words
    ]
    texts = [part.text for _, part in parts if part.text]
    return Transcript(_space(language).join(texts), words, language)


def _space(language):
    """What is between words and sentences."""
    return "" if language in UNSPACED else " "
