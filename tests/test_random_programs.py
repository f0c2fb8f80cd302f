"""Random programs, held against PyTorch: values, first and second derivatives.

`programs.py` says what a program is and draws them. A program that once failed stays
here, among the examples.

FUZZ_EXAMPLES is how many are drawn (300 by default, always the same ones). With more,
or with FUZZ_SEED, they are fresh ones, and what they are made of is counted.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from random import Random

import programs
import public
import pytest
from conftest import assert_close, flatten, needs_numpy, needs_torch
from programs import DRAWS, OURS, Program, Step, draw_program, generic, leaf, step

from tinygrad_attn import (
    Tensor,
    Value,
    functional,
    grad,
    gradcheck,
    record,
    unfold,
    use_backend,
)
from tinygrad_attn.rules import composites, movement, primitives

HOW_MANY = int(os.environ.get("FUZZ_EXAMPLES", "300"))
SEED = os.environ.get("FUZZ_SEED")
FRESH = SEED is not None or HOW_MANY > 300
WITH_TORCH = OURS is not programs.EVALUATOR[0]

TOLERANCE = 1e-9  # relative to the largest number of each tensor, or 1


# --- what is compared -----------------------------------------------------------------


def our_leaf(name, item):
    numbers = generic(name, math.prod(item.shape))
    x = Tensor(numbers, dtype="float64").reshape(item.shape).detach()
    return x.requires_grad_(item.grad)


def torch_leaf(name, item):
    return programs.EVALUATOR[1](name, item).requires_grad_(item.grad)


def numbers_like(x, what):
    """Numbers without a pattern in the shape of x, beside it."""
    numbers = generic(what, math.prod(x.shape))
    if isinstance(x, Tensor):
        return Tensor(numbers, dtype="float64").reshape(tuple(x.shape))
    return x.new_tensor(numbers).reshape(x.shape)


def roots(program, values):
    """What the loss is made of, and with what weights."""
    outputs = [values[n] for n in program.results()]
    outputs = [z for z in outputs if programs.kind(z) == "float64"]
    return outputs, [numbers_like(z, f"weight {i}") for i, z in enumerate(outputs)]


def slopes(grad, outputs, weights, leaves, create_graph=False):
    """∂Σ weights · outputs / ∂leaf for each leaf; None where there is no path."""
    pairs = [(z, w) for z, w in zip(outputs, weights) if z.requires_grad]
    if not pairs or not leaves:
        return [None] * len(leaves)
    zs, ws = ([pair[i] for pair in pairs] for i in (0, 1))
    return grad(zs, leaves, ws, create_graph=create_graph, allow_unused=True)


def derivatives(program, functions, make_leaf, grad, second=True):
    """Every value, and for every leaf its first and second derivative."""
    values = programs.run(program, functions, make_leaf)
    leaves = [values[n] for n in program.leaves()]
    outputs, weights = roots(program, values)
    first = slopes(grad, outputs, weights, leaves, create_graph=second)
    told = {f"value {n}": v for n, v in values.items()}
    told.update(named("first", program, first, leaves))
    if second:
        again = [(g, i) for i, g in enumerate(first) if g is not None]
        directions = [numbers_like(g, f"direction {i}") for g, i in again]
        curved = slopes(grad, [g for g, _ in again], directions, leaves)
        told.update(named("second", program, curved, leaves))
    return told


def named(what, program, gradients, leaves):
    """By the leaf's name; no gradient is a gradient of zeros."""
    return {
        f"{what} derivative in {n}": x.detach() * 0.0 if g is None else g
        for n, g, x in zip(program.leaves(), gradients, leaves)
    }


def one_backward(program):
    """On the scalar namespace: values and first derivatives, by one backward()."""
    values = programs.run(program, OURS, our_leaf)
    outputs, weights = roots(program, values)
    loss = sum([(z * w).sum() for z, w in zip(outputs, weights)], Tensor(0.0))
    if loss.requires_grad:
        loss.backward()
    leaves = [values[n] for n in program.leaves()]
    told = {f"value {n}": v for n, v in values.items()}
    return {**told, **named("first", program, [x.grad for x in leaves], leaves)}


