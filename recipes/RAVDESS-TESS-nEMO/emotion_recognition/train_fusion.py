#!/usr/bin/env python3
"""Recipe for training a compact recogniser that hears and reads.

To run this recipe, do the following:
> python train_fusion.py hparams/train_compact_concat.yaml \
    --speech_run=results/compact_none/new_speakers/1234 \
    --text_run=/path/to/compact_text/published/1234

It takes manifests and encoders from two finished runs, pairs every clip with
texts of the same label, and trains fusion and head; the encoders are frozen.
Training can be stopped with Ctrl-C; the same command goes on from the last
checkpoint. In the end the best checkpoint is evaluated on the test part with
both modalities, with each alone, and with texts of another label than the
clip's, and exported as a folder that
``EmotionClassifier.from_hparams(source=...)`` loads.
"""

from hyperpyyaml import load_hyperpyyaml

import speechbrain as sb
from speechbrain_emotion.dataio.datasets import (
    fill_label_encoder,
    make_datasets,
)
from speechbrain_emotion.dataio.manifests import write_json
from speechbrain_emotion.inference.classifier import EmotionClassifier
from speechbrain_emotion.training.ablation import ablate, ablation_table
from speechbrain_emotion.training.adaptation import (
    SpeakerAdaptation,
    make_adaptation,
)
from speechbrain_emotion.training.arguments import parse_recipe_arguments
from speechbrain_emotion.training.brain import EmotionBrain
from speechbrain_emotion.training.card import model_card
from speechbrain_emotion.training.embeddings import EmbeddingStore
from speechbrain_emotion.training.export import export_model
from speechbrain_emotion.training.run_record import RunRecord
from speechbrain_emotion.training.split_record import adaptation_in_words


def export_and_ablate(hparams, arguments, brain, clips):
    """Exports the model, and writes what each modality contributes."""
    files = {
        "folder": hparams["export_folder"],
        "hparams_file": arguments[0],
        "overrides": arguments[2],
        "definition": "definition",
        "model": brain.model,
        "label_encoder": hparams["label_encoder"],
        "dtype": hparams["export_dtype"],
    }
    export_model(**files, card="")
    classifier = EmotionClassifier.from_hparams(hparams["export_folder"])
    ablation = ablate(classifier, clips, hparams["seed"])
    write_json(hparams["ablation_file"], ablation)
    card = model_card(
        brain.reports,
        hparams["card"],
        hparams["split_file"],
        modalities=brain.model.modalities,
        sections={"What each modality contributes": ablation_table(ablation)},
        adaptation=adaptation_in_words(hparams),
        takes_profiles=brain.model.speaker_normalization is not None,
    )
    export_model(**files, card=card)


if __name__ == "__main__":
    # Command line, distributed set-up, hyperparameters
    arguments = parse_recipe_arguments(__file__)
    hparams_file, run_opts, overrides = arguments
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

    # Pairs of clips and texts, on the main process only
    sb.utils.distributed.run_on_main(hparams["prepare"])

    # Labels in the order of the YAML, manifests -> datasets
    fill_label_encoder(
        hparams["label_encoder"],
        hparams["labels"],
        hparams["label_encoder_file"],
    )
    datasets = make_datasets(
        {
            "train": hparams["train_annotation"],
            "valid": hparams["valid_annotation"],
            "test": hparams["test_annotation"],
        },
        data_folder=hparams["data_folder"],
        label_encoder=hparams["label_encoder"],
        sample_rate=hparams["sample_rate"],
        modalities=("speech", "text"),
    )

    # The encoders of the two runs
    hparams["encoders"].collect_files()
    hparams["encoders"].load_collected()

    # Speaker profiles, of whole clips as they are
    adaptation = make_adaptation(
        SpeakerAdaptation(
            hparams["adaptation"],
            hparams["profile_share"],
            hparams["enrolment_clips"],
            hparams["seed"],
        ),
        EmbeddingStore(
            hparams["speech_embedding"],
            hparams["embeddings_folder"],
            augments=[],
            sample_rate=hparams["sample_rate"],
            device=run_opts.get("device", "cpu"),
        ),
        datasets.values(),
        hparams["modules"]["model"],
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
        encoder_opt_class=None,
        schedulers=hparams["schedulers"],
        augment=hparams["augment"],
        spans=hparams["spans"],
        adaptation=adaptation,
        train_logger=hparams["train_logger"],
        report_folder=hparams["output_folder"],
        selection=hparams["selection"],
    )
    brain.fit(
        hparams["epoch_counter"],
        datasets["train"],
        datasets["valid"],
        train_loader_kwargs={
            "sampler": hparams["sampler"],
            "batch_size": hparams["batch_size"],
            "drop_last": True,
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
        export_and_ablate,
        args=[hparams, arguments, brain, datasets["test"].data],
    )
    record.finish()
