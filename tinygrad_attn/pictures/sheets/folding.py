"""Folding: of steps that repeat one is drawn, and a small card stands for the others.

The first turn of a loop stands in a frame, "step 1 of 20", and is followed by the card
"steps 2 to 20". Layers, each with a frame of its own, become "layers.0  × 6"; those of
a list that has steps between them "layer 1 of 6". What the other steps use as well,
such as their weights, is told on their card, not by lines.

A picture with a fold must say nothing untrue. Parameters that are folded away are
counted on the card that is drawn for them ("20 parameters × 5"). A line that stands for
several says so, and a contribution that is one of twenty as well.
"""

from __future__ import annotations

from dataclasses import replace

from ..look.text import fit_text
from .lists import Listed, listed
from .merging import joined, said
from .runs import Run, Wiring, find_run
from .sheet import FORMULA, Card, Frame, Link, Sheet

OTHERS = "with other plain numbers"  # x · 2, then x · 3
NAMED = 5  # shared inputs that a card names


def fold_repeats(sheet: Sheet, step: int = 1) -> Sheet:
    """The sheet with its repeats folded, those first that save most cards.

    Args:
        step: which of them is drawn, from 1; the last, where there are fewer.
    """
    for number in range(len(sheet.cards)):
        run = find_run(sheet)
        if run is None:
            break
        most = max(sheet.most, len(run.blocks))
        drawn = min(step, len(run.blocks)) - 1
        sheet = replace(Fold(sheet, run, drawn, number).sheet(), most=most)
    return replace(sheet, links=[said(link) for link in sheet.links])


