"""Are two arrays the same, but for rounding?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..arrays.backends import namespace_of
from ..arrays.precision import ROUNDING

HUGE = 1e29  # a masked energy is -1e30; it says nothing about the size of the others


def departs(got: Any, want: Any, scale: float, dtype: str = "") -> float:
    """By how much two arrays differ, beyond what rounding explains; 0.0 if they do not.

    Args:
        scale: the size of the numbers that both were computed from.
        dtype: the coarser dtype of the two computations; want's by default.
    """
    if not want.size:
        return 0.0
    xp = namespace_of([want])
    with xp.quiet():
        same = got == want
        if not str(want.dtype).startswith("float"):
            return 1.0 - float(
                xp.max(-xp.astype(same, "int64"), axis=None).tolist() < 0
            )
        both_nan = (got != got) * (want != want)
        off = got - want
        off = xp.where(same + both_nan, 0.0, xp.maximum(off, -off))
        worst = float(xp.max(off, axis=None).tolist())
        allowed = ROUNDING[dtype or str(want.dtype)]
        over = off > (xp.maximum(want, -want) + scale) * allowed
        beyond = xp.where(over, off, 0.0)
        found = float(xp.max(beyond, axis=None).tolist())
    return worst if worst != worst else found


def size(*arrays: Any) -> float:
    """1, or the largest number in the arrays if that is larger."""
    return max(1.0, magnitude(*arrays))


def magnitude(*arrays: Any) -> float:
    """The largest number in the arrays; 0 if there is none."""
    largest = 0.0
    for array in arrays:
        if not str(getattr(array, "dtype", "")).startswith("float") or not array.size:
            continue
        xp = namespace_of([array])
        with xp.quiet():
            magnitude = xp.maximum(array, -array)
            usual = xp.where(magnitude < HUGE, magnitude, 0.0)
            found = float(xp.max(usual, axis=None).tolist())
        largest = max(largest, found) if math.isfinite(found) else largest
    return largest


def compare(who: str, got: Any, want: Any, scale: float, dtype: str = "") -> None:
    """Refuses a step that gives other numbers than were recorded.

    Raises:
        RuntimeError: names the step and how far it departs.
    """
    off = departs(got, want, scale, dtype)
    if off:
        raise RuntimeError(
            f"unfold: {who} departs from what was recorded by {off:.3g}, in a result "
            f"of shape {tuple(want.shape)}"
        )


def compare_gradients(
    found: Iterable[tuple[str, Any, Any, float]], level: str, dtype: str = ""
) -> None:
    """Refuses gradients that are not those of the coarser level.

    Args:
        found: what it is, its gradient at this level, and at the coarser one, and the
            size of the numbers that were added up to it.
    """
    for what, got, want, scale in found:
        off = departs(got, want, scale, dtype)
        if off:
            raise RuntimeError(
                f"unfold: at level {level} the gradient of {what}, of shape "
                f"{tuple(want.shape)}, departs by {off:.3g} from what the rule of a "
                "coarser level gives"
            )
