"""Frames one after the other: in a long strip, a decoder follows its encoder.

A decoder needs the encoder's result late, so its first boxes could stand above or below
the encoder's. In a strip they do not: a frame that needs another beside it, however
late, begins where that ends. So the strip reads like a text, and can be wrapped as one.
"""

from __future__ import annotations

from collections.abc import Sequence

from .pieces import Box, Line, Outline

Pair = tuple[int, int, int]
ABREAST = 800.0  # wider inputs of one box stand below each other


def frames_in_a_row(
    boxes: Sequence[Box], lines: Sequence[Line], frames: Sequence[Outline]
) -> list[Pair]:
    """Pairs of boxes, by number, that put frames behind those that they need. They cost
    nothing, however long they are.

    >>> boxes = [Box("a", 9, 9, "f"), Box("b", 9, 9, "g"), Box("c", 9, 9, "g")]
    >>> lines = [Line("a", "c"), Line("b", "c")]
    >>> frames_in_a_row(boxes, lines, [Outline("f"), Outline("g")])
    [(0, 1, 0)]
    """
    number = {box.id: i for i, box in enumerate(boxes)}
    joined = [(number[a.source], number[a.target]) for a in lines]
    held = _held(boxes, frames)
    found: list[Pair] = []
    after = _reached(len(boxes), joined)
    for i, f in enumerate(frames):
        for g in [*frames[:i], *frames[i + 1 :]]:
            here, there = held[f.id], held[g.id]
            if f.parent != g.parent or not _leads(here, there, after):
                continue
            if _leads(there, here, after):
                continue
            ends = [b for b in here if not any(a == b and c in here for a, c in joined)]
            starts = [
                b for b in there if not any(c == b and a in there for a, c in joined)
            ]
            pairs = [(a, b) for a in ends for b in starts if not after[a] >> b & 1]
            if pairs:
                found += [(a, b, 0) for a, b in pairs]
                after = _reached(len(boxes), [*joined, *[(a, b) for a, b, _ in found]])
    return found


def inputs_above(boxes: Sequence[Box], lines: Sequence[Line]) -> list[Pair]:
    """Pairs that put an input of several boxes above what each has for itself: X above
    W_Q, W_K and W_V, so that its lines go down to Q, K and V, and not to the side.

    >>> boxes = [Box(id, 9, 9) for id in ("X", "W", "U", "Q", "K")]
    >>> joined = ["XQ", "WQ", "XK", "UK"]
    >>> inputs_above(boxes, [Line(a, b) for a, b in joined])
    [(0, 1, 0), (0, 2, 0)]
    """
    number = {box.id: i for i, box in enumerate(boxes)}
    sources: list[dict[int, None]] = [{} for _ in boxes]
    targets: list[dict[int, None]] = [{} for _ in boxes]
    for line in lines:
        a, b = number[line.source], number[line.target]
        if a != b:
            sources[b][a] = targets[a][b] = None
    leaves = [i for i in range(len(boxes)) if not sources[i]]
    return [
        (shared, own, 0)
        for shared in leaves
        if len(targets[shared]) > 1
        for user in targets[shared]
        for own in sources[user]
        if not sources[own] and len(targets[own]) == 1
    ]


def own_in_turn(boxes: Sequence[Box], lines: Sequence[Line]) -> list[Pair]:
    """Pairs that put wide inputs of one box alone, such as a weight and its bias, below
    each other and not side by side: the widest above.

    >>> boxes = [Box("W", 500, 9), Box("b", 400, 9), Box("z", 9, 9)]
    >>> own_in_turn(boxes, [Line("W", "z"), Line("b", "z")])
    [(0, 1, 0)]
    """
    number = {box.id: i for i, box in enumerate(boxes)}
    into: list[set[int]] = [set() for _ in boxes]
    out_of: list[set[int]] = [set() for _ in boxes]
    for line in lines:
        a, b = number[line.source], number[line.target]
        into[b].add(a)
        out_of[a].add(b)
    found: list[Pair] = []
    for inputs in into:
        own = [i for i in sorted(inputs) if not into[i] and len(out_of[i]) == 1]
        own.sort(key=lambda i: -boxes[i].width)
        if sum(boxes[i].width for i in own) > ABREAST:
            found += [(a, b, 0) for a, b in zip(own, own[1:])]
    return found


def _held(boxes: Sequence[Box], frames: Sequence[Outline]) -> dict[str, set[int]]:
    """The boxes in each frame, also those in frames inside it."""
    parent = {frame.id: frame.parent for frame in frames}
    held: dict[str, set[int]] = {frame.id: set() for frame in frames}
    for i, box in enumerate(boxes):
        id = box.group
        while id:
            held[id].add(i)
            id = parent[id]
    return held


def _leads(here: set[int], there: set[int], after: list[int]) -> bool:
    return any(after[a] >> b & 1 for a in here for b in there)


def _reached(count: int, joined: Sequence[tuple[int, int]]) -> list[int]:
    """For each box those that lines lead to from it, as the bits of a number."""
    out_of: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for a, b in joined:
        if a != b:
            out_of[a].append(b)
            waits[b] += 1
    order = [box for box in range(count) if not waits[box]]
    for box in order:  # grows as we go
        for b in out_of[box]:
            waits[b] -= 1
            if not waits[b]:
                order.append(b)
    after = [0] * count
    for box in reversed(order):
        for b in out_of[box]:
            after[box] |= after[b] | 1 << b
    return after
