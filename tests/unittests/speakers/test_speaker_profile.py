"""Speaker profiles that are refused, and files of them."""

import dataclasses
import os

import pytest
import torch
from adaptable_model import DIM, load_adaptable
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from local_models import noise
from safetensors import safe_open
from safetensors.torch import save_file

from speechbrain_emotion import (
    EMBEDDED_MODELS,
    EmotionClassifier,
    ProfileError,
    SpeakerProfile,
)
from speechbrain_emotion.inference.speaker_profile import FORMAT
from speechbrain_emotion.nnet.standardization import FrozenStandardization


def rows(predictions):
    """The scores of predictions or segments as a tensor."""
    return torch.tensor([list(p.scores.values()) for p in predictions])


# ---- what is refused -------------------------------------------------------


def test_models_without_profiles_say_so(clips, profile):
    bare, text = (
        load_adaptable(adaptable=False),
        EmotionClassifier.from_hparams(
            EMBEDDED_MODELS / "text", run_opts={"device": "cpu"}
        ),
    )
    for call in [
        lambda: bare.enroll(clips),
        lambda: text.enroll(clips),
        lambda: bare.predict(clips[0], profiles=profile),
        lambda: bare.predict(clips[:1], profiles=[profile]),
        lambda: bare.classify_file(clips[0], profile=profile),
        lambda: text.predict(texts=["Oh!"], profiles=profile),
    ]:
        with pytest.raises(ValueError, match="not trained with speaker prof"):
            call()
    assert bare.predict(clips[:2], profiles=[None, None])[0].error is None


@pytest.mark.parametrize("part", ["classifier", "mean", "labels", "projector"])
def test_profiles_of_another_model_are_refused(clips, profile, part):
    other = load_adaptable()
    model = other.mods.model
    if part == "classifier":
        next(model.classifier.parameters()).data[0] += 1e-3
    elif part == "mean":
        model.speaker_normalization.mean[0] += 1e-3
    elif part == "projector":
        projector = FrozenStandardization(1536)
        projector.num_batches_tracked += 1
        model.embedding_model.projector = projector
    else:
        encoder = other.hparams.label_encoder
        encoder.ind2lab[0], encoder.ind2lab[1] = encoder.ind2lab[1], "calm"
    gone = "gone.wav"  # refused before anything is read
    for call in [
        lambda: other.predict(gone, profiles=profile),
        lambda: other.predict([gone], profiles=profile),
        lambda: other.predict([gone, gone], profiles=[None, profile]),
        lambda: other.classify_file(clips[0], profile=profile),
    ]:
        with pytest.raises(ProfileError, match="another model.*enroll"):
            call()


def test_the_precision_of_encoders_makes_no_other_model(
    classifier, clips, profile
):
    half = load_adaptable(precision="bf16")
    answer = half.predict(clips[0], profiles=profile)
    assert answer.enrolled == 6
    full = classifier.predict(clips[0], profiles=profile)
    assert (rows([answer]) - rows([full])).abs().max() < 0.02
    again = classifier.predict(clips[0], profiles=half.enroll(clips))
    assert (rows([again]) - rows([full])).abs().max() < 0.02


def test_profiles_of_another_size_are_refused(classifier, clips, profile):
    small = dataclasses.replace(profile, mean=profile.mean[:-1])
    with pytest.raises(ProfileError, match="has 1535 dimensions.*1536"):
        classifier.predict(clips[0], profiles=small)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_other_numbers_of_profiles_are_refused(classifier, clips, profile, n):
    wavs, profiles = torch.stack([noise(8000)] * 2), [profile] * n
    message = f"2 utterances but {n} profiles"
    with pytest.raises(ValueError, match=message):
        classifier.classify_batch(wavs, profiles=profiles)
    with pytest.raises(ValueError, match=message):
        classifier.predict(["gone.wav"] * 2, profiles=profiles)
    with pytest.raises(ValueError, match="2 utterances but 3 profiles"):
        classifier.predict(["gone.wav"] * 2, profiles=[None] * 3)


def test_what_is_no_profile_is_refused(classifier, clips, profile):
    for wrong in ("ana.safetensors", profile.mean, {"ana": profile}, 6):
        kind = type(wrong).__name__
        message = f"a profile is of type {kind}: give what enroll or"
        for call in [
            lambda wrong=wrong: classifier.predict(clips[0], profiles=wrong),
            lambda wrong=wrong: classifier.predict(clips[:2], profiles=wrong),
            lambda wrong=wrong: classifier.predict(
                clips[:2], profiles=[profile, wrong]
            ),
        ]:
            with pytest.raises(ValueError, match=message):
                call()
    with pytest.raises(ValueError, match="a profile is of type list"):
        classifier.predict(clips[0], profiles=[profile])


