"""What stands above what, where no line says it.

Lines alone leave much open: a weight could stand in any row above its use, and a
decoder's first boxes beside its encoder. Here are further wishes, as pairs of boxes of
which the first is to stand above the second (in a strip: left of it). Those that
contradict the lines, or an earlier wish, are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .pieces import Box, Line, Outline

Pair = tuple[int, int, int]
ABREAST = 640.0  # wider inputs of one box stand below each other


def without_contradictions(
    count: int, lines: Iterable[tuple[int, int]], wishes: Iterable[tuple[int, int]]
) -> list[Pair]:
    """Of all wishes those that can be kept together; they cost nothing, however long
    they are.

    >>> without_contradictions(3, [(0, 1)], [(1, 0), (2, 0), (1, 2), (2, 1)])
    [(2, 0, 0)]
    """
    after = _reached(count, lines)
    before = [0] * count
    for a, below in enumerate(after):
        for b in _bits(below):
            before[b] |= 1 << a
    found: list[Pair] = []
    for a, b in wishes:
        if a == b or after[b] >> a & 1 or after[a] >> b & 1:
            continue
        found.append((a, b, 0))
        above, below = before[a] | 1 << a, after[b] | 1 << b
        for i in _bits(above):
            after[i] |= below
        for i in _bits(below):
            before[i] |= above
    return found


def _bits(number: int) -> list[int]:
    """Which bits of a number are set.

    >>> _bits(10)
    [1, 3]
    """
    found = []
    while number:
        low = number & -number
        found.append(low.bit_length() - 1)
        number ^= low
    return found


def frames_in_a_row(
    boxes: Sequence[Box], lines: Sequence[Line], frames: Sequence[Outline]
) -> list[tuple[int, int]]:
    """A frame that needs another beside it, however late, begins where that ends. So a
    decoder follows its encoder, and the picture reads like a text.

    >>> boxes = [Box("a", 9, 9, "f"), Box("b", 9, 9, "g"), Box("c", 9, 9, "g")]
    >>> lines = [Line("a", "c"), Line("b", "c")]
    >>> frames_in_a_row(boxes, lines, [Outline("f"), Outline("g")])
    [(0, 1)]
    """
    number = {box.id: i for i, box in enumerate(boxes)}
    joined = [(number[a.source], number[a.target]) for a in lines]
    held = _held(boxes, frames)
    after = _reached(len(boxes), joined)
    below = {id: _any_of(after, here) for id, here in held.items()}
    mask = {id: sum([1 << i for i in here]) for id, here in held.items()}
    found = []
    for f in frames:
        for g in frames:
            if f is g or f.parent != g.parent or not below[f.id] & mask[g.id]:
                continue
            if not below[g.id] & mask[f.id]:
                starts = _starts(held[g.id], joined)
                found += [(a, b) for a in _ends(held[f.id], joined) for b in starts]
    return found


def entered_from_above(
    boxes: Sequence[Box], lines: Sequence[Line], frames: Sequence[Outline]
) -> list[tuple[int, int]]:
    """What a frame has for itself, such as weights, stands below what it is given: so a
    line enters from above, and goes straight on.

    >>> boxes = [Box("x", 9, 9), Box("w", 9, 9, "f"), Box("z", 9, 9, "f")]
    >>> entered_from_above(boxes, [Line("x", "z"), Line("w", "z")], [Outline("f")])
    [(0, 1)]
    """
    number = {box.id: i for i, box in enumerate(boxes)}
    joined = [(number[a.source], number[a.target]) for a in lines]
    made = {b for _, b in joined}
    found = []
    for held in _held(boxes, frames).values():
        given = dict.fromkeys([a for a, b in joined if b in held and a not in held])
        found += [(a, b) for a in given for b in sorted(held - made)]
    return found


def below_what_comes_before(
    boxes: Sequence[Box], lines: Sequence[Line], frames: Sequence[Outline]
) -> list[tuple[int, int]]:
    """A leaf, and what is made of leaves alone, stands below the frames that end before
    its use, and not far to the side of them; if they are wide: with boxes side by side.

    >>> boxes = [Box(id, 9, 9, "f" * (id in "xwz")) for id in "xwzyL"]
    >>> lines = [Line(a, b) for a, b in ("xz", "wz", "zL", "yL")]
    >>> below_what_comes_before(boxes, lines, [Outline("f")])  # y below z
    [(2, 3)]
    """
    number = {box.id: i for i, box in enumerate(boxes)}
    joined = [(number[a.source], number[a.target]) for a in lines]
    parent = {frame.id: frame.parent for frame in frames}
    after = _reached(len(boxes), joined)
    found = []
    for id, held in _held(boxes, frames).items():
        within = {(a, b) for a, b in joined if a in held and b in held and a != b}
        if len(within) == len({b for _, b in within}):
            continue
        inside, later = sum([1 << i for i in held]), _any_of(after, held)
        loose = {
            i
            for i, box in enumerate(boxes)
            if box.group == parent[id] and after[i] & later
            if not (later >> i & 1 or after[i] & inside)
        }
        before = len(loose) + 1
        while len(loose) < before:  # what is made of others, too, stays where it is
            before = len(loose)
            loose -= {b for a, b in joined if b in loose and a not in loose}
        found += [(a, b) for b in sorted(loose) for a in _ends(held, joined)]
    return found


def inputs_above(boxes: Sequence[Box], lines: Sequence[Line]) -> list[tuple[int, int]]:
    """An input of several boxes stands above what each has for itself: X above W_Q, W_K
    and W_V, so that its lines go down to Q, K and V, and not to the side.

    >>> boxes = [Box(id, 9, 9) for id in ("X", "W", "U", "Q", "K")]
    >>> joined = ["XQ", "WQ", "XK", "UK"]
    >>> inputs_above(boxes, [Line(a, b) for a, b in joined])
    [(0, 1), (0, 2)]
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
        (shared, own)
        for shared in leaves
        if len(targets[shared]) > 1
        for user in targets[shared]
        for own in sources[user]
        if not sources[own] and len(targets[own]) == 1
    ]


