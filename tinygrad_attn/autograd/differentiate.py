"""Chapter 5, continued: where a walk begins, and where its gradients go.

A walk starts from ∂L/∂L = 1 (or the gradient that is given), the seed. The seed decides
how the whole walk computes: with bare arrays, or, with create_graph, with Tensors, and
then the gradient is recorded as it is computed. See `seed_of`.

On the scalar backend the numbers have recorded themselves, and the walk is their own
(`scalar.Value.backward`); `walk_values` brings its gradients back to the tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from operator import add
from threading import RLock
from typing import Any

from ..arrays import values
from ..arrays.array import ValueArray
from ..arrays.backends import namespace_of
from ..context import context, enable_grad, no_grad
from ..errors import check_flags, in_a_program
from ..rules import movement
from ..scalar import Value
from ..switching import Guarded
from .recording import Recorded, apply, dtype_name, make, twin
from .walk import Shares, release, topological_order, walk


def backward(
    root: Recorded,
    gradient: Recorded | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> None:
    """Adds ∂root/∂leaf to the `grad` of every leaf that root was made from.

    A result on the way has ∂root/∂result in its `grad` afterwards, of this walk alone.

    Args:
        root: the result to differentiate.
        gradient: ∂L/∂root, in root's shape, if root is not the scalar L itself.
        retain_graph: keep the graph for another walk. By default it is freed on the
            way, and a second backward is an error.
        create_graph: record the walk, so that the gradients can be differentiated.

    Raises:
        RuntimeError: root is no scalar and `gradient` is missing, root has no graph, or
            the graph was freed by an earlier backward.
    """
    check_flags("backward", retain_graph=retain_graph, create_graph=create_graph)
    if context.now.writer is not None:
        raise in_a_program("backward", "called")
    free = not (retain_graph or create_graph)
    with walking("backward", [root], [gradient], create_graph, free) as steps:
        for node, g, _ in steps:
            if node._op is None or isinstance(node._grad, ADDS_UP):
                add_to_grad(node, g)
            else:  # for whoever still has this result; a recorded g would lead back
                node._grad = None if create_graph else g  # to its node: a circle


class Retained:
    """The grad of a result that shall add up as a leaf's does, and has none yet."""


class Shown:
    """The grad of a result that was asked for: the next walk replaces it all the same,
    and whoever asks again gets the same Tensor (`h.grad.zero_()`)."""

    __slots__ = ("tensor",)

    def __init__(self, array: Any) -> None:
        self.tensor: Any = make(array)


RETAINED = Retained()
ADDS_UP = (Recorded, Retained)  # what a result's grad is then; else an array, or Shown
adding = RLock()


def add_to_grad(x: Recorded, g: Any) -> None:
    """Several backwards add up in a leaf's grad. g is an array, or a Tensor if it was
    recorded; then x gets one of its own, as others may have the same gradient."""
    t = twin(g) if isinstance(g, Recorded) else make(g)
    with adding:  # another thread may be about to add to the same sum
        x._grad = t if x._grad is None or x._grad is RETAINED else x._grad + t


