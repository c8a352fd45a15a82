#!/usr/bin/env python3
"""Recipe for training a compact emotion recogniser on several corpora.

To run this recipe, do the following:
> python train.py hparams/train_compact.yaml --data_folder=/path/to/corpora

First a low-rank encoder learns to give the frames of a large one, without
labels; then a linear head is trained on it. Both can be stopped with Ctrl-C;
the same command goes on from the last checkpoint. In the end the best
checkpoint is evaluated on the test part and exported as a folder that
``EmotionClassifier.from_hparams(source=...)`` loads.
"""

import itertools

from hyperpyyaml import load_hyperpyyaml

import speechbrain as sb
from speechbrain_emotion.dataio.datasets import (
    fill_label_encoder,
    make_datasets,
)
from speechbrain_emotion.training.adaptation import (
    SpeakerAdaptation,
    make_adaptation,
)
from speechbrain_emotion.training.arguments import parse_recipe_arguments
from speechbrain_emotion.training.brain import EmotionBrain
from speechbrain_emotion.training.card import model_card
from speechbrain_emotion.training.compression import compress
from speechbrain_emotion.training.distillation import DistillationBrain
from speechbrain_emotion.training.embeddings import EmbeddingStore
from speechbrain_emotion.training.export import export_model
from speechbrain_emotion.training.run_record import RunRecord
from speechbrain_emotion.training.split_record import (
    adaptation_in_words,
    find_split_record,
)


def train_encoder(hparams, run_opts, datasets):
    """Distils the teacher into the encoder of the model, and freezes it."""
    embedding_model = hparams["definition"]["embedding_model"]
    encoder, normalizer = embedding_model.encoder, embedding_model.normalizer
    batches = calibration_batches(
        datasets["train"],
        hparams["sampler"],
        hparams["calibration_clips"],
        normalizer,
    )
    deviation = compress(encoder, hparams["teacher"], batches)
    brain = DistillationBrain(
        modules={"encoder": encoder},
        opt_class=hparams["encoder_opt_class"],
        hparams=hparams,
        run_opts=run_opts,
        checkpointer=hparams["encoder_checkpointer"],
        teacher=hparams["teacher"],
        normalizer=normalizer,
        deviation=deviation,
        scheduler=hparams["encoder_scheduler"],
        augment=hparams["encoder_augment"],
        train_logger=hparams["encoder_logger"],
    )
    brain.fit(
        hparams["encoder_epoch_counter"],
        datasets["train"],
        datasets["valid"],
        train_loader_kwargs=train_loader_opts(
            hparams, hparams["encoder_batch_size"]
        ),
        valid_loader_kwargs={"batch_size": hparams["encoder_batch_size"]},
    )
    brain.on_evaluate_start(min_key="loss")
    encoder.freeze_now()


def train_loader_opts(hparams, batch_size):
    """Options of the loader that both stages train with."""
    return {
        "sampler": hparams["sampler"],
        "batch_size": batch_size,
        "drop_last": True,
        "num_workers": hparams["num_workers"],
    }


def calibration_batches(dataset, sampler, n_clips, normalizer):
    """Draws clips as in training, each as a batch of one."""
    for index in itertools.islice(sampler(dataset), n_clips):
        wav = dataset[index]["sig"].unsqueeze(0)
        full = wav.new_ones(1)
        yield normalizer(wav, full), full


def train_head(hparams, run_opts, datasets):
    """Trains the classifier, evaluates the best checkpoint on the test part."""
    model = hparams["modules"]["model"]
    embeddings = EmbeddingStore(
        model.embedding_model,
        hparams["embeddings_folder"],
        augments=[],  # speaker profiles are made of whole clips as they are
        sample_rate=hparams["sample_rate"],
        device=run_opts.get("device", "cpu"),
    )
    brain = EmotionBrain(
        modules=hparams["modules"],
        opt_class=hparams["head_opt_class"],
        hparams=hparams,
        run_opts=run_opts,
        checkpointer=hparams["head_checkpointer"],
        labels=hparams["labels"],
        compute_cost=hparams["compute_cost"],
        encoder_opt_class=None,
        schedulers={"head": hparams["head_scheduler"]},
        augment=hparams["head_augment"],
        spans=hparams["spans"],
        adaptation=make_adaptation(
            SpeakerAdaptation(
                hparams["adaptation"],
                hparams["profile_share"],
                hparams["enrolment_clips"],
                hparams["seed"],
            ),
            embeddings,
            datasets.values(),
            model,
        ),
        train_logger=hparams["head_logger"],
        report_folder=hparams["output_folder"],
    )
    brain.fit(
        hparams["epoch_counter"],
        datasets["train"],
        datasets["valid"],
        train_loader_kwargs=train_loader_opts(
            hparams, hparams["head_batch_size"]
        ),
        valid_loader_kwargs={"batch_size": hparams["head_batch_size"]},
    )
    brain.evaluate(
        datasets["test"],
        test_loader_kwargs={"batch_size": hparams["head_batch_size"]},
    )
    return brain


if __name__ == "__main__":
    # Command line, distributed set-up, hyperparameters
    hparams_file, run_opts, overrides = parse_recipe_arguments(__file__)
    sb.utils.distributed.ddp_init_group(run_opts)
    with open(hparams_file, encoding="utf-8") as fin:
        hparams = load_hyperpyyaml(fin, overrides)
    record = RunRecord(
        hparams_file, run_opts, overrides, hparams["output_folder"]
    )
    sb.create_experiment_directory(
        experiment_directory=hparams["output_folder"],
        hyperparams_to_save=hparams_file,
        overrides=overrides,
    )

    # Corpus folders -> manifests -> datasets
    sb.utils.distributed.run_on_main(hparams["prepare"])
    label_encoder = hparams["label_encoder"]
    fill_label_encoder(
        label_encoder, hparams["labels"], hparams["label_encoder_file"]
    )
    datasets = make_datasets(
        {
            "train": hparams["train_annotation"],
            "valid": hparams["valid_annotation"],
            "test": hparams["test_annotation"],
        },
        data_folder=hparams["data_folder"],
        label_encoder=label_encoder,
        sample_rate=hparams["sample_rate"],
    )

    train_encoder(hparams, run_opts, datasets)
    brain = train_head(hparams, run_opts, datasets)

    sb.utils.distributed.run_on_main(
        export_model,
        kwargs={
            "folder": hparams["export_folder"],
            "hparams_file": hparams_file,
            "overrides": overrides,
            "definition": "definition",
            "model": brain.model,
            "label_encoder": label_encoder,
            "card": model_card(
                brain.reports,
                hparams["card"],
                find_split_record(hparams),
                adaptation=adaptation_in_words(hparams),
                takes_profiles=brain.model.speaker_normalization is not None,
            ),
            "dtype": hparams["export_dtype"],
        },
    )
    record.finish()
