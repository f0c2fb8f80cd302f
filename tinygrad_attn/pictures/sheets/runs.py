"""Steps that repeat: one of them is drawn, and a small card stands for the others.

A loop of twenty turns, or twenty calls of one cell, leave the same steps twenty times:
the same operations on the same shapes, wired alike. Read in the order of computing,
such cards are a run with a period, as "abcabcabc" has the period 3. Two cards a period
apart must be of one kind. Their inputs must be a period apart too, or the same (a
weight), or leaves of one kind that nothing else uses (each turn's own data).

Nothing here knows a tensor, so runs are found at every level; `folding.py` draws one of
their blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import eq

from .sheet import Sheet

LEAST = 8  # cards that folding must save
PARALLEL = 4  # repeats that do not use each other: from so many on


@dataclass
class Run:
    """Blocks of cards that repeat each other.

    Attributes:
        blocks: the ids of each block's cards, in the same order.
        chained: whether each block uses the one before.
    """

    blocks: list[list[str]]
    chained: bool


class Nested:
    """The frames around cards.

    Attributes:
        held: the computed cards in each frame, also those in frames inside it.
    """

    def __init__(self, sheet: Sheet, computed: set[str]) -> None:
        known = {frame.id for frame in sheet.frames}
        self.parent = {
            frame.id: frame.parent if frame.parent in known else ""
            for frame in sheet.frames
        }
        self.home = {card.id: card.frame for card in sheet.cards}
        self.held: dict[str, set[str]] = {frame.id: set() for frame in sheet.frames}
        for id in computed:
            for frame in self.chain(self.home[id])[1:]:
                self.held[frame].add(id)

    def chain(self, frame: str) -> list[str]:
        """A frame and those around it, from the outermost, which is the whole sheet."""
        chain = [frame] if frame else []
        while frame and self.parent.get(frame):
            frame = self.parent[frame]
            chain.append(frame)
        return ["", *chain[::-1]]

    def around(self, cards: Iterable[str]) -> str:
        """The innermost frame around all of some cards."""
        shared = ""
        for level in zip(*[self.chain(self.home[id]) for id in cards]):
            if len(set(level)) == 1:
                shared = level[0]
        return shared

    def fit(self, blocks: list[list[str]]) -> bool:
        """Whether no frame holds a part of a block together with a card of none."""
        every = {id for block in blocks for id in block}
        touched = {frame for id in every for frame in self.chain(self.home[id])}
        outside = set(self.chain(self.around(every)))
        return all(self.held[frame] <= every for frame in touched - outside)


class Wiring:
    """A sheet's computed cards in an order, and what each is made from."""

    def __init__(self, sheet: Sheet) -> None:
        self.sources: dict[str, list[str]] = {card.id: [] for card in sheet.cards}
        self.users: dict[str, list[str]] = {card.id: [] for card in sheet.cards}
        rows = set[tuple[str, str]]()
        for link in sheet.links:
            pair = link.source, link.target
            if link.back or pair in rows:
                continue
            if link.source_row is not None:  # of many lines between rows, one
                rows.add(pair)
            self.sources[link.target].append(link.source)
            self.users[link.source].append(link.target)
        self.owns = {card.id: card.owns for card in sheet.cards}
        self.like = {card.id: card.like for card in sheet.cards}
        self.plain = {card.id: card.plain for card in sheet.cards}
        self.given = [c.id for c in sheet.cards if self.sources[c.id]]
        self.frames = Nested(sheet, set(self.given))
        self.order: list[str] = []
        self.place: dict[str, int] = {}

    def put(self, order: list[str]) -> None:
        self.order = order
        self.place = {id: i for i, id in enumerate(order)}

    def places(self) -> dict[str, int]:
        """How far along each computed card stands, if all stand as late as their first
        uses allow."""
        left: dict[str, int] = {}
        for id in reversed(self.given):
            left[id] = max([left[user] + 1 for user in self.users[id]], default=0)
        most = max(left.values(), default=0)
        return {id: most - left[id] for id in self.given}

    def late(self) -> list[str]:
        """The computed cards, by their places. So turns of a loop follow each other,
        even where the order of computing was not recorded."""
        return sorted(self.given, key=self.places().__getitem__)

    def repeats(self, i: int, period: int, first: bool) -> bool:
        """Whether the card one period after place i repeats it.

        Args:
            first: whether it may be of the first block, whose inputs come from outside.
        """
        one, other = self.order[i], self.order[i + period]
        if not self.like[one] or self.like[one] != self.like[other]:
            return False
        if self.owns[one] != self.owns[other]:
            return False
        mine, others = self.sources[one], self.sources[other]
        more = len(self.plain[one]) - len(self.plain[other])
        if first and more > 0 and len(mine) + more == len(others):
            # total = 0.0 + x in the first turn, total = total + x in the next
            others = [x for x in others if not self._handed_on(x, mine, i, period)]
        if len(mine) != len(others):
            return False
        return all(self._shifted(a, b, i, period, first) for a, b in zip(mine, others))

    def _handed_on(self, x: str, mine: list[str], i: int, period: int) -> bool:
        """Whether a step is given x by the first block, which had nothing like it."""
        to = self.place.get(x)
        if to is None or i >= to + period:
            return False
        return to < period or self.order[to - period] not in mine

    def _shifted(self, a: str, b: str, i: int, period: int, first: bool) -> bool:
        at, to = self.place.get(a), self.place.get(b)
        if a == b or (at is not None and to == at + period):
            return True
        if at is None and to is None:
            if self.like[a] != self.like[b] or self.owns[a] != self.owns[b]:
                return False
            uses = [{self.place[user] for user in self.users[x]} for x in (a, b)]
            alone = [len(mine) == 1 for mine in uses]
            moved = {place + period for place in uses[0]}
            return uses[1] == moved or (alone[1] and not self.owns[a])
        return first and to is not None and i < to + period and (at is None or at < i)


