"""Chapter 5, continued: where a walk begins, and what is done with what it finds.

A walk starts from ∂L/∂L = 1 (or the gradient that is given), the seed. The seed decides
what the whole walk computes with: a bare array, or, with create_graph, a Tensor, and
then the gradient is recorded as it is computed. See `_seed`.

On the scalar backend the numbers have recorded themselves, and the walk is their own
(`scalar.Value.backward`); `walk_values` brings what it finds back to the tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from operator import add
from typing import Any

from ..arrays.array import ValueArray
from ..arrays.backends import namespace_of
from ..context import enable_grad, no_grad
from ..scalar import Value
from ..tensor import Tensor, make
from .walk import release, topological_order, walk


def backward(
    root: Tensor, gradient: Tensor | None, retain_graph: bool, create_graph: bool
) -> None:
    """Adds ∂root/∂leaf to every leaf's grad; `Tensor.backward` says the rest."""
    free = not (retain_graph or create_graph)
    for node, g in gradients("backward", [root], [gradient], create_graph, free):
        if node._op is None:
            node._grad = g if node._grad is None else node._grad + g


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """∂Σoutputs/∂input for each input, returned; no `.grad` is touched.

    Args:
        outputs: one or several results; those that are not scalars need a grad_output.
        inputs: leaves or results that the outputs were made from.
        grad_outputs: ∂L/∂output for each output; None means 1 for a scalar.
        retain_graph: keep the graph for another walk; by default if create_graph.
        create_graph: record the walk, so that the result can be differentiated again.
        allow_unused: give None for an input that no output was made from.

    Returns:
        A tuple with a Tensor for each input, in its shape.

    Raises:
        RuntimeError: an input has no part in the outputs, or as for `Tensor.backward`.

    >>> x = Tensor(3.0, requires_grad=True)
    >>> (slope,) = grad(x**3, x, create_graph=True)       # 3x²
    >>> (curvature,) = grad(slope, x)                     # 6x
    >>> slope.item(), curvature.item()
    (27.0, 18.0)
    """
    roots = several("grad", "outputs", outputs)
    wanted = several("grad", "inputs", inputs)
    if grad_outputs is None or isinstance(grad_outputs, Tensor):
        given: list[Tensor | None] = [grad_outputs] * len(roots)
    else:
        given = several("grad", "grad_outputs", grad_outputs, or_none=True)
    if len(given) != len(roots):
        raise ValueError(
            f"grad: {len(given)} grad_outputs given for {len(roots)} outputs; "
            "each needs one"
        )
    for i, x in enumerate(wanted):
        if not x.requires_grad:
            raise RuntimeError(
                f"grad: input {i} does not require a gradient; create it with "
                "requires_grad=True"
            )
    free = not (create_graph if retain_graph is None else retain_graph)
    found: dict[Tensor, Tensor] = {}
    for node, g in gradients("grad", roots, given, create_graph, free):
        if any(node is x for x in wanted):
            found[node] = g
    for i, x in enumerate(wanted):
        if x not in found and not allow_unused:
            raise RuntimeError(
                f"grad: input {i} of shape {x.shape} was not used to make the outputs; "
                "allow_unused=True gives None for it"
            )
    return tuple(found.get(x) for x in wanted)


def several(who: str, what: str, given: Any, or_none: bool = False) -> list[Any]:
    """A Tensor, or a list or tuple of at least one, as a list."""
    found = [given] if isinstance(given, Tensor) else given
    if not isinstance(found, (list, tuple)) or (not found and not or_none):
        raise TypeError(
            f"{who}: {what} of {type(given).__name__} given; a Tensor, or a list of "
            "one or more, is needed"
        )
    for i, t in enumerate(found):
        if not isinstance(t, Tensor) and not (or_none and t is None):
            raise TypeError(
                f"{who}: among the {what} {what[:-1]} {i} is a {type(t).__name__}; "
                "it must be a Tensor"
            )
    return list(found)


def gradients(
    who: str,
    roots: Sequence[Tensor],
    given: Sequence[Tensor | None],
    create_graph: bool,
    free: bool,
) -> Iterable[tuple[Tensor, Tensor]]:
    """Every tensor reached from the roots with its gradient, both as Tensors.

    The walk is recorded with create_graph, within a `no_grad` too, and else never.
    """
    seeds = [_seed(who, r, g, create_graph) for r, g in zip(roots, given)]
    xp = namespace_of([root.data for root in roots])
    on_values = isinstance(roots[0].data, ValueArray)
    with ExitStack() as stack:
        stack.enter_context(enable_grad() if create_graph else no_grad())
        stack.enter_context(xp.quiet())
        walking = walk_values if on_values else walk
        for node, g, _ in walking(roots, seeds, free=free):
            yield node, g if isinstance(g, Tensor) else make(g)


def _seed(who: str, root: Tensor, gradient: Any, create_graph: bool) -> Any:
    """∂L/∂root: 1 for a scalar, else what was given; a Tensor if recorded."""
    if not root.requires_grad:
        raise RuntimeError(
            f"{who}: this tensor has no graph; nothing it was made from requires a "
            "gradient, or it was made under no_grad()"
        )
    if create_graph and isinstance(root.data, ValueArray):
        raise RuntimeError(
            f"{who}: the scalar backend has first derivatives only; create_graph needs "
            "the backend 'python' or 'numpy'"
        )
    if gradient is None and root.size != 1:
        raise RuntimeError(
            f"{who}: shape {root.shape} given, and only a scalar has a gradient; "
            "reduce it to one (sum(), mean()), or pass ∂L/∂self in its shape"
        )
    if gradient is None:
        gradient = make(namespace_of([root.data]).full(root.shape, 1.0, root.dtype))
    if not isinstance(gradient, Tensor):
        raise TypeError(
            f"{who}: the gradient given is a {type(gradient).__name__}; it must be a "
            "Tensor"
        )
    if gradient.shape != root.shape:
        raise ValueError(
            f"{who}: a gradient of shape {gradient.shape} given for a tensor of shape "
            f"{root.shape}; they must be equal"
        )
    gradient = gradient.astype(root.dtype)
    return gradient if create_graph else gradient.data


def walk_values(
    roots: Sequence[Tensor], seeds: Sequence[Any], *, free: bool
) -> Iterable[tuple[Tensor, Any, Sequence[Any]]]:
    """As `autograd.walk`, but by the Values' own backward: no rule's vjp is asked.

    Every number's gradient is ∂(Σ roots · seeds)/∂number; a tensor's is that of its
    numbers, 0 for those that had no part in the roots.
    """
    order = topological_order(roots)
    total = Value(0.0)
    for root, seed in zip(roots, seeds):
        for v, weight in zip(root.data.data, seed.data):
            total = total + v * weight
    used = {node: {id(node.data): node.data} for node in order}
    for node in order:  # a leaf may have been given new numbers since it was used
        for x, array, needed in zip(node._inputs, node._arrays, node._needs):
            if needed:
                used[x][id(array)] = array
    for arrays in used.values():
        for array in arrays.values():
            for v in array.data:
                if isinstance(v, Value):
                    v.grad = 0.0  # backward adds to what a leaf has
    total.backward()
    for node in order:
        numbers = [0.0] * node.size
        for array in used[node].values():
            grads = (v.grad if isinstance(v, Value) else 0.0 for v in array.data)
            numbers = list(map(add, numbers, grads))
        yield node, ValueArray(numbers, node.shape), ()
        if free and node._op is not None:
            release(node)