def check(program):
    """Everything about a program that must hold.

    Raises:
        AssertionError: says what differs, and prints the program.
    """
    try:
        want = expected(program)
        for backend in ("python", "numpy"):
            with use_backend(backend, "float64"):
                compare(derivatives(program, OURS, our_leaf, grad), want, backend)
        with use_backend("scalar", "float64"):
            compare(one_backward(program), want, "scalar")
    except Exception as error:
        kind = type(error).__name__
        raise AssertionError(f"{kind}: {error}\n\nin\n\n{program!r}\n") from error


def compare(got, want, backend):
    for what, x in got.items():
        y = want[what]
        assert tuple(x.shape) == tuple(y.shape), f"{what} on {backend}: {x.shape}"
        assert programs.kind(x) == programs.kind(y), f"{what} on {backend}: {x.dtype}"
        if programs.kind(x) == "float64":
            kinds = {type(v).__name__ for v in flatten(x.tolist())}
            assert kinds <= {"float"}, f"{what} on {backend}: {kinds} among floats"
        try:
            assert_close(x, y, TOLERANCE)
        except AssertionError as error:
            raise AssertionError(f"{what} on {backend}: {error}") from None


def expected(program):
    """By PyTorch; without it, by ourselves once finite differences agree."""
    if WITH_TORCH:
        import torch

        def torch_grad(*given, **settings):
            found = torch.autograd.grad(*given, **settings)
            # PyTorch's zeros without storage cannot be read
            return [g if g is None or not g._is_zerotensor() else None for g in found]

        return derivatives(program, programs.EVALUATOR[0], torch_leaf, torch_grad)
    with use_backend("python", "float64"):
        check_by_differences(program)
        return derivatives(program, OURS, our_leaf, grad)


def check_by_differences(program):
    """Both derivatives along one random direction of all leaves at once."""

    def moved(t):
        def moved_leaf(name, item):
            x = our_leaf(name, item).detach()
            if not item.grad:
                return x
            return x + numbers_like(x, f"along {name}") * t

        return programs.run(program, OURS, moved_leaf)

    def loss(t):
        pairs = zip(*roots(program, moved(t)))
        return sum([(z * w).sum() for z, w in pairs], t * 0.0)

    def slope(t):
        values = moved(t)
        leaves = [values[n] for n in program.leaves()]
        first = slopes(grad, *roots(program, values), leaves, create_graph=True)
        return sum(
            [(g * numbers_like(g, "along")).sum() for g in first if g is not None],
            t * 0.0,
        )

    for function in (loss, slope):
        t = Tensor(0.0, requires_grad=True)
        assert gradcheck(function, t, eps=1e-4, atol=1e-5, rtol=1e-5)


# --- the random ones ------------------------------------------------------------------


