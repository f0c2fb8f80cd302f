"""Chapter 5: the walk backward.

Every recorded tensor knows the operation that made it and the inputs it was made from:
a graph that points from the result to the leaves. `walk` goes through it once, from the
result, and applies the chain rule at each node:

    1. take the node's gradient g = ∂L/∂z, complete by now
    2. ask the node's vjp for each input's share
    3. where an input was broadcast, sum its share down to its shape
    4. add the share to those of the input's other uses

Two questions decide whether the numbers come out right.

**What happens where two paths meet?** If x is used twice, L depends on x along two
paths, and the chain rule for several variables adds what comes along each. Step 4 is
that sum.

**Why is the order topological?** Because step 1 says "complete". With b = a + a and
c = b + b, b has two uses. Were b to pass its gradient on after the first (1) and again
after the second (2), a would get 2·1 + 2·2 = 6; the right answer is 4. (To pass on only
what is new each time would be right, but would follow every path one by one: 2ⁿ of them
after n such steps.) So a node comes after all its uses, see `topological_order`, and is
visited once.

The numbers of the walk live in one namespace `xp`, found by the type of the gradients
it starts from. From arrays (`backward()`), that is NumPy or pure Python. From Tensors
(with `create_graph`, see differentiate.py), it is `ops`, the namespace of Tensors: the
same loop and the same rules then run on Tensors, which record themselves, and so the
gradient has a graph of its own. **A second derivative** is a walk along that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from typing import Any

from ..arrays.backends import namespace_of
from ..arrays.batches import in_parts
from ..arrays.shapes import repeated_axes
from ..context import context
from .debugging import check_backward
from .recording import Recorded

Shares = list[Any]  # a gradient for each input, array or Tensor, or None


def walk(
    roots: Sequence[Recorded], gradients: Sequence[Any], *, free: bool
) -> Iterator[tuple[Any, Any, Shares]]:
    """Every node reached from the roots, with its complete gradient ∂L/∂node, and its
    contribution to the gradient of each input (None where there is none).

    Args:
        roots, gradients: where the walk begins, and ∂L/∂root for each: arrays, or
            Tensors if the walk itself shall be recorded.
        free: let go of each node's inputs once its gradient has been passed on.
    """
    xp = namespace_of(gradients)
    order = topological_order(roots)[::-1]
    so_far: dict[Recorded, Any] = {}
    for root, g in zip(roots, gradients):
        so_far[root] = so_far[root] + g if root in so_far else g
    while order:
        node = order.pop()  # the list lets go of it, so that it can be freed
        g = so_far.pop(node, None)  # 1
        if g is None:  # no gradient reached this node: a vjp may return None
            continue
        shares = shares_of(xp, node, g) if node._op is not None else []  # 2
        for i, share in enumerate(shares):
            if share is not None:
                x = node._inputs[i]  # type: ignore[index]
                share = shares[i] = fit(xp, share, x, node)  # 3
                so_far[x] = so_far[x] + share if x in so_far else share  # 4
        yield node, g, shares
        if free:
            release(node)


def topological_order(roots: Iterable[Recorded]) -> list[Recorded]:
    """The roots and everything they were made of, each after all its uses.

    Only what requires a gradient is listed, once each. First the uses of every node are
    counted (x * x uses x twice), then a node is listed when its last use has been. The
    loops keep their own stack: a graph of 100,000 steps would overflow a recursion.

    Raises:
        RuntimeError: a part of the graph was freed by an earlier backward().
    """
    starts = list(dict.fromkeys(roots))
    uses = dict.fromkeys(starts, 0)
    made_of: dict[Recorded, list[Recorded]] = {}
    todo = list(starts)
    while todo:
        node = todo.pop()
        if node._op is None:  # a leaf
            continue
        made_of[node] = parents(node)
        for x in made_of[node]:
            if x in uses:
                uses[x] += 1
            else:
                uses[x] = 1
                todo.append(x)
    order: list[Recorded] = []
    ready = [node for node in starts if uses[node] == 0]
    while ready:
        node = ready.pop()
        order.append(node)
        for x in made_of.get(node, ()):
            uses[x] -= 1
            if uses[x] == 0:
                ready.append(x)
    return order


def parents(node: Recorded) -> list[Recorded]:
    """The inputs of a node that a gradient flows to; an input used twice, twice."""
    if node._inputs is None:
        raise RuntimeError(
            f"backward: the graph behind {node._op and node._op.name} was freed by an "
            "earlier backward(); call that one with retain_graph=True to walk it again"
        )
    return list(compress(node._inputs, node._needs))


# --- the steps ------------------------------------------------------------------------


def shares_of(xp: Any, node: Recorded, g: Any) -> Shares:
    """What the node's vjp gives each input that needs it."""
    op: Any = node._op
    if xp.records:  # z is the node, with its graph; no bare arrays (rules/operation.py)
        check_unchanged(node)
        z, inputs, saved = node, node._inputs, None
    else:
        z, inputs, saved = node.array, node._arrays, node._saved
    vjp = in_parts(op.vjp) if op.by_matrix and not xp.records else op.vjp
    shares = vjp(xp, g, z, inputs, node._needs, saved, **node._params)
    if not isinstance(shares, (tuple, list)) or len(shares) != len(node._needs):
        raise RuntimeError(
            f"{op.name}: its vjp must return a tuple with a gradient for each input "
            f"(None where none is needed), {len(node._needs)} in all"
        )
    if context.now.debug:
        check_backward(node, g, shares)
    if False not in node._needs:
        return [*shares]
    return [share if need else None for share, need in zip(shares, node._needs)]


def fit(xp: Any, share: Any, x: Recorded, node: Recorded) -> Any:
    """A share in the shape and dtype of the input x of the node."""
    if share.shape != x.array.shape:
        share = unbroadcast(xp, share, x.array.shape, node._op)
    if share.dtype != x.array.dtype:
        share = xp.astype(share, x.dtype)
    return share


def unbroadcast(xp: Any, g: Any, shape: tuple[int, ...], op: Any) -> Any:
    """A gradient summed down to the shape of the input that was broadcast.

    Where an input of shape (3,) was added to each of 2 rows, each of its numbers was
    used twice, and its gradient is the sum over both uses: g of shape (2, 3) is summed
    over axis 0. Where a size 1 was stretched to n, over that axis.

    Raises:
        RuntimeError: g cannot come from a broadcast of `shape`; the rule is wrong.
    """
    try:
        repeated = repeated_axes(shape, g.shape)
    except ValueError:
        raise RuntimeError(
            f"{op.name}: its vjp gave a gradient of shape {g.shape} for an input of "
            f"shape {shape}; it must have that shape, or one that broadcasting gives it"
        ) from None
    return xp.reshape(xp.sum(g, axis=repeated), shape)


def release(node: Recorded) -> None:
    """Lets go of a node's inputs; a leaf has none."""
    if node._op is not None:
        node._inputs = node._arrays = node._saved = node._scope = None


def check_unchanged(node: Recorded) -> None:
    """A recorded walk differentiates at the inputs as they are now: they must be those
    that the node was computed from. (While a program is written they have names.)"""
    if context.now.writer is not None:
        return
    for x, array in zip(node._inputs or (), node._arrays or ()):
        if isinstance(x, Recorded) and x.array is not array:
            raise RuntimeError(
                f"create_graph: an input of {node._op and node._op.name} got new "
                "numbers since it was recorded (by an optimizer's step?); walk the "
                "graph before that"
            )
