"""Functions of numbers in JavaScript, of special values too: as in NumPy and Python."""

from __future__ import annotations

import math
from random import Random

import pytest
from conftest import flatten, needs_numpy
from in_node import (
    JS,
    job,
    needs_node,
    outputs,
    run_all,
)

from tinygrad_attn import (
    Tensor,
    ops,
    use_backend,
)
from tinygrad_attn.program.write import write

pytestmark = [needs_node, needs_numpy, pytest.mark.usefixtures("on_numpy")]
inf, nan = math.inf, math.nan


# --- functions ------------------------------------------------------------------------

SPECIAL = [
    *(0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 0.1, 1e5, -0.9999999),
    *(1.0000001, 1e-8, -1e-8, 1e-310, -5e-324, 1e308, -1e308, 709.5, 710.0, -745.0),
    *(-746.0, nan, inf, -inf),
]


def of_one(x):
    return {
        "exp": ops.exp(x),
        "log": ops.log(x),
        "log1p": ops.log1p(x),
        "sqrt": ops.sqrt(x),
        "sin": ops.sin(x),
        "cos": ops.cos(x),
        "tanh": ops.tanh(x),
        "erf": ops.erf(x),
        "neg": -x,
        "abs": abs(x),
        "square": x**2,
        "root": x**0.5,
        "reciprocal": x**-1,
        "cube": x**3,
        "to the 0": x**0,
        "to the nan": x**nan,
        "to the inf": x**inf,
        "to the -inf": x**-inf,
        "of 2": 2.0**x,
        "of 1": 1.0**x,
        "of -1": (-1.0) ** x,
        "maximum": ops.maximum(x, 0.0),
        "not 0": x.astype("bool"),
        "is 0.1": x == 0.1,
    }


def of_two(x, y):
    return {
        "add": x + y,
        "sub": x - y,
        "mul": x * y,
        "div": x / y,
        "pow": x**y,
        "maximum": ops.maximum(x, y),
        "eq": x == y,
        "ne": x != y,
        "lt": x < y,
        "le": x <= y,
        "gt": x > y,
        "ge": x >= y,
        "where": ops.where(x > y, x, y),
    }


PAIRS = {
    "x": [x for x in SPECIAL for _ in SPECIAL],
    "y": [y for _ in SPECIAL for y in SPECIAL],
}


def alike(a, b):
    """Two numbers are the same, up to the last bits; 0 and -0 are two numbers."""
    if a != a or b != b:
        return a != a and b != b
    if a == b:
        return math.copysign(1.0, a) == math.copysign(1.0, b)
    return abs(a - b) <= max(8e-16 * abs(b), 5e-324)


@pytest.mark.parametrize(
    ("function", "inputs"), [(of_one, {"x": SPECIAL}), (of_two, PAIRS)]
)
def test_special_values_as_in_numpy_and_in_python(function, inputs):
    names = [*function(*map(Tensor, inputs.values()))]
    values = job(lambda *given: [*function(*given).values()], inputs)
    got = dict(zip(names, outputs(run_all([values])[0])))
    for backend in ("numpy", "python"):
        with use_backend(backend, "float64"):
            want = function(*map(Tensor, inputs.values()))
        for name in names:
            for i, (a, b) in enumerate(zip(got[name], flatten(want[name].tolist()))):
                given = [numbers[i] for numbers in inputs.values()]
                if name in ("maximum", "abs") and a == b == 0:
                    continue  # of 0 and -0 either may be the larger one
                if name == "root" and given[0] in (0.0, -inf) and backend == "python":
                    continue  # a square root to NumPy and to us, a power to Python
                assert alike(a, float(b)), (backend, name, given)


def test_erf_is_as_exact_as_pythons():
    random = Random(1)
    x = [sign * 10 ** random.uniform(-320, 3) for _ in range(4000) for sign in (1, -1)]
    x += [random.uniform(-7, 7) for _ in range(8000)] + [1.75, 6.0, -6.0, 5.9999999]
    (got,) = outputs(run_all([job(ops.erf, {"x": x})])[0])
    for v, a in zip(x, got):
        b = math.erf(v)
        assert abs(a - b) <= max(1.5e-15 * abs(b), 5e-324), v


def test_float32_is_rounded_where_numpy_rounds():
    inputs = {"x": [v for v in SPECIAL if v != v or abs(v) < 3e38 or abs(v) == inf]}

    def function(x):
        exact = [x + 0.1, x * 0.1, x / 3, x == 0.1, x > 0.1, ops.where(x > 1, x, 0.1)]
        return [*exact, ops.exp(x), ops.tanh(x) ** 3, ops.erf(x), x[:3].sum() * 0.7]

    with use_backend("numpy", "float32"):
        got = outputs(run_all([job(function, inputs)])[0])
        want = [flatten([z.tolist()]) for z in function(Tensor(inputs["x"]))]
    for k, (found, numbers) in enumerate(zip(got, want, strict=True)):
        for a, b in zip(found, map(float, numbers), strict=True):
            near = alike(a, b) or (k > 5 and abs(a - b) <= 5e-7 * abs(b))
            assert near, (k, a, b)


def test_whole_numbers():
    inputs = {
        "k": [7, -7, 0, 3, 2**52],
        "m": [2, -3, 5, 0, 1],
        "x": [2.7, -2.7, 0, 1, 9],
    }

    def function(k, m, x):
        return [
            *(k + m - 2**52, k * m, -m, k / m, k**2.0, k > m, (k > 3).sum(), m.sum()),
            *(x.astype("int64"), ops.where(k > m, k, m), 1.0 / (0 * m), k * 0.5),
            *((k > m) * (m > 0), ops.maximum(k, m), k.argmax(0), m == 2.5),
        ]

    got = outputs(run_all([job(function, inputs)])[0])
    want = function(*(Tensor(v) for v in inputs.values()))
    for k, (a, b) in enumerate(zip(got, want)):
        for p, q in zip(a, flatten(b.tolist())):
            assert alike(p, float(q)), k


def test_a_whole_number_without_a_float_is_refused():
    with pytest.raises(ValueError, match=r"9007199254740993 is in the program; Java"):
        write(lambda k: k + Tensor([2**53 + 1]), {"k": [1]}, target=JS)
    with pytest.raises(ValueError, match=r"9007199254740993 is in the program; Java"):
        write(lambda k: k * (2**53 + 1), {"k": [1]}, target=JS)
    steps = [{"k": [2**30]}, {"k": [2**54]}, {"k": [0.5]}, {"k": [nan]}]
    found = run_all([job(lambda k: k * k, {"k": [1]}, *steps)])[0].steps
    assert [step["error"] for step in found] == ["RangeError"] * 4
    assert "the whole number 1152921504606847000 was computed" in found[0]["says"]
    assert "it must be whole numbers of at most 2 ** 53" in found[1]["says"]
