"""A prediction from speech and text, part by part and as a whole."""

import itertools
from functools import partial

from checkpoint import bert, published
from clips import speech
from contestants import Baseline, encode, load, scores
from timing import compare, difference, race

SECONDS = 3


def texts(part):
    """Texts of one length, each other than those before: none is known."""
    for digits in itertools.product("abcdefghij", repeat=4):
        yield f"Don't forget a jacket, {part} {' '.join(digits)}."


def measure(setting):
    """A row for each part, and for the whole in each precision."""
    folders = published(setting, "concat"), bert(setting)
    wav = speech(SECONDS)
    theirs = _theirs(*folders, wav, setting)
    ours = _ours(*folders, wav, setting)
    calls = {("transformers", part): call for part, call in theirs.items()}
    calls |= {("ours", *part): call for part, call in ours.items()}
    outputs, times = race(calls, setting)
    records = []
    for part in ours:
        mine, other = ("ours", *part), ("transformers", part[0])
        records.append(
            {
                "part": part[0],
                "precision": part[1],
                **compare(times, other, mine),
                "largest difference": difference(outputs[other], outputs[mine]),
                "raw": {"transformers": times[other], "ours": times[mine]},
            }
        )
    return records


def _theirs(folder, text_folder, wav, setting):
    """Part -> function, with transformers; texts are padded to 512 tokens."""
    baseline = Baseline(folder, setting.device, text_folder)
    inputs, alone, whole = baseline.features([wav]), texts("b"), texts("a")
    return {
        "features": lambda: baseline.features([wav])["input_features"],
        "speech": lambda: baseline.encoder(**inputs).last_hidden_state,
        "text": lambda: baseline.text(next(alone)),
        "all": lambda: baseline.scores([wav], next(whole)),
    }


def _ours(folder, text_folder, wav, setting):
    """Part and precision -> function, with our classifier."""
    classifiers = {
        name: load(
            folder, "concat", setting.device, name, text_encoder=text_folder
        )
        for name in setting.precisions
    }
    first, classifier = next(iter(classifiers.items()))
    encoder = classifier.encoder
    text_encoder = classifier.mods.model.embedding_model.text_encoder
    wavs = wav.unsqueeze(0).to(setting.device)
    inputs, alone = encoder.features(wavs), texts("b")
    calls = {
        ("features", first): lambda: encoder.features(wavs)[0],
        ("speech", first): lambda: encode(classifier, *inputs),
        ("text", first): lambda: text_encoder([next(alone)])[0][:, 0],
    }
    for name, other in classifiers.items():
        calls["all", name] = partial(_predict, other, wav, texts("a"))
    return calls


def _predict(classifier, wav, sentences):
    """Scores of the next sentence."""
    return scores([classifier.predict(wav, next(sentences))])
