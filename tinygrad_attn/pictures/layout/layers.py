"""The picture as layers of spots: boxes, and the places where long lines pass by.

A line over several rows would run through the boxes between. It gets a spot of its own
in every row on its way, narrow but not nothing, and from here on all lines are short:
they join a spot and one in the next layer (Sugiyama, Tagawa & Toda 1981). Between two
rows there is one more layer if a label stands there, or if two lines join the same
boxes at the same points, as in x * x, and would lie on each other.

A frame has a spot in each of its layers too, its spine. It keeps the frame in one
piece where a layer has none of its boxes, and a line that crosses the frame crosses
its spine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from .pieces import Box, Line, Outline
from .ranks import Pair, ranks

Path = tuple[str, ...]  # ids of frames, from the outermost in

BOX, LANE, LABEL, SPINE = range(4)
SPINE_WEIGHT = 6  # a line crossing a frame counts as crossing that many lines
BESIDE = 5.0  # between a line and its label


@dataclass(eq=False)
class Spot:
    """Something in a layer. A line passes through a lane or label at its `port`; the
    `number` tells boxes' order as it was given, and what is between."""

    kind: int
    layer: int
    path: Path
    width: float = 0.0
    height: float = 0.0
    port: float = 0.0
    x: float = 0.0
    y: float = 0.0
    up: list[Segment] = field(default_factory=list)
    down: list[Segment] = field(default_factory=list)
    number: float = 0.0


@dataclass(eq=False)
class Segment:
    """A line's way from one layer to the next; its ports count from the spots' left."""

    upper: Spot
    lower: Spot
    out: float
    into: float
    line: int = -1
    weight: int = 1


@dataclass(eq=False)
class Border:
    """A frame, from layer `first` to layer `last`, and where its sides are found."""

    id: str
    path: Path
    label_width: float
    label_height: float
    first: int = 0
    last: int = -1
    left: float = 0.0
    right: float = 0.0
    top: float = inf
    bottom: float = -inf


@dataclass(eq=False)
class Layers:
    """The whole picture in layers.

    Attributes:
        layers: the spots, in order from left to right.
        rows: for each layer whether boxes stand in it.
        boxes: the spot of each box, by id.
        ways: for each line its segments from the upper end to the lower.
        borders: the frames that have boxes, by id, each after those around it.
    """

    layers: list[list[Spot]] = field(default_factory=list)
    rows: list[bool] = field(default_factory=list)
    boxes: dict[str, Spot] = field(default_factory=dict)
    ways: list[list[Segment]] = field(default_factory=list)
    borders: dict[str, Border] = field(default_factory=dict)

    def add(self, spot: Spot) -> Spot:
        self.layers[spot.layer].append(spot)
        return spot


def build(
    boxes: Sequence[Box],
    lines: Sequence[Line],
    frames: Sequence[Outline],
    label_after: bool,
    more: Sequence[Pair] = (),
) -> Layers:
    """Give every box a layer and every line its spots.

    Args:
        label_after: whether a label stands right of its line, or left of it.
        more: further pairs of boxes that must lead down.
    """
    paths = paths_of(frames)
    number = {box.id: i for i, box in enumerate(boxes)}
    of = {box.id: paths[box.group] for box in boxes}
    row = rows_of(boxes, lines, frames, more)
    spans = [
        tuple(sorted((row[number[line.source]], row[number[line.target]])))
        for line in lines
    ]
    gaps = _label_gaps(lines, spans)
    between = {gap for gap in gaps if gap >= 0} | _gaps_of_twins(lines, spans)
    layer_of: list[int] = []  # of each row
    picture = Layers()
    for r in range(max(row, default=-1) + 1):
        layer_of.append(len(picture.rows))
        picture.rows += [True, False] if r in between else [True]
    picture.layers = [[] for _ in picture.rows]

    for box in boxes:
        layer = layer_of[row[number[box.id]]]
        spot = Spot(BOX, layer, of[box.id], box.width, box.height)
        spot.number = number[box.id]
        picture.boxes[box.id] = picture.add(spot)
    _add_borders(picture, frames, paths)
    for i, line in enumerate(lines):
        label = layer_of[gaps[i]] + 1 if gaps[i] >= 0 else -1
        picture.ways.append(_way(picture, i, line, label, label_after))
    return picture


def paths_of(frames: Sequence[Outline]) -> dict[str, Path]:
    """For each frame the ids from the outermost to itself; for "" nothing.

    >>> paths_of([Outline("head", "block"), Outline("block")])["head"]
    ('block', 'head')
    """
    parent = {frame.id: frame.parent for frame in frames}
    paths: dict[str, Path] = {"": ()}
    for frame in frames:
        path: Path = ()
        outer = frame.id
        while outer:
            if outer in path:
                raise ValueError(f"layout: frame {outer!r} stands inside itself")
            if outer not in parent:
                raise ValueError(f"layout: frame {path[0]!r} is in no frame {outer!r}")
            path = (outer, *path)
            outer = parent[outer]
        paths[frame.id] = path
    return paths


