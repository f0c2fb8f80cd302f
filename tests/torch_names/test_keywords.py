"""PyTorch's keyword arguments: taken, left out where they change nothing, or refused in
one sentence that says what to write."""

from __future__ import annotations

import inspect
import re

import pytest
from conftest import needs_torch

import nn
import tinygrad_attn
from tinygrad_attn import Tensor, functional, randn
from tinygrad_attn.torch_names.keywords import SAID, USUAL
from tinygrad_attn.utils.data import DataLoader

F = functional


def weights():
    return [nn.Parameter([1.0, 2.0])]


@pytest.mark.parametrize(
    "call",
    [
        lambda: nn.optim.AdamW(weights(), fused=True),
        lambda: nn.optim.Adam(weights(), foreach=False, capturable=False),
        lambda: nn.optim.SGD(weights(), lr=0.1, fused=None, differentiable=False),
        lambda: nn.optim.StepLR(nn.optim.SGD(weights()), 3, last_epoch=-1),
        lambda: nn.Linear(2, 3, device="cpu", dtype=None),
        lambda: nn.Embedding(3, 2, _weight=None, scale_grad_by_freq=False),
        lambda: nn.TransformerEncoderLayer(8, 2, batch_first=True),
        lambda: nn.Softplus(beta=1, threshold=20),
        lambda: nn.BCELoss(size_average=None, reduce=None),
        lambda: nn.MSELoss(size_average=None),
        lambda: nn.Linear(2, 2).load_state_dict(
            state_dict=nn.Linear(2, 2).state_dict()
        ),
        lambda: F.mse_loss(randn(2), randn(2), size_average=None, weight=None),
        lambda: F.cross_entropy(randn(2, 3), Tensor([0, 1]), reduce=None),
        lambda: tinygrad_attn.exp(Tensor([1.0]), out=Tensor([0.0])),
        lambda: tinygrad_attn.cdist(x1=randn(2, 3), x2=randn(2, 3)),
        lambda: Tensor([1.0]).copy_(Tensor([2.0]), non_blocking=True),
        lambda: tinygrad_attn.distributions.Normal(0.0, 1.0, validate_args=False),
        lambda: DataLoader([1, 2], worker_init_fn=None, prefetch_factor=2),
        lambda: nn.init.normal_(Tensor([1.0]), generator=None),
        lambda: nn.utils.clip_grad_norm_(weights(), 1.0, foreach=True),
    ],
)
def test_what_changes_nothing_is_taken(call):
    assert call() is not None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: nn.optim.SGD(weights(), capturable=True),
            "SGD: capturable=True given",
        ),
        (lambda: nn.optim.AdamW(weights(), rate=1), "AdamW: rate=1 given; it takes "),
        (
            lambda: nn.optim.StepLR(nn.optim.SGD(weights()), 3, last_epoch=5),
            "StepLR: last_epoch=5 given; a schedule begins at 0",
        ),
        (lambda: nn.Linear(2, 3, dtype="float64"), "Linear: dtype='float64' given; "),
        (
            lambda: nn.TransformerEncoderLayer(8, nhead=2),
            "TransformerEncoderLayer: nhead=2 given; write num_heads",
        ),
        (
            lambda: nn.Transformer(8, 2, batch_first=False),
            "Transformer: batch_first=False given; inputs are (B, T, d_model)",
        ),
        (lambda: nn.Tanh(inplaced=True), "Tanh: inplaced=True given; it takes no op"),
        (lambda: nn.Softplus(beta=2), "Softplus: beta=2 given; write functional.soft"),
        (lambda: nn.BCELoss(reduce=False), "BCELoss: reduce=False given; write reduct"),
        (lambda: nn.L1Loss(beta=1.0), "L1Loss: beta=1.0 given; it takes "),
        (
            lambda: nn.Linear(2, 2).state_dict(prefix="a."),
            "Linear.state_dict: prefix='a.' given; write ",
        ),
        (
            lambda: F.embedding(Tensor([1]), randn(3, 2), padding_idx=0),
            "embedding: padding_idx=0 given; write nn.Embedding",
        ),
        (lambda: randn(2, 2).unique(dim=0), "unique: dim=0 given; write sorted"),
        (lambda: randn(2).backward(inputs=[1]), "backward: inputs=[1] given; write "),
    ],
)
def test_what_would_change_something_is_refused_in_one_sentence(call, says):
    with pytest.raises(TypeError, match=re.escape(says)) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_another_device_is_refused():
    with pytest.raises(RuntimeError, match="Linear: device 'cuda' given; the only one"):
        nn.Linear(2, 2, device="cuda")


def test_nothing_is_said_twice():
    assert {*SAID} & {
        name for name, usual in USUAL.items() if usual == "anything"
    } == set()


PLACES = ["", "Tensor", "nn", "nn.functional", "nn.init", "nn.utils", "optim"]
PLACES += ["optim.lr_scheduler", "distributions", "utils.data"]
ODD = object()  # no argument may be that
OTHERS = ("enable_grad", "set_rng_state")  # their one argument has no other name


@needs_torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("place", PLACES)
def test_no_keyword_of_pytorchs_is_unexpected(place):
    import torch.distributions
    import torch.utils.data

    there, here = torch, nn if place.startswith(("nn", "optim")) else tinygrad_attn
    for part in place.split("."):
        there = getattr(there, part) if part else there
        here = here if part in ("", "nn") else getattr(here, part)
    bare = []
    for name in dir(there):
        ours = None if name.startswith("_") else getattr(here, name, None)
        if not callable(ours) or name in OTHERS:
            continue
        theirs = getattr(there, name)
        if isinstance(ours, type) != isinstance(theirs, type):
            continue
        if not (getattr(theirs, "__module__", "") or "torch").startswith("torch"):
            continue
        try:
            parameters = inspect.signature(theirs).parameters.values()
        except (TypeError, ValueError):
            continue  # not to be had of some that are written in C
        for p in parameters:
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                continue
            try:
                ours(**{p.name: ODD})
            except Exception as error:
                if "unexpected keyword" in str(error):
                    bare.append((name, p.name))
    assert bare == []


@pytest.mark.parametrize("option", ["mode", "fullgraph", "dynamic", "backend"])
def test_a_model_is_not_compiled_as_in_pytorch(option):
    right = r"write @compile\(update=optimizer\) above the function"
    model = nn.Linear(2, 2)
    with pytest.raises(TypeError, match=f"compile: {option}=True given; {right}"):
        tinygrad_attn.compile(model, **{option: True})
    for name in ("parameters", "eval"):
        with pytest.raises(AttributeError, match=f"Linear has no '{name}'; .* {right}"):
            getattr(tinygrad_attn.compile(model), name)
