"""The checker, checked: it must catch a wrong rule, a zero rule and a wrong sign."""

from __future__ import annotations

import re

import pytest
from conftest import NUMPY, PYTHON

import nn
from tinygrad_attn import (
    GradcheckError,
    Tensor,
    functional,
    gradcheck,
    gradgradcheck,
    no_grad,
    ops,
    randn,
    where,
)
from tinygrad_attn.rules.operation import primitive


def square_with(vjp):
    """x², with a vjp that may be wrong."""

    @primitive()
    def square(xp, x):
        return x * x

    square.defvjp(vjp)
    return lambda x: ops.apply(square, x)


def right(xp, g, z, inputs, needs, saved):
    return (g * inputs[0] * 2.0,)


def wrong_factor(xp, g, z, inputs, needs, saved):
    return (g * inputs[0] * 2.00001,)


def wrong_in_one_place(xp, g, z, inputs, needs, saved):
    return (g * inputs[0] * Tensor([2.0, 2.0, 2.001]).array,)


def zero(xp, g, z, inputs, needs, saved):
    return (g * 0.0,)


def nothing(xp, g, z, inputs, needs, saved):
    return (None,)


def wrong_sign(xp, g, z, inputs, needs, saved):
    return (g * inputs[0] * -2.0,)


def not_a_number(xp, g, z, inputs, needs, saved):
    return (g * float("nan"),)


def right_but_constant(xp, g, z, inputs, needs, saved):
    x = inputs[0].detach() if isinstance(inputs[0], Tensor) else inputs[0]
    return (g * x * 2.0,)


def test_a_right_rule_passes(backend):
    x = randn(3, requires_grad=True)
    assert gradcheck(square_with(right), x)
    assert gradgradcheck(square_with(right), x)


@pytest.mark.parametrize(
    "vjp", [wrong_factor, wrong_in_one_place, zero, nothing, wrong_sign, not_a_number]
)
def test_a_wrong_rule_is_caught(vjp, backend):
    x = Tensor([1.0, -2.0, 3.0], requires_grad=True)
    with pytest.raises(GradcheckError):
        gradcheck(square_with(vjp), x)


def test_a_first_derivative_that_is_a_constant_to_the_second_is_caught(backend):
    x = Tensor([1.0, -2.0, 3.0], requires_grad=True)
    assert gradcheck(square_with(right_but_constant), x)
    with pytest.raises(GradcheckError):
        gradgradcheck(square_with(right_but_constant), x)


def test_the_error_names_the_input_and_both_numbers(backend):
    x, y = randn(2, requires_grad=True), randn(2, requires_grad=True)
    f = square_with(wrong_sign)
    with pytest.raises(GradcheckError) as caught:
        gradcheck(lambda a, b: a * 3.0 + f(b), [x, y])
    numbers = re.search(
        r"input 1 of shape \(2,\).* give (\S+), backpropagation (\S+)$",
        str(caught.value),
    )
    assert float(numbers[1]) == pytest.approx(-float(numbers[2]), rel=1e-6)


@pytest.mark.parametrize("backend", [PYTHON, NUMPY], indirect=True)
def test_only_the_inputs_that_require_a_gradient_are_checked(backend):
    x, y = randn(2, requires_grad=True), randn(2)
    assert gradcheck(lambda a, b: a * square_with(zero)(b), [x, y])


def test_nothing_to_check_is_an_error(backend):
    with pytest.raises(ValueError, match="no input requires a gradient"):
        gradcheck(lambda a: a, randn(2))


def test_a_result_without_a_graph_is_an_error(backend):
    with pytest.raises(GradcheckError, match="no output has a graph"):
        gradcheck(lambda a: a.detach(), randn(2, requires_grad=True))


# --- a function that does not use its argument ----------------------------------------

either_check = pytest.mark.parametrize("check", [gradcheck, gradgradcheck])


@either_check
def test_a_parameter_taken_from_outside_is_named(check, backend):
    model, x = nn.Linear(3, 1), randn(2, 3)
    said = (
        rf"^{check.__name__}: func did not use input 0, of shape \(1, 3\); it takes "
        r"that very tensor from outside, .*: compute with func's argument"
    )
    with pytest.raises(GradcheckError, match=said):
        check(lambda w: (model(x) ** 2).sum(), model.weight)
    assert check(
        lambda w: (functional.linear(x, w, model.bias) ** 2).sum(), model.weight
    )


