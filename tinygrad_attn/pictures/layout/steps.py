"""A place for every box and a way for every line: our own layered layout.

For pictures where Graphviz is not installed, and for pages, which must look the same
everywhere. The method is the one dot uses (Sugiyama, Tagawa & Toda 1981; Gansner et
al. 1993): rows, order in the rows, places, curves, one file each:

    ranks.py        in which row does each box stand? (following.py, narrow.py: wishes)
    layers.py       rows as layers, long lines cut into pieces from layer to layer
    ordering.py     in which order, so that few lines cross?
    straight.py     which lines run straight?
    coordinates.py  how far left or right? (springs.py: the sums behind it)
    rows.py         how far down, and where do frames end?
    routes.py       curves between the rows

The same boxes and lines always give the same answer, to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence

from .coordinates import Room, set_places
from .following import (
    Pair,
    below_what_comes_before,
    entered_from_above,
    frames_in_a_row,
    inputs_above,
    own_in_turn,
    without_contradictions,
)
from .layers import build, rows_of
from .narrow import one_by_one, with_spine
from .ordering import arrange
from .pieces import Box, Layout, Line, Outline, Point, flipped, flipped_parts
from .routes import route, svg_path

__all__ = ["Box", "Outline", "Layout", "Line", "Point", "layout", "svg_path"]

LANE, CLOSE = 14.0, 8.0  # around lines and in frames; where there is little room


def layout(
    boxes: Sequence[Box],
    lines: Sequence[Line],
    frames: Sequence[Outline] = (),
    *,
    direction: str = "down",
    gap: float = 32.0,
    rank_gap: float = 56.0,
    in_a_row: bool = False,
    narrow: bool = False,
) -> Layout:
    """Place boxes, lines and frames so that lines run one way and few of them cross.

    Args:
        boxes: their order decides where nothing else does.
        lines: from a box to one that comes later. The same two may be joined twice.
        frames: those without boxes are left out of the answer.
        direction: "down", or "right".
        gap: between boxes side by side, in pixels.
        rank_gap: between a row and the next; more where labels or frames need it.
        in_a_row: whether frames that need others begin where those end, and what is
            given to a frame stands before it.
        narrow: whether all boxes stand in one column.

    Raises:
        ValueError: an id is given twice or unknown, a frame stands inside itself, or
            the direction is another.

    >>> found = layout([Box("x", 40, 20), Box("y", 60, 20)], [Line("x", "y")])
    >>> found.places
    {'x': (10.0, 0.0), 'y': (0.0, 76.0)}
    >>> svg_path(found.paths[0])
    'M 30.0 20.0 C 30.0 48.0 30.0 48.0 30.0 76.0'
    """
    _check(boxes, lines, frames, direction)
    turned = direction == "right"
    if turned:  # laid out downward, with x for y, and flipped at the end
        boxes, lines = flipped_parts(boxes, lines)
    around = CLOSE if narrow else LANE
    room = Room(gap, rank_gap, around, around, turned)
    drawn, first = len(lines), list[tuple[int, int]]()
    if narrow:
        order = one_by_one(boxes, lines, frames)
        lines = with_spine(boxes, lines, order)
        first += zip(order, order[1:])
    more = _wishes(boxes, lines, frames, in_a_row, turned, first)
    picture = build(boxes, lines, frames, label_after=not turned, more=more)
    arrange(picture)
    set_places(picture, lines, room)
    found = route(picture, boxes, lines, room)
    found.paths, found.labels = found.paths[:drawn], found.labels[:drawn]
    return flipped(found) if turned else found


def rows(
    boxes: Sequence[Box],
    lines: Sequence[Line],
    frames: Sequence[Outline] = (),
    *,
    in_a_row: bool = False,
    narrow: bool = False,
) -> list[int]:
    """The row of each box in a picture that runs down, for who lays it out otherwise.

    Args:
        in_a_row, narrow: as in `layout`.

    >>> rows([Box(id, 9, 9) for id in "xyz"], [Line("x", "y"), Line("y", "z")])
    [0, 1, 2]
    """
    order = one_by_one(boxes, lines, frames) if narrow else []
    first = [*zip(order, order[1:])]
    more = _wishes(boxes, lines, frames, in_a_row, False, first)
    return rows_of(boxes, lines, frames, more)


def _wishes(
    boxes: Sequence[Box],
    lines: Sequence[Line],
    frames: Sequence[Outline],
    in_a_row: bool,
    turned: bool,
    first: Sequence[tuple[int, int]] = (),
) -> list[Pair]:
    """Which boxes are to stand above which, beside what lines say: first the `first`,
    then those of following.py, as far as they contradict none before them."""
    wishes = [*first]
    if not turned:
        wishes += inputs_above(boxes, lines) + own_in_turn(boxes, lines)
    if in_a_row:
        wishes += frames_in_a_row(boxes, lines, frames)
    if in_a_row and not turned:
        wishes += entered_from_above(boxes, lines, frames)
        wishes += below_what_comes_before(boxes, lines, frames)
    number = {box.id: i for i, box in enumerate(boxes)}
    joined = [(number[line.source], number[line.target]) for line in lines]
    return without_contradictions(len(boxes), joined, wishes)


def _check(
    boxes: Sequence[Box],
    lines: Sequence[Line],
    frames: Sequence[Outline],
    direction: str,
) -> None:
    if direction not in ("down", "right"):
        raise ValueError(f'layout: direction {direction!r} given; "down" or "right"')
    known = {box.id for box in boxes}
    groups = {frame.id for frame in frames} | {""}
    if len(known) < len(boxes) or len(groups) < len(frames) + 1:
        ids = [box.id for box in boxes] + [frame.id for frame in frames]
        twice = sorted({id for id in ids if ids.count(id) > 1} | ({""} & set(ids)))
        raise ValueError(f"layout: each id once, please; given twice or empty: {twice}")
    for line in lines:
        if line.source not in known or line.target not in known:
            raise ValueError(f"layout: {line} joins a box that is not there")
    for box in boxes:
        if box.group not in groups:
            raise ValueError(f"layout: {box} stands in a frame that is not there")
