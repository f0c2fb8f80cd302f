"""A leaf that is used in places far apart: a small card beside each of them.

The weights of a loop, or the tokens that an encoder and a loss need, would send long
lines through the whole picture. The leaf's card stands beside its first uses. For the
later ones a small card with its name stands there, and says "again".
"""

from __future__ import annotations

from dataclasses import replace

from .runs import Wiring
from .sheet import Card, Sheet

FAR = {"right": 2, "down": 10}  # steps between two uses that need cards of their own


def cards_beside_uses(sheet: Sheet) -> Sheet:
    """The sheet with small cards for leaves that are used again far from there."""
    wiring = Wiring(sheet)
    place = wiring.places()
    again: dict[tuple[str, str], str] = {}  # a leaf and a user → the small card
    small: dict[str, list[Card]] = {}  # the card before which small ones stand → them
    of = {card.id: card for card in sheet.cards}
    for card in sheet.cards:
        users = sorted(set(wiring.users[card.id]), key=place.__getitem__)
        if wiring.sources[card.id] or len(users) < 2 or len(card.rows) > 1:
            continue
        start, number, id = place[users[0]], 0, ""
        for user in users:
            if place[user] - start > FAR[sheet.direction]:
                start, number = place[user], number + 1
                id = f"{card.id}_{number}"
                frame = of[user].frame
                small.setdefault(user, []).append(_again(card, id, frame))
            if number:
                again[card.id, user] = id
    if not again:
        return sheet
    links = []
    for link in sheet.links:
        other = again.get((link.source, link.target))
        if other is None:
            links.append(link)
        else:
            links.append(replace(link, source=other, source_row=None, target_row=None))
    cards = [other for card in sheet.cards for other in (*small.get(card.id, ()), card)]
    return replace(sheet, cards=cards, links=links)


def _again(card: Card, id: str, frame: str) -> Card:
    tip = f"{card.tooltip}\ndrawn with its numbers beside its first use"
    found = Card(id, card.kind, card.title, "again", frame, tooltip=tip, again=True)
    found.like = card.like
    return found
