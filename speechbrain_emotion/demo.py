"""A demonstration of the packaged models on CREMA-D clips and sentences.

python -m speechbrain_emotion.demo FOLDER --plot demo.png
"""

import argparse
import pathlib
from dataclasses import replace

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from speechbrain_emotion.commands.tables import format_table
from speechbrain_emotion.commands.timeline_formats import FORMATS
from speechbrain_emotion.inference.classifier import EmotionClassifier
from speechbrain_emotion.inference.known import EMBEDDED_MODELS

SENTENCES = [
    "I am so happy to see you again!",
    "I miss her so much.",
    "Leave me alone, I hate you!",
    "That smells disgusting.",
    "What was that noise? I'm scared.",
    "The meeting has been moved to Tuesday.",
]

CREMA_D_LABELS = {
    "ANG": "angry",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}


def true_label(path):
    """Reads the label from the name of a CREMA-D file.

    Arguments
    ---------
    path : Path
        Named ``<actor>_<sentence>_<emotion>_<level>``.

    Returns
    -------
    str

    Example
    -------
    >>> true_label(pathlib.Path("1001_DFA_ANG_XX.flac"))
    'angry'
    """
    return CREMA_D_LABELS[path.stem.split("_")[2]]


def plot_scores(predictions, truth, path):
    """Draws the scores of every clip as a heat map.

    Arguments
    ---------
    predictions : list of Prediction
        The answers.
    truth : list of str
        The true label of each, which is framed.
    path : str or Path
        The picture.
    """
    labels = list(predictions[0].scores)
    scores = [list(p.scores.values()) for p in predictions]
    figure = Figure(
        figsize=(1.2 * len(labels) + 3, 0.4 * len(scores) + 1.5),
        layout="constrained",
    )
    axes = figure.add_subplot()
    image = axes.imshow(scores, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(labels)), labels)
    names = [pathlib.Path(p.source).stem for p in predictions]
    axes.set_yticks(range(len(names)), names)
    for row, (values, label) in enumerate(zip(scores, truth)):
        for column, value in enumerate(values):
            colour = "white" if value > 0.5 else "black"
            axes.text(
                column, row, f"{value:.2f}", ha="center", va="center", c=colour
            )
        corner = (labels.index(label) - 0.5, row - 0.5)
        axes.add_patch(
            Rectangle(corner, 1, 1, fill=False, edgecolor="C1", lw=2)
        )
    axes.set_title("Score of each label; the true label is framed")
    figure.colorbar(image, label="score")
    figure.savefig(path, dpi=120)


def show_speech(clips, picture):
    """Prints the table and the number of right answers, draws the picture."""
    truth = [true_label(clip) for clip in clips]
    classifier = EmotionClassifier.from_hparams(EMBEDDED_MODELS / "audio")
    predictions = classifier.predict(clips)
    right = sum(p.label == label for p, label in zip(predictions, truth))
    print(format_table(predictions, truth))
    print(
        f"\n{right} of {len(clips)} clips right (chance: about "
        f"{len(clips) / len(predictions[0].scores):.0f}). Neither the corpus "
        "nor its speakers were in the training data;\n"
        "twelve clips are an illustration, not an evaluation: see the model "
        "card for that."
    )
    plot_scores(predictions, truth, picture)
    print(f"Picture: {picture}")


def show_text():
    """Prints what the text model says of some sentences."""
    classifier = EmotionClassifier.from_hparams(EMBEDDED_MODELS / "text")
    print(format_table(classifier.predict(texts=SENTENCES)))


def show_both(clip):
    """Prints what the model of both says of a clip with different texts."""
    classifier = EmotionClassifier.from_hparams(EMBEDDED_MODELS / "concat")
    texts = [None, *SENTENCES[:3]]
    predictions = classifier.predict([clip] * len(texts), texts)
    print(f"{clip.name} with")
    named = [replace(p, source=p.text or "(no text)") for p in predictions]
    print(format_table(named))


def show_timeline(clips):
    """Prints what is said of each stretch of speech in joined clips."""
    classifier = EmotionClassifier.from_hparams(EMBEDDED_MODELS / "audio")
    recording = torch.cat([classifier.load_audio(clip) for clip in clips])
    prediction = classifier.predict(recording, segments="vad")
    names = [true_label(clip) for clip in clips]
    print(f"{len(clips)} clips joined: {', '.join(names)}")
    print(FORMATS["table"](prediction, len(recording) / 16000), end="")


def main():
    """Runs the demonstration of the three models in the package."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="folder of CREMA-D clips")
    parser.add_argument("--plot", required=True, help="picture to write")
    args = parser.parse_args()
    clips = sorted(pathlib.Path(args.folder).glob("*.flac"))
    if not clips:
        parser.error(f"there is no .flac file in '{args.folder}'")
    print("== Speech ==\n")
    show_speech(clips, args.plot)
    print("\n== Text ==\n")
    show_text()
    print("\n== Speech and text ==\n")
    show_both(clips[0])
    print("\n== Over time ==\n")
    show_timeline(clips[-6:])


if __name__ == "__main__":
    main()
