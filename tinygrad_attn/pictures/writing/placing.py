"""A place for every card of a sheet, by our own layout, in the width that there is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import inf

from ..layout.squeezing import squeeze
from ..layout.steps import Box, Layout, Line, Outline, layout
from ..layout.wrapping import wrap
from ..look.text import width as text_width
from ..sheets.labels import lines_of
from ..sheets.sheet import Card, Link, Sheet
from .geometry import card_size, ports, row_middle
from .narrow_cards import narrow_cards, rules_in_cards

TOP, MARGIN = 78.0, 24.0
WIDE = 1280.0  # of a strip, before it is wrapped
WIDER = 1.0, 1.15, 1.35, 1.6, 2.0  # than a width, to be less high
LABEL_LINE = 12.0
READABLE, UNREADABLE = 0.85, 0.5  # how much smaller: labels are 8.5 pixels high; 5
LONGER, FEW_ROWS = 1.4, 2  # a column, if a strip had more rows than a few
MANY_ROWS = 4  # of a strip, whose lines are hard to follow then
SMALLEST = 0.7  # how small a column may be drawn, so that it can be read


@dataclass
class Placed:
    """A sheet with the sizes and places of its cards, links and frames."""

    sheet: Sheet
    sizes: dict[str, tuple[float, float]]
    layout: Layout


def made_for(sheet: Sheet, width: float | None, height: float | None) -> Placed:
    """A sheet laid out for a width and a height, if they are given.

    Raises:
        ValueError: it could not be read in them.
    """
    if width is None:
        return lay_out(sheet)
    if height is None:
        placed = lay_out(sheet, width=width, smallest=SMALLEST)
        check_readable(placed, width)
        return placed
    wide = [width * share for share in WIDER]  # and made smaller
    ways = [lay_out(sheet, width=w, smallest=SMALLEST) for w in wide]
    best = max(ways, key=lambda way: _scale(way, width, height))
    check_readable(best, width, height)
    return best


def lay_out(
    sheet: Sheet, labels: bool = True, width: float = WIDE, smallest: float = 1.0
) -> Placed:
    """Finds a place for every card and frame, and a path for every link.

    A strip that is longer than the width is wrapped into rows. Or it runs down, as a
    column, if that fits and is no longer, or not much longer than many rows: a column
    has no lines from row to row. Instead of very many rows it is a column in which a
    decoder follows its encoder, or a list.

    What runs down, and is so wide that it could not be read, becomes a list: all cards
    below each other. Or, if even that is too wide, it runs to the right in rows.

    Args:
        labels: whether to leave room for the labels of links.
        width: of the picture.
        smallest: how much smaller a column may be drawn, to fit; 1 if the picture may
            be wider.
    """
    strip = _placed(sheet, labels, width)
    if sheet.direction == "down" and smallest < 1.0:
        return _made_narrow(sheet, strip, labels, width)
    in_rows = strip.layout.rows > 1
    if not in_rows or any(link.source_row is not None for link in sheet.links):
        return strip
    column = _placed(replace(sheet, direction="down"), labels, width)
    scale = _scale(column, width)
    long = column.layout.height * scale
    most = strip.layout.height * (LONGER if strip.layout.rows > FEW_ROWS else 1.0)
    if scale >= smallest and long <= most:
        return column
    if smallest < 1.0 and strip.layout.rows > MANY_ROWS:
        for narrow in (False, True):
            text = _placed(column.sheet, labels, width, narrow, in_a_row=True)
            if _scale(text, width) >= smallest:
                return text
    return strip


def _made_narrow(sheet: Sheet, column: Placed, labels: bool, width: float) -> Placed:
    """A picture that runs down, in a way in which it can be read at a width."""
    small = _scale(column, width)
    if small >= READABLE:
        return column
    one = _placed(rules_in_cards(sheet), labels, width, narrow=True)
    if _scale(one, width) < READABLE:
        aside = one.layout.width - max([w for w, _ in one.sizes.values()])  # for lines
        room = width / READABLE - 2 * MARGIN - aside
        cards = narrow_cards(one.sheet, room)
        one = _placed(cards, labels, width, narrow=True)
    better = _scale(one, width)
    if better >= UNREADABLE:
        return one if better > small else column
    rows = _placed(replace(sheet, direction="right"), labels, width)
    return max(column, one, rows, key=lambda placed: _scale(placed, width))


def _scale(placed: Placed, width: float, height: float = inf) -> float:
    """How much smaller a picture is drawn to fit a width and a height."""
    least = (width - 2 * MARGIN) / max(1.0, placed.layout.width)
    return min(1.0, least, height / (placed.layout.height + TOP + MARGIN))


def check_readable(placed: Placed, width: float, height: float = inf) -> None:
    """Refuses a picture that is too small to read: at a height, or of single numbers,
    whose lines run from row to row, and so to the right.

    Raises:
        ValueError: the numbers or texts would be too small.
    """
    scale = _scale(placed, width, height)
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


def _placed(
    sheet: Sheet,
    labels: bool,
    width: float,
    narrow: bool = False,
    in_a_row: bool = False,
) -> Placed:
    """A sheet laid out in its direction."""
    sizes = {card.id: card_size(card) for card in sheet.cards}
    cards = {card.id: card for card in sheet.cards}
    boxes = [Box(c.id, *sizes[c.id], group=c.frame) for c in sheet.cards]
    lines = [line_of(link, sheet, cards, sizes, labels) for link in sheet.links]
    known = {frame.id for frame in sheet.frames}
    frames = [
        Outline(
            f.id,
            f.parent if f.parent in known else "",
            label_width=text_width(f.label, 12),
            label_height=18.0,
        )
        for f in sheet.frames
    ]
    if sheet.direction == "right":
        found = layout(
            *(boxes, lines, frames), direction="right", rank_gap=40.0, in_a_row=True
        )
        found = wrap(found, boxes, lines, width - 2 * MARGIN)
        squeeze(found, boxes, lines)
    elif any(card.value or card.gradient for card in sheet.cards):
        gap = 40.0 if narrow else 56.0
        found = layout(boxes, lines, frames, in_a_row=True, narrow=narrow, rank_gap=gap)
    else:  # small cards stand closer together
        found = layout(
            *(boxes, lines, frames),
            gap=24.0,
            rank_gap=36.0,
            in_a_row=in_a_row,
            narrow=narrow,
        )
    return Placed(sheet, sizes, found)


def line_of(
    link: Link,
    sheet: Sheet,
    cards: dict[str, Card],
    sizes: dict[str, tuple[float, float]],
    labels: bool,
) -> Line:
    """A link as a line of the layout, with the points where it leaves and enters."""
    source, target = cards[link.source], cards[link.target]
    leaves: float | None = None
    enters: float | None = None
    if link.source_row is not None and link.target_row is not None:
        leaves = row_middle(source, link.source_row)
        enters = row_middle(target, link.target_row)
    elif sheet.direction == "down":
        leaves = ports(source, sizes[source.id][0])[link.back]
        enters = ports(target, sizes[target.id][0])[link.back]
    elif source.gradient_title or target.gradient_title:  # back below, forward above
        part = 2 / 3 if link.back else 1 / 3
        leaves, enters = part * sizes[source.id][1], part * sizes[target.id][1]
    parts = lines_of(link.label) if labels and link.label else []
    return Line(
        link.source,
        link.target,
        leaves,
        enters,
        label_width=max([text_width(part, 10) for part in parts], default=0.0),
        label_height=1.0 + LABEL_LINE * len(parts) if parts else 0.0,
        back=link.back,
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
