"""The first step of a layered drawing: which row does each box stand in?

Every line must lead to a later row, and the lines should be short. Rows counted from
the top (each box right after the last of its inputs) do the first, but leave the mask
of an attention, which needs nothing, in the top row with a line through the whole
picture. So we count from the bottom, which places each box right before the first that
needs it, and then move boxes up where that shortens more line than it stretches.

The sum of all lengths has a best solution, which network simplex finds (Gansner et al.
1993, "A Technique for Drawing Directed Graphs", §2). Moving boxes and what hangs on
them ends at that sum or near it, with a tenth of the code.
"""

from __future__ import annotations

LARGEST = 64  # boxes that move together
ROUNDS = 24

Edge = tuple[int, int, int]  # from, to, how much a row of its length costs


def ranks(count: int, edges: list[Edge]) -> list[int]:
    """A row for each of `count` boxes, from 0, such that all edges lead down.

    An edge that closes a cycle is taken the other way around; one from a box to itself
    is left out. Every connected part begins in row 0.

    >>> ranks(4, [(0, 1, 1), (1, 2, 1), (3, 2, 1)])  # 3, the mask, stands beside 1
    [0, 1, 2, 1]
    """
    edges = without_cycles(count, edges)
    into: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    out_of: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for a, b, weight in edges:
        out_of[a].append((b, weight))
        into[b].append((a, weight))
    rows = _as_late_as_possible(count, into, out_of)
    for _ in range(ROUNDS):
        moved = 0
        for box in range(count):
            moved += _shift(box, -1, rows, into, out_of)
            moved += _shift(box, +1, rows, out_of, into)
        if not moved:
            break
    return _each_part_from_zero(rows, into, out_of)


def without_cycles(count: int, edges: list[Edge]) -> list[Edge]:
    """The edges, those that lead back on a depth-first walk turned around.

    >>> without_cycles(3, [(0, 1, 1), (1, 2, 1), (2, 0, 1), (1, 1, 1)])
    [(0, 1, 1), (1, 2, 1), (0, 2, 1)]
    """
    out_of: list[list[int]] = [[] for _ in range(count)]
    enters = [0] * count
    for a, b, _ in edges:
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
    # An edge leads back exactly where its end is left later than its start.
    return [
        (a, b, weight) if left[a] > left[b] else (b, a, weight)
        for a, b, weight in edges
        if a != b
    ]


Neighbours = list[list[tuple[int, int]]]


def _as_late_as_possible(count: int, into: Neighbours, out_of: Neighbours) -> list[int]:
    waits = [len(users) for users in out_of]
    ready = [box for box in range(count) if not waits[box]]
    height = [0] * count
    for box in ready:  # grows as we go
        for source, _ in into[box]:
            height[source] = max(height[source], height[box] + 1)
            waits[source] -= 1
            if not waits[source]:
                ready.append(source)
    top = max(height, default=0)
    return [top - h for h in height]


def _shift(
    box: int, step: int, rows: list[int], before: Neighbours, after: Neighbours
) -> bool:
    """Move a box, with all that stops it, by `step` rows as often as lines allow, if
    the lines `before` it that shrink outweigh the lines `after` it that grow."""
    if not before[box]:
        return False
    group = {box: True}  # a dict keeps the order
    waiting = [box]
    for member in waiting:
        for other, _ in before[member]:
            tight = (rows[member] - rows[other]) * step == -1
            if tight and other not in group:
                group[other] = True
                waiting.append(other)
        if len(group) > LARGEST:
            return False
    gain, room = 0, len(rows)
    for member in group:
        for other, weight in before[member]:
            if other not in group:
                gain += weight
                room = min(room, (rows[other] - rows[member]) * step - 1)
        for other, weight in after[member]:
            if other not in group:
                gain -= weight
    if gain <= 0 or room == len(rows):
        return False
    for member in group:
        rows[member] += step * room
    return True


def _each_part_from_zero(
    rows: list[int], into: Neighbours, out_of: Neighbours
) -> list[int]:
    seen = [False] * len(rows)
    for start in range(len(rows)):
        if seen[start]:
            continue
        seen[start] = True
        part = [start]
        for box in part:
            for other, _ in into[box] + out_of[box]:
                if not seen[other]:
                    seen[other] = True
                    part.append(other)
        top = min([rows[box] for box in part])
        for box in part:
            rows[box] -= top
    return rows
