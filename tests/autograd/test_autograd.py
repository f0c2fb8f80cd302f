"""The walk: order, sums where paths meet, un-broadcasting, freed graphs, memory."""

from __future__ import annotations

import gc
import weakref

import pytest
from conftest import assert_close, needs_numpy

import nn
from tinygrad_attn import (
    Tensor,
    enable_grad,
    functional,
    grad,
    no_grad,
    ones,
    ops,
    randn,
    use_backend,
    zeros,
)
from tinygrad_attn.arrays.array import Array
from tinygrad_attn.autograd.walk import topological_order
from tinygrad_attn.rules.operation import primitive


def leaf(*values):
    return Tensor(list(values), requires_grad=True)


def test_a_number_used_twice_receives_both_contributions(any_backend):
    x = leaf(3.0, -2.0)
    (x * x + x).sum().backward()
    assert x.grad.tolist() == [7.0, -3.0]


def test_why_the_order_is_topological(any_backend):
    a = leaf(1.0)
    b = a + a
    c = b + b
    c.sum().backward()
    assert a.grad.tolist() == [4.0]


def test_a_diamond_of_2_to_the_40_paths(any_backend):
    x = leaf(1.0)
    y = x
    for _ in range(40):
        y = y + y
    y.sum().backward()
    assert x.grad.tolist() == [2.0**40]


def test_a_leaf_used_a_thousand_times(any_backend):
    x = leaf(2.0)
    total = zeros(1)
    for i in range(1000):
        total = total + x * float(i)
    total.sum().backward()
    assert x.grad.tolist() == [499500.0]


def test_a_chain_of_100_000_steps_is_let_go_without_backward():
    """Nodes are alike on every backend; test_scalar.py has a chain of single numbers.
    A chain that is walked: promise 9."""
    first = y = leaf(1.0) * 1.0
    watched = weakref.ref(first)
    del first
    for _ in range(100_000):
        y = y * 1.0
    assert watched() is not None
    del y
    assert watched() is None


def test_every_node_comes_after_all_its_uses(backend):
    x = leaf(1.0)
    a = x * 2.0
    b = a + x
    c = b * a
    order = [id(t) for t in topological_order([c])]
    assert order == [id(c), id(b), id(a), id(x)]


def test_one_root_given_twice_counts_twice(any_backend):
    x = leaf(3.0)
    y = x * x
    (g,) = grad([y, y], x, [Tensor([1.0]), Tensor([10.0])])
    assert g.tolist() == [66.0]


def test_several_roots_one_made_from_another(backend):
    x = leaf(2.0)
    y = x * x
    z = y * 3.0
    (g,) = grad([z, y], x)
    assert g.tolist() == [16.0]
    (g,) = grad([x * x, x * x], x, [leaf(10.0), None])
    assert g.tolist() == [44.0]


