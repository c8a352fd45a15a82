"""Attention in blocks against transformers' own."""

import copy
import subprocess
import sys

import pytest
import torch
from hypothesis import (
    given,
    settings,
    strategies as st,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import Wav2Vec2BertConfig, Wav2Vec2BertModel
from transformers.models.wav2vec2_bert.modeling_wav2vec2_bert import (
    Wav2Vec2BertSelfAttention,
)

from speechbrain_emotion.lobes.acceleration import accelerate
from speechbrain_emotion.nnet.relative_attention import RelativeKeyAttention

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "feature_projection_input_dim": 10,
    "apply_spec_augment": False,
}


def both(seed=0, **fields):
    """The same model as transformers computes it, and as we do."""
    torch.manual_seed(seed)
    config = Wav2Vec2BertConfig(**{**SIZES, **fields})
    config._attn_implementation = "eager"
    reference = Wav2Vec2BertModel(config).eval()
    for name, parameter in reference.named_parameters():
        if "distance_embedding" in name or "linear_" in name:
            # As initialised, attention is nearly uniform.
            torch.nn.init.normal_(parameter, std=0.2)
    return reference, accelerate(copy.deepcopy(reference))


def outputs(model, x, mask):
    """The valid frames."""
    y = model(x, attention_mask=mask).last_hidden_state
    return y if mask is None else y[mask.bool()]


def assert_same(ours, reference, x, mask):
    """The outputs agree."""
    with torch.no_grad():
        torch.testing.assert_close(
            outputs(ours, x, mask),
            outputs(reference, x, mask),
            atol=1e-5,
            rtol=0,
        )


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    left=st.integers(0, 70),
    right=st.integers(0, 20),
    masked=st.booleans(),
)
def test_agrees_with_transformers(lengths, left, right, masked):
    reference, ours = both(
        left_max_position_embeddings=left, right_max_position_embeddings=right
    )
    x = torch.randn(len(lengths), max(lengths), 10)
    mask = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
    mask = mask if masked else None
    assert_same(ours, reference, x, mask)


@pytest.mark.parametrize("length", [1, 5, 127, 128, 129, 300])
def test_gradients_agree_with_transformers(length):
    reference, ours = both(layerdrop=0.0)
    x = torch.randn(3, length, 10, dtype=torch.double)
    lengths = torch.tensor([length, max(1, length // 2), 1])
    mask = (torch.arange(length) < lengths[:, None]).long()
    gradients = []
    for model in (reference.double().train(), ours.double().train()):
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        y = outputs(model, x, mask)
        torch.manual_seed(1)
        (y * torch.randn_like(y)).sum().backward()
        gradients.append(
            {
                name: parameter.grad
                for name, parameter in model.named_parameters()
                if parameter.grad is not None
            }
        )
    assert gradients[0].keys() == gradients[1].keys()
    largest = max(g.abs().max() for g in gradients[0].values())
    for name, gradient in gradients[0].items():
        error = (gradient - gradients[1][name]).abs().max()
        assert error < 1e-9 * largest, name


def test_dropout_of_attention_weights_is_used_in_training_only():
    torch.manual_seed(0)
    attention = RelativeKeyAttention(8, 2, 4, 4, dropout=0.5)
    x = torch.randn(1, 200, 8)
    assert not torch.equal(attention(x)[0], attention(x)[0])
    attention.eval()
    assert torch.equal(attention(x)[0], attention(x)[0])


def test_dropout_is_the_same_when_the_scores_are_computed_again():
    torch.manual_seed(0)
    attention = RelativeKeyAttention(8, 2, 4, 4, dropout=0.5).double()
    x = torch.randn(1, 20, 8, dtype=torch.double, requires_grad=True)

    def run(x):
        torch.manual_seed(1)
        return attention(x)[0]

    assert torch.autograd.gradcheck(run, (x,))


def test_parameters_keep_their_names_and_are_not_copied():
    reference, _ = both()
    before = dict(reference.named_parameters())
    after = dict(accelerate(reference).named_parameters())
    assert before.keys() == after.keys()
    assert all(before[name] is after[name] for name in before)
    assert not any(p.is_meta for p in reference.parameters())
    assert not any(b.is_meta for b in reference.buffers())


def test_all_layers_are_exchanged():
    reference, ours = both()
    for kind in (Wav2Vec2BertSelfAttention, torch.nn.Linear):
        assert any(type(m) is kind for m in reference.modules())
        assert not any(type(m) is kind for m in ours.modules())


@pytest.mark.parametrize("kind", ["rotary", "relative", None])
def test_other_position_embeddings_stay_with_transformers(kind):
    reference, ours = both(position_embeddings_type=kind)
    assert not any(isinstance(m, RelativeKeyAttention) for m in ours.modules())
    x = torch.randn(2, 40, 10)
    mask = torch.ones(2, 40)
    mask[1, 20:] = 0
    assert_same(ours, reference, x, mask)


class LargestTensor(TorchDispatchMode):
    """Watches how large the results of all operations are."""

    def __init__(self):
        super().__init__()
        self.numel = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        sizes = [x.numel() for x in tree_leaves(result) if torch.is_tensor(x)]
        self.numel = max([self.numel, *sizes])
        return result


@pytest.mark.parametrize("masked", [False, True])
def test_memory_is_linear_in_time(masked):
    model = both()[1]
    largest = []
    for length in (1000, 2000):
        mask = torch.ones(1, length)
        mask[0, length // 2 :] = 0
        with LargestTensor() as watch, torch.no_grad():
            model(
                torch.randn(1, length, 10),
                attention_mask=mask if masked else None,
            )
        largest.append(watch.numel)
    assert largest[1] < 2.1 * largest[0]


def test_memory_of_training_is_linear_in_time():
    model = both(layerdrop=0.0)[1].train()
    kept = []
    for length in (500, 1000):
        saved = {}

        def keep(x, saved=saved):
            saved[x.data_ptr()] = x.numel()
            return x

        hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x)
        with hooks:
            model(torch.randn(1, length, 10))
        kept.append(sum(saved.values()))
    assert kept[1] < 2.1 * kept[0]


def test_a_pickled_model_keeps_its_masks(tmp_path):
    model = both()[1]
    x = torch.randn(2, 30, 10)
    mask = (torch.arange(30) < torch.tensor([30, 12])[:, None]).long()
    with torch.no_grad():
        y = outputs(model, x, mask)
    torch.save((model, x, mask, y), tmp_path / "model.pt")
    code = (
        "import sys, torch; "
        "m, x, mask, y = torch.load(sys.argv[1], weights_only=False); "
        "found = m(x, attention_mask=mask).last_hidden_state[mask.bool()]; "
        "torch.testing.assert_close(found, y, rtol=0, atol=1e-5)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model.pt")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_a_mask_of_another_shape_is_refused():
    attention = RelativeKeyAttention(8, 2, 4, 4)
    with pytest.raises(ValueError, match="a mask has the shape"):
        attention(torch.randn(2, 5, 8), torch.ones(2, 1, 5, 5))
