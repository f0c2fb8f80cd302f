"""Which lines should run straight, and which must.

A line over several rows that bends in each is hard to follow. So its pieces between
the two ends are made one upright column, unless that would cross another column, and
from here on a column has only one place to find (the blocks of Brandes & Köpf 2001,
"Fast and Simple Horizontal Coordinate Assignment").

Of the lines to and from boxes some matter more: a chain of boxes should stand in one
column. The line on which a chain goes on is the one that both of its boxes find the
most important: from what was computed rather than a leaf, short, from a box with no
other use, and near.

Columns do not cross and pass frames on one side. So "left of" never runs in a circle
between columns and frames, which the next step counts on.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

from .layers import BOX, SPINE, Layers, Segment, Spot
from .pieces import Line


@dataclass
class Columns:
    """Which column each spot is in, and how far right of the column's place it is."""

    of: dict[Spot, int]
    shift: dict[Spot, float]
    count: int


def columns(picture: Layers, lines: Sequence[Line], straight: bool = True) -> Columns:
    """Join spots to columns; if not `straight`, each is one for itself."""
    index: dict[Spot, int] = {}
    for layer in picture.layers:
        for i, spot in enumerate(layer):
            index[spot] = i
    below: dict[Spot, Segment] = {}
    above: dict[Spot, Segment] = {}
    taken = _Taken(picture, index)
    for s in _by_wish(picture, lines) if straight else []:
        if taken.is_free(s):
            taken.take(s)
            # The ends of chains are not forced, only kept free from columns across.
            held = s.line >= 0 and lines[s.line].spine
            if held or (s.upper.kind != BOX and s.lower.kind != BOX):
                below[s.upper] = above[s.lower] = s
    found = Columns({}, {}, 0)
    for layer in picture.layers:
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


def chains(picture: Layers, lines: Sequence[Line]) -> set[int]:
    """The numbers of the lines on which chains of boxes go on, at most one into each
    box and one out of it."""
    keyed: list[tuple[tuple[float, ...], int]] = []
    for i, way in enumerate(picture.ways):
        if way and not lines[i].back:
            start, end = way[0].upper, way[-1].lower
            aside = abs(start.x + way[0].out - end.x - way[-1].into)
            uses = len([s for s in start.down if not lines[s.line].back])
            key = not lines[i].spine, not start.up, len(way), uses, aside
            keyed.append((key, i))
    keyed.sort()
    onward: dict[Spot, int] = {}
    toward: dict[Spot, int] = {}
    for _, i in keyed:
        onward.setdefault(picture.ways[i][0].upper, i)
        toward.setdefault(picture.ways[i][-1].lower, i)
    return {i for _, i in keyed if _agree(picture.ways[i], i, onward, toward)}


def _agree(
    way: list[Segment], i: int, onward: dict[Spot, int], toward: dict[Spot, int]
) -> bool:
    return onward[way[0].upper] == i == toward[way[-1].lower]


def _by_wish(picture: Layers, lines: Sequence[Line]) -> list[Segment]:
    """Chains, then the pieces of long lines between their ends, forward lines first."""
    found = [s for i in sorted(chains(picture, lines)) for s in picture.ways[i]]
    for back in (False, True):
        for line, way in zip(lines, picture.ways):
            if line.back == back:
                found += way[1:-1]
    return found


class _Taken:
    """Where straight segments run: per layer pairs of places in it and the next."""

    def __init__(self, picture: Layers, index: dict[Spot, int]) -> None:
        self.borders = picture.borders
        self.index = index
        self.pairs: list[list[tuple[int, int]]] = [[] for _ in picture.layers]
        for spines in picture.layers:
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