# ---- files -----------------------------------------------------------------


def test_a_file_holds_the_statistics_and_nothing_else(
    classifier, clips, profile, tmp_path
):
    path = tmp_path / "new" / "ana.safetensors"
    profile.save(path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    with safe_open(path, framework="pt") as file:
        assert list(file.keys()) == ["mean"]
        assert torch.equal(file.get_tensor("mean"), profile.mean)
        assert file.metadata() == {
            "format": FORMAT,
            "n_utterances": "6",
            "model": profile.model,
        }
    assert path.stat().st_size < 4 * DIM + 1000
    again = SpeakerProfile.load(str(path))
    assert torch.equal(again.mean, profile.mean)
    assert (again.n_utterances, again.model) == (6, profile.model)
    answers = [
        classifier.predict(clips[:2], profiles=x) for x in (again, profile)
    ]
    assert answers[0] == answers[1]
    column = torch.stack([profile.mean] * 2, dim=1)[:, 0]
    other = SpeakerProfile(column, 1, "m")
    other.save(path)  # in the place of the first
    assert SpeakerProfile.load(path).n_utterances == 1


def damaged(profile, tmp_path):
    """Files that are wrong, each with what the message says of it."""
    path = tmp_path / "profile.safetensors"
    profile.save(path)
    content = path.read_bytes()
    for n in (0, 7, 100, len(content) - 1):
        path.write_bytes(content[:n])
        yield path, "is damaged"
    path.write_bytes(torch.randint(256, [900]).byte().numpy().tobytes())
    yield path, "is damaged"
    good = {"format": FORMAT, "n_utterances": "6", "model": "a"}
    mean = profile.mean
    for tensor, name, metadata, message in [
        (mean, "mean", None, "is no speaker profile"),
        (mean, "mean", {**good, "format": "pt"}, "is no speaker profile"),
        (mean, "weight", good, "is damaged .*mean"),
        (mean, "mean", {"format": FORMAT}, "damaged .*n_utterances"),
        (mean, "mean", {**good, "n_utterances": "0"}, "of 0 utterances"),
        (mean, "mean", {**good, "n_utterances": "-3"}, "of -3 utterances"),
        (mean, "mean", {**good, "n_utterances": "1.5"}, "damaged .*1.5"),
        (mean, "mean", {**good, "n_utterances": "9" * 30}, "of 9+ utter"),
        (mean, "mean", {**good, "n_utterances": "null"}, "damaged .*null"),
        (mean / 0, "mean", good, "NaN or infinite"),
        (torch.full([4], torch.nan), "mean", good, "NaN or infinite"),
        (mean[None], "mean", good, r"float32, \[1, 1536\], not a vector"),
        (mean.sum(), "mean", good, r"float32, \[\], not a vector"),
        (mean.half(), "mean", good, "float16.* not a vector of torch.float32"),
        (mean.long(), "mean", good, "int64"),
        (mean.to(torch.float8_e5m2), "mean", good, "float8"),
    ]:
        save_file({name: tensor}, path, metadata)
        yield path, message


def test_damaged_files_are_refused(profile, tmp_path):
    n_files = 0
    for path, message in damaged(profile, tmp_path):
        with pytest.raises(ProfileError, match=message) as caught:
            SpeakerProfile.load(path)
        assert str(path) in str(caught.value)
        n_files += 1
    assert n_files == 21
    for path in (tmp_path / "gone.safetensors", tmp_path):
        with pytest.raises(FileNotFoundError, match=str(path)):
            SpeakerProfile.load(path)


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_no_damage_gives_another_kind_of_error(profile, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damaged") / "profile.safetensors"
    profile.save(path)
    content = bytearray(path.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, header - 1))
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        loaded = SpeakerProfile.load(path)
    except ProfileError as error:
        assert str(path) in str(error)
    else:
        assert loaded.mean.isfinite().all() and loaded.n_utterances > 0


def test_what_is_no_file_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    profile = SpeakerProfile(torch.zeros(3), 1, "model")
    for path in (pipe, tmp_path):
        with pytest.raises(OSError, match="is no ordinary file"):
            profile.save(path)
    assert pipe.is_fifo() and [*tmp_path.iterdir()] == [pipe]
