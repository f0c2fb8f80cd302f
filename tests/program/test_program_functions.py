"""Every public function and every rule as a program, in every language, beside eager.

The tables (tests/function_cases.py, tests/rule_cases.py) say how to call each. Many are
written as one program, which returns a loss and all results: a compiler is slower to
start than to compile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import function_cases as table
import pytest
from programs import generic
from rule_cases import CASES
from targets import (
    Target,
    assert_near,
    each_target,
    each_target_and_dtype,
    gradients_of,
)

from tinygrad_attn import Tensor, manual_seed, ops, use_backend, write
from tinygrad_attn.autograd.recording import apply
from tinygrad_attn.rules import primitives

ROWS = [
    *table.ELEMENTWISE,
    *table.BY_RULE,
    *table.REDUCTIONS,
    *table.SHAPING,
    *table.MATMUL,
    *table.EINSUM,
    *table.FUNCTIONAL,
    *table.CREATION,
]
SHAPES = [(), (0,), (0, 3), (2, 0), (1,)]
PAIRS = [((2, 1), (1, 3)), ((3,), (2, 3)), ((), (2,)), ((0,), (1,))]
NO_PROGRAM = {
    "indexing.one_hot as many as needed": "the shape depends on the numbers",
    "creation.ones_like whole": "no number of its input counts",
    "creation.zeros_like bools": "no number of its input counts",
}


class Call:
    """A function, and what it is called with."""

    def __init__(
        self, label: str, function: Callable[..., Any], given: list[Any], dtype: str
    ) -> None:
        self.label, self.function = label, function
        self.given = [of_dtype(x, dtype) for x in given]
        tensors = [x for x in self.given if isinstance(x, Tensor)]
        self.parameters = [x for x in tensors if x.requires_grad]
        self.inputs = [x for x in tensors if not x.requires_grad]

    def results(self, inputs: Iterator[Tensor]) -> list[Tensor]:
        """What the function gives for these inputs in the place of its own."""
        given = [
            next(inputs) if isinstance(x, Tensor) and not x.requires_grad else x
            for x in self.given
        ]
        z = self.function(*given)
        return [z] if isinstance(z, Tensor) else list(z)


def of_dtype(x: Any, dtype: str) -> Any:
    """A Tensor of floats as a leaf of this dtype; all else as it is."""
    if not isinstance(x, Tensor) or not x.dtype.startswith("float"):
        return x
    leaf = (x * 1.0).astype(dtype) if x.dtype != dtype else x * 1.0
    return Tensor(leaf).requires_grad_(x.requires_grad)


class Calls:
    """Many of them, as one function."""

    def __init__(self, calls: list[Call]) -> None:
        self.calls = calls
        inputs = [x for call in calls for x in call.inputs]
        self.inputs = {f"x{i}": x for i, x in enumerate(inputs)}

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """A loss, a sum over all results that need a gradient; and all results."""
        left, found = iter(inputs), []
        for call in self.calls:
            found += call.results(left)
        terms = [weighed(z, i) for i, z in enumerate(found) if z.requires_grad]
        # a parameter, unchanged, is nothing that was computed
        told = [z.detach() for z in found]
        return (sum(terms[1:], terms[0]), *told) if terms else tuple(told)

    def compare(self, target: Target, dtype: str) -> None:
        """Writes them, runs them once, and compares with eager."""
        want = self(*self.inputs.values())
        parameters = [p for call in self.calls for p in call.parameters]
        for p in parameters:
            p.grad = None
        if parameters:
            want[0].backward()
        step = write(self, self.inputs, target=target.name)
        got, gradients = gradients_of(step, step(**self.inputs))
        assert step.target == target.name
        tolerance = target.near[dtype]
        labels = [c.label for c in self.calls for _ in c.results(iter(c.inputs))]
        for label, a, b in zip(["loss", *labels][-len(want) :], got, want):
            assert_near(label, a, b, tolerance)
        for call in self.calls:
            for p in call.parameters:
                assert (p.grad is None) == (id(p) not in gradients), call.label
                if p.grad is not None:
                    assert_near(call.label, gradients[id(p)], p.grad, tolerance)


def weighed(z: Tensor, i: int) -> Tensor:
    weights = generic(f"weight {i}", z.size)
    return (z * Tensor(weights, dtype=z.dtype).reshape(z.shape)).sum()


def every_call(dtype: str) -> Iterator[Call]:
    """All rows of the tables; those of any shape also empty and as single numbers."""
    for row in ROWS:
        if row.plain or row.seeded or str(row) in NO_PROGRAM:
            continue
        shapes: list[Any] = [()]
        shapes += [(shape,) for shape in SHAPES] if row.any_shape else []
        if row.broadcasts:
            extra = len(row.inputs) - 2
            shapes += [(*[pair[0]] * extra, *pair) for pair in PAIRS]
        for given in shapes:
            inputs = row.make(*given)
            try:
                row.call(*inputs)
            except ValueError:
                continue  # of nothing there is none
            yield Call(f"{row} {given or ''}", row.call, inputs, dtype)
    for case in CASES:

        def rule(*x: Any, case: Any = case) -> Any:
            return apply(case.op, *x, **case.params)

        yield Call(f"rule {case}", rule, case.make(), dtype)


@each_target_and_dtype
def test_every_function_and_rule(target: Target, dtype: str) -> None:
    with use_backend(target.backend, dtype):
        manual_seed(0)
        calls = [*every_call(dtype)]
        assert len(calls) > 900
        Random(0).shuffle(calls)
        if target.programs < 300:  # compiled; half of them with these floats
            calls = calls[dtype == "float32" :: 2]
        for start in range(0, len(calls), 60):
            Calls(calls[start : start + 60]).compare(target, dtype)


# --- special numbers ------------------------------------------------------------------

SPECIAL = [
    *(0.0, -0.0, math.inf, -math.inf, math.nan),
    *(1.0, -1.0, 0.5, -2.0, 3.0, 1e-30, -1e-30, 1e30, -1e30, 88.8, 709.9, -745.2),
]


def special_calls(dtype: str) -> Iterator[Call]:
    """All functions of single numbers, of special ones."""
    one = Tensor(SPECIAL, dtype=dtype)
    pairs = [Tensor([v] * len(SPECIAL), dtype=dtype) for v in SPECIAL]
    for row in table.ELEMENTWISE:
        kinds = [i for i in row.inputs if isinstance(i, tuple) and callable(i[0])]
        name = row.names.split()[0]
        floats = all(i[0] in FLOATS for i in kinds)
        if not floats or row.note in ("between tensors", "int64"):
            continue
        if len(kinds) == 1:
            given = [one if i in kinds else i for i in row.inputs]
            yield Call(f"{row} of special numbers", row.call, given, dtype)
        elif name not in SEEN:
            SEEN.add(name)
            for v, x in zip(SPECIAL, pairs):
                yield Call(
                    f"{row} of {v} and special numbers", row.call, [x, one], dtype
                )


FLOATS = [
    *(table.normal, table.positive, table.away_from_0, table.spread, table.digits),
    *(table.nothing, table.twos, table.below_4, table.not_finite),
]
SEEN: set[str] = set()


@each_target_and_dtype
def test_special_numbers(target: Target, dtype: str) -> None:
    """nan, inf and zeros of either sign come out where they do in eager."""
    SEEN.clear()
    with use_backend(target.backend, dtype):
        calls = [*special_calls(dtype)]
        if (target.name, target.backend) == ("python", "numpy"):
            # Python's own (-inf) ** 0.5 is inf; NumPy takes a root
            calls = [c for c in calls if not c.label.startswith("ops.pow root")]
        assert len(calls) > 300
        for start in range(0, len(calls), 60):
            Calls(calls[start : start + 60]).compare(target, dtype)


@each_target
def test_a_wrong_function_is_noticed(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Can the check fail?"""
    right = primitives.tanh.forward

    def wrong(xp: Any, x: Any) -> Any:
        off = 1e-9 if xp.name == "program" else 0.0
        return right(xp, x) + off

    monkeypatch.setattr(primitives.tanh, "forward", wrong)
    with use_backend(target.backend, "float64"):
        call = Call("tanh", ops.tanh, [Tensor([0.5])], "float64")
        with pytest.raises(AssertionError, match="^tanh: "):
            Calls([call]).compare(target, "float64")
