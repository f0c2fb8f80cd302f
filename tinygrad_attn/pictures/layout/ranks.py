"""The first step of a layered drawing: which row does each box stand in?

Every line must lead to a later row, and the lines should be short. Rows counted from
the top (each box right after the last of its inputs) do the first, but leave the mask
of an attention, which needs nothing, in the top row with a line through the whole
picture. Counted from the bottom (each box right before the first that needs it) they
leave a value that many need far from the one thing it was made from. So the sum of all
lengths decides, in which the height of each frame counts too.
"""

from __future__ import annotations

from collections.abc import Sequence

from .simplex import Edge, shorten

WORK = 1_000_000  # steps, before a large picture has to do
FRAME = 2  # what a row of a frame's height costs, in lines

Pair = tuple[int, int, int]  # from, to, how much a row of its length costs


def ranks(
    count: int, pairs: Sequence[Pair], frames: Sequence[Sequence[int]] = ()
) -> list[int]:
    """A row for each of `count` boxes, from 0, such that all pairs lead down.

    A pair that closes a cycle is taken the other way around; one from a box to itself
    is left out. Every part that is joined by pairs or frames begins in row 0.

    Args:
        frames: the boxes of each, which should stand in few rows.

    >>> ranks(4, [(0, 1, 1), (1, 2, 1), (3, 2, 1)])  # 3, the mask, stands beside 1
    [0, 1, 2, 1]
    """
    pairs = without_cycles(count, pairs)
    rows: list[float] = list(_as_late_as_possible(count, pairs))
    edges: list[Edge] = [(a, b, 1, weight) for a, b, weight in pairs]
    for boxes in frames:  # two more numbers, its first row and its last
        first, last = len(rows), len(rows) + 1
        rows += [min([rows[b] for b in boxes]), max([rows[b] for b in boxes])]
        edges.append((first, last, 0, FRAME))
        for box in boxes:
            edges += [(first, box, 0, 0), (box, last, 0, 0)]
    found = [round(row) for row in shorten(rows, edges, WORK)]
    return _each_part_from_zero(found, edges)[:count]


def without_cycles(count: int, pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs, those that lead back on a depth-first walk turned around.

    >>> without_cycles(3, [(0, 1, 1), (1, 2, 1), (2, 0, 1), (1, 1, 1)])
    [(0, 1, 1), (1, 2, 1), (0, 2, 1)]
    """
    out_of: list[list[int]] = [[] for _ in range(count)]
    enters = [0] * count
    for a, b, _ in pairs:
        if a != b:
            out_of[a].append(b)
            enters[b] += 1
    left: list[int] = [-1] * count  # when the walk was done with it
    seen = [False] * count
    clock = 0
    for start in sorted(range(count), key=enters.__getitem__):
        if seen[start]:
            continue
        seen[start] = True
        walk = [(start, iter(out_of[start]))]
        while walk:
            box, rest = walk[-1]
            for other in rest:
                if not seen[other]:
                    seen[other] = True
                    walk.append((other, iter(out_of[other])))
                    break
            else:
                walk.pop()
                left[box] = clock
                clock += 1
    # A pair leads back exactly where its end is left later than its start.
    return [
        (a, b, weight) if left[a] > left[b] else (b, a, weight)
        for a, b, weight in pairs
        if a != b
    ]


def _as_late_as_possible(count: int, pairs: Sequence[Pair]) -> list[int]:
    waits = [0] * count
    into: list[list[int]] = [[] for _ in range(count)]
    for a, b, _ in pairs:
        waits[a] += 1
        into[b].append(a)
    ready = [box for box in range(count) if not waits[box]]
    height = [0] * count
    for box in ready:  # grows as we go
        for source in into[box]:
            height[source] = max(height[source], height[box] + 1)
            waits[source] -= 1
            if not waits[source]:
                ready.append(source)
    top = max(height, default=0)
    return [top - h for h in height]


def _each_part_from_zero(rows: list[int], edges: Sequence[Edge]) -> list[int]:
    beside: list[list[int]] = [[] for _ in rows]
    for a, b, _, _ in edges:
        beside[a].append(b)
        beside[b].append(a)
    seen = [False] * len(rows)
    for start in range(len(rows)):
        if seen[start]:
            continue
        seen[start] = True
        part = [start]
        for box in part:
            for other in beside[box]:
                if not seen[other]:
                    seen[other] = True
                    part.append(other)
        top = min([rows[box] for box in part])
        for box in part:
            rows[box] -= top
    return rows
