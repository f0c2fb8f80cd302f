"""Empty bands, taken out.

A long strip gives each line a lane of its own from end to end. Once it is wrapped, a
row has only a piece of it, and where the others' boxes and lanes were there is nothing.
So each band across the picture in which no box, label or level line stands is made
narrow. Lines that only cross it stay what they are: curves, a little less high.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from .pieces import Box, Layout, Line, Point, Rectangle

KEPT = 10.0  # of a band
BOX, LABEL, LANE, BORDER = 9.0, 2.0, 7.0, 8.0  # free above and below each of them
NAME = 22.0  # the height of a frame's name


def squeeze(found: Layout, boxes: Sequence[Box], lines: Sequence[Line]) -> None:
    """Take the empty bands out of a layout that runs to the right.

    >>> found = Layout(100, 500, {"a": (0, 0), "b": (0, 400)})
    >>> squeeze(found, [Box("a", 9, 100), Box("b", 9, 100)], [])
    >>> found.places, found.height
    ({'a': (0, 0.0), 'b': (0, 128.0)}, 228.0)
    """
    bands = _bands(_taken(found, boxes, lines))
    ends = [end for _, end in bands]
    saved = [0.0]
    for start, end in bands:
        saved.append(saved[-1] + end - start - KEPT)

    def moved(y: float) -> float:
        i = bisect_right(ends, y)
        gone = saved[i]
        if i < len(bands) and y > bands[i][0]:  # inside of a band: its share of it
            start, end = bands[i]
            gone += (y - start) * (end - start - KEPT) / (end - start)
        return y - gone

    def point(at: Point) -> Point:
        return at[0], moved(at[1])

    def frame(at: Rectangle) -> Rectangle:
        x, y, w, h = at
        return x, moved(y), w, moved(y + h) - moved(y)

    found.places = {id: point(at) for id, at in found.places.items()}
    found.paths = [[point(at) for at in path] for path in found.paths]
    found.labels = [at and point(at) for at in found.labels]
    found.frames = {id: frame(at) for id, at in found.frames.items()}
    found.continued = {
        id: [frame(at) for at in pieces] for id, pieces in found.continued.items()
    }
    found.height = moved(found.height)


def _taken(
    found: Layout, boxes: Sequence[Box], lines: Sequence[Line]
) -> list[tuple[float, float]]:
    """From where to where things stand, with what must be free around them."""
    taken = [
        (y - BOX, y + box.height + BOX)
        for box in boxes
        for _, y in [found.places[box.id]]
    ]
    for line, label in zip(lines, found.labels):
        if label is not None:
            taken.append((label[1] - LABEL, label[1] + line.label_height + LABEL))
    for path in found.paths:
        taken += [(y - LANE, y + LANE) for _, y in path[::3]]
    frames = [*found.frames.values(), *sum(found.continued.values(), [])]
    for _, y, _, h in frames:
        taken += [(y - BORDER, y + NAME), (y + h - BORDER, y + h + BORDER)]
    return sorted(taken)


def _bands(taken: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The bands between what is taken that are wider than what is kept."""
    bands: list[tuple[float, float]] = []
    free = taken[0][1] if taken else 0.0
    for start, end in taken:
        if start - free > KEPT:
            bands.append((free, start))
        free = max(free, end)
    return bands
