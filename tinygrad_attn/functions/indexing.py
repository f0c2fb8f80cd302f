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

import operator
from typing import Any

from ..arrays import shapes
from ..arrays.array import Array, asarray, broadcast
from ..arrays.backends import current_backend, namespace_of
from ..autograd.recording import Recorded, apply, make
from ..errors import check_number
from ..rules import movement
from .elementwise import where
from .movement import broadcast_to, reshape
from .operands import Tensor, axis_of, check, constant, whole_numbers

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
    if any(_is_array(k) for k in keys):
        keys = tuple(_array_of(k) if isinstance(k, list) else k for k in keys)
        if any(_is_mask(k) and not _ndim(k) for k in keys):
            raise IndexError("indexing: a single bool among keys; a mask needs an axis")
        xp = namespace_of([x.array])
        arrays = tuple(k.array if isinstance(k, Recorded) else k for k in keys)
        index = xp.positions(x.shape, arrays) if hasattr(xp, "positions") else None
        if index is None:
            flat, shape = check("indexing", positions, x.shape, keys)
            index = xp.reshape(xp.asarray(flat, "int64"), shape)
        return apply(movement.take, reshape(x, x.size), make(index))
    bounds, shape = check("indexing", shapes.basic_index, key, x.shape)
    z = apply(movement.getslice, x, bounds=bounds)
    return z if z.array.shape == shape else reshape(z, shape)


def positions(
    shape: shapes.Shape, keys: tuple[Any, ...]
) -> tuple[list[int], shapes.Shape]:
    """For every element of x[keys], its position in the flattened x; and their shape.

    As in NumPy: masks stand for the integers where they are true; integer arrays
    broadcast together, and what they pick takes their place among the axes (the front,
    if other keys stand between them).
    """
    basic: list[Any] = []  # the key with a full slice for every axis an array indexes
    arrays: list[tuple[int, Array]] = []  # which axis of x, and which integers
    places: list[int] = []  # where among the keys they stand
    picking = [at for at, k in enumerate(keys) if _picks(k)]
    together = picking[-1] - picking[0] == len(picking) - 1  # nothing between them
    keys = _without_ellipsis(keys, len(shape))
    axis = 0
    for k in keys:
        if not _is_array(k):
            basic.append(k)
            axis += k is not None
            continue
        for integers in _integers(k, shape[axis:]):
            places.append(len(basic))
            basic.append(slice(None))
            arrays.append((axis, integers))
            axis += 1
    # ints beside arrays are arrays of one number
    for at, k in enumerate(basic):
        if k is not None and not isinstance(k, slice):
            number = Array([operator.index(k)], (), "int64")
            arrays.append((sum(b is not None for b in basic[:at]), number))
            places.append(at)
            basic[at] = slice(None)
    for axis, integers in arrays:
        _check_range(integers, axis, shape[axis])
    bounds, _ = shapes.basic_index(tuple(basic), shape)
    picked = shapes.broadcast_shapes(*(integers.shape for _, integers in arrays))
    strides = shapes.strides_of(shape)
    offsets = [0] * len(shapes.flat_index(picked, (0,) * len(picked)))
    for axis, integers in arrays:
        spread = broadcast(integers, picked)
        offsets = [o + i % shape[axis] * strides[axis] for o, i in zip(offsets, spread)]
    # the axes left to slices and None, before and after the place of the picked ones
    split = min(places) if together else 0
    indexed = {axis for axis, _ in arrays}
    front: list[tuple[range | None, int]] = []
    back: list[tuple[range | None, int]] = []
    axis = 0
    for at, k in enumerate(basic):
        side = front if at < split else back
        if k is None:
            side.append((None, 0))
            continue
        if axis not in indexed:
            start, stop, step = bounds[axis]
            run = range(*slice(start, stop, step).indices(shape[axis]))
            side.append((run, strides[axis]))
        axis += 1
    flat = [a + o + b for a in _walk(front) for o in offsets for b in _walk(back)]
    sizes = [
        [1 if run is None else len(run) for run, _ in side] for side in (front, back)
    ]
    return flat, (*sizes[0], *picked, *sizes[1])


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
        t = make(check("one_hot", current_backend().xp.asarray, indices))
    if num_classes == -1 and t.size and t.dtype == "int64":
        num_classes = max(reshape(t, -1).array.tolist()) + 1
    t = whole_numbers("one_hot", t, t, max(num_classes, 0), "class")
    xp = namespace_of([t.array])
    hot = xp.reshape(t.array, (*t.shape, 1)) == xp.arange(0, num_classes)
    return make(xp.astype(hot, "int64"))


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


