"""Command line of the recipes."""

import os
import sys

import speechbrain as sb


def parse_recipe_arguments(script, argv=None):
    """Reads the command line; the YAML file may be named from anywhere.

    Arguments
    ---------
    script : str
        Path of the recipe's script. A YAML file that does not exist as named
        is looked for beside it.
    argv : list of str
        The YAML file, then run options and overrides; by default those of
        the process.

    Returns
    -------
    tuple
        YAML file, run options and overrides, as
        ``speechbrain.parse_arguments`` gives them.

    Example
    -------
    >>> script = "recipes/RAVDESS/emotion_recognition/train.py"
    >>> argv = ["hparams/train_small.yaml", "--seed=1"]
    >>> hparams_file, _, overrides = parse_recipe_arguments(script, argv)
    >>> hparams_file
    'recipes/RAVDESS/emotion_recognition/hparams/train_small.yaml'
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv and not os.path.exists(argv[0]):
        beside = os.path.join(os.path.dirname(script), argv[0])
        argv[0] = beside if os.path.exists(beside) else argv[0]
    return sb.parse_arguments(argv)
