"""Programs in JavaScript, run in Node.js beside the engine itself."""

from __future__ import annotations

import math
import re
import struct
from random import Random

import pytest
import rule_cases
from conftest import flatten, needs_numpy
from in_node import AsItIs, Job, needs_node, run, run_all
from programs import NAMES, OURS, Leaf, Step, draw_program
from programs import run as run_program

import nn
from tinygrad_attn import (
    Tensor,
    concat,
    functional,
    manual_seed,
    no_grad,
    ops,
    use_backend,
)
from tinygrad_attn.autograd.recording import apply
from tinygrad_attn.program.drafting import draft_of
from tinygrad_attn.program.listing import arranged
from tinygrad_attn.program.write import write
from tinygrad_attn.program.writers.javascript_text import JavaScriptText
from tinygrad_attn.program.writers.numpy_text import NumPyText

pytestmark = [needs_node, needs_numpy]
inf, nan = math.inf, math.nan

# --- beside the engine ----------------------------------------------------------------


@pytest.fixture(autouse=True)
def float64():
    """Models are made on NumPy, with 64 bits."""
    with use_backend("numpy", "float64"):
        manual_seed(0)
        yield


def numbers_of(step):
    """What a program has to load: name → numbers."""
    return {b.name: t.tolist() for t, b in step.program.leaves.items()}


def job(function, inputs, *steps, update=None, clip=None, show=()):
    """A program and what it is given at each step; by default the examples, once."""
    written = write(function, inputs, update=update, clip=clip, target="javascript")
    return Job(written.source, numbers_of(written), [*steps] or [inputs], [*show])


def assert_near(what, got, want, tolerance=1e-12):
    """Numbers are equal up to rounding, relative to the largest of them; nan and inf
    are where they should be."""
    got, want = ([float(v) for v in flatten(x)] for x in (got, want))
    assert len(got) == len(want), what
    scale = max([abs(v) for v in want if math.isfinite(v)], default=1.0)
    for a, b in zip(got, want):
        if not (a == b or (a != a and b != b)):
            assert abs(a - b) <= tolerance * scale, f"{what}: {a}, not {b}"


def outputs(found, which=0):
    """What a step returned beside a loss, in order."""
    step = found.steps[which]
    assert "error" not in step, step
    return [*step["outputs"].values()]


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
        write(lambda k: k + Tensor([2**53 + 1]), {"k": [1]}, target="javascript")
    with pytest.raises(ValueError, match=r"9007199254740993 is in the program; Java"):
        write(lambda k: k * (2**53 + 1), {"k": [1]}, target="javascript")
    steps = [{"k": [2**30]}, {"k": [2**54]}, {"k": [0.5]}, {"k": [nan]}]
    found = run_all([job(lambda k: k * k, {"k": [1]}, *steps)])[0].steps
    assert [step["error"] for step in found] == ["RangeError"] * 4
    assert "the whole number 1152921504606847000 was computed" in found[0]["says"]
    assert "it must be whole numbers of at most 2 ** 53" in found[1]["says"]


# --- views, rows, every rule ----------------------------------------------------------


def drawn(random, *shape):
    """Random numbers, in rows."""
    if not shape:
        return random.uniform(-1, 1)
    return [drawn(random, *shape[1:]) for _ in range(shape[0])]


def turned(random, x):
    """A view of x, turned and cut anywhere."""
    order = random.sample(range(3), 3)
    steps = [random.choice([1, 1, 2, -1, -2]) for _ in range(3)]
    cuts = [slice(None, None, s) if s < 0 else slice(1, None, s) for s in steps]
    return x.permute_dims(order)[tuple(cuts)], (order, steps)


@pytest.mark.parametrize("typed", [True, False])
def test_views_with_any_strides(typed):
    jobs, wants = [], []
    for seed in range(20):
        random = Random(seed)
        x = drawn(random, 4, 5, 6)

        def function(x, seed=seed):
            random = Random(seed)
            found = []
            for _ in range(3):
                (y, _), (z, _) = turned(random, x), turned(random, x)
                axis = random.choice([0, 1, 2, (0, 2), (1, 2), (0, 1), (0, 1, 2)])
                k = random.randrange(3)
                w = z.broadcast_to((2, *z.shape)).permute_dims((1, 0, 2, 3))
                found += [y * 2 - y[:1], y.sum(axis), y.max(axis), y.argmax(k)]
                found += [w + 1, w.sum(k), y @ y.permute_dims((0, 2, 1)), y[0].mT @ y]
                found += [y.reshape(-1), concat([y, y * 2], axis=k), y > y[:, :, :1]]
                found += [ops.place(y, ((1, None, 1), *[(0, None, 1)] * 2), padded(y))]
            return found

        step = write(function, {"x": x}, target="javascript")
        text = JavaScriptText(step.program, typed=typed).text()
        jobs.append(Job(text, {}, [{"x": x}]))
        wants.append([z.tolist() for z in function(Tensor(x))])
    for seed, (found, want) in enumerate(zip(run_all(jobs), wants)):
        for k, (a, b) in enumerate(zip(outputs(found), want, strict=True)):
            assert_near(f"seed {seed}, {k}", a, b if isinstance(b, list) else [b])


