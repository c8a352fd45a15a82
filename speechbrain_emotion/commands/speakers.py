"""Who speaks, where a call says so: answers are adapted to the voice."""

import contextlib
import glob
import logging
import os
import sys

from tqdm import tqdm

from speechbrain_emotion.commands.items import expand_inputs

logger = logging.getLogger(__name__)

# As they stand on the command line, and in its namespace.
OPTIONS = {
    "--enroll": "enroll",
    "--profile": "profile",
    "--speaker-column": "speaker_column",
}


def speaker_option(args):
    """Finds how a call says who speaks.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line, with one of the options at most.

    Returns
    -------
    str or None
        The option; None where there is none.
    """
    given = (
        o for o, name in OPTIONS.items() if getattr(args, name) is not None
    )
    return next(given, None)


def check_hears(option, reader, modalities):
    """Makes sure that speaker profiles can have a part in the answers.

    Arguments
    ---------
    option : str
        How the call says who speaks.
    reader : str
        What reads, for the message: a mode or a model.
    modalities : tuple of str
        What it reads.

    Raises
    ------
    ValueError
        If it reads text only.

    Example
    -------
    >>> check_hears("--enroll", "mode 'concat'", ("speech", "text"))
    >>> check_hears("--enroll", "mode 'text'", ("text",))
    Traceback (most recent call last):
    ...
    ValueError: --enroll: mode 'text' does not hear, and speaker profiles ...
    """
    if "speech" not in modalities:
        raise ValueError(
            f"{option}: {reader} does not hear, and speaker profiles are of "
            "voices: leave the option out, or name a mode or a model that "
            "hears, and audio files"
        )


def check_takes_profiles(option, name, classifier):
    """Makes sure that a model can be adapted to speakers.

    Arguments
    ---------
    option : str
        How the call says who speaks.
    name : str
        How messages call the model.
    classifier : EmotionClassifier
        The model.

    Raises
    ------
    ValueError
        If it cannot.
    """
    check_hears(option, name, classifier.modalities)
    if classifier.mods.model.speaker_normalization is None:
        raise ValueError(
            f"{option}: {name} was not trained with speaker profiles: leave "
            "the option out, use a model in the package that hears, or train "
            "one with an adaptation"
        )


def enrolment_clips(name):
    """Finds the clips of the speaker that a call enrolls.

    Arguments
    ---------
    name : str
        Audio file, folder, pattern or manifest; None: nobody is enrolled.

    Returns
    -------
    list of str
        Audio files. What names none is logged as a warning.

    Raises
    ------
    ValueError
        If there are none.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> enrolment_clips(str(folder))
    Traceback (most recent call last):
    ...
    ValueError: --enroll: '...' is a folder without audio files (.wav, ...)
    >>> (folder / "a.wav").touch()
    >>> [os.path.basename(clip) for clip in enrolment_clips(str(folder))]
    ['a.wav']
    """
    if name is None:
        return []
    if not glob.has_magic(name) and not os.path.exists(name):
        raise ValueError(f"--enroll: there is no file or folder '{name}'")
    items = expand_inputs([name])
    errors = [item.error for item in items if item.error is not None]
    if len(errors) == len(items):
        raise ValueError(f"--enroll: {errors[0]}")
    for error in errors:
        logger.warning("left out of the speaker profile: %s", error)
    return [item.audio for item in items if item.error is None]


def find_profiles(args, classifier, items, clips):
    """Finds out what is known of the speaker of each item.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line.
    classifier : EmotionClassifier
        A model that takes profiles, if the call says who speaks.
    items : list of Item
        The inputs.
    clips : list of str
        Audio files of the speaker to enroll.

    Returns
    -------
    list of SpeakerProfile
        One for each item; None in the place of what is not known.

    Raises
    ------
    OSError, ValueError
        If none of the clips can be used, or if the profile that is named
        cannot.
    """
    if args.speaker_column is not None:
        return _profiles_of_speakers(classifier, items)
    profile = None
    if args.enroll is not None:
        profile = _enroll(args, classifier, clips)
    elif args.profile is not None:
        profile = _load(args.profile, classifier)
    return [profile] * len(items)


def _distinct(files):
    """Audio files, each once: a clip tells no more when it is named twice."""
    return [*{os.path.abspath(file): file for file in files}.values()]


def _enroll(args, classifier, clips):
    """Makes the profile of one speaker, and keeps it where that is asked."""
    # Imports torch.
    from speechbrain_emotion.dataio.audio import AudioError

    try:
        profile = classifier.enroll(clips, progress=_on_terminal())
    except AudioError as error:
        raise ValueError(f"--enroll '{args.enroll}': {error}") from error
    if args.save_profile is not None:
        profile.save(args.save_profile)
    return profile


def _load(path, classifier):
    """Reads a profile, and makes sure that the model made it."""
    from speechbrain_emotion.inference.speaker_profile import (
        ProfileError,
        SpeakerProfile,
    )

    try:
        profile = SpeakerProfile.load(path)
        classifier.check_profiles([profile], 1)
    except (ProfileError, FileNotFoundError) as error:
        raise ValueError(f"--profile '{path}': {error}") from error
    return profile


def _profiles_of_speakers(classifier, items):
    """Makes the profile of each speaker whom the items name."""
    clips = {}
    for item in items:
        if item.speaker is not None and item.audio is not None:
            clips.setdefault(item.speaker, []).append(item.audio)
    clips = {speaker: _distinct(files) for speaker, files in clips.items()}
    n_clips = sum(map(len, clips.values()))
    profiles = {}
    with tqdm(
        total=n_clips, desc="enrolment", unit="clip", disable=not _on_terminal()
    ) as bar:
        for speaker, files in clips.items():
            profiles[speaker] = _profile_of(classifier, files, bar)
    return [profiles.get(item.speaker) for item in items]


def _profile_of(classifier, files, bar):
    """Makes the profile of one speaker; None where no clip can be used."""
    from speechbrain_emotion.dataio.audio import AudioError
    from speechbrain_emotion.inference.speaker_profile import SpeakerProfile

    profiles = []
    for file in files:
        # What is wrong with it, its answer says.
        with contextlib.suppress(AudioError):
            profiles.append(classifier.enroll([file]))
        bar.update()
    return SpeakerProfile.join(profiles) if profiles else None


def _on_terminal():
    """Whether somebody sees how far the work is."""
    return sys.stderr.isatty()
