"""The third step: how far left or right does each column stand?

Two things matter: lines should be straight, so that each column is pulled by those it
is joined to, and nothing may overlap, so that neighbours in a layer demand a distance.
Here the picture is put into such pulls and demands; `springs` knows what to do with
them.

A long line that bends in its middle is the worst, one that bends at a box the least,
as the eye stops there anyway (the factors 8, 2 and 1 of Gansner et al. 1993, §4). The
sides of frames are placed with the columns. Nothing pulls them; they close around what
they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .layers import BOX, SPINE, Layers, Path, Segment, Spot, depth_in_common
from .pieces import Line
from .springs import Chain, Demands, Pull, find_places, middle
from .straight import Columns, chains, columns

FORWARD, BACK = 20, 10  # how much a line pulls
CHAIN = 100  # one on which a chain of boxes goes on
WEAK = 1  # what is joined to nothing, toward its neighbour
LONG = 3  # pieces; a longer line goes upright past others


@dataclass
class Room:
    """Distances, in pixels.

    Attributes:
        gap: between boxes side by side.
        rank_gap: between a row of boxes and the next.
        pad: between a frame and what it holds.
        lane: between lines side by side.
        turned: that the picture will be flipped, x for y, to run to the right; the
            label of a frame then stands on the side that is left here.
    """

    gap: float
    rank_gap: float
    pad: float
    lane: float
    turned: bool


@dataclass
class _Token:
    """Something met on the way through a layer: a spot, or a side of a frame."""

    variable: int
    start: float = 0.0  # from the variable's place
    end: float = 0.0
    spot: Spot | None = None
    opens: str = ""  # the frame that begins here
    closes: str = ""  # or ends


def set_places(picture: Layers, lines: Sequence[Line], room: Room) -> None:
    """Set the x of every spot, and the left and right sides of frames."""
    found = columns(picture, lines)
    demands = _demands(picture, found, room)
    if not demands.sort():
        found = columns(picture, lines, straight=False)
        demands = _demands(picture, found, room)
        demands.sort()
    pulls = _pulls(picture, lines, found)
    _hold_together(pulls, demands)
    start = _first_places(picture, lines, found, len(demands.order))
    x = find_places(start, pulls, _chains(picture, lines, found), demands)
    for spot, column in found.of.items():
        spot.x = x[column] + found.shift[spot]
    for i, border in enumerate(picture.borders.values()):
        border.left, border.right = x[found.count + 2 * i : found.count + 2 * i + 2]


def _demands(picture: Layers, found: Columns, room: Room) -> Demands:
    sides = {id: found.count + 2 * i for i, id in enumerate(picture.borders)}
    demands = Demands(found.count + 2 * len(sides))
    for layer in picture.layers:
        before: _Token | None = None
        for token in _tokens(layer, found, sides):
            if before is not None:
                least = before.end + _apart(before, token, picture, room) - token.start
                demands.add(before.variable, token.variable, least)
            before = token
    for id, border in picture.borders.items():
        if border.label_width and not room.turned:
            least = border.label_width + 2 * room.pad
            demands.add(sides[id], sides[id] + 1, least)
    return demands


def _tokens(layer: list[Spot], found: Columns, sides: dict[str, int]) -> list[_Token]:
    tokens: list[_Token] = []
    path: Path = ()
    for spot in [*layer, None]:
        to: Path = () if spot is None else spot.path
        common = depth_in_common(path, to)
        tokens += [_Token(sides[f] + 1, closes=f) for f in reversed(path[common:])]
        tokens += [_Token(sides[f], opens=f) for f in to[common:]]
        path = to
        if spot is not None and spot.kind != SPINE:
            shift = found.shift[spot]
            tokens.append(_Token(found.of[spot], shift, shift + spot.width, spot))
    return tokens


def _apart(a: _Token, b: _Token, picture: Layers, room: Room) -> float:
    """How much must be free between two things side by side."""
    if a.opens and b.closes:
        return 0.0  # it holds nothing here
    if a.opens:
        label = picture.borders[a.opens].label_height if room.turned else 0.0
        return room.pad + label
    if b.closes:
        return room.pad
    boxes = [t.spot is None or t.spot.kind == BOX for t in (a, b)]
    return room.gap if all(boxes) else room.lane


def _first_places(
    picture: Layers, lines: Sequence[Line], found: Columns, count: int
) -> list[float]:
    """Each layer packed, and moved as a whole to the middle of what its spots want of
    the layer above."""
    chain = chains(picture, lines)
    for layer in picture.layers:
        wants = [
            (s.upper.x + s.out - s.into - spot.x, _strength(s.line, lines, chain))
            for spot in layer
            for s in spot.up
            if s.line >= 0
        ]
        by = middle(wants) if wants else 0.0
        for spot in layer:
            spot.x += by
    x = [0.0] * count
    for spot, column in found.of.items():
        x[column] = spot.x - found.shift[spot]
    return x


def _strength(line: int, lines: Sequence[Line], chain: set[int]) -> int:
    """How much a line pulls."""
    return BACK if lines[line].back else CHAIN if line in chain else FORWARD


def _pulls(picture: Layers, lines: Sequence[Line], found: Columns) -> list[Pull]:
    pulls: list[Pull] = [[] for _ in range(found.count)]
    chain = chains(picture, lines)
    for i, way in enumerate(picture.ways):
        for s in way:
            upper, lower = found.of[s.upper], found.of[s.lower]
            if upper == lower:
                continue
            boxes = (s.upper.kind == BOX) + (s.lower.kind == BOX)
            strong = (16, 4, 2)[boxes] * _strength(i, lines, chain)
            if s is way[0] and len(way) > LONG:
                strong += 1  # of two equal bends, the one at the lower end
            far = _far(s, found)
            pulls[lower].append((upper, far, strong))
            pulls[upper].append((lower, -far, strong))
    return pulls


def _far(s: Segment, found: Columns) -> float:
    """How far right of its upper column a segment's lower one must be to be upright."""
    return found.shift[s.upper] + s.out - found.shift[s.lower] - s.into