@either_check
def test_a_parameter_used_as_argument_and_from_outside_is_named(check, backend):
    w = randn(3, requires_grad=True)
    made_before = w * w
    for outside in (w, made_before):
        with pytest.raises(
            GradcheckError, match=r"func uses input 0, of shape \(3,\), from outside"
        ):
            check(lambda v, outside=outside: v * v * outside, w)
    constant = made_before.detach()
    assert check(lambda v: v * v * constant, w)


@either_check
def test_one_unused_input_among_several_is_named(check, backend):
    x, y = randn(2, requires_grad=True), randn(3, requires_grad=True)
    said = r"func did not use input 1, of shape \(3,\); .* or leave the input out"
    with pytest.raises(GradcheckError, match=said):
        check(lambda a, b: a * a, [x, y])
    with pytest.raises(GradcheckError, match="did not use input 1"):
        check(lambda a, b: [a * a, ops.stop_gradient(a)], [x, y])
    y.requires_grad = False
    assert check(lambda a, b: a * a, [x, y])  # not to be checked


def test_an_unused_input_is_named_on_single_numbers_too(any_backend):
    w = randn(3, requires_grad=True)
    with pytest.raises(GradcheckError, match="did not use input 0"):
        gradcheck(lambda v: w * w, w)
    with pytest.raises(GradcheckError, match="did not use input 0"):
        gradcheck(lambda v: randn(2, requires_grad=True) * 0.0, w)


@either_check
def test_an_input_that_no_gradient_passes_is_used(check, backend):
    x = Tensor([1.0, -2.0, 3.0], requires_grad=True)
    y = Tensor([5.0, 6.0, 7.0], requires_grad=True)
    assert check(lambda a, b: [a * a, ops.stop_gradient(b) * 0.0], [x, y])
    assert check(lambda a, b: where(b > 0.0, a * a, 0.0), [x, y])
    assert check(lambda a, b: where(a < 9.0, a * a, b), [x, y])
    assert check(lambda a, b: [a * a, b], [x, y])
    assert check(lambda a, b: [a * a, b[:0]], [x, y])


def test_a_number_taken_out_of_an_input_is_a_use(backend):
    """No graph shows it; that the gradient is missing is said with both numbers."""
    x, y = randn(2, requires_grad=True), Tensor(3.0, requires_grad=True)
    with pytest.raises(GradcheckError, match="input 1 of shape .* backpropagation 0$"):
        gradcheck(lambda a, b: a * b.item(), [x, y])

    def untaped(a, b):
        with no_grad():
            scale = b * 2.0
        return a * scale

    with pytest.raises(GradcheckError, match="input 1 of shape .* backpropagation 0$"):
        gradcheck(untaped, [x, y])


def test_one_tensor_for_two_arguments(any_backend):
    """Each argument's derivative is its own, and not the sum over both."""
    x = randn(3, requires_grad=True)
    assert gradcheck(lambda a, b: a * a * b, [x, x])


# --- a random function ----------------------------------------------------------------


@either_check
def test_dropout_in_training_is_said_to_be_random(check, backend):
    layer, x = nn.Dropout(0.5), randn(4, 5, requires_grad=True)
    said = (
        rf"^{check.__name__}: func called twice with the same inputs gave different "
        r"results \(\S+, then \S+\); .* model\.eval\(\), or draw the mask once"
    )
    with pytest.raises(GradcheckError, match=said):
        check(lambda v: layer(v * v), x)
    layer.eval()
    assert check(lambda v: layer(v * v), x)
    keep = randn(4, 5) > 0.0
    assert check(lambda v: where(keep, v * v, 0.0), x)


def test_another_shape_at_the_second_call_is_said(any_backend):
    lengths = iter([3, 2])
    with pytest.raises(GradcheckError, match=r"shapes \[\(3,\)\], then \[\(2,\)\]"):
        gradcheck(lambda v: v[: next(lengths)], randn(3, requires_grad=True))


def test_nan_twice_is_not_random(any_backend):
    x = Tensor([1.0, -1.0], requires_grad=True)
    with pytest.raises(GradcheckError, match="input 0 of shape .* give nan"):
        gradcheck(lambda v: v.sqrt(), x)