# --- broadcasting ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("small", "large"),
    [((), (2, 3)), ((3,), (2, 3)), ((2, 1), (2, 3)), ((1, 1), (2, 3))],
)
def test_a_broadcast_input_gets_a_gradient_of_its_own_shape(small, large, any_backend):
    x, y = randn(*small, requires_grad=True), randn(*large, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.shape == small
    assert y.grad.shape == large
    total = sum(v for v in y.detach().reshape(-1).tolist())
    if small in ((), (1, 1)):
        assert_close(x.grad.reshape(-1), [total])


def test_a_number_broadcast_to_nothing_gets_a_gradient_of_zero(backend):
    x = leaf(2.0)
    (x * zeros(0)).sum().backward()
    assert x.grad.tolist() == [0.0]


def test_a_gradient_of_an_impossible_shape_is_refused_by_name(backend):
    @primitive()
    def wrong(xp, x):
        return x

    @wrong.defvjp
    def wrong_vjp(xp, g, z, inputs, needs, saved):
        return (xp.zeros((2, 5)),)

    with pytest.raises(RuntimeError, match=r"wrong: its vjp gave .*\(2, 5\).*\(3,\)"):
        ops.apply(wrong, leaf(1.0, 2.0, 3.0)).sum().backward()


@pytest.mark.parametrize("shares", [(1.0, 1.0), (), [None, None], 1.0, None])
def test_another_number_of_gradients_than_inputs_is_refused_by_name(shares, backend):
    @primitive()
    def wrong(xp, x):
        return x

    @wrong.defvjp
    def wrong_vjp(xp, g, z, inputs, needs, saved):
        return shares

    with pytest.raises(RuntimeError, match="^wrong: its vjp must return .*, 1 in all"):
        ops.apply(wrong, leaf(1.0)).sum().backward()


def test_the_walk_goes_on_after_a_node_that_no_gradient_reached(backend):
    @primitive()
    def blocked(xp, x):
        return x

    @blocked.defvjp
    def blocked_vjp(xp, g, z, inputs, needs, saved):
        return (None,)

    x = leaf(1.0)
    y = x * 3.0
    (ops.apply(blocked, y) + x * 2.0).sum().backward()
    assert x.grad.tolist() == [2.0]


def test_a_vjp_is_given_what_forward_saved_unless_the_walk_is_recorded(backend):
    seen = []

    @primitive()
    def square(xp, x):
        return x * x, "saved"

    @square.defvjp
    def square_vjp(xp, g, z, inputs, needs, saved):
        seen.append(saved)
        return (g * inputs[0] * 2.0,)

    z = ops.apply(square, leaf(1.0)).sum()
    z.backward(retain_graph=True)
    z.backward(create_graph=True)
    assert seen == ["saved", None]


# --- which tensors keep a gradient ----------------------------------------------------


def test_grad_is_none_before_a_backward(any_backend):
    x, unused = leaf(1.0), leaf(1.0)
    y = x * 2.0
    assert x.grad is None
    with pytest.warns(UserWarning, match=r"result of mul, and no backward\(\) has"):
        assert y.grad is None
    y.sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([2.0], [1.0])
    assert unused.grad is None


def test_a_result_has_the_gradient_of_the_last_walk(any_backend):
    x = leaf(1.0, 2.0)
    y = x * 3.0
    loss = (y * y).sum()
    for times in (1.0, 2.0):
        loss.backward(retain_graph=True)
        assert y.grad.tolist() == [6.0, 12.0]
        assert x.grad.tolist() == [18.0 * times, 36.0 * times]  # a leaf adds up
        assert loss.grad.item() == 1.0
    kept = y.grad
    assert y.grad is kept
    y.grad.zero_()
    assert y.grad.tolist() == [0.0, 0.0]
    loss.backward(retain_graph=True)  # and the next walk begins anew
    assert y.grad.tolist() == [6.0, 12.0]
    assert kept.tolist() == [0.0, 0.0]
    y.grad = None
    with pytest.warns(UserWarning, match="result of mul"):
        assert y.grad is None
    loss.backward(retain_graph=True)
    y.retain_grad()  # from here on it adds up
    loss.backward()
    assert y.grad.tolist() == [12.0, 24.0]


def test_a_recorded_walk_leaves_nothing_in_results(backend):
    x = leaf(1.0, 2.0)
    y = x * 3.0
    (y * y).sum().backward(create_graph=True)
    with pytest.warns(UserWarning, match="with create_graph one gives gradients to"):
        assert y.grad is None
    assert x.grad.tolist() == [18.0, 36.0]


def test_a_recorded_walk_leaves_no_gradient_of_an_earlier_walk(backend):
    x = leaf(1.0, 2.0)
    y = x * 3.0
    (y * y).sum().backward(retain_graph=True)
    assert y.grad.tolist() == [6.0, 12.0]
    (y * y * y).sum().backward(create_graph=True)
    with pytest.warns(UserWarning, match="with create_graph one gives gradients to"):
        assert y.grad is None


def test_no_gradient_outlives_its_result(backend):
    x = leaf(1.0, 2.0)
    y = x * 3.0
    there = weakref.ref(y)
    loss = (y * y).sum()
    del y
    loss.backward()
    assert there() is None


def test_to_ask_a_result_for_a_gradient_once_more_leaves_its_graph(any_backend):
    x = leaf(3.0)
    y = x * 2.0
    y.requires_grad = True
    y.sum().backward()
    assert x.grad.tolist() == [2.0]


def test_several_backwards_add_up_until_the_gradient_is_forgotten(any_backend):
    x = leaf(1.0)
    (x * 3.0).sum().backward()
    (x * 4.0).sum().backward()
    assert x.grad.tolist() == [7.0]
    x.grad = None
    assert x.grad is None
    (x * 5.0).sum().backward()
    assert x.grad.tolist() == [5.0]


def test_grad_returns_and_touches_nothing(any_backend):
    x = leaf(2.0)
    (x * 3.0).sum().backward()
    (g,) = grad((x * x).sum(), x)
    assert g.tolist() == [4.0]
    assert x.grad.tolist() == [3.0]


def test_grad_frees_the_graph_unless_told(any_backend):
    x = leaf(2.0)
    y = (x * x).sum()
    grad(y, x, retain_graph=True)
    grad(y, x)
    with pytest.raises(RuntimeError, match="freed"):
        grad(y, x)


def test_create_graph_keeps_the_graph_unless_told(backend):
    x = leaf(2.0)
    y = (x * x).sum()
    grad(y, x, create_graph=True)
    grad(y, x, retain_graph=False, create_graph=True)
    with pytest.raises(RuntimeError, match="freed"):
        grad(y, x)


def test_one_grad_output_serves_all_outputs(any_backend):
    x = leaf(2.0, 3.0)
    (g,) = grad([x * 2.0, x * 3.0], x, Tensor([1.0, 10.0]))
    assert g.tolist() == [5.0, 50.0]


def test_what_grad_was_given_is_named(any_backend):
    x = leaf(2.0, 3.0)
    y = x * x
    for call, kind, said in (
        (lambda: grad([], x), TypeError, "grad: outputs of list given"),
        (lambda: grad([y, 1.0], x), TypeError, "grad: among the outputs output 1 is"),
        (lambda: grad(y, ()), TypeError, "grad: inputs of tuple given"),
        (lambda: grad(y, [None]), TypeError, "grad: among the inputs input 0 is"),
        (lambda: grad(y, x, 5), TypeError, "grad: grad_outputs of int given"),
        (lambda: grad(y, x, [1.0]), TypeError, "grad: among the grad_outputs grad_out"),
        (lambda: grad(y, x), RuntimeError, "grad: shape (2,) given, and only a scalar"),
        (lambda: y.backward(), RuntimeError, "backward: shape (2,) given, and only a"),
    ):
        with pytest.raises(kind) as caught:
            call()
        assert str(caught.value).startswith(said)
    with pytest.raises(RuntimeError, match=r" pass grad_outputs=, "):
        grad(y, x)
    with pytest.raises(RuntimeError, match=r" pass gradient=, "):
        y.backward()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("usual", ["float32", "float64"])
@needs_numpy
def test_a_seed_has_the_dtype_of_its_root(dtype, usual):
    with use_backend("numpy", usual):
        x = Tensor([2.0], dtype=dtype, requires_grad=True)
        assert grad(x, x)[0].dtype == dtype
        for given in ("float32", "float64"):
            (g,) = grad(x, x, Tensor([0.5], dtype=given))
            assert (g.dtype, g.tolist()) == (dtype, [0.5])


def test_on_single_numbers_no_vjp_is_called():
    @primitive()
    def square(xp, x):
        return x * x

    @square.defvjp
    def square_vjp(xp, g, z, inputs, needs, saved):
        raise AssertionError

    with use_backend("scalar"):
        x = leaf(3.0)
        ops.apply(square, x).sum().backward()
        assert x.grad.tolist() == [6.0]


def test_a_single_number_that_is_a_constant_has_gradient_0():
    with use_backend("scalar"):
        y = ops.where(Tensor([True, False]), leaf(1.0, 2.0), 0.0)
        (g,) = grad((y * 2.0).sum(), y)
        assert g.tolist() == [2.0, 0.0]


def test_grad_with_respect_to_a_result(any_backend):
    x = leaf(2.0)
    y = x * x
    (g,) = grad((y * y).sum(), y)
    assert g.tolist() == [8.0]


def test_no_grad_records_nothing(any_backend):
    x = leaf(1.0)
    with no_grad():
        y = x * 2.0
        with enable_grad():
            z = x * 3.0
    assert not y.requires_grad
    assert z.requires_grad
    assert (x * 2.0).requires_grad

    @no_grad()
    def f():
        return x * 2.0

    assert not f().requires_grad


def test_single_numbers_do_not_record_themselves_where_nothing_is_recorded():
    with use_backend("scalar"):
        x = leaf(1.0, 2.0)
        with no_grad():
            z = ops.where(x > 0.0, x * 2.0, x)
        y = (x > 0.0) * x.detach()
    for t in (z, y):
        assert [type(v) for v in t.array.data] == [float] * 2


def test_detach_cuts_the_graph(any_backend):
    x = leaf(3.0)
    (x.detach() * x).sum().backward()
    assert x.grad.tolist() == [3.0]


# --- freed graphs ---------------------------------------------------------------------


def test_a_second_backward_names_retain_graph(backend):
    x = leaf(1.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="behind sum was .* retain_graph=True"):
        y.backward()
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [6.0]


def test_part_of_a_graph_freed_through_another_loss(backend):
    x = leaf(1.0)
    shared = x * 2.0
    first, second = shared.sum(), (shared * shared).sum()
    first.backward()
    with pytest.raises(RuntimeError, match="freed"):
        second.backward()


@pytest.mark.parametrize("walked", [True, False])
def test_memory_returns_without_the_garbage_collector(walked, backend):
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0)
        hidden = (x * 2.0).tanh()
        loss = (hidden * hidden).sum()
        watched = weakref.ref(hidden)
        if walked:
            loss.backward()
            del hidden  # the walk let go of it: the loss alone no longer holds it
            assert watched() is None
        else:
            del hidden
            assert watched() is not None
        del loss
        assert watched() is None
    finally:
        gc.enable()


