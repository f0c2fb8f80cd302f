"""Indexing: x[...] with ints, slices, None, ..., masks, and arrays of integers.

A basic index (ints, slices, None, ...) is a slice with a rule of its own, `getslice`
in rules/movement.py. Everything else is done with one idea: **index the positions**.
Let p be the array 0, 1, 2, ... in the shape of x. p[key], whatever the key, says for
every element of x[key] where in x it lies. Then x[key] is `take` from the flattened x,
and the gradient is `take`'s: what was taken twice receives both.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x[x > 1.5]                             # positions 1, 2, 3
    Tensor([2.0, 3.0, 4.0], float64)
    >>> x[[1, 0], [0, 0]]                      # positions 2, 0
    Tensor([3.0, 1.0], float64)
"""

from __future__ import annotations

from typing import Any

from ..arrays import shapes
from ..arrays.array import Array
from ..arrays.backends import current_backend
from ..autograd.recording import Recorded, apply, make_here
from ..context import context
from ..errors import check_number
from ..rules import comparisons, movement
from .elementwise import where
from .movement import broadcast_to, reshape
from .operands import Tensor, axis_of, check, constant, home, whole_numbers
from .places import (
    LISTS,
    array_of,
    as_inputs,
    is_array,
    is_mask,
    positions,
    refuse_two_meanings,
)
from .spelling import named

__all__ = [
    "gather",
    "one_hot",
    "take_along_axis",
]


def getitem(x: Tensor, key: Any) -> Tensor:
    """x[key].

    Raises:
        IndexError: an index is out of range, or there are too many.
        TypeError: an index is no int, slice, None, ..., mask or array of integers.

    >>> getitem(Tensor([[1, 2], [3, 4]]), (slice(None), -1))
    Tensor([2, 4], int64)
    """
    keys = key if isinstance(key, tuple) else (key,)
    if any(is_array(k) for k in keys):
        return apply(movement.take, reshape(x, x.size), index_of(x, keys))
    bounds, shape = check("indexing", shapes.basic_index, key, x.shape)
    z = apply(movement.getslice, x, bounds=bounds)
    return z if z.array.shape == shape else reshape(z, shape)


def index_of(x: Tensor, keys: tuple[Any, ...]) -> Any:
    """The positions in the flattened x of what keys with arrays pick, as a Tensor."""
    now = context.now
    keys = tuple(array_of(k) if isinstance(k, LISTS) else k for k in keys)
    if any(is_mask(k) and not getattr(k, "ndim", 0) for k in keys):
        raise IndexError("indexing: a single bool among keys; a mask needs an axis")
    check("indexing", refuse_two_meanings, keys, x.ndim)
    tensors = [k for k in keys if isinstance(k, Recorded)]
    masks = [k for k in tensors if is_mask(k)]
    if masks and now.writer is not None:
        raise TypeError(
            "indexing: a mask picks as many elements as it has True, which only a run "
            "will know, and a program has fixed shapes; keep the shape, with "
            "where(mask, x, 0.0)"
        )
    watched = now.writer is not None or (now.recording and now.tracing)
    if watched and len(tensors) > len(masks):  # a program finds them at each run
        arrays, settings = check("indexing", as_inputs, x.shape, keys)
        inputs = (constant("indexing", a, x) for a in arrays)
        return apply(comparisons.indexing, *inputs, **settings)
    xp = home(x)
    plain = tuple(k.array if isinstance(k, Recorded) else k for k in keys)
    index = xp.positions(x.shape, plain) if hasattr(xp, "positions") else None
    if index is None:
        flat, shape = check("indexing", positions, x.shape, keys)
        index = xp.reshape(xp.asarray(flat, "int64"), shape)
    t = make_here(index)
    if masks:
        t._params = {"frozen": "an index by a mask"}
    return t


@named()
def take_along_axis(x: Tensor, indices: Any, axis: int = -1) -> Tensor:
    """For each place of `indices`, the element of x at that index along the axis. Off
    it the two broadcast; an index may count from the end.

    >>> take_along_axis(Tensor([[1.0, 2.0], [3.0, 4.0]]), [[1], [0]], 1)
    Tensor([[2.0],
            [3.0]], float64)
    """
    who = "take_along_axis"
    at = axis_of(who, x, axis)
    t = _indices(who, x, indices)
    if t.dtype == "int64":
        n = x.shape[at]
        t = where((t < 0) * (t >= -n), t + n, t)
    own, given = (s[:at] + (1,) + s[at + 1 :] for s in (x.shape, t.shape))
    off = check(who, shapes.broadcast_shapes, own, given)
    x, t = (
        broadcast_to(v, off[:at] + v.shape[at : at + 1] + off[at + 1 :]) for v in (x, t)
    )
    return _along(who, x, t, at)


@named()
def gather(x: Tensor, axis: int, index: Any) -> Tensor:
    """`take_along_axis` with PyTorch's name and order; `index` may be smaller than x.

    >>> gather(Tensor([[1.0, 2.0], [3.0, 4.0]]), 1, [[1], [0]])
    Tensor([[2.0],
            [3.0]], float64)
    """
    return _along("gather", x, index, axis)


def one_hot(indices: Any, num_classes: int = -1) -> Any:
    """(*I) integers → (*I, C): 1 at the index, 0 elsewhere.

    Args:
        num_classes: C; by default the largest index + 1.

    >>> one_hot(Tensor([0, 2]), 3)
    Tensor([[1, 0, 0],
            [0, 0, 1]], int64)
    """
    check_number("one_hot", "num_classes", num_classes, -1, whole=True)
    if num_classes == 0:
        raise ValueError("one_hot: num_classes=0 given; there must be a class")
    t = indices
    if not isinstance(t, Recorded):
        t = make_here(check("one_hot", current_backend().xp.asarray, indices))
    if num_classes == -1 and context.now.writer is not None:
        raise ValueError(
            "one_hot: a program has fixed shapes, and the largest index would tell how "
            "many classes there are; give num_classes"
        )
    if num_classes == -1 and t.size and t.dtype == "int64":
        num_classes = max(reshape(t, -1).array.tolist()) + 1
    t = whole_numbers("one_hot", t, t, max(num_classes, 0), "class")
    return apply(comparisons.one_hot, t, classes=int(num_classes), dtype="int64")


def _along(who: str, x: Tensor, indices: Any, axis: int) -> Tensor:
    at = axis_of(who, x, axis)
    t = _indices(who, x, indices)
    t = whole_numbers(who, t, x, x.shape[at], "index")
    for a, (size, own) in enumerate(zip(t.shape, x.shape)):
        if a != at and size > own:
            raise ValueError(
                f"{who}: indices of shape {t.shape} given for x of shape {x.shape}; "
                f"off axis {axis} they must not be larger"
            )
    key: list[Any] = []
    for a, size in enumerate(t.shape):
        counted = Array(
            list(range(size)),
            tuple(size if b == a else 1 for b in range(t.ndim)),
            "int64",
        )
        key.append(t if a == at else counted)
    return getitem(x, tuple(key))


def _indices(who: str, x: Tensor, indices: Any) -> Tensor:
    """The indices as a Tensor with as many axes as x."""
    t = constant(who, indices, x)
    if t is None or t.ndim != x.ndim:
        given = type(indices).__name__ if t is None else f"shape {t.shape}"
        raise ValueError(
            f"{who}: indices of {given} given for x of shape {x.shape}; they must have "
            "as many axes"
        )
    return t
