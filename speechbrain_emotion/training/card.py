"""The model card of an exported model."""

import os
import re

from huggingface_hub import EvalResult, ModelCardData
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from speechbrain_emotion.dataio.protocol import (
    protocol_in_words,
    speaker_protocol,
)
from speechbrain_emotion.training.split_record import (
    leaks_of,
    read_record,
    warnings_of,
)

TEMPLATE = """---
{front_matter}
---

# {title}

An emotion recogniser ({inputs}), trained with speechbrain-emotion.

```python
from speechbrain_emotion import EmotionClassifier

classifier = EmotionClassifier.from_hparams(source="path/to/this/folder")
print(classifier.predict({example}))
```

## Labels

In index order: {labels}.

## Training data

{data}

## Protocol

{protocol}.

{baseline}## Results

On the test part.

{warnings}{results}

{sections}## Limits

- The scores say how {what} to the model among the labels it knows.
  They are estimates, not facts about what a person feels.
- On other {others} than those of the training data, and on spontaneous ones
  where they are acted, expect less than the figures above.
{profiles}- {terms}

## Ethics

- Not for clinical, employment, legal or surveillance use, nor for any
  decision about a person.
- What people show is not what they feel, and differs between cultures, ages
  and persons. Ask those whose emotions you analyse.

## Citation

{citation}
"""

SOFTWARE = (
    "speechbrain-emotion follows the system of Pan et al., SoftwareX 34, 2026, "
    "102677."
)
LEAKY = (
    "**The split is leaky: the test part is not new to the model, and the "
    "figures below are higher than for new recordings.**"
)
NOTES = "Notes on the data:"
PROFILES = """\
- A speaker profile (`enroll`) holds the mean of a speaker's embeddings and the
  number of utterances: no audio and no words, but it describes a voice and is
  personal data. Delete it when it is no longer needed, or when the speaker
  asks for it.
"""

# What a card says of models that read these modalities.
WORDS = {
    ("speech",): {
        "inputs": "speech",
        "example": '"clip.wav"',
        "what": "a clip sounds",
        "others": "speakers, languages and microphones",
        "task": "audio-classification",
    },
    ("text",): {
        "inputs": "text",
        "example": 'texts="I miss her so much."',
        "what": "a text reads",
        "others": "authors, languages and kinds of text",
        "task": "text-classification",
    },
    ("speech", "text"): {
        "inputs": "speech and text",
        "example": '"clip.wav", "I miss her so much."',
        "what": "an utterance sounds and reads",
        "others": "speakers, languages, microphones and kinds of text",
        "task": "audio-classification",
    },
}
# What the index of results holds: the figure of a report, the hub's id of the
# metric, and what it is called.
METRICS = (
    ("accuracy", "accuracy", "Accuracy"),
    ("uar", "recall", "UAR"),
    ("macro_f1", "f1", "Macro F1"),
    ("weighted_precision", "precision", "Weighted precision"),
    ("weighted_f1", "f1", "Weighted F1"),
)


def model_card(
    reports,
    card,
    split_file,
    modalities=("speech",),
    sections=None,
    adaptation="",
    takes_profiles=False,
):
    """Writes the text of a model card in the form of the Hugging Face hub.

    Arguments
    ---------
    reports : dict
        "all" and the names of corpora -> ``ClassificationReport`` of the test
        part.
    card : dict
        From the YAML: ``title``, ``language`` (list), ``license``, ``data``
        (what the model was trained on), ``terms`` (what the licences of the
        data mean for its use) and ``base_model`` (None for none, or a list; what
        is no id of the hub is left out); perhaps
        ``datasets`` (list of hub ids of the corpora) and ``citation``.
    split_file : str or Path or None
        The record of the split that preparation wrote; None where the
        manifests were made otherwise.
    modalities : tuple of str
        What the model reads: "speech", "text" or both.
    sections : dict
        Heading -> text of further sections.
    adaptation : str
        What is known of the speakers of the test part, see
        ``adaptation_in_words``.
    takes_profiles : bool
        Whether the model takes speaker profiles.

    Returns
    -------
    str

    Example
    -------
    >>> from speechbrain_emotion.utils.metrics import ClassificationReport
    >>> report = ClassificationReport.from_indices([0], [0], ["sad", "happy"])
    >>> card = {
    ...     "title": "A model",
    ...     "language": ["en"],
    ...     "license": "cc-by-4.0",
    ...     "data": "One clip.",
    ...     "terms": "Free for any use.",
    ...     "base_model": None,
    ... }
    >>> text = model_card({"all": report}, card, split_file=None)
    >>> "In index order: sad, happy." in text
    True
    """
    words = dict(WORDS[tuple(modalities)])
    split = {} if split_file is None else read_record(split_file)
    front_matter = ModelCardData(
        language=card["language"],
        license=card["license"],
        library_name="speechbrain",
        pipeline_tag=words["task"],
        tags=["emotion-recognition", "speechbrain"],
        base_model=_base_model(card["base_model"]),
        datasets=card.get("datasets"),
        metrics=sorted({metric for _, metric, _ in METRICS}),
        model_name=card["title"],
        eval_results=_eval_results(
            reports, split, words.pop("task"), adaptation
        ),
    )
    return TEMPLATE.format(
        **words,
        front_matter=front_matter.to_yaml(),
        sections="".join(
            f"## {heading}\n\n{text}\n\n"
            for heading, text in (sections or {}).items()
        ),
        title=card["title"],
        labels=", ".join(reports["all"].labels),
        data="\n\n".join([card["data"].strip(), *_corpora(split)]),
        terms=card["terms"],
        protocol=", ".join(filter(None, [_protocol(split), adaptation])),
        baseline=_baseline(split),
        profiles=PROFILES if takes_profiles else "",
        warnings=_warnings(split),
        results="\n\n".join(
            f"### {name}\n\n```\n{report}\n```"
            for name, report in reports.items()
        ),
        citation="\n\n".join(filter(None, [card.get("citation"), SOFTWARE])),
    )


