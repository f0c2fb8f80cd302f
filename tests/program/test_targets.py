"""Programs in every language, beside eager: the same loss, and the same gradients.

Random computations (tests/programs.py) are written as programs, of the leaves that want
a gradient as parameters and of the others as inputs. A computation that once failed
stays here, among the examples.

FUZZ_EXAMPLES is how many are drawn (300 by default, always the same ones). With more,
or with FUZZ_SEED, they are fresh ones.
"""

from __future__ import annotations

import math
import os
import re
from random import Random
from typing import Any

import programs
import pytest
from programs import OURS, Leaf, Program, Step, draw_program, generic, leaf, step
from targets import (
    Target,
    assert_near,
    each_target,
    each_target_and_dtype,
    gradients_of,
)

from tinygrad_attn import Tensor, use_backend, write

HOW_MANY = int(os.environ.get("FUZZ_EXAMPLES", "300"))
SEED = os.environ.get("FUZZ_SEED")
FRESH = SEED is not None or HOW_MANY > 300

# --- a random computation as a function of its inputs ---------------------------------


class Computation:
    """A drawn program (tests/programs.py), and its leaves.

    Attributes:
        parameters: name → the leaf, for those that want a gradient.
        inputs: the same, for the others that the loss depends on.
    """

    def __init__(self, program: Program, dtype: str) -> None:
        self.program, self.dtype = program, dtype
        needed = wanted_by(program)
        self.leaves = {
            name: self.numbers(name, item.shape).requires_grad_(item.grad)
            for name, item in zip(programs.NAMES, program.items)
            if isinstance(item, Leaf)
        }
        self.parameters = {n: x for n, x in self.leaves.items() if x.requires_grad}
        self.inputs = {
            n: x for n, x in self.leaves.items() if not x.requires_grad and n in needed
        }

    def numbers(self, what: str, shape: tuple[int, ...]) -> Tensor:
        found = generic(what, math.prod(shape))
        return Tensor(found, dtype=self.dtype).reshape(shape).detach()

    def loss(self, *inputs: Tensor) -> Any:
        """A sum over all floats that the program computes; None if there are none."""
        given = self.leaves | dict(zip(self.inputs, inputs))
        values = programs.run(self.program, OURS, lambda name, item: given[name])
        found = [values[n] for n in self.program.results()]
        terms = [
            (z * self.numbers(f"weight {i}", z.shape)).sum()
            for i, z in enumerate(z for z in found if z.dtype.startswith("float"))
        ]
        return sum(terms[1:], terms[0]) if terms else None

    def written(self, target: Target) -> Any:
        """The program; inputs of which no number counts, as they say, are no inputs."""
        while True:
            try:
                return write(self.loss, self.inputs, target=target.name)
            except ValueError as error:
                name = re.search("depend on the input '(.)'", str(error))
                if name is None:
                    raise
                del self.inputs[name[1]]

    def move(self) -> None:
        """Gives all leaves other numbers."""
        for name, x in self.leaves.items():
            x.data = self.numbers(f"{name} again", x.shape)

    def compare(self, program: Any, tolerance: float) -> float:
        """One run beside eager. Returns how far they are apart."""
        loss = self.loss(*self.inputs.values())
        for p in self.parameters.values():
            p.grad = None
        if loss.requires_grad:
            loss.backward()
        got, gradients = gradients_of(program, program(**self.inputs))
        worst = assert_near("loss", got, loss, tolerance)
        reached = {n: p for n, p in self.parameters.items() if p.grad is not None}
        assert {*gradients} == {id(p) for p in reached.values()}
        for name, p in reached.items():
            off = assert_near(f"∂/∂{name}", gradients[id(p)], p.grad, tolerance)
            worst = max(worst, off)
        return worst


def wanted_by(program: Program) -> set[str]:
    """The names of all values that the loss is made of."""
    found = set(program.results())
    for name, item in reversed([*zip(programs.NAMES, program.items)]):
        if name in found and isinstance(item, Step):
            found |= {i for i in item.inputs if isinstance(i, str)}
    return found


def check(program: Program, target: Target, dtype: str) -> float:
    """Runs a program twice, with other numbers the second time. Returns how far it is
    off at most."""
    try:
        computation = Computation(program, dtype)
        if computation.loss(*computation.inputs.values()) is None:
            return 0.0
        if any(i.name == "masked" for i in program.items if isinstance(i, Step)):
            with pytest.raises(TypeError, match="^indexing: a mask picks as many"):
                write(computation.loss, computation.inputs, target=target.name)
            return 0.0
        written = computation.written(target)
        worst = computation.compare(written, target.near[dtype])
        computation.move()
        worst = max(worst, computation.compare(written, target.near[dtype]))
        assert written.target == target.name
    except Exception as error:
        kind = type(error).__name__
        raise AssertionError(f"{kind}: {error}\n\nin\n\n{program!r}\n") from error
    return worst


# --- the random ones ------------------------------------------------------------------


@each_target_and_dtype
def test_random_programs(target: Target, dtype: str, capsys: Any) -> None:
    share = 1 if dtype == "float64" else 3  # the roundings differ, and little else
    count = HOW_MANY * target.programs // 300 // share
    first = int(SEED or Random().randrange(10**9)) if FRESH else 0
    off = []
    with use_backend(target.backend, dtype):
        for seed in range(first, first + count):
            off.append(check(draw_program(Random(seed).randint), target, dtype))
    if FRESH:
        with capsys.disabled():
            equal = off.count(0.0)
            print(f"\n{target}, {dtype}: {equal} of {count} equal, off {max(off):.1e}")