def _is_array(k: Any) -> bool:
    """Whether a key is a mask or an array of integers: a Tensor, an array, a list, or a
    bool (a mask without an axis)."""
    return isinstance(k, (Recorded, Array, list, bool)) or bool(getattr(k, "ndim", 0))


def _array_of(k: list[Any]) -> Array:
    """A key that is a list, as an array; an empty one is of integers."""
    array: Array = check("indexing", asarray, k)
    return array if array.size else Array([], array.shape, "int64")


def _picks(k: Any) -> bool:
    """Whether a key beside arrays picks elements: an array, or an int."""
    return not (k is None or k is Ellipsis or isinstance(k, slice))


def _ndim(k: Any) -> int:
    return int(getattr(k, "ndim", 0))


def _without_ellipsis(keys: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """The keys with ... written out, and full slices for the axes not named."""
    named = 0
    for k in keys:
        mask_axes = k.ndim if _is_mask(k) else 1
        named += 0 if k is None or k is Ellipsis else mask_axes
    dots = [at for at, k in enumerate(keys) if k is Ellipsis]
    if len(dots) > 1 or named > ndim:
        raise IndexError(
            f"{named} axes are indexed of {ndim}; at most {ndim} and one ... can be"
        )
    at = dots[0] if dots else len(keys)
    return (*keys[:at], *[slice(None)] * (ndim - named), *keys[at + len(dots) :])


def _is_mask(k: Any) -> bool:
    return isinstance(k, bool) or str(getattr(k, "dtype", "")) == "bool"


def _integers(k: Any, sizes: shapes.Shape) -> list[Array]:
    """The integer arrays that a key stands for; a mask stands for one for each axis."""
    data = k.array if isinstance(k, Recorded) else k
    numbers = data.tolist()
    dtype = str(data.dtype)
    shape = tuple(data.shape)
    flat = numbers
    for _ in range(len(shape) - 1):
        flat = [v for row in flat for v in row]
    flat = flat if shape else [numbers]
    if dtype == "bool":
        if shape != sizes[: len(shape)] or not shape:
            raise IndexError(
                f"a mask of shape {shape} given for axes of sizes "
                f"{sizes[: len(shape)]}; they must be equal"
            )
        where = [i for i, v in enumerate(flat) if v]
        strides = shapes.strides_of(shape)
        return [
            Array([i // step % size for i in where], (len(where),), "int64")
            for step, size in zip(strides, shape)
        ]
    if not dtype.startswith(("int", "uint")):
        raise TypeError(
            f"an index array of {dtype} given; it must be of integers or bools"
        )
    return [Array(flat, shape, "int64")]


def _check_range(integers: Array, axis: int, size: int) -> None:
    for i in integers.data:
        if not -size <= i < size:
            raise IndexError(
                f"index {i} is out of range for axis {axis} of size {size}; allowed is "
                f"{-size}..{size - 1}"
            )


def _walk(axes: list[tuple[range | None, int]]) -> list[int]:
    """The offsets that slices (and None) reach, the last axis fastest."""
    offsets = [0]
    for run, stride in axes:
        if run is not None:
            offsets = [o + i * stride for o in offsets for i in run]
    return offsets
