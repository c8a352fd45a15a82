"""What a recipe's script records of its run, before and after it."""

import os
import pathlib
import sys

from hyperpyyaml import resolve_references

from speechbrain.utils.distributed import run_on_main
from speechbrain_emotion.training.run_state import (
    changing_options,
    find_conflict,
    write_record,
)


class RunRecord:
    """Keeps the results of one experiment and those of another apart.

    Made before anything is written to the output folder, by all processes.

    Arguments
    ---------
    hparams_file : str or Path
        The training YAML.
    run_opts : speechbrain.utils.run_opts.RunOptions
        The run options.
    overrides : str
        What the command line changed in the YAML.
    folder : str or Path
        The output folder.

    Raises
    ------
    ValueError
        If the folder holds a run with other settings.

    Example
    -------
    >>> from speechbrain.utils.run_opts import RunOptions
    >>> folder = getfixture("tmp_path") / "results"
    >>> path = getfixture("tmp_path") / "train.yaml"
    >>> _ = path.write_text("lr: 0.1\\nseed: 1\\n")
    >>> parse = RunOptions.from_command_line_args
    >>> file, options, overrides = parse([str(path), "--precision=bf16"])
    >>> record = RunRecord(file, options, overrides, folder)
    >>> record.finish()
    >>> (folder / "experiment.json").is_file()
    True
    """

    def __init__(self, hparams_file, run_opts, overrides, folder):
        self.folder = pathlib.Path(folder)
        self.options = changing_options(run_opts)
        processes = int(os.environ.get("WORLD_SIZE", 1))
        if processes > 1:  # they change the batch, and so the results
            self.options["nproc_per_node"] = processes
        run_on_main(self._begin, args=[hparams_file, overrides])

    def finish(self):
        """Says that the script has done all it has to."""
        run_on_main(self._write, args=[True])

    def _begin(self, hparams_file, overrides):
        """Refuses the folder, or says that the run has begun."""
        with open(hparams_file, encoding="utf-8") as fin:
            hparams = resolve_references(fin, overrides).getvalue()
        conflict = find_conflict(self.folder, hparams, self.options)
        if conflict is not None:
            raise ValueError(
                f"'{self.folder}' holds {conflict}: name another output folder "
                "with --output_folder=..., or delete it"
            )
        self._write(False)

    def _write(self, finished):
        """Writes the record."""
        write_record(self.folder, sys.argv, self.options, finished)
