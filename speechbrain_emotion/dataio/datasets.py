"""Datasets of utterances, from SpeechBrain's JSON manifests."""

import speechbrain as sb
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain_emotion.dataio.audio import load_audio

# What a model of this modality gets from the dataset.
INPUTS = {"speech": "sig", "text": "words"}


def fill_label_encoder(label_encoder, labels, path):
    """Gives the labels their indexes, in the order of the list.

    Arguments
    ---------
    label_encoder : speechbrain.dataio.encoder.CategoricalEncoder
        Changed in place.
    labels : list of str
        The labels.
    path : str
        Where the indexes are written.

    Raises
    ------
    ValueError
        If an earlier run wrote other labels or another order there: its
        checkpoints would get wrong names.

    Example
    -------
    >>> from speechbrain.dataio.encoder import CategoricalEncoder
    >>> encoder = CategoricalEncoder()
    >>> path = getfixture("tmpdir") / "label_encoder.txt"
    >>> fill_label_encoder(encoder, ["sad", "happy"], path)
    >>> encoder.encode_label("happy")
    1
    """
    label_encoder.load_or_create(path, from_iterables=[labels])
    label_encoder.expect_len(len(labels))
    indexes = {label: index for index, label in enumerate(labels)}
    if label_encoder.lab2ind != indexes:
        raise ValueError(
            f"'{path}' is of a run with the labels "
            f"{list(label_encoder.lab2ind)}, not {list(labels)}: name another "
            "output folder"
        )


def make_datasets(
    annotations,
    data_folder,
    label_encoder,
    sample_rate=None,
    modalities=("speech",),
    features=None,
    embeddings=None,
):
    """Makes one dataset per part of the split.

    Arguments
    ---------
    annotations : dict
        Name of the part, e.g. "train" -> path of its JSON manifest, with the
        keys ``wav`` and ``emo`` for every utterance.
    data_folder : str
        Replaces ``{data_root}`` in the paths of the manifest.
    label_encoder : speechbrain.dataio.encoder.CategoricalEncoder
        Turns labels into indexes.
    sample_rate : int
        Sample rate of the waveforms, in Hz; not needed for text alone.
    modalities : tuple of str
        What the model reads: "speech", "text" or both.
    features : callable
        Applied to each waveform, as ``ClipFeatures``; None for none.
    embeddings : EmbeddingStore
        Computes the embeddings of all utterances; None to leave that to the
        model.

    Returns
    -------
    dict
        Name of the part -> ``DynamicItemDataset`` that gives ``id``,
        ``emo_encoded`` (index of the label), for speech ``sig`` (waveform,
        [samples], or its features) and for text ``words``, a key of the
        manifest; or ``embedding``, [dim], in their place.

    Example
    -------
    >>> import json
    >>> from speechbrain.dataio.encoder import CategoricalEncoder
    >>> clip = "{data_root}/1001_DFA_ANG_XX.flac"
    >>> path = getfixture("tmpdir") / "train.json"
    >>> _ = path.write(json.dumps({"a": {"wav": clip, "emo": "angry"}}))
    >>> encoder = CategoricalEncoder()
    >>> encoder.update_from_iterable(["angry", "sad"])
    >>> data = make_datasets(
    ...     {"train": str(path)}, "tests/samples/CREMA-D", encoder, 16000
    ... )
    >>> data["train"][0]["sig"].shape
    torch.Size([36363])
    """

    @sb.utils.data_pipeline.takes("wav")
    @sb.utils.data_pipeline.provides(INPUTS["speech"])
    def audio_pipeline(wav):
        """Reads the waveform, and computes its features where asked for."""
        sig = load_audio(wav, sample_rate)
        return sig if features is None else features(sig)

    @sb.utils.data_pipeline.takes("emo")
    @sb.utils.data_pipeline.provides("emo_encoded")
    def label_pipeline(emo):
        """Turns the label into its index."""
        return label_encoder.encode_label_torch(emo, allow_unk=False)

    inputs = [INPUTS[modality] for modality in modalities]
    pipelines = [label_pipeline]
    if "speech" in modalities:
        pipelines.append(audio_pipeline)
    datasets = {
        part: DynamicItemDataset.from_json(
            json_path=path,
            replacements={"data_root": data_folder},
            dynamic_items=pipelines,
            output_keys=["id", *inputs, "emo_encoded"],
        )
        for part, path in annotations.items()
    }
    if embeddings is not None:
        for dataset in datasets.values():
            embeddings.embed(dataset)
    return datasets
