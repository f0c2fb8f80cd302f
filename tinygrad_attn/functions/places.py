"""Places: which elements of x the keys of x[...] pick, if there are arrays among them.

As in NumPy: masks stand for the integers where they are true; integer arrays broadcast
together, and what they pick takes their place among the axes (the front, if other keys
stand between them). Where PyTorch means something else, the keys are refused.
"""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

from ..arrays import shapes
from ..arrays.array import Array, asarray, broadcast
from ..autograd.recording import Recorded
from ..errors import no_room
from .operands import check

Run = tuple[
    int, int, int
]  # where in the flattened x it begins, how many, how far apart


LISTS = (list, tuple, range)


class Places(NamedTuple):
    """What keys pick.

    Attributes:
        arrays: (axis, integers) for each axis that an array indexes; they broadcast.
        front, back: the axes left to slices and None, before and after those of the
            arrays.
    """

    arrays: list[tuple[int, Any]]
    front: list[Run]
    back: list[Run]


def places_of(shape: shapes.Shape, keys: tuple[Any, ...]) -> Places:
    """What keys pick of an array of this shape. Tensors of integers stay what they are,
    and are not looked at."""
    basic: list[Any] = []  # the key with a full slice for every axis an array indexes
    arrays: list[tuple[int, Any]] = []  # which axis of x, and which integers
    places: list[int] = []  # where among the keys they stand
    picking = [at for at, k in enumerate(keys) if picks(k)]
    together = picking[-1] - picking[0] == len(picking) - 1  # nothing between them
    keys = without_ellipsis(keys, len(shape))
    axis = 0
    for k in keys:
        if not is_array(k):
            basic.append(k)
            axis += k is not None
            continue
        for integers in integers_of(k, shape[axis:]):
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
        check_range(integers, axis, shape[axis])
    bounds, _ = shapes.basic_index(tuple(basic), shape)
    strides = shapes.strides_of(shape)
    # the axes left to slices and None, before and after the place of the picked ones
    split = min(places) if together else 0
    indexed = {axis for axis, _ in arrays}
    front: list[Run] = []
    back: list[Run] = []
    axis = 0
    for at, k in enumerate(basic):
        side = front if at < split else back
        if k is None:
            side.append((0, 1, 0))
            continue
        if axis not in indexed:
            start, stop, step = bounds[axis]
            run = range(*slice(start, stop, step).indices(shape[axis]))
            side.append((run.start * strides[axis], len(run), step * strides[axis]))
        axis += 1
    return Places(arrays, front, back)


def positions(
    shape: shapes.Shape, keys: tuple[Any, ...]
) -> tuple[list[int], shapes.Shape]:
    """For every element of x[keys], its position in the flattened x; and their
    shape."""
    keys = tuple(k.array if isinstance(k, Recorded) else k for k in keys)
    arrays, front, back = places_of(shape, keys)
    picked = shapes.broadcast_shapes(*(integers.shape for _, integers in arrays))
    strides = shapes.strides_of(shape)
    offsets = [0] * len(shapes.flat_index(picked, (0,) * len(picked)))
    for axis, integers in arrays:
        spread = broadcast(integers, picked)
        offsets = [o + i % shape[axis] * strides[axis] for o, i in zip(offsets, spread)]
    flat = [a + o + b for a in walk(front) for o in offsets for b in walk(back)]
    sizes = [tuple(count for _, count, _ in side) for side in (front, back)]
    return flat, (*sizes[0], *picked, *sizes[1])


def as_inputs(
    shape: shapes.Shape, keys: tuple[Any, ...]
) -> tuple[list[Any], dict[str, Any]]:
    """The same for the operation `indexing` (rules/comparisons.py): its inputs, and
    its settings."""
    arrays, front, back = places_of(shape, keys)
    shapes.broadcast_shapes(*(integers.shape for _, integers in arrays))
    strides = shapes.strides_of(shape)
    picks = tuple((axis, shape[axis], strides[axis]) for axis, _ in arrays)
    settings = {"picks": picks, "front": tuple(front), "back": tuple(back)}
    return [integers for _, integers in arrays], settings


