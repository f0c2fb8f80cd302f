"""The op and primitive levels: a card for every step.

A card shows its value as a heat map on the left and its gradient on the right. Every
use has a line forward, and a line backward with the contribution of the chain rule.
"""

from __future__ import annotations

from ...graph.data import Graph, Node
from ...graph.notation.formulas import Written, pretty, rule_of, written
from ...graph.notation.tidy import without_transposes
from ..look.grids import grid_of, is_probability, size_of
from ..look.text import fit_text
from .frames import find_frames
from .labels import kind_of_step, shape_text, short_names, short_path
from .sheet import FORMULA, NAME, Card, Link, Look, Sheet


def tensors(graph: Graph, look: Look, title: str, subtitle: str) -> Sheet:
    """The picture of a graph at the op or primitive level."""
    graph = without_transposes(graph)
    called = short_names(graph)
    of = pretty(graph.of)
    largest = scales(graph) if look.scale == "shared" else (None, None)
    cards: list[Card] = []
    links: list[Link] = []
    homes, frames = find_frames(graph)
    for node in graph:
        words = written(graph, node, called)
        card = card_of(graph, node, words, called[node.id], of)
        card.frame = homes[node.id]
        add_grids(card, node, look, largest)
        cards.append(card)
        for edge in graph.inputs(node):
            links.append(Link(edge.source, edge.target))
            if look.grads and edge.contribution_array is not None:
                rule = words.rules[edge.position]
                label = fit_text(rule_of(graph, edge, rule, called), FORMULA)
                links.append(Link(edge.source, edge.target, back=True, label=label))
    legend = [
        p
        for p in ("value", "gradient", "probability")
        if any(g and g.palette == p for c in cards for g in (c.value, c.gradient))
    ]
    return Sheet(title, subtitle, "down", cards, links, frames, legend)


def card_of(graph: Graph, node: Node, words: Written, name: str, of: str) -> Card:
    """A node's card, still without its numbers."""
    title = f"{name} = {words.formula}" if words.formula else name
    kind = kind_of(graph, node)
    detail = shape_text(node.shape)
    if not graph.inputs(node) and node.op != name:
        detail = f"{node.op}  {detail}"
    leaf = not graph.inputs(node) and node.op != "constant"
    has = node.gradient_array is not None or leaf  # a leaf without one: "–"
    gradient = f"∂{of}/∂{name}" if has else ""
    return Card(
        node.id,
        kind,
        fit_text(title, FORMULA),
        detail,
        gradient_title=fit_text(gradient, NAME),
        tooltip=tooltip(node, words),
        like=kind_of_step(node.op, node.shape, node.module),
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


def add_grids(
    card: Card, node: Node, look: Look, largest: tuple[float | None, float | None]
) -> None:
    """Adds the heat maps of a node's value and gradient to its card."""
    if look.values:
        computed = card.kind in ("op", "softmax")
        probable = computed and is_probability(node.array)
        palette = "probability" if probable else "value"
        card.value = grid_of(node.array, palette, None if probable else largest[0])
    g = node.gradient_array
    if look.grads and g is not None and card.gradient_title:
        total = node.total_array
        if total is g or node.positions is None:
            total = None
        card.gradient = grid_of(g, "gradient", largest[1], total)
    elif not look.grads:
        card.gradient_title = ""


def scales(graph: Graph) -> tuple[float, float]:
    """The largest value and the largest gradient in a graph."""
    values = [size_of(n.array) for n in graph if n.dtype.startswith("float")]
    gradients = [
        size_of(n.gradient_array) for n in graph if n.gradient_array is not None
    ]
    return max(values, default=0.0), max(gradients, default=0.0)


def tooltip(node: Node, words: Written) -> str:
    """The tooltip of a node's card, in several lines."""
    lines = [f"{node.name}: {node.op} {shape_text(node.shape)} {node.dtype}"]
    if words.sentence:
        lines.append(words.sentence)
    if node.module:
        lines.append(f"in {node.module}")
    if node.source:
        lines.append(f"at {short_path(node.source)}")
    if node.positions is not None and node.total_array is not None:
        whole = size_of(node.total_array)
        part = size_of(node.gradient_array) if node.gradient_array is not None else 0.0
        lines.append(
            "gradient: the share of this head and this sequence, at most "
            f"{part:.4g}; of all together, at most {whole:.4g}"
        )
    return "\n".join(fit_text(line, 160) for line in lines)
