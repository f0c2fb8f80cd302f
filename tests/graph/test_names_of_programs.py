"""Small programs, and what their tensors are called."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass

import pytest

from tinygrad_attn import Tensor, concat, functional, randn, record, unfold


def leaf(*shape):
    return randn(*shape).requires_grad_()


PROGRAMS = []


def called(*names):
    """Decorator: all nodes of the program's graph have these names, in order."""

    def note(program):
        PROGRAMS.append(pytest.param(program, list(names), id=program.__name__))
        return program

    return note


class Holder:
    """An object with attributes."""


@called("x", "q", "k", "v", "s", "z")
def parts_of_a_tensor():
    x = leaf(6)
    q, k, v = x.split(2)
    s = q * k
    z = s * v
    return z


@called("x", "getslice", "a", "getslice_2", "b", "z")
def rows_of_a_tensor():
    x = leaf(2, 3)
    a, b = x
    z = a * b
    return z


@called("x", "getslice", "row", "out", "getslice_2", "row_2", "out_2")
def rows_in_a_loop():
    x, out = leaf(2, 3), 0.0
    for row in x:
        out = out + row
    return out


@called("x", "w", "mul", "out", "x_2", "w_2", "mul_2", "out_2")
def pairs_in_a_loop():
    out = 0.0
    for x, w in zip([leaf(2), leaf(2)], [leaf(2), leaf(2)]):
        out = out + x * w
    return out


@called("v", "w", "matmul", "y", "z")
def what_a_function_returns():
    x, w = leaf(2, 2), leaf(2, 2)

    def model(v):
        return (v @ w).tanh()

    y = model(x)
    z = y * y
    return z


@called("h", "x", "h_2", "h_3")
def one_operation_in_a_loop():
    h, x = leaf(3), leaf(3)
    for _ in range(2):
        h = h * x
    return h


@called("h", "x", "y", "y_2")
def one_operation_under_two_names_in_a_loop():
    h, x = leaf(3), leaf(3)
    for _ in range(2):
        y = h * x
        h = y
    return h


@called("h", "x", "h_2", "h_3")
def an_attribute_in_a_loop():
    model = Holder()
    model.h, model.x = leaf(3), leaf(3)
    for _ in range(2):
        model.h = model.h * model.x
    return model.h


@called("h", "x", "h_2", "h_3")
def a_key_in_a_loop():
    cache, x = {"h": leaf(3)}, leaf(3)
    for _ in range(2):
        cache["h"] = cache["h"] * x
    return cache["h"]


@called("h", "h_2", "h_3")
def a_variable_of_the_function_around():
    h = leaf(2)

    def step():
        nonlocal h
        h = h * 2.0

    step()
    step()
    return h


@called("x", "p", "p_2", "p_3", "z")
def what_is_used_in_reverse_is_numbered_as_it_was_computed():
    x = leaf(2)
    found = []
    for i in range(3):
        p = x * float(i + 1)
        found.append(p)
    z = concat(found[::-1])
    return z


@called("m", "mul", "m_2", "mul_2", "z")
def leaves_that_are_used_in_reverse():
    found = []
    for _ in range(2):
        m = leaf(2)
        found.append(m * 2.0)
    z = concat(found[::-1])
    return z


@called("x", "less", "where", "greater", "x_2", "less_2", "where_2", "greater_2", "x_3")
def a_function_of_several_steps_in_a_loop():
    x = leaf(3)
    for _ in range(2):
        x = x.clip(0.0, 1.0)
    return x


@called("x", "lo", "less", "where", "hi", "greater", "y")
def a_function_of_several_steps():
    x, lo, hi = leaf(3), leaf(3), leaf(3)
    y = x.clip(lo, max=hi)
    return y


@called("x", "astype", "y")
def a_step_before_the_function():
    x = Tensor([1, 2, 3])
    y = functional.softmax(x)
    return y


@called("b", "a", "a_2", "b_2", "z")
def two_variables_that_change_places():
    a, b = leaf(3), leaf(3)
    a, b = b * 2.0, a * 3.0
    z = a * b
    return z


