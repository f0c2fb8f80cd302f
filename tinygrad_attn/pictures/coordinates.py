"""The third step: how far left or right does each column stand?

Two wishes pull: lines want to be straight, so that each column wants to stand where
the middle of its lines is, and nothing may overlap, which is a list of demands of the
form "v at least so far right of u". The demands lead from left to right and in no
circle, so that wishes can be met in two passes: from the left, where what is in the
way is pushed to the right, or from the right, where it is pushed to the left. Both
answers meet all demands, and so does their mean, which favours no side. Wish, push,
repeat.

The sides of frames are placed the same way. They have no wish but to be near what they
hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

from .layers import BOX, SPINE, Path, Sheet, Spot, shared
from .pieces import Line
from .straight import Columns, columns

ROUNDS = 60
WORK = 4_000_000  # wishes, before a large picture has to do


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


class _Demands:
    """variable v - variable u >= least, for some pairs of variables."""

    def __init__(self, count: int) -> None:
        self.left_of: list[dict[int, float]] = [{} for _ in range(count)]
        self.right_of: list[dict[int, float]] = [{} for _ in range(count)]
        self.order: list[int] = []

    def add(self, u: int, v: int, least: float) -> None:
        if self.right_of[u].get(v, least) <= least:
            self.right_of[u][v] = self.left_of[v][u] = least

    def sort(self) -> bool:
        """From left to right; False if the demands run in a circle."""
        waits = [len(left) for left in self.left_of]
        self.order = [v for v, count in enumerate(waits) if not count]
        for u in self.order:
            for v in self.right_of[u]:
                waits[v] -= 1
                if not waits[v]:
                    self.order.append(v)
        return len(self.order) == len(waits)

    def pushed(self, x: list[float]) -> list[float]:
        """Places that meet all demands, near x."""
        right, left = list(x), list(x)
        for v in self.order:
            for u, least in self.left_of[v].items():
                right[v] = max(right[v], right[u] + least)
        for u in reversed(self.order):
            for v, least in self.right_of[u].items():
                left[u] = min(left[u], left[v] - least)
        return [(a + b) / 2 for a, b in zip(right, left)]


def place(sheet: Sheet, lines: Sequence[Line], room: Room) -> None:
    """Set the x of every spot."""
    found = columns(sheet, lines)
    demands = _demands(sheet, found, room)
    if not demands.sort():
        found = columns(sheet, lines, straight=False)
        demands = _demands(sheet, found, room)
        demands.sort()
    x = demands.pushed(_first_places(sheet, found, len(demands.order)))
    pulls = _pulls(sheet, lines, found, len(x))
    rounds = max(4, min(ROUNDS, WORK // (1 + sum([len(p) for p in pulls]))))
    for _ in range(rounds):
        x = demands.pushed(_wishes(x, pulls, demands, found.count))
    for sweep in range(8):
        _settle(x, pulls, demands, found.count, sweep % 2 == 0)
    for spot, column in found.of.items():
        spot.x = x[column] + found.shift[spot]


def _demands(sheet: Sheet, found: Columns, room: Room) -> _Demands:
    sides = {id: found.count + 2 * i for i, id in enumerate(sheet.borders)}
    demands = _Demands(found.count + 2 * len(sides))
    for layer in sheet.layers:
        before: _Token | None = None
        for token in _tokens(layer, found, sides):
            if before is not None:
                least = before.end + _apart(before, token, sheet, room) - token.start
                demands.add(before.variable, token.variable, least)
            before = token
    for id, border in sheet.borders.items():
        if border.label_width and not room.turned:
            least = border.label_width + 2 * room.pad
            demands.add(sides[id], sides[id] + 1, least)
    return demands


def _tokens(layer: list[Spot], found: Columns, sides: dict[str, int]) -> list[_Token]:
    tokens: list[_Token] = []
    path: Path = ()
    for spot in [*layer, None]:
        to: Path = () if spot is None else spot.path
        common = shared(path, to)
        tokens += [_Token(sides[f] + 1, closes=f) for f in reversed(path[common:])]
        tokens += [_Token(sides[f], opens=f) for f in to[common:]]
        path = to
        if spot is not None and spot.kind != SPINE:
            shift = found.shift[spot]
            tokens.append(_Token(found.of[spot], shift, shift + spot.width, spot))
    return tokens


def _apart(a: _Token, b: _Token, sheet: Sheet, room: Room) -> float:
    """How much must be free between two things side by side."""
    if a.opens and b.closes:
        return 0.0  # it holds nothing here
    if a.opens:
        label = sheet.borders[a.opens].label_height if room.turned else 0.0
        return room.pad + label
    if b.closes:
        return room.pad
    boxes = [t.spot is None or t.spot.kind == BOX for t in (a, b)]
    return room.gap if all(boxes) else room.lane


def _first_places(sheet: Sheet, found: Columns, count: int) -> list[float]:
    """Each layer packed around a middle at 0."""
    x = [0.0] * count
    for spot, column in found.of.items():
        x[column] = spot.x - found.shift[spot]
    return x


Pull = list[tuple[int, float, float]]  # other column, how far right of it, how strong


def _pulls(
    sheet: Sheet, lines: Sequence[Line], found: Columns, count: int
) -> list[Pull]:
    pulls: list[Pull] = [[] for _ in range(count)]
    for line, way in zip(lines, sheet.ways):
        for s in way:
            upper, lower = found.of[s.upper], found.of[s.lower]
            if upper == lower:
                continue
            boxes = (s.upper.kind == BOX) + (s.lower.kind == BOX)
            strong = (8.0, 2.0, 1.0)[boxes] * (0.5 if line.back else 1.0)
            far = found.shift[s.upper] + s.out - found.shift[s.lower] - s.into
            pulls[lower].append((upper, far, strong))
            pulls[upper].append((lower, -far, strong))
    return pulls


def _middle(x: list[float], pull: Pull) -> float:
    """Where lines pull as much to the left as to the right."""
    wants = sorted([(x[other] + far, strong) for other, far, strong in pull])
    half = sum([strong for _, strong in wants]) / 2
    total = 0.0
    for i, (place, strong) in enumerate(wants):
        total += strong
        if total == half:
            return (place + wants[i + 1][0]) / 2
        if total > half:
            return place
    return 0.0


def _wishes(
    x: list[float], pulls: list[Pull], demands: _Demands, columns: int
) -> list[float]:
    # Half the way only: two that follow each other would else change sides for ever.
    wish = list(x)
    for v in range(columns):
        if pulls[v]:
            wish[v] = (x[v] + _middle(x, pulls[v])) / 2
    for v in reversed(demands.order):
        if v >= columns and (v - columns) % 2 == 0:
            held = demands.right_of[v].items()
            wish[v] = min([wish[u] - a for u, a in held if u != v + 1], default=x[v])
    for v in demands.order:
        if v >= columns and (v - columns) % 2 == 1:
            held = demands.left_of[v].items()
            wish[v] = max([wish[u] + a for u, a in held if u != v - 1], default=x[v])
    return wish


def _settle(
    x: list[float],
    pulls: list[Pull],
    demands: _Demands,
    columns: int,
    rightward: bool,
) -> None:
    """Move each column as near to its wish as it may without pushing."""
    for v in demands.order if rightward else reversed(demands.order):
        low = max([x[u] + far for u, far in demands.left_of[v].items()], default=-inf)
        high = min([x[u] - far for u, far in demands.right_of[v].items()], default=inf)
        if v < columns:
            wish = _middle(x, pulls[v]) if pulls[v] else x[v]
        else:
            wish = high if (v - columns) % 2 == 0 else low
        x[v] = max(low, min(high, wish)) if isfinite(wish) else x[v]
