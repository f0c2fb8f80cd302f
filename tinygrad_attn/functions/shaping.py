"""The same numbers in another shape: composed of reshapes, permutations, slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..arrays.shapes import broadcast_shape, integer, one_axis, reduced_shape
from ..autograd.recording import apply, make_here
from ..errors import check_number, counted, say
from ..rules import movement
from .elementwise import where
from .indexing import getitem
from .movement import (
    broadcast_to,
    concat,
    place,
    reshape,
    several_tensors,
    spell,
)
from .operands import Tensor, axes_of, axis_of, check, home, tensor
from .spelling import named

__all__ = [
    "chunk",
    "expand",
    "flatten",
    "matrix_transpose",
    "pad",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "transpose",
    "tril",
    "triu",
    "unsqueeze",
]


@named()
def transpose(x: Tensor, axis0: int, axis1: int) -> Tensor:
    """x with two axes exchanged.

    >>> transpose(Tensor([[[1, 2, 3]]]), 0, 2).shape
    (3, 1, 1)
    """
    a, b = axis_of("transpose", x, axis0), axis_of("transpose", x, axis1)
    axes = list(range(x.ndim))
    axes[a], axes[b] = b, a
    return apply(movement.permute_dims, x, axes=tuple(axes))


@named()
def swapaxes(x: Tensor, axis0: int, axis1: int) -> Tensor:
    """x with two axes exchanged: `transpose` under NumPy's name.

    >>> swapaxes(Tensor([[1, 2, 3]]), 0, 1).shape
    (3, 1)
    """
    a, b = axis_of("swapaxes", x, axis0), axis_of("swapaxes", x, axis1)
    return transpose(x, a, b)


def matrix_transpose(x: Tensor) -> Tensor:
    """x with its last two axes exchanged: every matrix of a batch transposed.

    >>> matrix_transpose(Tensor([[[1, 2, 3]]])).shape
    (1, 3, 1)
    """
    if tensor("matrix_transpose", x).ndim < 2:
        raise ValueError(f"matrix_transpose: shape {x.shape} given; it needs two axes")
    return transpose(x, -1, -2)


@named()
def squeeze(x: Tensor, axis: int | Sequence[int] | None = None) -> Tensor:
    """x without an axis of size 1, several, or all (None). An axis of another size
    stays as it is, as in PyTorch.

    >>> squeeze(Tensor([[[1, 2]]]), 0).shape
    (1, 2)
    """
    axes = axes_of("squeeze", x, axis)
    gone = tuple(a for a in axes if x.shape[a] == 1)
    return reshape(x, reduced_shape(x.shape, gone, False))


@named()
def unsqueeze(x: Tensor, axis: int) -> Tensor:
    """x with a new axis of size 1, which will be axis `axis` of the result.

    >>> unsqueeze(Tensor([1, 2]), -1).shape
    (2, 1)
    """
    at = check("unsqueeze", one_axis, axis, tensor("unsqueeze", x).ndim + 1)
    return reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


def expand(x: Tensor, *sizes: Any) -> Tensor:
    """x repeated along axes of size 1 up to these sizes; -1 leaves a size as it is.

    >>> expand(Tensor([[1], [2]]), -1, 2)
    Tensor([[1, 1],
            [2, 2]], int64)
    """
    new = check("expand", whole_sizes, spell("expand", sizes))
    extra = len(new) - tensor("expand", x).ndim
    own = (-1,) * extra + x.shape
    full = tuple(o if s == -1 else s for s, o in zip(new, own))
    if extra < 0 or -1 in full:
        raise ValueError(
            f"expand: sizes {new} given for shape {x.shape}; there must be as many "
            "axes or more, and -1 only where x has an axis"
        )
    return broadcast_to(x, check("expand", broadcast_shape, x.shape, full))


@named()
def flatten(x: Tensor, start_axis: int = 0, end_axis: int = -1) -> Tensor:
    """x with the axes from start_axis to end_axis made one.

    >>> flatten(Tensor([[[1, 2], [3, 4]]]), 1).shape
    (1, 4)
    """
    if not tensor("flatten", x).ndim:
        return reshape(x, (1,))
    a, b = axis_of("flatten", x, start_axis), axis_of("flatten", x, end_axis)
    if a > b:
        raise ValueError(
            f"flatten: start_axis {start_axis} lies behind end_axis {end_axis}"
        )
    merged = math.prod(x.shape[a : b + 1])
    return reshape(x, (*x.shape[:a], merged, *x.shape[b + 1 :]))


@named()
def stack(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Tensors of one shape beside each other along a new axis.

    >>> stack([Tensor([1, 2]), Tensor([3, 4])], 1)
    Tensor([[1, 3],
            [2, 4]], int64)
    """
    tensors = several_tensors("stack", tensors)
    first = tensors[0]
    for t in tensors:
        if t.shape != first.shape:
            raise ValueError(
                f"stack: shapes {first.shape} and {t.shape} given; they must be equal"
            )
    at = check("stack", one_axis, axis, first.ndim + 1)
    return concat([unsqueeze(t, at) for t in tensors], axis=at)


