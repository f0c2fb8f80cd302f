"""The first run of a compiled program, beside NumPy's.

A compiler may be wrong, or the machine unusual. So a program in C runs its first step
twice, the second time in NumPy, from the same numbers. The loss and all gradients must
be the same, up to rounding, and at kinks up to what rounding decides there (KINK
below). (Parameters would be no test: Adam divides a gradient by
its own size, so that where the true one is 0 it moves them by rounding noise.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
NOISE = 1e-3  # of the largest gradient: tensors below it are compared with that


def kept(machine: Any) -> dict[Any, Any]:
    """Copies of what lasts, before a run."""
    return {buffer: array.copy() for buffer, array in machine.arrays.items()}


def same_in_numpy(
    program: Program,
    before: dict[Any, Any],
    given: Sequence[Any],
    scalars: Sequence[float],
) -> tuple[NumPyMachine, tuple[Any, ...]]:
    """NumPy's machine after the same run, and what it returned."""
    machine = NumPyMachine(program)
    for buffer, array in before.items():
        machine.arrays[buffer][...] = array
    return machine, machine.run(given, scalars)


def first_difference(program: Program, compiled: Any, numpy: NumPyMachine) -> str:
    """What is not the same after a run; "" if all is."""
    import numpy as np

    results = [t.array for t in program.draft.outputs]
    views = [(f"output {i}", view) for i, view in enumerate(results)]
    if program.draft.trains:
        views[0] = "the loss", results[0]
        views += [(f"∂loss/∂{program.leaves[p].name}", g) for p, g in known(program)]
    sizes = [largest(np, numpy.array(view)) for _, view in views]
    floor = NOISE * max(sizes, default=0.0)
    single = any(step.out.dtype == "float32" for step in program.all_steps)
    near = TOLERANCE["float32" if single else "float64"]
    kinks = single and has_kinks(program)
    for (what, view), size in zip(views, sizes):
        ours, theirs = compiled.array(view), numpy.array(view)
        most = max(size, floor) if view.dtype.startswith("float") else 0.0
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
