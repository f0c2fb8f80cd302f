"""Optimizers: the rule on paper, PyTorch's steps, and what is refused."""

from __future__ import annotations

import copy
import math
import pickle
from random import Random

import pytest
from conftest import assert_close, needs_numpy, needs_torch

import nn
from nn import optim
from nn.optim.joining import Vectors
from tinygrad_attn import Tensor, arange, no_grad, ones, use_backend, zeros

SETTINGS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-4, "weight_decay": 0.05}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.05}),
    ("Adam", {"lr": 0.01, "maximize": True, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "betas": (0.0, 0.0), "eps": 0.1}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.05}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.05, "amsgrad": True}),
    ("AdamW", {"lr": 0.01, "maximize": True}),
]
OPTIMIZERS = [optim.SGD, optim.Adam, optim.AdamW]


def loss_of(parameters):
    a, b = parameters
    return (a * a * 3.0).sum() + (b * a[0] - 1.0).exp().sum()


def named(name, settings):
    return ", ".join([name, *(f"{k}={v}" for k, v in settings.items())])


IDS = [named(*row) for row in SETTINGS]


def twins(*start):
    """The same numbers as Parameters and as PyTorch's leaves."""
    import torch

    ours = [nn.Parameter(numbers) for numbers in start]
    theirs = [
        torch.tensor(p.tolist(), dtype=torch.float64, requires_grad=True) for p in ours
    ]
    return ours, theirs


def give_gradients(ours, theirs, gradients):
    """A gradient to each, or None."""
    import torch

    for p, t, g in zip(ours, theirs, gradients):
        p.grad = None if g is None else Tensor(g)
        t.grad = None if g is None else torch.tensor(g, dtype=torch.float64)


# === As in PyTorch ====================================================================


@needs_torch
@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=IDS)
def test_ten_steps_equal_pytorch(name, settings, any_backend):
    import torch

    ours, theirs = twins([[1.0, -2.0]], [0.5, 0.3])
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


@needs_torch
@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=IDS)
def test_gradients_that_come_late_or_seldom_equal_pytorch(name, settings, backend):
    """Each parameter counts its own steps."""
    import torch

    ours, theirs = twins([1.0, 2.0], [3.0], [[-1.0]])
    a = getattr(optim, name)(ours, **settings)
    b = getattr(torch.optim, name)(theirs, **settings)
    for i in range(30):
        always = [0.5 - i % 3, 1.0]
        seldom = [2.0 + i] if i % 4 == 3 else None
        late = [[-0.1 * i]] if i > 20 else None
        give_gradients(ours, theirs, [always, seldom, late])
        a.step()
        b.step()
        for p, t in zip(ours, theirs):
            assert_close(p, t)
    assert [a.state[p]["step"] for p in ours] == [30, 7, 9]
    assert a.steps == 30


@needs_torch
@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_options_that_change_in_between_equal_pytorch(name, backend):
    import torch

    ours, theirs = twins([1.0, 2.0], [3.0])
    a = getattr(optim, name)(ours, lr=0.1)
    b = getattr(torch.optim, name)(theirs, lr=0.1)
    changes = {
        2: {"lr": 0.05, "weight_decay": 0.1},
        4: {"momentum": 0.9} if name == "SGD" else {"betas": (0.5, 0.6)},
        8: {"momentum": 0.0} if name == "SGD" else {"eps": 0.1},
        11: {"momentum": 0.5, "nesterov": True} if name == "SGD" else {"lr": 0.0},
        13: {"maximize": True},
    }
    for i in range(16):
        for group in (*a.param_groups, *b.param_groups):
            group.update(changes.get(i, {}))
        give_gradients(ours, theirs, [[0.5 - i % 3, 1.0], [i - 3.0]])
        a.step()
        b.step()
        for p, t in zip(ours, theirs):
            assert_close(p, t)