def _base_model(given):
    """The hub ids among the base models; local folders say nothing."""
    models = [given] if isinstance(given, str) else given or []
    ids = [model for model in models if model and _is_hub_id(model)]
    return ids[0] if len(ids) == 1 else ids or None


def _is_hub_id(name):
    """Whether it may be a model of the hub, and is no local folder."""
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return not os.path.exists(name)


def _eval_results(reports, split, task, adaptation):
    """The figures as the hub lists them, those of ``report.json``."""
    protocol = {
        "protocol": split.get("protocol"),
        "speaker_independent": split.get("speaker_independent"),
    }
    if _audit(split):
        protocol["leaky"] = _leaky(_audit(split))
    if adaptation:
        protocol["adaptation"] = adaptation
    names = {"all": _test_corpora(split)}
    return [
        EvalResult(
            task_type=task,
            task_name="Emotion recognition",
            dataset_name=names.get(corpus, corpus),
            dataset_type=_slug(names.get(corpus, corpus)),
            dataset_split="test",
            dataset_args={k: v for k, v in protocol.items() if v is not None},
            metric_type=metric,
            metric_name=title,
            metric_value=getattr(report, figure),
        )
        for corpus, report in reports.items()
        for figure, metric, title in METRICS
    ]


def _test_corpora(split):
    """Names the corpora of the test part, as far as its record tells."""
    test = split.get("parts", {}).get("test", {})
    corpora = {name.partition("/")[0] for name in test.get("speakers", [])}
    return ", ".join(sorted(corpora)) or "test part"


def _slug(name):
    """The name of a corpus as an id."""
    return re.sub(r"[^\w.]+", "-", name).strip("-").lower()


def _protocol(split):
    """Says how the corpora were split, in words."""
    if not split:
        return "Unknown: the manifests were not made by this recipe"
    if _audit(split):
        return protocol_in_words(split)
    return speaker_protocol(split)  # as the models in the package were made


def _audit(split):
    """The audit of a split, empty where there was none."""
    return split.get("audit", {})


def _baseline(split):
    """Says what is reached without a model."""
    majority = _audit(split).get("majority")
    if not majority:
        return ""
    return (
        "Whoever always answers the most frequent label of training and "
        f"validation reaches {100 * majority['accuracy']:.1f} % accuracy and "
        f"{100 * majority['uar']:.1f} % UAR.\n\n"
    )


def _leaky(audit):
    """Whether the split leaks, as far as that was checked."""
    if leaks_of(audit):
        return True
    checked = {"spk_id", "session", "video"} & set(audit["columns"])
    return False if checked else "not checked"


def _corpora(split):
    """Sentences on what the model was really trained and tested on."""
    corpora = split.get("corpora", {})
    for part, verb in (("train", "Trained"), ("test", "Tested")):
        if part in corpora:
            names = ", ".join(f"{c} ({n:,})" for c, n in corpora[part].items())
            yield f"{verb} on: {names} utterances."


def _warnings(split):
    """What the audit found, above the figures: leaks, then other notes."""
    audit = _audit(split)
    parts = {LEAKY: leaks_of(audit), NOTES: warnings_of(audit)}
    return "".join(
        f"{heading}\n\n{_items(sentences)}\n\n"
        for heading, sentences in parts.items()
        if sentences
    )


def _items(sentences):
    """A list in Markdown."""
    return "\n".join(f"- {sentence}" for sentence in sentences)
