"""A place for every card of a sheet, by our own layout, in the width that there is."""

from __future__ import annotations

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
    strip = placed_as_is(sheet, labels, width)
    if sheet.direction == "down" and smallest < 1.0:
        return _made_narrow(sheet, strip, labels, width)
    in_rows = strip.layout.rows > 1
    if not in_rows or any(link.source_row is not None for link in sheet.links):
        return strip
    column = placed_as_is(replace(sheet, direction="down"), labels, width)
    scale = scale_of(column, width)
    long = column.layout.height * scale
    most = strip.layout.height * (LONGER if strip.layout.rows > FEW_ROWS else 1.0)
    if scale >= smallest and long <= most:
        return column
    if smallest < 1.0 and strip.layout.rows > MANY_ROWS:
        for narrow in (False, True):
            text = placed_as_is(column.sheet, labels, width, narrow, in_a_row=True)
            if scale_of(text, width) >= smallest:
                return text
    return strip


def _made_narrow(sheet: Sheet, column: Placed, labels: bool, width: float) -> Placed:
    """A picture that runs down, in a way in which it can be read at a width."""
    small = scale_of(column, width)
    if small >= READABLE:
        return column
    one = placed_as_is(rules_in_cards(sheet), labels, width, narrow=True)
    if scale_of(one, width) < READABLE:
        aside = one.layout.width - max([w for w, _ in one.sizes.values()])  # for lines
        room = width / READABLE - 2 * MARGIN - aside
        cards = narrow_cards(one.sheet, room)
        one = placed_as_is(cards, labels, width, narrow=True)
    better = scale_of(one, width)
    if better >= UNREADABLE:
        return one if better > small else column
    rows = placed_as_is(replace(sheet, direction="right"), labels, width)
    return max(column, one, rows, key=lambda placed: scale_of(placed, width))


def scale_of(placed: Placed, width: float, height: float = inf) -> float:
    """How much smaller a picture is drawn to fit a width and a height."""
    least = (width - 2 * MARGIN) / max(1.0, placed.layout.width)
    return min(1.0, least, height / (placed.layout.height + TOP + MARGIN))


def placed_as_is(
    sheet: Sheet,
    labels: bool,
    width: float,
    narrow: bool = False,
    in_a_row: bool = False,
) -> Placed:
    """A sheet laid out in its direction."""
    boxes, lines, frames = parts_of(sheet, labels)
    sizes = {box.id: (box.width, box.height) for box in boxes}
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


def parts_of(sheet: Sheet, labels: bool) -> tuple[list[Box], list[Line], list[Outline]]:
    """Cards, links and frames as the layout takes them.

    Args:
        labels: whether to leave room for the labels of links.
    """
    sizes = {card.id: card_size(card) for card in sheet.cards}
    cards = {card.id: card for card in sheet.cards}
    known = {frame.id for frame in sheet.frames}
    return (
        [Box(c.id, *sizes[c.id], group=c.frame) for c in sheet.cards],
        [line_of(link, sheet, cards, sizes, labels) for link in sheet.links],
        [
            Outline(
                f.id,
                f.parent if f.parent in known else "",
                label_width=text_width(f.label, 12),
                label_height=18.0,
            )
            for f in sheet.frames
        ],
    )


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
