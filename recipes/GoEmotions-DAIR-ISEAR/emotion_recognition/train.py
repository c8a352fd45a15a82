#!/usr/bin/env python3
"""Recipe for training a compact recogniser of emotion in texts.

To run this recipe, do the following:
> python train.py hparams/train_compact_text.yaml --data_folder=/path/to/csvs

The vocabulary of a pretrained text encoder is pruned to the words of the
training texts, then the encoder is fine-tuned with a head. Training can be
stopped with Ctrl-C; the same command goes on from the last checkpoint. In the
end the best checkpoint is evaluated on the test part and exported as a folder
that ``EmotionClassifier.from_hparams(source=...)`` loads.
"""

from hyperpyyaml import load_hyperpyyaml

import speechbrain as sb
from speechbrain_emotion.dataio.datasets import (
    fill_label_encoder,
    make_datasets,
)
from speechbrain_emotion.training.arguments import parse_recipe_arguments
from speechbrain_emotion.training.brain import EmotionBrain
from speechbrain_emotion.training.card import model_card
from speechbrain_emotion.training.export import export_model
from speechbrain_emotion.training.run_record import RunRecord
from speechbrain_emotion.training.split_record import find_split_record
from speechbrain_emotion.training.vocabulary import prune_vocabulary

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

    # CSV files -> manifests, on the main process only
    sb.utils.distributed.run_on_main(hparams["prepare"])

    # Labels in the order of the YAML, manifests -> datasets
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
        modalities=("text",),
    )

    # The words of the training texts
    prune_vocabulary(
        hparams["definition"]["text_encoder"],
        (entry["words"] for entry in datasets["train"].data.values()),
        hparams["vocabulary_size"],
    )

    # Training
    brain = EmotionBrain(
        modules=hparams["modules"],
        opt_class=hparams["opt_class"],
        hparams=hparams,
        run_opts=run_opts,
        checkpointer=hparams["checkpointer"],
        labels=hparams["labels"],
        compute_cost=hparams["compute_cost"],
        encoder_opt_class=hparams["encoder_opt_class"],
        schedulers=hparams["schedulers"],
        augment=None,
        train_logger=hparams["train_logger"],
        report_folder=hparams["output_folder"],
        mask_absent_labels=hparams["mask_absent_labels"],
    )
    brain.fit(
        hparams["epoch_counter"],
        datasets["train"],
        datasets["valid"],
        train_loader_kwargs={
            "sampler": hparams["sampler"],
            "batch_size": hparams["batch_size"],
            "num_workers": hparams["num_workers"],
        },
        valid_loader_kwargs=hparams["valid_dataloader_opts"],
    )

    # Evaluation of the best checkpoint, export
    brain.evaluate(
        datasets["test"],
        test_loader_kwargs=hparams["valid_dataloader_opts"],
    )
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
                modalities=("text",),
            ),
            "dtype": hparams["export_dtype"],
        },
    )
    record.finish()
