"""A long strip, wrapped into rows as text is.

A picture that runs to the right gets as long as the computation is deep. It is cut
where no box and no label stands, so that few lines and frames are cut, and the pieces
are put below each other. A line that is cut goes on: around the right end of its row,
back between the two rows, and into the next from the left. These ways are nested, and
so they do not cross each other.

A picture that runs down is wrapped into columns, as the text of a newspaper is: the
same with x for y. There frames that go on have their names above their first boxes.

breaking.py says where to cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .breaking import LANE, SIDE, SLIVER, blocks_of, cuts, halves, places_for_cuts
from .pieces import (
    Box,
    Layout,
    Line,
    Point,
    Rectangle,
    flipped,
    flipped_parts,
)

ROUND = 6.0  # the corners of their ways
ABOVE, BELOW = 32.0, 14.0  # in a frame, with its name
ROW_GAP = 16.0  # above and below the lines between two rows
NAME = 22.0  # the height of a frame's name, above a column


def wrap(
    found: Layout,
    boxes: Sequence[Box],
    lines: Sequence[Line],
    width: float,
    head: float = 0.0,
) -> Layout:
    """A layout to the right in rows of at most this width, if it can be cut so.

    Args:
        head: how much room a row has before it for each frame that goes on in it.

    >>> from .steps import layout
    >>> boxes = [Box(id, 100, 40) for id in "abcd"]
    >>> lines = [Line("a", "b"), Line("b", "c"), Line("c", "d")]
    >>> strip = layout(boxes, lines, direction="right")
    >>> rows = wrap(strip, boxes, lines, 400)
    >>> strip.width, rows.width, [y for _, y in rows.places.values()]
    (568.0, 351.0, [0.0, 0.0, 72.0, 72.0])
    """
    if found.width <= width:
        return found
    blocks = blocks_of(found, boxes, lines)
    ends = cuts(found, places_for_cuts(found, blocks), width, head)
    if not ends:
        return found
    rows = [_Row(a, b) for a, b in zip([0.0, *ends], [*ends, found.width])]
    ways = [_split(path, ends) for path in found.paths]
    for row, pieces in zip(rows, zip(*ways)):
        row.pieces = [piece for piece in pieces if piece]
    _stack(rows, found, blocks, ways, head)
    return _wrapped(found, rows, ways)


def in_columns(
    found: Layout, boxes: Sequence[Box], lines: Sequence[Line], height: float
) -> Layout:
    """A layout that runs down in columns of at most this height, if it can be cut so.

    >>> from .steps import layout
    >>> boxes = [Box(id, 100, 40) for id in "abcd"]
    >>> lines = [Line("a", "b"), Line("b", "c"), Line("c", "d")]
    >>> columns = in_columns(layout(boxes, lines), boxes, lines, 260)
    >>> columns.rows, [x for x, _ in columns.places.values()]
    (2, [0.0, 0.0, 132.0, 132.0])
    """
    turned = flipped_parts(boxes, lines)
    return flipped(wrap(flipped(found), *turned, height, head=NAME))


@dataclass
class _Row:
    """The piece of the strip from x = `start` to `end`, moved by (`dx`, `dy`)."""

    start: float
    end: float
    pieces: list[list[Point]] = field(default_factory=list)
    dx: float = 0.0
    dy: float = 0.0
    top: float = 0.0
    bottom: float = 0.0
    head: float = 0.0  # before its start, for the names of frames that go on
    lanes: list[int] = field(default_factory=list)  # lines that leave it, from above
    frames: dict[str, Rectangle] = field(default_factory=dict)

    def has(self, x: float) -> bool:
        return self.start <= x < self.end

    def moved(self, point: Point) -> Point:
        return point[0] + self.dx, point[1] + self.dy


# --- lines in pieces ------------------------------------------------------------------


def _split(path: list[Point], ends: list[float]) -> list[list[Point]]:
    """A path's piece in each row, from left to right; [] where it has none."""
    if path[0][0] > path[-1][0]:
        return [piece[::-1] for piece in _split(path[::-1], ends)]
    pieces: list[list[Point]] = [[] for _ in range(len(ends) + 1)]
    row = sum(x <= path[0][0] for x in ends)
    pieces[row] = [path[0]]
    for i in range(0, len(path) - 1, 3):
        curve = path[i : i + 4]
        while row < len(ends) and curve[0][0] < ends[row] < curve[3][0]:
            first, curve = halves(curve, ends[row])
            pieces[row] += first[1:]
            row += 1
            pieces[row] = [curve[0]]
        pieces[row] += curve[1:]
        if row < len(ends) and curve[3][0] == ends[row] and i + 4 < len(path):
            row += 1
            pieces[row] = [curve[3]]
    return pieces


# --- rows below each other ------------------------------------------------------------


