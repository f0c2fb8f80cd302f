"""Where the page draws its cards: a view for each state of what is open.

What repeats is folded, as in a drawn picture: of a loop one turn is drawn, "step 1 of
20", and a small card stands for the others. And what a frame holds is closed, but along
one path (closing.py). The first views are those of the first turn: that with which the
page begins, then one for each frame that can be opened. The same follows for the other
turns, as far as they differ. The last view draws everything.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import Any

from ...graph.data import Graph
from ..layout.steps import Box, Layout, Line, Outline, layout, svg_path
from ..layout.wrapping import wrap
from ..look.text import width as text_width
from ..sheets.closing import CLOSED, MOST_BOXES, Closing, Folded, in_order
from ..sheets.folding import Fold
from ..sheets.runs import find_run
from ..sheets.sheet import Sheet
from .neighbours import after_modules, in_parts
from .sizes import Size, size_of_folded

MARGIN = 24.0
STAGE = 900.0, 620.0  # where a page is often seen
OPEN = "a click opens one"
GAIN = 1.15  # a strip is wrapped where that makes it so much larger there

SizeOf = Callable[[str, str], Size]  # of a closed frame: its title, its result's id


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
        ends = [block[-1] for block in run.blocks]
        turns = dict.fromkeys(opens, ends)
        found = Folded(
            fold.sheet(),
            found.stands | fold.stands,
            found.opens | opens,
            found.turns | turns,
        )
    return found


def turns_of(graph: Graph, sheet: Sheet, composites: set[str]) -> list[Folded]:
    """The folded sheets that draw every card, each turn of what repeats in one."""
    found: list[Folded] = []
    seen: set[str] = set()
    for node in graph:
        if node.id in seen or not graph.inputs(node):
            continue
        turn = in_parts(folded(sheet, node.id), composites)
        turn = with_own_names(turn, sheet, len(found))
        seen.update(card.id for card in turn.sheet.cards)
        found.append(turn)
        if not turn.stands:
            break  # nothing repeats: this one draws everything
    return found or [Folded(sheet)]


def with_own_names(found: Folded, sheet: Sheet, number: int) -> Folded:
    """A turn, of which each frame that is only in this one has a name of its own."""
    known = {frame.id for frame in sheet.frames}
    drawn = {frame.id for frame in found.sheet.frames}

    def own(id: str) -> str:
        if id not in drawn:
            return ""  # the call around all that is drawn
        return id if id in known else f"{id}.{number}"

    cards = [replace(card, frame=own(card.frame)) for card in found.sheet.cards]
    frames = [
        replace(f, id=own(f.id), parent=own(f.parent)) for f in found.sheet.frames
    ]
    return replace(found, sheet=replace(found.sheet, cards=cards, frames=frames))


def views(
    graph: Graph,
    sheet: Sheet,
    sizes: dict[str, Size],
    size_of: SizeOf,
    title_of: Callable[[str, str], str],
    closed: bool = False,
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """The views of a graph as data, the one with which the page begins first; and for
    each frame that can be closed its result and all cards in it.

    Args:
        size_of: the size of a closed frame.
        title_of: the title of a closed operation: its result's id, its name → title.
        closed: whether the page begins with all frames closed.
    """
    drawn: dict[tuple[str, ...], dict[str, Any]] = {}
    frames: dict[str, dict[str, Any]] = {}
    rows: dict[tuple[str, ...], bool] = {}
    composites = {id for id, g in graph.groups.items() if g.type == "composite"}
    turns = turns_of(graph, sheet, composites)
    few = len(sheet.cards) <= MOST_BOXES and not closed
    for turn in turns if turns[0].stands or not few else ():
        closing = Closing(turn)
        for id in closing.paths:
            if id not in frames:
                held = set(closing.held(id))
                frames[id] = {"shows": result_of(graph, held), "cards": sorted(held)}
        first = () if closed else closing.first(after_modules(closing, composites))
        for path in dict.fromkeys([first, (), *closing.paths.values()]):
            found = closing.closed(path)
            for card in found.sheet.cards:
                if card.id in composites:
                    card.title = title_of(frames[card.id]["shows"], card.title)
            boxes = tuple(card.id for card in found.sheet.cards)
            if boxes in drawn or len(in_order(found.sheet)) < len(boxes):
                continue
            room = sizes | {
                card.id: size_of(card.title, frames[card.id]["shows"])
                for card in found.sheet.cards
                if card.kind == CLOSED
            }
            alike = [likeness(turn.sheet, frame) for frame in path]
            # turns look alike, so that playing they stay where they are
            made = view(graph, room, found, rows.get(tuple(alike)))
            rows.setdefault(tuple(alike), made["rows"] > 1)
            made |= {"open": list(path), "alike": alike}
            drawn[boxes] = made
    everything = view(graph, sizes, Folded(sheet)) | {"open": None, "alike": []}
    return [*drawn.values(), everything], frames


def result_of(graph: Graph, held: set[str]) -> str:
    """The card whose numbers a closed frame shows: its last result."""
    inside = [node for node in graph if node.id in held and graph.inputs(node)]
    used = [
        node
        for node in inside
        if node is graph.root or any(e.target not in held for e in graph.uses(node))
    ]
    return (used or inside)[-1].id


def likeness(sheet: Sheet, id: str) -> str:
    """Equal for the same frame in two turns: of "layers.3  Layer   4 of 6" the name,
    without its numbers, and of others the whole label."""
    label = next(frame.label for frame in sheet.frames if frame.id == id)
    name, numbered, _ = label.partition("   ")
    if numbered or re.fullmatch(r"\w+ \d+ of \d+", label):
        return re.sub(r"\d+", "", name)
    return label


def view(
    graph: Graph, sizes: dict[str, Size], found: Folded, in_rows: bool | None = None
) -> dict[str, Any]:
    """One view as data.

    Args:
        in_rows: whether it is wrapped into rows; None: where that makes it larger.
    """
    small = [card for card in found.sheet.cards if card.id not in sizes]
    bars = first_of_each_run(found)
    room = sizes | {
        c.id: size_of_folded(c.title, [*c.lines, OPEN], bars=c.id in bars)
        for c in small
    }
    ends = lines_between(graph, found)
    placed = arranged(found.sheet, room, ends, in_rows)
    where = {
        id: (round(MARGIN + x, 1), round(MARGIN + y, 1))
        for id, (x, y) in placed.places.items()
    }
    folds, shut = [], []
    for card in found.sheet.cards:
        if card.kind != CLOSED and card.id in sizes:
            continue
        (x, y), size = where.pop(card.id), room[card.id]
        box = {"id": card.id, "x": x, "y": y, "w": size.w, "h": size.h}
        if card.kind == CLOSED:
            shut.append(box | {"title": card.title, "beside": size.beside})
            continue
        told = {"title": card.title, "lines": [*card.lines, OPEN]}
        turns = {"opens": found.opens.get(card.id), "turns": bars.get(card.id)}
        folds.append(box | told | turns)
    clusters = []
    for frame in found.sheet.frames:
        if frame.id in placed.frames:
            pieces = [placed.frames[frame.id], *placed.continued.get(frame.id, ())]
            for i, (x, y, w, h) in enumerate(pieces):
                box = {"x": MARGIN + x, "y": MARGIN + y, "w": w, "h": h}
                name = "" if i else frame.label
                clusters.append({"name": name, "frame": frame.id} | box)
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
        "closed": shut,
        "clusters": clusters,
        "lines": lines,
    }


def first_of_each_run(found: Folded) -> dict[str, list[str]]:
    """The first of the small cards of each run → the last card of each turn: it has a
    strip, with a bar for each."""
    drawn: dict[str, list[str]] = {}
    for card in found.sheet.cards:
        turns = found.turns.get(card.id)
        if turns and turns not in drawn.values():
            drawn[card.id] = turns
    return drawn


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
