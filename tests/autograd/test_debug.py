"""debug(): the first operation to make a nan or inf is named, with the user's line."""

from __future__ import annotations

import math
import threading

import pytest
from conftest import use_backend

import nn
from tinygrad_attn import Tensor, debug, functional, grad, ops, randn, where, zeros
from tinygrad_attn.rules.operation import primitive


def leaf(*values):
    return Tensor(list(values), requires_grad=True)


def test_the_operation_the_places_and_the_line_are_named(any_backend):
    x = leaf(1.0, 0.0, 4.0)
    with debug():
        y = x * 2.0
        with pytest.raises(FloatingPointError) as caught:
            z = (y + 1.0 - 1.0).log()
    assert "z" not in locals()
    message = str(caught.value)
    assert message.startswith("log made -inf at [1] of a result of shape (3,)")
    assert __file__ in message
    assert "z = (y + 1.0 - 1.0).log()" in message
    assert "\n" not in message


def test_many_places_are_counted(backend):
    places = r"at \[0, 0\], \[0, 1\], \[0, 2\] and 3 more places"
    with pytest.raises(FloatingPointError, match=places), debug():
        zeros(2, 3).log()


def test_three_places_are_all_listed_and_each_kind_is_named(backend):
    for numbers, said in (
        ([0.0, 0.0, 0.0], "log made -inf at [0], [1], [2] of a result"),
        ([0.0, -1.0], "log made -inf and nan at [0], [1] of a result"),
    ):
        with pytest.raises(FloatingPointError) as caught, debug():
            Tensor(numbers).log()
        assert str(caught.value).startswith(said)


def test_a_share_that_nobody_needs_is_not_looked_at(backend):
    @primitive()
    def product(xp, x, y):
        return x * y

    @product.defvjp
    def product_vjp(xp, g, z, inputs, needs, saved):
        return g * math.nan, g * inputs[0]

    y = leaf(2.0)
    with debug():
        ops.apply(product, Tensor([3.0]), y).sum().backward()
    assert y.grad.tolist() == [3.0]


def test_what_was_there_before_is_not_held_against_an_operation(any_backend):
    x = Tensor([math.inf, 1.0])
    with debug():
        assert (x + 1.0).tolist() == [math.inf, 2.0]
        Tensor([math.nan]) * 2.0
        with pytest.raises(FloatingPointError, match="sub made nan"):
            _ = x - x


def test_the_gradient_given_is_not_held_against_an_operation(backend):
    x = leaf(1.0, 2.0)
    with debug():
        (x * 2.0).backward(Tensor([math.inf, math.nan]))
    assert str(x.grad.tolist()) == "[inf, nan]"


def test_backward_names_the_forward_line(backend):
    x = leaf(0.0, 4.0)
    with debug():
        y = x.sqrt().sum()
        with pytest.raises(FloatingPointError) as caught:
            y.backward()
    message = str(caught.value)
    assert message.startswith("backward of sqrt made inf at [0] of the gradient of")
    assert "y = x.sqrt().sum()" in message


def test_promise_19_the_double_where_is_suggested(backend):
    x = leaf(0.0, 4.0)
    with debug(), pytest.raises(FloatingPointError) as caught:
        where(x > 0, x.sqrt(), 0.0).sum().backward()
    assert "nan at [0]" in str(caught.value)
    assert "where(ok, f(where(ok, x, 1.0)), 0.0)" in str(caught.value)
    with debug():  # and what is suggested works
        where(x > 0, where(x > 0, x, 1.0).sqrt(), 0.0).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


@pytest.mark.parametrize(
    ("x", "f", "steep"),
    [
        (0.0, lambda x: 1.0 / x, "div has an infinite slope at y = 0"),
        (0.0, lambda x: x.log(), "log has an infinite slope at x = 0"),
        (-1.0, lambda x: x.log1p(), "log1p has an infinite slope at x = -1"),
        (
            0.0,
            lambda x: x**-1.0,
            "pow has an infinite slope at x = 0, if y is below 1 and not 0",
        ),
        (0.0, lambda x: x.sqrt(), "sqrt has an infinite slope at x = 0"),
    ],
)
def test_the_hint_stands_for_every_operation_of_infinite_slope(x, f, steep, backend):
    y = f(leaf(x))
    loss = where(Tensor([False]), y, 0.0).sum()
    with debug(), pytest.raises(FloatingPointError) as caught:
        loss.backward()
    assert str(caught.value).endswith(
        f"its forward: outside debug(); {steep}: if this is a branch that a where() "
        "does not take, 0 · inf arose inside it: give it a harmless input there, "
        "where(ok, f(where(ok, x, 1.0)), 0.0)"
    )