# --- examples: those that once failed -------------------------------------------------

EXAMPLES = {
    "zeros of bools around bools": Program(
        leaf(1, 2),  # a
        step("pad", "a", [2, 1], value=1.5),  # b
    ),
    "a mask that reads like a range": Program(
        leaf(2, 1),  # a
        leaf(1, 1),  # b
        step("scaled_dot_product_attention", "a", "b", "b", mask=[[False], [True]]),
    ),
    "a matrix that is turned twice": Program(
        leaf(2),  # a
        leaf(2, 2),  # b
        step("matmul", "a", "b"),  # c
        step("matmul", "c", "c"),  # d
        step("matmul", "c", "a"),  # e
    ),
    "rows that may attend to nothing": Program(
        leaf(3, 4, 3),  # a
        step(
            "scaled_dot_product_attention",
            "a",
            "a",
            "a",
            mask=[[True, False, True, False], [False] * 4, [True] * 4, [False] * 4],
        ),  # b
        step("std", "b", axis=-3, keepdims=False, correction=1),  # c
        step("abs", "c"),  # d
    ),
    "a gradient of zeros": Program(
        leaf(3, 2),  # a
        step("split", "a", size=[0, 2], axis=1, order=[0, 0, 2]),  # b
        leaf(2),  # c
        step("tanh", "c"),  # d
    ),
    "a parameter without numbers": Program(
        leaf(0, 2),  # a
        step("matrix_transpose", "a"),  # b
        step("silu", "b"),  # c
    ),
    "an input without numbers": Program(
        leaf(0),  # a
        leaf(0, grad=False),  # b
        step("stack", "a", "b", axis=-2),  # c
    ),
    "the largest of what the same loop computes, all below 0": Program(
        leaf(2),  # a
        step("mul", "a", "a"),  # b
        step("add", "b", 0.5),  # c
        step("min", "c", axis=(-1,), keepdims=True),  # d
        step("log_softmax", "d", axis=0),  # e
    ),
    "fractions as bools": Program(
        leaf(1, 3, 3),  # a
        step("astype", "a", dtype="bool"),  # b
        step("where", "b", 2.0, "a"),  # c
    ),
    "bools that are added": Program(
        leaf(2, 3),  # a
        step("compare", "a", 0.0, how=">"),  # b
        step("compare", "a", 0.5, how=">"),  # c
        step("add", "b", "c"),  # d
        step("mul", "a", "d"),  # e
        step("add", "d", "a"),  # f
    ),
    "sums of one number": Program(
        leaf(2, 1, 3),  # a
        step("sum", "a", axis=1, keepdims=False),  # b
        step("max", "a", axis=(1,), keepdims=True),  # c
        step("mul", "b", "b"),  # d
    ),
    "a choice named as NumPy's helper": Program(
        leaf(3),  # a
        step("compare", "a", 0.0, how=">"),  # b
        step("where", "b", "a", 2.0),  # c
        step("where", "b", 0.5, "c"),  # d
        step("tanh", "d"),  # e
    ),
    "a piece of a stage on the way": Program(
        leaf(1),  # a
        step("stack", "a", "a", "a", axis=-1),  # b
        leaf(1, 3),  # c
        step("concat", "c", "b", axis=-2),  # d
    ),
    "indices from the end, beside slices": Program(
        leaf(2, 3, 4),  # a
        step("index", "a", key=(slice(None), [0, -1], Ellipsis, slice(0, 1))),  # b
        step("take_along_axis", "a", indices=[[[-1], [0], [1]]], axis=2),  # c
        step("gather", "a", axis=1, index=[[[0, 2, 1]], [[1, 1, 0]]]),  # d
    ),
    "bounds that may be nan": Program(
        leaf(2, 3),  # a
        leaf(3),  # b
        step("clip", "a", "b", 0.5),  # c
        step("clip", "a", None, "c"),  # d
    ),
    "a sum over short rows, for which gcc 12 misplaces its stack": Program(
        leaf(4, 3, 3),  # a
        leaf(1, 1, 2),  # b
        step("mean", "b", axis=None, keepdims=True),  # c
        step("matrix_transpose", "a"),  # d
        leaf(1, 2),  # e
        step("linear", "b", "e"),  # f
        step("var", "d", axis=-3, keepdims=False, correction=1),  # g
        step("min", "e", axis=-2, keepdims=False),  # h
        step("logsumexp", "b", axis=(-3, 1), keepdims=False),  # i
        step("abs", "f"),  # j
    ),
    "float64 made of float32": Program(
        leaf(2, 2, 3),  # a
        step("sum", "a", axis=(0, 1)),  # b
        step("astype", "b", dtype="float64"),  # c
        step("exp", "b"),  # d
        step("sum", "c", axis=None),  # e
    ),
}


@each_target_and_dtype
@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str, dtype: str, target: Target) -> None:
    with use_backend(target.backend, dtype):
        check(EXAMPLES[name], target, dtype)


@each_target
def test_a_wrong_program_is_noticed(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Can the check fail?"""
    program = EXAMPLES["a matrix that is turned twice"]
    with use_backend(target.backend, "float64"):
        monkeypatch.setattr(programs, "generic", lambda what, size: [0.5] * size)
        computation = Computation(program, "float64")
        written = computation.written(target)
        right = Tensor.tanh
        monkeypatch.setitem(OURS, "matmul", lambda x, y: right(x @ y))
        with pytest.raises(AssertionError, match="loss: "):
            computation.compare(written, target.near["float64"])
