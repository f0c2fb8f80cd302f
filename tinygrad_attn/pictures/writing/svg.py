"""A sheet as our own SVG.

It is used where `dot` is missing, for graphs and single cards in notebooks, and for the
page's still picture. `lay_out` (placing.py) has found a place for everything, and
`svg_text` writes the SVG. Every cell has a tooltip with seven digits of its number,
unless it is to be small.
"""

from __future__ import annotations

from math import inf

from ..layout.steps import svg_path
from ..look.colours import BACKWARD, BAR, FORWARD, INK, MUTED, NAN, WHITE
from ..look.grids import Grid
from ..look.looks import LOOKS
from ..look.text import FONT, xml
from ..sheets.labels import lines_of, more_numbers, number_text
from ..sheets.scales import scales_of
from ..sheets.sheet import Card, Link
from .captions import frame_svg, heading, heading_width, in_lines, words
from .cells import Cell, cells_svg
from .framing import straight_pieces
from .geometry import (
    CELL_H,
    CELL_W,
    HEAD,
    LABEL,
    LINE,
    PAD,
    TITLE,
    gradient_at,
    grid_size,
    grid_title,
    label_width,
    row_columns,
    stacked,
    starts,
)
from .placing import LABEL_LINE, MARGIN, TOP, Placed


def svg_text(placed: Placed, width: float = inf, tips: bool = True) -> str:
    """The picture as SVG.

    Args:
        width: what stands above the picture needs no more.
        tips: whether cards and cells have tooltips.
    """
    sheet, found = placed.sheet, placed.layout
    least = min(heading_width(sheet), width - 2 * MARGIN)
    wide = max(found.width, least) + 2 * MARGIN
    above, higher = heading(sheet, wide)
    top = TOP + higher
    tall = found.height + top + MARGIN
    dx = (wide - found.width) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" '
        f'height="{tall:.0f}" viewBox="0 0 {wide:.0f} {tall:.0f}" '
        f'font-family="{FONT}" fill="{INK}">',
        f"<title>{xml(sheet.title)}</title>",
        arrow("f", FORWARD) + arrow("b", BACKWARD),
        f'<rect width="{wide:.0f}" height="{tall:.0f}" fill="{WHITE}"/>',
        *above,
        f'<g transform="translate({dx:.1f} {top:.1f})">',
    ]
    names: list[str] = []
    lines, down = straight_pieces(found.paths), sheet.direction == "down"
    for frame in sheet.frames:
        if frame.id in found.frames:
            pieces = [found.frames[frame.id], *found.continued.get(frame.id, [])]
            for i, piece in enumerate(pieces):
                *border, name = frame_svg(
                    frame, piece, i > 0, i + 1 < len(pieces), lines, down
                )
                parts += border
                names.append(name)  # over the lines
    for link, points in zip(sheet.links, found.paths):
        parts.append(line(link, svg_path(points[::-1] if link.back else points)))
    parts += names
    for card in sheet.cards:
        x, y = found.places[card.id]
        parts += card_svg(card, *placed.sizes[card.id], x, y, tips)
    for link, at in zip(sheet.links, found.labels):
        if at is not None and link.label:
            ink = BACKWARD if link.back or link.colour else MUTED
            for i, part in enumerate(lines_of(link.label)):
                y = at[1] + 10 + LABEL_LINE * i
                parts.append(words(part, at[0], y, 10, ink, halo=True))
    return "\n".join([*parts, "</g>", "</svg>\n"])


def line(link: Link, path: str) -> str:
    """A link as a path with an arrow."""
    colour = link.colour or (BACKWARD if link.back else FORWARD)
    width = link.width or (1.2 if link.back else 1.6)
    dashes = ' stroke-dasharray="5 3"' if link.back else ""
    end = "" if link.colour else f' marker-end="url(#{"b" if link.back else "f"})"'
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:.2f}"'
        f"{dashes}{end}/>"
    )


def arrow(id: str, colour: str) -> str:
    """The head of an arrow."""
    return (
        f'<marker id="{id}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
        f'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
        f'<path d="M0 1 L10 5 L0 9 z" fill="{colour}"/></marker>'
    )


# --- cards ----------------------------------------------------------------------------


