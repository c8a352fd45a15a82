"""The model card of an exported model."""

import io
import json
import pathlib

import ruamel.yaml

from speechbrain_emotion.dataio.protocol import speaker_protocol

TEMPLATE = """---
{front_matter}---

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

## Results

Protocol: {protocol}.

{results}

{sections}## Limits

- The scores say how {what} to the model among the labels it knows.
  They are estimates, not facts about what a person feels.
- On other {others} than those of the training data, and on spontaneous ones
  where they are acted, expect less than the figures above.
- {terms}
- Not for clinical, employment, legal or surveillance use, nor for any
  decision about a person.
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


def model_card(
    reports, card, split_file, modalities=("speech",), sections=None
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
        data mean for its use) and ``base_model`` (None for none).
    split_file : str or Path or None
        The record of the split that preparation wrote; None where the
        manifests were made otherwise.
    modalities : tuple of str
        What the model reads: "speech", "text" or both.
    sections : dict
        Heading -> text of further sections.

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
    front_matter = {
        "language": card["language"],
        "license": card["license"],
        "library_name": "speechbrain",
        "pipeline_tag": words.pop("task"),
        "tags": ["emotion-recognition", "speechbrain"],
    }
    if card["base_model"]:
        front_matter["base_model"] = card["base_model"]
    return TEMPLATE.format(
        **words,
        front_matter=_dump(front_matter),
        sections="".join(
            f"## {heading}\n\n{text}\n\n"
            for heading, text in (sections or {}).items()
        ),
        title=card["title"],
        labels=", ".join(reports["all"].labels),
        data=card["data"],
        terms=card["terms"],
        protocol=_protocol(split_file),
        results="\n\n".join(
            f"### {name}\n\n```\n{report}\n```"
            for name, report in reports.items()
        ),
    )


def _protocol(split_file):
    """Says how the corpora were split, in words."""
    if split_file is None:
        return "unknown, the manifests were not made by this recipe"
    split = json.loads(pathlib.Path(split_file).read_text(encoding="utf-8"))
    parts = ", ".join(
        f"{name} {part['clips']} utterances{_speakers(part)}"
        for name, part in split["parts"].items()
    )
    return f"{speaker_protocol(split)}; {parts}"


def _speakers(part):
    """Counts the speakers of a part, where they are known."""
    n_speakers = len(part["speakers"])
    return f" of {n_speakers} speakers" if n_speakers else ""


def _dump(front_matter):
    """Dumps a dictionary as YAML text."""
    stream = io.StringIO()
    ruamel.yaml.YAML().dump(front_matter, stream)
    return stream.getvalue()
