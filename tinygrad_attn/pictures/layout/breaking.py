"""Where a strip is cut, to be wrapped into rows.

It is a question for dynamic programming, as breaking a paragraph is (Knuth & Plass
1981): the best way to wrap all up to a place knows the best ways up to earlier ones. A
cut costs more the more lines and frames it cuts.
"""

from __future__ import annotations

from collections.abc import Sequence

from .pieces import Box, Layout, Line, Point, Rectangle

LEAST, NEAR = 8.0, 3.0  # room for a cut; from what is beside it
MOST = 12  # lines that a cut may cut; more are no way to read
A_ROW, A_LINE, A_FRAME, A_SLIVER, TOO_WIDE = 12.0, 1.0, 1.5, 3.0, 10.0  # their costs
SLIVER = 30.0  # a piece of a frame that is as narrow
LANE = 9.0  # between lines that go around side by side
SIDE = 12.0  # between a row's end and the first of them


def blocks_of(
    found: Layout, boxes: Sequence[Box], lines: Sequence[Line]
) -> list[Rectangle]:
    """What may not be cut: boxes, labels, and lines from a box to itself."""
    blocks = [(*found.places[box.id], box.width, box.height) for box in boxes]
    for line, path, label in zip(lines, found.paths, found.labels):
        if label is not None:
            blocks.append((*label, line.label_width, line.label_height))
        if line.source == line.target:
            xs, ys = [x for x, _ in path], [y for _, y in path]
            left, top = min(xs), min(ys)
            blocks.append((left, top, max(xs) - left, max(ys) - top))
    return blocks


def places_for_cuts(found: Layout, blocks: Sequence[Rectangle]) -> list[float]:
    """In the middle of every gap, where it begins and where it ends, as lines are level
    there. The side of a frame makes two gaps of one."""
    sides = {x for x, _, w, _ in found.frames.values() for x in (x, x + w)}
    places, free = [], 0.0
    for x, _, w, _ in sorted(blocks):
        if x > free:
            marks = [free, *sorted(s for s in sides if free < s < x), x]
            for a, b in zip(marks, marks[1:]):
                if b - a >= LEAST and a > 0.0:
                    places += [a + NEAR, (a + b) / 2, b - NEAR]
        free = max(free, x + w)
    return places


def cuts(
    found: Layout, places: list[float], width: float, head: float = 0.0
) -> list[float]:
    """The cuts that cost least.

    Args:
        head: how much room a row needs before it for each frame that goes on in it.
    """
    counted = [(x, _count_lines(found, x)) for x in places]
    places = [x for x, n in counted if n <= MOST]
    crossed = [n for _, n in counted if n <= MOST]
    marks = [0.0, *places, found.width]
    costs = [0.0, *[_cost(found, x, n) for x, n in zip(places, crossed)], 0.0]
    heads = [head * len(_cut(found, x)) for x in places]
    around = [0.0, *[SIDE + LANE * n + h for n, h in zip(crossed, heads)], 0.0]
    margin = max(around)  # the rows begin below each other
    best, came = [0.0], [0]
    for j in range(1, len(marks)):
        options: list[tuple[float, int]] = []
        for i in range(j):
            wide = marks[j] - marks[i] + margin + around[j]
            over = max(0.0, wide - width)
            unused = max(0.0, 1.0 - wide / width) if j + 1 < len(marks) else 0.0
            cost = costs[j] + A_ROW * (1.0 + unused**2) + TOO_WIDE * over
            options.append((best[i] + cost, i))
        least, i = min(options)
        best.append(least)
        came.append(i)
    ends: list[float] = []
    j = came[-1]
    while j:
        ends.append(marks[j])
        j = came[j]
    return ends[::-1]


def _count_lines(found: Layout, x: float) -> int:
    ends = [sorted((path[0][0], path[-1][0])) for path in found.paths]
    return sum(a < x < b for a, b in ends)


def _cost(found: Layout, x: float, lines: int) -> float:
    cut = _cut(found, x)
    slivers = sum(min(sides) < SLIVER for sides in cut)
    steep = sum(_steepness(path, x) for path in found.paths)
    return A_LINE * (lines + steep) + A_FRAME * len(cut) + A_SLIVER * slivers


def _cut(found: Layout, x: float) -> list[Point]:
    """For each frame that is cut at x how long it is before and after that."""
    return [(x - a, a + w - x) for a, _, w, _ in found.frames.values() if a < x < a + w]


def _steepness(path: list[Point], x: float) -> float:
    """How steep a line is at x, up to 2; 0 if it is level or not there."""
    for i in range(0, len(path) - 1, 3):
        curve = sorted(path[i : i + 4])
        if curve[0][0] < x < curve[3][0]:
            (a, b), (c, d) = halves(path[i : i + 4], x)[1][:2]
            return min(2.0, abs(d - b) / max(abs(c - a), 0.1))
    return 0.0


def halves(curve: list[Point], x: float) -> tuple[list[Point], list[Point]]:
    """A curve cut where it is at x, by de Casteljau's construction."""
    low, high = 0.0, 1.0
    (a, _), (b, _), (c, _), (d, _) = curve
    for _ in range(40):
        t = (low + high) / 2
        ab, bc, cd = a + t * (b - a), b + t * (c - b), c + t * (d - c)
        left, right = ab + t * (bc - ab), bc + t * (cd - bc)
        if left + t * (right - left) < x:
            low = t
        else:
            high = t
    first, second = _at(curve, t)
    first[3] = second[0] = (x, second[0][1])
    return first, second


def _at(curve: list[Point], t: float) -> tuple[list[Point], list[Point]]:
    first, second, points = [curve[0]], [curve[3]], curve
    while len(points) > 1:
        points = [
            (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]))
            for a, b in zip(points, points[1:])
        ]
        first.append(points[0])
        second.append(points[-1])
    return first, second[::-1]
