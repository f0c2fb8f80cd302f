"""What a picture shows, before it is known where: cards, links and frames.

`tensors` makes them of a graph at the op or primitive level: a card for every step, its
value as a heat map on the left and its gradient on the right; a link forward for every
use, and one backward that says what the chain rule sends along it. `boxes.py` does it
for the module level and `numbers.py` for single numbers. From here on a picture is
drawn without knowing what a tensor is: by Graphviz (`dot.py`), by ourselves (`svg.py`),
or as a page (`player.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..graph.notation import Written, pretty, rule_of, written
from ..graph.plain import Graph, Group, Node
from ..graph.tidy import without_transposes
from .grids import Grid, grid_of, is_probability, size_of
from .text import clipped

NAME, FORMULA = 40, 56  # characters of a name and of a formula that are drawn


@dataclass
class Row:
    """A number in a card: a label, its value and its gradient."""

    label: str
    value: float
    gradient: float | None
    tooltip: str = ""


@dataclass
class Card:
    """One box of a picture.

    Attributes:
        id: unique, safe in every format.
        kind: "input", "parameter", "constant", "op", "softmax", "loss", "module": its
            colour.
        title: what stands in its head, in bold, and `detail` beside it.
        frame: the id of the frame it stands in, or "".
        value, gradient: heat maps; None if there is none.
        gradient_title: "∂L/∂Q", or "" where no gradient is to be shown.
        rows: single numbers, in the place of heat maps.
        lines: further lines of text.
        bar: the length (0..1) and the label of a bar for the size of its gradient.
        tooltip: all that is known, in some lines.
    """

    id: str
    kind: str
    title: str
    detail: str = ""
    frame: str = ""
    value: Grid | None = None
    gradient: Grid | None = None
    gradient_title: str = ""
    rows: list[Row] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    bar: tuple[float, str] | None = None
    tooltip: str = ""


@dataclass
class Link:
    """A line between two cards.

    Attributes:
        back: whether it is a gradient's, drawn from the target back to the source.
        label: what stands beside it.
        width, colour: how it is drawn; by its kind if they are None.
        source_row, target_row: which rows it joins, if the cards have rows.
    """

    source: str
    target: str
    back: bool = False
    label: str = ""
    width: float | None = None
    colour: str | None = None
    source_row: int | None = None
    target_row: int | None = None


@dataclass
class Frame:
    """A rectangle with a name around cards: a module's call."""

    id: str
    parent: str
    label: str


@dataclass
class Sheet:
    """A whole picture: cards, links, frames, and what stands above.

    Attributes:
        direction: "down" or "right".
        legend: which scales are explained: "value", "gradient", "probability".
    """

    title: str
    subtitle: str
    direction: str
    cards: list[Card]
    links: list[Link]
    frames: list[Frame]
    legend: list[str] = field(default_factory=list)


@dataclass
class Look:
    """What is to be seen.

    Attributes:
        values, grads: whether values and gradients are drawn.
        scale: "tensor", each with colours of its own, or "shared", all with the same.
    """

    values: bool = True
    grads: bool = True
    scale: str = "tensor"


def tensors(graph: Graph, look: Look, title: str, subtitle: str) -> Sheet:
    """The picture of a graph at the op or primitive level."""
    if graph.level == "op":
        graph = without_transposes(graph)
    called = short_names(graph)
    of = pretty(graph.of)
    largest = scales(graph) if look.scale == "shared" else (None, None)
    cards: list[Card] = []
    links: list[Link] = []
    homes = frames_of_cards(graph)
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
                label = clipped(rule_of(graph, edge, rule, called), FORMULA)
                links.append(Link(edge.source, edge.target, back=True, label=label))
    legend = [
        p
        for p in ("value", "gradient", "probability")
        if any(g and g.palette == p for c in cards for g in (c.value, c.gradient))
    ]
    frames = frames_of(graph)
    return Sheet(title, subtitle, "down", cards, links, frames, legend)


