"""The published models, run with transformers alone and with this package."""

import soundfile
import torch
import transformers
from checkpoint import PREFIX
from safetensors import safe_open
from torch.nn import functional

from speechbrain_emotion import EmotionClassifier

# As the hub's facebook/w2v-bert-2.0 has it.
EXTRACTOR = {
    "feature_size": 80,
    "num_mel_bins": 80,
    "padding_value": 1,
    "sampling_rate": 16000,
    "stride": 2,
}


class Baseline:
    """Extractor, eager encoder and published head, as one writes them.

    The text encoder of the mode "concat" is the folder of a BERT. The speech
    encoder is loaded from the checkpoint unless it is given.
    """

    def __init__(self, folder, device, text_encoder=None, encoder=None):
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        self.device = device
        self.extractor = transformers.SeamlessM4TFeatureExtractor(**EXTRACTOR)
        if encoder is None:
            encoder = transformers.Wav2Vec2BertModel.from_pretrained(
                folder, attn_implementation="eager"
            )
        self.encoder = encoder.eval().to(device)
        with safe_open(folder / "model.safetensors", "pt") as file:
            names = [n for n in file.keys() if not n.startswith(PREFIX)]
            self.head = {n: file.get_tensor(n).to(device) for n in names}
        if text_encoder is not None:
            load = transformers.AutoTokenizer.from_pretrained
            self.tokenizer = load(text_encoder)
            self.bert = transformers.BertModel.from_pretrained(text_encoder)
            self.bert.eval().to(device)

    def features(self, wavs):
        """Features and mask of a list of waveforms."""
        inputs = self.extractor(
            [wav.numpy() for wav in wavs],
            sampling_rate=EXTRACTOR["sampling_rate"],
            return_tensors="pt",
        )
        return inputs.to(self.device)

    def text(self, text):
        """The CLS vector of a text that is padded to 512 tokens."""
        inputs = self.tokenizer(
            text,
            padding="max_length",
            max_length=512,
            truncation=True,
            return_tensors="pt",
        )
        output = self.bert(**inputs.to(self.device))
        return output.last_hidden_state[:, 0]

    def scores(self, wavs, text=None):
        """Probabilities of the labels, [batch, labels]."""
        inputs = self.features(wavs)
        frames = self.encoder(**inputs).last_hidden_state
        x = self._linear("projector", frames)
        mask = inputs["attention_mask"].unsqueeze(-1)
        x = (x * mask).sum(dim=1) / mask.sum(dim=1)
        if text is not None:
            x = torch.cat((x, self.text(text)), dim=-1)
        x = self._linear("classifier.dense", x).tanh()
        return self._linear("classifier.out_proj", x).softmax(dim=-1).cpu()

    def file_scores(self, paths, batch_size):
        """Probabilities for audio files, in batches in the order given."""
        wavs = [soundfile.read(path, dtype="float32")[0] for path in paths]
        batches = torch.arange(len(wavs)).split(batch_size)
        return torch.cat(
            [
                self.scores([torch.from_numpy(wavs[i]) for i in batch])
                for batch in batches
            ]
        )

    def _linear(self, name, x):
        weight, bias = self.head[f"{name}.weight"], self.head[f"{name}.bias"]
        return functional.linear(x, weight, bias)


def load(folder, mode, device, precision="fp32", **arguments):
    """Loads our classifier."""
    return EmotionClassifier.from_checkpoint(
        folder,
        mode,
        run_opts={"device": device, "precision": precision},
        **arguments,
    )


def encode(classifier, features, lens):
    """Frames of our speech encoder, [batch, frames, dim]."""
    with classifier.inference_ctx:
        return classifier.encoder.encode(features, lens)[0]


def scores(predictions):
    """Probabilities of the labels, [batch, labels]; no clip may fail."""
    for prediction in predictions:
        if prediction.error:
            raise RuntimeError(prediction.error)
    return torch.tensor([list(p.scores.values()) for p in predictions])
