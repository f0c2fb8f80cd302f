"""What repeats is called: the layers of a list, or the steps of a loop.

The layers of a list stand in a frame with its name. If steps of the model stand between
them, as a relu does, one period is drawn, and the frame would hold a single card. So it
goes, and its name is that of the period: "layer 1 of 5".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .runs import Run
from .sheet import Sheet


@dataclass
class Listed:
    """A sheet, without the frame of a list that is about to be folded.

    Attributes:
        one, many: what a repeat and several are called.
    """

    sheet: Sheet
    one: str = "step"
    many: str = "steps"


def listed(sheet: Sheet, run: Run) -> Listed:
    """The sheet without a frame that holds cards of several repeats, and no others, if
    it does not hold all of each repeat."""
    block_of = {id: k for k, block in enumerate(run.blocks) for id in block}
    parent = {frame.id: frame.parent for frame in sheet.frames}
    held: dict[str, list[str]] = {}
    for card in sheet.cards:
        around = card.frame
        while around:
            held.setdefault(around, []).append(card.id)
            around = parent.get(around, "")
    computed = {link.target for link in sheet.links if not link.back}
    for frame in sheet.frames:
        inside = [id for id in held.get(frame.id, []) if id in computed]
        blocks = {block_of.get(id, -1) for id in inside}
        if len(blocks) < len(run.blocks) or -1 in blocks or "×" in frame.label:
            continue
        if len(inside) == len(block_of):
            continue  # a frame around the whole loop stays
        names = [card.title for card in sheet.cards if card.frame == frame.id]
        names += [f.label for f in sheet.frames if f.parent == frame.id]
        if not all(name[:1].isdigit() for name in names):
            continue  # a module that is called again and again
        cards = [
            replace(card, frame=frame.parent, title=f"{frame.label}.{card.title}")
            if card.frame == frame.id
            else card
            for card in sheet.cards
        ]
        frames = [
            replace(f, parent=frame.parent, label=f"{frame.label}.{f.label}")
            if f.parent == frame.id
            else f
            for f in sheet.frames
            if f.id != frame.id
        ]
        many = frame.label.rpartition(".")[2]
        one = many.removesuffix("s") or many
        return Listed(replace(sheet, cards=cards, frames=frames), one, many)
    return Listed(sheet, *called(sheet, run))


def called(sheet: Sheet, run: Run) -> tuple[str, str]:
    """What a repeat and several are called, if each has a frame "layers.3" in it."""
    home = {card.id: card.frame for card in sheet.cards}
    names = {
        frame.id: found[1]
        for frame in sheet.frames
        if (found := re.match(r"(?:.*\.)?(\w+)\.\d+(?!\S)", frame.label))
    }
    of_blocks = [{names.get(home[id], "") for id in block} for block in run.blocks]
    every = {name for found in of_blocks for name in found if name}
    if len(every) != 1 or any(found == {""} for found in of_blocks):
        return "step", "steps"
    (many,) = every
    return many.removesuffix("s") or many, many
