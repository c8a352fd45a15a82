"""The Brain that trains every model of the package."""

import json
import logging
import pathlib

import torch

import speechbrain as sb
from speechbrain.utils.distributed import if_main_process
from speechbrain_emotion.training.resumable import ResumableBrain
from speechbrain_emotion.utils.metrics import ClassificationMetrics


class EmotionBrain(ResumableBrain):
    """Trains and evaluates an emotion model.

    Encoder and head have an optimizer each; parameters that are frozen are in
    neither. The checkpoint that is best on the validation part is kept.

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
        Where the test results are written.
    selection : str
        What is best on the validation part: "UAR", the highest unweighted
        average recall, or "loss", the lowest loss, which varies less where
        there are few utterances.
    mask_absent_labels : bool
        Whether, in training, an utterance is compared only with the labels
        that its corpus has. Otherwise a model of several corpora learns that
        whatever looks like a corpus without, say, neutral is not neutral.
    **kwargs
        See ``ResumableBrain``; ``opt_class`` makes the head's optimizer.
    """

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
        **kwargs,
    ):
        if selection not in ("UAR", "loss"):
            raise ValueError(f"selection={selection!r}: expected UAR or loss")
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
        self.labels = labels
        self.compute_cost = compute_cost
        self.encoder_opt_class = encoder_opt_class
        self.schedulers = schedulers
        self.augment = augment
        self.spans = spans
        self.extreme = {"UAR": "max", "loss": "min"}[selection]
        self.selection = selection
        self.train_logger = train_logger
        self.report_folder = pathlib.Path(report_folder)
        self.mask_absent_labels = mask_absent_labels
        self.label_masks = None
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

        In training the batch is that of ``_replicate``.
        """
        batch = batch.to(self.device)
        wavs = wav_lens = texts = None
        if "speech" in self.model.modalities:
            wavs, wav_lens = batch.sig
        if "text" in self.model.modalities:
            texts = batch.words
        if stage != sb.Stage.TRAIN:
            return self.modules.model(wavs, wav_lens, texts)
        spans = None
        if self.augment is not None:
            wavs, wav_lens = self.augment(wavs, wav_lens)
        if self.spans is not None:
            spans = self.spans(wavs, wav_lens)
        if texts is not None:
            rows = self._replicate(torch.arange(len(texts)))
            texts = [texts[row] for row in rows]
        return self.modules.model(wavs, wav_lens, texts, spans)

    def _replicate(self, rows):
        """Repeats rows of a batch as augmentation and spans do."""
        if self.augment is not None:
            rows = self.augment.replicate_labels(rows)
        if self.spans is not None:
            rows = rows.repeat_interleave(self.spans.n_spans, dim=0)
        return rows

    def compute_objectives(self, predictions, batch, stage):
        """Logits -> loss; outside training the predictions are kept."""
        # In mixed precision, too, the loss is computed in full.
        predictions = predictions.float()
        targets = batch.emo_encoded.data.squeeze(-1)
        if stage != sb.Stage.TRAIN:
            self.metrics.append(batch.id, predictions, targets)
            return self.compute_cost(predictions, targets)
        if self.label_masks is not None:
            masks = torch.stack([self.label_masks[id] for id in batch.id])
            masks = self._replicate(masks).to(predictions.device)
            lowest = torch.finfo(predictions.dtype).min
            predictions = predictions.masked_fill(~masks, lowest)
        return self.compute_cost(predictions, self._replicate(targets))

    def fit(self, epoch_counter, train_set, *args, **kwargs):
        """Trains the model; see ``speechbrain.Brain.fit``.

        Arguments
        ---------
        epoch_counter : iterable
            The epochs.
        train_set : speechbrain.dataio.dataset.DynamicItemDataset
            The training part.
        *args, **kwargs
            See ``speechbrain.Brain.fit``.
        """
        if self.mask_absent_labels:
            self.label_masks = label_masks(train_set.data, self.labels)
        super().fit(epoch_counter, train_set, *args, **kwargs)

    def init_optimizers(self):
        """Makes one optimizer for the head and one for the encoder."""
        head, encoder = split_parameters(self.model)
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

    def on_fit_batch_start(self, batch, should_step):
        """Sets the learning rates before each step of the optimizers."""
        if should_step:
            for name, optimizer in self.optimizers_dict.items():
                self.schedulers[name](optimizer)

    def on_stage_start(self, stage, epoch=None):
        """Starts counting."""
        self.metrics = ClassificationMetrics(self.labels)

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Logs the statistics and, after validation, saves a checkpoint."""
        if stage == sb.Stage.TRAIN:
            self.train_loss = stage_loss
            return
        report = self.metrics.summarize()
        stats = {
            "loss": stage_loss,
            "UAR": report.uar,
            "macro_F1": report.macro_f1,
            "accuracy": report.accuracy,
        }
        if stage == sb.Stage.VALID:
            rates = {
                f"lr_{name}": optimizer.param_groups[0]["lr"]
                for name, optimizer in self.optimizers_dict.items()
            }
            self.train_logger.log_stats(
                {"Epoch": epoch, **rates},
                train_stats={"loss": self.train_loss},
                valid_stats=stats,
            )
            best = {f"{self.extreme}_keys": [self.selection]}
            self.save_epoch({"epoch": epoch, **stats}, **best)
        else:
            self.train_logger.log_stats(
                {"Epoch loaded": self.epoch_loaded}, test_stats=stats
            )

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
        """
        best = {f"{self.extreme}_key": self.selection}
        loss = super().evaluate(test_set, **best, **kwargs)
        corpora = {
            id: item.get("corpus", "unknown corpus")
            for id, item in test_set.data.items()
        }
        self.reports = reports_by_group(self.metrics, corpora)
        if if_main_process():
            self._write_reports()
        return loss

    def _write_reports(self):
        """Writes the test results as text, JSON and picture."""
        self.report_folder.mkdir(parents=True, exist_ok=True)
        text = "\n\n".join(
            f"== {name} ==\n{report}" for name, report in self.reports.items()
        )
        print(text)
        (self.report_folder / "report.txt").write_text(text + "\n")
        results = {name: r.to_dict() for name, r in self.reports.items()}
        (self.report_folder / "report.json").write_text(
            json.dumps(results, indent=2) + "\n"
        )
        # Its search for fonts would fill the experiment's log.
        logging.getLogger("matplotlib").setLevel(logging.WARNING)
        self.reports["all"].plot_confusion_matrix(
            self.report_folder / "confusion_matrix.png"
        )


def reports_by_group(metrics, group_of):
    """Reports on all clips and, where there are several, on each group.

    Arguments
    ---------
    metrics : ClassificationMetrics
        The predictions.
    group_of : dict
        Id of a clip -> its group, e.g. the corpus.

    Returns
    -------
    dict
        "all", then the name of each group -> ``ClassificationReport``.

    Example
    -------
    >>> metrics = ClassificationMetrics(["sad", "happy"])
    >>> metrics.append(["a", "b"], [0, 0], [0, 1])
    >>> reports = reports_by_group(metrics, {"a": "TESS", "b": "nEMO"})
    >>> {name: report.accuracy for name, report in reports.items()}
    {'all': 0.5, 'TESS': 1.0, 'nEMO': 0.0}
    """
    reports = {"all": metrics.summarize()}
    names = sorted({group_of[id] for id in metrics.ids})
    if len(names) == 1:
        return reports
    clips = list(zip(metrics.ids, metrics.predictions, metrics.targets))
    for name in names:
        part = ClassificationMetrics(metrics.labels)
        part.append(
            *zip(*(clip for clip in clips if group_of[clip[0]] == name))
        )
        reports[name] = part.summarize()
    return reports


def label_masks(utterances, labels):
    """Marks for each utterance the labels that its corpus has.

    Arguments
    ---------
    utterances : dict
        Id -> manifest entry with ``corpus`` and ``emo``.
    labels : list of str
        All labels, in index order.

    Returns
    -------
    dict
        Id -> mask, [n_classes], True where the corpus has the label.

    Example
    -------
    >>> masks = label_masks(
    ...     {
    ...         "a": {"corpus": "ISEAR", "emo": "sad"},
    ...         "b": {"corpus": "MELD", "emo": "neutral"},
    ...     },
    ...     ["neutral", "sad"],
    ... )
    >>> masks["a"]
    tensor([False,  True])
    """
    found = {(entry["corpus"], entry["emo"]) for entry in utterances.values()}
    masks = {
        corpus: torch.tensor([(corpus, label) in found for label in labels])
        for corpus, _ in found
    }
    return {id: masks[entry["corpus"]] for id, entry in utterances.items()}


def split_parameters(model):
    """Separates the trainable parameters of pretrained encoder and head.

    Arguments
    ---------
    model : EmotionModel
        Its pretrained parts are the ``model`` of each of
        ``model.embedding_model.encoders``.

    Returns
    -------
    head : list of torch.nn.Parameter
        All that are not the pretrained part's, a learned mixture of the
        encoder's layers included.
    encoder : list of torch.nn.Parameter
        The pretrained part's that are not frozen.

    Example
    -------
    >>> from torch import nn
    >>> from speechbrain_emotion.lobes.embedding import SpeechEmbedding
    >>> from speechbrain_emotion.lobes.emotion_model import EmotionModel
    >>> from speechbrain_emotion.lobes.w2v_bert import W2VBertEncoder
    >>> encoder = W2VBertEncoder(
    ...     config={"hidden_size": 16, "num_hidden_layers": 1}, freeze=True
    ... )
    >>> model = EmotionModel(
    ...     SpeechEmbedding(encoder, nn.Identity()), nn.Linear(16, 7)
    ... )
    >>> [len(group) for group in split_parameters(model)]
    [2, 0]
    """
    encoder = {
        id(parameter)
        for pretrained in model.embedding_model.encoders
        for parameter in pretrained.model.parameters()
    }
    trainable = [p for p in model.parameters() if p.requires_grad]
    return (
        [p for p in trainable if id(p) not in encoder],
        [p for p in trainable if id(p) in encoder],
    )
