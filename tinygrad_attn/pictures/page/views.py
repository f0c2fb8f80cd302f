"""Where the page draws its cards: all of them, or of steps that repeat one turn.

A view has a place for every card that it draws. The first is folded, as in a drawn
picture: of a loop it has "step 1 of 20", and a small card for the others. Another view
has step 2, and so on; the page shows the one that draws what it is at, and a click on
the small card leads to the next. The last view draws everything.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from ...graph.data import Graph
from ..layout.steps import Box, Layout, Line, Outline, layout, svg_path
from ..layout.wrapping import wrap
from ..look.text import width as text_width
from ..sheets.folding import Fold
from ..sheets.runs import find_run
from ..sheets.sheet import Sheet
from .sizes import Size, size_of_folded

MARGIN = 24.0
STAGE = 900.0, 620.0  # where a page is often seen
OPEN = "a click opens one"
GAIN = 1.15  # a strip is wrapped where that makes it so much larger there


@dataclass
class Folded:
    """A sheet, some of whose cards stand for others.

    Attributes:
        stands: a hidden card → the card that stands for it, or "".
        opens: a card that stands for others → a card of the turn beside the drawn one.
    """

    sheet: Sheet
    stands: dict[str, str] = field(default_factory=dict)
    opens: dict[str, str] = field(default_factory=dict)

    def end(self, id: str) -> str:
        """The card at which a link of this card ends."""
        while id in self.stands:
            id = self.stands[id]
        return id


def folded(sheet: Sheet, wanted: str = "") -> Folded:
    """The sheet with its repeats folded; of each the turn is drawn that has the wanted
    card, or else the first."""
    found = Folded(sheet)
    for number in range(len(sheet.cards)):
        run = find_run(found.sheet)
        if run is None:
            break
        known = [i for i, block in enumerate(run.blocks) if wanted in block]
        drawn = known[0] if known else 0
        fold = Fold(found.sheet, run, drawn, number)
        beside = {fold.before: drawn - 1, fold.after: drawn + 1}
        opens = {
            id: run.blocks[at][0]
            for id, at in beside.items()
            if 0 <= at < len(run.blocks)
        }
        found = Folded(fold.sheet(), found.stands | fold.stands, found.opens | opens)
    return found


def views(
    graph: Graph, sheet: Sheet, sizes: dict[str, Size]
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """The views of a graph as data, the folded ones first; and for each card the number
    of one that draws it."""
    drawn: list[Folded] = []
    where: dict[str, int] = {}
    for node in graph:
        if node.id in where or not graph.inputs(node):
            continue
        found = folded(sheet, node.id)
        for card in found.sheet.cards:
            where.setdefault(card.id, len(drawn))
        drawn.append(found)
        if not found.stands:
            break  # nothing repeats: this view draws everything
    if not drawn or drawn[0].stands:
        drawn.append(Folded(sheet))
    cards = {card.id for card in sheet.cards}
    where = {id: number for id, number in where.items() if id in cards}
    first, *others = drawn
    made = [view(graph, sizes, first)]
    for found in others:  # turns look alike, so that playing they stay where they are
        alike = made[0]["rows"] > 1 if found.stands else None
        made.append(view(graph, sizes, found, alike))
    return made, where


def view(
    graph: Graph, sizes: dict[str, Size], found: Folded, in_rows: bool | None = None
) -> dict[str, Any]:
    """One view as data.

    Args:
        in_rows: whether it is wrapped into rows; None: where that makes it larger.
    """
    small = [card for card in found.sheet.cards if card.id not in sizes]
    room = sizes | {c.id: size_of_folded(c.title, [*c.lines, OPEN]) for c in small}
    ends = lines_between(graph, found)
    placed = arranged(found.sheet, room, ends, in_rows)
    where = {
        id: (round(MARGIN + x, 1), round(MARGIN + y, 1))
        for id, (x, y) in placed.places.items()
    }
    folds = []
    for card in small:
        (x, y), size = where.pop(card.id), room[card.id]
        box = {"id": card.id, "x": x, "y": y, "w": size.w, "h": size.h}
        told = {"title": card.title, "lines": [*card.lines, OPEN]}
        folds.append(box | told | {"opens": found.opens.get(card.id)})
    clusters = []
    for frame in found.sheet.frames:
        if frame.id in placed.frames:
            pieces = [placed.frames[frame.id], *placed.continued.get(frame.id, ())]
            for i, (x, y, w, h) in enumerate(pieces):
                box = {"x": MARGIN + x, "y": MARGIN + y, "w": w, "h": h}
                clusters.append({"name": "" if i else frame.label} | box)
    lines = []
    for i, (source, target, edges) in enumerate(ends):
        there, back = (
            [(x + MARGIN, y + MARGIN) for x, y in path]
            for path in placed.paths[2 * i : 2 * i + 2]
        )
        flows = any(graph.edges[e].contribution_array is not None for e in edges)
        line: dict[str, Any] = {"source": source, "target": target, "links": edges}
        line["path"] = svg_path(there)
        line["back"] = svg_path(back[::-1]) if flows else None
        lines.append(line)
    return {
        "width": placed.width + 2 * MARGIN,
        "height": placed.height + 2 * MARGIN,
        "rows": placed.rows,
        "places": where,
        "folded": folds,
        "clusters": clusters,
        "lines": lines,
    }


def lines_between(graph: Graph, found: Folded) -> list[tuple[str, str, list[int]]]:
    """What a view has lines for: two ends, and the numbers of the graph's edges there.
    Two cards have a line for every edge, a card that stands for others one for all."""
    drawn = {(link.source, link.target) for link in found.sheet.links}
    lines: list[tuple[str, str, list[int]]] = []
    shared: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, edge in enumerate(graph.edges):
        ends = found.end(edge.source), found.end(edge.target)
        if ends == (edge.source, edge.target):
            lines.append((*ends, [i]))
        elif ends in drawn:
            if ends not in shared:
                lines.append((*ends, shared[ends]))
            shared[ends].append(i)
    return lines


def arranged(
    sheet: Sheet,
    sizes: dict[str, Size],
    ends: list[tuple[str, str, list[int]]],
    in_rows: bool | None,
) -> Layout:
    """A place for every card and frame, and for every line a path there and one back.
    It runs to the right; in rows, where that makes it larger on a page."""
    boxes = [Box(c.id, sizes[c.id].w, sizes[c.id].h, c.frame) for c in sheet.cards]
    lines = []
    for source, target, _ in ends:
        a, b = sizes[source].h, sizes[target].h
        for back, part in ((False, 0.4), (True, 0.7)):
            lines.append(Line(source, target, a * part, b * part, back=back))
    known = {frame.id for frame in sheet.frames}
    frames = [
        Outline(
            f.id,
            f.parent if f.parent in known else "",
            text_width(f.label, 12.5),
            16.0,
        )
        for f in sheet.frames
    ]
    strip = layout(boxes, lines, frames, direction="right", gap=20.0, rank_gap=44.0)
    rows = ceil((strip.width / strip.height * STAGE[1] / STAGE[0]) ** 0.5)
    if in_rows is False or (rows < 2 and not in_rows):
        return strip
    widths = [max(strip.width / rows * more, STAGE[0]) for more in (1.02, 1.1, 1.2)]
    wrapped = max((wrap(strip, boxes, lines, w) for w in widths), key=scale)
    return wrapped if in_rows or scale(wrapped) > GAIN * scale(strip) else strip


def scale(found: Layout) -> float:
    """How large it is seen where all of it is."""
    return min(STAGE[0] / found.width, STAGE[1] / found.height, 1.0)
