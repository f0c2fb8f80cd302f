"""What a function makes it may change in place, in a program too; what was there before
it may not."""

from __future__ import annotations

from typing import Any

import pytest
from targets import Target, assert_near, each_target

import nn
import tinygrad_attn as T
from tinygrad_attn import Tensor, use_backend, write

BEFORE = Tensor([0.0, 0.0, 0.0])
W = nn.Parameter([1.0, 2.0, 3.0])


def positions(x: Tensor) -> Any:
    table, at = T.zeros(2, 3), T.arange(2).unsqueeze(1)
    table[:, 0::2] = (at * T.exp(T.arange(2) * -0.5)).sin()
    table[:, 1] = at.squeeze(1) * 2.0
    return x + table


def rows(x: Tensor) -> Any:
    found = T.zeros(2, 3)
    for t in range(2):
        found[t] = x[t] * t + found[t - 1]
    return found


def computed(x: Tensor) -> Any:
    y = x * 2.0
    y[0] = 5.0
    y[1] = y[0] + x[1]
    y += 1
    y *= x
    return y


def where_a_mask_is_true(x: Tensor) -> Any:
    y = x.clone()
    y[y > 0.5] = 0.0
    y[T.tensor([False, True])] = x[0, 0]
    return y


def where_an_index_says(x: Tensor) -> Any:
    y = T.zeros(3)
    y[(x[0] > 0).long()] = 4.0
    return y + x


def a_view(x: Tensor) -> Any:
    a = T.zeros(2, 3)
    row, turned = a[0], a.T
    row += 1
    a.view(6)[5] = 7.0
    turned = a.T
    turned[1].fill_(3.0)
    return a + x


def a_copy(x: Tensor) -> Any:
    y = x.detach().clone()
    y[0] = 9.0
    return y * x


def plain_numbers(x: Tensor) -> Any:
    weights = T.tensor([1.0, 2.0, 3.0])
    weights[0] = 5.0
    weights[1:] *= 2.0
    return x * weights


def methods(x: Tensor) -> Any:
    y = T.zeros_like(x)
    y += x
    y.mul_(2.0).add_(x, alpha=-0.5).clamp_(max=1.0)
    y.scatter_(1, T.zeros(2, 1).long(), 8.0)
    return y


@pytest.mark.parametrize(
    "function",
    [
        positions,
        rows,
        computed,
        where_a_mask_is_true,
        where_an_index_says,
        a_view,
        a_copy,
        plain_numbers,
        methods,
    ],
)
@each_target
def test_what_a_function_makes(target: Target, function: Any) -> None:
    with use_backend(target.backend, "float64"):
        x = Tensor([[0.5, -1.5, 2.0], [0.75, 0.25, -3.0]])
        want = function(x)
        step = write(function, {"x": x}, target=target.name)
        for _ in range(2):
            assert_near(function.__name__, step(x), want, 1e-12)


def of_before(x: Tensor) -> Any:
    BEFORE.mul_(0.9)
    return x * BEFORE


def of_the_input(x: Tensor) -> Any:
    x[0] = 3.0
    return x * 2.0


def of_a_row_of_it(x: Tensor) -> Any:
    row = x[0]
    row += 1
    return row * x


def of_what_shares_it(x: Tensor) -> Any:
    y = x.detach()
    y += 1
    return y * x


def of_a_parameter(x: Tensor) -> Any:
    w = W.detach()
    w[0] = 9.0
    return w * x


@pytest.mark.parametrize(
    "function",
    [of_before, of_the_input, of_a_row_of_it, of_what_shares_it, of_a_parameter],
)
def test_what_was_there_before(function: Any) -> None:
    x = Tensor([[0.5, -1.5, 2.0], [0.75, 0.25, -3.0]])
    kept = [t.tolist() for t in (x, BEFORE, W)]
    with pytest.raises(RuntimeError, match="a tensor that was there before"):
        write(function, {"x": x}, target="python")
    assert [t.tolist() for t in (x, BEFORE, W)] == kept