def depth_in_common(a: Path, b: Path) -> int:
    """How many frames stand around both."""
    count = 0
    for one, other in zip(a, b):
        if one != other:
            break
        count += 1
    return count


def port(line: Line, box: Spot, at_source: bool) -> float:
    """Where on a box's side a line ends."""
    given = line.leaves if at_source else line.enters
    return box.width / 2 if given is None else given


def rows_of(
    boxes: Sequence[Box],
    lines: Sequence[Line],
    frames: Sequence[Outline],
    more: Sequence[Pair] = (),
) -> list[int]:
    """The row of each box. Lines inside a frame cost more, so that what belongs
    together stays together.

    Args:
        more: further pairs of boxes that must lead down.
    """
    paths = paths_of(frames)
    number = {box.id: i for i, box in enumerate(boxes)}
    of = {box.id: paths[box.group] for box in boxes}
    pairs = [
        (
            number[line.source],
            number[line.target],
            1 + 2 * depth_in_common(of[line.source], of[line.target]),
        )
        for line in lines
    ]
    return ranks(len(boxes), [*pairs, *more])


def _label_gaps(lines: Sequence[Line], spans: Sequence[tuple[int, ...]]) -> list[int]:
    """For each line with a label the row below which the label stands, else -1."""
    gaps = [-1] * len(lines)
    used: set[int] = set()
    labelled = [
        i for i, line in enumerate(lines) if line.label_width or line.label_height
    ]
    for i in labelled:  # those that have no choice
        top, bottom = spans[i]
        if bottom - top == 1:
            gaps[i] = top
            used.add(top)
    for i in labelled:
        top, bottom = spans[i]
        if bottom - top > 1:
            middle = (top + bottom - 1) // 2
            near = sorted([(abs(g - middle), g) for g in range(top, bottom)])
            gaps[i] = next((g for _, g in near if g in used), middle)
            used.add(gaps[i])
    return gaps


def _gaps_of_twins(lines: Sequence[Line], spans: Sequence[tuple[int, ...]]) -> set[int]:
    """The rows below which lines would lie on each other."""
    seen: set[tuple[str, str, float | None, float | None]] = set()
    found: set[int] = set()
    for line, (top, bottom) in zip(lines, spans):
        key = (line.source, line.target, line.leaves, line.enters)
        if key in seen and bottom - top == 1:
            found.add(top)
        seen.add(key)
    return found


def _add_borders(
    picture: Layers, frames: Sequence[Outline], paths: dict[str, Path]
) -> None:
    given = {frame.id: frame for frame in frames}
    held: dict[str, list[Spot]] = {}
    for spot in picture.boxes.values():
        for id in spot.path:
            held.setdefault(id, []).append(spot)
    for id in sorted(held, key=_depth_in(paths)):
        frame, path = given[id], paths[id]
        border = Border(id, path, frame.label_width, frame.label_height)
        layers = [spot.layer for spot in held[id]]
        border.first, border.last = min(layers), max(layers)
        middle = sum([spot.number for spot in held[id]]) / len(layers)
        picture.borders[id] = border
        above: Spot | None = None
        for layer in range(border.first, border.last + 1):
            spine = picture.add(Spot(SPINE, layer, path, number=middle))
            if above is not None:
                _join(Segment(above, spine, 0.0, 0.0, weight=SPINE_WEIGHT))
            above = spine


class _depth_in:
    """A sort key: how many frames are around a frame."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self.paths = paths

    def __call__(self, id: str) -> int:
        return len(self.paths[id])


def _way(
    picture: Layers, number: int, line: Line, label_layer: int, label_after: bool
) -> list[Segment]:
    upper, lower = picture.boxes[line.source], picture.boxes[line.target]
    out, into = port(line, upper, True), port(line, lower, False)
    if upper.layer > lower.layer:  # against the order, in a cycle
        upper, lower, out, into = lower, upper, into, out
    way: list[Segment] = []
    here = upper
    for layer in range(upper.layer + 1, lower.layer):
        spot = Spot(LANE, layer, _path_at(picture, upper, lower, layer))
        spot.number = (upper.number + lower.number) / 2
        if layer == label_layer:
            spot.kind, spot.height = LABEL, line.label_height
            spot.width = line.label_width + BESIDE
            spot.port = 0.0 if label_after else spot.width
        picture.add(spot)
        way.append(_join(Segment(here, spot, out, spot.port, number)))
        here, out = spot, spot.port
    if upper is not lower:
        way.append(_join(Segment(here, lower, out, into, number)))
    return way


def _path_at(picture: Layers, upper: Spot, lower: Spot, layer: int) -> Path:
    """The frames that a line is in on its way: it leaves those of its upper end through
    their lower side, and enters those of its lower end from above."""
    common = depth_in_common(upper.path, lower.path)
    path = upper.path
    while len(path) > common and picture.borders[path[-1]].last < layer:
        path = path[:-1]
    if len(path) > common:
        return path
    for id in lower.path[common:]:
        if picture.borders[id].first > layer:
            break
        path = (*path, id)
    return path


def _join(segment: Segment) -> Segment:
    segment.upper.down.append(segment)
    segment.lower.up.append(segment)
    return segment
