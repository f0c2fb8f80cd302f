"""Folding: of steps that repeat one is drawn, and a small card stands for the others.

The first turn of a loop stands in a frame, "step 1 of 20", and is followed by the card
"steps 2 to 20". Layers, each with a frame of its own, become "layers.0  × 6". What the
other steps use as well, such as their weights, is told on their card, not by lines.
"""

from __future__ import annotations

from dataclasses import replace

from ..look.text import fit_text
from .runs import Run, Wiring, find_run
from .sheet import FORMULA, Card, Frame, Link, Sheet

NAMED = 5  # shared inputs that a card names


def fold_repeats(sheet: Sheet, step: int = 1) -> tuple[Sheet, int]:
    """The sheet with its repeats folded, those first that save most cards.

    Args:
        step: which of them is drawn, from 1; the last, where there are fewer.

    Returns:
        The sheet, and the most repeats that were folded into one.
    """
    most = 1
    for number in range(len(sheet.cards)):
        run = find_run(sheet)
        if run is None:
            break
        most = max(most, len(run.blocks))
        sheet = Fold(sheet, run, min(step, len(run.blocks)) - 1, number).sheet()
    return sheet, most


class Fold:
    """One run of repeats, about to be folded.

    Attributes:
        shown: the block that is drawn.
        stands: a hidden card → the card that stands for it; "" for a leaf that only
            hidden cards use.
        own: whether each block has a frame of its own, as a layer has.
    """

    def __init__(self, sheet: Sheet, run: Run, drawn: int, number: int) -> None:
        self.old, self.run, self.drawn, self.number = sheet, run, drawn, number
        self.wiring = Wiring(sheet)
        self.shown = set(run.blocks[drawn])
        self.before, self.after = f"before{number}", f"after{number}"
        self.stands: dict[str, str] = {}
        for k, block in enumerate(run.blocks):
            if k != drawn:
                other = self.before if k < drawn else self.after
                self.stands |= dict.fromkeys(block, other)
        for id, users in self.wiring.users.items():
            leaf = not self.wiring.sources[id]
            if leaf and users and all(user in self.stands for user in users):
                self.stands[id] = ""
        self.parent = {frame.id: frame.parent for frame in sheet.frames}
        self.home = {card.id: card.frame for card in sheet.cards}
        self.around = self._around(run.blocks[drawn])
        homes = {self._around(block) for block in run.blocks}
        self.own = len(homes) == len(run.blocks) and "" not in homes

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
                cards.append(card)
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
        return self.parent.get(self.around, "") if self.own else self.around

    def _chain(self, frame: str) -> list[str]:
        """A frame and those around it, from the outermost, which is the whole sheet."""
        chain = [frame] if frame else []
        while frame and self.parent.get(frame):
            frame = self.parent[frame]
            chain.append(frame)
        return ["", *chain[::-1]]

    def _around(self, block: list[str]) -> str:
        """The innermost frame around all cards of a block."""
        shared = ""
        for level in zip(*[self._chain(self.home[id]) for id in block]):
            if len(set(level)) == 1:
                shared = level[0]
        return shared

    def _inside(self) -> set[str]:
        """The drawn block, and the leaves that it alone uses."""
        found = set(self.shown)
        for id, users in self.wiring.users.items():
            drawn = [user for user in users if user not in self.stands]
            if not self.wiring.sources[id] and drawn and len(drawn) == len(users):
                found |= {id} if set(drawn) <= self.shown else set()
        return found

    def _links(self) -> list[Link]:
        """The links between what is drawn; several to the hidden steps become one."""
        links: list[Link] = []
        seen: set[tuple[str, str, bool]] = set()
        for link in self.old.links:
            ends = link.source, link.target
            if not any(id in self.stands for id in ends):
                links.append(link)
                continue
            source, target = (self.stands.get(id, id) for id in ends)
            leaf = not self.wiring.sources[link.source]
            outside = ends[0] not in self.stands and ends[0] not in self.shown
            if leaf or (outside and self._is_shared(ends[0])):
                continue  # told in words
            if not source or not target or source == target:
                continue
            if (source, target, link.back) not in seen:
                seen.add((source, target, link.back))
                made = replace(link, source=source, target=target)
                links.append(replace(made, source_row=None, target_row=None))
        return links

    def _is_shared(self, id: str) -> bool:
        """Whether several blocks use a card from outside."""
        users = set(self.wiring.users[id])
        return sum(bool(users & set(block)) for block in self.run.blocks) > 1

    def _others(self, id: str, first: int, last: int) -> Card:
        """The card for the steps that are not drawn."""
        titles = {card.id: card.title.partition(" = ")[0] for card in self.old.cards}
        blocks = {other for block in self.run.blocks for other in block}
        shared = [
            titles[other]
            for other in titles
            if other not in blocks and self._is_shared(other)
        ]
        count = last - first + 1
        title = f"step {last}" if count == 1 else f"steps {first} to {last}"
        if self.own:
            title = f"{count} more" if first > 1 else f"{count} before"
        lines = [f"like step {self.drawn + 1}" if not self.own else "of the same steps"]
        if shared:
            more = ", …" if len(shared) > NAMED else ""
            lines.append(f"with {', '.join(shared[:NAMED])}{more} as well")
        for card in self.old.cards:
            if card.kind == "loss" and self.stands.get(card.id) == id:
                lines.append(f"up to {titles[card.id]}")  # which is hidden as well
        lines = [fit_text(line, FORMULA) for line in lines]
        tip = f"{title}: folded; draw(..., step=) opens one, draw(..., fold=False) all"
        frame = self._outside
        return Card(id, "op", title, "", frame, lines=lines, tooltip=tip, again=True)

    def _frames(self, shown: set[str]) -> list[Frame]:
        """The frames, with one around the drawn step, or its count on its own."""
        count = len(self.run.blocks)
        if self.own:
            say = f"   × {count}" if not self.drawn else ""
            say = say or f"   {self.drawn + 1} of {count}"
            return [
                replace(f, label=f.label + say) if f.id == self.around else f
                for f in self.old.frames
            ]
        frame = Frame(self._id, self.around, f"step {self.drawn + 1} of {count}")
        taken = {id for block in self.shown for id in self._chain(self.home[block])}
        alien = {
            frame
            for id in shown
            if id in self.home and id not in self._inside()
            for frame in self._chain(self.home[id])
        }
        frames: list[Frame] = []
        for f in self.old.frames:
            moves = f.parent == self.around and f.id in taken and f.id not in alien
            frames.append(replace(f, parent=frame.id) if moves else f)
        at = 1 + max(
            [i for i, f in enumerate(frames) if f.id == self.around], default=-1
        )
        return [*frames[:at], frame, *frames[at:]]
