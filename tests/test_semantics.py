"""What must hold on every backend where an engine easily goes astray in silence."""

from __future__ import annotations

import threading
import warnings

import pytest
from conftest import assert_close, needs_numpy

import nn
from tinygrad_attn import (
    Tensor,
    arange,
    functional,
    grad,
    gradcheck,
    maximum,
    no_grad,
    ops,
    randn,
    use_backend,
    where,
    zeros,
)


def leaf(*values):
    return Tensor(list(values), requires_grad=True)


# --- parameters that get new numbers between forward and backward ---------------------


def test_a_gradient_is_taken_where_the_forward_was(any_backend):
    w = nn.Parameter([3.0])
    loss = (w * w * w).sum()
    w.assign(Tensor([30.0]))
    loss.backward()
    assert w.grad.tolist() == [27.0]


def test_a_recorded_walk_refuses_inputs_that_changed(backend):
    w = nn.Parameter([3.0])
    loss = (w * w * w).sum()
    w.assign(Tensor([30.0]))
    with pytest.raises(RuntimeError, match="an input of mul got new numbers"):
        grad(loss, w, create_graph=True)


# --- dtypes ---------------------------------------------------------------------------


def test_no_gradient_flows_through_whole_numbers(any_backend):
    x = leaf(1.5, 0.0)
    for dtype in ("int64", "bool"):
        y = x.astype(dtype)
        assert not y.requires_grad
    assert x.astype("int64").tolist() == [1, 0]
    assert x.astype("bool").tolist() == [True, False]


def test_whole_numbers_take_the_floats_dtype(any_backend):
    whole, floats = Tensor([1, 2]), Tensor([0.5, 0.5])
    for z in (
        whole + floats,
        floats * whole,
        whole - 0.5,
        2**floats,
        floats ** Tensor(2),
    ):
        assert z.dtype == floats.dtype
    for z in (
        whole / 2,
        whole**2,
        whole**-1,
        whole.mean(),
        whole.exp(),
        ops.erf(whole),
    ):
        assert z.dtype == floats.dtype
    assert_close(whole**-1, [1.0, 0.5])
    assert_close(ops.erf(whole), [0.8427007929497148, 0.9953222650189527], 1e-7)
    assert (whole + 1).dtype == (whole * whole).dtype == whole.sum().dtype == "int64"


@needs_numpy
def test_float32_is_not_widened():
    with use_backend("numpy", "float32"):
        import numpy as np

        x = leaf(1.0, 2.0)
        for z in (
            arange(2) * x,
            2**x,
            x * np.float64(2.0),
            Tensor([1, 2]) / 2,
            Tensor([True, False]).mean(),
            where(x > 1, 1, 0.5),
            where(x > 1, x, Tensor([1, 2])),
            functional.scaled_dot_product_attention(
                x[None], x[None], x[None], scale=1 / np.sqrt(4)
            ),
            functional.causal_mask(2) * x,
        ):
            assert z.dtype == "float32"
        (g,) = grad((x * x * arange(2)).sum(), x)
        assert g.dtype == "float32"
        (g,) = grad(x * 2, x, Tensor([1.0, 1.0], dtype="float64"))
        assert g.dtype == "float32"
        mixed = (x * Tensor([1.0, 1.0], dtype="float64")).sum()
        (g,) = grad(mixed, x)
        assert g.dtype == "float32"


def test_bools_are_or_and_and(any_backend):
    a, b = Tensor([True, True]), Tensor([True, False])
    assert (a + b).tolist() == [True, True]
    assert (a * b).tolist() == [True, False]
    assert (a + b).dtype == "bool"
    with pytest.raises(TypeError):
        _ = a - b


# --- the scalar backend keeps a Tensor's contract -------------------------------------


def test_gradients_of_what_lies_between_are_its_own(any_backend):
    x = leaf(1.0, 2.0)
    y = x.reshape(2, 1)
    (g,) = grad((y * 2.0).sum() + (x * 3.0).sum(), y)
    assert g.tolist() == [[2.0], [2.0]]
    y = functional.relu(x)
    (g,) = grad((y * 2.0).sum() + (x * 3.0).sum(), y)
    assert g.tolist() == [2.0, 2.0]


def test_a_second_backward_is_refused_everywhere(any_backend):
    x = leaf(1.0)
    y = (x * 2.0).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        y.backward()
    assert x.grad.tolist() == [2.0]