def _chains(picture: Layers, lines: Sequence[Line], found: Columns) -> list[Chain]:
    """Each chain of boxes as the columns that should stand in line."""
    onward: dict[int, tuple[int, float]] = {}
    for i in sorted(chains(picture, lines)):
        for s in picture.ways[i]:
            upper, lower = found.of[s.upper], found.of[s.lower]
            if upper != lower:
                onward[upper] = lower, _far(s, found)
    later = {column for column, _ in onward.values()}
    every: list[Chain] = []
    for column in sorted(onward):
        if column not in later:
            far, chain = 0.0, [(column, 0.0)]
            while column in onward:
                column, step = onward[column]
                far += step
                chain.append((column, far))
            every.append(chain)
    return every


def _hold_together(pulls: list[Pull], demands: Demands) -> None:
    """Pull what no line joins, weakly, toward a neighbour, lest it drift away."""
    parts = _Parts(len(demands.order))
    for v, pull in enumerate(pulls):
        for other, _, _ in pull:
            parts.join(v, other)
    for u in demands.order:
        for v, least in demands.right_of[u].items():
            if parts.join(u, v):
                if u < len(pulls):
                    pulls[u].append((v, -least, WEAK))
                if v < len(pulls):
                    pulls[v].append((u, least, WEAK))


class _Parts:
    """Which numbers are joined, directly or through others."""

    def __init__(self, count: int) -> None:
        self.parent = list(range(count))

    def join(self, a: int, b: int) -> bool:
        """Whether they were not joined before."""
        a, b = self._first(a), self._first(b)
        self.parent[max(a, b)] = min(a, b)
        return a != b

    def _first(self, v: int) -> int:
        while self.parent[v] != v:
            self.parent[v] = self.parent[self.parent[v]]
            v = self.parent[v]
        return v
