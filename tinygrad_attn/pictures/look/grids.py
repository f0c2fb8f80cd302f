"""A tensor as a heat map: the numbers that it shows, and their scale.

A heat map has two axes. A vector is a map of one row. If a tensor has more axes, its
matrices stand below each other. Of a large tensor the map shows only the corners, with
gaps between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from math import prod
from typing import Any

from ...arrays.backends import namespace_of
from ...graph.data import flat, index_of, to_lists
from . import colours

ROOM = 16  # up to so many rows or columns are all shown
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
        totals: if the numbers are a share of a gradient, the whole gradient.
    """

    shape: tuple[int, ...]
    rows: list[int]
    columns: list[int]
    numbers: list[list[Any]]
    palette: str
    largest: float
    power: int = 0
    totals: list[list[Any]] | None = field(default=None, repr=False)

    def text(self, x: Any) -> str:
        """The text of a number in its cell."""
        if x is True or x is False:
            return "✓" if x else "✗"
        if isinstance(x, int):
            return str(x) if abs(x) < 10_000 else colours.digits(float(x), self.power)
        return colours.digits(x, self.power)

    def colour(self, x: Any) -> str:
        """The colour of a number's cell."""
        if x is True or x is False:
            return colours.YES if x else colours.MINUS_INFINITY
        return colours.shade(float(x), self.largest, colours.PALETTES[self.palette])

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
) -> Grid:
    """The heat map of an array.

    Args:
        largest: the |x| that has the full colour; by default the array's largest.
        total: an array of the same shape, shown in tooltips.
        room: up to so many rows and columns are all shown.
    """
    shape = tuple(getattr(array, "shape", ()))
    if not hasattr(array, "shape"):
        numbers = [array]
    elif prod(shape):
        numbers = None
    else:
        return Grid(shape, [], [], [], palette, 0.0)
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
    power = colours.exponent(own) if palette != "probability" else 0
    if palette == "probability":
        own = 1.0
    size = own if largest is None else largest
    return Grid(shape, shown_rows, shown_columns, picked, palette, size, power, totals)


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


def is_probability(array: Any) -> bool:
    """Whether each row holds numbers ≥ 0 that add up to 1, or zeros alone (a query that
    may attend to no key); an array of zeros alone is no probability."""
    shape = tuple(getattr(array, "shape", ()))
    if len(shape) < 2 or not prod(shape) or not str(array.dtype).startswith("float"):
        return False
    xp = namespace_of([array])
    with xp.quiet():
        sums = flat(xp.sum(array, axis=-1))
        low = -float(to_lists(xp.max(-array, axis=None)))
    whole = [abs(s - 1.0) < 1e-5 for s in sums]
    return low >= 0.0 and any(whole) and all(w or s == 0.0 for w, s in zip(whole, sums))
