"""The size of a card in our own SVG, and the places of the parts inside it.

All in px, from the card's top left corner. Graphviz computes its own sizes; the page
has `page/sizes.py`.
"""

from __future__ import annotations

from ..look.colours import times_ten_to
from ..look.grids import Grid
from ..look.text import width as text_width
from ..sheets.labels import more_numbers
from ..sheets.scales import scales_of
from ..sheets.sheet import Card

HEAD, TITLE, LINE, PAD = 25.0, 15.0, 14.0, 4.0
CELL_W, CELL_H, GAP = 29.0, 18.0, 12.0  # a cell, 1 px between two included; a gap
BETWEEN = 12.0  # between the two heat maps
ABREAST = 600.0  # wider than this, they stand below each other
LABEL, BAR = 34.0, 80.0
DETAIL = 16.0  # between a title and what stands beside it


def card_size(card: Card) -> tuple[float, float]:
    """Width and height of a card."""
    width = text_width(card.title, 13, bold=True) + 2 * PAD + 6
    if card.detail:
        width += DETAIL + text_width(card.detail, 9)
    texts = card.lines + card.rules
    height = HEAD + LINE * len(texts)
    width = max([width, *(text_width(text, 9) + 14 for text in texts)])
    if card.rows:
        label = label_width(card)
        width = max(width, label + sum(row_columns(card)) + 3 * PAD)
        height += TITLE + CELL_H * len(card.rows) + PAD
        if card.more:
            width = max(width, text_width(more_numbers(card), 8) + 2 * PAD)
            height += LINE
        return width, height
    if card.bar:
        width = max(width, LABEL + BAR + text_width(card.bar[1], 9) + 14)
        return width, height + 18.0
    left, right = columns(card)
    heights = [max(grid_size(g)[1], CELL_H) for g in (card.value, card.gradient) if g]
    if stacked(card):
        height += 2 * (TITLE + PAD) + sum(heights)
        return max(width, left + 2 * PAD, right + 2 * PAD), height
    inner = left + right + (BETWEEN if left and right else 0.0)
    tall = max(heights, default=0.0)
    if left or right:
        return max(width, inner + 2 * PAD), height + TITLE + max(tall, CELL_H) + PAD
    if texts:
        height += PAD
    return max(width, inner + 2 * PAD), height


def columns(card: Card) -> tuple[float, float]:
    """The widths of a card's two heat maps, with their titles; 0 for a missing one."""
    left = right = 0.0
    if card.value is not None:
        left = max(
            grid_size(card.value)[0], text_width(grid_title("value", card.value), 9)
        )
    if card.gradient_title:
        title = grid_title(card.gradient_title, card.gradient)
        right = text_width(title, 9)
        cells = grid_size(card.gradient)[0] if card.gradient else 64.0
        right = max(right, cells)
    return left, right


def stacked(card: Card) -> bool:
    """Whether the gradient's heat map stands below that of the value, as both are
    wide, or there is little room."""
    both = card.value is not None and card.gradient is not None
    return both and (card.upright or sum(columns(card)) + BETWEEN > ABREAST)


def gradient_at(card: Card, width: float) -> float:
    """Where the gradient's heat map begins in a card of this width; spare room lies
    between the two heat maps."""
    left, right = columns(card)
    middle = min((width + BETWEEN) / 2, width - PAD - right)
    return max(PAD + left + BETWEEN, middle) if left else PAD


def ports(card: Card, width: float) -> tuple[float, float]:
    """Where lines leave and enter: forward lines at the middle of the values' heat map,
    backward lines at that of the gradients; if these stand alone, at two thirds."""
    left, right = columns(card)
    if card.again or stacked(card) or (right and not left):
        return width / 3, width * 2 / 3
    if not left and not right:
        return width / 2, width / 2
    value = PAD + left / 2 if left else width / 2
    gradient = gradient_at(card, width) + right / 2 if right else value + 14
    return value, min(gradient, width - PAD)


def label_width(card: Card) -> float:
    """The width of the labels of single numbers."""
    return max(text_width(row.label, 9) for row in card.rows) + 8


def row_columns(card: Card) -> tuple[float, float]:
    """The widths of the columns of single numbers: a cell's, or more for a title."""
    value, gradient = (text_width(scale.title, 8) + 6 for scale in scales_of(card))
    return max(CELL_W, value), max(CELL_W, gradient)


def row_middle(card: Card, row: int) -> float:
    """The middle of a row, measured from the card's top; of the line below the last, if
    it is that."""
    if row == len(card.rows):
        row_end = HEAD + LINE * len(card.lines) + TITLE + CELL_H * row
        return row_end + LINE / 2
    return HEAD + LINE * len(card.lines) + TITLE + CELL_H * (row + 0.5)


def grid_title(name: str, grid: Grid | None) -> str:
    """The title of a heat map, with the power of ten of its numbers."""
    power = times_ten_to(grid.power) if grid else ""
    return f"{name}  {power}" if power else name


def grid_size(grid: Grid) -> tuple[float, float]:
    """Width and height of a heat map."""
    if not grid.rows or not grid.columns:
        return 34.0, CELL_H
    wide = CELL_W * len(grid.columns) + GAP * jumps(grid.columns)
    return wide, CELL_H * len(grid.rows) + GAP * jumps(grid.rows)


def jumps(indices: list[int]) -> int:
    """The number of gaps."""
    return sum(b - a > 1 for a, b in zip(indices, indices[1:]))


def starts(indices: list[int], step: float) -> list[float]:
    """Where each shown row or column begins."""
    found, at = [], 0.0
    for i, index in enumerate(indices):
        if i and index - indices[i - 1] > 1:
            at += GAP
        found.append(at)
        at += step
    return found
