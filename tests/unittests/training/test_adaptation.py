"""Speaker profiles in training and evaluation."""

import collections

import pytest
import torch
from toy_training import LABELS, clips, dataset, make_brain, speech_model, train

from speechbrain.augment.augmenter import Augmenter
from speechbrain.core import Stage
from speechbrain.dataio.batch import PaddedBatch
from speechbrain.utils.epoch_loop import EpochCounter
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.nnet.head import TanhHead
from speechbrain_emotion.nnet.speaker import SpeakerNormalization
from speechbrain_emotion.training.adaptation import (
    COUNTS,
    SpeakerAdaptation,
    make_adaptation,
)
from speechbrain_emotion.training.embeddings import EmbeddingStore


def numbered(kind="enrolled", **options):
    """Two speakers of the same name and one that is unknown; the embedding
    of a clip is a one in its own place.
    """
    ids = [f"{speaker}{i}" for speaker in "abu" for i in range(40)]
    corpora = {"a": "A", "b": "B", "u": "A"}
    utterances = {
        id: {"corpus": corpora[id[0]], "spk_id": "" if id[0] == "u" else "01"}
        for id in ids
    }
    adaptation = SpeakerAdaptation(kind, **options)
    adaptation.add(utterances, dict(zip(ids, torch.eye(len(ids)))))
    return adaptation, ids


def used(mean, ids):
    """The clips that a profile is made of."""
    return {id for id, share in zip(ids, mean.tolist()) if share > 0}


def test_enrolled_by_others_of_the_same_speaker():
    adaptation, ids = numbered(n_utterances=5)
    means, counts = adaptation.known(["a3", "b7", "u1", "a3"])
    assert counts.tolist() == [5, 5, 0, 5]
    first, second, nobody, again = (used(mean, ids) for mean in means)
    assert first == again and len(first) == 5 and not nobody
    assert {id[0] for id in first} == {"a"} and "a3" not in first
    assert {id[0] for id in second} == {"b"} and "b7" not in second
    torch.testing.assert_close(means.sum(dim=1), torch.tensor([1.0, 1, 0, 1]))
    # Not the same clips for all utterances of a speaker, nor for all seeds.
    other, _ = adaptation.known(["a4"])
    assert used(other[0], ids) != first
    other, _ = numbered(n_utterances=5, seed=1)[0].known(["a3"])
    assert used(other[0], ids) != first


def test_fewer_where_there_are_no_more():
    adaptation, ids = numbered(n_utterances=99)
    means, counts = adaptation.known(["a3"])
    assert counts.tolist() == [39] and "a3" not in used(means[0], ids)


def test_transductive_by_all_of_the_speaker():
    adaptation, ids = numbered("transductive")
    means, counts = adaptation.known(["b0", "u0"])
    assert counts.tolist() == [40, 0]
    assert used(means[0], ids) == {id for id in ids if id[0] == "b"}


def test_the_same_audio_with_other_texts_is_one_recording():
    adaptation = SpeakerAdaptation("transductive", share=1.0)
    ids = [f"{clip}_{copy}" for clip in "abc" for copy in range(4)]
    entries = {
        id: {"wav": f"{id[0]}.wav", "corpus": "A", "spk_id": "1"} for id in ids
    }
    rows = torch.eye(3)
    embeddings = {id: rows["abc".index(id[0])] for id in ids}
    adaptation.add(entries, embeddings)
    means, counts = adaptation.known(["b_0", "b_3"])
    assert counts.tolist() == [3, 3]
    torch.testing.assert_close(means, torch.full((2, 3), 1 / 3))
    adaptation.kind = "enrolled"
    for make in (adaptation.known, adaptation.draw):
        means, counts = make(["b_0", "b_3"] * 20)
        assert not means[:, 1].any() and set(counts.tolist()) <= {1, 2}
        torch.testing.assert_close(means.sum(dim=1), torch.ones(40))


def test_parts_do_not_mix():
    adaptation = SpeakerAdaptation("transductive")
    for part in ("train", "test"):
        entries = {f"{part}{i}": {"corpus": "A", "spk_id": "1"} for i in "xy"}
        adaptation.add(entries, dict.fromkeys(entries, torch.zeros(1)))
    _, counts = adaptation.known(["testx"])
    assert counts.tolist() == [2]


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_training_draws(share):
    adaptation, ids = numbered(share=share)
    torch.manual_seed(0)
    means, counts = adaptation.draw(["a1"] * 2000)
    given = counts > 0
    assert abs(given.float().mean() - share) < 0.04
    found = collections.Counter(counts[given].tolist())
    assert set(found) == set(COUNTS)
    assert min(found.values()) > 0.7 * given.sum() / len(COUNTS)
    everything = set.union(*(used(mean, ids) for mean in means))
    assert everything == {id for id in ids if id[0] == "a"} - {"a1"}
    torch.manual_seed(0)
    again, _ = adaptation.draw(["a1"] * 2000)
    assert torch.equal(means, again)