def own_in_turn(
    boxes: Sequence[Box], lines: Sequence[Line], abreast: float = ABREAST
) -> list[tuple[int, int]]:
    """Wide inputs of one box alone, such as a weight and its bias, stand below each
    other and not side by side.

    >>> boxes = [Box("W", 500, 9), Box("b", 400, 9), Box("z", 9, 9)]
    >>> own_in_turn(boxes, [Line("W", "z"), Line("b", "z")])
    [(0, 1)]
    """
    number = {box.id: i for i, box in enumerate(boxes)}
    into: list[set[int]] = [set() for _ in boxes]
    out_of: list[set[int]] = [set() for _ in boxes]
    for line in lines:
        a, b = number[line.source], number[line.target]
        into[b].add(a)
        out_of[a].add(b)
    found = []
    for inputs in into:
        own = [i for i in sorted(inputs) if not into[i] and len(out_of[i]) == 1]
        if sum(boxes[i].width for i in own) > abreast:
            found += list(zip(own, own[1:]))
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


def _ends(held: set[int], joined: Sequence[tuple[int, int]]) -> list[int]:
    """Those of some boxes from which no line leads to another of them."""
    return sorted(held - {a for a, b in joined if b in held and a != b})


def _starts(held: set[int], joined: Sequence[tuple[int, int]]) -> list[int]:
    """Those of some boxes to which no line leads from another of them."""
    return sorted(held - {b for a, b in joined if a in held and a != b})


def _any_of(after: list[int], held: set[int]) -> int:
    found = 0
    for i in held:
        found |= after[i]
    return found


def _reached(count: int, joined: Iterable[tuple[int, int]]) -> list[int]:
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
