"""Embeddings that are computed once: the same, kept, told apart."""

import json
import shutil

import pytest
import tokenizers
import torch
from torch import nn

from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain_emotion.dataio.datasets import make_datasets
from speechbrain_emotion.lobes.embedding import (
    MultimodalEmbedding,
    SpeechEmbedding,
    TextEmbedding,
)
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.lobes.text_encoder import TextEncoder
from speechbrain_emotion.lobes.tokenizer import TextTokenizer
from speechbrain_emotion.lobes.whisper import WhisperEncoder
from speechbrain_emotion.nnet.fusion import ConcatFusion
from speechbrain_emotion.nnet.head import LinearHead
from speechbrain_emotion.nnet.level import LevelNormalization
from speechbrain_emotion.nnet.pooling import MeanPooling
from speechbrain_emotion.training import embeddings
from speechbrain_emotion.training.embeddings import EmbeddingStore

TINY = {"d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2}
TINY_TEXT = {
    "model_type": "bert",
    "vocab_size": 146,
    "hidden_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}


def speech_encoder(seed=0, **arguments):
    torch.manual_seed(seed)
    return WhisperEncoder(config=TINY, **{"freeze": True, **arguments})


def embedding_model(seed=0, normalizer=None, projector=None, **arguments):
    encoder = speech_encoder(seed, **arguments)
    return SpeechEmbedding(
        encoder, MeanPooling(16), normalizer, projector
    ).eval()


def text_encoder(samples, output="cls"):
    torch.manual_seed(0)
    return TextEncoder(
        config=TINY_TEXT,
        tokenizer=TextTokenizer(str(samples.parent / "tiny_bert")),
        output=output,
        freeze=True,
    )


def fused(samples, fusion):
    """A model that reads and hears."""
    return MultimodalEmbedding(
        speech_encoder(), text_encoder(samples), fusion
    ).eval()


@pytest.fixture
def corpus(samples, tmp_path):
    """A function that makes the dataset of five clips, and their folder."""
    folder = tmp_path / "clips"
    folder.mkdir()
    clips = sorted(samples.glob("*.flac"))[:5]
    for clip in clips:
        shutil.copy(clip, folder)
    manifest = folder / "train.json"
    manifest.write_text(
        json.dumps(
            {
                clip.stem: {
                    "wav": f"{{data_root}}/{clip.name}",
                    "emo": "sad",
                    "words": "so sad" if i else "",
                }
                for i, clip in enumerate(clips)
            }
        )
    )
    label_encoder = CategoricalEncoder()
    label_encoder.update_from_iterable(["happy", "sad"])

    def make(store=None, modalities=("speech",)):
        return make_datasets(
            {"train": str(manifest)},
            str(folder),
            label_encoder,
            sample_rate=16000,
            modalities=modalities,
            embeddings=store,
        )["train"]

    return make, folder


@pytest.fixture
def computed(monkeypatch):
    """The ids of the clips that were embedded, in the order of it."""
    ids, embed = [], embeddings._embed

    def record(model, batch):
        ids.extend(batch.id)
        return embed(model, batch)

    monkeypatch.setattr(embeddings, "_embed", record)
    return ids


def test_same_logits_as_from_the_waveform(corpus, tmp_path):
    make, _ = corpus
    model = EmotionModel(embedding_model(), LinearHead(16, 2)).eval()
    store = EmbeddingStore(model.embedding_model, tmp_path / "kept", [None])
    kept, waveforms = make(store), make()
    for item, whole in zip(kept, waveforms, strict=True):
        assert item["id"] == whole["id"]
        assert set(item) == {"id", "embedding", "emo_encoded"}
        assert item["emo_encoded"] == whole["emo_encoded"]
        torch.testing.assert_close(
            model(embeddings=item["embedding"][None]),
            model(whole["sig"][None]),
        )


def test_computed_once_for_all_runs(corpus, computed, tmp_path):
    make, folder = corpus
    first = make(EmbeddingStore(embedding_model(), tmp_path / "kept", []))
    assert len(computed) == 5
    again = make(EmbeddingStore(embedding_model(), tmp_path / "kept", []))
    assert len(computed) == 5
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one["embedding"], other["embedding"])
    # A clip that has changed, other weights, another layer.
    changed, other = sorted(folder.glob("*.flac"))[:2]
    shutil.copy(other, changed)
    make(EmbeddingStore(embedding_model(), tmp_path / "kept", []))
    assert computed[5:] == [changed.stem]
    make(EmbeddingStore(embedding_model(seed=1), tmp_path / "kept", []))
    assert len(computed) == 11
    make(EmbeddingStore(embedding_model(layer=1), tmp_path / "kept", []))
    assert len(computed) == 16


def test_goes_on_where_it_was_stopped(corpus, computed, monkeypatch, tmp_path):
    make, _ = corpus
    monkeypatch.setattr(embeddings, "SHARD", 2)
    embed = embeddings._embed

    def stop_at_the_fifth(*args):
        if len(computed) == 4:
            raise KeyboardInterrupt
        return embed(*args)

    with monkeypatch.context() as patch:
        patch.setattr(embeddings, "_embed", stop_at_the_fifth)
        with pytest.raises(KeyboardInterrupt):
            make(EmbeddingStore(embedding_model(), tmp_path / "kept", []))
    make(EmbeddingStore(embedding_model(), tmp_path / "kept", []))
    assert len(computed) == len(set(computed)) == 5


def test_what_would_change_in_training_is_refused(tmp_path):
    with pytest.raises(ValueError, match="are trained: freeze the encoder"):
        EmbeddingStore(embedding_model(freeze=False), tmp_path, [None])
    with pytest.raises(ValueError, match="instead of 'weighted'"):
        EmbeddingStore(embedding_model(layer="weighted"), tmp_path, [None])
    with pytest.raises(ValueError, match="set augment and feature_augment"):
        EmbeddingStore(embedding_model(), tmp_path, [None, torch.nn.Identity()])


@pytest.mark.parametrize(
    "module",
    [
        nn.Dropout(0.5),
        nn.Sequential(nn.BatchNorm1d(16, affine=False)),
        nn.MultiheadAttention(16, 2, dropout=0.1).requires_grad_(False),
    ],
)
def test_layers_that_differ_in_training_are_refused(tmp_path, module):
    with pytest.raises(ValueError, match="change the embeddings .projector"):
        EmbeddingStore(embedding_model(projector=module), tmp_path, [])
    EmbeddingStore(embedding_model(projector=nn.Dropout(0.0)), tmp_path, [])


def test_a_fusion_with_statistics_is_refused(samples, tmp_path):
    model = fused(samples, ConcatFusion(16, 24, standardize=["speech", "text"]))
    with pytest.raises(ValueError, match="change the embeddings .fusion"):
        EmbeddingStore(model, tmp_path, [])


def test_unknown_text_is_missing_as_in_training(corpus, samples, tmp_path):
    make, _ = corpus
    model = fused(samples, ConcatFusion(16, 24))
    both = ("speech", "text")
    kept = make(EmbeddingStore(model, tmp_path, []), both)
    for item, whole in zip(kept, make(modalities=both), strict=True):
        sig, text = whole["sig"][None], whole["words"] or None
        expected = model(sig, torch.ones(1), [text])[0]
        torch.testing.assert_close(item["embedding"], expected)
    without = kept[[e["words"] for e in kept.data.values()].index("")]
    assert not without["embedding"][16:].any()


def test_settings_without_weights_tell_models_apart(samples, tmp_path):
    def folder(model, **options):
        return EmbeddingStore(model, tmp_path, [], **options).folder

    def loud(*levels):
        return folder(embedding_model(normalizer=LevelNormalization(*levels)))

    assert loud(-26.0) == loud(-26.0)
    assert len({loud(-26.0), loud(-60.0), loud(-26.0, -40.0)}) == 3
    low, high = (
        folder(embedding_model(), sample_rate=rate) for rate in (8000, 16000)
    )
    assert low != high

    def text(output="cls"):
        return TextEmbedding(text_encoder(samples, output))

    assert folder(text()) == folder(text())
    assert folder(text()) != folder(text("tokens"))
    other = text()
    replace = tokenizers.normalizers.Replace("a", "b")
    other.text_encoder.tokenizer.backend.normalizer = replace
    assert folder(text()) != folder(other)
    shorter = text()
    shorter.text_encoder.tokenizer.truncate(3)
    assert folder(text()) != folder(shorter)