def test_nothing_is_known():
    adaptation, _ = numbered("none")
    assert adaptation.known(["a1"]) is None
    adaptation, _ = numbered(share=0)
    assert adaptation.draw(["a1"]) is None


def test_wrong_settings():
    with pytest.raises(ValueError, match="'yes': expected none, enrolled, tr"):
        SpeakerAdaptation("yes")
    with pytest.raises(ValueError, match="profile_share=2: expected 0 to 1"):
        SpeakerAdaptation("none", share=2)
    with pytest.raises(ValueError, match="enrolment_clips=0: at least 1"):
        SpeakerAdaptation("enrolled", n_utterances=0)


# ---- in a recipe -----------------------------------------------------------


def all_of_it():
    return SpeakerAdaptation("transductive", share=1.0)


def adaptable():
    model = speech_model(freeze=True)
    return EmotionModel(
        model.embedding_model,
        TanhHead(16, n_classes=len(LABELS), dropout=0.0),
        SpeakerNormalization(16, prior_utterances=2),
    )


def recorded(tmp_path, monkeypatch, entries):
    """A store of a model of recordings that are no files."""
    monkeypatch.setattr(
        "speechbrain_emotion.training.embeddings._key",
        lambda entry, inputs: f"{entry['seed']} {entry['length']}",
    )
    model = adaptable()
    return model, EmbeddingStore(model.embedding_model, tmp_path, augments=[])


def test_profiles_in_all_stages(tmp_path, monkeypatch):
    entries = clips(6)
    model, store = recorded(tmp_path, monkeypatch, entries)
    adaptation = make_adaptation(all_of_it(), store, [dataset(entries)], model)
    brain = make_brain(tmp_path, EpochCounter(1), model, adaptation=adaptation)
    data = dataset(entries)
    batch = PaddedBatch([data[i] for i in range(6)])
    model.train()
    model.speaker_normalization.mean.fill_(3.0)
    model.eval()
    embeddings = model.embed(*batch.sig)
    plain = model.classifier(embeddings)
    even = embeddings[[0, 2, 4]].mean(dim=0)  # of the speaker "00"
    expected = embeddings[0] + 3 / 5 * (3.0 - even)
    with torch.no_grad():
        logits = brain.compute_forward(batch, Stage.TEST)
    torch.testing.assert_close(
        logits[0], model.classifier(expected), rtol=1e-4, atol=1e-5
    )
    assert (logits - plain).abs().min() > 0
    # In training, profiles are of others, and drawn anew.
    torch.manual_seed(0)
    one = brain.compute_forward(batch, Stage.TRAIN)
    two = brain.compute_forward(batch, Stage.TRAIN)
    assert (one - two).abs().max() > 1e-3


def test_rows_that_augmentation_adds_have_profiles_of_their_own(
    tmp_path, monkeypatch
):
    entries = clips(4)
    model, store = recorded(tmp_path, monkeypatch, entries)
    adaptation = make_adaptation(all_of_it(), store, [dataset(entries)], model)
    asked = []
    draw = adaptation.draw
    adaptation.draw = lambda ids: asked.append(ids) or draw(ids)
    augment = Augmenter(
        concat_original=True, augmentations=[torch.nn.Identity()]
    )
    brain = make_brain(
        tmp_path,
        EpochCounter(1),
        model,
        adaptation=adaptation,
        augment=augment,
    )
    data = dataset(entries)
    batch = PaddedBatch([data[i] for i in range(4)])
    logits = brain.compute_forward(batch, Stage.TRAIN)
    assert len(logits) == 8 and asked == [[*entries, *entries]]


def test_what_a_recipe_cannot_have(tmp_path, monkeypatch):
    entries = clips(4)
    model, store = recorded(tmp_path, monkeypatch, entries)
    parts = [dataset(entries)]
    nothing = SpeakerAdaptation("none", share=0)
    assert make_adaptation(nothing, None, parts, model) is None
    with pytest.raises(ValueError, match="set embeddings_folder"):
        make_adaptation(all_of_it(), None, parts, model)
    model.speaker_normalization = None
    with pytest.raises(ValueError, match="has no speaker_normalization"):
        make_adaptation(all_of_it(), store, parts, model)


def test_resumed_is_uninterrupted(tmp_path, monkeypatch):
    entries = clips(8)

    def run(folder, n_epochs):
        model, store = recorded(tmp_path / "kept", monkeypatch, entries)
        parts = [dataset(entries), dataset(clips(8, "valid"))]
        return train(
            folder,
            n_epochs=n_epochs,
            model=model,
            adaptation=make_adaptation(
                SpeakerAdaptation("transductive"), store, parts, model
            ),
        )

    whole = run(tmp_path / "whole", 3).model.state_dict()
    run(tmp_path / "parts", 1)
    resumed = run(tmp_path / "parts", 3).model.state_dict()
    assert whole["speaker_normalization.mean"].abs().max() > 0
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
