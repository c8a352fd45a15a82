#!/usr/bin/env python3
"""Recipe for training an emotion recogniser on speech, text or both.

To run this recipe, do the following:
> python train.py hparams/train_w2v_bert.yaml --data_folder=/path/to/RAVDESS

Everything is set in the YAML file: corpus and split, encoders, pooling or
fusion, head, augmentation, optimisation. Training can be stopped with Ctrl-C
at any time; the same command goes on from the last checkpoint. In the end the
best checkpoint is evaluated on the test part and exported as a folder that
``EmotionClassifier.from_hparams(source=...)`` loads.

Most recipes of other corpora share this script.
"""

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
from speechbrain_emotion.training.clip_features import ClipFeatures
from speechbrain_emotion.training.embeddings import EmbeddingStore
from speechbrain_emotion.training.export import export_model
from speechbrain_emotion.training.run_record import RunRecord
from speechbrain_emotion.training.split_record import (
    adaptation_in_words,
    find_split_record,
)

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

    # Corpus folder -> manifests, on the main process only
    sb.utils.distributed.run_on_main(hparams["prepare"])

    # Labels in the order of the YAML, manifests -> datasets
    model = hparams["modules"]["model"]
    label_encoder = hparams["label_encoder"]
    fill_label_encoder(
        label_encoder, hparams["labels"], hparams["label_encoder_file"]
    )
    features = None
    if hparams.get("features_in_workers"):
        features = ClipFeatures(model.embedding_model, hparams["augment"])
    embeddings = None
    if hparams.get("embeddings_folder"):
        embeddings = EmbeddingStore(
            model.embedding_model,
            hparams["embeddings_folder"],
            augments=[hparams.get("augment"), hparams.get("feature_augment")],
            sample_rate=hparams.get("sample_rate"),
            device=run_opts.get("device", "cpu"),
        )
    datasets = make_datasets(
        {
            "train": hparams["train_annotation"],
            "valid": hparams["valid_annotation"],
            "test": hparams["test_annotation"],
        },
        data_folder=hparams["data_folder"],
        label_encoder=label_encoder,
        sample_rate=hparams.get("sample_rate"),
        modalities=model.modalities,
        features=features,
        embeddings=embeddings,
    )

    adaptation = make_adaptation(
        SpeakerAdaptation(
            hparams.get("adaptation", "none"),
            hparams.get("profile_share", 0),
            hparams.get("enrolment_clips", 1),
            hparams["seed"],
        ),
        embeddings,
        datasets.values(),
        model,
    )

    # Training; what a YAML file does not mention stays at its default
    brain = EmotionBrain(
        modules=hparams["modules"],
        opt_class=hparams["opt_class"],
        hparams=hparams,
        run_opts=run_opts,
        checkpointer=hparams["checkpointer"],
        labels=hparams["labels"],
        compute_cost=hparams["compute_cost"],
        encoder_opt_class=hparams.get("encoder_opt_class"),
        encoder_frozen_epochs=hparams.get("encoder_frozen_epochs", 0),
        schedulers=hparams["schedulers"],
        class_weight_power=hparams.get("class_weight_power", 0.0),
        augment=hparams.get("augment"),
        feature_augment=hparams.get("feature_augment"),
        selection=hparams.get("selection", "UAR"),
        adaptation=adaptation,
        train_logger=hparams["train_logger"],
        report_folder=hparams["output_folder"],
    )
    train_loader_opts = dict(hparams["train_dataloader_opts"])
    if hparams.get("sampler") is not None:
        train_loader_opts.update(sampler=hparams["sampler"], shuffle=False)
    brain.fit(
        hparams["epoch_counter"],
        datasets["train"],
        datasets["valid"],
        train_loader_kwargs=train_loader_opts,
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
                modalities=model.modalities,
                adaptation=adaptation_in_words(hparams),
                takes_profiles=model.speaker_normalization is not None,
            ),
        },
    )
    record.finish()
