"""What each modality contributes to a model of speech and text."""

import random

from speechbrain_emotion.utils.metrics import ClassificationMetrics


def ablate(classifier, clips, seed):
    """Evaluates a model with both modalities, with one, and against itself.

    Nobody is enrolled, whatever the protocol of the other results.

    Arguments
    ---------
    classifier : EmotionClassifier
        A model of speech and text.
    clips : dict
        Id -> manifest entry with ``wav``, ``words`` and ``emo``, where words
        and voice have the same label.
    seed : int
        Seed of the choice of texts with another label.

    Returns
    -------
    dict
        "speech and text", "speech alone", "text alone" -> UAR, macro-F1 and
        accuracy; "disagreement" -> how often the answer is the voice's label,
        the text's, or neither, where a text has another label than the voice.
    """
    entries = list(clips.values())
    wavs = [entry["wav"] for entry in entries]
    texts = [entry["words"] for entry in entries]
    truth = [entry["emo"] for entry in entries]
    nothing = [None] * len(entries)
    inputs = {
        "speech and text": (wavs, texts),
        "speech alone": (wavs, nothing),
        "text alone": (nothing, texts),
    }
    results = {
        name: _scores(classifier, truth, _answers(classifier, *given))
        for name, given in inputs.items()
    }
    other = _other_labels(truth, random.Random(seed))
    answers = _answers(classifier, wavs, [texts[i] for i in other])
    text_truth = [truth[i] for i in other]
    shares = {
        "the voice's label": _share(answers, truth),
        "the text's label": _share(answers, text_truth),
    }
    shares["neither"] = 1 - sum(shares.values())
    return {**results, "disagreement": shares, "clips": len(entries)}


def ablation_table(ablation):
    """Formats what ``ablate`` found, in Markdown.

    Arguments
    ---------
    ablation : dict
        What ``ablate`` returned.

    Returns
    -------
    str

    Example
    -------
    >>> row = {"UAR": 0.5, "macro-F1": 0.25, "accuracy": 0.5}
    >>> names = ("speech and text", "speech alone", "text alone")
    >>> shares = {"the voice's label": 0.5, "the text's label": 0.5}
    >>> print(
    ...     ablation_table(
    ...         {name: row for name in names}
    ...         | {"disagreement": {**shares, "neither": 0.0}, "clips": 2}
    ...     )
    ... )  # doctest: +ELLIPSIS
    On the 2 clips of the test part, without speaker profiles:
    <BLANKLINE>
    | given | UAR | macro-F1 | accuracy |
    |---|---|---|---|
    | speech and text | 50.0 % | 25.0 % | 50.0 % |
    ...
    """
    rows = [
        f"| {name} | "
        + " | ".join(f"{100 * value:.1f} %" for value in scores.values())
        + " |"
        for name, scores in ablation.items()
        if name not in ("disagreement", "clips")
    ]
    shares = ", ".join(
        f"{name} in {100 * share:.1f} %"
        for name, share in ablation["disagreement"].items()
    )
    return "\n".join(
        [
            f"On the {ablation['clips']} clips of the test part, without "
            "speaker profiles:",
            "",
            "| given | UAR | macro-F1 | accuracy |",
            "|---|---|---|---|",
            *rows,
            "",
            "Where the text has another label than the voice, the answer is "
            f"{shares} of the clips.",
        ]
    )


def _answers(classifier, wavs, texts):
    """The label of each utterance."""
    predictions = classifier.predict(wavs, texts)
    for prediction in predictions:
        if prediction.error is not None:
            raise ValueError(prediction.error)
    return [prediction.label for prediction in predictions]


def _scores(classifier, truth, answers):
    """UAR, macro-F1 and accuracy."""
    metrics = ClassificationMetrics(classifier.labels)
    index = {label: i for i, label in enumerate(classifier.labels)}
    metrics.append(
        [str(i) for i in range(len(truth))],
        [index[label] for label in answers],
        [index[label] for label in truth],
    )
    report = metrics.summarize()
    return {
        "UAR": report.uar,
        "macro-F1": report.macro_f1,
        "accuracy": report.accuracy,
    }


def _other_labels(truth, draw):
    """For each utterance the index of one with another label."""
    return [
        draw.choice([i for i, other in enumerate(truth) if other != label])
        for label in truth
    ]


def _share(answers, labels):
    """How often two lists agree."""
    return sum(a == b for a, b in zip(answers, labels)) / len(labels)