def grad(
    outputs: Recorded | Sequence[Recorded],
    inputs: Recorded | Sequence[Recorded],
    grad_outputs: Recorded | Sequence[Recorded | None] | None = None,
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
    check_flags("grad", create_graph=create_graph, allow_unused=allow_unused)
    if retain_graph is not None:
        check_flags("grad", retain_graph=retain_graph)
    roots = several("grad", "outputs", outputs)
    wanted = several("grad", "inputs", inputs)
    if grad_outputs is None or isinstance(grad_outputs, Recorded):
        given: list[Recorded | None] = [grad_outputs] * len(roots)
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
    found: dict[Recorded, Any] = {}
    with walking("grad", roots, given, create_graph, free) as steps:
        for node, g, _ in steps:
            if any(node is x for x in wanted):
                found[node] = g if isinstance(g, Recorded) else make(g)
    for i, x in enumerate(wanted):
        if x not in found and not allow_unused:
            raise RuntimeError(
                f"grad: input {i} of shape {x.shape} was not used to make the outputs; "
                "allow_unused=True gives None for it"
            )
    return tuple(found.get(x) for x in wanted)


def several(who: str, what: str, given: Any, or_none: bool = False) -> list[Any]:
    """A Tensor, or a list or tuple of at least one, as a list."""
    found = [given] if isinstance(given, Recorded) else given
    if not isinstance(found, (list, tuple)) or (not found and not or_none):
        raise TypeError(
            f"{who}: {what} of {type(given).__name__} given; a Tensor, or a list of "
            "one or more, is needed"
        )
    for i, t in enumerate(found):
        if not isinstance(t, Recorded) and not (or_none and t is None):
            raise TypeError(
                f"{who}: among the {what} {what[:-1]} {i} is a {type(t).__name__}; "
                "it must be a Tensor"
            )
    return list(found)


# What a caller gives ∂L/∂root as.
GIVEN = {"backward": "gradient", "grad": "grad_outputs"}


@contextmanager
def walking(
    who: str,
    roots: Sequence[Recorded],
    given: Sequence[Recorded | None],
    create_graph: bool,
    free: bool,
) -> Iterator[Iterator[tuple[Recorded, Any, Shares]]]:
    """The steps of `walk` (for Values `walk_values`) from these roots. Its operations
    are recorded with create_graph, even inside no_grad, and never without it."""
    xp = namespace_of([root.array for root in roots])
    seeds = [seed_of(who, xp, r, g, create_graph) for r, g in zip(roots, given)]
    steps = walk_values if xp is values else walk
    now = context.now
    if type(now) is Guarded:  # the call may stand in a generator's block
        with enable_grad() if create_graph else no_grad(), xp.quiet():
            yield steps(roots, seeds, free=free)
        return
    before, now.recording = now.recording, create_graph
    try:
        with xp.quiet():
            yield steps(roots, seeds, free=free)
    finally:
        now.recording = before


def seed_of(
    who: str, xp: Any, root: Recorded, gradient: Any, create_graph: bool
) -> Any:
    """∂L/∂root: 1 for a scalar, else the given gradient; a Tensor if recorded."""
    array = root.array
    if not root._requires_grad:
        raise RuntimeError(
            f"{who}: this tensor has no graph; nothing it was made from requires a "
            "gradient, or it was made under no_grad(), or by a program of write or "
            "compile"
        )
    if create_graph and isinstance(array, ValueArray):
        raise RuntimeError(
            f"{who}: the scalar backend has first derivatives only; create_graph needs "
            "the backend 'python' or 'numpy'"
        )
    if gradient is None:
        if prod(array.shape) != 1:
            raise RuntimeError(
                f"{who}: shape {array.shape} given, and only a scalar has a gradient; "
                f"reduce it to one (sum(), mean()), or pass {GIVEN[who]}=, ∂L/∂self of "
                "that shape"
            )
        dtype = dtype_name(array.dtype)
        one = xp.full(array.shape, 1.0, dtype)
        return make(one) if create_graph else one
    if not isinstance(gradient, Recorded):
        raise TypeError(
            f"{who}: the gradient given is a {type(gradient).__name__}; it must be a "
            "Tensor"
        )
    if gradient.shape != root.shape:
        raise ValueError(
            f"{who}: a gradient of shape {gradient.shape} given for a tensor of shape "
            f"{root.shape}; they must be equal"
        )
    if gradient.dtype != root.dtype:
        gradient = apply(movement.astype, gradient, dtype=root.dtype)
    return gradient if create_graph else gradient.array


def walk_values(
    roots: Sequence[Recorded], seeds: Sequence[Any], *, free: bool
) -> Iterator[tuple[Recorded, Any, Shares]]:
    """As `walk`, but by the Values' own backward: no rule's vjp is called.

    Every number's gradient is ∂(Σ roots · seeds)/∂number; a tensor's is that of its
    numbers, 0 for those that had no part in the roots.
    """
    order = topological_order(roots)
    total = Value(0.0)
    for root, seed in zip(roots, seeds):
        for v, weight in zip(root.array.data, seed.data):
            total = total + v * weight
    used = {node: {id(node.array): node.array} for node in order}
    for node in order:  # a leaf may have been given new numbers since it was used
        for x, array, needed in zip(
            node._inputs or (), node._arrays or (), node._needs
        ):
            if needed:
                used[x][id(array)] = array
    found: dict[Recorded, list[Any]] = {}
    with adding:  # the Values keep the sums, one walk at a time
        for arrays in used.values():
            for array in arrays.values():
                for v in array.data:
                    if isinstance(v, Value):
                        v.grad = 0.0  # backward adds to a leaf's gradient
        total.backward()
        for node in order:
            found[node] = [0.0] * node.size
            for array in used[node].values():
                grads = (v.grad if isinstance(v, Value) else 0.0 for v in array.data)
                found[node] = list(map(add, found[node], grads))
    for node in order:
        yield node, ValueArray(found[node], node.shape), []
        if free:
            release(node)