@needs_numpy
def test_random_programs(capsys):
    hypothesis = pytest.importorskip("hypothesis")
    from hypothesis import strategies

    counts = Counter()

    @strategies.composite
    def random_programs(draw):
        return draw_program(lambda low, high: draw(strategies.integers(low, high)))

    @hypothesis.settings(
        max_examples=HOW_MANY,
        derandomize=not FRESH,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(random_programs())
    def holds(program):
        counts.update(item.name for item in program.items if isinstance(item, Step))
        counts["programs"] += 1
        check(program)

    if SEED is not None:
        holds = hypothesis.seed(int(SEED))(holds)
    holds()
    if FRESH:
        with capsys.disabled():
            print("\n" + ", ".join(f"{n} {name}" for name, n in counts.most_common()))


@needs_numpy
def test_plainly_random_programs():
    """The same without Hypothesis, which prefers small numbers."""
    first = int(SEED or Random().randrange(10**9)) if FRESH else 0
    for seed in range(first, first + HOW_MANY // 3):
        check(draw_program(Random(seed).randint))


def test_every_operation_occurs():
    counts = Counter()
    for seed in range(200):
        counts.update(
            i.name
            for i in draw_program(Random(seed).randint).items
            if isinstance(i, Step)
        )
    assert set(counts) == set(DRAWS) == set(OURS)


NOT_DRAWN = {
    "argmax": "whole numbers",
    "argmin": "whole numbers",
    "one_hot": "whole numbers",
    "causal_mask": "bools",
    "padding_mask": "bools",
    "stop_gradient": "finite differences do not stop there",
    "dropout": "random",
    "embedding": "take by another name",
}


def test_no_public_operation_is_missing():
    split = [name.split(".") for name in public.functions()]
    names = {name for file, name in split if file != "creation"}
    assert names - set(DRAWS) == set(NOT_DRAWN)


# --- examples: programs to read, and those that once failed ---------------------------

EXAMPLES = {
    "a diamond, and a result made of results": Program(
        leaf(2, 3),  # a
        step("tanh", "a"),  # b
        step("mul", "b", "b"),  # c
        step("sub", "b", "c"),  # d
        step("mul", "c", "d"),  # e
    ),
    "a leaf that nothing uses, one that a dead end uses, a constant": Program(
        leaf(2),  # a
        leaf(2),  # b
        leaf(2),  # c
        leaf(2, grad=False),  # d
        step("exp", "b"),  # e
        step("mul", "c", "d"),  # f
        without="e",
    ),
    "nothing wants a gradient": Program(
        leaf(2, grad=False),  # a
        step("exp", "a"),  # b
    ),
    "a row that may attend to nothing": Program(
        leaf(2, 3),  # a
        leaf(3, 3),  # b
        step(
            "scaled_dot_product_attention",
            "a",
            "b",
            "b",
            mask=[[True, False, True], [False, False, False]],
        ),  # c
        step("tanh", "c"),  # d
    ),
    "rows taken twice, whose gradients meet again": Program(
        leaf(3, 2),  # a
        step("index", "a", key=([0, 0, -1], slice(None, None, -1))),  # b
        step("matrix_transpose", "b"),  # c
        step("matmul", "c", "b"),  # d
        step("einsum", "b", "d", equation="ij,kj->ki"),  # e
    ),
    "a number of no axis, stretched to nothing and to much": Program(
        leaf(),  # a
        step("expand", "a", (2, 0, 3)),  # b
        step("broadcast_to", "a", shape=(2, 2)),  # c
        step("sum", "b", axis=(0, 1)),  # d
        step("logsumexp", "c", axis=None),  # e
    ),
    "flatten of nothing keeps its other sizes": Program(
        leaf(0, 1, 2),  # a
        step("flatten", "a", 1, -1),  # b  (0, 2)
    ),
    "softmax of nothing": Program(
        leaf(2, 0),  # a
        step("softmax", "a", axis=-1),  # b
    ),
    "log_softmax of nothing": Program(
        leaf(2, 0),  # a
        step("log_softmax", "a", axis=-1),  # b
    ),
    "layer_norm of nothing": Program(
        leaf(2, 0),  # a
        step("layer_norm", "a", (0,)),  # b
    ),
    "rms_norm of nothing": Program(
        leaf(2, 0),  # a
        step("rms_norm", "a", (0,)),  # b
    ),
    "attention where there is no position": Program(
        leaf(1, 2),  # a
        leaf(0, 2),  # b
        leaf(0, 3),  # c
        step("scaled_dot_product_attention", "a", "b", "c"),  # d
    ),
    "ints among floats: these are floats then": Program(
        leaf(2, 2),  # a
        step("compare", "a", 0.0, how=">"),  # b
        step("where", "b", "a", 3),  # c
        step("maximum", "a", 1),  # d
        step("clip", "a", 0, 1),  # e
        step("tril", "a", k=0),  # f
        step("triu", "a", k=0),  # g
    ),
    "take_along_axis broadcasts its indices": Program(
        leaf(2, 3),  # a
        step("take_along_axis", "a", indices=[[0, 1]], axis=1),  # b  (2, 2)
    ),
    "take_along_axis broadcasts x": Program(
        leaf(1, 2),  # a
        step("take_along_axis", "a", indices=[[0, 1], [1, 1]], axis=1),  # b
    ),
    "take_along_axis counts from the end": Program(
        leaf(2, 3),  # a
        step("take_along_axis", "a", indices=[[-1], [0]], axis=1),  # b
    ),
    "a ... of no axis keeps arrays apart, as in NumPy": Program(
        leaf(2, 3, 4),  # a
        step("index", "a", key=(slice(None), [0], Ellipsis, [0])),  # b  (1, 2)
    ),
}


@needs_numpy
@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name):
    check(EXAMPLES[name])


def test_the_mean_over_no_row_is_nan(backend):
    """For logits (C,), a row without a batch, it was -0.0. (No program has a nan.)"""
    loss = functional.cross_entropy(Tensor([0.5, 1.0, -1.0]), -100)
    assert math.isnan(loss.item())


# --- can the checker fail? ------------------------------------------------------------


def scaled(right, factor):
    def vjp(xp, g, *args, **params):
        shares = right(xp, g, *args, **params)
        return [None if s is None else s * factor for s in shares]

    return vjp


def off_by_a_millionth(right):
    return scaled(right, 1.0 + 1e-6)


def a_constant_when_recorded(right):
    """Right in the first derivative, and only there: the second ends here."""

    def vjp(xp, g, *args, **params):
        shares = right(xp, g, *args, **params)
        return [None if s is None else xp.stop_gradient(s) for s in shares]

    return vjp


def lost_by_one_input(right):
    """What all but the first input receive is right."""

    def vjp(xp, g, *args, **params):
        lost, *shares = right(xp, g, *args, **params)
        return [None if lost is None else lost * 0.0, *shares]

    return vjp


def notices(how, within=200):
    """Whether one of the first programs fails, and in this way."""
    for seed in range(within):
        try:
            check(draw_program(Random(seed).randint))
        except AssertionError as error:
            return re.search(how, str(error)) is not None
    return False


WRONG = pytest.mark.parametrize(
    ("wrongly", "how"),
    [
        (off_by_a_millionth, "derivative in . on python: off by"),
        (a_constant_when_recorded, "second derivative in . on python: off by"),
        (lost_by_one_input, "derivative in . on python: off by"),
    ],
)


@needs_numpy
@needs_torch
@WRONG
@pytest.mark.parametrize(
    "op",
    [
        primitives.tanh,
        primitives.mul,
        primitives.matmul,
        movement.concat,
        composites.softmax,
        composites.scaled_dot_product_attention,
    ],
    ids=lambda op: op.name,
)
def test_a_wrong_rule_is_noticed(op, wrongly, how, monkeypatch):
    monkeypatch.setattr(op, "vjp", wrongly(op.vjp))
    assert notices(how)


@needs_numpy
@needs_torch
def test_a_wrong_forward_is_noticed(monkeypatch):
    monkeypatch.setattr(primitives.exp, "forward", lambda xp, x: xp.exp(x) * 1.00000001)
    assert notices("value . on python: off by")


@needs_numpy
def test_a_wrong_slope_of_single_numbers_is_noticed(monkeypatch):
    right = Value.exp

    def exp(self):
        z = right(self)
        z._dx = z.data * 1.000001
        return z

    monkeypatch.setattr(Value, "exp", exp)
    assert notices("first derivative in . on scalar: off by")


@needs_numpy
@pytest.mark.parametrize("op", [primitives.tanh, composites.softmax])
def test_a_wrong_rule_is_noticed_without_pytorch(op, monkeypatch):
    monkeypatch.setitem(globals(), "WITH_TORCH", False)
    monkeypatch.setattr(op, "vjp", scaled(op.vjp, 1.01))
    assert notices("finite differences give")


# --- the same programs at every level -------------------------------------------------


@pytest.mark.parametrize(
    "backend", ["python", pytest.param("numpy", marks=needs_numpy)]
)
def test_a_random_program_is_the_same_at_every_level(backend):
    """`unfold` compares each level with what was recorded, and raises if it departs."""
    sizes = Counter()
    with use_backend(backend, "float64"):
        for seed in range(max(30, HOW_MANY // 20)):
            program = draw_program(Random(seed).randint)
            with record():
                values = programs.run(program, OURS, our_leaf)
                outputs, weights = roots(program, values)
                pairs = zip(outputs, weights)
                loss = sum([(z * w).sum() for z, w in pairs], Tensor(0.0))
            for level in "module", "op", "primitive", "scalar":
                try:
                    sizes[level] += len(unfold(loss, level))
                except Exception as error:
                    raise AssertionError(f"{level}: {error} in\n{program!r}") from error
    assert sizes["module"] <= sizes["op"] < sizes["primitive"] < sizes["scalar"]
