"""Neighbours: where modules do not make a drawing small enough, steps are put together.

Code without modules has no frames. Then neighbours in the order of computing share one,
as many as are needed: "4 steps, to h". A stretch of an order of computing can always be
closed: nothing leads out of it and back in.
"""

from __future__ import annotations

from dataclasses import replace

from ..sheets.closing import MOST_BOXES, Closing, Folded, in_order
from ..sheets.sheet import Frame, Sheet

END = "end"  # the frame around what follows the last module
LEAST = 3  # steps after the last module that get a frame


def in_parts(found: Folded, composites: set[str]) -> Folded:
    """A sheet whose first view has few boxes: with frames around some steps, where it
    has too many otherwise.

    Args:
        composites: frames that are operations, such as cross_entropy, and no modules.
    """
    if len(found.sheet.cards) <= MOST_BOXES:
        return found
    found = with_end(found, composites)
    closing = Closing(found)
    small = closing.closed(()).sheet
    for length in range(2, len(small.cards)):
        if len(small.cards) <= MOST_BOXES:
            break
        tried = with_parts(found, closing, length)
        small = Closing(tried).closed(()).sheet
        if len(small.cards) <= MOST_BOXES:
            return tried
    return found


def with_end(found: Folded, composites: set[str]) -> Folded:
    """The sheet with a frame around what follows the last module, such as a loss of
    several steps: there a drawing should not look first."""
    closing = Closing(found)
    top = closing.closed(()).sheet
    tail = after_modules(closing, composites)
    if len(tail) < LEAST or any(id in found.turns for id in tail):
        return found
    result = found.sheet.cards[-1].title.partition(" = ")[0]
    frame = Frame(END, "", f"{len(tail)} steps, to {result}")
    home = dict.fromkeys(tail, frame.id)
    return replace(found, sheet=put_into(found.sheet, top, home, [frame], closing.data))


def after_modules(closing: Closing, composites: set[str]) -> list[str]:
    """What follows the last module, such as the steps of a loss, with all frames
    closed: the boxes, in the order of computing."""
    top = closing.closed(()).sheet
    made = {link.target for link in top.links}
    order = [id for id in in_order(top) if id in made]
    modules = {*closing.paths} - composites
    calls = [
        i
        for i, id in enumerate(order)
        if id in modules and id.partition(".")[0] != END  # of a turn: "end.3"
    ]
    return order[calls[-1] + 1 :] if calls else []


def with_parts(found: Folded, closing: Closing, length: int) -> Folded:
    """The sheet with frames around every `length` boxes that follow each other outside
    of all frames. The result stays outside."""
    sheet = found.sheet
    top = closing.closed(()).sheet
    made = {link.target for link in top.links}
    stops = set(found.turns) | {sheet.cards[-1].id}
    free = {c.id for c in top.cards if c.frame not in closing.paths} - stops
    parts: list[list[str]] = [[]]
    for id in in_order(top):
        if id not in made:
            continue
        if id not in free or len(parts[-1]) == length:
            parts.append([])
        if id in free:
            parts[-1].append(id)
    home: dict[str, str] = {}
    frames: list[Frame] = []
    title = {card.id: card.title.partition(" = ")[0] for card in sheet.cards}
    for part in parts:
        if len(part) < 2:
            continue
        frame = f"part{len(frames)}"
        home |= dict.fromkeys(part, frame)
        last = title.get(part[-1], "")
        to = f", to {last}" if last else ""
        frames.append(Frame(frame, "", f"{len(part)} steps{to}"))
    return replace(found, sheet=put_into(sheet, top, home, frames, closing.data))


def put_into(
    sheet: Sheet, top: Sheet, home: dict[str, str], parts: list[Frame], data: set[str]
) -> Sheet:
    """The sheet with some boxes, and the leaves that they alone use, in new frames."""
    users: dict[str, set[str]] = {card.id: set() for card in top.cards}
    for link in top.links:
        users[link.source].add(link.target)
    computed = {link.target for link in top.links}
    for card in top.cards:
        into = {home.get(user, "") for user in users[card.id]}
        if card.id not in computed | data and len(into) == 1:
            home = home | {card.id: into.pop()}
    cards = [
        replace(card, frame=home[card.id]) if home.get(card.id) else card
        for card in sheet.cards
    ]
    frames = [
        replace(f, parent=home[f.id]) if f.id in home else f for f in sheet.frames
    ]
    return replace(sheet, cards=cards, frames=[*parts, *frames])
