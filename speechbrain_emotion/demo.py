"""A demonstration: the packaged model on the CREMA-D clips of the tests.

python -m speechbrain_emotion.demo FOLDER --plot demo.png
"""

import argparse
import pathlib

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from speechbrain_emotion.cli import format_table
from speechbrain_emotion.inference.classifier import EmotionClassifier

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


def main():
    """Prints the table and the number of right answers, draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="folder of CREMA-D clips")
    parser.add_argument("--plot", required=True, help="picture to write")
    args = parser.parse_args()
    clips = sorted(pathlib.Path(args.folder).glob("*.flac"))
    if not clips:
        parser.error(f"there is no .flac file in '{args.folder}'")
    truth = [true_label(clip) for clip in clips]
    predictions = EmotionClassifier.from_hparams().predict(clips)
    right = sum(p.label == label for p, label in zip(predictions, truth))
    print(format_table(predictions, truth))
    print(
        f"\n{right} of {len(clips)} clips right (chance: about "
        f"{len(clips) / len(predictions[0].scores):.0f}). Neither the corpus "
        "nor its speakers were in the training data;\n"
        "twelve clips are an illustration, not an evaluation: see the model "
        "card for that."
    )
    plot_scores(predictions, truth, args.plot)
    print(f"Picture: {args.plot}")


if __name__ == "__main__":
    main()
