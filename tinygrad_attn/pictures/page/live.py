"""What makes a page live: programs that compute all its numbers anew (living.py).

The page's cards are views of a program's numbers. If the page shows a part of a
computation, such as one head, a second program has the whole: it begins at what the
part is given, and ends at the loss. An edit goes there first. The part then gets its
numbers and the gradients that its results receive from outside.

Every number in the data has all its digits, so that an edit moves only what depends on
it.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, replace
from math import prod
from struct import pack
from typing import Any

from ...graph.data import Edge, Graph, Node, flat
from ...program.living import Living, Place, living
from .plain_numbers import same_numbers
from .switches import switches

MOST = 20_000  # numbers of a page that is live


@dataclass
class Live:
    """What makes a page live.

    Attributes:
        part: the program of what the page shows; None if the page only plays.
        whole: that of the whole computation; None if the page shows all of it.
        data: the rest, for the script.
        why_not: why the page only plays, in a sentence.
    """

    part: Living | None = None
    whole: Living | None = None
    data: dict[str, Any] | None = None
    why_not: str = ""

    @property
    def scripts(self) -> list[str]:
        """The programs, each as a script that gives it a name."""
        named = {"createPart": self.part, "createWhole": self.whole}
        return [
            f"const {name} = (() => {{\n{program.text}\nreturn createProgram;\n}})();\n"
            for name, program in named.items()
            if program is not None
        ]

    def at(self, node: Node) -> dict[str, Any] | None:
        """Where a card's numbers lie."""
        if self.part is None:
            return None
        gradient = self.part.gradients.get(node.id)
        return {"value": self.part.values[node.id], "gradient": gradient}

    def sent(self, edge: Edge) -> Place | None:
        """Where the contribution of an edge lies."""
        if self.part is None:
            return None
        place = self.part.shares[edge.target, edge.position]
        return turned_back(place) if edge.turned else place


STILL = Live()


def live(graph: Graph, whole: Graph | None = None) -> Live:
    """The programs of a page.

    Args:
        graph: what the page shows, at level "op" or "primitive".
        whole: the computation that it is a part of, at the same level.
    """
    links = None if whole is None else linked(graph, whole)
    before = 0 if whole is None else parameters_in(whole)
    if whole is not None and links is not None:
        whole = beginning_at(whole, {id for id, _ in links["leaves"].values()})
    graphs = [graph] if whole is None or links is None else [graph, whole]
    count = sum(prod(node.shape) for g in graphs for node in g)
    if count > MOST:
        return Live(
            why_not=f"This page only plays: {count:,} numbers are too many to compute "
            f"them anew (the most are {MOST:,})."
        )
    try:
        part, *others = map(living, graphs)
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        return Live(why_not=f"This page only plays: no program was written ({error}).")
    data: dict[str, Any] = {"part": said(part, graph)}
    given = part.given
    for other in others:
        assert links is not None
        places = {"leaves": other.values, "seeds": other.gradients}
        data["whole"] = said(other, graphs[1])
        data["links"] = {
            name: {id: [place[own], at] for id, (own, at) in links[name].items()}
            for name, place in places.items()
        }
        data["links"]["totals"] = {
            id: [other.gradients[own], at]
            for id, (own, at) in links["leaves"].items()
            if own in other.gradients
        }
        same = same_numbers(graph, graphs[1], part.given, other.given)
        data["links"]["given"] = same
        data["whole"]["before"] = before - parameters_in(graphs[1])
        given = {where: name for where, name in given.items() if name in same}
    data["switches"] = switches(graph, given)
    return Live(part, others[0] if others else None, data)


def parameters_in(graph: Graph) -> int:
    return sum(node.op == "parameter" for node in graph)


def is_whole(graph: Graph) -> bool:
    """Whether L is in the graph."""
    return graph.root.name == graph.of


def linked(graph: Graph, whole: Graph) -> dict[str, dict[str, Any]] | None:
    """For each leaf and each end of a part: the node of the whole computation, and the
    positions there (None for all). None if one has no such node, or if an end is used
    inside of the part, too."""
    own = {n.recorded: n.id for n in whole if n.recorded is not None}
    leaves = [n for n in graph if n.operation is None]
    ends = [graph.by_id(id) for id in graph.seeds]
    if any(n.recorded is None or n.recorded not in own for n in (*leaves, *ends)):
        return None
    if any(graph.uses(n) for n in ends):
        return None
    return {
        name: {n.id: (own[n.recorded or 0], positions_of(n)) for n in nodes}
        for name, nodes in (("leaves", leaves), ("seeds", ends))
    }


def positions_of(node: Node) -> list[int] | None:
    return None if node.positions is None else flat(node.positions)


def beginning_at(graph: Graph, given: set[str]) -> Graph:
    """The part of a graph that is computed from some nodes, and what else it needs."""
    needed, todo = {graph.root.id}, [graph.root]
    while todo:
        node = todo.pop()
        for edge in graph.inputs(node) if node.id not in given else ():
            if edge.source not in needed:
                needed.add(edge.source)
                todo.append(graph.by_id(edge.source))
    nodes = [
        replace(n, operation=None, arguments=[]) if n.id in given else n
        for n in graph
        if n.id in needed
    ]
    edges = [e for e in graph.edges if e.target in needed - given]
    return replace(graph, nodes=nodes, edges=edges)


def said(program: Living, graph: Graph) -> dict[str, Any]:
    """A program's leaves, what of them is learned (the parameters, or if there are
    none, all that has a gradient), and where L lies, as data."""
    leaves = [n for n in graph if n.operation is None and n.id in program.gradients]
    parameters = [n for n in leaves if n.op == "parameter"] or leaves
    learned = [[n.id, program.gradients[n.id]] for n in parameters]
    return {
        "numbers": {name: packed(v) for name, v in program.numbers.items()},
        "learned": learned,
        "loss": program.loss,
    }


def packed(numbers: list[Any]) -> Any:
    """Floats as the bytes of float64, in base64; other numbers as they are."""
    if numbers and all(isinstance(v, float) for v in numbers):
        return b64encode(pack(f"<{len(numbers)}d", *numbers)).decode()
    return numbers


def turned_back(place: Place) -> Place:
    """A place with its last two axes exchanged."""
    name, offset, shape, strides = place
    turn = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
    return name, offset, [shape[a] for a in turn], [strides[a] for a in turn]
