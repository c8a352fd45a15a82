"""What a model remembers of a speaker."""

import dataclasses
import pathlib

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from speechbrain_emotion.utils.whole_files import written_whole

FORMAT = "speechbrain-emotion speaker profile"
MOST_UTTERANCES = 2**31  # more than anybody ever says


class ProfileError(ValueError):
    """A speaker profile that cannot be used; the message says why."""


@dataclasses.dataclass(frozen=True, eq=False)
class SpeakerProfile:
    """The mean of a speaker's utterance embeddings: no audio, no words.

    It describes a voice and is personal data: keep it as such, and delete it
    when the speaker asks for it.

    Arguments
    ---------
    mean : torch.Tensor
        [dim], float32, on the CPU.
    n_utterances : int
        How many it is the mean of.
    model : str
        Fingerprint of the model; no other one can use the profile.

    Raises
    ------
    ValueError
        If ``mean`` is no such vector, or not of one utterance at least.

    Example
    -------
    >>> profile = SpeakerProfile(torch.zeros(4), 8, model="0f3a")
    >>> path = getfixture("tmp_path") / "ana.safetensors"
    >>> profile.save(path)
    >>> SpeakerProfile.load(path).n_utterances
    8
    """

    mean: torch.Tensor
    n_utterances: int
    model: str

    def __post_init__(self):
        mean = self.mean
        if mean.dtype != torch.float32 or mean.ndim != 1:
            raise ValueError(
                f"its mean is {mean.dtype}, {list(mean.shape)}, not a vector "
                "of torch.float32"
            )
        if not mean.isfinite().all():
            raise ValueError("its mean is NaN or infinite")
        if not 0 < self.n_utterances < MOST_UTTERANCES:
            raise ValueError(f"it is of {self.n_utterances} utterances")

    def save(self, path):
        """Writes the profile as a safetensors file.

        Arguments
        ---------
        path : str or Path
            The file; it is there as a whole or not at all.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        metadata = {
            "format": FORMAT,
            "n_utterances": str(self.n_utterances),
            "model": self.model,
        }
        content = save({"mean": self.mean.contiguous()}, metadata)
        with written_whole(path) as unfinished:
            unfinished.write_bytes(content)

    @classmethod
    def join(cls, profiles):
        """Makes one profile of several of the same speaker and model.

        Arguments
        ---------
        profiles : list of SpeakerProfile
            At least one.

        Returns
        -------
        SpeakerProfile

        Raises
        ------
        ProfileError
            If they are of different models.

        Example
        -------
        >>> one = SpeakerProfile(torch.tensor([0.0]), 1, model="0f3a")
        >>> three = SpeakerProfile(torch.tensor([4.0]), 3, model="0f3a")
        >>> SpeakerProfile.join([one, three]).mean
        tensor([3.])
        """
        models = {profile.model for profile in profiles}
        if len(models) != 1:
            raise ProfileError(
                "speaker profiles of different models cannot be joined: "
                f"{', '.join(sorted(models)) or 'there are none'}"
            )
        means = torch.stack([profile.mean for profile in profiles]).double()
        counts = [profile.n_utterances for profile in profiles]
        weights = torch.tensor(counts).double() / sum(counts)
        return cls((weights @ means).float(), sum(counts), models.pop())

    @classmethod
    def load(cls, path):
        """Reads what ``save`` wrote.

        Arguments
        ---------
        path : str or Path
            The file.

        Returns
        -------
        SpeakerProfile

        Raises
        ------
        OSError
            If there is no such file, or it may not be read.
        ProfileError
            If it is damaged, or something else.
        """
        if not pathlib.Path(path).is_file():
            raise FileNotFoundError(f"there is no speaker profile '{path}'")
        with open(path, "rb"):
            pass  # safetensors says nothing of rights
        try:
            with safe_open(str(path), framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") == FORMAT:
                    return cls(
                        file.get_tensor("mean"),
                        int(metadata["n_utterances"]),
                        metadata["model"],
                    )
        except (SafetensorError, OSError, LookupError, ValueError) as error:
            raise ProfileError(
                f"the speaker profile '{path}' is damaged ({error}): enroll "
                "the speaker again"
            ) from error
        raise ProfileError(
            f"'{path}' is no speaker profile: name a file that "
            "SpeakerProfile.save wrote"
        )
