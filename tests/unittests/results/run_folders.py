"""Folders of runs, as trainings leave them, with made-up answers."""

import csv
import json

import numpy as np

from speechbrain_emotion.training.run_state import write_record

LABELS = ("angry", "happy", "sad")
COLUMNS = "id corpus spk_id gender session video emo predicted".split()
YAML = """
seed: {seed}
__set_seed: !apply:speechbrain.utils.seed_everything [{seed}]
data_folder: /data/{fold}
output_folder: {folder}
save_folder: {folder}/save
test_fold: {fold}
lr: {lr}
adaptation: {adaptation}
enrolment_clips: 16
splits:
  emobox: !name:speechbrain_emotion.dataio.splits.speaker_folds
    test_fold: {fold}
opt_class: !name:torch.optim.AdamW
  lr: {lr}
"""


def write_run(
    folder,
    rows,
    labels=LABELS,
    seed=1,
    fold=1,
    lr=0.1,
    adaptation="none",
    protocol="emobox",
    independent=True,
    leaks=(),
    warnings=(),
    split=None,
    n_test=None,
    options=None,
    finished=True,
):
    """Writes a finished run; rows: dicts of ``clip`` or ``random_clips``."""
    start_run(folder, seed, fold, lr, adaptation)
    if options is not None:
        write_record(folder, ["train.py"], options, finished)
    split = {"test_fold": fold, **(split or {"name": "speaker_folds"})}
    record = {
        "settings": {"split": split},
        "protocol": protocol,
        "speaker_independent": independent,
        "parts": {"test": {"clips": n_test or len(rows)}},
        "audit": {"leaks": list(leaks), "warnings": list(warnings)},
    }
    (folder / "split.json").write_text(json.dumps(record))
    with open(folder / "predictions.csv", "w", newline="") as fout:
        writer = csv.DictWriter(fout, [*COLUMNS, *labels])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def start_run(folder, seed=1, fold=1, lr=0.1, adaptation="none"):
    """Writes what a training leaves when it starts."""
    folder.mkdir(parents=True)
    (folder / "hyperparams.yaml").write_text(
        YAML.format(
            seed=seed, fold=fold, lr=lr, adaptation=adaptation, folder=folder
        )
    )
    (folder / "log.txt").touch()
    return folder


def clip(id, emo, predicted, p=0.8, labels=LABELS, **more):
    """A line of predictions.csv; p: the probability of the answer."""
    rest = (1 - p) / (len(labels) - 1)
    probabilities = {x: p if x == predicted else rest for x in labels}
    known = {"corpus": "mine", "spk_id": "", "gender": "", "session": ""}
    line = {"id": id, "video": "", "emo": emo, "predicted": predicted}
    return (
        known | line | more | {x: f"{p:.6g}" for x, p in probabilities.items()}
    )


def random_clips(n_speakers, n_each, accuracy=0.7, first=0, seed=0, **more):
    """Lines of speakers, every second one female."""
    rng = np.random.default_rng(seed)
    rows = []
    for speaker in range(first, first + n_speakers):
        for i in range(n_each):
            emo = LABELS[i % 3]
            others = [label for label in LABELS if label != emo]
            right = rng.random() < accuracy
            rows.append(
                clip(
                    f"s{speaker}_{i}",
                    emo,
                    emo if right else others[rng.integers(2)],
                    p=rng.uniform(0.4, 1),
                    spk_id=f"s{speaker}",
                    gender="female" if speaker % 2 else "male",
                    **more,
                )
            )
    return rows
