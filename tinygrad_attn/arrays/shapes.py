"""Shape arithmetic: which shape comes out, or one sentence that says why none can.

Every namespace follows the same rules (those of NumPy and of the Python array API
standard), so they stand here once. A shape is a tuple of sizes; axes count from 0,
negative ones from the end.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

from ..errors import say

LARGEST = 2**60  # numbers: 8 bytes of each are all that 64 bits can address
Shape = tuple[int, ...]
Bounds = tuple[tuple[int, "int | None", int], ...]


@lru_cache(maxsize=4096)
def broadcast_shapes(*shapes: Shape) -> Shape:
    """The shape that all `shapes` broadcast to: sizes are equal or 1, from the right.

    >>> broadcast_shapes((4, 1), (3,))
    (4, 3)
    """
    ndim = max(map(len, shapes))
    padded = [(1,) * (ndim - len(shape)) + shape for shape in shapes]
    result = []
    for axis, sizes in enumerate(zip(*padded)):
        distinct = {size for size in sizes if size != 1}
        if len(distinct) > 1:
            given = " and ".join(map(str, shapes))
            raise ValueError(
                f"shapes {given} do not broadcast: axis {axis - ndim} has sizes "
                f"{' and '.join(map(str, sorted(distinct)))}; they must be equal or 1"
            )
        result.append(distinct.pop() if distinct else 1)
    return tuple(result)


@lru_cache(maxsize=4096)
def repeated_axes(shape: Shape, new: Shape) -> tuple[int, ...]:
    """The axes of `new` along which an array of `shape` is repeated, to be broadcast
    to it.

    >>> repeated_axes((3, 1), (2, 3, 4))
    (0, 2)
    """
    if broadcast_shapes(shape, new) != new:
        raise ValueError(f"shape {shape} does not broadcast to {new}")
    padded = (1,) * (len(new) - len(shape)) + shape
    return tuple(a for a, (n, m) in enumerate(zip(padded, new)) if n == 1 and m != 1)


@lru_cache(maxsize=4096)
def matmul_shape(x: Shape, y: Shape) -> Shape:
    """(..., n, k) @ (..., k, m) → (..., n, m); the leading axes broadcast.

    A vector (k,) counts as a row on the left, as a column on the right, and its axis of
    size 1 is dropped from the result.
    """
    if not x or not y:
        raise ValueError(f"shapes {x} and {y} given; each needs an axis to contract")
    inner = y[-2] if len(y) > 1 else y[0]
    if x[-1] != inner:
        raise ValueError(
            f"shapes {x} and {y} do not contract: the last axis of the first has size "
            f"{x[-1]}, the last but one (or only) axis of the second {inner}; they "
            "must be equal"
        )
    rows, columns = x[-2:-1], y[-1:] if len(y) > 1 else ()
    return broadcast_shapes(x[:-2], y[:-2]) + rows + columns


def integer(given: Any, what: str = "size") -> int:
    """An integer of any kind as Python's."""
    try:
        return operator.index(given)
    except TypeError:
        kind = type(given).__name__
        raise TypeError(
            f"{what} {say(given)}, a {kind}, given; it must be an integer"
        ) from None


def integers(given: Sequence[Any]) -> Shape:
    """Sizes as Python's integers."""
    try:
        sizes = tuple(map(operator.index, given))
    except TypeError:
        return tuple(map(integer, given))  # which says what is none
    if sizes and max(sizes) >= LARGEST:
        raise ValueError(
            f"size {say(max(sizes))} given; no array has as many numbers, 2**60 or more"
        )
    return sizes


def one_axis(axis: int, ndim: int) -> int:
    """`axis` counted from the front, or IndexError."""
    if type(axis) is int and -ndim <= axis < ndim:
        return axis % ndim  # the usual
    position = integer(axis, "axis")
    if not -ndim <= position < ndim:
        allowed = f"{-ndim}..{ndim - 1}" if ndim else "none, for a single number"
        raise IndexError(
            f"axis {say(axis)} given for {ndim} axes; allowed is {allowed}"
        )
    return position % ndim


