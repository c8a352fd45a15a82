"""What a call of ``predict`` asks for, besides the utterances."""

import dataclasses

from speechbrain_emotion.inference.batching import check_batch_length
from speechbrain_emotion.inference.inputs import check_modalities
from speechbrain_emotion.inference.known import MAX_BATCH_LENGTH
from speechbrain_emotion.inference.segments import check_segments, needs_times
from speechbrain_emotion.inference.transcription import (
    Transcriber,
    default_transcriber,
)


@dataclasses.dataclass(frozen=True)
class Options:
    """What a call of ``predict`` asks for; see there.

    Arguments
    ---------
    segments : str, list or None
        Which parts of the utterances to answer for, too.
    window_seconds : float or None
        Length of the segments "windows".
    transcriber : Transcriber or None
        What transcribes the utterances that have no text.
    max_batch_length : float
        Seconds of audio that are computed at once.
    progress : bool
        Whether to show progress bars.

    Raises
    ------
    ValueError
        If an option is not one.
    """

    segments: str | list | tuple | None = None
    window_seconds: float | None = None
    transcriber: Transcriber | None = None
    max_batch_length: float = MAX_BATCH_LENGTH
    progress: bool = False

    def __post_init__(self):
        check_segments(self.segments, self.window_seconds)
        check_batch_length(self.max_batch_length)
        transcriber = self.transcriber
        if transcriber is not None and (
            isinstance(transcriber, type)
            or not hasattr(transcriber, "transcribe")
        ):
            raise ValueError(
                f"the transcriber is a {type(transcriber).__name__}: give one "
                "that has a method transcribe, such as WhisperTranscriber()"
            )

    def for_model(self, modalities, inputs, texts, language=None, device=None):
        """Compares what is given with what a model reads.

        Arguments
        ---------
        modalities : tuple of str
            What the model reads.
        inputs : object or None
            Audio files or waveforms.
        texts : object or None
            Texts.
        language : str or None
            What the model's texts are in.
        device : str or None
            Where the model is.

        Returns
        -------
        Options
            With the default transcriber, where texts are needed, none at all
            are given, and there is no other transcriber.

        Raises
        ------
        ValueError
            If something is given that is not read, or not given that is.

        Example
        -------
        >>> Options().for_model(("speech",), "a.wav", None).transcriber
        >>> Options().for_model(("text",), "a.wav", None).transcriber
        <...WhisperTranscriber object at ...>
        """
        needed = "text" in modalities or needs_times(self.segments)
        transcriber = self.transcriber
        if needed and texts is None and inputs is not None:
            transcriber = transcriber or default_transcriber(language, device)
            texts = ()  # there will be some
        if needed and "text" not in modalities:
            texts = None  # only the times are used
        if "speech" not in modalities:
            inputs = None  # only transcribed
        check_modalities(modalities, inputs, texts)
        return dataclasses.replace(self, transcriber=transcriber)