class Kept:
    """Something that can be watched."""


class Numbers(list):
    """A list that can be watched, for the data of an Array, which cannot."""


def watch_array(t):
    """A weak reference to a tensor's array, or to what only that array holds."""
    if isinstance(t.array, Array):
        t.array.data = Numbers(t.array.data)
        return weakref.ref(t.array.data)
    return weakref.ref(t.array)


@pytest.mark.parametrize("retain", [False, True])
def test_a_freed_node_holds_no_inputs_arrays_nor_what_was_saved(retain, backend):
    """Each would keep the memory of a step until its loss is dropped."""
    saved = []

    @primitive()
    def square(xp, x):
        kept = Kept()
        saved.append(weakref.ref(kept))
        return x * x, kept

    @square.defvjp
    def square_vjp(xp, g, z, inputs, needs, saved):
        return (g * inputs[0] * 2.0,)

    class Square(nn.Module):
        def forward(self, x):
            return ops.apply(square, x)

    module, hidden = Square(), leaf(1.0, 2.0) * 3.0
    z = module(hidden)
    loss = z.sum()
    watched = [weakref.ref(hidden), watch_array(hidden), *saved, weakref.ref(module)]
    del hidden, module
    assert [w() is not None for w in watched] == [True] * 4
    loss.backward(retain_graph=retain)
    assert [w() is not None for w in watched] == [retain] * 4
    assert loss.item() == pytest.approx(sum(z.tolist()))  # the results live


