"""A tensor as a heat map: the numbers that it shows, and their scale.

A heat map has two axes. A vector is a map of one row. If a tensor has more axes, its
matrices stand below each other. Of a large tensor the map shows only the corners, with
gaps between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any

from ...arrays.backends import namespace_of
from ...graph.data import flat, index_of, to_lists
from . import colours

ROOM = 16  # up to so many rows or columns are all shown
FAR = -5e3  # a score so far below another has a weight of exactly 0
CORNER = 4  # of more, so many from the beginning and from the end


@dataclass
class Grid:
    """The heat map of a tensor.

    Attributes:
        shape: of the tensor.
        rows, columns: the indices of the shown rows and columns; a jump marks a gap.
        numbers: the shown numbers, row by row; True and False for a mask.
        palette: "value", "gradient" or "probability".
        largest: the |x| that has the full colour.
        power: the texts show the numbers divided by 10 to this power.
        noise: gradients up to this size are rounding noise: they read ≈ 0.
        least: of scores, the number that stands for −∞, and so do all below; or None.
        totals: if the numbers are a share of a gradient, the whole gradient.
    """

    shape: tuple[int, ...]
    rows: list[int]
    columns: list[int]
    numbers: list[list[Any]]
    palette: str
    largest: float
    power: int = 0
    noise: float = 0.0
    least: float | None = None
    totals: list[list[Any]] | None = field(default=None, repr=False)

    def text(self, x: Any) -> str:
        """The text of a number in its cell."""
        if x is True or x is False:
            return "✓" if x else "✗"
        if isinstance(x, int):
            return str(x) if abs(x) < 10_000 else colours.digits(float(x), self.power)
        return colours.digits(self.meant(x), self.power, self.noise)

    def colour(self, x: Any) -> str:
        """The colour of a number's cell."""
        if x is True or x is False:
            return colours.YES if x else colours.MINUS_INFINITY
        x = self.meant(float(x))
        x = 0.0 if abs(x) <= self.noise else x
        return colours.shade(x, self.largest, colours.PALETTES[self.palette])

    def meant(self, x: float) -> float:
        """A number, or −∞ if it stands for that."""
        return -math.inf if self.least is not None and x <= self.least else x

    def index(self, row: int, column: int) -> tuple[int, ...]:
        """The index of the number in a row and column of the map."""
        if not self.shape:
            return ()
        width = self.shape[-1]
        return index_of(row * width + column, self.shape)


def grid_of(
    array: Any,
    palette: str = "value",
    largest: float | None = None,
    total: Any = None,
    room: int = ROOM,
    noise: float = 0.0,
    scores: bool = False,
) -> Grid:
    """The heat map of an array.

    Args:
        largest: the |x| that has the full colour; by default the array's largest.
        total: an array of the same shape, shown in tooltips.
        room: up to so many rows and columns are all shown.
        noise: numbers up to this size read ≈ 0.
        scores: whether the numbers are those of a softmax, so that one far below the
            others stands for −∞.
    """
    shape = tuple(getattr(array, "shape", ()))
    if not hasattr(array, "shape"):
        numbers = [array]
    elif prod(shape):
        numbers = None
    else:
        return Grid(shape, [], [], [], palette, 0.0)
    least = stand_in(array) if scores and numbers is None else None
    columns = shape[-1] if shape else 1
    rows = prod(shape[:-1]) if shape else 1
    shown_rows, shown_columns = some(rows, room), some(columns, room)
    if numbers is None and rows * columns > len(shown_rows) * len(shown_columns):
        own = size_of(array)
        picked = picks(array, shape, shown_rows, shown_columns)
        totals = (
            None if total is None else picks(total, shape, shown_rows, shown_columns)
        )
    else:
        numbers = flat(array) if numbers is None else numbers
        own = colours.largest(map(float, numbers))
        picked = [numbers[r * columns : (r + 1) * columns] for r in range(rows)]
        every = None if total is None else flat(total)
        totals = every and [every[r * columns : (r + 1) * columns] for r in range(rows)]
    if least is not None:
        own = size_of(above(array, least))
    if own <= noise:
        own = 0.0
    power = colours.exponent(own) if palette != "probability" else 0
    if palette == "probability":
        own = 1.0
    size = own if largest is None else largest
    return Grid(
        shape,
        shown_rows,
        shown_columns,
        picked,
        palette,
        size,
        power,
        noise,
        least,
        totals,
    )


def some(count: int, room: int = ROOM) -> list[int]:
    """The indices of the shown rows, out of `count`.

    >>> some(3), some(100)
    ([0, 1, 2], [0, 1, 2, 3, 96, 97, 98, 99])
    """
    if count <= room:
        return list(range(count))
    return [*range(CORNER), *range(count - CORNER, count)]


def picks(
    array: Any, shape: tuple[int, ...], rows: list[int], columns: list[int]
) -> list[list[Any]]:
    """The numbers in some rows and columns of an array."""
    found = []
    for r in rows:
        row = array[index_of(r, shape[:-1])] if len(shape) > 1 else array
        found.append([to_lists(row[c]) for c in columns])
    return found


def size_of(array: Any) -> float:
    """The largest finite |x| of an array."""
    xp = namespace_of([array])
    if 0 in array.shape:
        return 0.0
    if not str(array.dtype).startswith("float"):
        array = xp.astype(array, "float64")
    with xp.quiet():
        sizes = xp.maximum(array, -array)
        sizes = xp.where(sizes < math.inf, sizes, 0.0)
        return float(to_lists(xp.max(sizes, axis=None)))


def stand_in(array: Any) -> float | None:
    """Of scores, the largest number that stands for −∞, such as −1e9 in the place of
    those that a mask hides: so far below the largest score that its weight is exactly
    0. None if there is none, or if a row has no other: its weights are not 0."""
    shape = tuple(array.shape)
    if not shape or not prod(shape) or not str(array.dtype).startswith("float"):
        return None
    xp = namespace_of([array])
    with xp.quiet():
        lowest = xp.max(xp.where(array > -math.inf, -array, 0.0), axis=None)
    if not float(to_lists(lowest)) >= -FAR:
        return None
    rows = range(prod(shape[:-1]))
    return least_of(flat(array[index_of(r, shape[:-1])]) for r in rows)


def least_of(rows: Iterable[list[float]]) -> float | None:
    """`stand_in`, for numbers row by row."""
    found = []
    for row in rows:
        top = max((x for x in row if x == x), default=math.nan)
        if not top > FAR or top == math.inf:
            if any(-math.inf < x <= FAR for x in row):
                return None
            continue
        found += [x for x in row if -math.inf < x <= FAR and x < top + FAR]
    return max(found, default=None)


def above(array: Any, least: float) -> Any:
    """The array, with 0 for the numbers that stand for −∞."""
    xp = namespace_of([array])
    with xp.quiet():
        return xp.where(array > least, array, 0.0)
