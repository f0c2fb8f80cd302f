"""One tensor, or one of its numbers, and the steps that made it.

The tensor in focus becomes the root; nodes that it does not depend on are left out. The
walk begins with its gradient, ∂L/∂focus, so each gradient is the share that flows
through the focus.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import prod
from typing import Any

from ...arrays.backends import namespace_of
from ...arrays.shapes import strides_of
from ...errors import say
from ...tensor import Tensor
from ..data import Graph, Node
from ..names import Names
from ..trace import Trace


def focus_on(trace: Trace, names: Names, focus: Any) -> tuple[Trace, str]:
    """The trace that ends in the tensor or number called `focus`, and its name.

    Args:
        focus: a name at the level that is unfolded: "O", or "O[1,0]".

    Raises:
        ValueError: no tensor has this name, or the index does not fit its shape.
    """
    who = trace.who
    written = re.fullmatch(r"\s*([^\[\]]+?)\s*(?:\[([-\d,\s]*)\])?\s*", str(focus))
    if not isinstance(focus, str) or written is None:
        raise ValueError(
            f"{who}: focus={say(focus)} given; it must be a name, 'O', or that of one "
            "number, 'O[1,0]'"
        )
    trace.called = names.of(trace)  # the same names as without a focus
    called = {name: t for t, name in trace.called.items()}
    name, index = written[1], written[2]
    if name not in called:
        computed = [n for n in called if called[n]._inputs]
        more = ", ..." if len(computed) > 40 else ""
        raise ValueError(
            f"{who}: focus={say(focus)} given; there are "
            f"{', '.join(computed[:40])}{more}"
        )
    t = called[name]
    g = trace.gradients.get(t)
    if index is None:
        return ending_in(trace, t, g), name
    parts = [part.strip() for part in index.split(",") if part.strip()]
    fits = len(parts) == t.ndim and all(
        part.isdigit() and int(part) < n for part, n in zip(parts, t.shape)
    )
    if not fits:
        raise ValueError(
            f"{who}: focus={say(focus)} given; {numbers_of(name, t.shape)}"
        )
    at = tuple(map(int, parts))
    if g is not None:
        g = _alone(g, sum(i * step for i, step in zip(at, strides_of(t.shape))))
    element = f"{name}[{','.join(map(str, at))}]" if at else name
    return ending_in(trace, t, g), element


def numbers_of(name: str, shape: tuple[int, ...]) -> str:
    """Which numbers a tensor has, and what they are called.

    >>> numbers_of("O", (4, 8))
    'O has shape (4, 8): its numbers are O[0,0] to O[3,7]'
    """
    if not shape:
        return f"{name} is a single number: write {name!r}"
    if 0 in shape:
        return f"{name} has shape {shape}: it has no numbers"
    last = ",".join(str(n - 1) for n in shape)
    first = re.sub(r"\d+", "0", last)
    return (
        f"{name} has shape {shape}: its numbers are {name}[{first}] to {name}[{last}]"
    )


def ending_in(trace: Trace, t: Tensor, g: Any) -> Trace:
    """The part of a trace behind t, walked from t with the gradient g."""
    totals = {x: trace.total(x) for x in trace.gradients}
    return replace(
        trace,
        roots=[t],
        seeds=[] if g is None else [g],
        totals=totals,
        gradients={},
        shares={},
    )


def only(graph: Graph, end: Node) -> Graph:
    """The part of a graph that ends in one node."""
    kept, todo = {end.id}, [end]
    while todo:
        for edge in graph.inputs(todo.pop()):
            if edge.source not in kept:
                kept.add(edge.source)
                todo.append(graph.by_id(edge.source))
    return Graph(
        graph.level,
        [node for node in graph.nodes if node.id in kept],
        [edge for edge in graph.edges if edge.target in kept],
        graph.of,
        graph.groups,
        graph.through,
    )


def _alone(g: Any, position: int) -> Any:
    """g with 0 everywhere but at one position."""
    xp = namespace_of([g])
    line = xp.reshape(xp.arange(0, prod(g.shape)), g.shape)
    return xp.where(line == position, g, 0.0)
