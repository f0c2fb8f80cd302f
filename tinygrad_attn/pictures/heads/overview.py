"""All heads at a glance: a grid of small maps, without texts or numbers in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from ..look.colours import EDGE, FORWARD, INK, MUTED, WHITE
from ..look.text import markup, width
from .given import Head
from .panels import Panel, merged_cells, rect, words

SMALL, SMALL_CELLS = 66.0, 64  # of a small map: px, and the most cells along a side


def grid(heads: Sequence[Head], chosen: Head | None, columns: int) -> Panel:
    """A small map of each head, at most `columns` in a row, below its module's name.
    Rows of a module are equally long: twelve heads are six and six."""
    parts: list[str] = []
    pitch, y, wide = SMALL + 24.0, 20.0, 0.0
    for path, own in groupby(heads, attrgetter("path")):
        name = markup(path, 44) if path else "all heads"
        parts.append(words(0, y, name, 12, font_weight="bold", fill=FORWARD))
        y, wide = y + 20, max(wide, width(path[:44], 13))
        same = list(own)
        across = math.ceil(len(same) / math.ceil(len(same) / columns))
        for i in range(0, len(same), across):
            tall = 0.0
            for column, head in enumerate(same[i : i + across]):
                drawn, height = _small(head, column * pitch, y, head is chosen)
                parts += drawn
                tall = max(tall, height)
                wide = max(wide, (column + 1) * pitch)
            y += tall + 24
        y += 6
    return Panel(wide, y - 20, parts)


def _small(head: Head, x: float, y: float, chosen: bool) -> tuple[list[str], float]:
    """One small map below its number, of at most `SMALL` px, and its height."""
    shown = pool(head)
    t, s = len(shown.rows), len(shown.rows[0])
    cell = min(SMALL / max(t, s), 16.0)
    edge = f'stroke="{INK}" stroke-width="1.5"' if chosen else f'stroke="{EDGE}"'
    bold: dict[str, Any] = {"font_weight": "bold"} if chosen else {}
    place = x, y + 6, s * cell, t * cell
    parts = [
        f"<g><title>{markup(head.name, 200)}</title>",
        words(x, y, head.short, 10, fill=INK if chosen else MUTED, **bold),
        rect(*place, f'fill="{WHITE}"'),
        *merged_cells(shown, x, y + 6, cell),
        rect(*place, f'fill="none" {edge}'),
        "</g>",
    ]
    return parts, 6 + t * cell


def pool(head: Head) -> Head:
    """The head, or if it has too many cells for a small map, a coarser one: each block
    of cells becomes one cell, with the largest weight."""
    block = math.ceil(max(len(head.rows), len(head.rows[0])) / SMALL_CELLS)
    if block == 1:
        return head
    rows: list[list[float]] = []
    hidden: list[list[bool]] = []
    for i in range(0, len(head.rows), block):
        rows.append([])
        hidden.append([])
        for j in range(0, len(head.rows[0]), block):
            cells = [
                (k, m)
                for k in range(i, min(i + block, len(head.rows)))
                for m in range(j, min(j + block, len(head.rows[0])))
            ]
            weights = [head.rows[k][m] for k, m in cells]
            bad = [w for w in weights if not math.isfinite(w)]
            rows[-1].append(bad[0] if bad else max(weights))
            hidden[-1].append(all(head.hidden[k][m] for k, m in cells))
    return Head(head.path, head.number, rows, hidden, head.by_mask)
