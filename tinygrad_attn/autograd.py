"""Chapter 4: the walk backward.

Every recorded tensor knows the operation that made it and the inputs it was made from:
a graph that points from the result to the leaves. `walk` goes through it once, from the
result, and applies the chain rule at each node:

    1. take the node's gradient g = ∂L/∂z, complete by now
    2. ask the node's vjp for each input's share
    3. where an input was broadcast, sum its share down to its shape (`unbroadcast`)
    4. add the share to what other uses of the input have contributed

Two questions decide whether the numbers come out right.

**What happens where two paths meet?** If x is used twice, L depends on x along two
paths, and the chain rule for several variables adds what comes along each. Step 4 is
that sum.

**Why is the order topological?** Because step 1 says "complete". With b = a + a and
c = b + b, b has two uses. Were b to pass its gradient on after the first (1) and again
after the second (2), a would get 2·1 + 2·2 = 6; the right answer is 4. So a node comes
after all its uses, see `topological_order`.

The numbers of the walk live in one array namespace `xp`, found by the type of the first
gradient. For arrays that is NumPy or pure Python. With `create_graph` it is `ops`, the
namespace of Tensors: the same loop and the same rules then run on Tensors, which record
themselves, and so the gradient has a graph of its own: **a second derivative** is a
walk along that one.

This file knows no Tensor, only what a node must have: `data`, `requires_grad`, `_op`,
`_inputs`, `_params`, `_saved`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .backends import namespace_of
from .shapes import reduced_shape

Node = Any  # a tensor of the graph


def topological_order(roots: Iterable[Node]) -> list[Node]:
    """The roots and everything they were made of, each after all its uses.

    Only what requires a gradient is listed, once each. First the uses of every node are
    counted (x * x uses x twice), then a node is listed when its last use has been. The
    loops keep their own stack: a graph of 100,000 steps would overflow a recursion.

    Raises:
        RuntimeError: a part of the graph was freed by an earlier backward().
    """
    uses: dict[int, int] = {}
    todo = unique(roots)
    starts = list(todo)
    seen = {id(node) for node in todo}
    while todo:
        for x in parents(todo.pop()):
            uses[id(x)] = uses.get(id(x), 0) + 1
            if id(x) not in seen:
                seen.add(id(x))
                todo.append(x)
    order: list[Node] = []
    ready = [node for node in starts if id(node) not in uses]
    while ready:
        node = ready.pop()
        order.append(node)
        for x in parents(node):
            uses[id(x)] -= 1
            if uses[id(x)] == 0:
                ready.append(x)
    return order


def parents(node: Node) -> list[Node]:
    """The inputs of a node that a gradient flows to; an input used twice, twice."""
    if node._op is None:
        return []  # a leaf
    if node._inputs is None:
        raise RuntimeError(
            f"backward: the graph behind {node._op.name} was freed by an earlier "
            "backward(); call that one with retain_graph=True to walk the graph again"
        )
    return [x for x in node._inputs if getattr(x, "requires_grad", False)]


def unique(nodes: Iterable[Node]) -> list[Node]:
    """The nodes without repetitions."""
    return list({id(node): node for node in nodes}.values())


def walk(
    roots: Sequence[Node],
    gradients: Sequence[Any],
    *,
    free: bool,
) -> Iterable[tuple[Node, Any]]:
    """Every node reached from the roots, with its complete gradient ∂L/∂node.

    Args:
        roots, gradients: where the walk begins, and ∂L/∂root for each: arrays, or
            Tensors if the walk itself shall be recorded.
        free: let go of each node's inputs once its gradient has been passed on.
    """
    xp = namespace_of(gradients)
    complete: dict[int, Any] = {}
    for root, g in zip(roots, gradients):
        accumulate(complete, root, g)
    order = topological_order(roots)
    order.reverse()
    while order:
        node = order.pop()
        g = complete.pop(id(node), None)
        if g is None:  # every rule on the way here said None
            continue
        yield node, g
        if node._op is None:
            continue
        op, inputs = node._op, node._inputs
        needs = [getattr(x, "requires_grad", False) for x in inputs]
        if xp.name == "ops":
            shares = op.vjp(xp, g, node, inputs, needs, None, **node._params)
        else:
            arrays = [getattr(x, "data", x) for x in inputs]
            shares = op.vjp(
                xp, g, node.data, arrays, needs, node._saved, **node._params
            )
        for x, needed, share in zip(inputs, needs, shares):
            if needed and share is not None:
                accumulate(complete, x, unbroadcast(xp, share, x.data.shape, op))
        if free:
            node._inputs = node._saved = node._scope = None


def accumulate(complete: dict[int, Any], node: Node, share: Any) -> None:
    """Adds what one use contributes to a node's gradient."""
    before = complete.get(id(node))
    complete[id(node)] = share if before is None else before + share


def unbroadcast(xp: Any, g: Any, shape: tuple[int, ...], op: Any) -> Any:
    """A gradient summed down to the shape of the input that was broadcast.

    Where an input of shape (3,) was added to each of 2 rows, each of its numbers was
    used twice, and its gradient is the sum over both uses: g of shape (2, 3) is summed
    over axis 0. Where a size 1 was stretched to n, over that axis.

    Raises:
        RuntimeError: g cannot come from a broadcast of `shape`; the rule is wrong.
    """
    if g.shape == shape:
        return g
    extra = len(g.shape) - len(shape)
    padded = (1,) * extra + shape
    stretched = tuple(
        a for a, n in enumerate(g.shape) if padded[a:] and padded[a] == 1 != n
    )
    if extra < 0 or reduced_shape(g.shape, stretched, True) != padded:
        raise RuntimeError(
            f"{op.name}: its vjp gave a gradient of shape {g.shape} for an input of "
            f"shape {shape}; it must have that shape, or one that broadcasting gives it"
        )
    return xp.reshape(xp.sum(g, axis=stretched), shape)
