"""The module level: boxes from left to right, and the results that pass between them.

Of six equal layers one is drawn, with "× 6" (`repeats.py`). The lines that leave the
sixth layer leave the drawn one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, sqrt

from ...arrays.backends import namespace_of
from ...graph.data import Edge, Graph, Node, to_lists
from ...graph.notation.formulas import pretty
from ...graph.roles import shares_in
from ..look.grids import size_of
from ..look.text import fit_name, fit_text
from .labels import few_digits, kind_of_step, plain_numbers, shape_text, short_path
from .repeats import Repeats, is_call, numbered, repeats_of
from .sheet import CALLED, FORMULA, NAME, TIP, Card, Frame, Link, Look, Sheet


def modules(graph: Graph, look: Look, title: str, subtitle: str) -> Sheet:
    """The picture of a graph at the module level."""
    repeats = repeats_of(graph, look.fold, look.step)
    shown = repeats.shown
    norms = {n.id: norm(n) for n in graph}
    noise = {n.id for n in graph if is_noise(n)}
    inner = [norms[n.id] for n in graph if n is not graph.root and n.id not in noise]
    inner = [size for size in inner if isfinite(size)]
    largest = max(inner, default=0.0)  # without the loss, whose gradient is 1
    frames, shares = Frames(repeats), shares_in(graph)
    cards = []
    drawn = {n.id for n in graph if shown[n.id] == n.id and used_here(graph, n, shown)}
    for node in graph:
        if node.id in drawn:
            frame = frames.of(repeats.homes[node.id])
            length = 0.0 if node.id in noise else share_of(norms[node.id], largest)
            size = length, norms[node.id]
            what = "share of the gradient" if node.id in shares else "gradient"
            cards.append(box(graph, node, frame, size, what, look, repeats))
    links: dict[tuple[str, str, int], Link] = {}
    for edge in graph.edges:
        source, target = shown[edge.source], shown[edge.target]
        key = source, target, edge.result
        forward = source != target and comes_first(source, target)
        if forward and key not in links and {source, target} <= drawn:
            links[key] = Link(source, target, label=shape_beside(graph, edge))
    most = max([1, *map(len, repeats.runs.values())])
    lines = list(links.values())
    legend = ["norm"] if any(card.bar for card in cards) else []
    return Sheet(title, subtitle, "right", cards, lines, frames.all, legend, most)


def box(
    graph: Graph,
    node: Node,
    frame: str,
    size: tuple[float, float],
    what: str,
    look: Look,
    repeats: Repeats,
) -> Card:
    """A module, or an operation between modules, as a card.

    Args:
        size: the length of its bar, and the norm of its gradient.
        what: "gradient", or that it is a share of it.
    """
    called, computed = is_call(graph, node), bool(graph.inputs(node))
    kind = "op" if computed else node.op if node.op in ("input", "constant") else "op"
    owns = bool(node.parameters) or node.op == "parameter"
    if owns:
        kind = "parameter"
    elif called:
        kind = "module"
    elif node is graph.root and node.name == graph.of:
        kind = "loss"
    name = pretty(node.name.rpartition(".")[2]) if called else pretty(node.name)
    count = repeats.count(node)
    if count > 1:
        path, home = repeats.paths[node.id], repeats.homes[node.id]
        run = repeats.runs.get(path, [0])
        name = numbered(name.removeprefix(f"{home}."), path, run)
        if called and path in repeats.whole and home == path.rpartition(".")[0]:
            name = listed(path, run) or name
    lines = [shape_text(node.shape)]
    if node.parameters:
        lines[0] += parameters_text(node.parameters, count)
    if look.values and node.shape == () and node.dtype.startswith("float"):
        lines.append(few_digits(float(to_lists(node.array)), 4))
    bar = None
    if look.grads and node.gradient_array is not None:
        bar = min(size[0], 1.0), bar_text(*size)
    tip = [f"{node.name}: {node.op} {shape_text(node.shape)}"]
    if node.formula:
        tip.append(node.formula)
    if node.source:
        tip.append(f"at {short_path(node.source)}")
    if bar:
        tip.append(f"‖∂‖, the norm of its result's {what}: {size[1]:.6g}")
    if count > 1:
        tip.append(f"drawn for {count}; the numbers are those of {node.name}")
    return Card(
        node.id,
        kind,
        fit_name(name, CALLED) + times(count),
        fit_text(node.op if node.op != node.name else "", NAME),
        frame,
        lines=[fit_text(line, FORMULA) for line in lines],
        bar=bar,
        tooltip="\n".join(fit_text(line, TIP) for line in tip),
        like=likeness(node, repeats),
        plain=plain_numbers(node),
        owns=node.parameters,
        count=count,
    )


def parameters_text(number: int, count: int) -> str:
    """What stands beside a shape: how many numbers a module learns, or each of some.

    >>> parameters_text(1_200, 2)
    ',  1,200 parameters each'
    """
    each = " each" if count > 1 else ""
    return f",  {number:,} parameter{'s' * (number > 1)}{each}"


def likeness(node: Node, repeats: Repeats) -> str:
    """Equal for cards that repeat each other, with as many parameters and counts."""
    kind = kind_of_step(node.op, node.shape, repeats.paths[node.id])
    if not node.parameters:
        return kind
    return f"{kind} {node.parameters} {repeats.count(node)} {repeats.frames(node)}"


def listed(path: str, run: Sequence[int]) -> str:
    """The name of all modules of a list, "layers"; or that of the one that is drawn for
    them, if it is not the first: "layers.2"."""
    outer, _, drawn = path.rpartition(".")
    name = outer.rpartition(".")[2]
    return name if not name or int(drawn) == run[0] else f"{name}.{drawn}"


def times(count: int) -> str:
    """How often a card or frame is there, if more than once."""
    return f"   × {count}" if count > 1 else ""


def is_noise(node: Node) -> bool:
    """Whether all of a node's gradient is rounding noise."""
    g = node.gradient_array
    return g is not None and node.noise > 0.0 and size_of(g) <= node.noise


