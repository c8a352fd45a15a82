"""What answers lose with a modality, for heads trained in several ways.

A finished run of recipes/RAVDESS-TESS-nEMO/emotion_recognition/hparams/
train_compact_concat.yaml gives encoders and manifests. Linear heads are
trained on the encoders' vectors, which are computed once: with and without
modality dropout, with and without standardisation, and for speech or text
alone. It prints the UAR on the test part as a table in Markdown, where a
share of the texts or of the speech is missing, and where a gate trusts the
texts less and less; a figure shows the same.

    python tests/benchmarks/modality_dropout.py RUN --figure curve.png
"""

import argparse
import json
import pathlib
from collections import Counter

import torch
from matplotlib.figure import Figure
from torch import nn

from speechbrain_emotion import EmotionClassifier, Transcript, Word
from speechbrain_emotion.dataio.audio import load_audio
from speechbrain_emotion.lobes.embedding import MultimodalEmbedding
from speechbrain_emotion.lobes.emotion_model import EmotionModel
from speechbrain_emotion.nnet.fusion import ConcatFusion
from speechbrain_emotion.nnet.head import LinearHead

SHARES = [0.0, 0.25, 0.5, 0.75, 1.0]
DRAWS = 10  # of the rows that lack a modality
CHANCE = 1 / 7  # the labels of the recipe
EPOCHS, STEPS, BATCH, WARMUP = 6, 128, 32, 50  # as in the recipe
BOTH = ("speech", "text")
# Name -> modality dropout, standardised, given.
TRAININGS = {
    "neither": (0.0, False, BOTH),
    "modality dropout": (0.5, False, BOTH),
    "standardisation": (0.0, True, BOTH),
    "both": (0.5, True, BOTH),
    "speech alone": (0.0, True, ("speech",)),
    "text alone": (0.0, True, ("text",)),
}
STYLES = ["C0s-", "C1^-", "C2x--", "C3o-", "k:", "k-."]
PANELS = {
    "text": "share of texts missing",
    "speech": "share of speech missing",
    "trust": "confidence of all words",
}


class Known(nn.Module):
    """An encoder of which all answers are known, one vector each."""

    def __init__(self, vectors):
        super().__init__()
        self.rows = {key: row for row, key in enumerate(vectors)}
        self.vectors = torch.stack(list(vectors.values())).unsqueeze(1)
        self.output_size = self.vectors.shape[-1]


class KnownClips(Known):
    """Takes the numbers of clips in the place of waveforms."""

    def forward(self, clips, lens):
        return self.vectors[clips.long().flatten()], lens


class KnownTexts(Known):
    """Takes texts, as ``TextEncoder`` does."""

    def forward(self, texts):
        rows = [self.rows[text] for text in texts]
        return self.vectors[rows], torch.ones(len(rows))

    def offsets(self, texts):
        return [[(0, len(text))] for text in texts]


class Part:
    """One part of the data: what is said how, and the answers."""

    def __init__(self, run, name, clips, labels):
        entries = json.loads((run / f"{name}.json").read_text()).values()
        rows = [float(clips.rows[entry["wav"]]) for entry in entries]
        self.clips = torch.tensor(rows).unsqueeze(-1)
        self.texts = [entry["words"] for entry in entries]
        found = [labels.index(entry["emo"]) for entry in entries]
        self.truth = torch.tensor(found)
        # Every emotion comes equally often, and within it every corpus.
        groups = [(entry["corpus"], entry["emo"]) for entry in entries]
        count = Counter(groups)
        per_label = Counter(label for _, label in count)
        self.chances = torch.tensor(
            [1 / count[g] / per_label[g[1]] for g in groups]
        )

    def batch(self, rows, given=BOTH):
        """What the model takes."""
        texts = [self.texts[row] for row in rows]
        return (
            self.clips[rows],
            torch.full((len(rows),), float("speech" in given)),
            texts if "text" in given else None,
        )


@torch.no_grad()
def compute_vectors(run):
    """Pooled speech of all clips and vectors of all texts of a run."""
    embed = EmotionClassifier.from_hparams(run / "export").mods.model
    embed = embed.embedding_model
    embed.encoder.max_samples = 30 * embed.encoder.sample_rate
    entries = [
        entry
        for part in ("train", "valid", "test")
        for entry in json.loads((run / f"{part}.json").read_text()).values()
    ]
    texts = sorted({entry["words"] for entry in entries}, key=len)
    vectors = {"speech": {}, "text": {}}
    for wav in sorted({entry["wav"] for entry in entries}):
        frames = embed.frames(load_audio(wav).unsqueeze(0), torch.ones(1))
        vectors["speech"][wav] = embed.fusion.pool_speech(*frames)[0]
    for first in range(0, len(texts), 128):
        some = texts[first : first + 128]
        found = embed.text_encoder(some)[0][:, 0]
        vectors["text"].update(zip(some, found.clone()))
    return vectors


def build(clips, texts, n_classes, dropout, standardize):
    """The model of hparams/compact_concat.yaml on known vectors, but that it
    learns the statistics of speech, too, and without speaker profiles.
    """
    sizes = clips.output_size, texts.output_size
    fusion = ConcatFusion(*sizes, BOTH if standardize else ())
    embedding = MultimodalEmbedding(clips, texts, fusion, None, None, dropout)
    head = LinearHead(sum(sizes), n_classes, 0.2, standardize=not standardize)
    return EmotionModel(embedding, head)


