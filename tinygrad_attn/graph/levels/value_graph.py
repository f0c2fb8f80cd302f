"""Single numbers as a graph that can be computed anew, as one of arrays can.

A graph of `Value`s becomes a `Graph`, and the numbers of one, or of the scalar level,
become arrays of shape (). Then a page shows them, and a program computes them, as it
does with tensors.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...arrays.array import Array
from ...errors import say
from ...rules import comparisons, primitives
from ...scalar import Value
from ..data import Edge, Graph, Node
from ..names import of_symbol
from ..noise import STEP, gradients_of, is_noise
from ..trace import inputs_first


def graph_of_values(who: str, root: Value, limit: int) -> Graph:
    """The graph behind a Value. Its gradients are those of a walk of its own: no
    `.grad` is touched.

    Raises:
        ValueError: there are more Values than the limit, or one whose operation is
            none of the engine's.

    >>> x = Value(3.0, label="x")
    >>> graph = graph_of_values("play", x * x + 1, 300)
    >>> [(node.name, node.value, node.gradient) for node in graph]
    [('x', 3.0, 6.0), ('mul', 9.0, 1.0), ('L', 10.0, 1.0)]
    """
    order: list[Value] = []
    for v in inputs_first([root], operands_of):
        order.append(v)
        if len(order) > limit:
            raise ValueError(
                f"{who}: more than {limit:,} Values behind this one cannot be read; "
                "give a part of it (or a higher limit)"
            )
    for v in order:
        if v._prev and of_symbol(v._op) is None:
            raise ValueError(
                f"{who}: a Value made by {say(v._op)} given; its operation must be one "
                "of "
                "Value's own, such as '+' or 'tanh'"
            )
    once, twice = gradients_of(root), gradients_of(root, STEP)
    ids = {v: f"n{i}" for i, v in enumerate(order)}
    names = names_of(order, root)
    nodes, edges = [], []
    for v in order:
        made_by = of_symbol(v._op) if v._prev else None
        g = once[v]
        node = Node(ids[v], names[v], made_by.name if made_by else "input", made_by)
        if made_by:
            node.formula, node.rule = made_by.equation, made_by.gradients
        node.array, node.gradient_array = number(v.data), number(g)
        node.total_array = node.gradient_array
        node.noise = abs(g) if is_noise(g, twice[v], "float64") else 0.0
        node.arguments = [
            ids[x] if isinstance(x, Value) else float(x) for x in v.operands
        ]
        nodes.append(node)
        places = [i for i, x in enumerate(v.operands) if isinstance(x, Value)]
        for i, x, local in zip(places, v._prev, v.derivatives):
            edge = Edge(ids[x], ids[v], i, float(local), number(local * g))
            edges.append(edge)
    seeds = {ids[root]: number(1.0)}
    return Graph("scalar", nodes, edges, names[root], seeds=seeds)


def operands_of(v: Value) -> list[Value]:
    return list(v._prev)


def names_of(order: list[Value], root: Value) -> dict[Value, str]:
    """A unique name for each Value: its label, or what made it; the last is "L"."""
    found: dict[Value, str] = {}
    count: dict[str, int] = {}
    labels = {v.label for v in order if v.label}
    for v in order:
        made_by = of_symbol(v._op) if v._prev else None
        first = v.label or ("L" if v is root else made_by.name if made_by else "input")
        name = first
        while name in count or (name in labels and name != v.label):
            count[first] = count.get(first, 1) + 1
            name = f"{first}_{count[first]}"
        count.setdefault(name, 1)
        found[v] = name
    return found


def number(x: Any) -> Array:
    """A number as an array of shape ()."""
    return Array([float(x)], (), "float64")


def with_arrays(graph: Graph) -> Graph:
    """A graph of the scalar level, with arrays for its numbers. What only hands on a
    number, as a reshape does, is left out: its users get the number itself."""
    same: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph:
        arguments = [
            same.get(x, x) if isinstance(x, str) else x for x in node.arguments
        ]
        if node.operation is None and arguments:
            same[node.id] = str(arguments[0])
            continue
        nodes.append(
            replace(
                node,
                arguments=arguments,
                array=number(node.array),
                gradient_array=or_none(node.gradient_array),
                total_array=or_none(node.total_array),
            )
        )
    edges = [
        replace(
            edge,
            source=same.get(edge.source, edge.source),
            contribution_array=or_none(edge.contribution_array),
        )
        for edge in graph.edges
        if edge.target not in same
    ]
    # What leads nowhere is no step, such as the max that a softmax holds constant.
    needed = {same.get(graph.root.id, graph.root.id)}
    for node in reversed(nodes):
        if node.id in needed:
            needed.update(x for x in node.arguments if isinstance(x, str))
    nodes = [node for node in nodes if node.id in needed]
    edges = [edge for edge in edges if edge.target in needed]
    if graph.root.id in same:
        nodes[-1].name = graph.root.name
    seeds = {nodes[-1].id: number(1.0)} if nodes[-1].name == graph.of else {}
    return replace(graph, nodes=nodes, edges=edges, seeds=seeds)


def chooser(graph: Graph) -> str:
    """The operation of a graph, at level "primitive", of which single numbers record
    only what it made of the numbers at hand: of `max` the largest. "" if there is none.

    A composite, such as softmax, may hold numbers constant: that changes no result.
    """
    moving: set[str] = set()  # what depends on numbers that can be changed
    for node in graph:
        inputs = [edge.source for edge in graph.inputs(node)]
        moves = any(x in moving for x in inputs)
        if not inputs and node.dtype.startswith("float"):
            moving.add(node.id)
        if not moves:
            continue
        group = graph.groups.get(node.group)
        inside = group is not None and group.type == "composite"
        constant = node.operation is comparisons.stop_gradient
        if node.kind == "comparison" or (constant and not inside):
            return node.op
        if node.operation is primitives.max and node.gradient_array is not None:
            return node.op
        if not constant:
            moving.add(node.id)
    return ""


def or_none(x: Any) -> Array | None:
    return None if x is None else number(x)
