"""The model card of an exported model."""

import io
import json
import pathlib

import ruamel.yaml

TEMPLATE = """---
{front_matter}---

# {title}

A speech emotion recogniser, trained with speechbrain-emotion.

```python
from speechbrain_emotion import EmotionClassifier

classifier = EmotionClassifier.from_hparams(source="path/to/this/folder")
print(classifier.predict("clip.wav"))
```

## Labels

In index order: {labels}.

## Training data

{data}

## Results

Protocol: {protocol}.

{results}

## Limits

- The scores say how a clip sounds to the model among the labels it knows.
  They are estimates, not facts about what a person feels.
- On other speakers, languages and microphones than those of the training
  data, and on spontaneous where they are acted, expect less than the figures
  above.
- {terms}
- Not for clinical, employment, legal or surveillance use, nor for any
  decision about a person.
"""


def model_card(reports, card, split_file):
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
    front_matter = {
        "language": card["language"],
        "license": card["license"],
        "library_name": "speechbrain",
        "pipeline_tag": "audio-classification",
        "tags": ["speech-emotion-recognition", "speechbrain"],
    }
    if card["base_model"]:
        front_matter["base_model"] = card["base_model"]
    return TEMPLATE.format(
        front_matter=_dump(front_matter),
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
        f"{name} {part['clips']} clips of {len(part['speakers'])} speakers"
        for name, part in split["parts"].items()
    )
    kind = "" if split["speaker_independent"] else "NOT "
    return f"{kind}speaker-independent; {parts}"


def _dump(front_matter):
    """Dumps a dictionary as YAML text."""
    stream = io.StringIO()
    ruamel.yaml.YAML().dump(front_matter, stream)
    return stream.getvalue()
