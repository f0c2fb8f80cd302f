"""The checker, checked: it must catch a wrong rule, a zero rule and a wrong sign."""

from __future__ import annotations

import re

import pytest
from conftest import NUMPY, PYTHON

from tinygrad_attn import GradcheckError, Tensor, gradcheck, gradgradcheck, ops, randn
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
    return (g * inputs[0] * Tensor([2.0, 2.0, 2.001]).data,)


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
