"""A graph as the data of a page: its cards, links and steps, as plain data.

A forward step computes one card. Then comes the seed, ∂L/∂L = 1. After it each card has
a backward step, in reverse order: it has received the contributions of all its uses,
and now sends one to each of its inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from ...arrays.backends import namespace_of
from ...graph.data import Edge, Graph, Node
from ...graph.notation.formulas import pretty, rule_of, written
from ...graph.notation.tidy import without_transposes
from ...graph.roles import scores_in, shares_in, weights_in
from ..look.grids import Grid, grid_of, size_of
from ..look.text import fit_text
from ..sheets.labels import shape_text, short_names, short_path
from ..sheets.sheet import FORMULA, NAME, SHARE, Look
from ..sheets.tensors import card_of, tensors
from .attending import keyed_in
from .live import STILL, Live
from .plain_numbers import given_data
from .sizes import Size, size_on_page
from .summary import summary
from .sums import adds_up, grid_data, how
from .views import views


class Script:
    """A graph as the page's data."""

    def __init__(
        self,
        graph: Graph,
        tokens: Sequence[str] | None = None,
        alive: Live = STILL,
        called: dict[str, str] | None = None,
    ) -> None:
        self.graph = graph = without_transposes(graph)
        self.live = alive
        self.tokens = None if tokens is None else [fit_text(t, NAME) for t in tokens]
        self.called = short_names(graph) if called is None else called
        self.words = {n.id: written(graph, n, self.called) for n in graph}
        self.weights, self.scores = weights_in(graph), scores_in(graph)
        self.keyed = keyed_in(graph) if tokens else set()
        self.shares = shares_in(graph)
        self.values = {n.id: self.value_grid(n) for n in graph}
        self.gradients = {
            n.id: None
            if n.gradient_array is None
            else self.gradient_grid(n.gradient_array, n.noise)
            for n in graph
        }

    def value_grid(self, node: Node) -> Grid:
        """The heat map of a value."""
        if node.id in self.weights:
            return grid_of(node.array, "probability")
        return grid_of(node.array, scores=node.id in self.scores)

    def gradient_grid(self, g: Any, noise: float) -> Grid:
        """The heat map of a gradient, or of a contribution to one."""
        return grid_of(g, "gradient", noise=noise)

    def data(self, title: str, subtitle: str, closed: bool = False) -> dict[str, Any]:
        """The data of the whole page, as `page` takes it.

        Args:
            closed: whether it begins with all modules closed.
        """
        sheet = tensors(self.graph, Look(), title, subtitle)
        sizes = {n.id: self.size(n) for n in self.graph}
        drawn, frames = views(
            self.graph, sheet, sizes, self.size_closed, self.made, closed
        )
        cards = []
        for node in self.graph:
            size = sizes[node.id]
            room = {"w": size.w, "h": size.h, "beside": size.beside}
            cards.append(self.card(node) | room)
        steps = self.steps()
        leaves = [c["kind"] for c in cards if c["how"] is None]
        return {
            "title": fit_text(title, 120),
            "subtitle": fit_text(subtitle, 160),
            "opening": fit_text(summary(self.graph, leaves, steps), 300),
            "of": fit_text(pretty(self.graph.of), NAME),
            "through": fit_text(pretty(self.graph.through), NAME),
            "tokens": self.tokens,
            "cards": cards,
            "links": self.links(),
            "views": drawn,
            "frames": frames,
            "steps": steps,
            "live": self.live.data,
            "only_plays": self.live.why_not,
        }

    def card(self, node: Node) -> dict[str, Any]:
        """A card, still without its size."""
        words = self.words[node.id]
        made = card_of(self.graph, node, words, self.called[node.id], self.graph.of)
        gradient = self.gradients[node.id]
        return {
            "id": node.id,
            "name": self.called[node.id],
            "formula": made.title if words.formula else "",
            "kind": made.kind,
            "shape": shape_text(node.shape),
            "sentence": words.sentence,
            "why": words.why if explains(node) else "",
            "source": fit_text(short_path(node.source), 160),
            "module": fit_text(node.module, NAME),
            "value": grid_data(self.values[node.id]),
            "gradient": gradient and grid_data(gradient),
            "share": SHARE if node.id in self.shares else "",
            "how": how(self.graph, node),
            "adds_up": adds_up(node) if node.id in self.weights else "",
            "dtype": node.dtype,
            "keys": node.id in self.keyed and node.shape[-1] == len(self.tokens or ()),
            "at": self.live.at(node),
        } | self.given(node)

    def given(self, node: Node) -> dict[str, Any]:
        """The plain numbers that a step takes, if they can be changed."""
        names = self.live.part.given if self.live.part else {}
        return given_data(self.graph, node, self.called, names)

    def size(self, node: Node) -> Size:
        """The size of a card."""
        words, name = self.words[node.id], self.called[node.id]
        title = fit_text(
            f"{name} = {words.formula}" if words.formula else name, FORMULA
        )
        plus = "   +" if self.live.part and is_composite(node) else ""  # it opens
        return size_on_page(title + plus, self.values[node.id], self.below(node.id))

    def size_closed(self, title: str, result: str) -> Size:
        """The size of the card of a closed module, which shows one of its results."""
        return size_on_page(f"{title}  +", self.values[result], self.below(result))

    def made(self, result: str, operation: str) -> str:
        """The title of a closed operation."""
        return fit_text(f"{self.called[result]} = {operation}(…)", FORMULA)

    def below(self, id: str) -> str | None:
        """The line above a gradient; None if there is none."""
        if self.gradients[id] is None:
            return None
        share = SHARE if id in self.shares else ""
        return f"{share}∂{self.graph.of}/∂{self.called[id]}  ×10⁻³"

    def links(self) -> list[dict[str, Any]]:
        """A link for every edge, with the rule by which a gradient flows back."""
        return [
            {
                "source": edge.source,
                "target": edge.target,
                "position": edge.position,
                "rule": self.rule(edge) if edge.contribution_array is not None else "",
            }
            for edge in self.graph.edges
        ]

    def rule(self, edge: Edge) -> str:
        """The contribution of an edge to its source's gradient, as a formula."""
        rule = self.words[edge.target].rules[edge.position]
        return fit_text(rule_of(self.graph, edge, rule, self.called), 2 * FORMULA)

    # --- steps ------------------------------------------------------------------------

    def steps(self) -> list[dict[str, Any]]:
        """The steps: forward, the seeds (gradients from outside), and backward."""
        computed = [n for n in self.graph if self.graph.inputs(n)]
        steps: list[dict[str, Any]] = [
            {"kind": "forward", "card": n.id} for n in computed
        ]
        so_far: dict[str, Any] = {}
        arrived: dict[str, int] = {}
        for node in self.graph:
            outside = self.outside(node)
            if outside is None:
                continue
            seed: dict[str, Any] = {"kind": "seed", "card": node.id}
            seed["sentence"] = self.seed(node)
            if self.paths(node.id):
                so_far[node.id], arrived[node.id] = outside, 1
                seed["grid"] = grid_data(self.gradient_grid(outside, node.noise))
                seed["paths"] = self.paths(node.id) + 1
            steps.append(seed)
        number = {id(edge): i for i, edge in enumerate(self.graph.edges)}
        first = dict(arrived)
        for node in reversed(computed):
            sends = []
            for edge in self.graph.inputs(node):
                share = edge.contribution_array
                if share is None:
                    continue
                source = edge.source
                so_far[source] = add(so_far.get(source), share)
                rest = self.graph.by_id(source).noise
                arrived[source] = arrived.get(source, 0) + 1
                sends.append(
                    {
                        "link": number[id(edge)],
                        "to": source,
                        "rule": self.rule(edge),
                        "grid": grid_data(self.gradient_grid(share, edge.noise)),
                        "at": self.live.sent(edge),
                        "path": arrived[source],
                        "paths": self.paths(source) + first.get(source, 0),
                        "so_far": grid_data(self.gradient_grid(so_far[source], rest)),
                    }
                )
            if sends:
                steps.append({"kind": "backward", "card": node.id, "sends": sends})
        return steps

    def outside(self, node: Node) -> Any:
        """The part of a node's gradient that comes along no edge: all of it at the
        root; in a module's graph, the gradient that a result gets from outside the
        module. None if all of it comes along edges."""
        g = node.gradient_array
        if g is None or not self.paths(node.id):
            return g
        if not self.graph.inputs(node):
            return None
        edges = self.graph.uses(node)
        shares = [e.contribution_array for e in edges]
        first, *others = (share for share in shares if share is not None)
        total = reduce(add, others, first)
        rest = add(g, -total)
        noise = 1e-4 if node.dtype == "float32" else 1e-9
        more = size_of(rest) > noise * max(size_of(g), size_of(total))
        return rest if more else None

    def paths(self, source: str) -> int:
        """The number of edges along which a gradient flows back to a node."""
        edges = self.graph.uses(self.graph.by_id(source))
        return sum(edge.contribution_array is not None for edge in edges)

    def seed(self, node: Node) -> str:
        """The sentence on the page about a seed; "" for ∂L/∂L = 1."""
        of = self.graph.of
        if node.name == of:
            return ""  # the page explains ∂L/∂L = 1
        return (
            f"What is computed from {self.called[node.id]} after this part sends this "
            f"gradient back to it: here the walk backward through this part begins."
        )


def is_composite(node: Node) -> bool:
    return node.operation is not None and node.operation.composite


def explains(node: Node) -> bool:
    """Whether a node's operation is why it has a gradient, or why it has none. (One of
    constants has none for their sake.)"""
    op = node.operation
    return node.gradient_array is not None or (op is not None and not op.differentiable)


def add(so_far: Any, share: Any) -> Any:
    """The sum of two contributions; it may overflow without a warning."""
    if so_far is None:
        return share
    with namespace_of([share]).quiet():
        return so_far + share
