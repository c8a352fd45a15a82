"""Distillation of a large speech encoder into a small one."""

import torch

import speechbrain as sb
from speechbrain.nnet.losses import mse_loss
from speechbrain_emotion.training.resumable import ResumableBrain


class DistillationBrain(ResumableBrain):
    """Trains an encoder to give the frames of another, without labels.

    The loss is the mean squared error, each dimension in units of its
    standard deviation: 1 is no better than guessing the mean, 0 is perfect.

    Reference: Chang et al., "DistilHuBERT", ICASSP 2022.

    Arguments
    ---------
    modules : dict
        Holds ``encoder``, the student.
    teacher : SpeechEncoder
        Gives frames of the same number and dimension; not trained.
    normalizer : torch.nn.Module
        Applied to the waveforms that both hear: ``(wavs, wav_lens) -> wavs``.
    deviation : torch.Tensor
        Standard deviation of each dimension of the teacher's frames, [dim].
    scheduler : callable
        SpeechBrain scheduler, called with the optimizer before each step.
    augment : speechbrain.augment.augmenter.Augmenter
        Applied to the waveforms before that, in training; None for none.
    train_logger : speechbrain.utils.train_logger.TrainLogger
        Gets the statistics of each epoch.
    **kwargs
        See ``speechbrain.Brain``.
    """

    def __init__(
        self,
        modules,
        *,
        teacher,
        normalizer,
        deviation,
        scheduler,
        augment,
        train_logger,
        **kwargs,
    ):
        super().__init__(modules, **kwargs)
        self.teacher = teacher.to(self.device).eval()
        self.normalizer = normalizer
        self.deviation = deviation.to(self.device)
        self.scheduler = scheduler
        self.augment = augment
        self.train_logger = train_logger
        self.checkpointer.add_recoverable("scheduler", scheduler)

    def compute_forward(self, batch, stage):
        """Waveforms -> frames of student and teacher, and their lengths."""
        wavs, wav_lens = batch.to(self.device).sig
        if stage == sb.Stage.TRAIN and self.augment is not None:
            wavs, wav_lens = self.augment(wavs, wav_lens)
        wavs = self.normalizer(wavs, wav_lens)
        with torch.no_grad():
            target, _ = self.teacher(wavs, wav_lens)
        frames, frame_lens = self.modules.encoder(wavs, wav_lens)
        return frames, target, frame_lens

    def compute_objectives(self, predictions, batch, stage):
        """Mean squared error over the valid frames."""
        frames, target, frame_lens = predictions
        return mse_loss(
            frames.float() / self.deviation,
            target.float() / self.deviation,
            length=frame_lens,
        )

    def on_fit_batch_start(self, batch, should_step):
        """Sets the learning rate before each step of the optimizer."""
        if should_step:
            self.scheduler(self.optimizer)

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Logs the loss and, after validation, saves a checkpoint."""
        if stage == sb.Stage.TRAIN:
            self.train_loss = stage_loss
            return
        self.train_logger.log_stats(
            {"Epoch": epoch, "lr": self.optimizer.param_groups[0]["lr"]},
            train_stats={"distillation loss": self.train_loss},
            valid_stats={"distillation loss": stage_loss},
        )
        self.save_epoch({"epoch": epoch, "loss": stage_loss}, min_keys=["loss"])
