"""Where a formula has 0 · inf or 0 / 0: x⁰, nan, a batch in which nothing counts; and
cross-entropy beside PyTorch's in all its forms."""

from __future__ import annotations

import math

import pytest
from conftest import flatten, needs_torch

from tinygrad_attn import (
    Tensor,
    functional,
    grad,
    manual_seed,
    randint,
    randn,
    zeros,
)

# --- x⁰, nan within bounds, batches in which nothing counts ---------------------------

TINY = [0.0, -0.0, 5e-324, -5e-324, 1e-310, math.inf, -math.inf, math.nan, -3.0]


@pytest.mark.parametrize("as_tensor", [False, True])
@pytest.mark.parametrize("x", TINY)
def test_to_the_power_0_everything_is_1_and_flat(x, as_tensor, any_backend):
    x = Tensor([x], requires_grad=True, dtype="float64")
    y = Tensor([0.0], requires_grad=True, dtype="float64") if as_tensor else 0
    z = x**y
    z.sum().backward()
    assert (z.tolist(), x.grad.tolist()) == ([1.0], [0.0])


def test_the_mixed_derivative_at_the_power_0(backend):
    """∂²(xʸ)/∂x∂y = 1/x there: x must not be replaced where nothing is infinite."""
    x, y = Tensor([2.0, 4.0], requires_grad=True), Tensor([0.0, 0.0], True)
    (dx,) = grad((x**y).sum(), x, create_graph=True)
    dx.sum().backward()
    assert y.grad.tolist() == pytest.approx([0.5, 0.25])


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (None, 1.0), (0.0, None), (1.0, 0.0)])
def test_a_nan_stays_nan_and_no_gradient_passes_it(bounds, any_backend):
    x = Tensor([math.nan, 0.5], requires_grad=True)
    z = x.clip(*bounds)
    z.sum().backward()
    assert math.isnan(z.tolist()[0])
    assert x.grad.tolist()[0] == 0.0
    assert x.grad.tolist()[1] == float(bounds != (1.0, 0.0))


@pytest.mark.parametrize("as_tensor", [False, True])
def test_a_bound_that_is_nan_makes_nan(as_tensor, any_backend):
    x = Tensor([0.5, 2.0], requires_grad=True)
    bound = Tensor([math.nan, 1.0]) if as_tensor else math.nan
    z = x.clip(bound, 3.0)
    z.sum().backward()
    nans = [True, not as_tensor]
    assert [math.isnan(v) for v in z.tolist()] == nans
    assert x.grad.tolist() == [0.0 if nan else 1.0 for nan in nans]


def test_of_a_batch_in_which_nothing_counts_the_gradient_is_0(any_backend):
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    for weight, target in ((None, [-100, -100]), ([0.0, 1.0], [0, 0])):
        x.grad = None
        z = functional.cross_entropy(x, Tensor(target), weight)
        z.backward()
        assert math.isnan(z.item())
        assert flatten(x.grad.tolist()) == [0.0] * 4


# --- cross-entropy beside PyTorch -----------------------------------------------------

CLASSES, SHAPES = 3, [(4, 3), (3,), (2, 3, 4), (2, 3, 2, 2)]


@needs_torch
@pytest.mark.parametrize("smoothing", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["classes", "some ignored", "shares"])
@pytest.mark.parametrize("shape", SHAPES)
def test_cross_entropy_equals_pytorchs(
    shape, kind, weighted, reduction, smoothing, any_backend
):
    import torch

    manual_seed(3)
    axis = min(1, len(shape) - 1)
    rest = shape[:axis] + shape[axis + 1 :]
    x = randn(*shape, dtype="float64", requires_grad=True)
    weight = [0.5, 0.25, 2.0] if weighted else None
    if kind == "shares":
        target = randn(*shape, dtype="float64").softmax(axis)
    else:
        target = randint(0, CLASSES, rest)
        if kind == "some ignored" and rest:
            target = target - (target == 2) * 102
    settings = {"reduction": reduction, "label_smoothing": smoothing}
    z = functional.cross_entropy(x, target, weight, **settings)
    (z * z).sum().backward()
    theirs = torch.tensor(x.tolist(), dtype=torch.float64, requires_grad=True)
    want = torch.nn.functional.cross_entropy(
        theirs,
        torch.tensor(
            target.tolist(), dtype=torch.float64 if kind == "shares" else torch.int64
        ),
        None if weight is None else torch.tensor(weight, dtype=torch.float64),
        **settings,
    )
    (want * want).sum().backward()
    assert z.shape == tuple(want.shape)
    same = {"rel": 1e-10, "abs": 1e-12, "nan_ok": True}
    assert flatten(z.tolist()) == pytest.approx(flatten(want.tolist()), **same)
    got = flatten(x.grad.tolist())
    assert got == pytest.approx(flatten(theirs.grad.tolist()), **same)


@pytest.mark.parametrize(
    ("weight", "error", "says"),
    [
        ([1.0], ValueError, r"of shape \(1,\) given"),
        ([True, False, True], TypeError, "of bool given"),
        ("abc", TypeError, "'abc' given"),
        (1.0, ValueError, r"of shape \(\) given"),
    ],
)
def test_weights_that_are_not_one_for_each_class_are_refused(weight, error, says):
    with pytest.raises(error, match=f"cross_entropy: weight {says}.*a number"):
        functional.cross_entropy(zeros(2, 3), Tensor([0, 1]), weight)


@pytest.mark.parametrize(
    ("number", "count"), [(3000.7, 512), (1000.1, 49), (1e6 + 0.5, 100), (1e12 / 3, 49)]
)
def test_a_layer_norm_of_equal_numbers_is_0(number, count, any_backend):
    for eps in (1e-5, 1e-12):
        x = Tensor([[number] * count], requires_grad=True)
        z = functional.layer_norm(x, count, eps=eps)
        assert z.abs().max().item() < 1e-9
        z.sum().backward()
        assert x.grad.abs().max().item() < 1e-9


@pytest.mark.parametrize("x", [1e-200, -1e-200, 1e-310, 0.0, 1.0, math.inf])
def test_all_derivatives_of_the_0th_power_are_0(x, backend):
    x = Tensor([x], requires_grad=True, dtype="float64")
    z = x**0
    for _ in range(3):
        (z,) = grad(z.sum(), x, create_graph=True, allow_unused=True)
        if z is None or not z.requires_grad:
            break
        assert z.tolist() == [0.0]


def test_where_no_weight_counts_smoothing_moves_nothing(any_backend):
    x = Tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    loss = functional.cross_entropy(
        x, Tensor([0]), weight=[0.0, 1.0, 1.0], label_smoothing=0.1
    )
    assert math.isnan(loss.item())
    loss.backward()
    assert set(map(abs, flatten(x.grad.tolist()))) == {0.0}