def some_axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """`axis` (an int, several, or None for all) as a sorted tuple from the front."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple(sorted(one_axis(a, ndim) for a in given))
    if len(set(axes)) < len(axes):
        raise ValueError(f"axis {say(axis)} names an axis twice")
    return axes


@lru_cache(maxsize=4096)
def reduced_shape(shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Shape:
    """`shape` once `axes` are summed away (kept with size 1 if `keepdims`)."""
    if keepdims:
        return tuple(1 if a in axes else size for a, size in enumerate(shape))
    return tuple(size for a, size in enumerate(shape) if a not in axes)


@lru_cache(maxsize=4096, typed=True)
def reduction(
    shape: Shape, axis: int | tuple[int, ...] | None, keepdims: bool
) -> tuple[tuple[int, ...], tuple[int, ...], int, Shape]:
    """What a reduction needs: the axes that go and those that stay, how many numbers
    are reduced to one, and the result's shape.

    >>> reduction((2, 3, 4), -1, False)
    ((2,), (0, 1), 4, (2, 3))
    """
    axes = some_axes(axis, len(shape))
    kept = tuple(a for a in range(len(shape)) if a not in axes)
    length = prod(shape[a] for a in axes)
    return axes, kept, length, reduced_shape(shape, axes, keepdims)


def fill_in(shape: Shape, new: Sequence[int]) -> Shape:
    """`new` with its one -1 filled in; the number of elements must stay the same."""
    return _filled_in(shape, integers(new))


@lru_cache(maxsize=4096)
def _filled_in(shape: Shape, new: Shape) -> Shape:
    unknown, known = new.count(-1), prod(size for size in new if size != -1)
    if unknown == 1 and known and prod(shape) % known == 0:
        new = tuple(prod(shape) // known if size == -1 else size for size in new)
    if prod(new) != prod(shape) or any(size < 0 for size in new):
        raise ValueError(
            f"shape {shape} has {prod(shape)} elements, which do not fill {new}"
        )
    return new


def permuted_axes(axes: Sequence[int], ndim: int) -> tuple[int, ...]:
    """`axes` from the front; they must name each of the `ndim` axes once."""
    front = tuple([one_axis(a, ndim) for a in axes])
    if sorted(front) != list(range(ndim)):
        raise ValueError(
            f"axes {say(tuple(axes))} given; each of {ndim} must stand once"
        )
    return front


def broadcast_shape(shape: Shape, new: Sequence[int]) -> Shape:
    """`new` as a tuple, if `shape` broadcasts to it."""
    sizes = integers(new)
    if min(sizes, default=0) < 0 or broadcast_shapes(shape, sizes) != sizes:
        raise ValueError(f"shape {shape} does not broadcast to {sizes}")
    return sizes


def concat_shape(shapes: Sequence[Shape], axis: int) -> Shape:
    """The shape of `shapes` laid end to end along `axis` (counted from the front)."""
    first = shapes[0]
    for shape in shapes:
        if shape[:axis] + shape[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            raise ValueError(
                f"shapes {first} and {shape} differ off axis {axis}; only the size "
                "along that axis may"
            )
    return first[:axis] + (sum(s[axis] for s in shapes),) + first[axis + 1 :]


def basic_index(key: Any, shape: Shape) -> tuple[Bounds, Shape]:
    """A basic index (ints, slices, None, ...) as slice bounds for every axis, and the
    shape after the axes of ints are dropped and those of None added.

    >>> basic_index((0, slice(None, None, 2), None), (5, 4))
    (((0, 1, 1), (0, 4, 2)), (2, 1))
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    named = sum(k is not None and k is not Ellipsis for k in keys)
    dots = [at for at, k in enumerate(keys) if k is Ellipsis]
    if len(dots) > 1 or named > len(shape):
        raise IndexError(
            f"index {say(key)} names {named} axes of shape {shape}; at most "
            f"{len(shape)} and one ... can be"
        )
    at = dots[0] if dots else len(keys)
    keys[at : at + 1] = [slice(None)] * (len(shape) - named)
    bounds: list[tuple[int, int | None, int]] = []
    result: list[int] = []
    for k in keys:
        if k is None:
            result.append(1)
            continue
        size = shape[len(bounds)]
        if isinstance(k, slice):
            start, stop, step = k.indices(size)
            result.append(len(range(start, stop, step)))
            nothing = result[-1] == 0
            stop_here = stop if stop >= 0 else None  # -1 would mean the last
            bounds.append((0, 0, 1) if nothing else (start, stop_here, step))
        elif isinstance(k, bool) or not hasattr(k, "__index__"):
            raise TypeError(
                f"index {say(k)} is a {type(k).__name__}; it must be of ints, slices, "
                "None and ..."
            )
        else:
            i = operator.index(k)
            if not -size <= i < size:
                axis = len(bounds)
                raise IndexError(
                    f"index {i} is out of range for axis {axis} of size {size}; "
                    f"allowed is {-size}..{size - 1}"
                )
            bounds.append((i % size, i % size + 1, 1))
    return tuple(bounds), tuple(result)


