"""What numbers are: weights, scores, shares.

Weights and scores are known from the operations that made and use them. Rows that
happen to add up to 1 are no probabilities, and a large negative number is no mask. So
nothing here looks at their numbers: a softmax makes weights, whoever wrote it, and what
leads to one are its scores. The notation of an operation says which it is.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any

from ..arrays.backends import namespace_of
from ..arrays.precision import ROUNDING
from .check import departs, magnitude
from .data import Graph, Node


def weights_in(graph: Graph) -> set[str]:
    """The ids of nodes whose numbers are weights: ≥ 0, and made to add up to 1.

    They stay weights if they are moved, or if some are set to 0.
    """
    found: set[str] = set()
    for node in graph:
        if node.kind == "softmax" or is_written_out(graph, node):
            found.add(node.id)
        elif node.kind in ("choice", "movement"):
            inputs = numbers_into(graph, node)
            plain = any(x for x in node.arguments if isinstance(x, (int, float)))
            if inputs and not plain and all(x.id in found for x in inputs):
                found.add(node.id)
    return found


def is_written_out(graph: Graph, node: Node) -> bool:
    """Whether a node is a softmax's last step, written as e / Σ e with e = exp x, as
    exp(x − ln Σ exp x), or as exp(ln softmax(x))."""
    inputs = numbers_into(graph, node)
    if symbol(node) == "/" and len(inputs) == 2:
        e, total = inputs
        return is_exponential(graph, e) and is_sum_of(graph, total, e)
    if formula(node) != "exp x":
        return False
    (x,) = inputs
    if formula(x).startswith("ln softmax"):
        return True
    parts = numbers_into(graph, x)
    if symbol(x) != "-" or len(parts) != 2 or formula(parts[1]) != "ln x":
        return False
    (total,) = numbers_into(graph, parts[1])
    exponentials = [graph.by_id(edge.target) for edge in graph.uses(parts[0])]
    return any(
        formula(e) == "exp x" and is_sum_of(graph, total, e) for e in exponentials
    )


def is_exponential(graph: Graph, node: Node) -> bool:
    """Whether a node is exp x, or that with some numbers set to 0."""
    while node.kind == "choice":
        inputs = numbers_into(graph, node)
        if len(inputs) != 1 or any(x for x in node.arguments if isinstance(x, float)):
            return False
        (node,) = inputs
    return formula(node) == "exp x"


def is_sum_of(graph: Graph, total: Node, x: Node) -> bool:
    """Whether a node is the sum of another, perhaps moved."""
    while total.kind == "movement":
        total = numbers_into(graph, total)[0]
    return formula(total).startswith("Σ x") and numbers_into(graph, total) == [x]


def scores_in(graph: Graph) -> set[str]:
    """The ids of nodes whose numbers become exponents, as the scores of a softmax do:
    between them and the exponent nothing is done but to shift, scale, choose or move
    each number by itself."""
    todo = [
        numbers_into(graph, node)[0]
        for node in graph
        if node.kind in ("elementwise", "softmax", "norm")
        and re.search(r"^exp x|softmax\(", formula(node))
    ]
    found: set[str] = set()
    while todo:
        node = todo.pop()
        if node.id not in found:
            found.add(node.id)
            todo += behind(graph, node)
    return found


def behind(graph: Graph, node: Node) -> list[Node]:
    """The inputs of a score that are scores too."""
    inputs, sign = numbers_into(graph, node), symbol(node)
    if sign == "+":  # a score and its mask; but not the sum of a product
        single = graph.level == "scalar" and any(x.index is None for x in inputs)
        return [] if single else inputs
    if sign == "-":
        return inputs[:1] if isinstance(node.arguments[0], str) else []
    if sign in ("*", "/"):  # by a number above 0
        plain = [x for x in node.arguments if not isinstance(x, str)]
        return inputs if plain and all(x is not None and x > 0 for x in plain) else []
    kept = node.op == "identity" or node.kind in ("choice", "movement")
    return inputs if kept else []


def shares_in(graph: Graph) -> set[str]:
    """The ids of nodes whose gradient is not the whole one, but the share of it that
    flows through the part that the graph is of. (What differs by less than rounding
    leaves of the largest gradient is no share.)"""
    if not graph.through:
        return set()
    noise = 1e-3 * max((largest_of(node.total_array) for node in graph), default=0.0)
    return {node.id for node in graph if is_share(node, noise)}


def is_share(node: Node, noise: float) -> bool:
    """Whether a node's gradient differs from the whole one."""
    g, total = node.gradient_array, node.total_array
    if g is None or total is None or g is total:
        return False
    scale = largest_of(total) + noise
    if isinstance(total, float):  # at the scalar level
        return bool(abs(g - total) > ROUNDING["float64"] * scale)
    with (xp := namespace_of([total])).quiet():
        rest = xp.where(g == g, g - total, 0.0)
        return departs(rest, total * 0.0, scale) > 0.0


def largest_of(gradient: Any) -> float:
    """The largest finite |x| of an array, or of one number or None."""
    if gradient is None or isinstance(gradient, float):
        return abs(gradient) if gradient and isfinite(gradient) else 0.0
    return magnitude(gradient)


def numbers_into(graph: Graph, node: Node) -> list[Node]:
    """A node's inputs of floats, without masks and indices."""
    inputs = [graph.by_id(edge.source) for edge in graph.inputs(node)]
    return [x for x in inputs if x.dtype.startswith("float")]


def formula(node: Node) -> str:
    """The notation of the operation that made a node: "exp x"; "" for a leaf."""
    return node.meaning.formula if node.meaning else ""


def symbol(node: Node) -> str:
    """The operator that made a node, as Python writes it: "/"; or ""."""
    return node.meaning.symbol if node.meaning else ""