def share_of(size: float, largest: float) -> float:
    """A bar's length, 0..1; 1 if the norm is nan or infinite. That of the loss may be
    more: as much as its bar is too short."""
    if not isfinite(size):
        return 1.0
    return size / largest if largest else 1.0


def bar_text(length: float, size: float) -> str:
    """What stands beside a bar.

    >>> bar_text(0.5, 0.25), bar_text(2.5, 1.0), bar_text(0.0, 1e-17)
    ('0.25', '1, not to scale', '≈ 0')
    """
    if not length and size:
        return "≈ 0"
    return few_digits(size) + (", not to scale" if length > 1.0 else "")


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


# --- frames ---------------------------------------------------------------------------


class Frames:
    """The frames of modules with boxes inside, by the module's path."""

    def __init__(self, repeats: Repeats) -> None:
        self.runs, self.whole = repeats.runs, repeats.whole
        self.ids: dict[str, str] = {}
        self.all: list[Frame] = []

    def of(self, path: str) -> str:
        """The id of a module's frame; the first call makes the frame."""
        made = outer = ""
        parts = path.split(".") if path else []
        for n in range(1, len(parts) + 1):
            path = ".".join(parts[:n])
            if n < len(parts) and parts[n].isdigit() and path not in self.runs:
                continue  # a list of modules has no frame of its own
            if path not in self.ids:
                self.ids[path] = f"m{len(self.ids)}"
                run = self.runs.get(path, [0])
                name = path.removeprefix(outer)
                if len(run) > 1:  # "layers × 6", or for some "layers.1 to 5 × 5"
                    every = listed(path, run) if path in self.whole else ""
                    name = every or numbered(name, path, run)
                label = fit_text(name, NAME) + times(len(run))
                self.all.append(Frame(self.ids[path], made, label, len(run)))
            made, outer = self.ids[path], f"{path}."
        return made