@lru_cache(maxsize=4096)
def strides_of(shape: Shape) -> Shape:
    """How far apart neighbours along each axis lie in a flat row-major list.

    >>> strides_of((2, 3, 4))
    (12, 4, 1)
    """
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def flat_index(sizes: Shape, strides: Shape, offset: int = 0) -> list[int]:
    """Positions in a flat list as an index runs over `sizes`, last axis fastest.

    Any rearrangement of an array is such a list: a transpose swaps the strides, a
    broadcast axis has stride 0, a reversed one a negative stride.

    >>> flat_index((3, 2), (1, 3))      # the transpose of a 2×3 array
    [0, 3, 1, 4, 2, 5]
    """
    positions = [offset]
    for size, stride in zip(sizes, strides):
        steps = range(0, size * stride, stride) if stride else [0] * size
        positions = [p + s for p in positions for s in steps]
    return positions


def broadcast_strides(shape: Shape, strides: Shape, new: Shape) -> Shape:
    """The strides of an array that is broadcast: 0 along what is repeated.

    >>> broadcast_strides((3, 1), (1, 1), (2, 3, 4))
    (0, 1, 0)
    """
    extra = len(new) - len(shape)
    kept = (
        0 if size == 1 != whole else stride
        for size, stride, whole in zip(shape, strides, new[extra:])
    )
    return (0,) * extra + tuple(kept)


def reshaped_strides(shape: Shape, strides: Shape, new: Shape) -> Shape | None:
    """The strides under which the same numbers have a new shape, in the same order;
    None if there are none, and they have to be copied.

    Axes that lie side by side in memory are one: (4, 6) with strides (6, 1) is 24
    numbers in a row. Such a run can be cut anew, and no axis may belong to two.

    >>> reshaped_strides((4, 6), (6, 1), (2, 2, 6))
    (12, 6, 1)
    >>> reshaped_strides((4, 6), (1, 4), (24,)) is None
    True
    """
    if prod(shape) == 0:
        return strides_of(new)
    old = [(n, s) for n, s in zip(shape, strides) if n != 1]
    runs: list[tuple[int, int]] = []
    for size, stride in old:
        if runs and runs[-1][1] == stride * size:
            runs[-1] = runs[-1][0] * size, stride
        else:
            runs.append((size, stride))
    found: list[int] = []
    left = 1  # how much of a run is not cut yet
    step = 1
    for size in reversed(new):
        if size == 1:
            found.append(step)
            continue
        if left == 1:
            left, step = runs.pop()
        if left % size:
            return None
        found.append(step)
        left, step = left // size, step * size
    return tuple(reversed(found))
