"""Embeddings with tiny encoders and random weights, and batches for them."""

import torch
from torch import nn

from speechbrain_emotion.lobes.embedding import (
    MultimodalEmbedding,
    SpeechEmbedding,
    TextEmbedding,
)
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.nnet.fusion import (
    ConcatFusion,
    CrossAttentionFusion,
    MeanFusion,
    MultiHeadFusion,
)
from speechbrain_emotion.nnet.head import TanhHead
from speechbrain_emotion.nnet.pooling import MeanPooling

SIZE = 6
FUSIONS = {
    "concat": ConcatFusion,
    "mean": MeanFusion,
    "multihead": MultiHeadFusion,
    "attention": lambda speech_size, text_size: CrossAttentionFusion(
        speech_size, text_size, attention_size=8, num_heads=2
    ),
}


class Frames(nn.Module):
    """A speech encoder: pairs of samples to frames."""

    def __init__(self, output_size=SIZE):
        super().__init__()
        self.output_size = output_size
        self.layer = nn.Linear(2, output_size)
        self.seen = []

    def forward(self, wavs, wav_lens):
        self.seen.append(len(wavs))
        frames = self.layer(wavs.unflatten(1, (-1, 2)).nan_to_num())
        return frames, wav_lens


class Letters(nn.Module):
    """A text encoder: letters to vectors."""

    def __init__(self, output_size=SIZE):
        super().__init__()
        self.output_size = output_size
        self.layer = nn.Embedding(128, output_size)
        self.seen = []

    def forward(self, texts):
        self.seen.append(len(texts))
        codes = [torch.tensor([*map(ord, f"^{text}")]) for text in texts]
        longest = max(map(len, codes))
        lens = torch.tensor([len(c) / longest for c in codes])
        codes = nn.utils.rnn.pad_sequence(codes, batch_first=True)
        return self.layer(codes), lens

    def offsets(self, texts):
        return [
            [(0, 0), *((i, i + 1) for i in range(len(text)))] for text in texts
        ]


def build(kind, **arguments):
    """A model of one kind, with random weights."""
    torch.manual_seed(0)
    if kind == "speech":
        embedding = SpeechEmbedding(Frames(), MeanPooling(SIZE), **arguments)
        size = SIZE
    elif kind == "text":
        embedding, size = TextEmbedding(Letters()), SIZE
    else:
        fusion = FUSIONS[kind](speech_size=SIZE, text_size=SIZE)
        embedding = MultimodalEmbedding(
            Frames(), Letters(), fusion, **arguments
        )
        size = fusion.output_size
    return EmotionModel(embedding, TanhHead(size, n_classes=3)).eval()


def batch(rows):
    """Pads rows (number of samples, text) to a batch; NaN as padding."""
    longest = max(2, *(n for n, _ in rows), 2)
    wavs = torch.full((len(rows), longest), torch.nan)
    for wav, (n, _) in zip(wavs, rows):
        generator = torch.Generator().manual_seed(n)
        wav[:n] = torch.randn(n, generator=generator)
    wav_lens = torch.tensor([n / longest for n, _ in rows])
    return wavs, wav_lens, [text for _, text in rows]


def assert_close(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)