@named()
def split(x: Tensor, size: int | Sequence[int], axis: int = 0) -> tuple[Tensor, ...]:
    """x cut along an axis into pieces of a size (the last may be smaller), or of these
    sizes, which must add up to that of the axis.

    >>> [piece.tolist() for piece in split(Tensor([1, 2, 3]), 2)]
    [[1, 2], [3]]
    """
    at = axis_of("split", x, axis)
    length = x.shape[at]
    if isinstance(size, (list, tuple)):
        sizes = [counted(piece) for piece in size]
        for piece in sizes:
            check_number("split", "size", piece, whole=True)
        if sum(sizes) != length or min(sizes, default=0) < 0:
            raise ValueError(
                f"split: sizes {sizes} given; they must add up to {length}, the "
                f"size of axis {axis}"
            )
    else:
        step = check("split", integer, size)
        if step < 1:
            raise ValueError(f"split: size {size} given; it must be 1 or more")
        sizes = [min(step, length - i) for i in range(0, length, step)] or [0]
    whole = [slice(None)] * at
    pieces, start = [], 0
    for piece in sizes:
        pieces.append(getitem(x, (*whole, slice(start, start + piece))))
        start += piece
    return tuple(pieces)


@named()
def chunk(x: Tensor, chunks: int, axis: int = 0) -> tuple[Tensor, ...]:
    """x cut along an axis into so many pieces of one size (the last may be smaller;
    there are fewer if the axis is too short).

    >>> [piece.tolist() for piece in chunk(Tensor([1, 2, 3, 4, 5]), 2)]
    [[1, 2, 3], [4, 5]]
    """
    at = axis_of("chunk", x, axis)
    chunks = counted(chunks)
    if not isinstance(chunks, int) or chunks < 1:
        raise ValueError(
            f"chunk: {say(chunks)} pieces given; it must be an integer from 1"
        )
    return split(x, max(1, -(-x.shape[at] // chunks)), axis)


def pad(x: Tensor, pad: Sequence[int], value: float = 0.0) -> Tensor:
    """x with `value` around it.

    Args:
        pad: how much before and after, for the last axis, then the one before it, and
            so on, as in PyTorch: (left, right, top, bottom, ...).
        value: a number; one that x's dtype lacks gives another (arrays/dtypes.py).

    >>> import tinygrad_attn
    >>> tinygrad_attn.pad(Tensor([1, 2]), (1, 0))
    Tensor([0, 1, 2], int64)
    """
    tensor("pad", x)
    if not isinstance(value, (int, float)):
        kind = type(value).__name__
        raise TypeError(
            f"pad: value={say(value)}, a {kind}, given; it must be a number"
        )
    widths = list(pad) if isinstance(pad, (tuple, list)) else []
    good = all(isinstance(w, int) and w >= 0 for w in widths)
    if not widths or not good or len(widths) % 2 or len(widths) > 2 * x.ndim:
        raise ValueError(
            f"pad: {say(pad)} given for shape {x.shape}; it must be pairs of integers "
            "from 0, one pair for each axis from the last on"
        )
    pairs = [(0, 0)] * (x.ndim - len(widths) // 2)
    pairs += list(zip(widths[-2::-2], widths[-1::-2]))
    shape = tuple(a + n + b for (a, b), n in zip(pairs, x.shape))
    bounds = tuple((a, a + n, 1) for (a, _), n in zip(pairs, x.shape))
    z = place(x, bounds, shape)
    if not value:
        return z
    xp = home(x)
    inside = xp.place(xp.full(x.shape, True, "bool"), bounds, shape)
    return where(make_here(xp.astype(inside, "bool")), z, value)


@named()
def tril(x: Tensor, k: int = 0) -> Tensor:
    """The lower triangle of x's matrices: 0 above diagonal k (1 is above the main one).

    >>> tril(Tensor([[1, 2], [3, 4]]))
    Tensor([[1, 0],
            [3, 4]], int64)
    """
    check_number("tril", "k", k, whole=True)
    row, column = rows_and_columns("tril", x)
    return where(column - row <= k, x, False)


@named()
def triu(x: Tensor, k: int = 0) -> Tensor:
    """The upper triangle of x's matrices: 0 below diagonal k.

    >>> triu(Tensor([[1, 2], [3, 4]]))
    Tensor([[1, 2],
            [0, 4]], int64)
    """
    check_number("triu", "k", k, whole=True)
    row, column = rows_and_columns("triu", x)
    return where(column - row >= k, x, False)


def rows_and_columns(who: str, x: Tensor) -> tuple[Tensor, Tensor]:
    """The row number (n, 1) and the column number (m,) of x's elements."""
    if tensor(who, x).ndim < 2:
        raise ValueError(f"{who}: shape {x.shape} given; it needs two axes")
    xp, (n, m) = home(x), x.shape[-2:]
    return make_here(xp.reshape(xp.arange(0, n), (n, 1))), make_here(xp.arange(0, m))


def whole_sizes(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes as Python's integers; -1 is one."""
    return tuple(map(integer, sizes))