def is_array(k: Any) -> bool:
    """Whether a key is a mask or an array of integers: a Tensor, an array, a list, or a
    bool (a mask without an axis)."""
    if isinstance(k, (Recorded, Array, bool, *LISTS)):
        return True
    return bool(getattr(k, "ndim", 0))


def array_of(k: Any) -> Array:
    """A key that is a list, as an array; an empty one is of integers. (A tuple among
    keys and a range are lists, too.)"""
    try:
        array: Array = check("indexing", asarray, list(k))
    except MemoryError as error:
        raise no_room("indexing", k) from error
    return array if array.size else Array([], array.shape, "int64")


def picks(k: Any) -> bool:
    """Whether a key beside arrays picks elements: an array, or an int."""
    return not (k is None or k is Ellipsis or isinstance(k, slice))


def refuse_two_meanings(keys: tuple[Any, ...], ndim: int) -> None:
    """Refuses x[0, :, [1, 2]]: an int, and an array elsewhere. To NumPy the int is an
    array too, so they stand apart, and (2, ...) comes out. PyTorch takes x[0] first, in
    which the array stands alone: (..., 2)."""
    picking = [at for at, k in enumerate(keys) if picks(k)]
    if picking[-1] - picking[0] == len(picking) - 1:
        return
    keys = without_ellipsis(keys, ndim)
    rest = [k for k in keys if not picks(k) or (is_array(k) and k.ndim)]
    arrays = [at for at, k in enumerate(rest) if picks(k)]
    alone = bool(arrays) and arrays[-1] - arrays[0] == len(arrays) - 1
    if len(rest) < len(keys) and alone and arrays[0] > 0:
        raise IndexError(
            "an int and an array stand apart: the array's axis would come first in "
            "NumPy and stay in its place in PyTorch; index twice, x[0][:, [1, 2]] for "
            "x[0, :, [1, 2]], to leave it there"
        )


def without_ellipsis(keys: tuple[Any, ...], ndim: int) -> tuple[Any, ...]:
    """The keys with ... written out, and full slices for the axes not named."""
    named = 0
    for k in keys:
        mask_axes = k.ndim if is_mask(k) else 1
        named += 0 if k is None or k is Ellipsis else mask_axes
    dots = [at for at, k in enumerate(keys) if k is Ellipsis]
    if len(dots) > 1 or named > ndim:
        raise IndexError(
            f"{named} axes are indexed of {ndim}; at most {ndim} and one ... can be"
        )
    at = dots[0] if dots else len(keys)
    return (*keys[:at], *[slice(None)] * (ndim - named), *keys[at + len(dots) :])


def is_mask(k: Any) -> bool:
    return isinstance(k, bool) or str(getattr(k, "dtype", "")) == "bool"


def integers_of(k: Any, sizes: shapes.Shape) -> list[Any]:
    """The integer arrays that a key stands for; a mask stands for one for each axis."""
    dtype = str(k.dtype)
    if isinstance(k, Recorded) and dtype == "int64":
        return [k]
    data = k.array if isinstance(k, Recorded) else k
    flat = numbers = data.tolist()
    shape = tuple(data.shape)
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


def check_range(integers: Any, axis: int, size: int) -> None:
    """Refuses a number out of range. (A Tensor's are checked by the operation.)"""
    for i in () if isinstance(integers, Recorded) else integers.data:
        if not -size <= i < size:
            raise IndexError(
                f"index {i} is out of range for axis {axis} of size {size}; allowed is "
                f"{-size}..{size - 1}"
            )


def walk(runs: list[Run]) -> list[int]:
    """The offsets that slices (and None) reach, the last axis fastest."""
    offsets = [0]
    for start, count, step in runs:
        offsets = [o + start + i * step for o in offsets for i in range(count)]
    return offsets
