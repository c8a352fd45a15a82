"""How much a few utterances of a speaker improve the answers.

It takes finished trainings whose test speakers are in no other part, and
answers every test clip with profiles of some *other* clips of its speaker:
of any emotions, of neutral ones only, or of one emotion only. Folds of one
seed are pooled; figures are means over draws and seeds. It prints a table in
Markdown and draws the curve. A model that reads is given the clips' words, but
nothing is read of the speaker.

    python tests/benchmarks/enrolment.py RUN... --data_folder CORPUS \
        --name RAVDESS --output docs/enrolment_ravdess.png
"""

import argparse
import collections
import json
import pathlib

import numpy as np
import torch
from tqdm import tqdm

from speechbrain.dataio.dataio import load_data_json
from speechbrain_emotion import EmotionClassifier

COUNTS = [1, 2, 4, 8, 16, 32]
KINDS = ["random", "neutral", "one emotion"]


class Run:
    """The exported model of a training, and the embeddings of its test part.

    Arguments
    ---------
    folder : pathlib.Path
        Output folder of the training.
    data_folder : str
        Folder of the corpus.
    known : dict
        Clip, perhaps with words -> embedding, by the same encoder; more are
        added.
    mute : bool
        Whether the words are kept from a model that reads.
    """

    def __init__(self, folder, data_folder, known, mute=False):
        split = json.loads((folder / "split.json").read_text())
        assert split["speaker_independent"], f"{folder}: speakers are shared"
        self.seed = folder.name
        self.classifier = EmotionClassifier.from_hparams(folder / "export")
        self.normalization = self.classifier.mods.model.speaker_normalization
        reads = "text" in self.classifier.modalities and not mute
        clips = load_data_json(folder / "test.json", {"data_root": data_folder})
        keys = ("wav", "words") if reads else ("wav",)
        inputs = [tuple(c[key] for key in keys) for c in clips.values()]
        for given in tqdm(inputs, desc=str(folder), leave=False):
            if given not in known:
                encode = self.classifier.encode_speech
                if reads:
                    encode = self.classifier.encode_utterance
                known[given] = encode(*given)[0]
        self.embeddings = torch.stack([known[given] for given in inputs])
        self.speech = self.embeddings[:, : self.normalization.input_size]
        self.labels = np.array([clip["emo"] for clip in clips.values()])
        self.speakers = np.array([clip["spk_id"] for clip in clips.values()])

    @torch.no_grad()
    def answer(self, means=None, counts=None):
        """The label of each clip, with or without profiles."""
        profiles = None if means is None else (means, counts)
        model = self.classifier.mods.model
        best = model(embeddings=self.embeddings, profiles=profiles).argmax(-1)
        return np.array(self.classifier.labels)[best.numpy()]

    def adapted(self, kind, emotion, count, generator):
        """The label of each clip with profiles of so many others; None where
        a speaker has not as many.
        """
        means = torch.zeros_like(self.speech)
        for speaker in sorted(set(self.speakers)):
            mine = np.flatnonzero(self.speakers == speaker)
            pool = mine
            if kind != "random":
                pool = mine[self.labels[mine] == emotion]
            pool = generator.permutation(pool)
            if len(pool) < count + 1:
                return None
            enrolled, instead = pool[:count], self.speech[pool[count]]
            total = self.speech[enrolled].sum(dim=0)
            means[mine] = total / count
            for clip in enrolled:  # another in its own place
                means[clip] = (total - self.speech[clip] + instead) / count
        return self.answer(means, torch.full((len(means),), count))


def uar(pairs):
    """Unweighted average recall, in percent, of (truth, answer) arrays."""
    truth, answers = map(np.concatenate, zip(*pairs))
    recalls = [(answers[truth == x] == x).mean() for x in np.unique(truth)]
    return 100 * float(np.mean(recalls))


