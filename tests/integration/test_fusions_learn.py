"""Fusions learn what there is to learn, where it is known what that is.

The recipe trains tiny models on synthetic corpora; tests/benchmarks/fusions.py
has the whole table.
"""

import pytest
import torch
from fusion_cases import FUSIONS, build, fuse, random_rows
from torch import nn

from speechbrain_emotion.nnet.fusion import (
    ConcatFusion,
    CrossAttentionFusion,
    MeanFusion,
)
from speechbrain_emotion.nnet.head import TanhHead


@pytest.fixture(scope="module")
def measure(tmp_path_factory, benchmarks):
    """Gives the function that trains and scores, on corpora made once."""
    import fusions

    folder = tmp_path_factory.mktemp("fusions")
    return lambda rule, fusion, **options: fusions.measure(
        rule, folder, fusion=fusion, **options
    )


@pytest.mark.parametrize(
    "fusion, n_epochs",
    [("concat", 5), ("mean", 8), ("multihead", 4), ("cross_attention", 3)],
)
def test_what_only_both_say(fusion, n_epochs, measure):
    found = measure("both", fusion, number_of_epochs=n_epochs)
    assert found["both"] > 0.9
    # Neither says anything alone, to whatever model.
    assert 0.35 < found["speech"] < 0.65
    assert 0.35 < found["text"] < 0.65


@pytest.mark.parametrize("kind", FUSIONS)
def test_a_linear_head_adds_what_each_says(kind):
    torch.manual_seed(0)
    fusion = build(kind)
    head = nn.Linear(fusion.output_size, 1)
    rows = random_rows(fusion, [(5, 3), (5, 3)])
    (speech, text), (other_speech, other_text) = rows
    same, different = [
        head(fuse(fusion, pairs)).sum()
        for pairs in (
            [(speech, text), (other_speech, other_text)],
            [(speech, other_text), (other_speech, text)],
        )
    ]
    # Where these are equal, no training can bring the first two above a
    # threshold and the last two below it.
    is_sum = torch.isclose(same, different, rtol=0, atol=1e-4).item()
    assert is_sum == (kind is not CrossAttentionFusion)


@pytest.mark.parametrize(
    "rule, other", [("speech", "text"), ("text", "speech")]
)
def test_what_one_says_is_heard_without_the_other(rule, other, measure):
    found = measure(rule, "concat", modality_dropout=0.5, number_of_epochs=3)
    assert found["both"] > 0.9
    assert found[rule] > 0.9
    assert 0.35 < found[other] < 0.65  # what says nothing is no hint


def accuracy_of_fixed_vectors(fusion, labels):
    """Trains a head on two speech and two text vectors, the same two."""
    torch.manual_seed(0)
    vectors = torch.tensor([[-1.0], [1.0]]).repeat(1, 4)
    speech, text = vectors[[0, 0, 1, 1], None], vectors[[0, 1, 0, 1], None]
    full = torch.ones(4)
    head = TanhHead(fusion.output_size, n_classes=2, hidden_size=16, dropout=0)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.02)
    for _ in range(300):
        logits = head(fusion(speech, full, text, full))
        loss = nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (logits.argmax(dim=1) == labels).float().mean().item()


def test_a_mean_does_not_know_which_said_what():
    differ, of_speech = torch.tensor([[0, 1, 1, 0], [0, 0, 1, 1]])
    for fusion in (ConcatFusion(4, 4), MeanFusion(4, 4)):
        assert accuracy_of_fixed_vectors(fusion, differ) == 1
    assert accuracy_of_fixed_vectors(ConcatFusion(4, 4), of_speech) == 1
    # (first, second) and (second, first) have one mean and two labels. In
    # the models above the projection of the frames is learned with the head
    # and keeps speech and text apart.
    assert accuracy_of_fixed_vectors(MeanFusion(4, 4), of_speech) == 0.75
