"""Embeddings that are computed once: the same, kept, told apart."""

import json
import shutil

import pytest
import torch

from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain_emotion.dataio.datasets import make_datasets
from speechbrain_emotion.lobes.embedding import SpeechEmbedding
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.lobes.whisper import WhisperEncoder
from speechbrain_emotion.nnet.head import LinearHead
from speechbrain_emotion.nnet.pooling import MeanPooling
from speechbrain_emotion.training import embeddings
from speechbrain_emotion.training.embeddings import EmbeddingStore

TINY = {"d_model": 16, "encoder_layers": 2, "encoder_attention_heads": 2}


def embedding_model(seed=0, **arguments):
    torch.manual_seed(seed)
    encoder = WhisperEncoder(config=TINY, **{"freeze": True, **arguments})
    return SpeechEmbedding(encoder, MeanPooling(16)).eval()


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
                clip.stem: {"wav": f"{{data_root}}/{clip.name}", "emo": "sad"}
                for clip in clips
            }
        )
    )
    label_encoder = CategoricalEncoder()
    label_encoder.update_from_iterable(["happy", "sad"])

    def make(store=None):
        return make_datasets(
            {"train": str(manifest)},
            str(folder),
            label_encoder,
            sample_rate=16000,
            embeddings=store,
        )["train"]

    return make, folder


@pytest.fixture
def computed(monkeypatch):
    """The ids of the clips that were embedded, in the order of it."""
    ids, embed = [], embeddings._embed

    def record(model, batch, inputs):
        ids.extend(batch.id)
        return embed(model, batch, inputs)

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