@called("b", "y", "z", "total")
def two_variables_of_one_leaf():
    a = leaf(2)
    b = a
    y = b * 2.0
    z = a * 3.0
    total = y + z
    return total


@called("a", "y", "a_2", "y_2")
def a_variable_bound_anew():
    a = leaf(2)
    y = a * 1.0
    a = leaf(2)
    y = y * a
    return y


@called("x", "mask", "y")
def an_attribute_of_an_attribute():
    model, x = Holder(), leaf(2)
    model.inner = Holder()
    model.inner.mask = leaf(2)
    y = x * model.inner.mask
    return y


@called("x", "w", "b", "y")
def attributes_as_keyword_arguments():
    @dataclass
    class Weights:
        w: Tensor
        b: Tensor

    p, x = Weights(leaf(4, 3), leaf(4)), leaf(2, 3)
    y = functional.linear(x, bias=p.b, weight=p.w)
    return y


@called("w", "y")
def an_attribute_in_slots():
    class Slots:
        __slots__ = ("w",)

    held = Slots()
    held.w = leaf(2)
    y = held.w * 2.0
    return y


@called("ws.1", "ws.0", "y")
def places_in_a_list():
    ws, i = [leaf(2), leaf(2)], 1
    y = ws[i] * ws[0]
    return y


@called("ws.0", "add", "ws.1", "y")
def a_list_in_sum():
    ws = [leaf(2), leaf(2)]
    y = sum(ws)
    return y


@called("ws.0", "ws.1", "y")
def a_list_in_reduce():
    ws = [leaf(2), leaf(2)]
    y = functools.reduce(operator.mul, ws)
    return y


@called("x", "weight", "y")
def starred_arguments():
    given = {"x": leaf(2, 3), "weight": leaf(4, 3)}
    y = functional.linear(**given)
    return y


@called("x", "y")
def a_function_of_a_module_is_no_receiver():
    x = leaf(2, 3)
    y = functional.softmax(x)
    return y


@called("x", "reshape", "y")
def arguments_that_are_no_tensors():
    x, n, m, axis = leaf(2, 3), 3, 2, 1
    y = x.reshape(n, m).softmax(axis)
    return y


@called("z", "target", "sub", "mul", "sum", "loss")
def a_list_given_to_a_function():
    z, target = leaf(3), [1.0, 0.0, 1.0]
    loss = functional.mse_loss(z, target)
    return loss


@called("constant", "astype", "x", "pow", "y")
def a_whole_number_is_no_index():
    x = leaf(2)
    y = x * 2**x
    return y


@called("constant", "x", "y")
def a_list_that_no_variable_holds():
    x, n = leaf(2), 2.0
    y = [n, n] + x
    return y


@called("x", "y")
def one_or_the_other():
    x, twice = leaf(2), True
    y = x * 2.0 if twice else x * 3.0
    return y


@called("x", "a", "w", "b", "c", "add", "y")
def tuples_in_tuples():
    x, w = leaf(2), leaf(2)
    (a, b), c = (x * 2.0, w * 3.0), x * w
    y = a + b + c
    return y


@called("x", "tanh", "w", "maximum", "y")
def a_chain_of_methods_in_lines_of_their_own():
    x, w = leaf(2, 2), leaf(2, 2)
    y = (
        x.tanh()
        .maximum(
            w,
        )
        .reshape(4)
    )
    return y


@called("v", "w", "mul", "v_2", "mul_2", "y")
def a_comprehension():
    xs, w = [leaf(2), leaf(2)], leaf(2)
    y = concat([v * w for v in xs])
    return y


@called("h", "h_2", "h_3")
def a_walrus_in_a_loop():
    h = leaf(2)
    while (h := h * 2.0).data is not None and h._inputs[0]._op is None:
        pass
    return h


@pytest.mark.parametrize(("program", "expected"), PROGRAMS)
def test_a_program_and_its_names(program, expected):
    with record():
        z = program()
    assert [node.name for node in unfold(z)] == expected
