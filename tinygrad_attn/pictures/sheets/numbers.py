"""The scalar level: a card for each tensor, a row for each of its numbers.

One number of `Q Kᵀ` is a sum of products; a node for every + and × would make a
tangle. So the numbers in the middle of a step have no row: one line stands for all
paths through them. The same holds for tensors that only move numbers, and for the steps
inside a softmax or a norm. A line's label is ∂target/∂source, summed over all these
paths. Its width grows with its contribution, |∂target/∂source · ∂L/∂target|.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace
from math import inf

from ...graph.data import Graph, Node
from ...graph.noise import below_all
from ...graph.notation.formulas import pretty
from ...graph.roles import scores_in, shares_in
from ..look.grids import least_of
from ..look.text import fit_text
from .labels import (
    common_prefix,
    kind_of_step,
    number_text,
    plain_numbers,
    short_path,
    slope_text,
    strip_prefix,
    with_type,
)
from .merging import joined, weighed
from .sheet import NAME, SHARE, TIP, Card, Link, Look, Row, Sheet

LABELLED = 40  # a picture with more lines has no numbers beside them
ROWS = 16  # the most numbers of a tensor that are shown


def numbers(
    graph: Graph,
    look: Look,
    title: str,
    subtitle: str,
    drawn: Container[str] = (),
) -> Sheet:
    """The picture of a graph at the scalar level.

    Args:
        drawn: the ids of the cards that are not folded away; of a tensor with many
            numbers those are shown that one of these was computed from. Any, if empty.
    """
    tensors = shown_tensors(graph)
    known = {node.id for elements in tensors.values() for node in elements}
    ids = {name: f"t{i}" for i, name in enumerate(tensors)}
    place: dict[str, tuple[str, int]] = {}
    left_out: dict[str, int] = {}
    masked: set[str] = set()
    used = {
        source
        for node in graph
        if node.id in known and ids[node.tensor] in drawn
        for source in partials(graph, node, known)
    }
    scores = scores_in(graph)
    for name, elements in tensors.items():
        masked |= hidden(elements, scores)
        chosen = most_moving([n for n in elements if n.id in used] or elements)
        left_out[name] = len(elements) - len(chosen)
        place |= {node.id: (ids[name], len(chosen)) for node in elements}
        place |= {node.id: (ids[name], i) for i, node in enumerate(chosen)}
        tensors[name] = chosen
    of = fit_text(pretty(graph.of), NAME)
    prefix = common_prefix([n for n in tensors if "." in n])
    types = {group.name: group.type for group in graph.groups.values()}
    called = {name: strip_prefix(with_type(name, types), prefix) for name in tensors}
    cards = [
        card(graph, ids[name], name, elements, of, look, left_out[name], called[name])
        for name, elements in tensors.items()
    ]
    shares = shares_in(graph)
    for made, elements in zip(cards, tensors.values()):
        sizes = [abs(node.gradient_array or 0.0) for node in elements]
        made.ranked = used.isdisjoint(node.id for node in elements)
        made.noise = below_all([node.noise for node in elements], sizes)
        if made.gradient_title and not shares.isdisjoint(n.id for n in elements):
            made.gradient_title = SHARE.split()[0]  # the heading says of what
        for row, node in zip(made.rows, elements):
            row.value = -inf if node.id in masked else row.value
    found = [
        (graph.by_id(source), node, partial)
        for node in graph
        if node.id in place
        for source, partial in partials(graph, node, known).items()
        if source in place
    ]
    links = links_of(found, place)
    if links and look.grads:
        subtitle += "; thicker lines carry more gradient back"
    legend = ["value", "gradient"] if look.grads else ["value"]
    return Sheet(title, subtitle, "right", cards, links, [], legend)


def links_of(
    found: list[tuple[Node, Node, float]], place: dict[str, tuple[str, int]]
) -> list[Link]:
    """The lines of the picture; those from or to numbers that are left out become one.

    Args:
        found: source, target and ∂target/∂source.
        place: a number's card and row; the one after the last if it is left out.
    """
    flows = [0.0 if a.gradient_array is None else flow_of(b, p) for a, b, p in found]
    most = max((flow for flow in flows if flow < inf), default=0.0) or 1.0
    several: dict[tuple[str, int, str, int], list[Link]] = {}
    for (source, target, partial), flow in zip(found, flows):
        (a, i), (b, j) = place[source.id], place[target.id]
        label = slope_text(partial) if len(found) <= LABELLED else ""
        link = Link(a, b, label=label, source_row=i, target_row=j)
        several.setdefault((a, i, b, j), []).append(weighed(link, flow / most))
    links = []
    for (a, i, b, j), alike in several.items():
        link = alike[0] if len(alike) == 1 else joined(alike, a, b)
        links.append(replace(link, source_row=i, target_row=j))
    return links


def flow_of(target: Node, partial: float) -> float:
    """The size of what a target contributes to a source's gradient."""
    return abs(partial * (target.gradient_array or 0.0))


