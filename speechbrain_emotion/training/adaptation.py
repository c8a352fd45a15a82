"""Speaker profiles in training and evaluation."""

import random

import torch

KINDS = ("none", "enrolled", "transductive")
# How many utterances a profile in training is of.
COUNTS = (1, 2, 4, 8, 16, 32)


class SpeakerAdaptation:
    """Makes profiles of the speakers of training, validation and test.

    In training some rows get one, of a random number of their speaker's other
    utterances: the model learns to answer with and without. No labels are
    used. Utterances with the same audio, which another text was put beside,
    are one.

    Arguments
    ---------
    kind : str
        What is known in evaluation. "none": nothing. "enrolled":
        ``n_utterances`` others of the speaker in the same part, drawn once
        for each recording. "transductive": all of the speaker's utterances in
        the part, the one to be answered among them.
    share : float
        Share of the training rows that get a profile, 0 to 1.
    n_utterances : int
        For "enrolled"; fewer where a speaker has no more.
    seed : int
        Of the utterances that enroll in evaluation.

    Raises
    ------
    ValueError
        If there is no such kind or share, or no utterance is to enroll.

    Example
    -------
    >>> adaptation = SpeakerAdaptation("enrolled", n_utterances=2)
    >>> adaptation.add(
    ...     {id: {"spk_id": "ana", "corpus": "X"} for id in "abc"},
    ...     {id: torch.tensor([float(i)]) for i, id in enumerate("abc")},
    ... )
    >>> means, counts = adaptation.known(["a", "c"])
    >>> means.flatten().tolist(), counts.tolist()
    ([1.5, 0.5], [2, 2])
    """

    def __init__(self, kind, share=0.5, n_utterances=16, seed=0):
        if kind not in KINDS:
            raise ValueError(
                f"adaptation={kind!r}: expected {', '.join(KINDS)}"
            )
        if not 0 <= share <= 1:
            raise ValueError(f"profile_share={share!r}: expected 0 to 1")
        if n_utterances < 1:
            raise ValueError(
                f"enrolment_clips={n_utterances!r}: at least 1, or set "
                "adaptation to none"
            )
        self.kind = kind
        self.share = share
        self.n_utterances = n_utterances
        self.seed = seed
        self.recordings = {}  # id -> the first one with the same audio
        self.embeddings = {}  # recording -> embedding
        self.mates = {}  # recording -> all of the speaker in the part

    def add(self, utterances, embeddings):
        """Takes a part of the split.

        Arguments
        ---------
        utterances : dict
            Id -> entry of the manifest. Where ``spk_id`` is empty nobody
            knows who speaks, and there is no profile.
        embeddings : dict
            Id -> embedding, [dim].
        """
        first, groups = {}, {}
        for id, entry in utterances.items():
            recording = first.setdefault(entry.get("wav", id), id)
            self.recordings[id] = recording
            self.embeddings[recording] = embeddings[recording]
            if entry.get("spk_id"):
                speaker = entry.get("corpus"), entry["spk_id"]
                groups.setdefault(speaker, set()).add(recording)
        for recordings in groups.values():
            mates = sorted(recordings)
            self.mates.update(dict.fromkeys(mates, mates))

    def draw(self, ids):
        """Makes profiles for a training batch, from torch's random numbers.

        Arguments
        ---------
        ids : list of str
            The utterance of each row.

        Returns
        -------
        tuple of torch.Tensor or None
            As ``SpeakerNormalization`` takes them.
        """
        if self.share == 0:
            return None
        return self._profiles([self._draw(self.recordings[id]) for id in ids])

    def known(self, ids):
        """Makes the profiles for a batch in evaluation.

        Arguments
        ---------
        ids : list of str
            The utterance of each row.

        Returns
        -------
        tuple of torch.Tensor or None
            As ``SpeakerNormalization`` takes them.
        """
        if self.kind == "none":
            return None
        return self._profiles(
            [self._enrolment(self.recordings[id]) for id in ids]
        )

    def _draw(self, recording):
        """The recordings for the profile of a training row."""
        if torch.rand(()) >= self.share:
            return []
        others = self._others(recording)
        count = COUNTS[torch.randint(len(COUNTS), ()).item()]
        order = torch.randperm(len(others))[:count].tolist()
        return [others[i] for i in order]

    def _enrolment(self, recording):
        """The recordings that the profile for one is made of."""
        if self.kind == "transductive":
            return self.mates.get(recording, [])
        others = self._others(recording)
        generator = random.Random(f"{self.seed} {recording}")
        return generator.sample(others, min(self.n_utterances, len(others)))

    def _others(self, recording):
        """The other recordings of a speaker."""
        mates = self.mates.get(recording, [])
        return [mate for mate in mates if mate != recording]

    def _profiles(self, chosen):
        """Mean embeddings, zeros where there are no recordings, and counts."""
        nobody = torch.zeros_like(next(iter(self.embeddings.values())))
        means = [
            torch.stack([self.embeddings[r] for r in recordings]).mean(dim=0)
            if recordings
            else nobody
            for recordings in chosen
        ]
        return torch.stack(means), torch.tensor([*map(len, chosen)])


def make_adaptation(adaptation, store, datasets, model):
    """Readies what a recipe asks for.

    Arguments
    ---------
    adaptation : SpeakerAdaptation
        As it is asked for.
    store : EmbeddingStore or None
        Gives the embeddings of the utterances.
    datasets : iterable of DynamicItemDataset
        The parts of the split.
    model : EmotionModel
        What is trained.

    Returns
    -------
    SpeakerAdaptation or None

    Raises
    ------
    ValueError
        If model or embeddings do not allow it.
    """
    if adaptation.kind == "none" and adaptation.share == 0:
        return None
    if model.speaker_normalization is None:
        raise ValueError(
            f"adaptation={adaptation.kind!r}, profile_share="
            f"{adaptation.share}: the model has no speaker_normalization: add "
            "it to its definition, or set them to none and 0"
        )
    if store is None:
        raise ValueError(
            f"adaptation={adaptation.kind!r}, profile_share="
            f"{adaptation.share}: profiles are made of embeddings that stay "
            "the same: freeze the encoder and set embeddings_folder, or set "
            "them to none and 0"
        )
    for dataset in datasets:
        ids = dataset.data_ids
        adaptation.add(
            {id: dataset.data[id] for id in ids}, store.embeddings(dataset)
        )
    return adaptation
