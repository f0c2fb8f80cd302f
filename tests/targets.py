"""The languages of programs (tinygrad_attn/program/), and how near their numbers come.

`TARGETS` is the one table: whoever adds a language adds a row. A test that takes
`target`, marked with `each_target`, runs in all of them, and is skipped where a
language is missing; marked with `each_target_and_dtype`, also for each of its dtypes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pytest
from conftest import flatten
from in_node import NODE

from tinygrad_attn import Tensor
from tinygrad_attn.program.compiling import compiler


@dataclass(frozen=True)
class Target:
    """A language.

    Attributes:
        name: what `write` calls it.
        needs: what must be there → whether it is.
        near: dtype → how far a number may be off, relative to the largest of its
            tensor (or 1).
        programs: how many of 300 random programs a test runs.
        backend: where the model lives.
        steps: how many steps of training a test runs; 0 where a program does not run
            beside the model.
    """

    name: str
    needs: dict[str, bool]
    near: dict[str, float]
    programs: int = 300
    backend: str = "numpy"
    steps: int = 50

    def __str__(self) -> str:
        own = self.backend == "numpy"
        return self.name if own else f"{self.name} on {self.backend}"


HAS_NUMPY = find_spec("numpy") is not None

TARGETS = [
    Target(
        "numpy",
        {"NumPy": HAS_NUMPY},
        {"float64": 1e-12, "float32": 1e-5},
    ),
    Target(
        "c",
        {"NumPy": HAS_NUMPY, "a C compiler": compiler() is not None},
        {"float64": 1e-12, "float32": 1e-5},
        programs=60,
    ),
    Target("python", {}, {"float64": 1e-12}, backend="python", steps=8),
    Target(
        "python",
        {"NumPy": HAS_NUMPY},
        {"float64": 1e-12, "float32": 1e-5},
        programs=60,
        steps=8,
    ),
    Target(
        "javascript",
        {"NumPy": HAS_NUMPY, "Node.js": NODE is not None},
        {"float64": 1e-12, "float32": 1e-5},
        steps=0,
    ),
]


def parameters(with_dtype: bool, training: bool = False) -> Iterator[Any]:
    for target in TARGETS:
        if training and not target.steps:
            continue
        missing = [name for name, there in target.needs.items() if not there]
        reason = f"needs {' and '.join(missing)}"
        marks = pytest.mark.skipif(bool(missing), reason=reason)
        for dtype in target.near if with_dtype else [""]:
            values = [target, dtype] if with_dtype else [target]
            said = f"{target}-{dtype}" if with_dtype else str(target)
            yield pytest.param(*values, id=said, marks=marks)


def each_target(test: Any, names: Any = "target", with_dtype: bool = False) -> Any:
    """The test runs in every language; that it can in JavaScript too, conftest.py sees
    to."""
    marked = pytest.mark.parametrize(names, [*parameters(with_dtype)])(test)
    return pytest.mark.usefixtures("javascript_runs")(marked)


def each_target_and_dtype(test: Any) -> Any:
    """The test runs in every language, with all floats that there are."""
    return each_target(test, ("target", "dtype"), True)


def each_trainer(test: Any) -> Any:
    """The test runs in every language that moves the model's own parameters."""
    return pytest.mark.parametrize("target", [*parameters(False, True)])(test)


def each_trainer_and_dtype(test: Any) -> Any:
    """The same with all floats that there are."""
    names = ("target", "dtype")
    return pytest.mark.parametrize(names, [*parameters(True, True)])(test)


# --- what a step returns --------------------------------------------------------------


def gradients_of(step: Any, found: Any) -> tuple[Any, dict[int, Tensor]]:
    """What a program without an update returned: its outputs, and id of a parameter →
    its gradient."""
    if not step.program.draft.trains:
        return found, {}
    outputs, gradients = found
    leaves = {b.name: t for t, b in step.program.leaves.items()}
    return outputs, {id(leaves[name]): g for name, g in gradients.items()}


def assert_near(what: str, got: Tensor, want: Tensor, tolerance: float) -> float:
    """Two tensors have the same shape and dtype, and nearly the same numbers: nan where
    the other is nan, inf where it is inf. Returns how far they are apart."""
    assert got.shape == want.shape, f"{what}: shape {got.shape}, not {want.shape}"
    assert got.dtype == want.dtype, f"{what}: {got.dtype}, not {want.dtype}"
    pairs = list(zip(flatten(got.tolist()), flatten(want.tolist())))
    scale = max([1.0, *(abs(b) for _, b in pairs if math.isfinite(b))])
    worst = 0.0
    for a, b in pairs:
        if a == b or (a != a and b != b):
            continue
        off = abs(a - b) / scale
        assert off <= tolerance, f"{what}: {a}, not {b} (numbers up to {scale})"
        worst = max(worst, off)
    return worst
