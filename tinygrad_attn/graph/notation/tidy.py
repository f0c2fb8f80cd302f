"""A graph without the transposes that only feed a product.

To the engine a transpose, `Kᵀ` in `Q Kᵀ`, is an operation. On paper it is a mark on a
name, and so it is in a picture: the product takes K itself, by an edge with `turned`
set. If another operation than a product uses the transpose, it stays a step of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...arrays.backends import namespace_of
from ..data import Graph, Node


def without_transposes(graph: Graph) -> Graph:
    """The graph without each transpose of the last two axes that only products use. The
    edges to these products are marked `turned`, and their contributions are transposed
    back to the source's shape."""
    gone: dict[str, str] = {}
    for node in reversed(graph.nodes):
        users = [graph.by_id(edge.target) for edge in graph.uses(node)]
        marked = all(user.kind == "product" or user.id in gone for user in users)
        if is_transpose(node) and users and marked:
            gone[node.id] = graph.inputs(node)[0].source
    if not gone:
        return graph
    nodes = []
    for node in graph:
        if node.id not in gone:
            arguments = [_origin(x, gone)[0] for x in node.arguments]
            nodes.append(replace(node, arguments=arguments))
    edges = []
    for edge in graph.edges:
        if edge.target in gone:
            continue
        source, turned = _origin(edge.source, gone)
        share = edge.contribution_array
        if turned and share is not None:
            share = turned_back(share)
        edges.append(
            replace(edge, source=source, turned=turned, contribution_array=share)
        )
    return replace(graph, nodes=nodes, edges=edges)


def is_transpose(node: Node) -> bool:
    """Whether a node only exchanges the last two axes."""
    axes = node.settings.get("axes", ())
    n = len(axes)
    return node.kind == "movement" and n > 1 and axes == (*range(n - 2), n - 1, n - 2)


def _origin(x: Any, gone: dict[str, str]) -> tuple[Any, bool]:
    """The node behind the transposes of an argument, and whether it is turned."""
    turned = False
    while x in gone:
        x, turned = gone[x], not turned
    return x, turned


def turned_back(array: Any) -> Any:
    """An array with its last two axes exchanged."""
    n = array.ndim
    return namespace_of([array]).permute_dims(array, (*range(n - 2), n - 1, n - 2))
