"""A picture in the width and the height that there are: of a README, a phone, a slide.

On a slide there is room beside a picture that runs down. So it becomes a list in
columns, which is read as a newspaper is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import inf

from ..layout.wrapping import in_columns
from ..sheets.sheet import Sheet
from .narrow_cards import narrow_cards, rules_in_cards
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
HIGHER = 1.0, 1.15, 1.35, 1.6  # than a height
A_COLUMN = 300.0  # pixels, of narrow cards


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
    ways = [best, *in_columns_for(sheet, width, height)]
    return max(ways, key=lambda way: scale_of(way, width, height))


def in_columns_for(sheet: Sheet, width: float, height: float) -> list[Placed]:
    """A sheet as a list in columns as high as a slide, and made smaller: with its cards
    as they are, and with narrow ones."""
    one = rules_in_cards(replace(sheet, direction="down"))
    found = []
    for cards in (one, narrow_cards(one, A_COLUMN)):
        placed = placed_as_is(cards, True, width, narrow=True)
        boxes, lines, _ = parts_of(cards, True)
        for share in HIGHER:
            room = share * height - TOP - MARGIN
            columns = in_columns(placed.layout, boxes, lines, room)
            found.append(replace(placed, layout=columns))
    return found


def check_readable(placed: Placed, width: float, height: float = inf) -> None:
    """Refuses a picture that is too small to read: at a height, or of single numbers,
    whose lines run from row to row, and so to the right.

    Raises:
        ValueError: the numbers or texts would be too small.
    """
    scale = scale_of(placed, width, height)
    numbers = sum([len(card.rows) for card in placed.sheet.cards])
    if scale >= SMALLEST or not (numbers or (height < inf and scale < UNREADABLE)):
        return
    size = f"width={width:g}" + (f", height={height:g}" if height < inf else "")
    what = f"{numbers} numbers" if numbers else f"{len(placed.sheet.cards)} cards"
    least = READABLE * placed.layout.width + 2 * MARGIN
    other = f"width={least:.0f}" if height == inf else "leave the height out"
    raise ValueError(
        f"save: {size} makes {what} too small to read ({8 * scale:.1f} pixels); draw "
        "fewer (focus='z[0,0]', module=..., head=...), a coarser level, or "
        f"{other}"
    )


def made_to_fit(svg: str, width: float, height: float = inf) -> str:
    """An SVG, ours or Graphviz's, made smaller if it is wider or higher than this.

    >>> made_to_fit('<svg width="200" height="50" viewBox="0 0 200 50">', 100)
    '<svg width="100" height="25" viewBox="0 0 200 50">'
    """
    pattern = r'(<svg[^>]*? ?width=")([\d.]+)(pt|)("\s+height=")([\d.]+)(pt|)'
    found = re.search(pattern, svg)
    if found is None:
        return svg
    unit = 4 / 3 if found[3] else 1.0  # a point in pixels
    wide, tall = unit * float(found[2]), unit * float(found[5])
    scale = min(width / wide, height / tall)
    if scale >= 1.0:
        return svg
    size = f"{found[1]}{wide * scale:.0f}{found[4]}{tall * scale:.0f}"
    return svg[: found.start()] + size + svg[found.end() :]
