"""Operations that open: what one does, step by step, as data of the page.

A click opens an operation in place, such as softmax into exp, sum and a quotient. Its
steps are a small graph of their own (graph/inside.py) with a program of its own, which
takes the numbers of its inputs, and the gradient of its result, from the page's. Equal
operations share a program. The numbers themselves are not in the data: the page
computes them when the operation is opened.
"""

from __future__ import annotations

from typing import Any

from ...graph.data import Graph, Node
from ...graph.inside import inside
from ...graph.notation.tidy import without_transposes
from ...program.living import living
from ..layout.steps import Box, Line, layout, svg_path
from ..layout.wrapping import wrap
from ..look.text import fit_text
from ..sheets.sheet import SHARE
from .live import Live, packed
from .script import Script
from .sizes import Size

LABEL, EDGE = 28.0, 16.0  # room for the name above, and around
WIDE = 1500.0  # what is wider stands in rows
PORT = 1.0  # the size of where an input comes in

Data = dict[str, Any]


class Inside(Script):
    """The steps inside an operation, as data. Their plain numbers stay as they are."""

    def given(self, node: Node) -> Data:
        return {}


def operations(script: Script) -> tuple[dict[str, Data], list[str]]:
    """For each card whose operation opens what is in it; and a script that has their
    programs, `createInside`, if there are any."""
    graph = script.graph
    taken = {*script.called.values()}
    found: dict[str, Data] = {}
    programs: list[str] = []
    for node in graph:
        plain = any(isinstance(x, float) for x in node.arguments)  # can be changed
        try:
            opened = inside(graph, node) if script.live.part and not plain else None
            program = living(opened[0]) if opened else None
        except (RuntimeError, TypeError, ValueError, AttributeError):
            continue  # a reader's own, whose steps give another result or gradient
        if opened is None or program is None:
            continue
        whole, begins = opened
        steps = without_transposes(whole)
        if sum(n.operation is not None for n in steps) < 2:
            continue
        called = names_inside(script, node, steps, begins, taken)
        found[node.id] = data = data_of(
            script, node, Inside(steps, script.tokens, Live(program), called), begins
        )
        if program.text not in programs:
            programs.append(program.text)
        data["program"] = programs.index(program.text)
        root = steps.root.id
        data["root"] = {"name": root, "gradient": program.gradients[root]}
        seed = f"seed_{root}"
        data["seed"] = seed if seed in program.numbers else None
        own = program.numbers.keys() - begins.keys() - {seed}
        data["numbers"] = {name: packed(program.numbers[name]) for name in sorted(own)}
    made = ",\n".join(f"(() => {{\n{p}\nreturn createProgram;\n}})()" for p in programs)
    return found, [f"const createInside = [{made}];\n"] if programs else []


def names_inside(
    script: Script, node: Node, steps: Graph, begins: dict[str, str], taken: set[str]
) -> dict[str, str]:
    """A name for each node inside that no other card of the page has."""
    called = {id: script.called[outer] for id, outer in begins.items()}
    called[steps.root.id] = script.called[node.id]
    for step in steps:
        if step.id in called:
            continue
        first = name = fit_text(step.name, 24)
        number = 1
        while name in taken:
            number += 1
            name = first + str(number).translate(SUBSCRIPTS)
        taken.add(name)
        called[step.id] = name
    return called


SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def data_of(script: Script, node: Node, made: Inside, begins: dict[str, str]) -> Data:
    """The cards inside, their links, steps and places; `last` is what the operation's
    own card says while it is open, as the last of the steps."""
    graph, root = made.graph, made.graph.root.id
    share = SHARE if node.id in script.shares else ""

    def outer(id: str) -> str:
        return begins.get(id, node.id if id == root else f"{node.id}.{id}")

    cards = []
    for step in graph:
        if step.id in begins:
            continue
        size = made.size(step)
        card = made.card(step) | {"id": outer(step.id), "share": share}
        card |= {"w": size.w, "h": size.h, "beside": size.beside}
        card["how"] = renamed(card["how"], outer)
        known = "shape", "rows", "columns", "labels", "noise", "least", "palette"
        card["value"] = {key: card["value"][key] for key in known}
        card["gradient"] = card["gradient"] and noise_of(card["gradient"])
        cards.append(card)
    last = {
        key: cards[-1][key] for key in ("formula", "sentence", "why", "source", "how")
    }
    links = made.links()
    for link in links:
        link["source"], link["target"] = outer(link["source"]), outer(link["target"])
    steps = [s for s in made.steps() if s["kind"] != "seed"]
    for s in steps:
        s["card"] = outer(s["card"])
        for send in s.get("sends", ()):
            send["to"] = outer(send["to"])
            send["grid"], send["so_far"] = map(noise_of, (send["grid"], send["so_far"]))
            del send["path"], send["paths"]
    return {
        "title": fit_text(node.op, 40),
        "inputs": begins,
        "cards": cards[:-1],
        "last": last,
        "links": links,
        "steps": steps,
        "room": room(made, begins, outer, script.size(node)),
    }


def noise_of(grid: Data) -> Data:
    """What the page does not know of a gradient's grid: all else is as in its card."""
    return {"noise": grid["noise"]}


def renamed(how: Data | None, outer: Any) -> Data | None:
    """How a number is computed, with the cards' own ids."""
    if how is None:
        return None
    how = dict(how)
    for key in ("x", "y", "plus", "indices"):
        if isinstance(how.get(key), str):
            how[key] = outer(how[key])
    if "inputs" in how:
        how["inputs"] = [outer(x) if isinstance(x, str) else x for x in how["inputs"]]
    return how


def room(made: Inside, begins: dict[str, str], outer: Any, own: Size) -> Data:
    """Where the cards inside stand, in a frame; and the ways of their links, which
    begin at a port on its left side where they come from outside."""
    graph = made.graph
    sizes = {n.id: made.size(n) for n in graph} | {graph.root.id: own}
    sizes |= {id: Size(PORT, PORT) for id in begins}
    boxes = [Box(n.id, sizes[n.id].w, sizes[n.id].h) for n in graph]
    lines = []
    for edge in graph.edges:
        a, b = sizes[edge.source].h, sizes[edge.target].h
        for back, part in ((False, 0.4), (True, 0.7)):
            lines.append(Line(edge.source, edge.target, a * part, b * part, back=back))
    placed = layout(boxes, lines, direction="right", gap=20.0, rank_gap=44.0)
    if placed.width > WIDE:
        placed = wrap(placed, boxes, lines, WIDE)
    ways = []
    for i, edge in enumerate(graph.edges):
        way, way_back = (
            svg_path([(x + EDGE, y + LABEL) for x, y in path])
            for path in (placed.paths[2 * i], placed.paths[2 * i + 1][::-1])
        )
        flows = edge.contribution_array is not None
        ways.append({"path": way, "back": way_back if flows else None})
    return {
        "w": placed.width + 2 * EDGE,
        "h": placed.height + LABEL + EDGE,
        "places": {
            outer(id): (round(x + EDGE, 1), round(y + LABEL, 1))
            for id, (x, y) in placed.places.items()
            if id not in begins
        },
        "ways": ways,
    }
