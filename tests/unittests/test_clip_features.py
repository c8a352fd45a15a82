"""Features from the loader's workers in place of waveforms."""

import copy
import json
import pickle

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from torch.nn.utils.rnn import pad_sequence

from speechbrain.dataio.dataloader import make_dataloader
from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain_emotion.dataio.datasets import make_datasets
from speechbrain_emotion.lobes.embedding import (
    MultimodalEmbedding,
    SpeechEmbedding,
)
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
from speechbrain_emotion.lobes.whisper import WhisperEncoder
from speechbrain_emotion.nnet.fusion import ConcatFusion
from speechbrain_emotion.nnet.head import LinearHead
from speechbrain_emotion.nnet.level import LevelNormalization
from speechbrain_emotion.nnet.pooling import StatisticsPooling
from speechbrain_emotion.training.clip_features import ClipFeatures

ENCODERS = {
    "w2v_bert": (
        W2VBertEncoder,
        {
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 32,
        },
    ),
    "whisper": (
        WhisperEncoder,
        {
            "d_model": 16,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
        },
    ),
}


def tiny_model(name, normalizer):
    torch.manual_seed(0)
    make, config = ENCODERS[name]
    return EmotionModel(
        SpeechEmbedding(
            make(config=config, freeze=True),
            StatisticsPooling(16),
            normalizer=LevelNormalization() if normalizer else None,
        ),
        LinearHead(32, n_classes=7),
    ).eval()


MODELS = {
    (name, normalizer): tiny_model(name, normalizer)
    for name in ENCODERS
    for normalizer in (True, False)
}


def padded(tensors):
    """Pads a batch, as SpeechBrain's ``PaddedBatch`` does."""
    lengths = torch.tensor([float(len(x)) for x in tensors])
    return pad_sequence(tensors, batch_first=True), lengths / lengths.max()


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(list(MODELS)),
    lengths=st.lists(st.integers(720, 20000), min_size=1, max_size=4),
    seed=st.integers(0, 999),
)
def test_scores_equal_those_from_waveforms(kind, lengths, seed):
    model = MODELS[kind]
    draw = torch.Generator().manual_seed(seed)
    wavs = [0.1 * torch.randn(n, generator=draw) for n in lengths]
    features = ClipFeatures(model.embedding_model, augment=None)
    with torch.no_grad():
        expected = model(*padded(wavs)).softmax(-1)
        scores = model(*padded([features(wav) for wav in wavs])).softmax(-1)
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-5)


def test_rows_without_speech():
    class Lengths(torch.nn.Module):
        output_size = 1

        def forward(self, texts):
            lengths = torch.tensor([[[float(len(text))]] for text in texts])
            return lengths, torch.ones(len(texts))

    encoder = MODELS["whisper", True].embedding_model.encoder
    embed = MultimodalEmbedding(encoder, Lengths(), ConcatFusion(16, 1))
    features = ClipFeatures(embed, augment=None)
    wavs, texts = 0.1 * torch.randn(2, 8000), ["so", None]
    lens = torch.tensor([0.0, 1.0])
    sig = torch.stack([features(wav) for wav in wavs])
    torch.testing.assert_close(
        embed(sig, lens, texts), embed(wavs, lens, texts)
    )


def test_leaves_the_pretrained_model_behind():
    embed = copy.deepcopy(MODELS["whisper", True].embedding_model)
    features = ClipFeatures(embed, augment=None)
    embed.to("meta")  # as a model that moves to a GPU
    assert features(torch.rand(8000)).device.type == "cpu"
    assert embed.encoder.model is not None
    assert not list(features.encoder.parameters())
    assert len(pickle.dumps(features)) < 200_000


def test_refuses_augmentation():
    embed = MODELS["whisper", False].embedding_model
    with pytest.raises(ValueError, match="Set augment to null"):
        ClipFeatures(embed, augment=object())


def test_in_the_workers_of_a_loader(samples, tmp_path):
    model = MODELS["whisper", True]
    clips = sorted(samples.glob("*.flac"))[:3]
    path = tmp_path / "train.json"
    path.write_text(
        json.dumps({c.stem: {"wav": str(c), "emo": "sad"} for c in clips})
    )
    encoder = CategoricalEncoder()
    encoder.update_from_iterable(["sad"])
    scores = []
    features = ClipFeatures(model.embedding_model, augment=None)
    for extra in ({}, {"features": features}):
        data = make_datasets({"a": path}, "", encoder, 16000, **extra)["a"]
        loader = make_dataloader(data, batch_size=3, num_workers=1)
        (batch,) = loader
        with torch.no_grad():
            scores.append(model(*batch.sig).softmax(-1))
    torch.testing.assert_close(*scores, rtol=0, atol=1e-5)
