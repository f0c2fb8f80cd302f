"""`unfold`: a recorded computation, at a chosen level of detail.

| level | a node is | made by |
|---|---|---|
| "module" | a module's call | folding the recorded steps (`levels/fold.py`) |
| "op" | an idea: a product, a softmax, a norm | opening composites of composites |
| "primitive" | a rule from a calculus book | opening all (`levels/opening.py`) |
| "scalar" | one number | running on `Value`s (`levels/single_numbers.py`) |

All four are the same computation. Opening a composite, and running on Values, checks
each new value against the recorded one, and each gradient against that of the coarser
level. A level that departs raises an error, which names the step.
"""

from __future__ import annotations

from typing import Any

from ..errors import check_number, say
from ..scalar import Value
from ..tensor import Tensor
from .data import Edge, Graph, Node, flat, index_of
from .levels.fold import fold
from .levels.opening import open_composites
from .levels.single_numbers import LIMIT, SingleNumbers
from .names import Calls, Names, kind, node_of, of_symbol
from .noise import is_noise, noise_in
from .parts.focus import focus_on, only
from .parts.head import cut
from .trace import Trace, inputs_of, part, trace_of

LEVELS = ("module", "op", "primitive", "scalar")


def unfold(
    root: Tensor,
    level: str = "op",
    module: Any = None,
    *,
    head: tuple[Any, int] | tuple[Any, int, int] | None = None,
    sample: int = 0,
    focus: str | None = None,
    depth: int | None = None,
    limit: int = LIMIT,
) -> Graph:
    """The computation behind `root` as plain data, with every value and gradient.

    It walks backward by itself: no `.grad` is touched and nothing is freed. Inside
    `record()` it knows source lines, and how masks and other constants were made.

    Args:
        root: a scalar, such as a loss. (Any other tensor has values in the graph, but
            no gradients.)
        level: "module", "op", "primitive" or "scalar".
        module: a module that was called on the way to root, or its path in the model.
            The graph is then the inside of this module; its inputs become leaves.
        head: (module or its path, h) for head h of this attention, for one sequence;
            (module, h, call) if it was called several times; both count from 0.
        sample: which sequence of the batch, for `head`; from 0.
        focus: the name of a node, "O", or of one number, "O[1,0]". The graph is then
            the computation of it, and the gradients are those that flow through it.
            (Not at the module level.)
        depth: at the module level, how many levels of nested modules get boxes.
        limit: the most single numbers that are unfolded at the scalar level.

    Returns:
        A `Graph`. In the graph of a module, head or focus, `gradient` is the share
        that flows through it, and `total` the whole gradient.

    Raises:
        RuntimeError: nothing was recorded, or `backward()` has freed the graph; or a
            level gives other numbers than were recorded.
        ValueError: an unknown level, module or head, or too many single numbers.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> graph = unfold((x * x).sum())
    >>> [(node.op, node.gradient) for node in graph]
    [('input', [2.0, 4.0]), ('mul', [1.0, 1.0]), ('sum', 1.0)]
    >>> [edge.contribution for edge in graph.uses(graph.nodes[0])]
    [[1.0, 2.0], [1.0, 2.0]]
    """
    return graph_of("unfold", root, level, module, head, sample, focus, depth, limit)


def graph_of(
    who: str,
    root: Any,
    level: str = "op",
    module: Any = None,
    head: Any = None,
    sample: Any = 0,
    focus: Any = None,
    depth: int | None = None,
    limit: int = LIMIT,
) -> Graph:
    """`unfold`, with the caller's name `who` in its errors: draw and play use it."""
    if level not in LEVELS:
        raise ValueError(
            f"{who}: level {say(level)} given; it must be one of {', '.join(LEVELS)}"
        )
    if depth is not None:
        check_number(who, "depth", depth, 1, whole=True)
    if level != "module" and depth is not None:
        raise ValueError(
            f"{who}: depth given at level {say(level)}; it is for 'module'"
        )
    if head is None and sample != 0:
        raise ValueError(f"{who}: sample given without head=(layer, number)")
    check_number(who, "limit", limit, 1, whole=True)
    graph = part_of(who, root, level, module, head, sample, focus, depth, limit)
    if focus is not None:
        graph.through = " ".join(focus.split())
    elif head is not None:
        graph.through = "this head and sequence"
    elif module is not None:
        graph.through = "this part"
    return graph


