"""In which row Graphviz draws a card: it is told how far lines lead down at least."""

from __future__ import annotations

from ..layout.following import ABREAST, below_what_comes_before
from ..layout.pieces import Box, Line, Outline
from ..sheets.sheet import Sheet
from .geometry import card_size


def lengths_of(sheet: Sheet) -> dict[tuple[str, str], int]:
    """How many rows lines lead down at least, by source and target.

    Wide leaves of one card, such as a weight and its bias, stand in rows of their own.
    An input of several cards, or from outside of the frame, stands above what each has
    for itself. A leaf that is used after a frame stands below that frame.
    """
    users: dict[str, set[str]] = {}
    for link in sheet.links:
        users.setdefault(link.source, set()).add(link.target)
    made = {link.target for link in sheet.links}
    leaves = {id: found for id, found in users.items() if id not in made}
    home = {card.id: card.frame for card in sheet.cards}
    own: dict[str, list[str]] = {}
    width = {card.id: card_size(card)[0] for card in sheet.cards}
    given: dict[str, set[str]] = {}
    for id, found in leaves.items():
        user = next(iter(found))
        if len(found) > 1 or (home[id] != home[user] and home[user]):
            given[id] = found
        else:
            own.setdefault(user, []).append(id)
    lengths: dict[tuple[str, str], int] = {}
    for user, mine in own.items():
        if sum(width[id] for id in mine) > ABREAST:
            mine.sort(key=width.__getitem__)
            lengths |= {(id, user): n + 1 for n, id in enumerate(mine)}
    for id, found in given.items():
        needs = [1 + lengths.get((x, y), 1) for y in found for x in own.get(y, ())]
        lengths |= {
            (id, user): max(needs, default=1 + (len(found) > 1)) for user in found
        }
    for end, leaf in below_frames(sheet):
        lengths |= {(end, user): 2 for user in users[leaf] & users.get(end, set())}
    return lengths


def below_frames(sheet: Sheet) -> list[tuple[str, str]]:
    """The last cards of frames, and the leaves that are to stand below them."""
    boxes = [Box(card.id, 0.0, 0.0, card.frame) for card in sheet.cards]
    lines = [Line(link.source, link.target) for link in sheet.links]
    known = {frame.id for frame in sheet.frames}
    frames = [
        Outline(f.id, f.parent if f.parent in known else "") for f in sheet.frames
    ]
    found = below_what_comes_before(boxes, lines, frames)
    return [(boxes[a].id, boxes[b].id) for a, b in found]
