"""The steps inside one operation, as a graph of their own.

At level "op" a softmax is one node. What it does, step by step, is the graph from its
inputs to its result, at level "primitive". It begins backward with the gradient that
arrived at the result.
"""

from __future__ import annotations

from typing import Any

from ..autograd.recording import apply, make
from ..context import enable_grad, record
from ..tensor import Tensor
from .data import Graph, Node
from .levels.opening import open_composites
from .names import Names
from .trace import Trace
from .unfold import of_tensors


def inside(graph: Graph, node: Node) -> tuple[Graph, dict[str, str]] | None:
    """The steps of an operation, and which node of the graph each of its inputs is: a
    leaf's id → the node's id. None if it has no steps, or no gradient reached it.

    >>> from ..functional import softmax
    >>> from .unfold import unfold
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> graph = unfold((softmax(x) * x).sum())
    >>> steps, begins = inside(graph, graph.nodes[1])
    >>> [step.op for step in steps if step.operation], begins
    (['max', 'stop_gradient', 'sub', 'exp', 'sum', 'div'], {'n0': 'n0'})
    """
    op = node.operation
    if op is None or not op.composite or node.gradient_array is None:
        return None
    leaves: dict[str, Tensor] = {}
    inputs: list[Any] = list(node.arguments)
    for edge in graph.inputs(node):
        if edge.turned:  # it takes what no card shows
            return None
        leaf = leaves.setdefault(edge.source, make(graph.by_id(edge.source).array))
        leaf._requires_grad = leaf._requires_grad or edge.contribution_array is not None
        inputs[edge.position] = leaf
    with enable_grad(), record():
        z = apply(op, *inputs, **node.settings)
    called = {t: graph.by_id(id).name for id, t in leaves.items()} | {z: node.name}
    trace = Trace([z], [node.gradient_array], called=called)
    names = Names(trace)
    trace.called = names.of(trace)
    finer = open_composites(trace, "primitive")
    found = of_tensors(finer, names, "primitive", graph.of)
    found.through = graph.through
    known = {graph.by_id(id).name: id for id in leaves}
    begins = {n.id: known[n.name] for n in found if not n.operation and n.name in known}
    return found, begins
