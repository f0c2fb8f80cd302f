"""The size of a card on the page. `page/places.js` places the parts inside it."""

from __future__ import annotations

from dataclasses import dataclass

from ..look.grids import Grid
from ..look.text import width as text_width

HEADER, LABEL, PAD = 24.0, 14.0, 8.0  # as in page/places.js
STRIP = 34.0  # as in page/strips.js, with the room around it
CELL_W, CELL_H, SKIP = 24.0, 15.0, 0.7


@dataclass
class Size:
    """The size of a card, and whether its gradient stands beside its value."""

    w: float
    h: float
    beside: bool = False


def size_on_page(title: str, grid: Grid, below: str | None) -> Size:
    """The size of a card, with cells of the same size on all cards.

    Args:
        below: the title of its gradient; None if it has no gradient.
    """
    least = text_width(title, 12.5, bold=True) + 2 * PAD + 6
    across = extent(grid.columns) * CELL_W
    down = extent(grid.rows) * CELL_H
    edge = HEADER + PAD + LABEL
    if below is None:
        least = max(least, text_width("no gradient: a constant", 9.5) + 2 * PAD)
        return Size(max(across + 2 * PAD, least), edge + LABEL + down)
    column = max(across, min(text_width(below, 9.5), 150.0))
    both = 2 * column + 3 * PAD
    if down > 1.3 * across or both <= 1.1 * least:
        return Size(max(both, least), edge + down, beside=True)
    return Size(max(column + 2 * PAD, least, 90.0), edge + LABEL + 2 * down)


def size_of_folded(title: str, lines: list[str], bars: bool = False) -> Size:
    """The size of a card that stands for folded ones.

    Args:
        bars: whether it has a strip of bars below its lines.
    """
    widths = [text_width(title, 12.5, bold=True) + 6]
    widths += [text_width(line, 11) for line in lines]
    height = HEADER + 2 * PAD + 15.0 * len(lines) + (STRIP if bars else 0.0)
    return Size(max(widths) + 2 * PAD, height)


def extent(indices: list[int]) -> float:
    """The width of some rows or columns in cells, with the gaps of left-out ones."""
    gaps = sum(b - a > 1 for a, b in zip(indices, indices[1:]))
    return max(len(indices), 1) + SKIP * gaps
