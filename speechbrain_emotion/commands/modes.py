"""Which mode a call asks for, and whether it gives what that mode reads."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Given:
    """What a call gives to read.

    Arguments
    ---------
    speech : bool
        Whether there are inputs.
    text : bool
        Whether there are texts, from an option or in a manifest.
    text_option : bool
        Whether there are texts from an option. To leave these unread would
        be to disobey, whereas a manifest may say more than is needed.
    transcription : bool
        Whether an option says how to transcribe.
    """

    speech: bool
    text: bool
    text_option: bool
    transcription: bool = False


def default_mode(given):
    """Chooses the mode that reads all that is given, or is transcribed.

    Arguments
    ---------
    given : Given
        What the call gives.

    Returns
    -------
    str

    Example
    -------
    >>> default_mode(Given(speech=True, text=True, text_option=False))
    'concat'
    """
    if given.text or given.transcription:
        return "concat" if given.speech else "text"
    return "audio"


def modalities_of(mode):
    """Says what the models of a mode read.

    Arguments
    ---------
    mode : str
        The mode.

    Returns
    -------
    tuple of str
        "speech", "text" or both.

    Example
    -------
    >>> modalities_of("audio"), modalities_of("mean")
    (('speech',), ('speech', 'text'))
    """
    alone = {"audio": ("speech",), "text": ("text",)}
    return alone.get(mode, ("speech", "text"))


def check_given(reader, modalities, given):
    """Makes sure that a call gives what is read, and asks for nothing else.

    Text need not be given: speech is transcribed.

    Arguments
    ---------
    reader : str
        What reads, for the message: a mode or a model.
    modalities : tuple of str
        What it reads.
    given : Given
        What the call gives.

    Raises
    ------
    ValueError
        If something is missing, or if a text would be left unread.

    Example
    -------
    >>> given = Given(speech=True, text=False, text_option=False)
    >>> check_given("mode 'concat'", ("speech", "text"), given)
    >>> given = Given(speech=False, text=True, text_option=True)
    >>> check_given("mode 'concat'", ("speech", "text"), given)
    Traceback (most recent call last):
    ...
    ValueError: mode 'concat' hears speech: name audio files as INPUT
    """
    if "speech" in modalities and not given.speech:
        raise ValueError(f"{reader} hears speech: name audio files as INPUT")
    if "text" not in modalities and given.text_option:
        raise ValueError(
            f"{reader} hears speech and reads no text: leave out --text and "
            "--texts, or name another --mode or --model"
        )


def check_model(model, modalities, mode=None):
    """Makes sure that a model reads what its mode is to read.

    Arguments
    ---------
    model : str
        What it is, for the message.
    modalities : tuple of str
        What it reads.
    mode : str
        The mode that is asked for, if any.

    Raises
    ------
    ValueError
        If it does not.

    Example
    -------
    >>> check_model("this model", ("speech",), "audio")
    >>> check_model("this model", ("speech",), "text")
    Traceback (most recent call last):
    ...
    ValueError: --mode text: this model reads speech: leave out --mode, or ...
    """
    if mode and set(modalities_of(mode)) != set(modalities):
        raise ValueError(
            f"--mode {mode}: {model} reads {' and '.join(modalities)}: "
            "leave out --mode, or name another --model"
        )
