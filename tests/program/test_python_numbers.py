"""Numbers that are none, and kinds of numbers, in programs in plain Python.

All is as in the pure-Python backend, to the last bit: inf where `math` raises, nan for
nan, -0.0 for -0.0.
"""

from __future__ import annotations

import math
import re

import pytest
from in_python import runs_alike

from tinygrad_attn import Tensor, manual_seed, ops, use_backend

inf, nan = math.inf, math.nan


@pytest.fixture(autouse=True)
def on_python():
    with use_backend("python"):
        manual_seed(0)
        yield


SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -3.0, 1e-320, 1e308, -1e308, 800.0, -800.0]
SPECIAL += [inf, -inf, nan]

UNARY = {
    "neg": lambda x: -x,
    "exp": ops.exp,
    "log": ops.log,
    "log1p": ops.log1p,
    "sqrt": ops.sqrt,
    "sin": ops.sin,
    "cos": ops.cos,
    "tanh": ops.tanh,
    "erf": ops.erf,
    "square": lambda x: x**2.0,
    "root": lambda x: x**0.5,
    "cube": lambda x: x**3.0,
    "inverse": lambda x: x**-1.0,
    "power of 2": lambda x: 2.0**x,
    "reciprocal": lambda x: 1.0 / x,
    "halves": lambda x: x / -2.0,
}
BINARY = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "maximum": ops.maximum,
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
    "where": lambda x, y: ops.where(x > y, x, y),
    "a chain": lambda x, y: ops.maximum(ops.exp(x - y) / (x * y), ops.log(y) - 1.0),
}


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("repeat", [1, 20], ids=["careful", "at once"])
def test_functions_of_special_numbers(name, repeat):
    runs_alike(UNARY[name], Tensor(SPECIAL * repeat))
    for v in SPECIAL[:: 1 if repeat == 1 else 20]:  # a number alone
        runs_alike(UNARY[name], Tensor(v))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("repeat", [1, 2], ids=["careful", "at once"])
def test_functions_of_two_special_numbers(name, repeat):
    pairs = [(x, y) for x in SPECIAL for y in SPECIAL] * repeat
    x, y = (Tensor([*column]) for column in zip(*pairs))
    runs_alike(BINARY[name], x, y)
    runs_alike(BINARY[name], Tensor(SPECIAL), Tensor(SPECIAL).reshape(-1, 1))


@pytest.mark.parametrize("name", BINARY)
def test_functions_of_whole_numbers_and_bools(name):
    whole = Tensor([[0, 1, -1, 2, 7]])
    runs_alike(BINARY[name], whole, whole.mT)
    runs_alike(BINARY[name], whole, Tensor([0.0, -0.5, nan]).reshape(3, 1))
    if name not in ("sub", "a chain"):
        bools = Tensor([[True], [False]])
        runs_alike(BINARY[name], whole, bools)
        runs_alike(BINARY[name], bools, bools.mT)
        runs_alike(BINARY[name], bools, Tensor([0.5, -1.0]))


def test_reductions_of_special_numbers():
    rows = [[1.0, nan, 3.0], [nan, nan, nan], [-inf, -inf, -inf], [inf, -inf, 0.0]]
    rows += [[1.0, 3.0, 3.0], [0.0, -0.0, -1.0], [inf, 1.0, inf], [3.0, inf, nan]]

    def function(x):
        found = []
        for axis in (0, 1, None):
            found += [x.sum(axis), x.max(axis=axis)]
        return [
            *found,
            x.argmax(0),
            x.argmax(1),
            (x > 1.0).sum(0),
            (x > 1.0).max(axis=1),
        ]

    runs_alike(function, Tensor(rows))
    runs_alike(
        lambda x: [x.sum(1), x.max(axis=0), x.argmax(0)], Tensor([[2, 5], [5, 3]])
    )
    runs_alike(lambda x: [x.sum(), x.sum(0), x @ x.mT], Tensor([[]] * 3))


def test_the_largest_of_rows_is_subtracted_without_looking():
    """After x - max x nothing overflows, and no sum of exponentials is 0."""
    x = Tensor([[1000.0, -1000.0, nan], [inf, -inf, 0.0], [1e308, -1e308, 3.0]])
    step = runs_alike(lambda x: [x.softmax(-1), x.log_softmax(-1)], x)
    assert "over(" not in step.source
    assert " exp(" not in re.sub("#.*", "", step.source)
    step = runs_alike(lambda x: ops.exp(x - x.max(axis=0)) / x.sum(1), x)
    assert "over(" in step.source
    assert "    try:" not in step.source.split("def step(")[1]
