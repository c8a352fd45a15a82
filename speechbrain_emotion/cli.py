"""The command line: ``speechbrain-emotion predict FILE [FILE]``."""

import argparse
import json
import sys


def build_parser():
    """Builds the argument parser.

    Returns
    -------
    argparse.ArgumentParser

    Example
    -------
    >>> build_parser().parse_args(["predict", "a.wav"]).files
    ['a.wav']
    """
    parser = argparse.ArgumentParser(
        prog="speechbrain-emotion",
        description="Emotion recognition from speech.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    predict = commands.add_parser(
        "predict", help="recognise the emotion in audio files"
    )
    predict.set_defaults(run=run_predict)
    predict.add_argument("files", nargs="+", metavar="FILE", help="audio files")
    predict.add_argument(
        "--model",
        help="model folder or hub id (default: the model in the package); "
        "its YAML file is code, so name only models that you trust",
    )
    predict.add_argument("--device", help='e.g. "cpu" or "cuda"')
    predict.add_argument("--batch-size", type=int, default=8)
    predict.add_argument("--format", choices=["table", "json"], default="table")
    return parser


def run_predict(args):
    """Answers ``predict``: every usable file is answered, the rest reported.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line.

    Returns
    -------
    int
        Exit code: 1 if a file could not be answered, otherwise 0.
    """
    # Imported here, so that --help needs no torch.
    from torch import cuda
    from tqdm import tqdm

    from speechbrain_emotion.inference.classifier import (
        EMBEDDED_MODEL,
        EmotionClassifier,
    )

    if args.batch_size < 1:
        raise ValueError(f"--batch-size {args.batch_size}: at least 1")
    if (args.device or "").startswith("cuda") and not cuda.is_available():
        raise ValueError(f"--device {args.device}: there is no CUDA device")
    classifier = EmotionClassifier.from_hparams(
        source=args.model or EMBEDDED_MODEL,
        run_opts={"device": args.device} if args.device else None,
    )
    predictions = []
    with tqdm(total=len(args.files), unit="file", disable=None) as progress:
        for start in range(0, len(args.files), args.batch_size):
            chunk = args.files[start : start + args.batch_size]
            predictions += classifier.predict(chunk, batch_size=len(chunk))
            progress.update(len(chunk))
    if args.format == "json":
        print(json.dumps([p.to_dict() for p in predictions], indent=2))
    else:
        answered = [p for p in predictions if p.error is None]
        if answered:
            print(format_table(answered))
    failed = [p for p in predictions if p.error is not None]
    for prediction in failed:
        print(f"error: {prediction.error}", file=sys.stderr)
    return 1 if failed else 0


def format_table(predictions, truth=None):
    """Formats predictions as a text table.

    Arguments
    ---------
    predictions : list of Prediction
        At least one, each answered and all by one model.
    truth : list of str
        The true label of each, for a column of its own.

    Returns
    -------
    str

    Example
    -------
    >>> from speechbrain_emotion.inference.prediction import Prediction
    >>> scores = {"happy": 0.75, "sad": 0.25}
    >>> print(format_table([Prediction.from_scores(scores, "a.wav")]))
    file   predicted  probability  happy    sad
    a.wav  happy             0.75   0.75   0.25
    """
    labels = list(predictions[0].scores)
    header = ["file", *(["true"] if truth else []), "predicted", "probability"]
    rows = [header + labels]
    for i, p in enumerate(predictions):
        names = [p.source or "-", *([truth[i]] if truth else []), p.label]
        numbers = [p.score, *p.scores.values()]
        rows.append(names + [f"{number:.2f}" for number in numbers])
    widths = [max(len(cell) for cell in column) for column in zip(*rows)]
    n_names = len(header) - 1
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < n_names else cell.rjust(max(width, 5))
            for i, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    )


def main(argv=None):
    """Runs the command line.

    Arguments
    ---------
    argv : list of str
        The arguments; by default those of the process.

    Returns
    -------
    int
        Exit code.
    """
    args = build_parser().parse_args(argv)
    try:
        return args.run(args)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except (OSError, ValueError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
