"""Chapter 5, continued: where a walk begins, and what is done with what it finds.

A walk starts from ∂L/∂L = 1 (or the gradient that is given), the seed. The seed decides
what the whole walk computes with: a bare array, or, with create_graph, a Tensor, and
then the gradient is recorded as it is computed. See `_seed`.

`backward` leaves each leaf's gradient in its `grad`; `grad` returns those asked for. On
the scalar backend the numbers have recorded themselves, and the walk is their own
(`scalar.Value.backward`): the proof that both are the same calculus.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .array import ValueArray
from .autograd import walk
from .backends import namespace_of
from .scalar import Value, topological_order
from .tensor import Tensor, make


def backward(
    root: Tensor, gradient: Tensor | None, retain_graph: bool, create_graph: bool
) -> None:
    """Adds ∂root/∂leaf to every leaf's grad; `Tensor.backward` says the rest."""
    if isinstance(root.data, ValueArray):
        _root_value(root, gradient, create_graph, "backward").backward()
        return
    seed = _seed(root, gradient, create_graph, "backward")
    for node, g in walk([root], [seed], free=not (retain_graph or create_graph)):
        if node._op is None:
            g = g if isinstance(g, Tensor) else make(g)
            if g.data.dtype != node.data.dtype:
                g = g.astype(node.dtype)
            node._grad = g if node._grad is None else node._grad + g


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """∂Σoutputs/∂input for each input, returned; no `.grad` is touched.

    Args:
        outputs: one or several results; those that are not scalars need a grad_output.
        inputs: leaves or results that the outputs were made from.
        grad_outputs: ∂L/∂output for each output; None means 1 for a scalar.
        retain_graph: keep the graph for another walk; by default what create_graph
            says.
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
    roots = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    wanted = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if grad_outputs is None or isinstance(grad_outputs, Tensor):
        given: list[Tensor | None] = [grad_outputs] * len(roots)
    else:
        given = list(grad_outputs)
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
    if isinstance(roots[0].data, ValueArray):
        found = _walk_values(roots, given, wanted, create_graph)
    else:
        seeds = [_seed(r, g, create_graph, "grad") for r, g in zip(roots, given)]
        free = not (create_graph if retain_graph is None else retain_graph)
        ids = {id(x) for x in wanted}
        found = {id(n): g for n, g in walk(roots, seeds, free=free) if id(n) in ids}
    for i, x in enumerate(wanted):
        if id(x) not in found and not allow_unused:
            raise RuntimeError(
                f"grad: input {i} of shape {x.shape} was not used to make the outputs; "
                "allow_unused=True gives None for it"
            )
    results = (found.get(id(x)) for x in wanted)
    return tuple(g if g is None or isinstance(g, Tensor) else make(g) for g in results)


def _seed(root: Tensor, gradient: Any, create_graph: bool, who: str) -> Any:
    """∂L/∂root: 1 for a scalar, else what was given; a Tensor if recorded."""
    _check_root(root, gradient, who)
    if gradient is None:
        xp = namespace_of([root.data])
        gradient = make(xp.full(root.shape, 1.0, root.dtype))
    return gradient if create_graph else gradient.data


def _check_root(root: Tensor, gradient: Any, who: str) -> None:
    if not root.requires_grad:
        raise RuntimeError(
            f"{who}: this tensor has no graph; nothing it was made from requires a "
            "gradient, or it was made under no_grad()"
        )
    if gradient is None and root.size != 1:
        raise RuntimeError(
            f"{who}: shape {root.shape} given, and only a scalar has a gradient; "
            "reduce it to one (sum(), mean()), or pass ∂L/∂self in its shape"
        )
    if gradient is not None and not isinstance(gradient, Tensor):
        raise TypeError(
            f"{who}: the gradient given is a {type(gradient).__name__}; it must be a "
            "Tensor"
        )
    if gradient is not None and gradient.shape != root.shape:
        raise ValueError(
            f"{who}: a gradient of shape {gradient.shape} given for a tensor of shape "
            f"{root.shape}; they must be equal"
        )


def _root_value(root: Tensor, gradient: Any, create_graph: bool, who: str) -> Value:
    """Σ root · gradient as one Value, whose derivatives are the ones asked for."""
    _check_root(root, gradient, who)
    if create_graph:
        raise RuntimeError(
            f"{who}: the scalar backend has first derivatives only; create_graph needs "
            "the backend 'python' or 'numpy'"
        )
    weights = [1.0] * root.size if gradient is None else gradient.detach().data.data
    total = sum((v * w for v, w in zip(root.data.data, weights)), Value(0.0))
    return total if isinstance(total, Value) else Value(total)


def _walk_values(
    roots: Sequence[Tensor],
    gradients: Sequence[Any],
    wanted: Sequence[Tensor],
    create_graph: bool,
) -> dict[int, Any]:
    """∂Σroots/∂x for every wanted x, from one walk over Values that leaves no trace."""
    total = sum(
        (_root_value(r, g, create_graph, "grad") for r, g in zip(roots, gradients)),
        Value(0.0),
    )
    order = list(topological_order(total))
    before = [v.grad for v in order]
    for v in order:
        v.grad = 0
    total.backward()
    found = {}
    for x in wanted:
        grads = [v.grad if isinstance(v, Value) else 0 for v in x.data.data]
        if not all(isinstance(g, int) for g in grads):
            found[id(x)] = ValueArray([float(g) for g in grads], x.shape)
    for v, g in zip(order, before):
        v.grad = g
    return found
