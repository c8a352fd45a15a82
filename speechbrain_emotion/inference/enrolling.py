"""Speakers that a model has heard before: a few clips make answers better."""

import hashlib
import logging
import os

import torch
from tqdm import tqdm

from speechbrain_emotion.dataio.audio import AudioError
from speechbrain_emotion.dataio.corpora.scan import AUDIO_SUFFIXES, audio_files
from speechbrain_emotion.inference.inputs import INPUT_ERRORS
from speechbrain_emotion.inference.speaker_profile import (
    ProfileError,
    SpeakerProfile,
)

logger = logging.getLogger(__name__)


class Enrolling:
    """Adds speaker profiles to an interface that encodes utterances.

    The interface has ``mods.model``, ``labels`` and ``encode_speech``.
    """

    def enroll(self, inputs, progress=False):
        """Makes the profile of a speaker from some utterances.

        No labels and no texts are needed. The more utterances, and the more
        their emotions differ, the better: docs/RESULTS.md has the curve.

        Arguments
        ---------
        inputs : str, Path or list
            A folder, with all audio files in it and below, an audio file, or
            a list of audio files and waveforms [samples] at 16 kHz; all of
            one speaker. A long recording counts as one utterance, and so does
            a file that is named more than once.
        progress : bool
            Whether to show a progress bar.

        Returns
        -------
        SpeakerProfile

        Raises
        ------
        AudioError
            If none can be used. What is wrong with some of several is
            logged as a warning, and the others make the profile.
        FileNotFoundError
            If there is no such folder or file.
        ValueError
            If this model was not trained with speaker profiles.

        Example
        -------
        >>> from speechbrain_emotion import EmotionClassifier
        >>> classifier = EmotionClassifier.from_hparams()
        >>> clips = [
        ...     f"tests/samples/CREMA-D/1001_DFA_{emotion}_XX.flac"
        ...     for emotion in ("ANG", "NEU", "SAD")
        ... ]
        >>> profile = classifier.enroll(clips)
        >>> profile.n_utterances
        3
        >>> prediction = classifier.predict(clips[0], profiles=profile)
        >>> prediction.enrolled
        3
        """
        self._check_adaptable()
        inputs = _listed(inputs)
        embeddings, errors = [], []
        bar = tqdm(
            inputs, desc="enrolment", unit="utterance", disable=not progress
        )
        for i, audio in enumerate(bar, start=1):
            try:
                embeddings.append(self.encode_speech(audio).cpu())
            except INPUT_ERRORS as error:
                errors.append(f"utterance {i} of {len(inputs)}: {error}")
        if not embeddings:
            raise AudioError(
                f"no utterance of the speaker can be used: {errors[0]}"
                + (f" (and {len(errors) - 1} more)" if errors[1:] else "")
            )
        for error in errors:
            logger.warning("left out of the speaker profile: %s", error)
        speech = self.mods.model.speaker_normalization.input_size
        mean = torch.cat(embeddings)[:, :speech].double().mean(dim=0).float()
        return SpeakerProfile(mean, len(embeddings), self._fingerprint())

    def check_profiles(self, profiles, n_rows):
        """Makes sure that this model can use profiles.

        Arguments
        ---------
        profiles : SpeakerProfile or list of SpeakerProfile
            One for all rows, or one for each; None in a list for a row
            without, and instead of it where none has one.
        n_rows : int
            Number of rows.

        Returns
        -------
        list of SpeakerProfile
            One for each row, or None.

        Raises
        ------
        ProfileError
            If a profile is of another model.
        ValueError
            If there are not as many as rows, or the model takes none.
        """
        if not isinstance(profiles, list | tuple):
            profiles = [profiles] * n_rows
        if len(profiles) != n_rows:
            raise ValueError(
                f"{n_rows} utterances but {len(profiles)} profiles: give one "
                "each, None where there is none"
            )
        distinct = {id(p): p for p in profiles if p is not None}
        if distinct:
            self._check_adaptable()
            fingerprint = self._fingerprint()
            shape = self.mods.model.speaker_normalization.mean.shape
            for profile in distinct.values():
                _check(profile, fingerprint, shape)
        return profiles

    def profile_tensors(self, profiles, n_rows):
        """Puts the profiles of a batch together, checked.

        Arguments
        ---------
        profiles : SpeakerProfile or list of SpeakerProfile
            As ``check_profiles``.
        n_rows : int
            Number of rows.

        Returns
        -------
        tuple of torch.Tensor or None
            As ``SpeakerNormalization`` takes them; None where there is no
            profile at all.

        Raises
        ------
        ProfileError, ValueError
            As ``check_profiles``.
        """
        profiles = self.check_profiles(profiles, n_rows)
        if all(profile is None for profile in profiles):
            return None
        nobody = self.mods.model.speaker_normalization.mean
        means = [nobody if p is None else p.mean.to(nobody) for p in profiles]
        counts = [0 if p is None else p.n_utterances for p in profiles]
        return torch.stack(means), torch.tensor(counts, device=nobody.device)

    def _check_adaptable(self):
        """Refuses to adapt a model that was not trained for it."""
        if self.mods.model.speaker_normalization is None:
            raise ValueError(
                "this model was not trained with speaker profiles: use an "
                "included one that hears, or train one with an adaptation"
            )

    def _fingerprint(self):
        """Tells models apart, in whatever precision their encoders are."""
        model = self.mods.model
        digest = hashlib.sha256(repr(self.labels).encode())
        parts = [model.speaker_normalization, model.classifier]
        projector = getattr(model.embedding_model, "projector", None)
        for part in parts if projector is None else [projector, *parts]:
            for name, tensor in sorted(part.state_dict().items()):
                digest.update(name.encode())
                digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


def _listed(inputs):
    """The utterances of a folder, or those of a list."""
    if not isinstance(inputs, str | os.PathLike):
        inputs = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        if not inputs:
            raise AudioError(
                "no utterances of the speaker: give a list of at least one"
            )
        return [*{_identity(audio): audio for audio in inputs}.values()]
    if os.path.isfile(inputs):
        return [inputs]
    # Not pathlib's, for which "" is the working directory.
    if not os.path.isdir(inputs):
        raise FileNotFoundError(
            f"there is no folder or audio file '{inputs}' of utterances of "
            "the speaker"
        )
    files = sorted(audio_files(inputs))
    if not files:
        raise AudioError(
            f"'{inputs}' is a folder without audio files "
            f"({', '.join(AUDIO_SUFFIXES)}): name one with utterances of the "
            "speaker"
        )
    return files


def _identity(audio):
    """Tells utterances apart: a clip named twice says no more than once."""
    is_file = isinstance(audio, str | os.PathLike)
    return os.path.abspath(audio) if is_file else id(audio)


def _check(profile, fingerprint, shape):
    """Refuses what is no profile, or that of another model."""
    if not isinstance(profile, SpeakerProfile):
        raise ValueError(
            f"a profile is of type {type(profile).__name__}: give what "
            "enroll or SpeakerProfile.load returned"
        )
    if profile.mean.shape != shape:
        raise ProfileError(
            f"the speaker profile has {profile.mean.numel()} dimensions, but "
            f"this model's have {shape.numel()}: enroll the speaker with it"
        )
    if profile.model != fingerprint:
        raise ProfileError(
            f"the speaker profile was made by another model ({profile.model}, "
            f"not {fingerprint}): enroll the speaker with this one"
        )
