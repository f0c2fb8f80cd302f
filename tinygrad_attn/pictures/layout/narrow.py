"""One box below the other, for a picture that must be narrow.

Q, K and V side by side are as wide as three cards. Where that is too wide all boxes
stand in one column, in the order of computing, and each leaf above the step that is the
first to use it. What makes them a column is an upright line from each box to the next,
which is not always drawn. All other lines run beside the boxes: mostly those forward on
one side and those back on the other, as fewer cross so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .layers import paths_of
from .pieces import Box, Line, Outline


def one_by_one(
    boxes: Sequence[Box], lines: Sequence[Line], frames: Sequence[Outline]
) -> list[int]:
    """The boxes from the uppermost to the lowest. A leaf outside a frame does not
    interrupt it.

    >>> boxes = [Box(id, 9, 9, "f" * (id in "wqk")) for id in "wuxqk"]
    >>> joined = ["xq", "wq", "qk", "uk"]
    >>> order = one_by_one(boxes, [Line(a, b) for a, b in joined], [Outline("f")])
    >>> [boxes[i].id for i in order]
    ['u', 'x', 'w', 'q', 'k']
    """
    paths = paths_of(frames)
    number = {box.id: i for i, box in enumerate(boxes)}
    into: dict[int, int] = {}  # a box → the first step that uses it
    steps: set[int] = set()
    for line in lines:
        a, b = number[line.source], number[line.target]
        steps.add(b)
        into[a] = min(b, into.get(a, b))
    begin: dict[str, int] = {}  # a frame → its first step
    for i in sorted(steps, reverse=True):
        begin |= dict.fromkeys(paths[boxes[i].group], i)
    keyed = []
    for i, box in enumerate(boxes):
        at, own = into.get(i, len(boxes)), paths[box.group]
        if i in steps:
            keyed.append((i, len(boxes), i))
            continue
        around = paths[boxes[at].group] if at < len(boxes) else ()
        entered = [id for id in around if id not in own]
        keyed.append((begin[entered[0]] if entered else at, len(own), i))
    return [i for _, _, i in sorted(keyed)]


def with_spine(
    boxes: Sequence[Box], lines: Sequence[Line], order: Sequence[int]
) -> list[Line]:
    """The lines, of which one leads from each box to the next, upright: one that has a
    label, or one that is added at the end and not drawn. It leads from where forward
    lines leave to where they enter.

    >>> boxes = [Box(id, 9, 9) for id in ("x", "w", "z")]
    >>> lines = [Line("x", "z", 1, 3), Line("w", "z", 2, 3, label_width=20.0)]
    >>> found = with_spine(boxes, lines, [0, 1, 2])
    >>> [(a.source, a.target, a.leaves, a.enters) for a in found if a.spine]
    [('w', 'z', 2, 3), ('x', 'w', 1, 2)]
    """
    port: dict[str, float | None] = {}
    at: dict[tuple[str, str], int] = {}
    for i, line in enumerate(lines):
        if not line.back:
            port[line.source], port[line.target] = line.leaves, line.enters
            if line.label_width:
                at.setdefault((line.source, line.target), i)
    found = list(lines)
    ids = [boxes[i].id for i in order]
    for a, b in zip(ids, ids[1:]):
        if (a, b) in at:
            found[at[a, b]] = replace(found[at[a, b]], spine=True)
        else:
            found.append(Line(a, b, port.get(a), port.get(b), spine=True))
    return found