# --- second derivatives ---------------------------------------------------------------


def test_a_gradient_of_a_gradient(backend):
    x = leaf(2.0)
    y = (x**4).sum()
    slopes = []
    for _ in range(3):
        (y,) = grad(y.sum(), x, create_graph=True)
        slopes.append(y.item())
    assert_close(slopes, [32.0, 48.0, 48.0])


def test_backward_with_create_graph_leaves_gradients_with_a_graph(backend):
    x = leaf(3.0)
    (x * x * x).sum().backward(create_graph=True)
    g, x.grad = x.grad, None
    g.sum().backward()
    assert x.grad.tolist() == [18.0]


def test_a_hessian_vector_product(backend):
    x, v = randn(4, requires_grad=True), randn(4)
    a = randn(4, 4)
    quadratic = (x.reshape(1, 4) @ a @ x.reshape(4, 1)).sum()
    (g,) = grad(quadratic, x, create_graph=True)
    (hv,) = grad((g * v).sum(), x)
    want = (a + a.T) @ v.reshape(4, 1)
    assert_close(hv, want.reshape(4))


# --- ties and kinks -------------------------------------------------------------------


def test_ties_share_the_gradient(any_backend):
    x = leaf(1.0, 3.0, 3.0, 3.0)
    x.max().backward()
    assert_close(x.grad, [0.0, 1 / 3, 1 / 3, 1 / 3])
    a, b = leaf(1.0, 2.0), leaf(1.0, 5.0)
    ops.maximum(a, b).sum().backward()
    assert (a.grad.tolist(), b.grad.tolist()) == ([0.5, 0.0], [0.5, 1.0])


