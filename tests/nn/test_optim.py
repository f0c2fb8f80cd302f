"""Optimizers: the rule on paper, PyTorch's steps, saving and loading their state."""

from __future__ import annotations

import pytest
from conftest import assert_close, needs_numpy, needs_torch

import nn
from nn import optim
from tinygrad_attn import Tensor

SETTINGS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-4, "weight_decay": 0.05}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.05}),
]


def loss_of(parameters):
    a, b = parameters
    return (a * a * 3.0).sum() + (b * a[0] - 1.0).exp().sum()


@needs_torch
@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_ten_steps_equal_pytorch(name, settings, any_backend):
    import torch

    ours = [nn.Parameter([[1.0, -2.0]]), nn.Parameter([0.5, 0.3])]
    theirs = [torch.tensor(p.tolist(), dtype=torch.float64) for p in ours]
    for t in theirs:
        t.requires_grad_()
    a = getattr(optim, name)(ours, **settings)
    b = getattr(torch.optim, name)(theirs, **settings)
    for _ in range(10):
        a.zero_grad()
        b.zero_grad()
        loss_of(ours).backward()
        loss_of(theirs).backward()
        a.step()
        b.step()
    for p, t in zip(ours, theirs):
        assert_close(p, t)


def test_sgd_on_paper(any_backend):
    w = nn.Parameter([1.0, 2.0])
    (w * w).sum().backward()
    optim.SGD([w], lr=0.25).step()
    assert w.tolist() == [0.5, 1.0]
    assert w.requires_grad


def test_a_parameter_without_a_gradient_stays(any_backend):
    w, idle = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = optim.AdamW([idle, w], lr=0.1)
    (w * 2.0).sum().backward()
    optimizer.step()
    assert idle.tolist() == [1.0]
    assert w.tolist() != [1.0]


def test_state_goes_on_where_it_was(backend):
    def train(steps, w, optimizer):
        for _ in range(steps):
            w.grad = None
            (w**4).sum().backward()
            optimizer.step()

    w = nn.Parameter([1.0, -2.0])
    whole = optim.Adam([w], lr=0.1)
    train(6, w, whole)

    v = nn.Parameter([1.0, -2.0])
    first = optim.Adam([v], lr=0.1)
    train(3, v, first)
    u = nn.Parameter(v)
    second = optim.Adam([u], lr=0.1)
    second.load_state_dict(first.state_dict())
    train(3, u, second)
    assert u.tolist() == w.tolist()


def test_a_foreign_state_is_refused():
    adam = optim.Adam([nn.Parameter([1.0, 2.0])])
    with pytest.raises(ValueError, match="Adam: state with steps, velocity given"):
        adam.load_state_dict(optim.SGD([nn.Parameter([1.0, 2.0])]).state_dict())
    other = optim.Adam([nn.Parameter([1.0])])
    with pytest.raises(ValueError, match=r"Adam: m of shapes \[\(1,\)\]"):
        adam.load_state_dict(other.state_dict())


def test_warm_up():
    optimizer = optim.SGD([nn.Parameter([1.0])], lr=1.0)
    schedule = optim.WarmUp(optimizer, 4)
    seen = []
    for _ in range(6):
        schedule.step()
        seen.append(optimizer.lr)
        optimizer.steps += 1
    assert seen == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_clip_grad_norm(any_backend):
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0, 1.0])
    (a * 3.0).sum().backward()
    (b * Tensor([4.0, 0.0])).sum().backward()
    assert optim.clip_grad_norm([a, b], 10.0) == 5.0
    assert optim.clip_grad_norm([a, b, a], 10.0) == 5.0  # a given twice is still one
    assert a.grad.tolist() == [3.0]
    assert optim.clip_grad_norm([a, b], 1.0) == 5.0
    assert_close([*a.grad.tolist(), *b.grad.tolist()], [0.6, 0.8, 0.0])


@needs_numpy
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdamW])
def test_settings_may_be_numpys_numbers(kind, any_backend):
    import numpy as np

    steps = []
    for number in (float, np.float64, np.float32):
        w = nn.Parameter([1.0, 2.0])
        optimizer = kind([w], lr=number(0.5), weight_decay=number(0.25))
        (w * w).sum().backward()
        optimizer.step()
        steps.append(w.tolist())
    assert steps[0] == steps[1] == steps[2]
