"""An overview: where a picture has many cards, its innermost modules stand closed.

A whole encoder-decoder has 150 cards, and a picture of them is as long as a street. So
the frames that lie deepest are closed, depth by depth, until what is left is understood
at a glance; at the last depth only as many kinds of them as it takes, each kind
together: all attentions, say, while the feed-forwards stay open. A closed module is one
card with the map of its result.

A picture never leaves anything out in silence: its subtitle says how many parts are
closed, and how to open one or all. A line that stands for several says so.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ...graph.data import Graph
from ..look.text import fit_text
from .boxes import parameters_text
from .closing import CLOSED, Closing, Folded, in_order
from .merging import joined
from .sheet import NAME, Card, Link, Sheet

AT_A_GLANCE, LEFT = 40, 35  # cards; how many are left at most where some are closed


def overview(sheet: Sheet, graph: Graph, most: int) -> Sheet:
    """The sheet with as many frames closed as are needed for so many cards, or all."""
    every = count(sheet)
    closing = Closing(Folded(sheet))
    depths = sorted({len(path) for path in closing.paths.values()}, reverse=True)
    if every <= most or not depths:
        return sheet
    shut = set[str]()
    for depth in depths:
        here = {id for id, path in closing.paths.items() if len(path) == depth}
        every_one = closable(closing, shut | here)
        if cards_left(closing, every_one) <= most:
            shut = of_some_kinds(closing, graph, shut, here, most)
            break
        shut = every_one
    found = Closed(closing, shut).sheet()
    drawn = [card.id for card in found.cards if card.id in shut]
    parts = f"{len(drawn)} part{'s' * (len(drawn) > 1)} closed"
    how = f"{opening(graph, closing, drawn)}limit={every} opens all"
    return replace(found, subtitle=f"{sheet.subtitle}; {parts}: {how}")


def of_some_kinds(
    closing: Closing, graph: Graph, shut: set[str], here: set[str], most: int
) -> set[str]:
    """Those frames, and as many kinds of others as leave at most so many cards: the one
    kind that leaves the most, if it is enough; or else first that which hides most."""
    kinds: dict[str, set[str]] = {}
    labels = {frame.id: frame.label for frame in closing.sheet.frames}
    for id in sorted(here):
        group = graph.groups.get(id)
        alike = group.type if group and group.type != "composite" else labels[id]
        kinds.setdefault(alike, set()).add(id)
    while kinds:
        ways = {kind: closable(closing, shut | ids) for kind, ids in kinds.items()}
        left = {kind: cards_left(closing, way) for kind, way in ways.items()}
        enough = [kind for kind, cards in left.items() if cards <= most]
        if enough:
            return ways[max(enough, key=left.__getitem__)]
        best = min(left, key=left.__getitem__)
        shut = ways[best]
        del kinds[best]
    return shut


def cards_left(closing: Closing, shut: set[str]) -> int:
    """How many cards there are with these frames closed."""
    return count(closing.closed(closing.paths.keys() - shut).sheet)


def closable(closing: Closing, shut: set[str]) -> set[str]:
    """These frames, or those of them that can be closed together."""
    return shut if in_a_line(closing, shut) else without_circles(closing, shut)


def count(sheet: Sheet) -> int:
    """How many cards a sheet has, without the small ones that stand for others."""
    return sum(not card.again for card in sheet.cards)


def in_a_line(closing: Closing, shut: Collection[str]) -> bool:
    """Whether each card can follow those that it is made from. A module that is called
    twice has one frame at the module level: as one card it would need itself."""
    found = closing.closed(closing.paths.keys() - shut).sheet
    return len(in_order(found)) == len(found.cards)


def without_circles(closing: Closing, shut: Collection[str]) -> set[str]:
    """Those of the frames that can be closed together, the deepest first."""
    found: set[str] = set()
    for id in sorted(shut, key=lambda id: (-len(closing.paths[id]), id)):
        if in_a_line(closing, {*found, id}):
            found.add(id)
    return found


def opening(graph: Graph, closing: Closing, shut: list[str]) -> str:
    """How to open the largest module that is closed, in words; "" if none can be."""
    modules = [
        id for id in shut if id in graph.groups and graph.groups[id].type != "composite"
    ]
    if graph.through or not modules:
        return ""
    largest = max(modules, key=closing.size.__getitem__)
    return f"module={graph.groups[largest].name!r} opens one, "


class Closed:
    """A sheet with some frames closed.

    Attributes:
        result: a closed frame → the card whose numbers its card shows.
    """

    def __init__(self, closing: Closing, shut: set[str]) -> None:
        self.old, self.closing = closing.sheet, closing
        found = closing.closed(closing.paths.keys() - shut)
        self.stands, self.new = found.stands, found.sheet
        self.cards = {card.id: card for card in self.old.cards}
        self.frames = {frame.id: frame for frame in self.old.frames}
        self._place = {id: i for i, id in enumerate(self.cards)}
        self.result = self._results()

    def sheet(self) -> Sheet:
        filled = {
            card.id: self._filled(card) if card.kind == CLOSED else card
            for card in self.new.cards
        }
        order = in_order(self.new)  # a module may begin before all its inputs are there
        return replace(
            self.new, cards=[filled[id] for id in order], links=self._links()
        )

    def _results(self) -> dict[str, str]:
        """Of each closed frame the last card that is used outside; or else the last."""
        outside = {
            link.source
            for link in self.old.links
            if self._end(link.source) != self._end(link.target)
        }
        computed = {link.target for link in self.old.links}
        found: dict[str, str] = {}
        for id in sorted(self.stands, key=self._place.__getitem__):
            kind = (id in outside) + (id in computed)
            best = found.get(self.stands[id], id)
            if kind >= (best in outside) + (best in computed):
                found[self.stands[id]] = id
        return found

    def _end(self, id: str) -> str:
        return self.stands.get(id, id)

    def _filled(self, card: Card) -> Card:
        """The card of a closed frame, with the numbers of its result."""
        shown = self.cards[self.result[card.id]]
        inside = [id for id, frame in self.stands.items() if frame == card.id]
        count = self.frames[card.id].count
        lines = [f"closed: {len(inside)} cards"]
        learned = sum([self._learned(self.cards[id], card.id) for id in inside])
        tensor = bool(shown.gradient_title or shown.value)
        if not tensor and shown.lines:  # a box says the shape below its name
            shape = shown.lines[0].partition(",  ")[0]
            more = parameters_text(learned, count) if learned else ""
            lines.insert(0, shape + more)
        name = name_of(shown)
        if name != card.title.split("  ")[0]:
            lines.append(f"result: {name}")
        tip = f"{card.title}: closed, with the numbers of its result\n{shown.tooltip}"
        return replace(
            shown,
            id=card.id,
            kind="module",
            title=fit_text(card.title, NAME),
            detail=shown.detail if tensor else "",
            frame=card.frame,
            lines=lines,
            tooltip=tip,
            again=False,
            owns=learned,
            times=1,
            count=count,
        )

    def _learned(self, card: Card, shut: str) -> int:
        """How many numbers a card in a closed frame learns, with all it stands for."""
        number, id = card.owns * card.times * card.count, card.frame
        while id != shut:
            number *= self.frames[id].count
            id = self.frames[id].parent
        return number

    def _links(self) -> list[Link]:
        """The links between what is drawn; several to a closed frame become one."""
        links: list[Link] = []
        several: dict[tuple[str, str, bool], list[Link]] = {}
        for link in self.old.links:
            ends = self._end(link.source), self._end(link.target)
            if ends == (link.source, link.target):
                links.append(link)
            elif ends[0] != ends[1]:
                key = *ends, link.back
                if key not in several:
                    several[key] = []
                    links.append(replace(link, source=ends[0], target=ends[1]))
                several[key].append(self._told(link))
        for i, link in enumerate(links):
            key = link.source, link.target, link.back
            if key in several:
                lines = several[key]
                links[i] = joined(lines, link.source, link.target)
                results = len({line.source for line in lines})
                if results > 1 and not link.back:
                    links[i].label = f"{results} results"
        return links

    def _told(self, link: Link) -> Link:
        """A link of a closed frame: it says which result it is, if the card shows
        another, and names no gradient that is not drawn."""
        inside = link.target if link.back else link.source
        if inside not in self.stands or inside == self.result[self.stands[inside]]:
            return link
        if link.back:
            name = link.label.partition(" += ")[0]
            return replace(link, label=f"{name} += 1 contribution")
        return replace(link, label=name_of(self.cards[link.source]))


def name_of(card: Card) -> str:
    """The name of what a card shows, which stands before its formula."""
    return card.title.partition(" = ")[0]
