"""Checks of what callers give to a model."""

import torch

from speechbrain.utils.distributed import infer_device
from speechbrain_emotion.dataio.audio import (
    AudioError,
    check_length,
    check_speech,
)
from speechbrain_emotion.dataio.transcript import Passage, Transcript
from speechbrain_emotion.dataio.words import TextError
from speechbrain_emotion.inference.known import PRECISIONS
from speechbrain_emotion.inference.pieces import said
from speechbrain_emotion.nnet.lengths import full_lengths, true_lengths

# What is wrong with one input and concerns no other.
INPUT_ERRORS = (AudioError, OSError, TextError)


def check_modalities(modalities, speech, texts):
    """Compares what is given with what a model reads.

    Arguments
    ---------
    modalities : tuple of str
        What the model reads: "speech", "text" or both.
    speech : object or None
        Audio files or waveforms.
    texts : list of str or None
        Texts.

    Raises
    ------
    ValueError
        If something is given that the model does not read, or not given that
        it does.

    Example
    -------
    >>> check_modalities(("text",), None, ["Oh!"])
    >>> check_modalities(("text",), "a.wav", None)
    Traceback (most recent call last):
    ...
    ValueError: speech was given, but this model reads only text: leave it out
    """
    for modality, given in (("speech", speech), ("text", texts)):
        if modality in modalities and given is None:
            other = ""
            if len(modalities) > 1:
                other = (
                    "; where it is not known, give None in its place in a "
                    f"list, and the {'text' if modality == 'speech' else 'speech'} "
                    "alone is used"
                )
            raise ValueError(
                f"this model reads {' and '.join(modalities)}, but no "
                f"{modality} was given{other}"
            )
        if modality not in modalities and given is not None:
            raise ValueError(
                f"{modality} was given, but this model reads only "
                f"{modalities[0]}: leave it out"
            )


def check_row(modalities, audio, text):
    """Makes sure that one utterance has something to read.

    Arguments
    ---------
    modalities : tuple of str
        What the model reads.
    audio : object or None
        Audio file or waveform.
    text : str, Transcript, Passage or None
        Text.

    Raises
    ------
    TextError
        If the text is of no such type, or if there is nothing that the model reads.
    """
    if text is not None and not isinstance(text, str | Transcript | Passage):
        raise TextError(
            f"the text {text!r} is of type {type(text).__name__}: give a "
            "string or a Transcript"
        )
    string = getattr(text, "text", text)
    if text is not None and not string.isascii():
        try:
            string.encode("utf-8")
        except UnicodeEncodeError as error:
            raise TextError(
                f"the text {text!r} is not valid Unicode ({error}): read it "
                "with the right encoding"
            ) from error
    if audio is None and said(text) is None:
        raise TextError(
            f"there is nothing to read: give {' or '.join(modalities)}"
        )


def check_texts(texts, heard=None):
    """Makes sure that there is one text for each row of a batch.

    Arguments
    ---------
    texts : list of str
        The texts; None in the place of a missing one.
    heard : list of bool
        Which rows of the batch have speech; None where it has only texts.

    Raises
    ------
    ValueError
        If it is no list, or of another length.
    TextError
        If an entry is no string, or missing where there is no speech.
    """
    if isinstance(texts, str) or not hasattr(texts, "__len__"):
        raise ValueError("texts must be a list of strings, one for each row")
    if not len(texts):
        raise ValueError("texts is empty: give at least one")
    if heard is not None and len(heard) != len(texts):
        raise ValueError(
            f"{len(heard)} utterances but {len(texts)} texts: give one each"
        )
    modalities = ("text",) if heard is None else ("speech", "text")
    for row, text in enumerate(texts):
        audio = row if heard is not None and heard[row] else None
        check_row(modalities, audio, text)


