"""What a layout is asked for, and what it answers: rectangles, lines and frames.

Nothing here knows a tensor. Whoever draws says how large each thing is; the layout
says where it goes. All lengths are in pixels, x grows to the right and y downward, as
in SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # x, y, width and height


@dataclass
class Box:
    """A rectangle that is to be given a place.

    Attributes:
        id: what lines and the answer call it.
        width, height: its size.
        group: the id of the frame that it stands in, "" for none.
    """

    id: str
    width: float
    height: float
    group: str = ""


@dataclass
class Line:
    """A line from one box to a later one.

    Attributes:
        source, target: the boxes' ids. The source comes first: above its target in a
            picture that runs down, left of it in one that runs to the right.
        leaves: where on the source's side toward the target it starts, from that side's
            left (or top) end; None for the middle.
        enters: where on the target's side toward the source it ends, likewise.
        label_width, label_height: the room to keep free beside it; 0 for no label.
        back: that it will be drawn from target to source, as a gradient flows. It is
            laid out like any other, but forward lines get the straight way first.
        spine: that it keeps its two boxes in one column.
    """

    source: str
    target: str
    leaves: float | None = None
    enters: float | None = None
    label_width: float = 0.0
    label_height: float = 0.0
    back: bool = False
    spine: bool = False


@dataclass
class Outline:
    """A border around the boxes of a group, and around the frames inside it.

    Attributes:
        id: what `Box.group` and `parent` call it.
        parent: the id of the frame that it stands in, "" for none.
        label_width, label_height: the room for its label, along its upper side.
    """

    id: str
    parent: str = ""
    label_width: float = 0.0
    label_height: float = 0.0


@dataclass
class Layout:
    """Where everything goes.

    Attributes:
        width, height: of the whole picture, which starts at (0, 0).
        places: for each box its upper left corner.
        paths: for each line its points from source to target as cubic Bézier curves:
            a start, then for each curve two control points and its end.
        labels: for each line the upper left corner of its label, None without one.
        frames: for each frame with boxes in it x, y, width and height.
        rows: how many rows it has; a strip that was wrapped has several.
        continued: in a strip that was wrapped, its pieces in later rows, if any.
    """

    width: float = 0.0
    height: float = 0.0
    places: dict[str, Point] = field(default_factory=dict)
    paths: list[list[Point]] = field(default_factory=list)
    labels: list[Point | None] = field(default_factory=list)
    frames: dict[str, Rectangle] = field(default_factory=dict)
    continued: dict[str, list[Rectangle]] = field(default_factory=dict)
    rows: int = 1


def flipped(found: Layout) -> Layout:
    """The same with x for y: what ran down runs to the right.

    >>> flipped(Layout(9.0, 5.0, {"a": (1.0, 2.0)})).places
    {'a': (2.0, 1.0)}
    """
    return Layout(
        found.height,
        found.width,
        {id: (y, x) for id, (x, y) in found.places.items()},
        [[(y, x) for x, y in path] for path in found.paths],
        [None if label is None else (label[1], label[0]) for label in found.labels],
        {id: (y, x, h, w) for id, (x, y, w, h) in found.frames.items()},
        {
            id: [(y, x, h, w) for x, y, w, h in pieces]
            for id, pieces in found.continued.items()
        },
        found.rows,
    )


def flipped_parts(
    boxes: Sequence[Box], lines: Sequence[Line]
) -> tuple[list[Box], list[Line]]:
    """Boxes and lines with their widths for their heights."""
    return (
        [Box(box.id, box.height, box.width, box.group) for box in boxes],
        [
            replace(line, label_width=line.label_height, label_height=line.label_width)
            for line in lines
        ],
    )
