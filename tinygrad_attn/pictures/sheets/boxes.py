"""The module level: boxes from left to right, and the results that pass between them.

Of six equal layers one is drawn, with "× 6". The lines that leave the sixth layer leave
the drawn one.
"""

from __future__ import annotations

import re
from math import isfinite, sqrt

from ...arrays.backends import namespace_of
from ...graph.data import Edge, Graph, Node, to_lists
from ...graph.notation.formulas import pretty
from ..look.grids import size_of
from ..look.text import fit_text
from .labels import kind_of_step, shape_text, short_path
from .sheet import FORMULA, NAME, Card, Frame, Link, Look, Sheet


def modules(graph: Graph, look: Look, title: str, subtitle: str) -> Sheet:
    """The picture of a graph at the module level."""
    shown, times = folded_repeats(graph)
    if not look.fold:
        shown, times = {node.id: node.id for node in graph}, {}
    norms = {n.id: norm(n) for n in graph}
    inner = [size for n, size in zip(graph, norms.values()) if n is not graph.root]
    inner = [size for size in inner if isfinite(size)]
    largest = max(inner, default=0.0)  # without the loss, whose gradient is 1
    frames = Frames(times)
    cards = []
    drawn = {n.id for n in graph if shown[n.id] == n.id and used_here(graph, n, shown)}
    for node in graph:
        if node.id in drawn:
            frame = frames.around(graph, node)
            card = box(graph, node, frame, norms[node.id], largest, look)
            if is_call(graph, node) and node.module in times:  # a layer is one box
                card.title = counted(
                    node.module, frames.name_before(node.module), times[node.module]
                )
            cards.append(card)
    links: dict[tuple[str, str, int], Link] = {}
    for edge in graph.edges:
        source, target = shown[edge.source], shown[edge.target]
        key = source, target, edge.result
        forward = source != target and comes_first(source, target)
        if forward and key not in links and {source, target} <= drawn:
            links[key] = Link(source, target, label=shape_beside(graph, edge))
    return Sheet(title, subtitle, "right", cards, list(links.values()), frames.all)


def box(
    graph: Graph, node: Node, frame: str, size: float, largest: float, look: Look
) -> Card:
    """A module, or an operation between modules, as a card."""
    called, computed = is_call(graph, node), bool(graph.inputs(node))
    kind = "op" if computed else node.op if node.op in ("input", "constant") else "op"
    if node.parameters or node.op == "parameter":
        kind = "parameter"
    elif called:
        kind = "module"
    elif node is graph.root and node.name == graph.of:
        kind = "loss"
    name = pretty(node.name.rpartition(".")[2]) if called else pretty(node.name)
    lines = [shape_text(node.shape)]
    if node.parameters:
        lines[0] += f",  {node.parameters:,} parameters"
    if look.values and node.shape == () and node.dtype.startswith("float"):
        lines.append(f"{float(to_lists(node.array)):.4g}")
    bar = None
    if look.grads and node.gradient_array is not None:
        bar = share_of(size, largest), f"{size:.3g}"
    tip = [f"{node.name}: {node.op} {shape_text(node.shape)}"]
    if node.formula:
        tip.append(node.formula)
    if node.source:
        tip.append(f"at {short_path(node.source)}")
    if bar:
        tip.append(f"‖∂‖, the norm of its result's gradient: {size:.6g}")
    return Card(
        node.id,
        kind,
        fit_text(name, NAME),
        fit_text(node.op if node.op != node.name else "", NAME),
        frame,
        lines=[fit_text(line, FORMULA) for line in lines],
        bar=bar,
        tooltip="\n".join(fit_text(line, 160) for line in tip),
        like=kind_of_step(node.op, node.shape, node.module),
    )


def is_call(graph: Graph, node: Node) -> bool:
    """Whether a node is a module's call, not an operation between modules."""
    return bool(graph.inputs(node)) and node.operation is None


def share_of(size: float, largest: float) -> float:
    """A bar's length, 0..1; 1 if the norm overflowed, 0 if it is nan."""
    if size != size or not size:
        return 0.0
    return min(size / largest, 1.0) if largest else 1.0


def norm(node: Node) -> float:
    """√Σg² of the gradient of a node's result; 0 if it has none. The gradient is first
    divided by the largest |g|, because the squares of large numbers overflow."""
    g = node.gradient_array
    if g is None:
        return 0.0
    xp = namespace_of([g])
    largest = size_of(g) or 1.0
    with xp.quiet():
        g = g / largest
        return largest * sqrt(float(to_lists(xp.sum(g * g, axis=None))))


