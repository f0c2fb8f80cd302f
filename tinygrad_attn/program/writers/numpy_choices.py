"""Choices: numbers below 0 that become 0, as NumPy has it in one call.

    le = x <= 0                          z = maximum(x, 0)
    z = where(le, 0, x)         →
    le_2 = x <= 0                        le_2 = z <= 0

Whether z is above 0 tells the same as whether x is. So x need not last until the
gradients come, and z can take its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..anatomy import LASTING, Map, Operand, Step, View
from ..arranging import uses


def with_maxima(steps: Sequence[Step]) -> dict[Step, Step]:
    """The steps, by what they were in the program."""
    writes, reads = uses(steps)

    def lasts(v: View) -> bool:
        """Whether its numbers are the same wherever it is read."""
        home = v.buffer.place[0]
        return len(writes[home]) <= 1 and home.role not in LASTING

    found: dict[Step, Step] = {}
    asked: dict[Any, View] = {}  # a view of bools → x, of which they tell x ≤ 0
    by: dict[Any, Step] = {}  # → the step that computes them
    above: dict[Any, View] = {}  # x → z
    for step in steps:
        found[step] = step
        if not isinstance(step, Map) or not lasts(step.out):
            continue
        x, y = step.args[0], step.args[-1]
        if step.function == "le" and isinstance(x, View) and is_zero(y):
            if x.key in above:
                found[step] = replace(step, args=(above[x.key], 0.0))
            elif lasts(x):
                asked[step.out.key] = x
                by[step.out.key] = step
        elif step.function == "where" and is_zero(step.args[1]):
            if not isinstance(x, View) or x.key not in asked or not alike(y, step.out):
                continue
            if asked[x.key].key == y.key:
                found[step] = replace(step, function="maximum", args=(y, 0.0))
                above[y.key] = step.out
                if len(reads[x.buffer.place[0]]) == 1:
                    del found[by[x.key]]
    return found


def alike(v: Operand, out: View) -> bool:
    """Whether an operand has the shape and the dtype of a result, floats."""
    if not isinstance(v, View) or not v.dtype.startswith("float"):
        return False
    return (v.shape, v.dtype) == (out.shape, out.dtype)


def is_zero(v: Operand) -> bool:
    """Whether it is the number 0.0, and not -0.0."""
    return isinstance(v, float) and str(v) == "0.0"