def card(
    graph: Graph,
    id: str,
    name: str,
    elements: list[Node],
    of: str,
    look: Look,
    left_out: int,
    title: str,
) -> Card:
    """A tensor's card."""
    rows = [
        Row(
            fit_text(f"[{','.join(map(str, node.index))}]", NAME) if node.index else "",
            float(node.array),
            None if node.gradient_array is None else float(node.gradient_array),
            f"{node.name} = {number_text(node.array)}",
        )
        for node in elements
    ]
    kind = elements[0].op
    if any(graph.inputs(node) for node in elements):
        kind = "op"
    elif kind not in ("parameter", "input"):
        kind = "constant"
    step = kind  # also of the last turn of a loop, which is the loss
    if elements[0].name == graph.of:
        kind = "loss"
    count = len(rows) + left_out
    about = [f"{name}: {count:,} number{'s' * (count > 1)}"]
    if elements[0].source:
        about.append(f"at {short_path(elements[0].source)}")
    return Card(
        id,
        kind,
        title,
        gradient_title=f"∂{of}" if look.grads else "",
        rows=rows,
        more=left_out,
        tooltip="\n".join(fit_text(line, TIP) for line in about),
        plain=plain_numbers(elements[0]),
        like=kind_of_step(step, (len(rows) + left_out,), re.sub("_[0-9]+$", "", name)),
    )


def hidden(elements: list[Node], scores: set[str]) -> set[str]:
    """The ids of a tensor's numbers that stand for −∞ among the scores of a softmax."""
    rows: dict[tuple[int, ...], list[float]] = {}
    for node in elements:
        if node.id in scores:
            rows.setdefault((node.index or ())[:-1], []).append(float(node.array))
    least = least_of(rows.values())
    if least is None:
        return set()
    return {n.id for n in elements if n.id in scores and float(n.array) <= least}


def most_moving(elements: list[Node]) -> list[Node]:
    """The numbers with the largest gradients, at most ROWS, in their own order."""
    by_size = sorted(elements, key=_flow, reverse=True)
    return sorted(by_size[:ROWS], key=_index)


def shown_tensors(graph: Graph) -> dict[str, list[Node]]:
    """The numbers of each tensor that gets a card, by its name."""
    every: dict[str, list[Node]] = {}
    inside = {group.parent for group in graph.groups.values()}
    for node in graph:
        if node.index is not None:
            every.setdefault(node.tensor, []).append(node)
    found = {}
    for name, elements in every.items():
        moved = all(n.op == "identity" and not n.settings for n in elements)
        group = graph.groups.get(elements[0].group)
        hidden = (
            group is not None
            and group.type == "composite"
            and group.id not in inside
            and all(
                graph.by_id(edge.target).group == group.id
                for node in elements
                for edge in graph.uses(node)
            )
        )
        ends = graph.root in elements
        if ends or not (moved or hidden):
            found[name] = elements
    return found


def partials(graph: Graph, z: Node, shown: Container[str]) -> dict[str, float]:
    """∂z/∂x for each shown number x that z depends on, summed over all paths that pass
    no other shown number."""
    position = {z.id: 0.0}
    order: list[Node] = []
    todo = [z]
    while todo:
        node = todo.pop()
        order.append(node)
        for edge in graph.inputs(node):
            source = graph.by_id(edge.source)
            if source.id not in position:
                position[source.id] = 0.0
                if source.id not in shown:
                    todo.append(source)
    reached = {z.id: 1.0}
    found: dict[str, float] = {}
    for node in sorted(order, key=_place, reverse=True):
        so_far = reached.get(node.id, 0.0)
        for edge in graph.inputs(node):
            source = graph.by_id(edge.source)
            share = so_far * (edge.local or 0.0)
            into = found if source.id in shown else reached
            into[source.id] = into.get(source.id, 0.0) + share
    return found


def _flow(node: Node) -> float:
    """A sort key: how much gradient flows; nan is more than anything."""
    g = node.gradient_array
    return 0.0 if g is None else abs(g) if g == g else inf


def _place(node: Node) -> int:
    return int(node.id[1:])


def _index(node: Node) -> tuple[int, ...]:
    return node.index or ()