@needs_torch
def test_zeros_and_none_are_different_gradients(backend):
    import torch

    ours, theirs = twins([1.0], [1.0])
    a = optim.SGD(ours, lr=0.1, momentum=0.9)
    b = torch.optim.SGD(theirs, lr=0.1, momentum=0.9)
    give_gradients(ours, theirs, [[1.0], None])
    for to_none in (False, False, True):
        a.step()
        b.step()
        a.zero_grad(set_to_none=to_none)
        b.zero_grad(set_to_none=to_none)
        assert [p.grad is None for p in ours] == [t.grad is None for t in theirs]
        for p, t in zip(ours, theirs):
            assert_close(p, t)
    with pytest.raises(RuntimeError, match="Adam: step without a gradient"):
        optim.Adam(ours).step()


# === On paper =========================================================================


def test_sgd_on_paper(any_backend):
    w = nn.Parameter([1.0, 2.0])
    (w * w).sum().backward()
    optim.SGD([w], lr=0.25).step()
    assert w.tolist() == [0.5, 1.0]
    assert w.requires_grad


@pytest.mark.parametrize("kind", [optim.Adam, optim.AdamW])
@pytest.mark.parametrize("waits", [0, 1, 1000])
def test_the_first_step_of_adam_is_lr_however_late(kind, waits, backend):
    busy, late = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = kind([busy, late], lr=0.1, weight_decay=0.0)
    busy.grad = Tensor([1.0])
    for _ in range(waits):
        optimizer.step()
    late.grad = Tensor([3.0])
    optimizer.step()
    assert_close(late, [0.9], 1e-8)


def test_a_parameter_without_a_gradient_stays(any_backend):
    w, idle = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = optim.AdamW([idle, w], lr=0.1)
    (w * 2.0).sum().backward()
    optimizer.step()
    assert idle.tolist() == [1.0]
    assert idle not in optimizer.state
    assert w.tolist() != [1.0]


def test_any_leaf_may_be_moved(any_backend):
    w = Tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.25)
    (w * w).sum().backward()
    assert optim.clip_grad_norm([w], 100.0) == pytest.approx(20**0.5)
    optimizer.step()
    assert w.tolist() == [0.5, 1.0]


def test_a_closure_computes_the_loss(any_backend):
    w = nn.Parameter([1.0])
    optimizer = optim.SGD([w], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 1.0
    assert w.tolist() == [0.5]
    assert optimizer.step() is None
    with pytest.raises(TypeError, match=r"^SGD: step\(a Tensor.* called; it takes no"):
        optimizer.step(closure())


def test_an_optimizer_of_ones_own_may_keep_what_it_likes(backend):
    class Lion(optim.Optimizer):  # Chen et al. 2023, without decay
        slots = ("mean",)

        def update(self, xp, w, g, state, options):
            m = state.get("mean", 0.0) * 0.5 + g * 0.5
            return w - options["lr"] * m / (m * m) ** 0.5, {"mean": m}

    w = nn.Parameter([1.0, 1.0])
    optimizer = Lion([w], {"lr": 0.25, "kind": "plain"})
    for gradient in ([2.0, -1.0], [-8.0, 0.0]):
        w.grad = Tensor(gradient)
        optimizer.step()
    assert w.tolist() == [1.0, 1.5]
    other = Lion([nn.Parameter([0.0, 0.0])], {"lr": 1.0, "kind": ""})
    other.load_state_dict(optimizer.state_dict())
    assert (other.lr, other.kind, other.steps) == (0.25, "plain", 2)
    with pytest.raises(TypeError, match=r"^Lion: defaults=0\.1, a float, given"):
        Lion([w], 0.1)


def test_copies_and_pickles_go_on_alone():
    w = nn.Parameter([1.0, -2.0])
    optimizer = optim.Adam([w], lr=0.1)
    optim.WarmUp(optimizer, 3)
    w.grad = Tensor([1.0, 2.0])
    optimizer.step()
    for other in copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer)):
        (v,) = other.parameters
        assert (v.tolist(), other.steps) == (w.tolist(), 1)
        v.grad = Tensor([1.0, 2.0])
        other.step()
        assert other.schedule.optimizer is other
        assert (other.state[v]["step"], optimizer.state[w]["step"]) == (2, 1)


class Forgetful(Vectors):
    """Finds no piece again: each step lays all arrays end to end anew."""

    def end_step(self):
        self.last, self.now = {}, {}


