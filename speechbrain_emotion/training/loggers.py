"""Logs of the statistics of each epoch."""

from speechbrain.utils.distributed import main_process_only
from speechbrain.utils.train_logger import FileTrainLogger
from speechbrain_emotion.utils.extras import import_extra


class TrainLogger(FileTrainLogger):
    """Logs to a text file and, where asked for, to TensorBoard.

    SpeechBrain's ``TensorboardLogger`` counts its steps from 1 after each
    start. Here the step is the epoch, so that a training that was stopped and
    resumed makes one curve.

    Arguments
    ---------
    save_file : str
        The text file.
    tensorboard_folder : str
        Where TensorBoard looks for logs; None for none.
    precision : int
        Number of decimal places in the text file.

    Raises
    ------
    ModuleNotFoundError
        If a folder is given, but TensorBoard is not installed.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train_log.txt"
    >>> logger = TrainLogger(path)
    >>> logger.log_stats({"Epoch": 1}, valid_stats={"UAR": 0.5})
    >>> path.read_text()
    'Epoch: 1 - valid UAR: 5.00e-01\\n'
    """

    def __init__(self, save_file, tensorboard_folder=None, precision=2):
        super().__init__(save_file, precision)
        self.tensorboard_folder = tensorboard_folder
        self.writer = None
        if tensorboard_folder is not None:
            import_extra("tensorboard", "tensorboard")

    @main_process_only
    def log_stats(
        self,
        stats_meta,
        train_stats=None,
        valid_stats=None,
        test_stats=None,
        verbose=True,
    ):
        """Logs the statistics of an epoch, or those of the test part.

        Arguments
        ---------
        stats_meta : dict
            "Epoch" or, after the test, "Epoch loaded" -> its number, and
            e.g. learning rates.
        train_stats : dict
            Name -> value.
        valid_stats : dict
            Name -> value.
        test_stats : dict
            Name -> value.
        verbose : bool
            Whether they go to the log of the experiment as well.
        """
        super().log_stats(
            stats_meta, train_stats, valid_stats, test_stats, verbose
        )
        if self.tensorboard_folder is None:
            return
        rates = dict(stats_meta)
        epoch = rates.pop("Epoch", None) or rates.pop("Epoch loaded")
        parts = {
            "train": train_stats,
            "valid": valid_stats,
            "test": test_stats,
        }
        scalars = {
            f"{name}/{part}": value
            for part, stats in parts.items()
            for name, value in (stats or {}).items()
        }
        writer = self._writer(epoch, new_epoch="Epoch" in stats_meta)
        for name, value in {**rates, **scalars}.items():
            writer.add_scalar(name, value, epoch)
        writer.flush()

    def _writer(self, epoch, new_epoch):
        """The writer; what a stopped run wrote of this epoch is hidden."""
        if self.writer is None:
            # Here, as it is slow to import.
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(
                self.tensorboard_folder,
                purge_step=epoch if new_epoch else None,
            )
        return self.writer
