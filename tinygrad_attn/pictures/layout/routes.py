"""The last step: the ways of lines.

Lines pass through rows upright, in lanes that are theirs. All that is not upright
happens between rows, where no box is: a cubic Bézier curve stays within the hull of
its four points, and ours lie between the two rows. So no line crosses a box, and none
has to be checked.
"""

from __future__ import annotations

from collections.abc import Sequence

from .coordinates import Room
from .layers import BESIDE, LABEL, LANE, Layers, Segment, Spot, port
from .pieces import Box, Layout, Line, Point
from .rows import Rows, stack

FREE = 6.0  # between a curve and a label that it passes


def route(
    picture: Layers, boxes: Sequence[Box], lines: Sequence[Line], room: Room
) -> Layout:
    """Rows from top to bottom, and all places."""
    rows = stack(picture, room)
    found = Layout()
    for id, b in picture.borders.items():
        found.frames[id] = (b.left, b.top, b.right - b.left, b.bottom - b.top)
    for box in boxes:
        found.places[box.id] = (picture.boxes[box.id].x, picture.boxes[box.id].y)
    joined: dict[tuple[str, str], int] = {}
    for line in lines:
        pair = (line.source, line.target)
        joined[pair] = joined.get(pair, 0) + 1
    for line, way in zip(lines, picture.ways):
        alone = joined[line.source, line.target] == 1 or line.leaves is not None
        found.paths.append(_path(picture, line, way, rows, alone))
        found.labels.append(_label(way))
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


def _path(
    picture: Layers, line: Line, way: list[Segment], rows: Rows, alone: bool
) -> list[Point]:
    source = picture.boxes[line.source]
    if not way:
        return _loop(source, port(line, source, True), port(line, source, False))
    first = way[0].upper
    points = [(first.x + way[0].out, first.y + first.height)]
    skip = False
    for s, following in zip(way, [*way[1:], None]):
        if skip:
            skip = False
            continue
        _upright(points, rows.bottoms[s.upper.layer])
        end = (s.lower.x + s.into, rows.entry(s.lower, picture))
        if following is not None and alone and s.lower.kind == LANE:
            lower = following.lower
            beyond = (lower.x + following.into, rows.entry(lower, picture))
            skip = _is_clear(points[-1], beyond, s.lower, picture, rows)
            end = beyond if skip else end
        x, middle = points[-1][0], (points[-1][1] + end[1]) / 2
        points += [(x, middle), (end[0], middle), end]
    _upright(points, way[-1].lower.y)
    return points if first is source else points[::-1]


def _is_clear(
    start: Point, end: Point, lane: Spot, picture: Layers, rows: Rows
) -> bool:
    """Whether one curve may pass a layer of labels, instead of two and a lane."""
    if picture.rows[lane.layer]:
        return False
    top = _x_at(start, end, rows.tops[lane.layer])
    bottom = _x_at(start, end, rows.bottoms[lane.layer])
    left, right = min(top, bottom) - FREE, max(top, bottom) + FREE
    side = False  # of the lane
    for spot in picture.layers[lane.layer]:
        side = side or spot is lane
        if spot.kind == LABEL and (
            spot.x < right if side else spot.x + spot.width > left
        ):
            return False
    return True


def _x_at(start: Point, end: Point, y: float) -> float:
    """Where an upright curve is at a height, by halving."""
    low, high = 0.0, 1.0
    for _ in range(20):
        t = (low + high) / 2
        # The height of its control points is the middle between start and end.
        u = 1 - t
        share = 1.5 * u * u * t + 1.5 * u * t * t + t * t * t
        if start[1] + share * (end[1] - start[1]) < y:
            low = t
        else:
            high = t
    return start[0] + (3 * low * low - 2 * low**3) * (end[0] - start[0])


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


def _label(way: list[Segment]) -> Point | None:
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
