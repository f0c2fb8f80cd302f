"""Closed frames: a module stands as one card.

A page of eighty cards teaches nothing. So what a frame holds, such as a module's call,
a stage of attention or one step of a loop, is drawn as one card with the map of its
result. In each view of a page the frames along one path are open, from the outermost
inward, all others are closed, and a click opens one in place. Where that leaves too
many cards, some that follow each other are put into a frame of their own
(`page/neighbours.py`). In a picture frames are closed that lie deep (glance.py).

What a computation begins with is never hidden: a drawing starts at the data.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from .sheet import Card, Link, Sheet

MOST_BOXES = 12  # in the first view
CLOSED = "closed"  # the kind of a card that stands for a frame

Path = tuple[str, ...]  # frames that are open, the outermost first


@dataclass
class Folded:
    """A sheet, some of whose cards stand for others.

    Attributes:
        stands: a hidden card → the card that stands for it, or "".
        opens: a card that stands for others → a card of the turn beside the drawn one.
        turns: a card that stands for others → the last card of each turn.
    """

    sheet: Sheet
    stands: dict[str, str] = field(default_factory=dict)
    opens: dict[str, str] = field(default_factory=dict)
    turns: dict[str, list[str]] = field(default_factory=dict)

    def end(self, id: str) -> str:
        """The card at which a link of this card ends."""
        while id in self.stands:
            id = self.stands[id]
        return id


class Closing:
    """The frames of a sheet, to be closed.

    Attributes:
        home: a card → the frames around it that can be closed, the outermost first.
        paths: a frame that can be closed → those around it, and itself.
    """

    def __init__(self, found: Folded) -> None:
        self.found, self.sheet = found, found.sheet
        parent = {frame.id: frame.parent for frame in self.sheet.frames}
        around: dict[str, Path] = {}
        for id in ("", *parent):
            path: Path = ()
            while id in parent:
                path, id = (id, *path), parent[id]
            around[path[-1] if path else ""] = path
        data = data_of(self.sheet)
        held: dict[str, int] = dict.fromkeys(parent, 0)
        for card in self.sheet.cards:
            for frame in around.get(card.frame, ()):
                held[frame] += card.id not in data
        self.paths = {
            id: tuple(f for f in path if held[f] > 1)
            for id, path in around.items()
            if id and held[id] > 1
        }
        self.data = data
        self.size = held
        self.home = {
            card.id: self.paths.get(last_closable(around, card.frame, held), ())
            for card in self.sheet.cards
        }
        self.frame = {card.id: card.frame for card in self.sheet.cards}
        self.parent = {id: up if up in parent else "" for id, up in parent.items()}

    def held(self, frame: str) -> list[str]:
        """All cards in a frame, also those that other cards stand for."""
        inside = {id for id, path in self.home.items() if frame in path}
        hidden = [id for id in self.found.stands if self.found.end(id) in inside]
        return [*inside - {*self.found.turns}, *hidden]

    def closed(self, opened: Collection[str]) -> Folded:
        """The sheet with all frames closed but these."""
        stands: dict[str, str] = {}
        cards: dict[str, Card] = {}
        label = {frame.id: frame.label for frame in self.sheet.frames}
        for card in self.sheet.cards:
            shut = next((f for f in self.home[card.id] if f not in opened), "")
            home = self.parent[shut] if shut else card.frame
            if not shut or card.id in self.data:
                cards[card.id] = replace(card, frame=home)
                continue
            stands[card.id] = shut
            if shut not in cards:
                cards[shut] = Card(shut, CLOSED, label[shut], frame=home)
        kept = {card.frame for card in cards.values()}
        for frame in reversed(self.sheet.frames):
            if frame.id in kept:
                kept.add(frame.parent)
        frames = [frame for frame in self.sheet.frames if frame.id in kept]
        links = between(self.sheet.links, stands)
        smaller = replace(
            self.sheet, cards=[*cards.values()], links=links, frames=frames
        )
        return replace(self.found, sheet=smaller, stands=self.found.stands | stands)

    def first(self, shut: Collection[str] = ()) -> Path:
        """The path of the first view: the largest closed frame is opened, and in it the
        largest again, as long as the boxes are few. Those in `shut` stay closed."""
        opened: Path = ()
        while True:
            found = (f for f, path in self.paths.items() if path[:-1] == opened)
            inside = [f for f in found if f not in shut]
            if not inside:
                return opened
            path = self.paths[max(inside, key=self.size.__getitem__)]
            if len(self.closed(path).sheet.cards) > MOST_BOXES:
                return opened
            opened = path


def last_closable(around: dict[str, Path], frame: str, held: dict[str, int]) -> str:
    """The innermost of the frames around a card that can be closed, or ""."""
    return next((f for f in reversed(around.get(frame, ())) if held[f] > 1), "")


def data_of(sheet: Sheet) -> set[str]:
    """What a drawing starts with: its first leaf that is no parameter, and the inputs
    that are used more than once, such as the X of Q, K and V."""
    users: dict[str, set[str]] = {card.id: set() for card in sheet.cards}
    computed = set()
    for link in sheet.links:
        users[link.source].add(link.target)
        computed.add(link.target)
    leaves = [c for c in sheet.cards if c.id not in computed and c.kind != "parameter"]
    shared = {c.id for c in leaves if c.kind == "input" and len(users[c.id]) > 1}
    return shared | {card.id for card in leaves[:1]}


def between(links: list[Link], stands: dict[str, str]) -> list[Link]:
    """The links between what is drawn; several to a closed frame become one."""
    found: list[Link] = []
    known: set[tuple[str, str, bool]] = set()
    for link in links:
        if link.source not in stands and link.target not in stands:
            found.append(link)
            continue
        source, target = (stands.get(id, id) for id in (link.source, link.target))
        key = source, target, link.back
        if source != target and key not in known:
            known.add(key)
            found.append(replace(link, source=source, target=target))
    return found


def in_order(sheet: Sheet) -> list[str]:
    """The cards, each after those that it is made from, and otherwise as they stand;
    fewer than all, if some go round in a circle."""
    place = {card.id: i for i, card in enumerate(sheet.cards)}
    waits = {card.id: 0 for card in sheet.cards}
    users: dict[str, list[str]] = {card.id: [] for card in sheet.cards}
    for link in sheet.links:
        waits[link.target] += 1
        users[link.source].append(link.target)
    ready = [place[id] for id, count in waits.items() if not count]
    order: list[str] = []
    while ready:
        id = sheet.cards[heappop(ready)].id
        order.append(id)
        for user in users[id]:
            waits[user] -= 1
            if not waits[user]:
                heappush(ready, place[user])
    return order
