"""What a page offers to switch, where a graph has it: a mask, √d_k, two tokens.

All three are changes of leaves. What this file finds is which leaves they are, and that
the switch's name is true of them: a factor is the √d_k only if it is 1/√d_k, and a mask
is one of attention only if scores are chosen by it, or if it is added to them and has
nothing but 0 and what hides a score. A mask that a step computes is no leaf: it has no
switch, and the page says that it follows what it is made from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isclose, sqrt
from typing import Any

from ...graph.data import Graph, Node, flat
from ...graph.notation.formulas import pretty
from ...graph.roles import numbers_into, scores_in, symbol, weights_in
from ...rules import comparisons, movement
from .plain_numbers import Where


def switches(graph: Graph, names: Mapping[Where, str]) -> dict[str, Any]:
    """The switches of a graph as data.

    Args:
        names: of the leaves that the page's program has for plain numbers.
    """
    masks: dict[tuple[str, int], list[str]] = {}
    chosen_by, computed = masks_in(graph)
    for found, off in ((chosen_by, 1), (added_masks_in(graph), 0)):
        for node in found:
            masks.setdefault((name_of(node), off), []).append(node.id)
    return {
        "masks": [[name, ids, off] for (name, off), ids in masks.items()],
        "computed": [*dict.fromkeys(map(name_of, computed))],
        "scales": [names[where] for where in scales_in(graph) if where in names],
        "tokens": tokens_in(graph),
        "most": indices_in(graph),
    }


def name_of(mask: Node) -> str:
    """The name of a mask; those of several layers have one."""
    return pretty(mask.name).rstrip("₀₁₂₃₄₅₆₇₈₉")


def is_both(node: Node) -> bool:
    """Whether a step makes one mask of two, true where both are: where(x, y, False)."""
    return node.kind == "choice" and node.arguments[2] is False


def masks_in(graph: Graph) -> tuple[list[Node], list[Node]]:
    """The bool leaves that say which scores are kept, True for those; and the steps
    that compute such a mask. In order."""
    scores, found = scores_in(graph), set()
    todo = [
        str(node.arguments[0])
        for node in graph
        if node.id in scores and keeps(node, graph)
    ]
    while todo:
        node = graph.by_id(todo.pop())
        if node.kind == "movement" or is_both(node):
            todo += [edge.source for edge in graph.inputs(node)]
        else:
            found.add(node.id)
    masks = [n for n in graph if n.id in found and n.dtype == "bool"]
    leaves = [n for n in masks if n.operation is None]
    return leaves, [n for n in masks if n.operation is not None]


HIDES = -1e4  # added to a score: exp of it is next to 0


def added_masks_in(graph: Graph) -> list[Node]:
    """The leaves that are added to scores, and have 0 for those that are kept and a
    very negative number, such as −∞, for the others; in order."""
    scores, found = scores_in(graph), set()
    for node in graph:
        if node.id not in scores or symbol(node) != "+":
            continue
        for x in numbers_into(graph, node):
            while x.kind == "movement":
                x = numbers_into(graph, x)[0]
            if x.operation is None and x.gradient_array is None and hides_some(x):
                found.add(x.id)
    return [n for n in graph if n.id in found]


def hides_some(leaf: Node) -> bool:
    numbers = flat(leaf.array) if leaf.dtype.startswith("float") else []
    return any(numbers) and all(v == 0.0 or v <= HIDES for v in numbers)


def keeps(node: Node, graph: Graph) -> bool:
    """Whether a step keeps scores where its mask is true, and puts a number elsewhere:
    where(mask, scores, −∞)."""
    if node.kind != "choice" or len(node.arguments) != 3:
        return False
    mask, kept, other = node.arguments
    return isinstance(mask, str) and isinstance(kept, str) and isinstance(other, float)


def scales_in(graph: Graph) -> Iterator[Where]:
    """The plain numbers by which attention divides its scores: √d_k, or 1/√d_k as a
    factor. The scores are products of two computed matrices, with rows of d_k."""
    scores = scores_in(graph)
    for node in graph:
        plain = [i for i, x in enumerate(node.arguments) if isinstance(x, float)]
        if node.id not in scores or symbol(node) not in "*/" or len(plain) != 1:
            continue
        (product,) = numbers_into(graph, node)
        while product.kind == "movement":
            product = numbers_into(graph, product)[0]
        factors = numbers_into(graph, product)
        if product.kind != "product" or len(factors) != 2 or any(map(learned, factors)):
            continue
        root = sqrt(factors[0].shape[-1])
        want = root if symbol(node) == "/" else 1.0 / root
        if isclose(float(node.arguments[plain[0]] or 0.0), want, rel_tol=1e-6):
            yield node.id, plain[0]


def learned(node: Node) -> bool:
    return node.op == "parameter"


def tokens_in(graph: Graph) -> list[list[str]]:
    """The leaves whose rows, or columns of indices, may change places: [id, "row" or
    "column", what one is called]. Indices of an embedding come first."""
    lengths = {n for id in weights_in(graph) for n in graph.by_id(id).shape[-1:]}
    found = []
    for id, users in indexed(graph):
        if movement.take in users and graph.by_id(id).shape[-1:] > (1,):
            found.append([id, "column", "token"])
    for node in graph:
        data = node.operation is None and not learned(node)
        if data and node.dtype.startswith("float") and len(node.shape) > 1:
            rows = node.shape[-2]
            if rows > 1:
                found.append([node.id, "row", "token" if rows in lengths else "row"])
    return found


def indices_in(graph: Graph) -> dict[str, int]:
    """For each leaf of indices the largest that is allowed."""
    most: dict[str, int] = {}
    for id, users in indexed(graph):
        for count in users.values():
            most[id] = min(most.get(id, count - 1), count - 1)
    return most


def indexed(graph: Graph) -> Iterator[tuple[str, dict[Any, int]]]:
    """The leaves of indices, and what takes them: the operation, and how many rows or
    classes it has."""
    found: dict[str, dict[Any, int]] = {}
    for node in graph:
        if node.operation is movement.take:
            count = graph.by_id(str(node.arguments[0])).shape[0]
        elif node.operation is comparisons.one_hot:
            count = node.settings["classes"]
        else:
            continue
        leaf = graph.by_id(str(node.arguments[-1]))
        while leaf.kind == "movement":
            leaf = graph.by_id(graph.inputs(leaf)[0].source)
        if leaf.operation is None:
            found.setdefault(leaf.id, {})[node.operation] = count
    yield from found.items()