def in_the_vectors_place(w, optimizer):
    with no_grad():
        w[0] *= 0.5


def with_other_numbers(w, optimizer):
    w[1].data = w[1].data * 2.0


def frozen_for_a_step(w, optimizer):
    w[2].grad = None


def with_another_state(w, optimizer):
    state = optimizer.state[w[1]]
    slot = next(name for name in state if name != "step")
    state[slot] = state[slot] * 0.5


def loaded(w, optimizer):
    optimizer.load_state_dict(optimizer.state_dict())


def with_its_slots_of_each_other(w, optimizer):
    """The first two parameters have one shape."""
    first, second = optimizer.state[w[0]], optimizer.state[w[1]]
    optimizer.state[w[0]], optimizer.state[w[1]] = dict(second), dict(first)


BETWEEN = [
    in_the_vectors_place,
    with_other_numbers,
    frozen_for_a_step,
    with_another_state,
    loaded,
    with_its_slots_of_each_other,
]


@pytest.mark.parametrize(("name", "settings"), SETTINGS[1::3], ids=IDS[1::3])
def test_a_vector_found_again_has_the_numbers_of_now(name, settings, any_backend):
    """Whatever happens between two steps, a step moves what is there then."""
    models = []
    for memory in (Vectors(), Forgetful()):
        shapes = ((2, 3), (2, 3), (4,), ())
        w = [nn.Parameter(arange(math.prod(s)).reshape(s) * 0.25) for s in shapes]
        optimizer = getattr(optim, name)(w, **settings)
        optimizer._vectors = memory
        models.append((w, optimizer))
    random = Random(0)
    for i in range(40):
        what = random.choice(BETWEEN) if i % 3 else None
        for w, optimizer in models:
            for k, p in enumerate(w):
                p.grad = ones(*p.shape) * (0.1 * k + 0.01 * (i % 7) - 0.2)
            if what is not None:
                what(w, optimizer)
            optimizer.step()
        (ours, _), (wanted, _) = models
        assert [p.tolist() for p in ours] == [p.tolist() for p in wanted], what


def test_a_vector_is_not_laid_end_to_end_twice():
    w = [nn.Parameter([1.0, 2.0]), nn.Parameter([[3.0]])]
    optimizer = optim.Adam(w)
    for i in range(3):
        for p in w:
            p.grad = ones(*p.shape)
        found = dict(optimizer._vectors.last)
        optimizer.step()
        assert len(found) == (3 if i else 0)  # the weights, and two slots


# === dtypes and backends ==============================================================


@needs_numpy
@pytest.mark.parametrize("kind", OPTIMIZERS)
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


@needs_numpy
@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=IDS)
def test_every_parameter_keeps_its_dtype(name, settings):
    """Beside others, with other gradients, and with NumPy's numbers as options."""
    import numpy as np

    with use_backend("numpy"):
        ps = [
            nn.Parameter(np.ones(2, np.float32)),
            nn.Parameter(np.ones(2)),
            nn.Parameter(np.float32(1.0)),
            nn.Parameter(np.ones((1, 2), np.float32)),
        ]
        optimizer = getattr(optim, name)(ps, **settings)
        optimizer.lr = np.float64(0.1)
        for gradient in (np.ones(2), np.ones(2, np.float32), [1, 1]):
            for p in ps:
                p.grad = Tensor(np.resize(gradient, p.shape))
            optimizer.step()
        dtypes = [p.dtype for p in ps]
        assert dtypes == ["float32", "float64", "float32", "float32"]
        for p in ps:
            kept = [v for k, v in optimizer.state[p].items() if k != "step"]
            assert {str(v.dtype) for v in kept} <= {p.dtype}
        optimizer.load_state_dict(optimizer.state_dict())
        for p in ps:
            kept = [v for k, v in optimizer.state[p].items() if k != "step"]
            assert {str(v.dtype) for v in kept} <= {p.dtype}


