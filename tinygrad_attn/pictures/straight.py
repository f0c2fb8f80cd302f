"""Which lines run straight: spots that share a column.

The eye follows a straight line, and a chain of boxes in one column reads as a chain.
So before places are computed, segments are made straight one after the other, the most
wanted first, unless that would cross one that is straight already: long lines between
their bends, then the way of what is computed, then the rest, and gradients last. What
is joined by straight segments is a column, and from here on has only one place to find
(the blocks of Brandes & Köpf 2001, "Fast and Simple Horizontal Coordinate Assignment",
with ports as in Rüegg et al. 2015).

Straight segments do not cross and pass frames on one side. So "left of" never runs in
a circle between columns and frames, which the next step counts on.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

from .layers import BOX, SPINE, Segment, Sheet, Spot
from .pieces import Line


@dataclass
class Columns:
    """Which column each spot is in, and how far right of the column's place it is."""

    of: dict[Spot, int]
    shift: dict[Spot, float]
    count: int


def columns(sheet: Sheet, lines: Sequence[Line], straight: bool = True) -> Columns:
    """Join spots to columns; with `straight` False each is one for itself."""
    index: dict[Spot, int] = {}
    for layer in sheet.layers:
        for i, spot in enumerate(layer):
            index[spot] = i
    below: dict[Spot, Segment] = {}
    above: dict[Spot, Segment] = {}
    taken = _Taken(sheet, index)
    for s in _by_wish(sheet, lines, index) if straight else []:
        if taken.is_free(s):
            taken.take(s)
            below[s.upper] = above[s.lower] = s
    found = Columns({}, {}, 0)
    for layer in sheet.layers:
        for top in layer:
            if top in above or top.kind == SPINE:
                continue
            spot, shift = top, 0.0
            found.of[spot], found.shift[spot] = found.count, shift
            while spot in below:
                s = below[spot]
                spot, shift = s.lower, shift + s.out - s.into
                found.of[spot], found.shift[spot] = found.count, shift
            found.count += 1
    return found


def _by_wish(
    sheet: Sheet, lines: Sequence[Line], index: dict[Spot, int]
) -> list[Segment]:
    keyed: list[tuple[tuple[float, ...], Segment]] = []
    for i, way in enumerate(sheet.ways):
        if not way:
            continue
        upper, lower = way[0].upper, way[-1].lower
        off = _off_middle(way[0], upper.down, lines, index)
        off += _off_middle(way[-1], lower.up, lines, index)
        wish = (lines[i].back, not upper.up, off, len(way), i)
        for n, s in enumerate(way):
            inner = s.upper.kind != BOX and s.lower.kind != BOX
            keyed.append(((not inner, *wish, n), s))
    return [s for _, s in sorted(keyed, key=_first)]


def _off_middle(
    segment: Segment,
    beside: Sequence[Segment],
    lines: Sequence[Line],
    index: dict[Spot, int],
) -> float:
    """How far a line is from the middle one of those that end where it ends."""
    down = segment.upper is beside[0].upper
    places: list[tuple[float, float, int]] = []
    for s in beside:
        if lines[s.line].back == lines[segment.line].back:
            if down:
                places.append((index[s.lower], s.into, s.line))
            else:
                places.append((index[s.upper], s.out, s.line))
    places.sort()
    here = [line for _, _, line in places].index(segment.line)
    return abs(here - (len(places) - 1) / 2)


class _Taken:
    """Where straight segments run: per layer pairs of places in it and the next."""

    def __init__(self, sheet: Sheet, index: dict[Spot, int]) -> None:
        self.borders = sheet.borders
        self.index = index
        self.pairs: list[list[tuple[int, int]]] = [[] for _ in sheet.layers]
        for spines in sheet.layers:
            for spine in spines:
                if spine.kind == SPINE and spine.down:
                    self.take(spine.down[0])

    def take(self, s: Segment) -> None:
        insort(self.pairs[s.upper.layer], (self.index[s.upper], self.index[s.lower]))

    def is_free(self, s: Segment) -> bool:
        """Whether a segment crosses no straight one and no side of a frame."""
        up, down = self.index[s.upper], self.index[s.lower]
        pairs = self.pairs[s.upper.layer]
        at = bisect_left(pairs, (up, down))
        left = pairs[at - 1] if at else (-1, -1)
        right = pairs[at] if at < len(pairs) else (up + 1, down + 1)
        if left[0] == up or right[0] == up:
            return False
        if not left[1] < down < right[1]:
            return False
        inside = s.upper.path + s.lower.path
        for id in inside:
            border = self.borders[id]
            beside = border.first <= s.upper.layer and s.lower.layer <= border.last
            if beside and inside.count(id) == 1:
                return False
        return True


def _first(item: tuple[tuple[float, ...], Segment]) -> tuple[float, ...]:
    return item[0]
