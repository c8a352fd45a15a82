"""Peak memory above the loaded model, each in a process of its own."""

import contextlib
import multiprocessing
import pathlib
import re
from concurrent.futures import ProcessPoolExecutor

import torch
from checkpoint import published
from clips import RATE, speech
from contestants import Baseline, encode, load

from speechbrain_emotion.dataio.audio import AudioError

PROCESS = pathlib.Path("/proc/self")
# What takes long to import, imported once for all processes.
HEAVY = [
    "speechbrain_emotion.inference.classifier",
    "transformers.models.wav2vec2_bert.modeling_wav2vec2_bert",
]


def measure(setting):
    """A row for each contestant; the ratio compares passes of one length."""
    published(setting, "audio")
    size = setting.size
    cases = [(_theirs, "fp32", size.memory_length)]
    for name in setting.precisions:
        cases.append((_ours, name, size.memory_length))
        cases.append((_predict, name, size.long_length))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(HEAVY)
    records = []
    for case in cases:
        with ProcessPoolExecutor(1, context) as pool:
            records.append(pool.submit(_record, *case, setting).result())
    baseline = records[0]["peak (MB)"]
    for (kind, *_), record in zip(cases, records):
        if kind is not _predict:
            record["ratio"] = baseline / record["peak (MB)"]
    return records


@torch.no_grad()
def _record(kind, precision, seconds, setting):
    """The row of one pass, after another one over a second."""
    torch.set_num_threads(setting.threads)
    record = {
        "contestant": kind.__doc__,
        "precision": precision,
        "audio (s)": seconds,
    }
    call = kind(precision, setting)
    call(speech(1))
    wav = speech(seconds)
    start = _start(setting)
    try:
        call(wav)
    except AudioError as error:
        return {**record, "note": f"refused: {error}"}
    return {**record, "peak (MB)": max(1, _highest(setting) - start) / 1e6}


def _theirs(precision, setting):
    """transformers, encoder"""
    model = Baseline(published(setting, "audio"), setting.device).encoder
    return lambda wav: model(
        _features(wav, setting),
        attention_mask=torch.ones(1, len(wav) * 50 // RATE).to(setting.device),
    )


def _ours(precision, setting):
    """ours, encoder"""
    classifier = _classifier(precision, setting)
    return lambda wav: encode(
        classifier, _features(wav, setting), torch.ones(1)
    )


def _predict(precision, setting):
    """ours, predict"""
    return _classifier(precision, setting).predict


def _classifier(precision, setting):
    folder = published(setting, "audio")
    return load(folder, "audio", setting.device, precision)


def _features(wav, setting):
    """Features of silence, a frame each 20 ms."""
    return torch.zeros(1, len(wav) * 50 // RATE, 160, device=setting.device)


def _start(setting):
    """Bytes in use; from here on the highest number is kept."""
    setting.free()
    if setting.on_cuda:
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    # Where this is not allowed, the peak of loading may hide a lower one.
    with contextlib.suppress(OSError):
        (PROCESS / "clear_refs").write_text("5")
    return _status("VmRSS")


def _highest(setting):
    """The highest number of bytes in use since the start."""
    if setting.on_cuda:
        return torch.cuda.max_memory_allocated()
    return _status("VmHWM")  # ru_maxrss would include the parent's


def _status(name):
    """Bytes that Linux counts for this process."""
    text = (PROCESS / "status").read_text()
    return 1024 * int(re.search(rf"{name}:\s+(\d+) kB", text)[1])
