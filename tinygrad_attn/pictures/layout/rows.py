"""The fourth step: how far down does each row stand, and where do frames end?

A row is as high as its highest box. Between rows is room for curves, for labels, and
for the borders of the frames that begin or end there, one inside the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from .coordinates import Room
from .layers import SPINE, Border, Sheet, Spot

STEEP = (
    0.12  # how much higher than usual a gap is for each pixel that a line goes aside
)
TALLEST = 1.6  # times the usual gap


@dataclass
class Rows:
    """Where each layer begins and ends, and how far above each the frames begin that
    begin with it, by id."""

    tops: list[float]
    bottoms: list[float]
    heads: dict[str, float]

    def entry(self, spot: Spot, sheet: Sheet) -> float:
        """Where a line toward a spot is upright: inside its frames, and so out of the
        way of their labels."""
        head = 0.0
        for id in spot.path:
            if sheet.borders[id].first == spot.layer:
                head = max(head, self.heads[id])
        return self.tops[spot.layer] - head


def stack(sheet: Sheet, room: Room) -> Rows:
    """Set the y of every spot, in the middle of its layer."""
    heads, opens, closes, longer = _borders_between(sheet, room)
    rows = Rows([], [], heads)
    y = 0.0
    for i, layer in enumerate(sheet.layers):
        y += opens[i]
        rows.tops.append(y)
        y += max([spot.height for spot in layer])
        rows.bottoms.append(y)
        y += closes[i]
        for border in longer[i]:  # a frame shorter than its label
            y = max(y, rows.tops[border.first] + border.label_width + 2 * room.pad)
        if i + 1 < len(sheet.layers):
            whole = sheet.rows[i] and sheet.rows[i + 1]
            y += _gap(layer, room.rank_gap if whole else room.rank_gap / 2)
    for layer, top, bottom in zip(sheet.layers, rows.tops, rows.bottoms):
        for spot in layer:
            spot.y = (top + bottom - spot.height) / 2
    return rows


def _gap(layer: list[Spot], usual: float) -> float:
    aside = [abs(s.upper.x + s.out - s.lower.x - s.into) for t in layer for s in t.down]
    return max(usual, min(usual * TALLEST, STEEP * max(aside, default=0.0)))


def _borders_between(
    sheet: Sheet, room: Room
) -> tuple[dict[str, float], list[float], list[float], list[list[Border]]]:
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
    return above, opens, closes, ends


def frames(sheet: Sheet, room: Room) -> dict[str, tuple[float, float, float, float]]:
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
