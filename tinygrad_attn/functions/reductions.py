"""Reductions: sum and max over axes, and those composed of them.

In all of them `axis` is an axis, several, or None for all, and `keepdims` leaves the
reduced axes with size 1.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, NoReturn

from ..arrays import shapes
from ..autograd.recording import Recorded, apply
from ..errors import check_flags, check_number
from ..rules import comparisons, primitives
from .elementwise import (
    abs,
    astype,
    exp,
    log,
    maximum,
    minimum,
    reverse,
    sqrt,
    stop_gradient,
    where,
)
from .indexing import take_along_axis
from .movement import reshape
from .operands import Tensor, axes_of, axis_of, floats_of, home, is_first, tensor
from .spelling import named

__all__ = [
    "argmax",
    "argmin",
    "logsumexp",
    "max",
    "mean",
    "min",
    "std",
    "sum",
    "var",
]


@named()
def sum(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Σ x over an axis, several, or all (None); keepdims leaves them with size 1.

    >>> sum(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([4.0, 6.0], float64)
    """
    axes = axes_of("sum", x, axis, keepdims)
    return apply(primitives.sum, x, axis=axes, keepdims=keepdims)


@named()
def argmax(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where along an axis the largest x is (the first, if several are): integers. With
    axis None, the position in the flattened x.

    >>> argmax(Tensor([[1.0, 2.0], [3.0, 0.0]]), axis=1)
    Tensor([1, 0], int64)
    """
    return find("argmax", tensor("argmax", x), axis, keepdims)


@named()
def argmin(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where along an axis the smallest x is (the first, if several are): integers.

    >>> argmin(Tensor([[1.0, 2.0], [3.0, 0.0]]), axis=1)
    Tensor([0, 1], int64)
    """
    return find("argmin", reverse(tensor("argmin", x)), axis, keepdims)


def find(who: str, x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    """Where along an axis (of the flattened x, without one) the largest x is."""
    check_flags(who, keepdims=keepdims)
    if axis is None or (not x.ndim and is_first(axis)):
        z = find(who, reshape(stop_gradient(x), -1), 0, False)
        return reshape(z, (1,) * x.ndim) if keepdims else z
    at = axis_of(who, x, axis)
    if not x.shape[at]:
        raise ValueError(f"{who}: shape {x.shape} is empty along axis {axis}")
    z = apply(comparisons.largest_at, x, axis=at)
    return reshape(z, shapes.reduced_shape(x.shape, (at,), keepdims))


class Extremes(NamedTuple):
    """The largest numbers along an axis (or the smallest), and where they are."""

    values: Any
    indices: Any

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(
            f"x.max(1) is the pair (values, indices), as in PyTorch, and has no "
            f"{name!r}; x.max(axis=1) is the largest numbers alone"
        )


def max_along(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """`max` as PyTorch has it: with an axis, the pair (values, indices). The gradient
    of a tie goes to the first."""
    return extremes("max", max, argmax, x, dim, keepdim)


def min_along(x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """`min` as PyTorch has it."""
    return extremes("min", min, argmin, x, dim, keepdim)


def extremes(who: str, all: Any, where: Any, x: Any, dim: Any, keepdim: bool) -> Any:
    check_flags(who, keepdim=keepdim)
    if dim is None:
        return all(x, axis=None, keepdims=keepdim)
    if isinstance(dim, Recorded):  # x.max(y), of two tensors
        return maximum(x, dim) if who == "max" else minimum(x, dim)
    if not tensor(who, x).ndim and is_first(dim):
        found = all(x, axis=dim, keepdims=keepdim)
        return Extremes(found, where(x, dim, keepdim))
    at = axis_of(who, x, dim)
    indices = where(x, at, True)
    values = take_along_axis(x, indices, at)
    shape = shapes.reduced_shape(x.shape, (at,), keepdim)
    return Extremes(reshape(values, shape), reshape(indices, shape))


@named(dim=max_along)
def max(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest x along an axis, several, or all (None); ties share the gradient. A
    nan makes nan, and no gradient passes there.

    >>> max(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    Tensor([2.0, 4.0], float64)
    """
    axes = axes_of("max", x, axis, keepdims)
    if 0 in (x.shape[a] for a in axes) and x.ndim:
        raise ValueError(f"max: shape {x.shape} is empty along axis {axis}")
    return apply(primitives.max, x, axis=axes, keepdims=keepdims)


@named(dim=min_along)
def min(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The smallest x; ties share the gradient.

    >>> min(Tensor([[1.0, 2.0], [3.0, 0.0]]), axis=0)
    Tensor([1.0, 0.0], float64)
    """
    axes = axes_of("min", x, axis, keepdims)
    if 0 in (x.shape[a] for a in axes):
        raise ValueError(f"min: shape {x.shape} is empty along axis {axis}")
    if x.dtype == "bool":
        least = min(astype(x, "int64"), axis=axes, keepdims=keepdims)
        return astype(least, "bool")
    return reverse(max(reverse(x), axis=axes, keepdims=keepdims))


@named()
def mean(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Σ x / n over n numbers; nan of none.

    >>> mean(Tensor([[1.0, 2.0], [3.0, 6.0]]), axis=0)
    Tensor([2.0, 4.0], float64)
    """
    axes = axes_of("mean", x, axis, keepdims)
    z = sum(floats_of(x), axis=axes, keepdims=keepdims)
    n = math.prod(x.shape[a] for a in axes)
    return z / n if n else z * math.nan


@named()
def var(
    x: Tensor, axis: Any = None, correction: float = 1, keepdims: bool = False
) -> Tensor:
    """Σ (x - mean)² / (n - correction) over n numbers, the mean being taken off first:
    E[x²] - E[x]² would cancel. correction=0 is the biased variance, as is False;
    nan if n ≤ correction.

    >>> var(Tensor([1.0, 3.0])), var(Tensor([1.0, 3.0]), correction=0)
    (Tensor(2.0, float64), Tensor(1.0, float64))
    """
    axes = axes_of("var", x, axis, keepdims)
    x = floats_of(x)
    if isinstance(correction, bool):  # PyTorch's `unbiased`
        correction = int(correction)
    check_number("var", "correction", correction)
    count = math.prod(x.shape[a] for a in axes)
    n = count - correction
    if n > 0 and too_large_to_square(x, axes) is not None:  # so each square is divided
        x = x * (1.0 / math.sqrt(n))
        centered = x - sum(x / count, axis=axes, keepdims=True)
        centered = centered - sum(centered / count, axis=axes, keepdims=True)
        return sum(centered * centered, axis=axes, keepdims=keepdims)
    centered = x - mean(x, axis=axes, keepdims=True)
    # Again: the mean was rounded, and equal numbers shall have a variance of exactly 0.
    centered = centered - mean(centered, axis=axes, keepdims=True)
    z = sum(centered * centered, axis=axes, keepdims=keepdims)
    return z / n if n > 0 else z * math.nan


@named()
def std(
    x: Tensor, axis: Any = None, correction: float = 1, keepdims: bool = False
) -> Tensor:
    """√var, in the units of x. Where all numbers are equal its gradient is 0, by
    choice: that of √ would be infinite.

    >>> std(Tensor([1.0, 3.0]), correction=0)
    Tensor(1.0, float64)
    """
    axes = axes_of("std", x, axis, keepdims)
    if isinstance(correction, bool):
        correction = int(correction)
    check_number("std", "correction", correction)
    size = too_large_to_square(floats_of(x), axes)
    y = x if size is None else x / size
    v = var(y, axis=axes, correction=correction, keepdims=keepdims)
    flat = v == 0.0
    z = where(flat, 0.0, sqrt(where(flat, 1.0, v)))
    if size is None:
        return z
    return z * reshape(size, shapes.reduced_shape(x.shape, axes, keepdims))


def too_large_to_square(x: Tensor, axes: tuple[int, ...]) -> Tensor | None:
    """None, if all x² can be added up. Else the largest |x| along the axes, at least 1,
    as a constant: a norm of x is one of x divided by that. Beside inf or nan it is 1,
    for these have no norm."""
    if home(x).squares_fit(x.array):
        return None
    size = max(abs(stop_gradient(x)), axis=axes, keepdims=True)
    size = where(size > 1.0, size, 1.0)
    return where(size < math.inf, size, 1.0)


@named()
def logsumexp(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """ln Σ exp(x), the largest x being taken out first so that no exp overflows.

    >>> logsumexp(Tensor([0.0, 0.0])).item() == math.log(2.0)
    True
    """
    axes = axes_of("logsumexp", x, axis, keepdims)
    x = floats_of(x)
    if 0 in (x.shape[a] for a in axes):
        return log(sum(x, axis=axes, keepdims=keepdims))  # ln 0, of none
    m = stop_gradient(max(x, axis=axes, keepdims=True))
    m = where(m - m == 0.0, m, 0.0)  # ±inf cannot be taken out
    z = log(sum(exp(x - m), axis=axes, keepdims=True)) + m
    return reshape(z, shapes.reduced_shape(x.shape, axes, keepdims))
