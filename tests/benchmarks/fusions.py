"""What each fusion learns, where it is known what says the label.

The recipe of MELD trains tiny encoders, head and fusion together, from
scratch, on the synthetic corpora of tests/synthetic_corpus.py: the label is
in the speech, in the text, in each, or only in both together. It prints the accuracy
of the exported models on the test part, of both modalities and of each
alone, as a table in Markdown. Half of the answers are right by chance.

    OMP_NUM_THREADS=1 python tests/benchmarks/fusions.py
"""

import argparse
import logging
import pathlib
import sys
import tempfile

import torch

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from recipe_runs import ROOT, run_row  # noqa: E402
from synthetic_corpus import LABELS, RULES, make_corpus  # noqa: E402

from speechbrain.dataio.dataio import load_data_json  # noqa: E402
from speechbrain_emotion import EmotionClassifier  # noqa: E402

RECIPE = "recipes/MELD/emotion_recognition"
FUSIONS = ["concat", "mean", "multihead", "cross_attention"]
DROPOUTS = [0.0, 0.5]
SIZES = (1024, 64, 256)  # utterances of training, validation and test
WIDTH = 32
# What neither says alone takes longer, and longer still where half of the
# utterances are without one.
EPOCHS = {
    "speech": 3,
    "text": 3,
    "each": 3,
    "both": 10,
    "both, dropout": 16,
}
SPREAD = 0.2  # of initial weights; narrow layers with 0.02 say next to nothing
FLAGS = {
    "labels": LABELS,
    "n_classes": len(LABELS),
    # The other emotions of MELD do not occur.
    "label_map": dict.fromkeys(
        ["disgust", "fear", "neutral", "sadness", "surprise"], "null"
    ),
    "lr": 0.005,
    "lr_encoder": 0.01,
    "warmup_steps": 50,
    "class_weight_power": 0,
    "label_smoothing": 0,
    "max_batch_length": 32,
    "num_buckets": 20,
    "num_workers": 0,
    "augment": "null",
    "feature_augment": "null",
    "gradient_checkpointing": False,
    "freeze_text_encoder": False,
    "text_hub": "tests/samples/tiny_bert",
    "audio_folder": "null",  # there is audio already
    "encoder_dim": WIDTH,
    "embedding_dim": WIDTH,
}
DEFINITION = {
    "dropout": 0,
    "speech_encoder": {
        "source": "null",
        "config": {
            "d_model": WIDTH,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": WIDTH,
            "init_std": SPREAD,
        },
    },
    "text_encoder": {
        "source": "null",
        "config": {
            "model_type": "bert",
            "vocab_size": 146,
            "hidden_size": WIDTH,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": WIDTH,
            "initializer_range": SPREAD,
        },
    },
}
# Whisper's features keep the level of each bin, which beeps differ in.
SPEECH_ENCODERS = ("w2v_bert.W2VBertEncoder", "whisper.WhisperEncoder")


def train(
    corpus, folder, fusion, modality_dropout=0.0, seed=0, head="Tanh", **flags
):
    """Trains a model by the recipe.

    Arguments
    ---------
    corpus : pathlib.Path
        Folder of the corpus.
    folder : pathlib.Path
        Where to write the run; it is made.
    fusion : str
        Name of a file in hparams.
    modality_dropout : float
        Share of the utterances that lose speech or text in training.
    seed : int
        Of weights, batches and dropout.
    head : str
        "Tanh", which the file has, or "Linear".
    **flags
        Other overrides of the recipe, ``number_of_epochs`` among them.

    Returns
    -------
    EmotionClassifier
        The exported model.
    """
    folder.mkdir(parents=True)
    model = (ROOT / "hparams" / f"{fusion}.yaml").read_text()
    model = model.replace(*SPEECH_ENCODERS).replace("TanhHead", f"{head}Head")
    (folder / "model.yaml").write_text(model)
    yaml = (ROOT / RECIPE / "hparams" / "train_concat.yaml").read_text()
    include = "!include:../../../../hparams/concat.yaml"
    assert yaml.count(include) == 1
    file = folder / "train.yaml"
    file.write_text(yaml.replace(include, f"!include:{folder}/model.yaml"))
    definition = dict(DEFINITION)
    if fusion == "cross_attention":
        definition["attention_dim"] = WIDTH
    flags = {**FLAGS, **flags}
    flags |= {
        "patience": flags["number_of_epochs"],
        "data_folder": corpus,
        "modality_dropout": modality_dropout,
        "seed": seed,
        "definition": definition,
    }
    row = {"Script_file": f"{RECIPE}/train.py", "Hparam_file": str(file)}
    flags = {key: _in_yaml(value) for key, value in flags.items()}
    run_row(row, flags, folder / "run")
    return EmotionClassifier.from_hparams(folder / "run" / "export")


