"""Sorted: which number is the largest, the next, ...

The order is found in plain numbers, and is a constant: integers, from which no gradient
flows. What lies in that order is then taken from x, and its gradient goes back to
where it came from.

While a program is written nobody knows the numbers. There a number's place is how many
come before it: all pairs of a row are compared.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..autograd.recording import make_here
from ..context import context
from ..errors import check_flags, check_number
from ..functions.elementwise import astype, stop_gradient
from ..functions.indexing import getitem, take_along_axis
from ..functions.movement import reshape
from ..functions.operands import Tensor, axis_of, found, home, plain, tensor
from ..functions.shaping import transpose
from ..functions.spelling import named

__all__ = ["argsort", "sort", "topk", "unique"]

PAIRS = 2**26  # as many comparisons as a program makes at once


class Sorted(NamedTuple):
    """Numbers in order, and where in x each of them was."""

    values: Any
    indices: Any


@named()
def argsort(x: Tensor, axis: int = -1, descending: bool = False) -> Tensor:
    """Where along an axis the smallest x is, the next, ...: integers. Of equal numbers
    the first comes first; a nan is larger than any number.

    >>> argsort(Tensor([3.0, 1.0, 2.0]))
    Tensor([1, 2, 0], int64)
    """
    check_flags("argsort", descending=descending)
    if not tensor("argsort", x).ndim:
        return reshape(argsort(reshape(x, 1)), ())
    at = axis_of("argsort", x, axis)
    rows = transpose(stop_gradient(x), at, -1)
    n = rows.shape[-1]
    if context.now.writer is not None:
        return transpose(by_counting(rows, descending), at, -1)
    flat = plain(rows)
    order: list[int] = []
    for start in range(0, len(flat), n or 1):
        keys = [(v != v, v) for v in flat[start : start + n]]
        if descending:  # of equal numbers still the first
            backward = sorted(range(n), key=lambda i: (keys[i], -i), reverse=True)
            order += backward
        else:
            order += sorted(range(n), key=keys.__getitem__)
    xp = home(x)
    z = found("argsort", x, xp.reshape(xp.asarray(order, "int64"), rows.shape))
    return transpose(z, at, -1)


def by_counting(rows: Tensor, descending: bool) -> Any:
    """Where in each row the first number is, the next, ..., by what a program has."""
    n = rows.shape[-1]
    if rows.size * n > PAIRS:
        raise ValueError(
            f"argsort: {rows.size} numbers in rows of {n} given; a program compares "
            f"all pairs of a row, and {rows.size * n} are too many; sort them outside"
        )
    if rows.dtype == "bool":
        rows = astype(rows, "int64")
    x, y = reshape(rows, (*rows.shape, 1)), reshape(rows, (*rows.shape[:-1], 1, n))
    xp = home(rows)
    own = make_here(xp.arange(0, n))
    other = reshape(own, (1, n))
    no_x, no_y = x != x, y != y  # nan
    less = x < y if descending else y < x
    less = less | ((no_y & ~no_x) if descending else (no_x & ~no_y))
    alike = (x == y) | (no_x & no_y)
    before = less | (alike & (other < reshape(own, (n, 1))))
    place = astype(before, "int64").sum(-1)
    there = reshape(place, (*rows.shape[:-1], 1, n)) == reshape(own, (n, 1))
    return (astype(there, "int64") * own).sum(-1)


@named(as_="sort")
def sorted_pair(
    x: Tensor, dim: int = -1, descending: bool = False, stable: bool = True
) -> Sorted:
    """x in order along an axis, and where each number was: PyTorch's `sort`."""
    check_flags("sort", stable=stable)
    if not tensor("sort", x).ndim:
        return Sorted(x, argsort(x, dim))
    order = argsort(x, dim, descending)
    return Sorted(take_along_axis(x, order, dim), order)


def sort(x: Tensor, *given: Any, axis: int | None = None, **options: Any) -> Any:
    """x in order along an axis, the smallest first.

    Args:
        given: as in PyTorch: dim, -1 by default, and descending. Then the result is the
            pair (values, indices).
        axis: named, the result is x in order, as in the array API.
        options: dim; descending; stable, which it always is.

    >>> sort(Tensor([3.0, 1.0]), axis=0)
    Tensor([1.0, 3.0], float64)
    >>> sort(Tensor([3.0, 1.0])).indices
    Tensor([1, 0], int64)
    """
    if axis is None:
        return sorted_pair(x, *given, **options)
    return sorted_pair(x, axis, *given, **options).values


def unique(
    x: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
) -> Any:
    """The different numbers of x in order; also which of them stands where, and how
    often each does.

    >>> unique(Tensor([3, 1, 3]), return_counts=True)
    (Tensor([1, 3], int64), Tensor([1, 2], int64))
    """
    check_flags("unique", return_inverse=return_inverse, return_counts=return_counts)
    numbers = plain(tensor("unique", x))
    counts: dict[Any, int] = {}
    for v in sort(reshape(x, -1), axis=0).tolist():
        counts[v] = counts.get(v, 0) + 1
    place = {v: i for i, v in enumerate(counts)}
    xp = home(x)
    values = getitem(reshape(stop_gradient(x), -1), [numbers.index(v) for v in counts])
    given = [values] if counts else [reshape(stop_gradient(x), -1)]
    if return_inverse:
        at = xp.reshape(xp.asarray([place[v] for v in numbers], "int64"), x.shape)
        given.append(found("unique", x, at))
    if return_counts:
        times = xp.asarray([*counts.values()], "int64")
        given.append(found("unique", x, times))
    return tuple(given) if len(given) > 1 else given[0]


@named()
def topk(
    x: Tensor, k: int, axis: int = -1, largest: bool = True, sorted: bool = True
) -> Sorted:
    """The k largest numbers along an axis (or the smallest), and where they are.

    >>> topk(Tensor([1.0, 3.0, 2.0]), 2).values
    Tensor([3.0, 2.0], float64)
    """
    check_flags("topk", largest=largest, sorted=sorted)
    at = axis_of("topk", x, axis)
    check_number("topk", "k", k, 0, x.shape[at], whole=True)
    first = (slice(None),) * at + (slice(int(k)),)
    order = getitem(argsort(x, at, descending=largest), first)
    return Sorted(take_along_axis(x, order, at), order)
