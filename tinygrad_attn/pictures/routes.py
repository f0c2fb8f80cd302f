"""The last step: rows, curves, frames.

A row is as high as its highest box, and lines pass through it upright, in lanes that
are theirs. All that is not upright happens between rows, where no box is: a cubic
Bézier curve stays within the hull of its four points, and ours lie between the two
rows. So no line crosses a box, and none has to be checked.
"""

from __future__ import annotations

from collections.abc import Sequence

from .coordinates import Room
from .layers import BESIDE, LABEL, SPINE, Border, Segment, Sheet, Spot, port
from .pieces import Box, Layout, Line, Point

STEEP = (
    0.12  # how much higher than usual a gap is for each pixel that a line goes aside
)
TALLEST = 1.6  # times the usual gap


def draw(
    sheet: Sheet,
    boxes: Sequence[Box],
    lines: Sequence[Line],
    room: Room,
) -> Layout:
    """Rows from top to bottom, and all places."""
    tops, bottoms = _rows(sheet, room)
    for layer, top, bottom in zip(sheet.layers, tops, bottoms):
        for spot in layer:
            spot.y = (top + bottom - spot.height) / 2
    found = Layout(frames=_frames(sheet, room))
    for box in boxes:
        found.places[box.id] = (sheet.boxes[box.id].x, sheet.boxes[box.id].y)
    for line, way in zip(lines, sheet.ways):
        found.paths.append(_path(sheet, line, way, tops, bottoms))
        found.labels.append(_label(way, room))
    _crop(found, boxes, lines)
    return found


def svg_path(points: Sequence[Point]) -> str:
    """The `d` of an SVG path through a line's points.

    >>> svg_path([(0, 0), (0, 5), (4, 5), (4, 10.25)])
    'M 0.0 0.0 C 0.0 5.0 4.0 5.0 4.0 10.2'
    """
    texts = [f"{x:.1f} {y:.1f}" for x, y in points]
    curves = [" C " + " ".join(texts[i : i + 3]) for i in range(1, len(texts), 3)]
    return f"M {texts[0]}" + "".join(curves)


def _rows(sheet: Sheet, room: Room) -> tuple[list[float], list[float]]:
    """Where each layer begins and ends."""
    opens, closes, longer = _borders_between(sheet, room)
    tops: list[float] = []
    bottoms: list[float] = []
    y = 0.0
    for i, layer in enumerate(sheet.layers):
        y += opens[i]
        tops.append(y)
        y += max([spot.height for spot in layer])
        bottoms.append(y)
        y += closes[i]
        for border in longer[i]:  # a frame shorter than its label
            y = max(y, tops[border.first] + border.label_width + 2 * room.pad)
        if i + 1 < len(sheet.layers):
            whole = sheet.rows[i] and sheet.rows[i + 1]
            y += _gap(layer, room.rank_gap if whole else room.rank_gap / 2)
    return tops, bottoms


def _gap(layer: list[Spot], usual: float) -> float:
    aside = [abs(s.upper.x + s.out - s.lower.x - s.into) for t in layer for s in t.down]
    return max(usual, min(usual * TALLEST, STEEP * max(aside, default=0.0)))


def _borders_between(
    sheet: Sheet, room: Room
) -> tuple[list[float], list[float], list[list[Border]]]:
    """The room for frames above and below each layer, and those that end there."""
    opens = [0.0] * len(sheet.layers)
    closes = [0.0] * len(sheet.layers)
    ends: list[list[Border]] = [[] for _ in sheet.layers]
    above: dict[str, float] = {}
    below: dict[str, float] = {}
    for border in sheet.borders.values():
        outer = sheet.borders.get(border.path[-2]) if len(border.path) > 1 else None
        head = room.pad + (0.0 if room.turned else border.label_height)
        same = outer is not None and outer.first == border.first
        above[border.id] = head + (above[outer.id] if outer and same else 0.0)
        same = outer is not None and outer.last == border.last
        below[border.id] = room.pad + (below[outer.id] if outer and same else 0.0)
        opens[border.first] = max(opens[border.first], above[border.id])
        closes[border.last] = max(closes[border.last], below[border.id])
        if room.turned and border.label_width:
            ends[border.last].append(border)
    return opens, closes, ends