def card_svg(
    card: Card, w: float, h: float, x: float, y: float, tips: bool = True
) -> list[str]:
    """A card at its place."""
    border, head = LOOKS[card.kind]
    parts = [
        f'<g transform="translate({x:.1f} {y:.1f})">',
        *([f"<title>{in_lines(card.tooltip)}</title>"] if tips else []),
        f'<rect width="{w:.1f}" height="{h:.1f}" rx="6" fill="{WHITE}"/>',
        f'<path d="M0 {HEAD} V6 Q0 0 6 0 H{w - 6:.1f} Q{w:.1f} 0 {w:.1f} 6 V{HEAD} Z" '
        f'fill="{head}"/>',
        f'<rect width="{w:.1f}" height="{h:.1f}" rx="6" fill="none" '
        f'stroke="{border}"/>',
        words(card.title, PAD + 3, 17, 13, INK, bold=True),
    ]
    if card.detail:
        parts.append(words(card.detail, w - PAD - 3, 16, 9, MUTED, anchor="end"))
    top = HEAD
    for text in card.lines + card.rules:
        ink = BACKWARD if text in card.rules else MUTED
        parts.append(words(text, PAD + 3, top + 11, 9, ink))
        top += LINE
    if card.rows:
        parts += rows_svg(card, w, top, tips)
    elif card.bar:
        parts += bar_svg(card.bar, top)
    else:
        if card.value is not None:
            title = grid_title("value", card.value)
            parts.append(words(title, PAD, top + 11, 9, FORWARD))
            parts += grid_svg(card.value, PAD, top + TITLE, "", tips)
        if card.gradient_title:
            left = gradient_at(card, w)
            if card.value is not None and stacked(card):
                left, top = PAD, top + TITLE + grid_size(card.value)[1] + PAD
            title = grid_title(card.gradient_title, card.gradient)
            parts.append(words(title, left, top + 11, 9, BACKWARD))
            if card.gradient is None:
                parts.append(words("–", left, top + TITLE + 12, 9, MUTED))
            else:
                parts += grid_svg(card.gradient, left, top + TITLE, "gradient ", tips)
    return [*parts, "</g>"]


def grid_svg(grid: Grid, x: float, y: float, what: str, tips: bool) -> list[str]:
    """A heat map."""
    if not grid.rows or not grid.columns:
        return [words("empty", x, y + 12, 9, MUTED)]
    cells = []
    across, down = starts(grid.columns, CELL_W), starts(grid.rows, CELL_H)
    for i, row in enumerate(grid.numbers):
        for j, v in enumerate(row):
            index = ",".join(map(str, grid.index(grid.rows[i], grid.columns[j])))
            tip = f"{what}[{index}] = {number_text(v)}"
            if grid.totals is not None:
                tip += f", of {number_text(grid.totals[i][j])} in all"
            at = x + across[j], y + down[i]
            cells.append(Cell(*at, grid.text(v), grid.colour(v), tip))
    parts = cells_svg(cells, tips)
    for i in range(1, len(grid.rows)):
        if grid.rows[i] - grid.rows[i - 1] > 1:
            parts.append(words("⋮", x + 10, y + down[i] - 2, 10, MUTED))
    for j in range(1, len(grid.columns)):
        if grid.columns[j] - grid.columns[j - 1] > 1:
            parts.append(words("⋯", x + across[j] - 11, y + 12, 10, MUTED))
    return parts


def rows_svg(card: Card, w: float, top: float, tips: bool) -> list[str]:
    """Single numbers, a row each."""
    left, right = row_columns(card)
    label = (w + label_width(card) - left - right) / 2
    first, second = label + left / 2, label + left + right / 2  # middles of columns
    values, gradients = scales_of(card)
    parts = [
        words(scale.title, at, top + 11, 8, ink, anchor="middle")
        for scale, at, ink in ((values, first, FORWARD), (gradients, second, BACKWARD))
    ]
    cells = []
    for i, row in enumerate(card.rows):
        y = top + TITLE + CELL_H * i
        parts.append(words(row.label, label - 5, y + 12, 9, MUTED, anchor="end"))
        text, colour = values.text(row.value), values.colour(row.value)
        cells.append(Cell(first - CELL_W / 2, y, text, colour, row.tooltip))
        if row.gradient is None:
            parts.append(words("–", second, y + 12, 9, MUTED, anchor="middle"))
        elif card.gradient_title:
            tip = f"gradient {number_text(row.gradient)}"
            text, colour = gradients.text(row.gradient), gradients.colour(row.gradient)
            cells.append(Cell(second - CELL_W / 2, y, text, colour, tip))
    parts += cells_svg(cells, tips) if cells else []
    if card.more:
        y = top + TITLE + CELL_H * len(card.rows)
        text = more_numbers(card)
        parts.append(words(text, w / 2, y + 11, 8, MUTED, anchor="middle"))
    return parts


def bar_svg(bar: tuple[float, str], top: float) -> list[str]:
    """A bar for the size of a gradient."""
    length, text = bar
    colour = NAN if text in ("nan", "inf") else BAR
    wide = max(2.0, 80.0 * length) if length else 0.0
    return [
        words("‖∂‖", PAD + 3, top + 12, 9, BACKWARD),
        f'<rect x="{LABEL:.0f}" y="{top + 4:.1f}" width="{wide:.1f}" height="9" '
        f'fill="{colour}"/>',
        words(text, LABEL + wide + 5, top + 12, 9, BACKWARD),
    ]
