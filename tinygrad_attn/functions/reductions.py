"""Reductions composed of sum and max: means, variances, minima, where they are.

In all of them `axis` is an axis, several, or None for all, and `keepdims` leaves the
reduced axes with size 1.
"""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..arrays import shapes
from ..arrays.backends import namespace_of
from ..autograd.recording import checked, floats_of
from ..errors import check_number, named
from ..tensor import Tensor, make

__all__ = [
    "argmax",
    "argmin",
    "logsumexp",
    "mean",
    "min",
    "std",
    "var",
]


@named
def mean(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Σ x / n over n numbers; nan of none.

    >>> mean(Tensor([[1.0, 2.0], [3.0, 6.0]]), axis=0)
    Tensor([2.0, 4.0], float64)
    """
    axes = checked("mean", shapes.some_axes, axis, x.ndim)
    z = ops.sum(floats_of(x), axis=axes, keepdims=keepdims)
    n = math.prod(x.shape[a] for a in axes)
    return z / n if n else z * math.nan


@named
def var(
    x: Tensor, *, axis: Any = None, correction: float = 1, keepdims: bool = False
) -> Tensor:
    """Σ (x - mean)² / (n - correction) over n numbers, the mean being taken off first:
    E[x²] - E[x]² would cancel. correction=0 is the biased variance; nan if n ≤
    correction.

    >>> var(Tensor([1.0, 3.0])), var(Tensor([1.0, 3.0]), correction=0)
    (Tensor(2.0, float64), Tensor(1.0, float64))
    """
    axes = checked("var", shapes.some_axes, axis, x.ndim)
    x = floats_of(x)
    check_number("var", "correction", correction)
    centered = x - mean(x, axis=axes, keepdims=True)
    # Again: the mean was rounded, and equal numbers shall have a variance of exactly 0.
    centered = centered - mean(centered, axis=axes, keepdims=True)
    z = ops.sum(centered * centered, axis=axes, keepdims=keepdims)
    n = math.prod(x.shape[a] for a in axes) - correction
    return z / n if n > 0 else z * math.nan


@named
def std(
    x: Tensor, *, axis: Any = None, correction: float = 1, keepdims: bool = False
) -> Tensor:
    """√var, in the units of x. Where all numbers are equal its gradient is 0, by
    choice: that of √ would be infinite.

    >>> std(Tensor([1.0, 3.0]), correction=0)
    Tensor(1.0, float64)
    """
    v = var(x, axis=axis, correction=correction, keepdims=keepdims)
    flat = v == 0.0
    return ops.where(flat, 0.0, ops.sqrt(ops.where(flat, 1.0, v)))


@named
def min(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The smallest x; ties share the gradient.

    >>> min(Tensor([[1.0, 2.0], [3.0, 0.0]]), axis=0)
    Tensor([1.0, 0.0], float64)
    """
    axes = checked("min", shapes.some_axes, axis, x.ndim)
    if 0 in (x.shape[a] for a in axes):
        raise ValueError(f"min: shape {x.shape} is empty along axis {axis}")
    if x.dtype == "bool":
        return min(x.astype("int64"), axis=axes, keepdims=keepdims).astype("bool")
    return -ops.max(-x, axis=axes, keepdims=keepdims)


@named
def logsumexp(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """ln Σ exp(x), the largest x being taken out first so that no exp overflows.

    >>> logsumexp(Tensor([0.0, 0.0])).item() == math.log(2.0)
    True
    """
    axes = checked("logsumexp", shapes.some_axes, axis, x.ndim)
    x = floats_of(x)
    if 0 in (x.shape[a] for a in axes):
        return ops.log(ops.sum(x, axis=axes, keepdims=keepdims))  # ln 0, of none
    m = ops.max(x, axis=axes, keepdims=True).detach()
    m = ops.where(m - m == 0.0, m, 0.0)  # ±inf cannot be taken out
    z = ops.log(ops.sum(ops.exp(x - m), axis=axes, keepdims=True)) + m
    return ops.reshape(z, shapes.reduced_shape(x.shape, axes, keepdims))


@named
def argmax(x: Tensor, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where along an axis the largest x is (the first, if several are): integers. With
    axis None, the position in the flattened x.

    >>> argmax(Tensor([[1.0, 2.0], [3.0, 0.0]]), axis=1)
    Tensor([1, 0], int64)
    """
    return _arg("argmax", x, axis, keepdims)


@named
def argmin(x: Tensor, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where along an axis the smallest x is (the first, if several are): integers.

    >>> argmin(Tensor([[1.0, 2.0], [3.0, 0.0]]), axis=1)
    Tensor([0, 1], int64)
    """
    x = x.astype("int64") if x.dtype == "bool" else x
    return _arg("argmin", -x, axis, keepdims)


def _arg(who: str, x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    if axis is None:
        z = _arg(who, x.detach().reshape(-1), 0, False)
        return z.reshape((1,) * x.ndim) if keepdims else z
    at = checked(who, shapes.one_axis, axis, x.ndim)
    if not x.shape[at]:
        raise ValueError(f"{who}: shape {x.shape} is empty along axis {axis}")
    z = make(namespace_of([x.data]).argmax(x.data, axis=at))
    return z.reshape(shapes.reduced_shape(x.shape, (at,), keepdims))