class Fold:
    """One run of repeats, about to be folded.

    Attributes:
        shown: the block that is drawn.
        stands: a hidden card → the card that stands for it; "" for a leaf that only
            hidden cards use.
        twin: a hidden card, or a leaf of one → the drawn one like it.
        uses: a card from outside → the number of blocks that use it.
        own: whether each block has a frame of its own, as a layer has.
        numbers_differ: whether the others have other plain numbers than the drawn one.
    """

    def __init__(self, sheet: Sheet, run: Run, drawn: int, number: int) -> None:
        self.noun: Listed = listed(sheet, run)
        self.old, self.run, self.drawn = self.noun.sheet, run, drawn
        self.number, self.wiring = number, Wiring(self.old)
        self.shown = set(run.blocks[drawn])
        self.before, self.after = f"before{number}", f"after{number}"
        self.stands: dict[str, str] = {}
        for k, block in enumerate(run.blocks):
            if k != drawn:
                other = self.before if k < drawn else self.after
                self.stands |= dict.fromkeys(block, other)
        self.twin = self._twins()
        for id, users in self.wiring.users.items():
            leaf = not self.wiring.sources[id]
            told = id in self.twin or not self.wiring.owns[id]
            if leaf and told and users and all(user in self.stands for user in users):
                self.stands[id] = ""
        self.uses = self._uses()
        plain = self.wiring.plain
        pairs = [(plain[a], plain[b]) for a, b in self.twin.items()]
        self.numbers_differ = any(len(a) == len(b) and a != b for a, b in pairs)
        self.frames = self.wiring.frames
        homes = [self.frames.around(block) for block in run.blocks]
        own = [self.frames.held.get(home) == {*b} for home, b in zip(homes, run.blocks)]
        self.own, self.around = all(own), homes[drawn]
        if not self.own:
            self.around = self.frames.around(id for b in run.blocks for id in b)

    def sheet(self) -> Sheet:
        links = self._links()
        ends = {id for link in links for id in (link.source, link.target)}
        count = len(self.run.blocks)
        cards: list[Card] = []
        inside = self._inside()
        first = next(c.id for c in self.old.cards if c.id in self.shown)
        for card in self.old.cards:
            if card.id == first and self.before in ends:
                cards.append(self._others(self.before, 1, self.drawn))
            if card.id not in self.stands:
                if card.id in inside and card.frame == self.around and not self.own:
                    card = replace(card, frame=self._id)
                cards.append(self._counted(card))
            if card.id == self.run.blocks[self.drawn][-1] and self.after in ends:
                cards.append(self._others(self.after, self.drawn + 2, count))
        frames = self._frames({card.id for card in cards})
        return replace(self.old, cards=cards, links=links, frames=frames)

    @property
    def _id(self) -> str:
        return f"step{self.number}"

    @property
    def _outside(self) -> str:
        """The frame around all blocks."""
        return self.frames.parent[self.around] if self.own else self.around

    def _twins(self) -> dict[str, str]:
        sources, drawn = self.wiring.sources, self.run.blocks[self.drawn]
        found: dict[str, str] = {}
        for block in self.run.blocks:
            if block is drawn:
                continue
            for a, b in zip(drawn, block):
                found[b] = a
                pair = [sources[a], sources[b]]
                if len(pair[0]) != len(pair[1]):  # the first step lacks one, no leaf
                    pair = [[x for x in mine if not sources[x]] for mine in pair]
                for x, y in zip(*pair):
                    if x != y and not sources[x] and not sources[y]:
                        found[y] = x
        return found

    def _uses(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for block in self.run.blocks:
            mine = set(block)
            for id in {x for card in block for x in self.wiring.sources[card]} - mine:
                found[id] = found.get(id, 0) + 1
        return found

    def _inside(self) -> set[str]:
        """The drawn block, and its own leaves: those that have a twin in another."""
        own = {id for id in self.twin.values() if not self.wiring.sources[id]}
        users = self.wiring.users
        return self.shown | {id for id in own if self.shown.issuperset(users[id])}

    def _counted(self, card: Card) -> Card:
        """A drawn card, which tells for how many it stands, if it owns parameters."""
        like = [id for id, drawn in self.twin.items() if drawn == card.id]
        if not card.owns or not like or self._counts:
            return card
        before = f" × {card.times}" if card.times > 1 else ""
        times = card.times * (1 + len(like))
        first, *others = card.lines
        lines = [f"{first.removesuffix(before)} × {times}", *others]
        return replace(card, times=times, lines=lines)

    # --- lines ------------------------------------------------------------------------

    def _links(self) -> list[Link]:
        """The links between what is drawn; several to the hidden steps become one."""
        links: list[Link] = []
        several: dict[tuple[str, str, bool], list[Link]] = {}
        for link in self.old.links:
            ends = link.source, link.target
            outside = ends[0] not in self.stands and ends[0] not in self.shown
            shared = outside and self.uses.get(ends[0], 0) > 1
            if not any(id in self.stands for id in ends):
                if shared and ends[1] in self.shown:
                    among = link.among * self.uses[ends[0]]
                    link = replace(link, among=among)
                links.append(link)
                continue
            source, target = (self.stands.get(id, id) for id in ends)
            leaf = not self.wiring.sources[link.source]
            told = leaf and ends[0] in self.stands  # data of the hidden steps alone
            if told or shared or not source or not target or source == target:
                continue  # told in words
            key = source, target, link.back
            if key not in several:
                several[key] = []
                links.append(replace(link, source=source, target=target))
            several[key].append(link)
        for i, link in enumerate(links):
            if (key := (link.source, link.target, link.back)) in several:
                links[i] = joined(several[key], link.source, link.target)
        return links

    # --- the card for the others, and frames ------------------------------------------

    def _others(self, id: str, first: int, last: int) -> Card:
        """The card for the steps that are not drawn."""
        titles = {card.id: card.title.partition(" = ")[0] for card in self.old.cards}
        shared = [titles[other] for other in titles if self.uses.get(other, 0) > 1]
        count = last - first + 1
        one, many = self.noun.one, self.noun.many
        title = f"{one} {last}" if count == 1 else f"{many} {first} to {last}"
        if self.own:
            title = f"{count} more" if first > 1 else f"{count} before"
        lines = [
            "of the same steps" if self.own else f"like {one} {self.drawn + 1}",
        ]
        if shared:
            more = ", …" if len(shared) > NAMED else ""
            lines.append(f"with {', '.join(shared[:NAMED])}{more} as well")
        ends = [
            titles[card.id]
            for card in self.old.cards
            if self.stands.get(card.id) == id
            and (card.kind == "loss" or self._named(card.id, titles[card.id]))
        ]
        if self.numbers_differ:
            lines.append(OTHERS)
        if ends:  # which is hidden as well
            lines.append(f"up to {ends[-1]}")
        lines = [fit_text(line, FORMULA) for line in lines]
        tip = f"{title}: folded; draw(..., step=) opens one, draw(..., fold=False) all"
        frame = self._outside
        return Card(id, "op", title, "", frame, lines=lines, tooltip=tip, again=True)

    def _named(self, id: str, name: str) -> bool:
        """Whether a drawn card has the name of a hidden one in its formula."""
        users = {user for user in self.wiring.users[id] if user not in self.stands}
        formulas = [
            card.title.partition(" = ")[2]
            for card in self.old.cards
            if card.id in users
        ]
        return any(name in formula for formula in formulas)

    @property
    def _counts(self) -> bool:
        """Whether the frame of the drawn block tells their number."""
        return self.own and not self.drawn

    def _frames(self, shown: set[str]) -> list[Frame]:
        """The frames, with one around the drawn step, or its count on its own."""
        count = len(self.run.blocks)
        if self.own:
            say = f"   × {count}" if self._counts else ""
            say = say or f"   {self.drawn + 1} of {count}"
            if self.numbers_differ:
                say += f", {OTHERS}"
            times = count if self._counts else 1
            return [
                replace(f, label=f.label + say, count=f.count * times)
                if f.id == self.around
                else f
                for f in self.old.frames
            ]
        label = f"{self.noun.one} {self.drawn + 1} of {count}"
        frame = Frame(self._id, self.around, label)
        taken = {
            id
            for block in self.shown
            for id in self.frames.chain(self.frames.home[block])
        }
        inside, home = self._inside(), self.frames.home
        others = [home[id] for id in shown if id in home and id not in inside]
        alien = {frame for id in others for frame in self.frames.chain(id)}
        frames: list[Frame] = []
        for f in self.old.frames:
            moves = f.parent == self.around and f.id in taken and f.id not in alien
            frames.append(replace(f, parent=frame.id) if moves else f)
        at = 1 + max(
            [i for i, f in enumerate(frames) if f.id == self.around], default=-1
        )
        return [*frames[:at], frame, *frames[at:]]
