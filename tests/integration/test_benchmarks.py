"""The benchmarks run, in a size that says nothing about speed."""

import json
import runpy
import sys

import pytest


def test_tiny_run(benchmarks, tmp_path, capsys):
    import run

    output = tmp_path / "results.json"
    run.main(
        ["--size", "tiny", "--threads", "1", "--repeats", "1"]
        + ["--output", str(output)]
    )
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
    assert "| ours, encoder | fp32 |" in capsys.readouterr().out


def test_it_is_a_script(benchmarks, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["run.py", "--help"])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(benchmarks / "run.py"), run_name="__main__")
    assert stop.value.code == 0
    assert "--precisions" in capsys.readouterr().out