def test_pow_at_zero(any_backend):
    x = leaf(0.0, 0.0, 2.0)
    (x ** Tensor([0.0, 2.0, 0.0])).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]
    y = leaf(2.0, 1.0, 0.0)
    (Tensor([0.0, 0.0, 0.0]) ** y).sum().backward()
    assert y.grad.tolist() == [0.0, 0.0, 0.0]
    x, y = leaf(0.0), leaf(0.0)
    (x**y).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([0.0], [0.0])


def test_the_kink_of_leaky_relu_takes_the_smaller_slope(any_backend):
    x = leaf(-2.0, -0.0, 0.0, 2.0)
    functional.leaky_relu(x, 0.25).sum().backward()
    assert x.grad.tolist() == [0.25, 0.25, 0.25, 1.0]


def test_where_keeps_out_what_the_branch_not_taken_makes(any_backend):
    x = leaf(0.0, 4.0)
    safe = ops.where(x > 0, x, 1.0)
    ops.where(x > 0, safe.sqrt(), 0.0).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_ones_as_gradient_is_the_default(any_backend):
    x = leaf(1.0, 2.0)
    (x * x).backward(ones(2))
    assert x.grad.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("flag", ["retain_graph", "create_graph"])
def test_a_setting_that_is_neither_true_nor_false_is_refused(flag, backend):
    """ "no" would be true."""
    loss = leaf(2.0).sum()
    with pytest.raises(TypeError, match=f"^backward: {flag}='no', a str, given; it"):
        loss.backward(**{flag: "no"})


@pytest.mark.parametrize("flag", ["create_graph", "allow_unused", "retain_graph"])
def test_grad_refuses_it_too(flag, backend):
    x = leaf(2.0)
    with pytest.raises(TypeError, match=f"^grad: {flag}='no', a str, given; it must"):
        grad((x * x).sum(), x, **{flag: "no"})


def test_a_gradient_has_the_dtype_of_its_input(backend):
    """Whatever a rule makes: here whole numbers."""

    @primitive
    def counted(xp, x):
        return x * 1.0

    @counted.defvjp
    def counted_vjp(xp, g, z, inputs, needs, saved):
        return (xp.astype(g, "int64"),)

    x = leaf(1.0, 2.0)
    (ops.apply(counted, x) * 3.0).sum().backward()
    assert (x.grad.tolist(), x.grad.dtype) == ([3.0, 3.0], x.dtype)
    (g,) = grad((ops.apply(counted, x) * 3.0).sum(), x, create_graph=True)
    assert g.dtype == x.dtype
