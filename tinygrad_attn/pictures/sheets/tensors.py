"""The op and primitive levels: a card for every step.

A card shows its value as a heat map on the left and its gradient on the right. Every
use has a line forward, and a line backward with the contribution of the chain rule.
"""

from __future__ import annotations

from typing import Any

from ...graph.data import Graph, Node
from ...graph.notation.formulas import Written, pretty, rule_of, written
from ...graph.notation.tidy import without_transposes
from ...graph.roles import scores_in, shares_in, weights_in
from ..look.grids import above, grid_of, size_of, stand_in
from ..look.text import fit_text
from .frames import find_frames
from .labels import (
    kind_of_step,
    names_in_frames,
    plain_numbers,
    shape_text,
    short_names,
    short_path,
)
from .sheet import FORMULA, NAME, RULE, SHARE, TIP, Card, Link, Look, Sheet


def tensors(graph: Graph, look: Look, title: str, subtitle: str) -> Sheet:
    """The picture of a graph at the op or primitive level."""
    graph = without_transposes(graph)
    homes, frames = find_frames(graph)
    called = names_in_frames(graph, short_names(graph), homes)
    of = pretty(graph.of)
    weights, scores, shares = weights_in(graph), scores_in(graph), shares_in(graph)
    most = scales(graph, scores)
    shared = most if look.scale == "shared" else (None, None)
    cards: list[Card] = []
    links: list[Link] = []
    for node in graph:
        words = written(graph, node, called)
        about = share_of(graph, node) if node.id in shares else ""
        card = card_of(graph, node, words, called[node.id], of, about)
        card.frame = homes[node.id]
        if look.values and node.id in weights:
            card.value = grid_of(node.array, "probability")
        elif look.values:
            scored = node.id in scores
            card.value = grid_of(node.array, "value", shared[0], scores=scored)
        if look.grads and words.letters and node.gradient_array is not None:
            card.lines.append(fit_text(words.letters, RULE))
        total = node.total_array if node.id in shares else None
        add_gradient(card, node, look, shared[1], total)
        cards.append(card)
        for edge in graph.inputs(node):
            links.append(Link(edge.source, edge.target))
            if look.grads and edge.contribution_array is not None:
                rule = words.rules[edge.position]
                label = fit_text(rule_of(graph, edge, rule, called), RULE)
                links.append(Link(edge.source, edge.target, back=True, label=label))
    legend = [
        p
        for p in ("value", "gradient", "probability")
        if any(g and g.palette == p for c in cards for g in (c.value, c.gradient))
    ]
    return Sheet(title, subtitle, "down", cards, links, frames, legend)


def card_of(
    graph: Graph, node: Node, words: Written, name: str, of: str, share: str = ""
) -> Card:
    """A node's card, still without its numbers.

    Args:
        share: if its gradient is a share of the whole one, what the tooltip says of it.
    """
    title = f"{name} = {words.formula}" if words.formula else name
    kind = kind_of(graph, node)
    detail = shape_text(node.shape)
    if not graph.inputs(node) and node.op != name:
        detail = f"{node.op}  {detail}"
    leaf = not graph.inputs(node) and node.op != "constant"
    has = node.gradient_array is not None or leaf  # a leaf without one: "–"
    gradient = f"{SHARE if share else ''}∂{of}/∂{name}" if has else ""
    return Card(
        node.id,
        kind,
        fit_text(title, FORMULA),
        detail,
        gradient_title=fit_text(gradient, NAME),
        tooltip=tooltip(node, words, share),
        like=kind_of_step(node.op, node.shape, node.module),
        plain=plain_numbers(node),
    )


def kind_of(graph: Graph, node: Node) -> str:
    """A card's kind, which is its colour."""
    if not graph.inputs(node):
        return node.op if node.op in ("parameter", "input") else "constant"
    if node.kind == "softmax":
        return "softmax"
    if node is graph.root and node.name == graph.of:
        return "loss"
    return "op"


def add_gradient(
    card: Card,
    node: Node,
    look: Look,
    largest: float | None,
    total: Any,
) -> None:
    """Adds the heat map of a node's gradient to its card."""
    g = node.gradient_array
    if look.grads and g is not None and card.gradient_title:
        card.gradient = grid_of(g, "gradient", largest, total, noise=node.noise)
    elif not look.grads:
        card.gradient_title = ""


def scales(graph: Graph, scores: set[str]) -> tuple[float, float]:
    """The largest value and the largest gradient in a graph; of the scores, without
    those that stand for −∞."""
    values = []
    for node in graph:
        if node.dtype.startswith("float"):
            least = stand_in(node.array) if node.id in scores else None
            array = node.array if least is None else above(node.array, least)
            values.append(size_of(array))
    gradients = [
        size_of(n.gradient_array) for n in graph if n.gradient_array is not None
    ]
    return max(values, default=0.0), max(gradients, default=0.0)


def share_of(graph: Graph, node: Node) -> str:
    """What a share of a gradient is, and how large."""
    whole, part = size_of(node.total_array), size_of(node.gradient_array)
    return (
        f"gradient: the share that flows through {graph.through}, at most {part:.4g}; "
        f"of all together, at most {whole:.4g}"
    )


def tooltip(node: Node, words: Written, share: str) -> str:
    """The tooltip of a node's card, in several lines."""
    lines = [f"{node.name}: {node.op} {shape_text(node.shape)} {node.dtype}"]
    if words.sentence:
        lines.append(words.sentence)
    if words.why and node.gradient_array is not None:
        lines.append(words.why)
    if words.letters:
        lines.append(words.letters)
    if node.module:
        lines.append(f"in {node.module}")
    if node.source:
        lines.append(f"at {short_path(node.source)}")
    if share:
        lines.append(share)
    return "\n".join(fit_text(line, TIP) for line in lines)
