"""How far half precision moves the scores of real clips and texts."""

import csv

import torch
from checkpoint import published
from clips import CORPORA, SAMPLES
from contestants import load, scores
from sklearn.linear_model import LogisticRegression

from speechbrain_emotion import EMBEDDED_MODELS, EmotionClassifier

TEXTS = CORPORA[0].parent / "text" / "meld.csv"


def measure(setting):
    """A row for each model and precision; the first precision is compared."""
    embedded, encoded = setting.size.drift
    contestants = {
        f"embedded {mode}": _embedded(mode, embedded, setting)
        for mode in ("audio", "text", "concat")
    }
    contestants["Wav2Vec2-BERT, random, head fitted"] = _fitted(
        encoded, setting
    )
    return [
        {"model": model, "precision": name, **_compare(found[0], other)}
        for model, found in contestants.items()
        for name, other in zip(setting.precisions[1:], found[1:])
    ]


def _compare(before, after):
    """Columns that compare scores, [inputs, labels]."""
    changed = before.argmax(dim=1) != after.argmax(dim=1)
    return {
        "inputs": len(before),
        "mean top score": float(before.amax(dim=1).mean()),
        "largest change": float((before - after).abs().max()),
        "mean change": float((before - after).abs().mean()),
        "changed labels (%)": 100 * float(changed.float().mean()),
    }


def _embedded(mode, n_inputs, setting):
    """Scores of a model of the package in each precision."""
    paths = None
    if mode != "text":
        paths = [path for path, _ in _clips(n_inputs)]
    texts = None if mode == "audio" else _texts(len(paths or _clips(n_inputs)))
    found = []
    for name in setting.precisions:
        classifier = EmotionClassifier.from_hparams(
            EMBEDDED_MODELS / mode,
            run_opts={"device": setting.device, "precision": name},
        )
        found.append(scores(classifier.predict(paths, texts)))
    return found


def _fitted(n_clips, setting):
    """Scores of a head that was fitted to the embeddings of the clips.

    The random head's are all about the same, whatever it hears.
    """
    clips, found = _clips(n_clips), []
    for name in setting.precisions:
        folder = published(setting, "audio")
        model = load(folder, "audio", setting.device, name)
        rows = [model.encode_utterance(path) for path, _ in clips]
        found.append(torch.cat(rows).cpu().numpy())
    mean, deviation = found[0].mean(axis=0), found[0].std(axis=0)
    found = [(embeddings - mean) / deviation for embeddings in found]
    head = LogisticRegression(C=0.01, max_iter=1000)
    head.fit(found[0], [label for _, label in clips])
    return [torch.from_numpy(head.predict_proba(x)) for x in found]


def _clips(number):
    """(path, label) of the samples and of as many clips of each corpus."""
    found = [(p, p.stem.split("_")[2]) for p in sorted(SAMPLES.glob("*.flac"))]
    for folder in CORPORA:
        if (folder / "manifest.csv").exists():
            rows = _some(_rows(folder / "manifest.csv"), number // 3)
            found += [(folder / r["path"], r["emotion"][:3]) for r in rows]
    return found


def _texts(number):
    """Lines of dialogues; without these the one that the samples say."""
    if not TEXTS.exists():
        return ["Don't forget a jacket."] * number
    return [row["text"] for row in _some(_rows(TEXTS), number)]


def _rows(path):
    with open(path, encoding="utf-8", newline="") as fin:
        return list(csv.DictReader(fin))


def _some(rows, number):
    """As many, evenly spread."""
    return rows[:: max(1, len(rows) // number)][:number]
