"""In which row Graphviz draws a card: the one in which our own layout draws it.

Left alone, Graphviz lets a weight rise to any row above its use, and so a module stands
beside the one before it. It is told for each line how many rows that leads down at
least. No line can be shorter than in our rows, all of them can be as short: so these
are the rows it finds.
"""

from __future__ import annotations

from ..layout.pieces import Box, Line, Outline
from ..layout.steps import rows
from ..sheets.sheet import Sheet
from .geometry import card_size


def lengths_of(sheet: Sheet, in_a_column: bool = False) -> dict[tuple[str, str], int]:
    """How many rows lines lead down at least, by source and target.

    Args:
        in_a_column: whether all cards stand below each other.
    """
    boxes = [Box(card.id, *card_size(card), card.frame) for card in sheet.cards]
    lines = [Line(link.source, link.target) for link in sheet.links]
    known = {frame.id for frame in sheet.frames}
    frames = [
        Outline(f.id, f.parent if f.parent in known else "") for f in sheet.frames
    ]
    large = any(card.value or card.gradient for card in sheet.cards)
    found = rows(boxes, lines, frames, in_a_row=large, narrow=in_a_column)
    row = {box.id: at for box, at in zip(boxes, found)}
    return {
        (link.source, link.target): row[link.target] - row[link.source]
        for link in sheet.links
    }