def find_run(sheet: Sheet) -> Run | None:
    """The run that saves most cards; None if none saves enough."""
    wiring = Wiring(sheet)
    best: tuple[int, Run] | None = None
    for order in (wiring.given, wiring.late()):
        wiring.put(order)
        kinds = [wiring.like[id] for id in order]
        for period in range(1, len(order) // 2 + 1):
            if best is not None and best[0] >= len(order) - period:
                break  # no longer period can save more
            if sum(map(eq, kinds, kinds[period:])) < period:
                continue
            for start, end in stretches(wiring, period):
                run = run_of(wiring, start, end, period)
                if run is None:
                    continue
                saved = (len(run.blocks) - 1) * period
                enough = run.chained or len(run.blocks) >= PARALLEL
                if saved >= LEAST and enough and (best is None or saved > best[0]):
                    best = saved, run
    return best[1] if best else None


def stretches(wiring: Wiring, period: int) -> list[tuple[int, int]]:
    """From where to where the order has a period."""
    found = []
    last = len(wiring.order) - period
    i = 0
    while i < last:
        if not wiring.repeats(i, period, first=False):
            i += 1
            continue
        start = i
        while i < last and wiring.repeats(i, period, first=False):
            i += 1
        first = start
        while first > max(0, start - period) and wiring.repeats(
            first - 1, period, first=True
        ):
            first -= 1
        if i + period - first >= 2 * period:
            found.append((first, i + period))
    if not found:  # two blocks alone, of which the first is made from outside
        found = pairs_alone(wiring, period)
    return found


def pairs_alone(wiring: Wiring, period: int) -> list[tuple[int, int]]:
    """Stretches of exactly two blocks."""
    count = 0
    for i in range(len(wiring.order) - period):
        count = count + 1 if wiring.repeats(i, period, first=True) else 0
        if count == period:
            return [(i + 1 - period, i + 1 + period)]
    return []


def run_of(wiring: Wiring, start: int, end: int, period: int) -> Run | None:
    """A stretch in blocks, if frames let it be cut so. They begin where fewest results
    pass from one to the next, and with what uses a leaf, such as a turn's own data. So
    a turn of a loop is not cut in its middle."""
    count = (end - start) // period
    options: list[tuple[int, bool, int, list[list[str]]]] = []
    for shift in range((end - start) % period + 1):
        at = start + shift
        blocks = [
            wiring.order[at + period * k : at + period * (k + 1)] for k in range(count)
        ]
        if wiring.frames.fit(blocks):
            inner = all(wiring.sources[x] for x in wiring.sources[blocks[0][0]])
            options.append((len(carried(wiring, blocks)), inner, shift, blocks))
    if not options:
        return None
    passed, _, _, blocks = min(options)
    return Run(blocks, passed > 0)


def carried(wiring: Wiring, blocks: list[list[str]]) -> set[str]:
    """The cards of the first block that the second one uses."""
    return {a for a in blocks[0] if set(wiring.users[a]) & set(blocks[1])}