def curve(runs, n_draws):
    """The UAR of each kind of enrolment and number of utterances.

    Arguments
    ---------
    runs : list of Run
        Folds and seeds.
    n_draws : int
        How often enrolment is drawn.

    Returns
    -------
    dict
        (kind, count) -> emotion ("" for any) -> UAR of draws and seeds;
        ("none", 0) for no profiles.
    """
    by_seed = collections.defaultdict(list)
    for run in runs:
        by_seed[run.seed].append(run)
    emotions = sorted(set(np.concatenate([run.labels for run in runs])))
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for folds in by_seed.values():
        pairs = [(run.labels, run.answer()) for run in folds]
        found["none", 0][""].append(uar(pairs))
    cases = [("random", ""), ("neutral", "neutral")]
    cases += [("one emotion", emotion) for emotion in emotions]
    settings = [(*case, count) for case in cases for count in COUNTS]
    for kind, emotion, count in tqdm(settings, desc="curve"):
        for draw in range(n_draws):
            for seed, folds in by_seed.items():
                generator = np.random.default_rng([draw, count])
                answers = [
                    run.adapted(kind, emotion, count, generator)
                    for run in folds
                ]
                if any(answer is None for answer in answers):
                    continue
                truth = [run.labels for run in folds]
                value = uar([*zip(truth, answers)])
                found[kind, count][emotion].append(value)
    return found


def row(name, found):
    """Two lines of the table: means; in brackets those of the worst emotion,
    and ± the standard deviation over draws and seeds.
    """
    start = found["none", 0][""]
    for kind in KINDS:
        cells = [f"{np.mean(start):.1f}"]
        for count in COUNTS:
            values = found.get((kind, count))
            if not values:
                cells.append("")
                continue
            cell = f"{np.mean([*map(np.mean, values.values())]):.1f}"
            if kind == "one emotion":
                worst = min(values, key=lambda e: np.mean(values[e]))
                cell += f" ({np.mean(values[worst]):.1f} {worst}"
                cell += f"; {len(values)} emotions)"
            else:
                [draws] = values.values()
                cell += f" ± {np.std(draws):.1f}"
            cells.append(cell)
        yield f"| {name} | {kind} | {' | '.join(cells)} |"


def draw_curve(name, found, path):
    """Draws the curve of all kinds, and of the worst emotion."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.5))
    start = np.mean(found["none", 0][""])
    lines = {kind: [start] for kind in [*KINDS, "worst emotion"]}
    for kind in KINDS:
        for count in COUNTS:
            values = found.get((kind, count))
            if values:
                means = [*map(np.mean, values.values())]
                lines[kind].append(np.mean(means))
                if kind == "one emotion":
                    lines["worst emotion"].append(min(means))
    ticks = [0, *COUNTS]
    for (kind, values), style in zip(lines.items(), ["-o", "-s", "-^", ":^"]):
        axes.plot(range(len(values)), values, style, label=kind)
    axes.axhline(start, color="grey", linewidth=0.5)
    axes.set_xticks(range(len(ticks)), ticks)
    axes.set_xlabel("utterances of the speaker, unlabelled")
    axes.set_ylabel("UAR in %")
    axes.set_title(f"{name}, new speakers")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", nargs="+", type=pathlib.Path)
    parser.add_argument("--data_folder", required=True)
    parser.add_argument("--name", required=True, help="in table and title")
    parser.add_argument("--output", help="picture, PNG")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--mute", action="store_true", help="no words")
    parser.add_argument("--prior", type=float, help="in place of the model's")
    options = parser.parse_args()
    torch.set_num_threads(1)
    known = {}
    runs = [
        Run(path, options.data_folder, known, options.mute)
        for path in options.runs
    ]
    for run in runs:
        if options.prior is not None:
            run.normalization.prior_utterances = options.prior
    found = curve(runs, options.draws)
    print(f"| corpus | enrolment | {' | '.join(map(str, [0, *COUNTS]))} |")
    print("|---" * (3 + len(COUNTS)) + "|")
    print("\n".join(row(options.name, found)))
    if options.output:
        draw_curve(options.name, found, options.output)


if __name__ == "__main__":
    main()