def card_of(graph: Graph, node: Node, words: Written, name: str, of: str) -> Card:
    """A node's card, still without numbers."""
    title = f"{name} = {words.formula}" if words.formula else name
    kind = kind_of(graph, node)
    detail = shape_text(node.shape)
    if not graph.inputs(node) and node.op != name:
        detail = f"{node.op}  {detail}"
    gradient = f"∂{of}/∂{name}" if node.op != "constant" else ""
    if not node.dtype.startswith("float") or (
        graph.inputs(node) and node.gradient_array is None and graph.of == ""
    ):
        gradient = ""
    return Card(
        node.id,
        kind,
        clipped(title, FORMULA),
        detail,
        gradient_title=clipped(gradient, NAME),
        tooltip=tooltip(node, words),
    )


def kind_of(graph: Graph, node: Node) -> str:
    """A card's kind, which is its colour."""
    if not graph.inputs(node):
        return node.op if node.op in ("parameter", "input") else "constant"
    if node.op in ("softmax", "log_softmax"):
        return "softmax"
    if node is graph.root and node.name == graph.of:
        return "loss"
    return "op"


def add_grids(
    card: Card, node: Node, look: Look, largest: tuple[float | None, float | None]
) -> None:
    """The heat maps of a node's value and gradient."""
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


def short_names(graph: Graph) -> dict[str, str]:
    """What each node is called in a picture: without the path of the module that all
    are in, and with its number as a subscript."""
    prefix = common_prefix([n.name for n in graph if n.op == "parameter"])
    found = {}
    for node in graph:
        name = node.name
        if prefix and name.startswith(prefix):
            name = name[len(prefix) :]
        found[node.id] = clipped(pretty(name), NAME)
    return found


def common_prefix(paths: list[str]) -> str:
    """The modules that all paths begin with.

    >>> common_prefix(["head.W_Q", "head.W_K"]), common_prefix(["a.w", "b.w"])
    ('head.', '')
    """
    if not paths:
        return ""
    parts = [path.split(".")[:-1] for path in paths]
    shared = []
    for level in zip(*parts):
        if any(part != level[0] for part in level):
            break
        shared.append(level[0])
    return "".join(f"{part}." for part in shared)


def frames_of_cards(graph: Graph) -> dict[str, str]:
    """The id of the frame each node stands in: the call that it was computed in, and
    for a parameter the innermost call around all its uses."""
    found = {node.id: node.group for node in graph}
    for node in graph:
        if node.op == "parameter":
            users = [graph.by_id(e.target).group for e in graph.uses(node)]
            chains = [calls_around(graph, id) for id in users]
            shared = [id for id in chains[0] if all(id in c for c in chains)]
            found[node.id] = shared[0] if shared else ""
    return found


def calls_around(graph: Graph, id: str) -> list[str]:
    """A call and those around it, the innermost first."""
    found = []
    while id:
        found.append(id)
        id = graph.groups[id].parent
    return found


def frames_of(graph: Graph) -> list[Frame]:
    """The calls that some node was computed in, outermost first; the outermost of all
    only if something stands outside it."""
    used: dict[str, Group] = {}
    for node in graph:
        id = node.group
        while id and id not in used:
            used[id] = graph.groups[id]
            id = graph.groups[id].parent
    ordered = [g for id, g in graph.groups.items() if id in used]
    return [Frame(g.id, g.parent, frame_label(g)) for g in ordered]


def frame_label(group: Group) -> str:
    """A frame's name: a module's path and its type, or a composite's name."""
    if group.type == "composite" or group.name == group.type:
        return clipped(group.name, NAME)
    return clipped(f"{group.name}  {group.type}", NAME)


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as it is drawn.

    >>> shape_text((4, 8)), shape_text((3,)), shape_text(())
    ('4 × 8', '3', 'scalar')
    """
    return " × ".join(map(str, shape)) if shape else "scalar"


def tooltip(node: Node, words: Written) -> str:
    """What is known of a node, in some lines."""
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
    return "\n".join(clipped(line, 160) for line in lines)


def short_path(source: str) -> str:
    """A source line without the folders of its file.

    >>> short_path("/home/me/model.py:3: Q = x @ W")
    'model.py:3: Q = x @ W'
    """
    path, colon, rest = source.partition(":")
    return path.replace("\\", "/").rpartition("/")[2] + colon + rest


def number_text(x: Any) -> str:
    """A number for a tooltip.

    >>> number_text(0.123456789), number_text(True)
    ('0.1234568', 'True')
    """
    return f"{x:.7g}" if isinstance(x, float) else str(x)