def test_the_hint_stands_for_no_other_operation(backend):
    loss = (leaf(1e-200) * 1e200 * 1e200).sum()
    with debug(), pytest.raises(FloatingPointError) as caught:
        loss.backward()
    assert str(caught.value).endswith("its forward: outside debug()")


def test_the_shapes_and_numbers_that_came_in_are_named(backend):
    for call, said in (
        (lambda: leaf(1.0, 2.0) / zeros(1), "from shape (2,), (1,)"),
        (lambda: 1.0 / zeros(2), "from shape 1.0, (2,)"),
    ):
        with debug(), pytest.raises(FloatingPointError) as caught:
            call()
        message, _, _ = str(caught.value).partition("; ")  # the line follows
        assert message.endswith(said)


def test_every_share_of_a_gradient_is_looked_at(backend):
    x, y = Tensor([1.0]), leaf(0.0)
    with debug():
        z = (x * y.sqrt()).sum()
        with pytest.raises(FloatingPointError, match="backward of sqrt made inf"):
            z.backward()
    base, exponent = Tensor([0.0]), leaf(-1.0)
    power = base**exponent
    with debug(), pytest.raises(FloatingPointError, match="of input 1, of shape"):
        power.backward(Tensor([0.0]))


def test_one_block_inside_another(backend):
    with debug():
        with debug():
            pass
        with pytest.raises(FloatingPointError):
            zeros(1).log()
    zeros(1).log()


def test_a_forward_outside_is_said(backend):
    y = leaf(0.0).sqrt().sum()
    with debug(), pytest.raises(FloatingPointError, match="its forward: outside debug"):
        y.backward()


def test_inside_a_module_the_users_line_is_shown(backend):
    layer = nn.Linear(2, 2)
    layer.weight.assign(Tensor([[1e308, 1e308], [1.0, 1.0]]))
    with pytest.raises(FloatingPointError) as caught, debug():
        layer(Tensor([[10.0, 10.0]]))
    assert "linear made inf" in str(caught.value)
    assert "layer(Tensor([[10.0, 10.0]]))" in str(caught.value)


def test_a_whole_model_without_trouble_passes(backend):
    layer = nn.TransformerEncoderLayer(4, 2, 8)
    mask = Tensor([[True, False, False], [False] * 3, [True] * 3])
    with debug():
        (layer(randn(2, 3, 4), mask) ** 2).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())


def test_second_derivatives_are_watched_too(backend):
    x = leaf(0.0)
    with debug():
        y = (x**1.5).sum()
        (g,) = grad(y, x, create_graph=True)
        with pytest.raises(FloatingPointError):
            grad(g.sum(), x)


def test_it_is_for_one_thread_and_ends_with_the_context(backend):
    seen = []

    def work():
        with use_backend(backend, "float64"):
            seen.append(zeros(1).log().tolist())

    with debug():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [[-math.inf]]
    assert zeros(1).log().tolist() == [-math.inf]


@debug()
def test_as_a_decorator():
    with pytest.raises(FloatingPointError):
        zeros(1).log()


@pytest.mark.parametrize(
    ("step", "where_it_is"),
    [
        (lambda x: x.sqrt(), "sqrt has an infinite slope at x = 0"),
        (lambda x: x.log(), "log made -inf"),  # found forward already
        (
            lambda x: x**0.5,
            "pow has an infinite slope at x = 0, if y is below",
        ),
        (lambda x: (x - 1.0).log1p(), "log1p made -inf"),
    ],
)
def test_a_steep_operation_says_where_it_is_steep(step, where_it_is, backend):
    x = Tensor([0.0, 2.0], requires_grad=True)
    with debug(), pytest.raises(FloatingPointError) as caught:
        where(x > 0.0, step(x), 0.0).sum().backward()
    assert where_it_is in str(caught.value)


def test_what_is_no_array_of_floats_is_not_looked_at(any_backend):
    """An input that was not given, a whole number, indices."""
    x = randn(2, 3, requires_grad=True)
    with debug():
        z = functional.linear(x * 2, randn(4, 3)) + functional.embedding(
            [1, 0], x[:, :1]
        )
        z.sum().backward()
    assert x.grad.shape == (2, 3)


def test_beside_an_inf_there_may_be_nothing(any_backend):
    """An inf that was given is nobody's fault: to see that, all inputs are read."""
    with debug():
        z = functional.linear(Tensor([[1.0, 2.0]]), Tensor([[math.inf, 1.0]]), None)
        assert z.tolist() == [[math.inf]]
        assert (Tensor([math.inf]) * 2).tolist() == [math.inf]
