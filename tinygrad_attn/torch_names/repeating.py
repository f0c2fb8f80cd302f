"""x turned round, moved along, repeated, or added up on the way: composed of slices."""

from __future__ import annotations

import operator
from typing import Any

from ..autograd.recording import Recorded
from ..errors import check_number
from ..functions.aliases import own_numbers
from ..functions.elementwise import astype
from ..functions.indexing import getitem
from ..functions.movement import broadcast_to, concat, reshape, spell
from ..functions.operands import (
    Tensor,
    axes_of,
    axis_of,
    check,
    found,
    home,
    plain,
    tensor,
)
from ..functions.shaping import pad, transpose, whole_sizes
from ..functions.spelling import named

__all__ = [
    "cumprod",
    "cumsum",
    "flip",
    "repeat",
    "repeat_interleave",
    "roll",
    "tile",
    "unbind",
]


@named()
def flip(x: Tensor, *axis: Any, dims: Any = None) -> Tensor:
    """x in the opposite order along these axes; along all, if none is given.

    >>> flip(Tensor([1, 2, 3]), 0)
    Tensor([3, 2, 1], int64)
    """
    given = spell("flip", axis, dims)
    axes = axes_of("flip", x, given or None)
    for a in axes:
        backward = list(range(x.shape[a] - 1, -1, -1))
        x = getitem(x, (slice(None),) * a + (backward,))
    return x


@own_numbers
@named()
def roll(x: Tensor, shifts: Any, axis: Any = None, dims: Any = None) -> Tensor:
    """x moved along by so many places; what leaves at the end comes in at the front.
    Without an axis, x is moved as if it had one.

    >>> roll(Tensor([1, 2, 3]), 1)
    Tensor([3, 1, 2], int64)
    """
    axis = dims if axis is None else axis
    if axis is None:
        check_number("roll", "shifts", shifts, whole=True)
        return reshape(roll(reshape(tensor("roll", x), -1), shifts, 0), x.shape)
    steps = shifts if isinstance(shifts, (tuple, list)) else (shifts,)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    if len(steps) != len(axes):
        raise ValueError(
            f"roll: {len(steps)} shifts and {len(axes)} axes given; there must be as "
            "many of both"
        )
    for step, one in zip(steps, axes):
        check_number("roll", "shifts", step, whole=True)
        a = axis_of("roll", x, one)
        whole = (slice(None),) * a
        if x.shape[a] and (cut := -int(step) % x.shape[a]):
            last, first = (
                getitem(x, (*whole, s)) for s in (slice(cut, None), slice(cut))
            )
            x = concat([last, first], axis=a)
    return x


@own_numbers
def repeat(x: Tensor, *sizes: Any) -> Tensor:
    """x beside itself, so many times along each axis, as in PyTorch (NumPy's tile).

    >>> repeat(Tensor([1, 2]), 2)
    Tensor([1, 2, 1, 2], int64)
    """
    times = check("repeat", whole_sizes, spell("repeat", sizes))
    extra = len(times) - tensor("repeat", x).ndim
    if extra < 0 or min(times, default=0) < 0:
        raise ValueError(
            f"repeat: {times} given for shape {x.shape}; there must be a number from 0 "
            "for each axis, or more"
        )
    shape = (1,) * extra + x.shape
    x = reshape(x, [size for n in shape for size in (1, n)])
    x = broadcast_to(x, [size for pair in zip(times, shape) for size in pair])
    return reshape(x, [t * n for t, n in zip(times, shape)])


@own_numbers
def tile(x: Tensor, *sizes: Any) -> Tensor:
    """`repeat`, where sizes that are not given are 1.

    >>> tile(Tensor([[1, 2]]), 2)
    Tensor([[1, 2, 1, 2]], int64)
    """
    times = check("tile", whole_sizes, spell("tile", sizes))
    return repeat(x, *(1,) * (tensor("tile", x).ndim - len(times)), *times)


@own_numbers
@named()
def repeat_interleave(x: Tensor, repeats: Any, axis: int | None = None) -> Tensor:
    """Each x so many times in a row; without an axis, of x as if it had one.

    Args:
        repeats: how many times; or integers, a number for each place along the axis.

    >>> repeat_interleave(Tensor([1, 2]), 2)
    Tensor([1, 1, 2, 2], int64)
    """
    who = "repeat_interleave"
    if axis is None:
        return repeat_interleave(reshape(tensor(who, x), -1), repeats, 0)
    a = axis_of(who, x, axis)
    if isinstance(repeats, Recorded):
        times = plain(repeats)
        if repeats.dtype != "int64" or len(times) not in (1, x.shape[a]):
            raise ValueError(
                f"{who}: repeats of {repeats.dtype} and shape {repeats.shape} given "
                f"for an axis of size {x.shape[a]}; they must be integers, one for "
                "each place"
            )
        if len(times) == x.shape[a]:
            at = [i for i, n in enumerate(times) for _ in range(n)]
            return getitem(x, (slice(None),) * a + (found_at(repeats, at),))
        (repeats,) = times
    check_number(who, "repeats", repeats, 0, whole=True)
    front, back = x.shape[: a + 1], x.shape[a + 1 :]
    wide = broadcast_to(reshape(x, (*front, 1, *back)), (*front, int(repeats), *back))
    return reshape(wide, (*front[:-1], front[-1] * int(repeats), *back))


def found_at(x: Any, at: list[int]) -> Any:
    """Places that were counted out by plain numbers."""
    return found("repeat_interleave", x, home(x).asarray(at or [0][:0], "int64"))


@own_numbers
@named()
def cumsum(x: Tensor, axis: int) -> Tensor:
    """z_i = x_1 + ... + x_i along an axis.

    Pairs are added first, then pairs of pairs: log₂ n steps, not n (Hillis & Steele
    1986).

    >>> cumsum(Tensor([1.0, 2.0, 3.0]), 0)
    Tensor([1.0, 3.0, 6.0], float64)
    """
    return so_far("cumsum", x, axis, operator.add, 0)


@own_numbers
@named()
def cumprod(x: Tensor, axis: int) -> Tensor:
    """z_i = x_1 · ... · x_i along an axis, the same way.

    >>> cumprod(Tensor([1.0, 2.0, 3.0]), 0)
    Tensor([1.0, 2.0, 6.0], float64)
    """
    return so_far("cumprod", x, axis, operator.mul, 1)


def so_far(who: str, x: Tensor, axis: int, combine: Any, start: int) -> Tensor:
    """What all numbers up to each make, combined in pairs, then in pairs of pairs."""
    if not tensor(who, x).ndim:
        if axis not in (0, -1):
            axis_of(who, x, axis)
        return reshape(so_far(who, reshape(x, 1), 0, combine, start), ())
    a = axis_of(who, x, axis)
    if x.dtype == "bool":
        x = astype(x, "int64")
    z, step = transpose(x, a, -1), 1
    n = x.shape[a]
    while step < n:
        z = combine(z, pad(getitem(z, (..., slice(n - step))), (step, 0), start))
        step *= 2
    return transpose(z, a, -1)


@named()
def unbind(x: Tensor, axis: int = 0) -> tuple[Tensor, ...]:
    """x along an axis, one after the other, without that axis.

    >>> [row.tolist() for row in unbind(Tensor([[1, 2], [3, 4]]))]
    [[1, 2], [3, 4]]
    """
    a = axis_of("unbind", x, axis)
    return tuple(getitem(x, (slice(None),) * a + (i,)) for i in range(x.shape[a]))