@torch.no_grad()
def accuracies(classifier, corpus, manifest):
    """Scores a model with both modalities and with each alone.

    Arguments
    ---------
    classifier : EmotionClassifier
        The model.
    corpus : pathlib.Path
        Folder of the corpus.
    manifest : pathlib.Path
        The test part.

    Returns
    -------
    dict
        Given, "both", "speech" or "text" -> accuracy, from 0 to 1.
    """
    clips = load_data_json(manifest, {"data_root": str(corpus)}).values()
    wavs = [classifier.load_audio(clip["wav"]) for clip in clips]
    lens = torch.tensor([float(len(wav)) for wav in wavs])
    lens = lens / lens.max()
    wavs = torch.nn.utils.rnn.pad_sequence(wavs, batch_first=True)
    texts = [clip["words"] for clip in clips]
    given = {
        "both": (lens, texts),
        "speech": (lens, [None] * len(texts)),
        "text": (torch.zeros_like(lens), texts),
    }
    found = {}
    for name, (some_lens, some_texts) in given.items():
        *_, labels = classifier.classify_batch(wavs, some_lens, some_texts)
        right = [label == clip["emo"] for label, clip in zip(labels, clips)]
        found[name] = sum(right) / len(right)
    return found


def measure(rule, folder, seed=0, sizes=SIZES, **options):
    """Trains and scores on a corpus, which is made unless it is there.

    Arguments
    ---------
    rule : str
        What says the label: a name in ``RULES``.
    folder : pathlib.Path
        Where to write corpora and runs.
    seed : int
        Of corpus and training.
    sizes : tuple of int
        See ``make_corpus``.
    **options
        See ``train``.

    Returns
    -------
    dict
        See ``accuracies``.
    """
    corpus = folder / f"{rule}_{seed}"
    if not corpus.exists():
        make_corpus(rule, corpus, sizes, seed)
    run = folder / "runs" / "_".join(map(str, [rule, seed, *options.values()]))
    dropout = options.get("modality_dropout", 0)
    key = "both, dropout" if rule == "both" and dropout else rule
    options = {"number_of_epochs": EPOCHS[key], **options}
    classifier = train(corpus, run, seed=seed, **options)
    return accuracies(classifier, corpus, run / "run" / "test.json")


def _in_yaml(value):
    """A value as a flow of YAML, on one line."""
    if isinstance(value, dict):
        items = [f"{key}: {_in_yaml(x)}" for key, x in value.items()]
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_in_yaml, value)) + "]"
    return str(value)


def row(options, results):
    """A line of the table: means over the seeds, and the worst."""
    cells = [
        options["rule"],
        options["fusion"],
        options.get("head", "Tanh").lower(),
        f"{options['modality_dropout']:g}",
    ]
    for given in ("both", "speech", "text"):
        values = [100 * result[given] for result in results]
        mean = sum(values) / len(values)
        cells.append(f"{mean:.1f} ({min(values):.1f}–{max(values):.1f})")
    return f"| {' | '.join(cells)} |"


def settings(rules):
    """What is trained: arguments of ``measure``, for one line each."""
    for rule in rules:
        for fusion in FUSIONS:
            for dropout in DROPOUTS:
                yield {
                    "rule": rule,
                    "fusion": fusion,
                    "modality_dropout": dropout,
                }
    for fusion in FUSIONS if "both" in rules else ():
        yield {
            "rule": "both",
            "fusion": fusion,
            "modality_dropout": 0.0,
            "head": "Linear",
        }


def main():
    """Measures what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rules", nargs="+", choices=RULES, default=[*RULES])
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    print("| label in | fusion | head | dropout | both | speech | text |")
    print("|---" * 7 + "|", flush=True)
    for setting in settings(options.rules):
        with tempfile.TemporaryDirectory() as folder:
            results = [
                measure(folder=pathlib.Path(folder), seed=seed, **setting)
                for seed in range(options.seeds)
            ]
        print(row(setting, results), flush=True)


if __name__ == "__main__":
    main()
