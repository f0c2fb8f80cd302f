"""Do two arrays differ by more than rounding? Are numbers weights?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..arrays.backends import namespace_of
from ..arrays.precision import ROUNDING


def departs(got: Any, want: Any, scale: float, dtype: str = "") -> float:
    """The largest difference of two arrays that rounding does not explain, or 0.0.

    Where `want` is nan or infinite there is nothing to compare with.

    Args:
        scale: the size of the numbers that both arrays were computed from.
        dtype: the coarser dtype of the two computations; by default that of `want`.
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
        off = got - want
        off = xp.where(same + not_finite(want), 0.0, xp.maximum(off, -off))
        worst = float(xp.max(off, axis=None).tolist())
        allowed = ROUNDING[dtype or str(want.dtype)]
        over = off > (xp.maximum(want, -want) + scale) * allowed
        beyond = xp.where(over, off, 0.0)
        found = float(xp.max(beyond, axis=None).tolist())
    return worst if worst != worst else found


def not_finite(x: Any) -> Any:
    """Where an array is nan or infinite."""
    with namespace_of([x]).quiet():
        return x - x != 0.0  # inf - inf is nan


def size(*arrays: Any) -> float:
    """The largest |x| in the arrays, and at least 1."""
    return max(1.0, magnitude(*arrays))


def magnitude(*arrays: Any) -> float:
    """The largest finite |x| in the float arrays, or 0."""
    largest = 0.0
    for array in arrays:
        if not str(getattr(array, "dtype", "")).startswith("float") or not array.size:
            continue
        xp = namespace_of([array])
        with xp.quiet():
            magnitude = xp.maximum(array, -array)
            finite = xp.where(magnitude < math.inf, magnitude, 0.0)
            largest = max(largest, float(xp.max(finite, axis=None).tolist()))
    return largest


def compare(who: str, got: Any, want: Any, scale: float, dtype: str = "") -> None:
    """Refuses a step whose result is not the recorded one.

    Raises:
        RuntimeError: with the step's name and the difference.
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
    """Refuses gradients that differ from those of the coarser level.

    A gradient that is nan or infinite at one of the levels is not compared. Two ways
    to compute it need not meet there, and one wants to see where it comes from.

    Args:
        found: (name, gradient at this level, gradient at the coarser level, size of the
            numbers that were added up to it) for each tensor.

    Raises:
        RuntimeError: with the tensor's name and the difference.
    """
    for what, got, want, scale in found:
        with (xp := namespace_of([want])).quiet():
            off = departs(xp.where(not_finite(got), want, got), want, scale, dtype)
        if off:
            raise RuntimeError(
                f"unfold: at level {level} the gradient of {what}, of shape "
                f"{tuple(want.shape)}, departs by {off:.3g} from what the rule of a "
                "coarser level gives"
            )


def are_weights(x: Any) -> bool:
    """Whether an array holds weights, as a softmax makes them: none is negative, and
    each row along the last axis adds up to 1."""
    if x.ndim < 2 or not x.size or not str(x.dtype).startswith("float"):
        return False
    one_row = x[(0,) * (x.ndim - 1)].tolist()  # mostly enough to say no
    if min(one_row) < 0.0 or abs(sum(one_row) - 1.0) > 1e-3:
        return False
    with (xp := namespace_of([x])).quiet():
        total = xp.sum(x, axis=(x.ndim - 1,))
        smallest = -xp.max(-x, axis=None).tolist()
    return smallest >= 0.0 and not departs(total, total * 0.0 + 1.0, 1.0)