def test_an_assigned_gradient_is_added_to(any_backend):
    x = leaf(1.0, 2.0)
    x.grad = Tensor([10.0, 10.0])
    (x * x).sum().backward()
    assert x.grad.tolist() == [12.0, 14.0]


# --- recording ------------------------------------------------------------------------


def test_create_graph_records_within_no_grad(backend):
    x = leaf(3.0)
    y = (x * x).sum()
    with no_grad():
        (g,) = grad(y, x, create_graph=True)
        assert g.requires_grad
        assert not (x * 2.0).requires_grad


def test_a_plain_backward_leaves_no_graph_in_the_gradient(backend):
    x = leaf(3.0)
    (x * x).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    (x * x).sum().backward()
    assert not x.grad.requires_grad
    assert x.grad.tolist() == [12.0]


def test_a_decorated_function_may_run_in_two_threads():
    inside, leave, seen = threading.Barrier(2), threading.Barrier(2), []

    @no_grad()
    def work():
        inside.wait(5)
        seen.append((leaf(1.0) * 2.0).requires_grad)
        leave.wait(5)

    def run():
        work()
        seen.append((leaf(1.0) * 2.0).requires_grad)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(seen) == [False, False, True, True]


# --- edges ----------------------------------------------------------------------------


def test_the_mixed_second_derivative_of_a_power(backend):
    x, y = Tensor(2.0, requires_grad=True), Tensor(0.0, requires_grad=True)
    (slope,) = grad(x**y, x, create_graph=True)
    (mixed,) = grad(slope, y)
    assert mixed.item() == 0.5  # x^(y-1) (1 + y ln x)
    x = Tensor(0.0, requires_grad=True)
    y = Tensor(-1.0, requires_grad=True)
    assert grad(x**y, y)[0].item() == float("-inf")


def test_nothing_at_all(any_backend):
    assert ops.matmul(zeros(2, 3, 0), zeros(0, 4)).tolist() == zeros(2, 3, 4).tolist()
    assert functional.softmax(zeros(0, 5)).shape == (0, 5)
    assert zeros(0, 5).max(axis=1).shape == (0,)
    assert Tensor([1.0, 2.0, 3.0])[-100::-1].tolist() == []
    assert Tensor([1.0, 2.0])[5:].sum().item() == 0.0
    x = zeros(0, requires_grad=True)
    x.sum().backward()
    assert x.grad.shape == (0,)


def test_inf_and_nan_are_results_and_make_no_noise(any_backend):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = leaf(0.0, -1.0, 1000.0)
        y = x.log() + x.exp() + 1.0 / x + x**0.5 + x.sqrt()
        y.sum().backward()
        functional.softmax(Tensor([float("-inf")] * 2))
        zeros(0).mean()


@pytest.mark.parametrize(
    ("kind", "tiny", "huge"),
    [
        pytest.param(("numpy", "float32"), 1e-30, 1e30, marks=needs_numpy, id="numpy"),
        pytest.param(("python", "float64"), 1e-200, 1e200, id="python"),
        pytest.param(("scalar", "float64"), 1e-200, 1e200, id="scalar"),
    ],
)
def test_a_backward_outside_the_block_of_its_backend_is_quiet_too(kind, tiny, huge):
    """Nothing overflows forward; the slope does, which is inf."""
    with use_backend(*kind):
        x = leaf(tiny)
        loss = (x * huge * huge).sum()
        y = leaf(tiny)
        again = (y * huge * huge).sum()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss.backward()
        (slope,) = grad(again, y)
    assert loss.item() < float("inf")
    assert x.grad.tolist() == slope.tolist() == [float("inf")]


def test_named_functions_refuse_what_is_no_number(any_backend):
    x = zeros(2)
    for call in (
        lambda: maximum(2.0, [1.0, 3.0]),
        lambda: maximum(x, "a"),
        lambda: where(x > 0, None, x),
        lambda: where(x > 0, x, "b"),
        lambda: ops.matmul(x, None),
        lambda: ops.div(x, "a"),
    ):
        with pytest.raises(TypeError, match="given"):
            call()


@needs_numpy
def test_gradcheck_outside_the_context_of_its_inputs():
    with use_backend("numpy", "float64"):
        x = randn(3, requires_grad=True)
    assert gradcheck(lambda v: v * v, x)


@needs_numpy
def test_a_tensor_does_not_share_the_users_array():
    import numpy as np

    with use_backend("numpy", "float64"):
        array = np.array([1.0, 2.0])
        x = Tensor(array)
        array[0] = 7.0
        assert x.tolist() == [1.0, 2.0]
