"""What a model remembers of a speaker."""

import dataclasses
import json
import pathlib

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from speechbrain_emotion.utils.whole_files import written_whole

FORMAT = "speechbrain-emotion speaker profile"


class ProfileError(ValueError):
    """A speaker profile that cannot be used; the message says why."""


@dataclasses.dataclass(frozen=True)
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

    def save(self, path):
        """Writes the profile as a safetensors file.

        Arguments
        ---------
        path : str or Path
            The file; it is there as a whole or not at all.
        """
        facts = {"n_utterances": self.n_utterances, "model": self.model}
        metadata = {"format": FORMAT, "facts": json.dumps(facts)}
        with written_whole(path) as unfinished:
            save_file({"mean": self.mean}, unfinished, metadata)

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
        FileNotFoundError
            If there is no such file.
        ProfileError
            If it is damaged, or something else.
        """
        if not pathlib.Path(path).is_file():
            raise FileNotFoundError(f"there is no speaker profile '{path}'")
        try:
            with safe_open(str(path), framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != FORMAT:
                    raise ProfileError(
                        f"'{path}' is no speaker profile: name a file that "
                        "SpeakerProfile.save wrote"
                    )
                facts = json.loads(metadata["facts"])
                mean = file.get_tensor("mean")
            if mean.ndim != 1 or not mean.isfinite().all():
                raise ValueError("its mean is no vector of numbers")
            n_utterances = int(facts["n_utterances"])
            if n_utterances < 1:
                raise ValueError(f"{n_utterances} utterances")
            return cls(mean.float(), n_utterances, str(facts["model"]))
        except ProfileError:
            raise
        except (SafetensorError, OSError, LookupError, ValueError) as error:
            raise ProfileError(
                f"the speaker profile '{path}' is damaged ({error}): enroll "
                "the speaker again"
            ) from error
