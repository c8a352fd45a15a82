"""Datasets of utterances, from SpeechBrain's JSON manifests."""

import speechbrain as sb
from speechbrain.dataio.dataset import DynamicItemDataset
from speechbrain_emotion.dataio.audio import load_audio


def make_datasets(annotations, data_folder, label_encoder, sample_rate):
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
        Sample rate of the waveforms, in Hz.

    Returns
    -------
    dict
        Name of the part -> ``DynamicItemDataset`` that gives ``id``, ``sig``
        (waveform, [samples]) and ``emo_encoded`` (index of the label).

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
    @sb.utils.data_pipeline.provides("sig")
    def audio_pipeline(wav):
        """Reads the waveform."""
        return load_audio(wav, sample_rate)

    @sb.utils.data_pipeline.takes("emo")
    @sb.utils.data_pipeline.provides("emo_encoded")
    def label_pipeline(emo):
        """Turns the label into its index."""
        return label_encoder.encode_label_torch(emo, allow_unk=False)

    return {
        part: DynamicItemDataset.from_json(
            json_path=path,
            replacements={"data_root": data_folder},
            dynamic_items=[audio_pipeline, label_pipeline],
            output_keys=["id", "sig", "emo_encoded"],
        )
        for part, path in annotations.items()
    }