def shape_beside(graph: Graph, edge: Edge) -> str:
    """The label of a link: the shape of the result that passes along it."""
    source = graph.by_id(edge.source)
    if edge.result:
        return "another result"
    return shape_text(source.shape).replace(" ", "")


def used_here(graph: Graph, node: Node, shown: dict[str, str]) -> bool:
    """Whether a node has its place in the picture: it is no leaf, or a drawn node uses
    it, or no node does. The third layer's mask is left out if the first layer stands
    for the third."""
    uses = graph.uses(node)
    return (
        not uses
        or bool(graph.inputs(node))
        or any(shown[edge.target] == edge.target for edge in uses)
    )


def comes_first(source: str, target: str) -> bool:
    """Whether a node comes before another; a link between repeats can point back."""
    return int(source[1:]) < int(target[1:])


# --- repeats --------------------------------------------------------------------------


def folded_repeats(graph: Graph) -> tuple[dict[str, str], dict[str, int]]:
    """For each node the one that is drawn for it, and how many modules a path stands
    for.

    Modules in a list, "layers.0", "layers.1" and so on, are repeats of each other if
    they follow each other and compute the same steps.
    """
    blocks: dict[str, dict[int, list[Node]]] = {}
    for node in graph:
        for found in re.finditer(r"(?:^|\.)(\d+)(?=\.|$)", node.module):
            path = node.module[: found.start(1)]
            blocks.setdefault(path, {}).setdefault(int(found[1]), []).append(node)
    shown = {node.id: node.id for node in graph}
    times: dict[str, int] = {}
    for path, members in sorted(blocks.items()):
        first = min(members)
        for i in sorted(members):
            if alike(members[i]) != alike(members[first]):
                first = i  # a run of repeats ends, and perhaps another begins
            if i == first:
                continue
            times[f"{path}{first}"] = times.get(f"{path}{first}", 1) + 1
            for node, like in zip(members[i], members[first]):
                shown[node.id] = shown[like.id]
    return shown, times


def alike(block: list[Node]) -> list[tuple[str, tuple[int, ...], int]]:
    """The steps of a block, for comparison: equal for repeats."""
    return [(n.op, n.shape, n.parameters) for n in block]


class Frames:
    """The frames of modules with boxes inside, by the module's path."""

    def __init__(self, times: dict[str, int]) -> None:
        self.times = times
        self.ids: dict[str, str] = {}
        self.all: list[Frame] = []

    def around(self, graph: Graph, node: Node) -> str:
        """The id of the frame around a node, or ""."""
        inside = bool(graph.inputs(node) or node.module) or node.op == "parameter"
        path = node.module if inside else ""
        if is_call(graph, node):  # a call stands in the frame of its parent
            path = path.rpartition(".")[0]
        return self.of(path)

    @staticmethod
    def name_before(path: str) -> str:
        """All of a layer's path but the name of its list and its number."""
        list_of, _, _ = path.rpartition(".")
        return path[: len(list_of.rpartition(".")[0]) + 1] if "." in list_of else ""

    def of(self, path: str) -> str:
        """The id of a module's frame; the first call makes the frame."""
        made = outer = ""
        parts = path.split(".") if path else []
        for n in range(1, len(parts) + 1):
            path = ".".join(parts[:n])
            if n < len(parts) and parts[n].isdigit() and path not in self.times:
                continue  # a list of modules has no frame of its own
            if path not in self.ids:
                self.ids[path] = f"m{len(self.ids)}"
                label = counted(path, outer, self.times.get(path, 0))
                self.all.append(Frame(self.ids[path], made, label))
            made, outer = self.ids[path], f"{path}."
        return made


def counted(path: str, outer: str, count: int) -> str:
    """A module's name inside an outer one, with how many it stands for.

    >>> counted("encoder.layers.0", "encoder.", 6), counted("0", "", 6)
    ('layers   × 6', '0 to 5   × 6')
    """
    name = path.removeprefix(outer)
    if not count:
        return fit_text(name, NAME)
    front, _, number = name.rpartition(".")
    if not front:
        front = f"{number} to {int(number) + count - 1}"
    return f"{fit_text(front, NAME)}   × {count}"
