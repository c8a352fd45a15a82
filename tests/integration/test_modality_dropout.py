"""The benchmark of modality dropout, on vectors that say the label."""

import json

import pytest
import torch

LABELS = ["angry", "happy", "sad"]


@pytest.fixture
def run_folder(tmp_path):
    """A run whose clips and texts are vectors that say their labels."""
    torch.manual_seed(0)
    vectors = {"speech": {}, "text": {}}
    for part, n_clips in (("train", 90), ("valid", 30), ("test", 30)):
        entries = {}
        for i in range(n_clips):
            label, wav, text = i % 3, f"{part}{i}.wav", f"{part} {i}"
            for kind, key in (("speech", wav), ("text", text)):
                vector = torch.eye(3)[label].repeat(40)
                vectors[kind][key] = vector + 0.01 * torch.randn(120)
            entries[str(i)] = {
                "wav": wav,
                "words": text,
                "emo": LABELS[label],
                "corpus": "AB"[i % 2],
            }
        (tmp_path / f"{part}.json").write_text(json.dumps(entries))
    torch.save(vectors, tmp_path / "vectors.pt")
    return tmp_path


def test_curves(run_folder, benchmarks, monkeypatch, capsys):
    import modality_dropout

    monkeypatch.setattr(modality_dropout, "DRAWS", 2)
    figure = run_folder / "curve.png"
    modality_dropout.main(
        [str(run_folder), "--vectors", str(run_folder / "vectors.pt")]
        + ["--figure", str(figure), "--seeds", "1", "--steps", "10"]
    )
    assert figure.read_bytes().startswith(b"\x89PNG")
    lines = capsys.readouterr().out.splitlines()[2:]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert len(rows) == 18
    for name, panel, *values in rows:
        first, last = float(values[0]), float(values[-1])
        if name.endswith("alone"):
            assert set(values) == {values[0]}
        elif panel == "confidence of all words":
            assert first <= last == 100  # from no confidence to all
        else:
            assert first == 100
        # Each modality says all, and this training has seen them alone.
        if name == "both":
            assert first == last == 100
