"""The Brain that trains every model of the package."""

import math
import pathlib

import torch

import speechbrain as sb
from speechbrain.utils.distributed import if_main_process
from speechbrain_emotion.training.batch_augment import BatchAugment
from speechbrain_emotion.training.costs import (
    class_weights,
    label_masks,
    weighted_cost,
)
from speechbrain_emotion.training.inputs import read_inputs
from speechbrain_emotion.training.parameters import (
    EncoderFreeze,
    clip_gradients,
    split_parameters,
)
from speechbrain_emotion.training.reports import (
    refuse_divergence,
    reports_by_group,
    write_predictions,
    write_reports,
)
from speechbrain_emotion.training.resumable import ResumableBrain
from speechbrain_emotion.training.shares import gather, interleave
from speechbrain_emotion.training.stopping import prepare_stopper
from speechbrain_emotion.utils.metrics import ClassificationMetrics

# Name -> the statistic of an epoch that says which is best, and how.
SELECTIONS = {
    "UAR": ("UAR", "max"),
    "loss": ("loss", "min"),
    "last": ("epoch", "max"),
}


class EmotionBrain(ResumableBrain):
    """Trains and evaluates an emotion model.

    Encoder and head have an optimizer each; parameters that are frozen are in
    neither. The checkpoint that is best on the validation part is kept.

    Several processes (``torchrun``) share training, validation and test, and
    find what one process would.

    Arguments
    ---------
    modules : dict
        Holds ``model``, an ``EmotionModel``.
    labels : list of str
        The labels, in index order.
    compute_cost : callable
        ``(logits [batch, n_classes], index [batch]) -> loss``.
    encoder_opt_class : callable
        Makes the encoder's optimizer from its parameters; not used where the
        encoder is frozen.
    schedulers : dict
        Optimizer name, "head" or "encoder" -> SpeechBrain scheduler that is
        called with the optimizer before each of its steps.
    augment : speechbrain.augment.augmenter.Augmenter
        Applied to the waveforms in training; None for none.
    spans : SpanSampler
        Which parts of the utterances to answer from in training; None for
        the whole only.
    train_logger : speechbrain.utils.train_logger.TrainLogger
        Gets the statistics of each epoch.
    report_folder : str or Path
        Where the test results are written: report.txt, report.json,
        confusion_matrix.png and, as the last one, predictions.csv.
    selection : str
        What is best on the validation part: "UAR", the highest unweighted
        average recall, or "loss", the lowest loss, which varies less where
        there are few utterances. "last": the last epoch, for schedules that
        end with a learning rate of 0.
    mask_absent_labels : bool
        Whether, in training, an utterance is compared only with the labels
        that its corpus has. Otherwise a model of several corpora learns that
        whatever looks like a corpus without, say, neutral is not neutral.
    feature_augment : speechbrain.augment.augmenter.Augmenter
        Applied in training to the features that the speech encoder reads,
        [batch, steps, bins]; None for none. See ``augment_features``.
    class_weight_power : float
        If not 0, a class of n training utterances counts in proportion to
        n ** -power in the training loss; see ``class_weights``. Validation
        and test losses are without weights.
    adaptation : SpeakerAdaptation
        Makes the speaker profiles of training and evaluation; None: there are
        none.
    encoder_frozen_epochs : int
        For how many epochs the pretrained encoders are frozen; the warm-up
        of their learning rate begins afterwards.
    **kwargs
        See ``ResumableBrain``; ``opt_class`` makes the head's optimizer.

    Raises
    ------
    ValueError
        If arguments do not fit each other or the model.
    """

    shares_evaluation = True

    def __init__(
        self,
        modules,
        *,
        labels,
        compute_cost,
        encoder_opt_class,
        schedulers,
        augment,
        train_logger,
        report_folder,
        spans=None,
        selection="UAR",
        mask_absent_labels=False,
        feature_augment=None,
        class_weight_power=0.0,
        encoder_frozen_epochs=0,
        adaptation=None,
        **kwargs,
    ):
        if selection not in SELECTIONS:
            raise ValueError(
                f"selection={selection!r}: expected {', '.join(SELECTIONS)}"
            )
        if mask_absent_labels and getattr(compute_cost, "label_smoothing", 0):
            raise ValueError(
                "mask_absent_labels and label_smoothing exclude each other: "
                "smoothing gives a share to labels that the mask rules out"
            )
        super().__init__(modules, **kwargs)
        if self.model.classifier.n_classes != len(labels):
            raise ValueError(
                f"n_classes is {self.model.classifier.n_classes}, but there "
                f"are {len(labels)} labels: {labels}"
            )
        if feature_augment is not None and (
            "speech" not in self.model.modalities
        ):
            raise ValueError("feature_augment: this model does not hear")
        self.labels = labels
        self.compute_cost = self.training_cost = compute_cost
        self.encoder_opt_class = encoder_opt_class
        self.schedulers = schedulers
        self.batch_augment = BatchAugment(augment, feature_augment, spans)
        self.selection, self.extreme = SELECTIONS[selection]
        self.train_logger = train_logger
        self.report_folder = pathlib.Path(report_folder)
        self.predictions_file = self.report_folder / "predictions.csv"
        self.mask_absent_labels = mask_absent_labels
        self.label_masks = None
        self.class_weight_power = class_weight_power
        self.adaptation = adaptation
        self.encoder_frozen_epochs = encoder_frozen_epochs
        self.encoder_freeze = EncoderFreeze([], n_epochs=0)
        self.reports = None
        for name, scheduler in schedulers.items():
            self.checkpointer.add_recoverable(f"scheduler_{name}", scheduler)

    @property
    def model(self):
        """The model itself, without a wrapper for parallel training."""
        model = self.modules.model
        return getattr(model, "module", model)

    def compute_forward(self, batch, stage):
        """Waveforms (augmented), texts -> logits, [batch, n_classes].

        In training the rows are those of ``BatchAugment``. Embeddings that an
        ``EmbeddingStore`` has computed go straight to the classifier.
        """
        batch = batch.to(self.device)
        # Not through DDP, which would wait for the other processes: in
        # evaluation they may have fewer batches.
        trains = stage == sb.Stage.TRAIN
        model = self.modules.model if trains else self.model
        if hasattr(batch, "embedding"):
            profiles = self._profiles(batch.id, trains)
            return model(embeddings=batch.embedding.data, profiles=profiles)
        inputs = read_inputs(batch, self.model.modalities)
        ids = batch.id
        if trains:
            inputs = self.batch_augment(self.model.embedding_model, *inputs)
            rows = self.batch_augment.replicate(torch.arange(len(ids)))
            ids = [ids[row] for row in rows]
        return model(*inputs, profiles=self._profiles(ids, trains))

    def _profiles(self, ids, trains):
        """What is known of the speaker of each row."""
        if self.adaptation is None:
            return None
        make = self.adaptation.draw if trains else self.adaptation.known
        profiles = make(ids)
        return profiles and tuple(x.to(self.device) for x in profiles)

    def compute_objectives(self, predictions, batch, stage):
        """Logits -> loss; outside training the predictions are kept."""
        # In mixed precision, too, the loss is computed in full.
        predictions = predictions.float()
        targets = batch.emo_encoded.data.squeeze(-1)
        if stage != sb.Stage.TRAIN:
            # On the CPU, because not every device has float64.
            probabilities = predictions.cpu().double().softmax(dim=-1)
            self.metrics.append(batch.id, probabilities, targets)
            loss = self.compute_cost(predictions, targets)
            self.losses.append(loss.item())
            return loss
        if self.label_masks is not None:
            masks = torch.stack([self.label_masks[id] for id in batch.id])
            masks = self.batch_augment.replicate(masks).to(predictions.device)
            lowest = torch.finfo(predictions.dtype).min
            predictions = predictions.masked_fill(~masks, lowest)
        return self.training_cost(
            predictions, self.batch_augment.replicate(targets)
        )

    def fit(self, epoch_counter, train_set, *args, **kwargs):
        """Trains the model; see ``speechbrain.Brain.fit``.

        Arguments
        ---------
        epoch_counter : iterable
            The epochs. SpeechBrain's ``EpochCounterWithStopper`` stops early,
            by the statistic that checkpoints are selected by.
        train_set : speechbrain.dataio.dataset.DynamicItemDataset
            The training part.
        *args, **kwargs
            See ``speechbrain.Brain.fit``.
        """
        utterances = {id: train_set.data[id] for id in train_set.data_ids}
        if self.mask_absent_labels:
            self.label_masks = label_masks(utterances, self.labels)
        if self.class_weight_power != 0:
            weights = class_weights(
                utterances, self.labels, self.class_weight_power
            )
            self.training_cost = weighted_cost(
                self.compute_cost, weights.to(self.device)
            )
        self.update_stopper = prepare_stopper(
            epoch_counter, self.selection, self.extreme
        )
        super().fit(epoch_counter, train_set, *args, **kwargs)
        self.encoder_freeze.release()

    def init_optimizers(self):
        """Makes one optimizer for the head and one for the encoder."""
        head, encoder = split_parameters(self.model)
        self.encoder_freeze = EncoderFreeze(
            self.model.embedding_model.encoders, self.encoder_frozen_epochs
        )
        groups = {
            "head": (self.opt_class, head),
            "encoder": (self.encoder_opt_class, encoder),
        }
        self.optimizers_dict = {
            name: make(parameters)
            for name, (make, parameters) in groups.items()
            if parameters
        }
        for name, optimizer in self.optimizers_dict.items():
            self.checkpointer.add_recoverable(f"optimizer_{name}", optimizer)

    def freeze_optimizers(self, optimizers):
        """Gives the optimizers whose parameters are trained in this epoch."""
        frozen = "encoder" if self.encoder_freeze.active else None
        return {name: o for name, o in optimizers.items() if name != frozen}

    def on_fit_batch_start(self, batch, should_step):
        """Sets the learning rates before each step of the optimizers."""
        if should_step:
            active = self.freeze_optimizers(self.optimizers_dict)
            for name, optimizer in active.items():
                self.schedulers[name](optimizer)

    def optimizers_step(self):
        """Takes a step; SpeechBrain clips only some of the gradients."""
        optimizers = self.freeze_optimizers(self.optimizers_dict).values()
        for optimizer in optimizers:
            self.scaler.unscale_(optimizer)
            clip_gradients(optimizer, self.max_grad_norm)
        if self.skip_nonfinite_grads and not self.scaler.is_enabled():
            self.check_gradients()
        for optimizer in optimizers:
            self.scaler.step(optimizer)
        self.scaler.update()
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        self.optimizer_step += 1

    def on_stage_start(self, stage, epoch=None):
        """Starts counting."""
        self.metrics = ClassificationMetrics(self.labels)
        self.losses = []
        if stage == sb.Stage.TRAIN:
            self.encoder_freeze.set_epoch(epoch)
            if if_main_process():
                # It says that the run is finished.
                self.predictions_file.unlink(missing_ok=True)

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Logs the statistics and, after validation, saves a checkpoint."""
        if stage == sb.Stage.TRAIN:
            losses = gather(stage_loss)
            self.train_loss = sum(losses) / len(losses)
            return
        self._gather()
        report = self.metrics.summarize()
        stats = {
            "loss": self.loss,
            "UAR": report.uar,
            "macro_F1": report.macro_f1,
            "accuracy": report.accuracy,
        }
        if not math.isfinite(self.loss):  # NaN is no answer to anything
            stats.update(UAR=0.0, macro_F1=0.0, accuracy=0.0)
        if stage == sb.Stage.VALID:
            active = self.freeze_optimizers(self.optimizers_dict)
            rates = {
                f"lr_{name}": optimizer.param_groups[0]["lr"]
                for name, optimizer in active.items()
            }
            self.train_logger.log_stats(
                {"Epoch": epoch, **rates},
                train_stats={"loss": self.train_loss},
                valid_stats=stats,
            )
            # Before it is saved: a training that stopped stays so.
            meta = {"epoch": epoch, **stats}
            self.update_stopper(meta[self.selection])
            best = {f"{self.extreme}_keys": [self.selection]}
            self.save_epoch(meta, **best)
        else:
            self.train_logger.log_stats(
                {"Epoch loaded": self.epoch_loaded}, test_stats=stats
            )

    def _gather(self):
        """Puts together what the processes found in their shares."""
        metrics, losses = zip(*gather((self.metrics, self.losses)))
        self.metrics = ClassificationMetrics(self.labels)
        for share in metrics:
            self.metrics.extend(share)
        # As SpeechBrain averages them in a single process, but that a model
        # which has diverged is the worst.
        self.loss = 0.0
        for step, loss in enumerate(interleave(losses), start=1):
            if not math.isfinite(loss):
                self.loss = math.inf
                break
            self.loss += loss / step - self.loss / step

    def evaluate(self, test_set, **kwargs):
        """Evaluates the checkpoint that is best on the validation part.

        The results, over all clips and for each corpus, are kept in
        ``reports`` and written to the report folder.

        Arguments
        ---------
        test_set : speechbrain.dataio.dataset.DynamicItemDataset
            The test part.
        **kwargs
            See ``speechbrain.Brain.evaluate``.

        Returns
        -------
        float
            Average test loss.

        Raises
        ------
        ValueError
            If the model has diverged, or there is no checkpoint.
        """
        best = {f"{self.extreme}_key": self.selection}
        super().evaluate(test_set, **best, **kwargs)
        refuse_divergence(self.metrics, self.epoch_loaded)
        corpora = {
            id: item.get("corpus", "unknown corpus")
            for id, item in test_set.data.items()
        }
        self.reports = reports_by_group(self.metrics, corpora)
        if if_main_process():
            print(write_reports(self.report_folder, self.reports))
            write_predictions(
                self.predictions_file, self.metrics, test_set.data
            )
        return self.loss
