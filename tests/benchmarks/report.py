"""What is printed: the machine, and tables in Markdown."""

import os
import pathlib
import platform
import re

import torch
import transformers


def machine(setting):
    """What the figures depend on, name -> value."""
    found = {
        "CPU": _cpu_model(),
        "cores": os.cpu_count(),
        "threads": setting.threads,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "repeats": setting.repeats,
    }
    if setting.on_cuda:
        found["GPU"] = torch.cuda.get_device_name(setting.device)
    return found


def table(records):
    """Records, column -> value, as a Markdown table.

    Columns come in the order in which they appear; "raw", which is for the
    JSON file only, is left out.
    """
    columns = dict.fromkeys(name for record in records for name in record)
    columns.pop("raw", None)
    rows = [[_text(record.get(name)) for name in columns] for record in records]
    lines = [f"| {' | '.join(cells)} |" for cells in [columns, *rows]]
    lines.insert(1, "|" + "---|" * len(columns))
    return "\n".join(lines)


def _text(value):
    """A cell; numbers get about three digits."""
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    if 0 < value < 0.001:
        return f"{value:.1e}"
    return f"{value:.{sum(value < x for x in (1, 10, 100))}f}"


def _cpu_model():
    path = pathlib.Path("/proc/cpuinfo")
    if path.exists():
        found = re.search(r"model name\s*: (.*)", path.read_text())
        if found:
            return found[1]
    return platform.processor() or platform.machine()