def _frames(sheet: Sheet, room: Room) -> dict[str, tuple[float, float, float, float]]:
    """The rectangle of each frame, around what it holds, lanes included."""
    hull: dict[str, list[float]] = {}
    for layer in sheet.layers:
        for spot in layer:
            if spot.kind != SPINE and spot.path:
                right, bottom = spot.x + spot.width, spot.y + spot.height
                _widen(hull, spot.path[-1], spot.x, spot.y, right, bottom)
    frames: dict[str, tuple[float, float, float, float]] = {}
    for border in reversed(sheet.borders.values()):  # from the inside out
        left, top, right, bottom = hull[border.id]
        label = border.label_height
        left -= room.pad + (label if room.turned else 0.0)
        top -= room.pad + (0.0 if room.turned else label)
        right, bottom = right + room.pad, bottom + room.pad
        if border.label_width:
            least = border.label_width + 2 * room.pad
            if room.turned:
                bottom = max(bottom, top + least)
            else:
                right = max(right, left + least)
        frames[border.id] = (left, top, right - left, bottom - top)
        if len(border.path) > 1:
            _widen(hull, border.path[-2], left, top, right, bottom)
    return {id: frames[id] for id in sheet.borders}


def _widen(
    hull: dict[str, list[float]],
    id: str,
    left: float,
    top: float,
    right: float,
    bottom: float,
) -> None:
    a, b, c, d = hull.get(id, [left, top, right, bottom])
    hull[id] = [min(a, left), min(b, top), max(c, right), max(d, bottom)]


def _path(
    sheet: Sheet,
    line: Line,
    way: list[Segment],
    tops: list[float],
    bottoms: list[float],
) -> list[Point]:
    source = sheet.boxes[line.source]
    if not way:
        return _loop(source, port(line, source, True), port(line, source, False))
    first = way[0].upper
    points = [(first.x + way[0].out, first.y + first.height)]
    for s in way:
        _upright(points, bottoms[s.upper.layer])
        end = (s.lower.x + s.into, tops[s.lower.layer])
        x, middle = points[-1][0], (points[-1][1] + end[1]) / 2
        points += [(x, middle), (end[0], middle), end]
    _upright(points, way[-1].lower.y)
    return points if first is source else points[::-1]


def _upright(points: list[Point], y: float) -> None:
    x, here = points[-1]
    if abs(y - here) > 1e-9:
        points += [(x, here + (y - here) / 3), (x, y - (y - here) / 3), (x, y)]


def _loop(box: Spot, leaves: float, enters: float) -> list[Point]:
    """From a box around its right side to itself."""
    start = (box.x + leaves, box.y + box.height)
    end = (box.x + enters, box.y)
    right = box.x + box.width + 20.0
    side = (right, box.y + box.height / 2)
    low, high = start[1] + 20.0, end[1] - 20.0
    return [
        start,
        (start[0], low),
        (right, low),
        side,
        (right, high),
        (end[0], high),
        end,
    ]


def _label(way: list[Segment], room: Room) -> Point | None:
    for s in way:
        spot = s.lower
        if spot.kind == LABEL:
            return (spot.x + (0.0 if spot.port else BESIDE), spot.y)
    return None


def _crop(found: Layout, boxes: Sequence[Box], lines: Sequence[Line]) -> None:
    """Move everything so that the picture starts at (0, 0), and measure it."""
    corners = [point for path in found.paths for point in path]
    for box in boxes:
        x, y = found.places[box.id]
        corners += [(x, y), (x + box.width, y + box.height)]
    for line, label in zip(lines, found.labels):
        if label is not None:
            corners += [
                label,
                (label[0] + line.label_width, label[1] + line.label_height),
            ]
    for x, y, width, height in found.frames.values():
        corners += [(x, y), (x + width, y + height)]
    if not corners:
        return
    left, top = min([x for x, _ in corners]), min([y for _, y in corners])
    found.width = max([x for x, _ in corners]) - left
    found.height = max([y for _, y in corners]) - top
    found.places = {id: (x - left, y - top) for id, (x, y) in found.places.items()}
    found.paths = [[(x - left, y - top) for x, y in path] for path in found.paths]
    found.labels = [p and (p[0] - left, p[1] - top) for p in found.labels]
    found.frames = {
        id: (x - left, y - top, width, height)
        for id, (x, y, width, height) in found.frames.items()
    }
