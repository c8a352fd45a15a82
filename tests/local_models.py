"""Models whose answers can be worked out by hand, and who speaks to them."""

import soundfile
import torch
from torch import nn

from speechbrain.dataio.encoder import CategoricalEncoder
from speechbrain_emotion import EmotionClassifier
from speechbrain_emotion.lobes.embedding import (
    MultimodalEmbedding,
    SpeechEmbedding,
)
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.nnet.fusion import ConcatFusion
from speechbrain_emotion.nnet.head import LinearHead
from speechbrain_emotion.nnet.pooling import MeanPooling

LIMIT = 6400  # of the local encoder, in samples
LABELS = ["angry", "happy", "sad"]


class LocalEncoder(nn.Module):
    """Frames that depend on their own 20 ms alone."""

    sample_rate = 16000
    frame_samples = min_samples = 320
    output_size = 4

    def __init__(self):
        super().__init__()
        self.max_samples = LIMIT
        self.linear = nn.Linear(320, 4)
        self.longest = 0  # that was ever encoded

    def count_frames(self, n_samples):
        return n_samples // 320

    def forward(self, wavs, wav_lens):
        n_samples = (wav_lens * wavs.shape[1]).round().long()
        self.longest = max(self.longest, int(n_samples.max()))
        frames = self.linear(wavs.unfold(1, 320, 320)).tanh()
        return frames, n_samples // 320 / frames.shape[1]


class Letters(nn.Module):
    """One vector per text: how long it is."""

    output_size = 1

    def forward(self, texts):
        lengths = [[[float(len(text))]] for text in texts]
        return torch.tensor(lengths), torch.ones(len(texts))

    def offsets(self, texts):
        return [[(0, len(text))] for text in texts]


def build(embedding, size):
    model = EmotionModel(embedding, LinearHead(size, len(LABELS)))
    label_encoder = CategoricalEncoder()
    label_encoder.update_from_iterable(LABELS)
    hparams = {"label_encoder": label_encoder}
    return EmotionClassifier({"model": model}, hparams, {"device": "cpu"})


def build_hearing():
    """A model that hears, always the same."""
    torch.manual_seed(0)
    return build(SpeechEmbedding(LocalEncoder(), MeanPooling(4)), 4)


def build_both():
    """A model that hears and reads, always the same."""
    torch.manual_seed(0)
    fusion = ConcatFusion(speech_size=4, text_size=1)
    embedding = MultimodalEmbedding(LocalEncoder(), Letters(), fusion)
    return build(embedding, 5)


def noise(n_samples, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(n_samples, generator=generator)


def write(path, wav, rate=16000):
    soundfile.write(path, wav.numpy(), rate, subtype="FLOAT")
    return path


class Dictation:
    """Transcribes everything with one transcript."""

    def __init__(self, transcript):
        self.transcript = transcript
        self.heard = []  # samples of what was transcribed

    def transcribe(self, blocks, name="the recording", progress=False):
        self.heard.append(sum(block.numel() for block in blocks))
        return self.transcript
