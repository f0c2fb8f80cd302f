"""The first run of a compiled program, beside NumPy's.

A compiler may be wrong, or the machine unusual. So before the first step of a program
in C, NumPy computes the loss and all gradients, from the same numbers. C's must be the
same, up to rounding, and at kinks up to what rounding decides there (KINK below); only
then is anything updated. (Updated parameters would be no test: Adam divides a gradient
by its own size, so that where the true one is 0 it moves them by rounding noise.)
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from .anatomy import View
from .listing import Program
from .machines import NumPyMachine

# How far apart numbers may be, relative to the largest of their tensor, in a program
# that rounds to so few digits anywhere.
TOLERANCE = {"float32": 1e-3, "float64": 1e-8}
# Where the input of a relu is 0 but for rounding, one may pass a gradient that the
# other does not, and all that lies before differs a little. So in float32, if numbers
# are compared anywhere, each result may be that far apart, and all together less.
KINK = 0.1
TOGETHER = 0.01
COMPARE = {"eq", "ne", "lt", "le", "gt", "ge", "maximum"}
# Tensors below that much of the largest gradient are compared with that; and results
# below that much of what was given, which may be what is left of a difference.
NOISE = 1e-3


def in_numpy(
    program: Program, compiled: Any, given: Sequence[Any], scalars: Sequence[float]
) -> list[Any]:
    """The loss and all gradients (`compared`), as NumPy computes them from what a
    compiled program's memory holds. NumPy's memory is free again afterwards."""
    steps = [step for step in program.steps if step.origin.part != "update"]
    machine = NumPyMachine(replace(program, steps=steps, parts=[]))
    for buffer, array in machine.arrays.items():
        array[...] = compiled.arrays[buffer]
    machine.run(given, scalars)
    found = [machine.array(view).copy() for _, view in compared(program)]
    machine.leave()
    give_back()
    return found


def give_back() -> None:
    """Has the system's C library give back the memory that is free, where it can (glibc
    keeps it, and what comes next is in larger pieces)."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def compared(program: Program) -> list[tuple[str, View]]:
    """What is compared, by name."""
    results = [t.array for t in program.draft.outputs]
    views = [(f"output {i}", view) for i, view in enumerate(results)]
    if program.draft.trains:
        views[0] = "the loss", results[0]
        views += [(f"∂loss/∂{program.leaves[p].name}", g) for p, g in known(program)]
    return views


def first_difference(program: Program, compiled: Any, wanted: Sequence[Any]) -> str:
    """What is not the same after a run as NumPy has it; "" if all is."""
    import numpy as np

    sizes = [largest(np, theirs) for theirs in wanted]
    floor = NOISE * max(sizes, default=0.0)
    single = any(step.out.dtype == "float32" for step in program.all_steps)
    near = TOLERANCE["float32" if single else "float64"]
    kinks = single and has_kinks(program)
    given = [*program.given, *program.leaves.values()]
    numbers = [compiled.array(View(b)) for b in given if b.dtype.startswith("float")]
    cancelled = NOISE * max((largest(np, x) for x in numbers), default=0.0)
    results = len(program.draft.outputs)
    for i, ((what, view), theirs, size) in enumerate(
        zip(compared(program), wanted, sizes)
    ):
        ours = compiled.array(view)
        most = max(size, floor, cancelled if i < results else 0.0)
        most = most if view.dtype.startswith("float") else 0.0
        with np.errstate(all="ignore"):
            apart = np.abs(ours.astype("float64") - theirs.astype("float64"))
            same = (ours == theirs) | ((ours != ours) & (theirs != theirs))
            alike = same | (apart <= near * most)
        if not alike.all():
            apart = np.where(same, 0.0, apart)
            norm = np.linalg.norm(theirs[np.isfinite(theirs)])
            norm = max(norm, floor * apart.size**0.5)
            together = np.linalg.norm(apart) <= TOGETHER * norm
            if kinks and together and (apart <= KINK * most).all():
                continue
            at = tuple(map(int, np.argwhere(~alike)[0]))
            return f"{what} at {list(at)}: {ours[at]} in C, {theirs[at]} in NumPy"
    return ""


def has_kinks(program: Program) -> bool:
    """Whether floats are compared with others anywhere."""
    return any(
        getattr(step, "function", "") in COMPARE
        and any(v.dtype.startswith("float") for v in step.reads())
        for step in program.steps
    )


def known(program: Program) -> list[tuple[Any, Any]]:
    """The gradients that the program computes."""
    written = {step.out.buffer for step in program.all_steps}
    gradients = program.draft.gradients.items()
    return [(p, g) for p, g in gradients if g.buffer in written and p in program.leaves]


def largest(np: Any, array: Any) -> float:
    """The largest finite number in size."""
    numbers = np.abs(array[np.isfinite(array)].astype("float64"))
    return float(numbers.max(initial=0.0))
