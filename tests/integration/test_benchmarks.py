"""The benchmarks run, in a size that says nothing about speed."""

import json
import os
import subprocess
import sys


def test_tiny_run(pytestconfig, tmp_path):
    output = tmp_path / "results.json"
    command = [
        sys.executable,
        str(pytestconfig.rootpath / "tests" / "benchmarks" / "run.py"),
        *("--size", "tiny", "--threads", "1", "--repeats", "1"),
        *("--output", str(output)),
    ]
    run = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stderr
    results = json.loads(output.read_text())
    parts = [
        "latency",
        "features",
        "throughput",
        "concat",
        "loading",
        "memory",
        "drift",
    ]
    assert list(results) == ["machine", *parts]
    for part in parts[:4]:
        exact = [
            record["largest difference"]
            for record in results[part]
            if record.get("precision", "fp32") == "fp32"
            and "bf16" not in record.get("contestant", "")
        ]
        assert exact and max(exact) < 1e-4
    assert "| ours, encoder | fp32 |" in run.stdout
