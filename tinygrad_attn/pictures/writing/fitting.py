"""A picture in the width and the height that there are: of a README, a phone, a slide.

On a slide there is room beside a picture that runs down. So it becomes a list in
columns, which is read as a newspaper is. Before modules are closed for it, heat maps
lose what stands in their middle.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import inf

from ..layout.wrapping import in_columns
from ..sheets.sheet import Sheet
from .narrow_cards import A_COLUMN, narrow_cards, rules_in_cards, short_cards
from .placing import (
    MARGIN,
    READABLE,
    SMALLEST,
    TOP,
    UNREADABLE,
    Placed,
    lay_out,
    parts_of,
    placed_as_is,
    scale_of,
)

WIDER = 1.0, 1.15, 1.35, 1.6, 2.0  # than a width, to be less high
HIGHER = 1.0, 1.1, 1.2, 1.3, 1.4  # than a height


def made_for(sheet: Sheet, width: float | None, height: float | None) -> Placed:
    """A sheet laid out for a width and a height, if they are given."""
    if width is None:
        return lay_out(sheet)
    if height is None:
        return lay_out(sheet, width=width, smallest=SMALLEST)
    wide = [width * share for share in WIDER]  # and made smaller
    ways = [lay_out(sheet, width=w, smallest=SMALLEST) for w in wide]
    best = max(ways, key=lambda way: scale_of(way, width, height))
    if scale_of(best, width, height) >= READABLE or sheet.direction == "right":
        return best
    one = rules_in_cards(sheet)
    small = narrow_cards(one, A_COLUMN)
    for sheets in ((one, small), (short_cards(small),)):
        found = [w for cards in sheets for w in in_columns_for(cards, width, height)]
        best = max([best, *found], key=lambda way: scale_of(way, width, height))
        if scale_of(best, width, height) >= SMALLEST:
            break
    return best


def in_columns_for(sheet: Sheet, width: float, height: float) -> list[Placed]:
    """A sheet as a list in columns, as high as a slide and more, to be made smaller."""
    placed = placed_as_is(sheet, True, width, narrow=True)
    boxes, lines, _ = parts_of(sheet, True)
    found = []
    for share in HIGHER:
        room = share * height - TOP - MARGIN
        columns = in_columns(placed.layout, boxes, lines, room)
        found.append(replace(placed, layout=columns))
    return found


def check_readable(
    sheet: Sheet,
    scale: float,
    width: float,
    height: float = inf,
    wide: float = 0.0,
    out: str = "the height",
) -> None:
    """Refuses a picture that is too small to read: at a height, or of single numbers,
    whose lines run from row to row, and so to the right.

    Args:
        scale: how much smaller than it was laid out it would be.
        wide: of a picture of single numbers, its width.
        out: what may be left out, to read it.

    Raises:
        ValueError: the numbers or texts would be too small.
    """
    numbers = sum([len(card.rows) for card in sheet.cards])
    if scale >= SMALLEST or not (numbers or (height < inf and scale < UNREADABLE)):
        return
    size = f"width={width:g}" + (f", height={height:g}" if height < inf else "")
    what = f"{numbers} numbers" if numbers else f"{len(sheet.cards)} cards"
    least = READABLE * (wide or width / scale) + 2 * MARGIN
    other = f"width={least:.0f}" if height == inf else f"leave {out} out"
    raise ValueError(
        f"save: {size} makes {what} too small to read ({8 * scale:.1f} pixels); draw "
        "fewer (focus='z[0,0]', module=..., head=...), a coarser level, or "
        f"{other}"
    )


SIZE = re.compile(r'(<svg[^>]*? ?width=")([\d.]+)(pt|)("\s+height=")([\d.]+)(pt|)')


def scale_to_fit(svg: str, width: float, height: float = inf) -> float:
    """How much smaller an SVG, ours or Graphviz's, must be made for a width and height;
    more than 1 if it need not be.

    >>> scale_to_fit('<svg width="200" height="50" viewBox="0 0 200 50">', 100)
    0.5
    """
    found = SIZE.search(svg)
    if found is None:
        return 1.0
    unit = 4 / 3 if found[3] else 1.0  # a point in pixels
    return min(width / (unit * float(found[2])), height / (unit * float(found[5])))


def made_to_fit(svg: str, width: float, height: float = inf) -> str:
    """An SVG made smaller if it is wider or higher than this.

    >>> made_to_fit('<svg width="200" height="50" viewBox="0 0 200 50">', 100)
    '<svg width="100" height="25" viewBox="0 0 200 50">'
    """
    found, scale = SIZE.search(svg), scale_to_fit(svg, width, height)
    if found is None or scale >= 1.0:
        return svg
    scale *= 4 / 3 if found[3] else 1.0
    wide, tall = scale * float(found[2]), scale * float(found[5])
    size = f"{found[1]}{wide:.0f}{found[4]}{tall:.0f}"
    return svg[: found.start()] + size + svg[found.end() :]
