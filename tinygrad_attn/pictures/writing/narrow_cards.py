"""Cards for a picture of little width, such as that of a phone.

There all cards stand below each other, and the widest decides how small their numbers
are. So each card says itself what it sends back, and one that is wider than the room
gets narrower, as far as it needs: its formula stands below its name, its texts run over
several lines, its gradient stands below its value, and of long rows the middle is left
out, as of larger tensors everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..look.grids import CORNER, Grid
from ..look.text import width as text_width
from ..sheets.sheet import Card, Sheet
from .captions import text_rows
from .geometry import DETAIL, PAD, card_size, grid_size

LEAST, A_COLUMN = 150.0, 300.0  # pixels, of a card; of those in columns
WORTH = 1.2  # so much wider than the room, a heat map loses columns


def rules_in_cards(sheet: Sheet) -> Sheet:
    """A sheet whose lines back have no labels: each card says what it sends back."""
    rules: dict[str, list[str]] = {}
    for link in sheet.links:
        if link.back and link.label:
            rules.setdefault(link.target, []).append(link.label)
    return replace(
        sheet,
        cards=[replace(card, rules=rules.get(card.id, [])) for card in sheet.cards],
        links=[replace(a, label="") if a.back else a for a in sheet.links],
    )


def narrow_cards(sheet: Sheet, room: float) -> Sheet:
    """A sheet whose cards are no wider than this, where they can be made so."""
    room = max(room, LEAST)
    return replace(sheet, cards=[narrow_card(card, room) for card in sheet.cards])


def narrow_card(card: Card, room: float) -> Card:
    """A card that is no wider than this, if it can be made so."""
    if card_size(card)[0] <= room:
        return card
    title, lines = card.title, card.lines
    aside = DETAIL + text_width(card.detail, 9) if card.detail else 0.0
    beside = room - aside - 2 * PAD - 6
    name, equal, formula = title.partition(" = ")
    if equal and text_width(title, 13, bold=True) > beside:
        title, lines = name, [f"= {formula}", *lines]
    wide = room - 14
    card = replace(
        card,
        title=title,
        lines=[row for text in lines for row in text_rows(text, wide, 9)],
        rules=[row for text in card.rules for row in text_rows(text, wide, 9)],
    )
    if card.value is None or card_size(card)[0] <= room:
        return card
    value, gradient = card.value, card.gradient
    if grid_size(value)[0] > WORTH * room:
        value = fewer_columns(value)
        gradient = fewer_columns(gradient) if gradient else None
    return replace(card, value=value, gradient=gradient, upright=True)


def short_cards(sheet: Sheet) -> Sheet:
    """A sheet whose heat maps have the first and the last rows alone."""
    cards = []
    for card in sheet.cards:
        value, gradient = card.value, card.gradient
        value = fewer_rows(value) if value else None
        gradient = fewer_rows(gradient) if gradient else None
        cards.append(replace(card, value=value, gradient=gradient))
    return replace(sheet, cards=cards)


def fewer_columns(grid: Grid) -> Grid:
    """A heat map with the first and the last columns alone.

    >>> grid = fewer_columns(Grid((1, 9), [0], [*range(9)], [[*range(9)]], "value", 9))
    >>> grid.columns, grid.numbers
    ([0, 1, 2, 3, 5, 6, 7, 8], [[0, 1, 2, 3, 5, 6, 7, 8]])
    """
    totals = None if grid.totals is None else [ends(row) for row in grid.totals]
    columns, numbers = ends(grid.columns), [ends(row) for row in grid.numbers]
    return replace(grid, columns=columns, numbers=numbers, totals=totals)


def fewer_rows(grid: Grid) -> Grid:
    """A heat map with the first and the last rows alone."""
    totals = None if grid.totals is None else ends(grid.totals)
    rows, numbers = ends(grid.rows), ends(grid.numbers)
    return replace(grid, rows=rows, numbers=numbers, totals=totals)


def ends(found: list[Any]) -> list[Any]:
    """The beginning and the end of what is long."""
    return found if len(found) <= 2 * CORNER else [*found[:CORNER], *found[-CORNER:]]
