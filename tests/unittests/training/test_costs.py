"""Class weights, label masks, gradients of several batches, clipping."""

import numpy as np
import pytest
import torch
from hypothesis import (
    given,
    strategies as st,
)
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from toy_training import (
    LABELS,
    assert_same,
    clips,
    make_brain,
    speech_model,
    train,
    weights,
)

from speechbrain.utils.epoch_loop import EpochCounter
from speechbrain_emotion.training.brain import EmotionBrain
from speechbrain_emotion.training.costs import class_weights, weighted_cost
from speechbrain_emotion.training.parameters import clip_gradients


@given(
    truth=st.lists(st.sampled_from(LABELS), min_size=1),
    power=st.floats(0, 2),
)
def test_class_weights(truth, power):
    utterances = {str(i): {"emo": label} for i, label in enumerate(truth)}
    found = class_weights(utterances, LABELS, power)
    counts = torch.tensor([truth.count(label) for label in LABELS])
    assert (found * counts).sum() / len(truth) == pytest.approx(1, rel=1e-4)
    assert ((found > 0) == (counts > 0)).all()
    shares = (found * counts.float() ** power)[counts > 0]
    torch.testing.assert_close(shares, shares[:1].expand_as(shares))


def test_full_class_weights_are_scikit_learns():
    truth = ["sad"] * 7 + ["happy"] * 2 + ["angry"]
    expected = compute_class_weight(
        "balanced", classes=np.array(LABELS), y=truth
    )
    utterances = {str(i): {"emo": label} for i, label in enumerate(truth)}
    found = class_weights(utterances, LABELS, power=1)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_weighted_cost_is_a_mean_over_utterances(smoothing):
    torch.manual_seed(0)
    logits, truth = torch.randn(6, 3), torch.tensor([0, 1, 1, 2, 2, 2])
    classes = torch.tensor([3.0, 0.5, 1.0])
    plain = nn.CrossEntropyLoss(label_smoothing=smoothing)
    cost = weighted_cost(plain, classes)
    each = nn.CrossEntropyLoss(
        classes, label_smoothing=smoothing, reduction="none"
    )
    torch.testing.assert_close(cost(logits, truth), each(logits, truth).mean())
    halves = cost(logits[:3], truth[:3]) + cost(logits[3:], truth[3:])
    torch.testing.assert_close(cost(logits, truth), halves / 2)
    assert plain.weight is None and plain.reduction == "mean"


@pytest.mark.parametrize(
    "cost",
    [
        nn.MultiMarginLoss(),
        nn.CrossEntropyLoss(weight=torch.ones(3)),
        nn.CrossEntropyLoss(reduction="sum"),
    ],
)
def test_costs_that_cannot_be_weighted(cost, tmp_path):
    with pytest.raises(ValueError, match="class_weight_power needs"):
        train(tmp_path, compute_cost=cost, class_weight_power=1.0)


def test_weights_in_training(tmp_path):
    """In the loss of training, those of the manifest; not in validation."""
    brain = train(tmp_path, n_epochs=1, class_weight_power=1.0)
    utterances = clips(8)
    expected = weighted_cost(
        nn.CrossEntropyLoss(), class_weights(utterances, LABELS, 1.0)
    )
    logits, truth = torch.randn(4, 3), torch.tensor([2, 2, 0, 1])
    assert torch.equal(
        brain.training_cost(logits, truth), expected(logits, truth)
    )
    plain = nn.functional.cross_entropy(logits, truth)
    assert torch.equal(brain.compute_cost(logits, truth), plain)
    assert not torch.equal(brain.training_cost(logits, truth), plain)


def test_weights_and_masks_go_together(tmp_path):
    brain = train(
        tmp_path, n_epochs=1, class_weight_power=0.5, mask_absent_labels=True
    )
    assert brain.label_masks["clip0"].all()
    assert brain.train_loss < 5


def test_accumulated_gradients_are_those_of_a_large_batch(tmp_path):
    """And the rates are set once a step, not once a batch."""
    found = {}
    for factor, size in ((1, 4), (2, 2), (4, 1)):
        brain = train(
            tmp_path / str(factor),
            model=speech_model(dropout=0.0),
            loader={"batch_size": size},
            run_opts={"grad_accumulation_factor": factor},
            class_weight_power=1.0,
        )
        assert brain.schedulers["head"].n_steps == 4
        assert brain.optimizer_step == 4
        found[factor] = weights(brain)
    start = weights(
        make_brain(tmp_path, EpochCounter(1), speech_model(dropout=0.0))
    )
    for factor in (2, 4):
        assert_same(found[1], found[factor], rtol=0, atol=1e-6)
    with pytest.raises(AssertionError):
        assert_same(found[1], start, rtol=0, atol=1e-4)


def two_groups(parameters):
    """A group for each half of the parameters."""
    groups = [{"params": parameters[::2]}, {"params": parameters[1::2]}]
    return torch.optim.SGD(groups, lr=0.1)


@pytest.mark.parametrize("factor", [1, 2])
def test_all_gradients_are_clipped(factor, tmp_path):
    norms = []

    class WatchingBrain(EmotionBrain):
        def on_fit_batch_start(self, batch, should_step):
            super().on_fit_batch_start(batch, should_step)
            for name, optimizer in self.optimizers_dict.items():
                optimizer.register_step_pre_hook(note)

    def note(optimizer, args, kwargs):
        gradients = [
            p.grad.flatten()
            for group in optimizer.param_groups
            for p in group["params"]
            if p.grad is not None
        ]
        norms.append(torch.cat(gradients).norm().item())

    train(
        tmp_path,
        n_epochs=1,
        cls=WatchingBrain,
        loader={"batch_size": 2},
        opt_class=two_groups,
        run_opts={"max_grad_norm": 1e-3, "grad_accumulation_factor": factor},
    )
    assert norms == pytest.approx([1e-3] * len(norms), rel=1e-3)


def test_a_negative_limit_clips_nothing():
    parameter = torch.zeros(2, requires_grad=True)
    parameter.grad = torch.tensor([3.0, 400.0])
    clip_gradients(torch.optim.SGD([parameter], lr=1), -1)
    assert parameter.grad.tolist() == [3.0, 400.0]
