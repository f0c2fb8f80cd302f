"""The module level: the recorded steps, folded into the calls of modules.

A module that calls no other module is one box, with all steps of its call and its
parameters inside. The steps that a larger module computes between the calls of its
parts (the attention itself, a residual sum) stay boxes of their own. An operation that
only moves numbers joins the box that computed its input, if nothing else uses it.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Any

from ...context import Scope
from ...tensor import Tensor
from ..data import Edge, Graph, Node
from ..names import Names, formula_of_module, is_module, node_of
from ..noise import noise_in
from ..trace import Trace, inputs_of, moves, scopes


def fold(trace: Trace, names: Names, base: Any, depth: int | None, of: str) -> Graph:
    """The trace as a graph of modules.

    Args:
        base: the module whose inside is shown, or None for the whole model.
        depth: how many levels of nested modules below it get boxes; None for all.
    """
    order = trace.tensors(names.learned(trace))
    boxes = _boxes(order, base, depth)
    called = names.of(trace)
    users: dict[Tensor, set[Any]] = {t: set() for t in order}
    for t in order:
        for x in inputs_of(t):
            if boxes[x] is not boxes[t]:
                users[x].add(boxes[t])
    for t in order:  # a parameter joins the one box that uses it
        if names.owns(t, trace) and len(users[t]) == 1:
            (only,) = users[t]
            if isinstance(only, Scope):
                boxes[t] = only
    members: dict[Any, list[Tensor]] = {}
    for t in order:
        members.setdefault(boxes[t], []).append(t)
    ordered = _in_order(members, boxes, order)
    nodes: dict[Any, Node] = {}
    roots = set(trace.roots)
    result: dict[Tensor, int] = {}  # its number among the results of its box
    taken: dict[str, int] = {}
    noise = noise_in(trace)
    for at, box in enumerate(ordered):
        out = [t for t in members[box] if t in roots or users[t] - {box}]
        out = (out or members[box])[::-1]  # a box shows its last result
        result |= {t: i for i, t in enumerate(out)}
        node = _node(box, members[box], out[0], at, called, names, trace)
        node.noise = noise.gradients.get(out[0], 0.0)
        taken[node.name] = taken.get(node.name, 0) + 1
        if taken[node.name] > 1:
            node.name += f"_{taken[node.name]}"
        nodes[box] = node
    edges: dict[tuple[Any, Tensor], Edge] = {}
    count = dict.fromkeys(nodes, 0)
    for t in order:
        shares = trace.shares.get(t, ())
        for i, x in enumerate(t._inputs or ()):
            whole = boxes[t] is t  # an operation between modules has its arguments
            if not isinstance(x, Tensor) and whole:
                nodes[t].arguments.append(x)
            if not isinstance(x, Tensor) or boxes[x] is boxes[t]:
                continue
            key = boxes[t], x
            share = shares[i] if i < len(shares) else None
            if key not in edges:
                source, target = nodes[boxes[x]].id, nodes[boxes[t]].id
                position = i if whole else count[boxes[t]]
                edges[key] = Edge(source, target, position, result=result[x])
                nodes[boxes[t]].arguments.append(source)
                count[boxes[t]] += 1
            elif whole:  # x * x
                nodes[t].arguments.append(edges[key].source)
            if share is not None:
                so_far = edges[key].contribution_array
                edges[key].contribution_array = (
                    share if so_far is None else so_far + share
                )
                rest = noise.shares[t].get(i, 0.0)
                edges[key].noise = rest if so_far is None else 0.0
    return Graph("module", list(nodes.values()), list(edges.values()), of)


def _boxes(order: list[Tensor], base: Any, depth: int | None) -> dict[Tensor, Any]:
    """For each tensor the call (a Scope) that it is folded into, or the tensor."""
    chains: dict[Tensor, list[Scope]] = {}
    parents: set[Scope] = set()  # calls that called others
    for t in order:
        chain = [s for s in scopes(t._scope) if is_module(s.owner)]
        owners = [s.owner for s in chain]
        if base is not None and any(o is base for o in owners):
            at = next(i for i, o in enumerate(owners) if o is base)
            chain = chain[at + 1 :]
        chains[t] = chain[:depth]
        parents.update(chains[t][:-1])
    uses = dict.fromkeys(order, 0)
    for t in order:
        for x in inputs_of(t):
            uses[x] += 1
    boxes: dict[Tensor, Any] = {}
    for t in order:
        inputs = inputs_of(t)
        chain = chains[t]
        if chain and chain[-1] not in parents:
            boxes[t] = chain[-1]
        elif moves(t) and len(inputs) == 1 and uses[inputs[0]] == 1:
            boxes[t] = boxes[inputs[0]] if inputs_of(inputs[0]) else t
        else:
            boxes[t] = t
    return boxes


def _node(
    box: Any,
    inside: list[Tensor],
    shown: Tensor,
    at: int,
    called: dict[Tensor, str],
    names: Names,
    trace: Trace,
) -> Node:
    """A box as a node, with the value and gradient of one of its results."""
    if not isinstance(box, Scope):
        node = node_of(box, called[box], at, names, trace)
        node.name = called[box]
        node.parameters = box.size if node.op == "parameter" else 0
    else:
        node = node_of(shown, "", at, names, trace)
        kind_of = type(box.owner)
        path = names.module(box)
        node.name = path or kind_of.__name__
        node.op, node.module = kind_of.__name__, path
        node.operation, node.rule = None, ""
        node.formula = formula_of_module(box.owner)
        node.settings, node.source = {}, ""
        node.parameters = sum(t.size for t in inside if names.owns(t, trace))
    node.array, node.shape = shown.array, shown.shape
    node.gradient_array = trace.gradients.get(shown)
    node.total_array = trace.total(shown)
    return node


def _in_order(
    members: dict[Any, list[Tensor]], boxes: dict[Tensor, Any], order: list[Tensor]
) -> list[Any]:
    """The boxes, each after those that it uses. Of several that are ready, the one
    whose last result was computed first comes next."""
    place = {t: i for i, t in enumerate(order)}
    last = {box: max(place[t] for t in inside) for box, inside in members.items()}
    needs: dict[Any, set[Any]] = {box: set() for box in members}
    for t in order:
        needs[boxes[t]] |= {boxes[x] for x in inputs_of(t) if boxes[x] is not boxes[t]}
    users: dict[Any, list[Any]] = {box: [] for box in members}
    for box, used in needs.items():
        for other in used:
            users[other].append(box)
    waiting = {box: len(used) for box, used in needs.items()}
    ready = [(last[box], i, box) for i, box in enumerate(members) if not waiting[box]]
    heapify(ready)
    number = {box: i for i, box in enumerate(members)}
    found: list[Any] = []
    while ready:
        _, _, box = heappop(ready)
        found.append(box)
        for user in users[box]:
            waiting[user] -= 1
            if not waiting[user]:
                heappush(ready, (last[user], number[user], user))
    return found