def part_of(
    who: str,
    root: Any,
    level: str,
    module: Any,
    head: Any,
    sample: Any,
    focus: Any,
    depth: int | None,
    limit: int,
) -> Graph:
    """A computation, or the part of it that is asked for."""
    trace = trace_of(who, root)
    names = Names(trace)
    trace.called = names.of(trace)  # the same names at every level
    of = trace.called[trace.roots[0]]
    base = None if module is None else names.find(who, module)
    if base is not None and head is not None:
        raise ValueError(f"{who}: module and head given; it can be one of them")
    if head is not None:
        trace = cut(trace, names, head, sample)
    elif base is not None:
        trace = part(trace, base)
        if not trace.roots:
            raise ValueError(
                f"{who}: module {say(module)} given; it was not called on the way to "
                "the "
                "root"
            )
    if level == "module":
        if focus is not None:
            raise ValueError(f"{who}: focus given at level 'module'; it has no numbers")
        return fold(trace, names, base, depth, of)
    trace = open_composites(trace, "op")
    trace.called = names.of(trace)
    if level != "op":
        trace = open_composites(trace, "primitive")
    end = ""
    if focus is not None:
        trace, end = focus_on(trace, names, focus)
    if level != "scalar":
        return of_tensors(trace, names, level, of)
    graph = of_values(trace, names, SingleNumbers(trace, limit), of)
    return only(graph, graph.node(end)) if "[" in end else graph


def of_tensors(trace: Trace, names: Names, level: str, of: str) -> Graph:
    """A node for every tensor."""
    order = trace.tensors(names.learned(trace))
    called = names.of(trace)
    ids = {t: f"n{at}" for at, t in enumerate(order)}
    calls = Calls(order, names)
    noise = noise_in(trace)
    nodes = [node_of(t, called[t], at, names, trace) for at, t in enumerate(order)]
    for t, node in zip(order, nodes):
        node.noise = noise.gradients.get(t, 0.0)
        node.group = calls.group(t)
        node.arguments = [
            ids[x] if isinstance(x, Tensor) else x for x in t._inputs or ()
        ]
    edges = []
    for t in order:
        shares = trace.shares.get(t, ())
        for i, x in enumerate(t._inputs or ()):
            if isinstance(x, Tensor):
                share = shares[i] if i < len(shares) else None
                rest = noise.shares.get(t, {}).get(i, 0.0)
                edges.append(Edge(ids[x], ids[t], i, None, share, noise=rest))
    seeds = {ids[t]: g for t, g in zip(trace.roots, trace.seeds) if g is not None}
    return Graph(level, nodes, edges, of, calls.groups, seeds=seeds)


def of_values(trace: Trace, names: Names, numbers: SingleNumbers, of: str) -> Graph:
    """A node for every number."""
    called = names.of(trace)
    ids: dict[Value, str] = {}
    nodes: list[Node] = []
    edges: list[Edge] = []
    order = trace.tensors()
    calls = Calls(order, names)
    for t in order:
        if t not in numbers.of:
            continue
        module = names.module(t._scope)
        source = t._where.brief if t._where else ""
        leaf = kind(t, names, trace) if not inputs_of(t) else "constant"
        reached = t in trace.gradients
        own = numbers.of[t]
        elements = {v: index_of(i, t.shape) for i, v in enumerate(own)}
        total = trace.total(t)
        totals = dict(zip(own, [] if total is None else flat(total)))
        for v in numbers.made_for(t):
            ids[v] = f"n{len(nodes)}"
            made_by = of_symbol(v._op) if v._prev else None
            formula, rule = ("z = x", "∂x += ∂z") if v._prev else ("", "")
            if made_by:
                formula, rule = made_by.equation, made_by.gradients
            index = elements.get(v)
            g = numbers.grad.get(v, 0.0)
            noise = is_noise(g, numbers.moved.get(v, g), numbers.dtype)
            at = f"[{','.join(map(str, index))}]" if index else ""
            op = v._op or ("identity" if v._prev else leaf)
            name = op if index is None else called[t] + at
            nodes.append(
                Node(
                    id=ids[v],
                    name=name,
                    op=op,
                    operation=made_by,
                    formula=formula,
                    rule=rule,
                    module=module,
                    source=source,
                    dtype=t.dtype,
                    group=calls.group(t),
                    tensor=called[t],
                    index=index,
                    array=v.data,
                    gradient_array=g if reached else None,
                    total_array=totals.get(v, g if reached else None),
                    noise=abs(g) if noise else 0.0,
                )
            )
            if op == "identity" and t._op and t._op.kind != "movement":
                numbers_beside = [
                    x for x in t._inputs or () if not isinstance(x, Tensor)
                ]
                nodes[-1].settings["by"] = t._op.name, *numbers_beside  # relu, 0 + x
            operands = v.operands
            nodes[-1].arguments = [
                ids[x] if isinstance(x, Value) else float(x) for x in operands
            ]
            places = [i for i, x in enumerate(operands) if isinstance(x, Value)]
            for i, x, local in zip(places, v._prev, v.derivatives):
                share = None
                if reached and numbers.maker[x] in trace.gradients:
                    share = local * g
                edges.append(Edge(ids[x], ids[v], i, float(local), share))
                edges[-1].noise = abs(share) if noise and share else 0.0
    return Graph("scalar", nodes, edges, of, calls.groups)
