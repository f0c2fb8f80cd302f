"""One head as a heat map, and the parts that all panels share.

Each kind of picture is a `Panel`, drawn from its own (0, 0). In the heat map and in the
lines the first query's row begins at the same height, `Axes.top`, so that side by side
their rows are level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..look.colours import EDGE, EMPTY, NAN, PROBABILITIES, WHITE, digits, ink_on, shade
from ..look.text import clip, isolate, markup, visible, width
from .given import Head

CELL, SIDE = 34.0, 480.0  # px: the largest cell, and the largest map
NUMBERS_UP_TO = 12  # tokens with numbers in the cells
TOOLTIPS_UP_TO = 64  # tokens with a tooltip for each cell
LABEL, LINE = 12, 11.0  # letters of a label, and the px that it needs
SLANTED = 1.42  # how much more a slanted one needs, for its size
SHADES = 48  # shades of merged cells


@dataclass
class Panel:
    """Some SVG, and its size."""

    width: float
    height: float
    parts: list[str]


@dataclass
class Axes:
    """The tokens and measures that the panels of one picture share.

    Attributes:
        queries, keys: tokens.
        cell: px from one row to the next.
        every, every_key: each `every`-th token has a label, and above the map each
            `every_key`-th key, whose label is slanted.
        size: px of a label's letters.
        left, right: px that the labels of queries and of keys need.
        top: px above the first row.
    """

    queries: Sequence[str]
    keys: Sequence[str]

    def __post_init__(self) -> None:
        self.cell = min(CELL, SIDE / max(len(self.queries), len(self.keys)))
        self.size = min(13.0, max(9.0, self.cell * 0.6))
        self.every = every_for(LINE / self.cell)
        self.every_key = every_for(SLANTED * self.size / self.cell)
        self.left = self._widest(self.queries) + 10.0
        self.right = self._widest(self.keys) + 10.0
        self.top = max(64.0, 44.0 + self.right * 0.71)

    def _widest(self, tokens: Sequence[str]) -> float:
        return max(width(clip(visible(t[:20]), LABEL), self.size) for t in tokens)

    def y(self, i: int) -> float:
        """The middle of a row."""
        return self.top + (i + 0.5) * self.cell


def every_for(share: float) -> int:
    """Which tokens have labels, if a label needs so many rows: each second, fifth, ...

    >>> every_for(0.5), every_for(1.2), every_for(3), every_for(11)
    (1, 2, 5, 20)
    """
    return next((n for n in (1, 2, 5, 10, 20, 50, 100) if n >= share), 200)


def named(axes: Axes) -> str:
    """Which tokens of a map have labels, if not all have."""
    some = [(axes.every, "query"), (axes.every_key, "key")]
    told = [f"{'2nd' if n == 2 else f'{n}th'} {what}" for n, what in some if n > 1]
    return f"every {' and '.join(told)} is named" if told else ""


def px(x: float) -> str:
    """A length in px, to two decimals."""
    return f"{x:.2f}".rstrip("0").rstrip(".")


def words(x: float, y: float, text: str, size: float = 11, **more: object) -> str:
    """A text element; `text` must be escaped already."""
    extra = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in more.items())
    return f'<text x="{px(x)}" y="{px(y)}" font-size="{px(size)}"{extra}>{text}</text>'


def heat_map(head: Head, axes: Axes) -> Panel:
    """Row = query, column = key; with numbers and tooltips if there is room."""
    cell, top, left = axes.cell, axes.top, axes.left
    parts = []
    short = axes.right <= 0.75 * cell  # a letter or two can stand upright
    for j in range(0, len(axes.keys), 1 if short else axes.every_key):
        x = left + (j + 0.5) * cell + (0 if short else 3)
        how = {"transform": f"rotate(-45 {px(x)} {px(top - 7)})"}
        how = {"text_anchor": "middle"} if short else how
        parts.append(label(x, top - 7, axes.keys[j], axes.size, **how))
    for i in range(0, len(axes.queries), axes.every):
        y = axes.y(i) + axes.size * 0.35
        parts.append(label(left - 8, y, axes.queries[i], axes.size, text_anchor="end"))
    if max(len(axes.queries), len(axes.keys)) > TOOLTIPS_UP_TO:
        parts += merged_cells(head, left, top, cell)
    else:
        for i in range(len(axes.queries)):
            for j in range(len(axes.keys)):
                parts += _cell(head, axes, i, j)
    right, bottom = left + len(axes.keys) * cell, top + len(axes.queries) * cell
    outline = f'fill="none" stroke="{EDGE}" pointer-events="none"'
    parts.append(rect(left, top, right - left, bottom - top, outline))
    return Panel(right + axes.right * 0.71, bottom + 12, parts)


def label(x: float, y: float, token: str, size: float, **more: object) -> str:
    whole = f"<title>{markup(token, 1000)}</title>"
    text = markup(token, LABEL) + (whole if len(visible(token[:20])) > LABEL else "")
    return words(x, y, text, size, **more)


def rect(x: float, y: float, w: float, h: float, rest: str) -> str:
    place = f'x="{px(x)}" y="{px(y)}" width="{px(w)}" height="{px(h)}"'
    return f"<rect {place} {rest}/>"


def _cell(head: Head, axes: Axes, i: int, j: int) -> list[str]:
    weight, cell = head.rows[i][j], axes.cell
    x, y = axes.left + j * cell, axes.top + i * cell
    grey = head.grey(i, j)
    colour = EMPTY if grey else shade(weight, 1.0, PROBABILITIES)
    gap = 0.75 if cell >= 12 else 0.0
    rest = f'rx="{px(gap * 3)}" fill="{colour}"'
    note = " (masked)" if grey else ""
    if head.hidden[i][j] and not grey:  # a leak
        rest += f' stroke="{NAN}" stroke-width="2"'
        note = " (masked, and yet not 0)"
    arrow = f"{isolate(axes.queries[i], 40)} → {isolate(axes.keys[j], 40)}"
    place = f'x="{px(x + gap)}" y="{px(y + gap)}"'
    side = px(cell - 2 * gap)
    parts = [
        f'<rect class="attn-cell" {place} width="{side}" height="{side}" {rest}>'
        f"<title>{arrow}: {weight:.4f}{note}</title></rect>"
    ]
    if max(len(axes.queries), len(axes.keys)) <= NUMBERS_UP_TO and not grey:
        y = axes.y(i) + 3.8
        style: dict[str, Any] = {"text_anchor": "middle", "fill": ink_on(colour)}
        style["pointer_events"] = "none"
        parts.append(words(x + cell / 2, y, digits(weight), **style))
    return parts


def merged_cells(head: Head, left: float, top: float, cell: float) -> list[str]:
    """A map without tooltips: one path for all cells of a shade, none for white."""
    paths: dict[str, list[str]] = {}
    gap = 0.6 if cell >= 6 else 0.0
    side = px(cell - 2 * gap)
    for i, row in enumerate(head.rows):
        for j, weight in enumerate(row):
            colour = EMPTY if head.grey(i, j) else _rounded_shade(weight)
            if colour != WHITE:
                x, y = px(left + j * cell + gap), px(top + i * cell + gap)
                paths.setdefault(colour, []).append(f"M{x} {y}h{side}v{side}h-{side}z")
    return [f'<path fill="{c}" d="{"".join(d)}"/>' for c, d in paths.items()]


def _rounded_shade(weight: float) -> str:
    if not math.isfinite(weight):
        return shade(weight, 1.0, PROBABILITIES)
    return shade(round(weight * SHADES) / SHADES, 1.0, PROBABILITIES)
