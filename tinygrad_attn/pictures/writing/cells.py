"""The cells of a heat map as SVG.

Each has a colour, a number and a tooltip. A page's still picture has thousands of them,
and only readers without JavaScript see it: there the cells of a colour are one path,
the numbers of a row one text, and nothing has a tooltip. That takes a third.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..look.colours import ink_on
from ..look.text import xml
from .geometry import CELL_H, CELL_W

W, H = CELL_W - 1, CELL_H - 1


class Cell(NamedTuple):
    """A number at its place: its text, its colour, and what a tooltip says of it."""

    x: float
    y: float
    text: str
    colour: str
    tip: str


def cells_svg(cells: Sequence[Cell], tips: bool = True) -> list[str]:
    """All of them.

    >>> from ..look.colours import WHITE
    >>> two = Cell(0, 0, "1", WHITE, "x"), Cell(29, 0, "2", WHITE, "y")
    >>> path, group = cells_svg(two, tips=False)
    >>> path.partition(" fill")[0]
    '<path d="M0 0h28v17h-28zM29 0h28v17h-28z"'
    >>> group.count("<text"), group.count("<tspan")
    (1, 2)
    """
    return [*map(with_tip, cells)] if tips else in_few_letters(cells)


def with_tip(cell: Cell) -> str:
    x, y, text, colour, tip = cell
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{W:.0f}" height="{H:.0f}" '
        f'fill="{colour}"><title>{xml(tip)}</title></rect>'
        f'<text x="{x + W / 2:.1f}" y="{y + 11.5:.1f}" font-size="8" '
        f'text-anchor="middle" fill="{ink_on(colour)}" pointer-events="none">'
        f"{xml(text)}</text>"
    )


def in_few_letters(cells: Sequence[Cell]) -> list[str]:
    """The same to look at."""
    paths: dict[str, list[str]] = {}
    rows: dict[tuple[float, str], list[str]] = {}
    for x, y, text, colour, _ in cells:
        box = f"M{short(x)} {short(y)}h{W:.0f}v{H:.0f}h-{W:.0f}z"
        paths.setdefault(colour, []).append(box)
        number = f'<tspan x="{short(x + W / 2)}">{xml(text)}</tspan>'
        rows.setdefault((y, ink_on(colour)), []).append(number)
    inks = [ink for _, ink in rows]
    usual = max(inks, key=inks.count, default="")
    found = [f'<path d="{"".join(d)}" fill="{c}"/>' for c, d in paths.items()]
    texts = []
    for (y, ink), numbers in rows.items():
        fill = "" if ink == usual else f' fill="{ink}"'
        texts.append(f'<text y="{short(y + 11.5)}"{fill}>{"".join(numbers)}</text>')
    group = f'<g font-size="8" text-anchor="middle" fill="{usual}">'
    return [*found, f"{group}{''.join(texts)}</g>"]


def short(v: float) -> str:
    """A tenth of a pixel is enough.

    >>> short(14.0), short(0.25)
    ('14', '0.2')
    """
    return f"{round(v, 1):g}"