def train(model, train_part, valid_part, given, steps=STEPS):
    """Trains a head and leaves it as it was after its best epoch."""
    optimizer = torch.optim.Adam(model.parameters(), weight_decay=0.2)
    best, n_steps = (-1.0, None), EPOCHS * steps
    everything = range(len(valid_part.texts))
    for step in range(n_steps):
        warm, cool = (step + 1) / WARMUP, 1 - step / n_steps
        optimizer.param_groups[0]["lr"] = 0.002 * min(warm, cool)
        rows = torch.multinomial(train_part.chances, BATCH, True).tolist()
        loss = nn.functional.cross_entropy(
            model.train()(*train_part.batch(rows, given)),
            train_part.truth[rows],
            label_smoothing=0.1,
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % steps == 0:
            found = uar(model, valid_part, *valid_part.batch(everything, given))
            if found > best[0]:
                state = model.state_dict()
                best = found, {name: x.clone() for name, x in state.items()}
    model.load_state_dict(best[1])


@torch.no_grad()
def uar(model, part, *inputs):
    """Mean recall of the labels."""
    answers = model.eval()(*inputs).argmax(dim=1)
    recalls = [
        (answers[part.truth == label] == label).float().mean()
        for label in part.truth.unique()
    ]
    return torch.stack(recalls).mean().item()


def curves(model, part):
    """Panel -> UAR for each share."""
    clips, full, texts = part.batch(range(len(part.texts)))
    generator = torch.Generator().manual_seed(0)
    found = {panel: [] for panel in PANELS}
    for share in SHARES:
        sums, draws = Counter(), DRAWS if 0 < share < 1 else 1
        for _ in range(draws):
            order = torch.randperm(len(texts), generator=generator)
            kept = order >= round(share * len(texts))
            some = [text if k else None for text, k in zip(texts, kept)]
            sums["text"] += uar(model, part, clips, full, some)
            sums["speech"] += uar(model, part, clips, kept.float(), texts)
        for panel, total in sums.items():
            found[panel].append(total / draws)
        # One word is enough: a single vector has the mean confidence.
        unsure = [
            Transcript(text, [Word(text, 0.0, 1.0, 1 - share)]).passage()
            for text in texts
        ]
        model.embedding_model.confidence_gate = "weight"
        found["trust"].append(uar(model, part, clips, full, unsure))
        model.embedding_model.confidence_gate = None
    return found


def measure(run, vectors, seeds, steps=STEPS):
    """Training -> panel -> UAR for each share, averaged over seeds."""
    clips, texts = KnownClips(vectors["speech"]), KnownTexts(vectors["text"])
    entries = json.loads((run / "train.json").read_text()).values()
    labels = sorted({entry["emo"] for entry in entries})
    parts = [
        Part(run, name, clips, labels) for name in ("train", "valid", "test")
    ]
    results = {}
    for name, (dropout, standardize, given) in TRAININGS.items():
        found = []
        for seed in range(seeds):
            torch.manual_seed(seed)
            model = build(clips, texts, len(labels), dropout, standardize)
            train(model, *parts[:2], given, steps)
            if given == BOTH:
                found.append(curves(model, parts[2]))
                continue
            everything = range(len(parts[2].texts))
            level = uar(model, parts[2], *parts[2].batch(everything, given))
            found.append(dict.fromkeys(PANELS, [level] * len(SHARES)))
        results[name] = {
            panel: torch.tensor([one[panel] for one in found]).mean(0).tolist()
            for panel in PANELS
        }
    return results


def table(results):
    """UAR in percent, in Markdown."""
    shares = [f"{share:g}" for share in SHARES]
    lines = [
        f"| trained with | | {' | '.join(shares)} |",
        "|---" * (2 + len(shares)) + "|",
    ]
    for panel, title in PANELS.items():
        for name, curve in results.items():
            values = [f"{100 * value:.1f}" for value in curve[panel]]
            if panel == "trust":
                values.reverse()  # from confidence 0 to 1
            lines.append(f"| {name} | {title} | {' | '.join(values)} |")
    return "\n".join(lines)


def draw(results):
    """The same as a figure."""
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    all_axes = figure.subplots(1, len(PANELS), sharey=True)
    for axes, (panel, title) in zip(all_axes, PANELS.items()):
        for (name, curve), style in zip(results.items(), STYLES):
            values = [100 * value for value in curve[panel]]
            shares = [1 - s for s in SHARES] if panel == "trust" else SHARES
            axes.plot(shares, values, style, label=name, markersize=4)
        axes.axhline(100 * CHANCE, color="gray", ls="--", label="chance")
        axes.set_xlabel(title)
        axes.set_xticks(SHARES)
    all_axes[-1].invert_xaxis()  # less and less to read, as in the others
    all_axes[0].set_ylabel("UAR (%)")
    all_axes[0].set_ylim(0, 100)
    figure.legend(
        *all_axes[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=7,
        title="trained with",
        fontsize="small",
    )
    return figure


def main(arguments=None):
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path, help="output folder")
    parser.add_argument(
        "--vectors", type=pathlib.Path, help="file that keeps the vectors"
    )
    parser.add_argument("--figure", type=pathlib.Path, help="picture to write")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS, help="in an epoch")
    options = parser.parse_args(arguments)
    if options.vectors and options.vectors.exists():
        vectors = torch.load(options.vectors)
    else:
        vectors = compute_vectors(options.run)
        if options.vectors:
            torch.save(vectors, options.vectors)
    results = measure(options.run, vectors, options.seeds, options.steps)
    print(table(results))
    if options.figure:
        draw(results).savefig(options.figure, dpi=90)


if __name__ == "__main__":
    main()
