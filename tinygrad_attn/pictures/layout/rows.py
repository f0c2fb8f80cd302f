"""The fourth step: how far down does each row stand, and where do frames end?

A row is as high as its highest box. Between rows is room for curves, for labels, and
for the borders of the frames that begin or end there, one inside the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from .coordinates import Room
from .layers import BOX, Border, Layers, Spot

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

    def entry(self, spot: Spot, picture: Layers) -> float:
        """Where a line toward a spot is upright: inside its frames, and so out of the
        way of their labels."""
        head = 0.0
        for id in spot.path:
            if picture.borders[id].first == spot.layer:
                head = max(head, self.heads[id])
        return self.tops[spot.layer] - head


def stack(picture: Layers, room: Room) -> Rows:
    """Set the y of every spot, in the middle of its layer, and where frames begin and
    end."""
    rows = Rows([], [], _heads(picture, room))
    opens = [0.0] * len(picture.layers)
    for border in picture.borders.values():
        opens[border.first] = max(opens[border.first], rows.heads[border.id])
    y = 0.0
    for i, layer in enumerate(picture.layers):
        top = y + opens[i]
        height = max([spot.height for spot in layer])
        rows.tops.append(top)
        rows.bottoms.append(top + height)
        for spot in layer:
            spot.y = top + (height - spot.height) / 2
            if spot.path and spot.kind == BOX:
                _hold(picture.borders[spot.path[-1]], spot.y, spot.y + spot.height)
        y = max(top + height, _close(picture, i, room))
        if i + 1 < len(picture.layers):
            whole = picture.rows[i] and picture.rows[i + 1]
            y += _gap(layer, room.rank_gap if whole else room.rank_gap / 2)
    return rows


def _gap(layer: list[Spot], usual: float) -> float:
    aside = [abs(s.upper.x + s.out - s.lower.x - s.into) for t in layer for s in t.down]
    return max(usual, min(usual * TALLEST, STEEP * max(aside, default=0.0)))


def _heads(picture: Layers, room: Room) -> dict[str, float]:
    """How far above their first layer frames begin."""
    heads: dict[str, float] = {}
    for border in picture.borders.values():
        heads[border.id] = _head(border, room)
        if len(border.path) > 1:
            outer = picture.borders[border.path[-2]]
            if outer.first == border.first:
                heads[border.id] += heads[outer.id]
    return heads


def _head(border: Border, room: Room) -> float:
    return room.pad + (0.0 if room.turned else border.label_height)


def _hold(border: Border, top: float, bottom: float) -> None:
    border.top, border.bottom = min(border.top, top), max(border.bottom, bottom)


def _close(picture: Layers, layer: int, room: Room) -> float:
    """End the frames that end with a layer, from the inside out, and say where."""
    lowest = -inf
    for border in reversed(picture.borders.values()):
        if border.last == layer:
            border.top -= _head(border, room)
            border.bottom += room.pad
            if room.turned and border.label_width:  # which may be longer than the frame
                least = border.label_width + 2 * room.pad
                border.bottom = max(border.bottom, border.top + least)
            lowest = max(lowest, border.bottom)
            if len(border.path) > 1:
                _hold(picture.borders[border.path[-2]], border.top, border.bottom)
    return lowest