def _stack(
    rows: list[_Row],
    found: Layout,
    blocks: Sequence[Rectangle],
    ways: list[list[list[Point]]],
    head: float,
) -> None:
    """Find each row's height and place, and the order of the lines that leave it."""
    for k, row in enumerate(rows[:-1]):
        row.lanes = [i for i, way in enumerate(ways) if way[k] and way[k + 1]]
        row.lanes.sort(key=_Leaving(ways, k))
    margin = max(SIDE + LANE * len(row.lanes) for row in rows[:-1])
    y = 0.0
    for row in rows:
        things = [b for b in blocks if row.has(b[0])]
        things += [(*p, 0.0, 0.0) for piece in row.pieces for p in piece]
        inside_out = sorted(found.frames.items(), key=_area)
        for id, frame in inside_out:
            if frame[0] < row.end and frame[0] + frame[2] > row.start:
                piece = _cropped(frame, row, things)
                begun = any(id in other.frames for other in rows)
                narrow = piece[2] < min(SLIVER, frame[2])
                if narrow and (begun or row is not rows[-1]):
                    continue  # nothing but a line that enters or leaves it
                things.append(piece)
                row.head += head * begun
                x, top, w, h = piece
                before = row.head if begun else 0.0
                row.frames[id] = x - before, top, w + before, h
        heights = [(y, y + h) for _, y, _, h in things]
        row.top = min([top for top, _ in heights], default=0.0)
        row.bottom = max([bottom for _, bottom in heights], default=0.0)
        row.dx, row.dy = margin - row.start + row.head, y - row.top
        y += row.bottom - row.top + 2 * ROW_GAP + LANE * max(0, len(row.lanes) - 1)


def _area(item: tuple[str, Rectangle]) -> float:
    return item[1][2] * item[1][3]


def _cropped(frame: Rectangle, row: _Row, things: list[Rectangle]) -> Rectangle:
    """A frame's piece in a row, no higher than what it holds there needs."""
    x, y, w, h = frame
    left, right = max(x, row.start), min(x + w, row.end)
    if (left, right) == (x, x + w):
        return frame
    inside = [
        (b, b + d)
        for a, b, c, d in things
        if left <= a and a + c <= right and y <= b and b + d <= y + h
    ]
    if not inside:
        return left, y, right - left, h
    top = max(y, min([top for top, _ in inside]) - ABOVE)
    bottom = min(y + h, max([bottom for _, bottom in inside]) + BELOW)
    return left, top, right - left, bottom - top


@dataclass
class _Leaving:
    """How far down a line leaves a row."""

    ways: list[list[list[Point]]]
    row: int

    def __call__(self, line: int) -> float:
        return max(self.ways[line][self.row], key=_across)[1]


def _across(point: Point) -> float:
    return point[0]


def _wrapped(found: Layout, rows: list[_Row], ways: list[list[list[Point]]]) -> Layout:
    made = Layout(rows=len(rows))
    for id, (x, y) in found.places.items():
        made.places[id] = _row_of(rows, x).moved((x, y))
    made.labels = [
        None if label is None else _row_of(rows, label[0]).moved(label)
        for label in found.labels
    ]
    for id in found.frames:
        parts = [
            (*row.moved((x, y)), w, h)
            for row in rows
            if id in row.frames
            for x, y, w, h in [row.frames[id]]
        ]
        made.frames[id], *made.continued[id] = parts
    made.paths = [_joined(i, way, rows) for i, way in enumerate(ways)]
    made.width = max(
        row.end + row.dx + (SIDE + LANE * len(row.lanes) if row.lanes else 0.0)
        for row in rows
    )
    made.height = rows[-1].bottom + rows[-1].dy
    return made


def _row_of(rows: list[_Row], x: float) -> _Row:
    return next((row for row in rows if row.has(x)), rows[-1])


def _joined(line: int, way: list[list[Point]], rows: list[_Row]) -> list[Point]:
    """A line's pieces, joined around the ends of the rows."""
    shown = [(rows[k], piece) for k, piece in enumerate(way) if piece]
    back = len(shown) > 1 and shown[0][1][0][0] > shown[0][1][-1][0]
    points: list[Point] = []
    before: _Row | None = None
    for row, piece in shown:
        moved = [row.moved(p) for p in (piece[::-1] if back else piece)]
        if before is None:
            points = moved
        else:
            points += _around(points[-1], moved[0], before, row.head, line) + moved[1:]
        before = row
    return points[::-1] if back else points


def _around(start: Point, end: Point, row: _Row, head: float, line: int) -> list[Point]:
    """From a row's right end to the left end of the next, which has a head."""
    lane, last = row.lanes.index(line), len(row.lanes) - 1
    right = start[0] + SIDE + LANE * (last - lane)
    left = end[0] - head - SIDE - LANE * lane
    y = row.bottom + row.dy + ROW_GAP + LANE * (last - lane)
    corners = [start, (right, start[1]), (right, y), (left, y), (left, end[1]), end]
    return _rounded(corners)


def _rounded(corners: list[Point]) -> list[Point]:
    """A way along upright and level lines, as curves; without its first point."""
    points: list[Point] = []
    here = corners[0]
    for corner, after in zip(corners[1:], corners[2:]):
        near, far = _toward(corner, here), _toward(corner, after)
        points += [*_straight(here, near), corner, corner, far]
        here = far
    return [*points, *_straight(here, corners[-1])]


def _toward(corner: Point, other: Point) -> Point:
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = abs(dx) + abs(dy)
    share = min(ROUND, length / 2) / length if length else 0.0
    return corner[0] + share * dx, corner[1] + share * dy


def _straight(a: Point, b: Point) -> list[Point]:
    third = ((b[0] - a[0]) / 3, (b[1] - a[1]) / 3)
    return [
        (a[0] + third[0], a[1] + third[1]),
        (b[0] - third[0], b[1] - third[1]),
        b,
    ]
