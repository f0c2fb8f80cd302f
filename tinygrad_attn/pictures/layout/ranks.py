"""The first step of a layered drawing: which row does each box stand in?

Every line must lead to a later row, and the lines should be short. Each box right
after the last of its inputs does the first. But it leaves the mask of an attention,
which needs nothing, in the top row with a line through the whole picture, and so a
weight that is used late. So, from the last box to the first, each goes down to its
first use if more lines pull it down than hold it back.

What holds a box back? A line from an input that others use as well, or that is held
back itself. An input of its own, such as a weight, comes along. At last a box goes
down together with all that it was made from, if nothing else holds these: the labels
of a loss, made into rows of 0 and 1, stand beside the loss.
"""

from __future__ import annotations

from collections.abc import Sequence

Pair = tuple[int, int, int]  # from, to, how much a row of its length costs
FEW = 60  # boxes behind one that goes down with them


def ranks(count: int, pairs: Sequence[Pair]) -> list[int]:
    """A row for each of `count` boxes, from 0, such that all pairs lead down.

    A pair that closes a cycle is taken the other way around; one from a box to itself
    is left out. Every part that is joined by pairs begins in row 0.

    >>> ranks(4, [(0, 1, 1), (1, 2, 1), (3, 2, 1)])  # 3, the mask, stands beside 1
    [0, 1, 2, 1]
    """
    pairs = without_cycles(count, pairs)
    into: list[dict[int, int]] = [{} for _ in range(count)]  # input → weight
    out_of: list[dict[int, int]] = [{} for _ in range(count)]
    for a, b, weight in pairs:
        into[b][a] = out_of[a][b] = into[b].get(a, 0) + weight
    order = _inputs_first(into, out_of)
    rows = [0] * count
    for box in order:
        rows[box] = max([rows[a] + 1 for a in into[box]], default=0)
    held = [0] * count
    for box in order:
        for a, weight in into[box].items():
            held[box] += weight if len(out_of[a]) > 1 else min(weight, held[a])
    for box in reversed(order):
        if sum(out_of[box].values()) > held[box]:
            rows[box] = min([rows[b] for b in out_of[box]]) - 1
    for box in reversed(order):
        _sink(box, rows, into, out_of)
    return _each_part_from_zero(rows, pairs)


def _sink(
    box: int,
    rows: list[int],
    into: Sequence[dict[int, int]],
    out_of: Sequence[dict[int, int]],
) -> None:
    """Move a box and all behind it down, as far as lines to other boxes let them. A
    box that is in the way comes along, with all behind it: nothing gets longer, as no
    line leads into what is moved."""
    behind, found = {box}, [box]
    done = 0
    while len(found) <= FEW:
        while done < len(found) <= FEW:
            new = [a for a in into[found[done]] if a not in behind]
            behind.update(new)
            found += new
            done += 1
        leaving = [(a, b) for a in found for b in out_of[a] if b not in behind]
        tight = {b for a, b in leaving if rows[b] - rows[a] == 1}
        if not tight or done < len(found):
            break
        behind |= tight
        found += sorted(tight)
    else:
        return
    if done == len(found) and leaving:
        room = min([rows[b] - rows[a] - 1 for a, b in leaving])
        for a in found:
            rows[a] += room


def _inputs_first(
    into: Sequence[dict[int, int]], out_of: Sequence[dict[int, int]]
) -> list[int]:
    waits = [len(inputs) for inputs in into]
    order = [box for box, count in enumerate(waits) if not count]
    for box in order:  # grows as we go
        for b in out_of[box]:
            waits[b] -= 1
            if not waits[b]:
                order.append(b)
    return order


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


def _each_part_from_zero(rows: list[int], pairs: Sequence[Pair]) -> list[int]:
    beside: list[list[int]] = [[] for _ in rows]
    for a, b, _ in pairs:
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
