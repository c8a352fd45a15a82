"""``speechbrain-emotion push``: an exported model to the Hugging Face hub."""

import argparse

EXAMPLES = """examples:
  speechbrain-emotion push results/whisper_none/emobox_1/1234/export me/my-model
  speechbrain-emotion push export me/my-model --private --revision v1

Log in first with `hf auth login`, or set HF_TOKEN.

exit codes: 0 done, 2 wrong call, a folder that is no complete model, or an
answer of the hub, 130 stopped with Ctrl-C
"""


def add_parser(commands):
    """Adds the command ``push`` to the command line.

    Arguments
    ---------
    commands : argparse._SubParsersAction
        What ``ArgumentParser.add_subparsers`` gave.

    Example
    -------
    >>> parser = argparse.ArgumentParser()
    >>> add_parser(parser.add_subparsers())
    >>> parser.parse_args(["push", "export", "me/my-model"]).repo_id
    'me/my-model'
    """
    push = commands.add_parser(
        "push",
        help="upload an exported model to the Hugging Face hub",
        description="Checks that the folder is a complete model that loads, "
        "and uploads it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    push.set_defaults(run=run_push)
    push.add_argument(
        "folder", metavar="FOLDER", help="the export folder of a training"
    )
    push.add_argument(
        "repo_id",
        metavar="REPO_ID",
        help="owner/name of the model on the hub, which is made if needed",
    )
    push.add_argument(
        "--private",
        action="store_true",
        help="only you and your organisation may see the model",
    )
    push.add_argument(
        "--revision",
        metavar="BRANCH",
        help="upload to this branch, which is made if needed (default: main)",
    )
    push.add_argument("--message", help="what the commit says")


def run_push(args):
    """Answers ``push``.

    Arguments
    ---------
    args : argparse.Namespace
        The parsed command line.

    Returns
    -------
    int
        Exit code 0.

    Raises
    ------
    OSError, ValueError
        See ``push_to_hub``.
    """
    # Imports torch, which takes seconds.
    from speechbrain_emotion.inference.push import push_to_hub

    url = push_to_hub(
        args.folder,
        args.repo_id,
        private=args.private,
        revision=args.revision,
        message=args.message,
    )
    print(url)
    return 0