@needs_numpy
def test_parameters_of_two_backends_each_move_on_theirs():
    w = nn.Parameter([1.0, 2.0])
    with use_backend("numpy", "float64"):
        v = nn.Parameter([1.0, 2.0])
        g = ones(2)
    optimizer = optim.Adam([w, v], lr=0.25)
    w.grad, v.grad = ones(2), g
    optimizer.step()
    assert w.tolist() == v.tolist()
    w.grad = g
    with pytest.raises(TypeError, match="^Adam: two backends meet"):
        optimizer.step()


# === What is refused ==================================================================

WRONG_RATES = [
    (-0.1, ValueError),
    (float("nan"), ValueError),
    (float("inf"), ValueError),
    (True, TypeError),
    ("0.1", TypeError),
    (None, TypeError),
    ([0.1], TypeError),
    (1j, TypeError),
    (zeros(), TypeError),
    (10**400, ValueError),
]


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize(("rate", "error"), WRONG_RATES, ids=str)
def test_a_rate_is_checked_when_it_is_used(kind, rate, error):
    w, v = nn.Parameter([1.0]), nn.Parameter([1.0])
    w.grad = v.grad = Tensor([1.0])
    for name in "lr", "weight_decay":
        one, two = kind([w]), kind([{"params": w}, {"params": v}])
        one.param_groups[0][name] = rate
        two.param_groups[1][name] = rate
        for call, who in [
            (lambda n=name: kind([w], **{n: rate}), kind.__name__),
            (one.step, kind.__name__),
            (one.state_dict, kind.__name__),
            (two.step, f"{kind.__name__}: group 1"),
        ]:
            with pytest.raises(error) as caught:
                call()
            assert str(caught.value).startswith(f"{who}: {name}=")
            assert "\n" not in str(caught.value)
    assert w.tolist() == v.tolist() == [1.0]  # group 0 has not moved either


@needs_numpy
def test_an_array_is_no_rate():
    import numpy as np

    for rate in np.array(0.1), np.array([0.1]), np.bool_(True):
        with pytest.raises(TypeError, match="^Adam: lr=.*; it must be a number"):
            optim.Adam([nn.Parameter([1.0])], lr=rate)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"momentum": 1.0}, r"momentum=1\.0 given"),
        ({"momentum": "a"}, "momentum='a', a str"),
        ({"dampening": -1.0}, r"dampening=-1\.0 given"),
        ({"nesterov": 1}, "nesterov=1, a int, given; it must be True or False"),
        ({"maximize": None}, "maximize=None"),
        ({"nesterov": True}, r"nesterov with momentum=0\.0 and dampening=0\.0 given"),
        (
            {"nesterov": True, "momentum": 0.9, "dampening": 0.1},
            r"nesterov with momentum=0\.9 and dampening=0\.1 given",
        ),
        ({"wd": 0.1}, "a group with wd given; its options are lr, momentum, damp"),
    ],
)
def test_every_option_is_checked_when_it_is_used(change, words):
    w = nn.Parameter([1.0])
    w.grad = Tensor([1.0])
    optimizer = optim.SGD([w])
    optimizer.param_groups[0].update(change)
    with pytest.raises((ValueError, TypeError), match=f"^SGD: {words}"):
        optimizer.step()
    with pytest.raises((ValueError, TypeError), match=f"^SGD: {words}"):
        optim.SGD([{"params": [w], **change}])
    if "wd" not in change:
        with pytest.raises((ValueError, TypeError), match=f"^SGD: {words}"):
            optim.SGD([w], **change)
    assert w.tolist() == [1.0]


def test_an_option_that_is_gone_is_missed():
    w = nn.Parameter([1.0])
    w.grad = Tensor([1.0])
    optimizer = optim.Adam([w])
    del optimizer.param_groups[0]["betas"]
    with pytest.raises(ValueError, match="^Adam: a group without betas given; its"):
        optimizer.step()


def test_a_flag_is_true_or_false():
    optimizer = optim.SGD([nn.Parameter([1.0])])
    with pytest.raises(TypeError, match=r"^SGD.zero_grad: set_to_none=0, a int"):
        optimizer.zero_grad(0)
    with pytest.raises(TypeError, match="^AdamW: amsgrad='no', a str, given"):
        optim.AdamW([nn.Parameter([1.0])], amsgrad="no")