def padded(y):
    return (y.shape[0] + 1, *y.shape[1:])


def test_rows_are_taken_and_added():
    random = Random(3)
    inputs = {
        "x": drawn(random, 5, 3),
        "at": [[0, 4, 4], [2, 0, 1]],
        "g": drawn(random, 2, 3, 3),
    }

    def function(x, at, g):
        rows, columns = ops.take(x, at), ops.take(x.mT, at[:1] - 2 * (at[:1] > 2))
        added = ops.scatter_add(g, at, 5)
        turned = ops.scatter_add(g.permute_dims((1, 0, 2)), at.mT, 5)
        return [
            rows,
            columns,
            added,
            turned,
            ops.take(x[::-1, ::2], at),
            rows + added[0],
        ]

    got = outputs(run_all([job(function, inputs)])[0])
    want = function(*(Tensor(v) for v in inputs.values()))
    for a, b in zip(got, want, strict=True):
        assert_near("rows", a, b.tolist())


@pytest.fixture(scope="module")
def rules():
    """What every rule gives in JavaScript, and in the engine: loss and gradients."""
    jobs, wants = [], []
    with use_backend("numpy", "float64"):
        for case in rule_cases.CASES:
            manual_seed(1)
            given = case.make()
            tensors = {f"x{i}": x for i, x in enumerate(given) if isinstance(x, Tensor)}

            def loss(*inputs, case=case, given=given):
                found = iter(inputs)
                inputs = [next(found) if isinstance(x, Tensor) else x for x in given]
                z = apply(case.op, *inputs, **case.params)
                size = math.prod(z.shape)
                weights = Tensor([math.cos(i) for i in range(size)]).reshape(z.shape)
                return (z * weights).sum()

            jobs.append(job(loss, tensors))
            total = loss(*tensors.values())
            total.backward()
            wants.append(
                (
                    total.item(),
                    {n: x.grad.tolist() for n, x in tensors.items() if x.requires_grad},
                )
            )
    return dict(zip(map(str, rule_cases.CASES), zip(run_all(jobs), wants)))


@pytest.mark.parametrize("case", [*map(str, rule_cases.CASES)])
def test_every_rule_forward_and_backward(rules, case):
    found, (loss, gradients) = rules[case]
    (step,) = found.steps
    assert "error" not in step, step
    assert_near("loss", step["loss"], [loss])
    assert {*step["gradients"]} == {*gradients}
    for name, g in gradients.items():
        assert_near(name, step["gradients"][name], g)


class Computation:
    """A random program (tests/programs.py): leaves, and a loss of those that matter."""

    def __init__(self, seed):
        self.program = draw_program(Random(seed).randint)
        needed = {*self.program.results()}
        for name, item in reversed([*zip(NAMES, self.program.items)]):
            if name in needed and isinstance(item, Step):
                needed |= {i for i in item.inputs if isinstance(i, str)}
        self.all = {
            name: self.made(f"{seed} {name}", item)
            for name, item in zip(NAMES, self.program.items)
            if isinstance(item, Leaf)
        }
        self.leaves = {name: x for name, x in self.all.items() if name in needed}

    def made(self, seed, item):
        random = Random(seed)
        numbers = [random.uniform(-1.5, 1.5) for _ in range(math.prod(item.shape))]
        x = Tensor(numbers, dtype="float64").reshape(item.shape).detach()
        return x.requires_grad_(item.grad)

    def loss(self, *inputs):
        given = self.all | dict(zip(self.leaves, inputs))
        values = run_program(self.program, OURS, lambda name, item: given[name])
        results = [values[n] for n in self.program.results()]
        floats = [z for z in results if z.dtype == "float64"]
        terms = [(z * math.cos(i + 1)).sum() for i, z in enumerate(floats)]
        return sum(terms[1:], terms[0]) if terms else None


def test_random_programs():
    """As they are drawn in tests/programs.py, with all that the functions call."""
    jobs, wants = [], []
    for seed in range(80):
        drawn = Computation(seed)
        loss = drawn.loss(*drawn.leaves.values())
        if loss is None or not loss.requires_grad:
            continue
        try:
            jobs.append(job(drawn.loss, dict(drawn.leaves)))
        except (RuntimeError, ValueError) as error:  # a mask that decides a shape
            known = "asks for a number of an array", "does not depend on the input"
            assert any(text in str(error) for text in known)
            continue
        loss.backward()
        slopes = {n: x.grad for n, x in drawn.leaves.items() if x.grad is not None}
        wants.append((repr(drawn.program), loss.item(), slopes))
    assert len(jobs) > 50
    for found, (program, loss, slopes) in zip(run_all(jobs), wants, strict=True):
        (step,) = found.steps
        assert "error" not in step, (step, program)
        assert_near(program, step["loss"], [loss])
        assert {*step["gradients"]} == {*slopes}, program
        for name, g in step["gradients"].items():
            assert_near(program, g, slopes[name].tolist())
