"""Indexing: x[...] with ints, slices, None, ..., masks, and arrays of integers.

A basic index (ints, slices, None, ...) is a slice with a rule of its own
(`movement.getslice`). Everything else is done with one idea: **index the positions**.
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

from .. import ops
from ..arrays import shapes
from ..arrays.array import Array
from ..arrays.backends import namespace_of
from ..autograd.recording import apply, checked, constant, whole_numbers
from ..errors import check_number, named
from ..rules import movement
from ..tensor import Tensor, make

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
    for k in keys:
        if isinstance(k, list):
            checked("indexing", Tensor, k)
    if any(_is_array(k) for k in keys):
        if any(_is_mask(k) and not isinstance(k, list) and not _ndim(k) for k in keys):
            raise IndexError("indexing: a single bool among keys; a mask needs an axis")
        xp = namespace_of([x.data])
        arrays = tuple(k.data if isinstance(k, Tensor) else k for k in keys)
        index = xp.positions(x.shape, arrays) if hasattr(xp, "positions") else None
        if index is None:
            flat, shape = checked("indexing", positions, x.shape, keys, x)
            index = xp.reshape(xp.asarray(flat, "int64"), shape)
        return apply(movement.take, x.reshape(x.size), make(index))
    bounds, shape = checked("indexing", shapes.basic_index, key, x.shape)
    z = apply(movement.getslice, x, bounds=bounds)
    return z if z.shape == shape else ops.reshape(z, shape)


def positions(
    shape: shapes.Shape, keys: tuple[Any, ...], like: Tensor
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
        for integers in _integers(k, shape[axis:], like):
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
        spread = _spread(integers, picked)
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


@named
def take_along_axis(x: Tensor, indices: Any, axis: int = -1) -> Tensor:
    """For each place of `indices`, the element of x at that index along the axis. Off
    it the two broadcast; an index may count from the end.

    >>> take_along_axis(Tensor([[1.0, 2.0], [3.0, 4.0]]), [[1], [0]], 1)
    Tensor([[2.0],
            [3.0]], float64)
    """
    who = "take_along_axis"
    at = checked(who, shapes.one_axis, axis, x.ndim)
    t = _indices(who, x, indices)
    if t.dtype == "int64":
        n = x.shape[at]
        t = ops.where((t < 0) * (t >= -n), t + n, t)
    own, given = (s[:at] + (1,) + s[at + 1 :] for s in (x.shape, t.shape))
    off = checked(who, shapes.broadcast_shapes, own, given)
    x, t = (
        ops.broadcast_to(v, off[:at] + v.shape[at : at + 1] + off[at + 1 :])
        for v in (x, t)
    )
    return _along(who, x, t, at)


@named
def gather(x: Tensor, axis: int, index: Any) -> Tensor:
    """`take_along_axis` with PyTorch's name and order; `index` may be smaller than x.

    >>> gather(Tensor([[1.0, 2.0], [3.0, 4.0]]), 1, [[1], [0]])
    Tensor([[2.0],
            [3.0]], float64)
    """
    return _along("gather", x, index, axis)


@named
def one_hot(indices: Any, num_classes: int = -1) -> Tensor:
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
    t = indices if isinstance(indices, Tensor) else Tensor(indices)
    if num_classes == -1 and t.size and t.dtype == "int64":
        num_classes = max(t.reshape(-1).tolist()) + 1
    t = whole_numbers("one_hot", t, t, max(num_classes, 0), "class")
    xp = namespace_of([t.data])
    hot = xp.reshape(t.data, (*t.shape, 1)) == xp.arange(0, num_classes)
    return make(xp.astype(hot, "int64"))


def _along(who: str, x: Tensor, indices: Any, axis: int) -> Tensor:
    at = checked(who, shapes.one_axis, axis, x.ndim)
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
    t: Tensor | None = checked(who, constant, indices, x)
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
    return isinstance(k, (Tensor, Array, list, bool)) or bool(getattr(k, "ndim", 0))


def _picks(k: Any) -> bool:
    """Whether a key beside arrays picks elements: an array, or an int."""
    return not (k is None or k is Ellipsis or isinstance(k, slice))


def _ndim(k: Any) -> int:
    return int(getattr(k, "ndim", 0))


def _without_ellipsis(keys: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """The keys with ... written out, and full slices for the axes not named."""
    named = 0
    for k in keys:
        mask_axes = (Tensor(k) if isinstance(k, list) else k).ndim if _is_mask(k) else 1
        named += 0 if k is None or k is Ellipsis else mask_axes
    dots = [at for at, k in enumerate(keys) if k is Ellipsis]
    if len(dots) > 1 or named > ndim:
        raise IndexError(
            f"{named} axes are indexed of {ndim}; at most {ndim} and one ... can be"
        )
    at = dots[0] if dots else len(keys)
    return (*keys[:at], *[slice(None)] * (ndim - named), *keys[at + len(dots) :])


def _is_mask(k: Any) -> bool:
    if isinstance(k, list):
        return Tensor(k).dtype == "bool"
    return isinstance(k, bool) or str(getattr(k, "dtype", "")) == "bool"


def _integers(k: Any, sizes: shapes.Shape, like: Tensor) -> list[Array]:
    """The integer arrays that a key stands for; a mask stands for one for each axis."""
    t = Tensor(k) if isinstance(k, (list, bool)) else k
    data = t.data if isinstance(t, Tensor) else t
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
    empty_list = isinstance(k, list) and not flat
    if not dtype.startswith(("int", "uint")) and not empty_list:
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


def _spread(integers: Array, shape: shapes.Shape) -> list[int]:
    """The integers broadcast to a shape, flat."""
    from ..arrays.array import broadcast

    return broadcast(integers, shape)


def _walk(axes: list[tuple[range | None, int]]) -> list[int]:
    """The offsets that slices (and None) reach, the last axis fastest."""
    offsets = [0]
    for run, stride in axes:
        if run is not None:
            offsets = [o + i * stride for o in offsets for i in run]
    return offsets
