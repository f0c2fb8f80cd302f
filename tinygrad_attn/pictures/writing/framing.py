"""Where the name of a frame stands along its upper side: left, and clear of lines."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from ..layout.pieces import Point, Rectangle

INDENT, HIGH, CLEAR = 9.0, 20.0, 4.0  # of a name; its height; from a line
FINE = 12  # pieces of a curve


def straight_pieces(paths: Sequence[Sequence[Point]]) -> list[tuple[Point, Point]]:
    """Curves as short straight pieces."""
    found = []
    for path in paths:
        for i in range(0, len(path) - 1, 3):
            points = [_at(path[i : i + 4], n / FINE) for n in range(FINE + 1)]
            found += list(zip(points, points[1:]))
    return found


def place_of_name(
    frame: Rectangle, width: float, pieces: Sequence[tuple[Point, Point]]
) -> float:
    """Where a name of this width begins: as far left as no line passes through it; at
    the left all the same, if there is no such place.

    >>> place_of_name((0, 0, 200, 99), 50, [((30, -9), (30, 40))])
    34.0
    >>> place_of_name((0, 0, 200, 99), 50, [((-9, 10), (300, 10))])
    9.0
    """
    x, y, w, _ = frame
    taken: list[tuple[float, float]] = []
    for a, b in pieces:
        low, high = sorted((a[1], b[1]))
        if low < y + HIGH and high > y:
            left, right = sorted((a[0], b[0]))
            insort(taken, (left - CLEAR, right + CLEAR))
    start = x + INDENT
    for left, right in taken:
        if left >= start + width:
            break
        start = max(start, right)
    return start if start + width <= x + w - INDENT else x + INDENT


def _at(curve: Sequence[Point], t: float) -> Point:
    """A point of a Bézier curve."""
    u = 1.0 - t
    parts = (u**3, 3 * u * u * t, 3 * u * t * t, t**3)
    x = sum(part * point[0] for part, point in zip(parts, curve))
    return x, sum(part * point[1] for part, point in zip(parts, curve))