def check_wavs(wavs, wav_lens, encoder, may_be_missing=False):
    """Puts a batch in form, and makes sure each utterance can be used.

    Arguments
    ---------
    wavs : torch.Tensor
        Waveforms, [batch, samples] or [samples].
    wav_lens : torch.Tensor or None
        Relative lengths, [batch]; None: all full.
    encoder : SpeechEncoder
        Says how long an utterance may be.
    may_be_missing : bool
        Whether a relative length may be 0: a row without speech.

    Returns
    -------
    wavs : torch.Tensor
        Waveforms, [batch, samples], float32.
    wav_lens : torch.Tensor
        Relative lengths, [batch].

    Raises
    ------
    ValueError
        If a shape or a length is wrong.
    AudioError
        If an utterance is too short, silent, or not finite.
    """
    for name, given in (("wavs", wavs), ("wav_lens", wav_lens)):
        if given is not None and not isinstance(given, torch.Tensor):
            raise ValueError(
                f"{name} must be a torch.Tensor, not {type(given).__name__}"
            )
    if wavs.ndim == 1:
        wavs = wavs.unsqueeze(0)
    if wavs.ndim != 2:
        raise ValueError(
            "wavs must be [batch, samples] or [samples], mono; got "
            f"{tuple(wavs.shape)}"
        )
    if wav_lens is None:
        wav_lens = full_lengths(wavs)
    if wav_lens.shape != wavs.shape[:1]:
        raise ValueError(
            f"wav_lens must be [{wavs.shape[0]}], relative lengths; got "
            f"{tuple(wav_lens.shape)}"
        )
    lowest = 0.0 if may_be_missing else torch.finfo(torch.float32).tiny
    if not ((wav_lens >= lowest) & (wav_lens <= 1)).all():
        raise ValueError(
            f"wav_lens are relative lengths in (0, 1]; got {wav_lens.tolist()}"
        )
    for i, n in enumerate(true_lengths(wav_lens, wavs.shape[1]).tolist()):
        if wav_lens[i] > 0:
            check_wav(wavs[i, :n], f"row {i} of the batch", encoder)
    return wavs.float(), wav_lens


def is_long(n_samples, encoder):
    """Whether a waveform is longer than an encoder takes at once.

    Arguments
    ---------
    n_samples : int
        Its length.
    encoder : SpeechEncoder
        Says how long an utterance may be.

    Returns
    -------
    bool
    """
    return encoder.max_samples is not None and n_samples > encoder.max_samples


def check_wav(wav, name, encoder):
    """Makes sure that an encoder can use a waveform.

    Arguments
    ---------
    wav : torch.Tensor
        Waveform, [samples].
    name : str
        What it is, for the message.
    encoder : SpeechEncoder
        Says how long an utterance may be.

    Raises
    ------
    AudioError
        If it is too short, silent, or not finite. The samples of a long one
        are checked when it is cut into windows.
    """
    if not wav.is_floating_point():
        raise AudioError(
            f"{name} is of type {wav.dtype}: give floating-point samples "
            "between -1 and 1"
        )
    check = check_length if is_long(wav.numel(), encoder) else check_speech
    check(wav, name, encoder.min_samples, encoder.sample_rate)


def check_device(name):
    """Makes sure that there is a device of that name.

    Arguments
    ---------
    name : str
        The device, e.g. "cpu" or "cuda:1".

    Raises
    ------
    ValueError
        If there is none.

    Example
    -------
    >>> check_device("cpu")
    >>> check_device("toaster")
    Traceback (most recent call last):
    ...
    ValueError: device 'toaster': torch knows no such device; name ...
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(
            f"device '{name}': torch knows no such device; name e.g. cpu, "
            "cuda or cuda:1"
        ) from error
    count = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= count:
        raise ValueError(
            f"device '{name}': torch finds {count or 'no'} CUDA devices; "
            "choose another, e.g. cpu"
        )
    try:
        torch.zeros(1, device=device).item()
    # What is missing fails in the manner of each kind of device.
    except Exception as error:
        raise ValueError(
            f"device '{name}' cannot compute here ({error}); choose another, "
            "e.g. cpu"
        ) from error


def check_precision(name, device=None):
    """Makes sure that a device computes in a precision.

    Arguments
    ---------
    name : str or None
        "fp32", "bf16" or "fp16".
    device : str or None
        The device; by default the GPU, where there is one.

    Raises
    ------
    ValueError
        If there is no such precision, or not on this device.

    Example
    -------
    >>> check_precision("bf16", "cpu")
    >>> check_precision("fp16", "cpu")
    Traceback (most recent call last):
    ...
    ValueError: precision 'fp16' is for GPUs: choose bf16 or fp32 on the CPU
    """
    if name not in (None, *PRECISIONS):
        raise ValueError(
            f"precision '{name}': choose one of {', '.join(PRECISIONS)}"
        )
    device = infer_device() if device is None else str(device)
    if name == "fp16" and device.partition(":")[0] == "cpu":
        raise ValueError(
            "precision 'fp16' is for GPUs: choose bf16 or fp32 on the CPU"
        )
