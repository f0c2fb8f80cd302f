"""More reductions: the product, whether all or any hold, the norm."""

from __future__ import annotations

import math
from typing import Any

from ..arrays import shapes
from ..errors import check_number
from ..functions.aliases import own_numbers
from ..functions.elementwise import abs, astype, sqrt, where
from ..functions.indexing import getitem, one_hot
from ..functions.movement import concat, permute_dims, reshape
from ..functions.operands import Tensor, axes_of, floats_of, tensor
from ..functions.reductions import max, min, sum, too_large_to_square
from ..functions.shaping import unsqueeze
from ..functions.spelling import named

__all__ = ["all", "any", "bincount", "cdist", "norm", "prod"]


@own_numbers
@named()
def prod(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Π x over an axis, several, or all (None). Halves are multiplied, then halves of
    these: so a 0 among the numbers leaves the others their gradient.

    >>> prod(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    Tensor([2.0, 12.0], float64)
    """
    axes = axes_of("prod", x, axis, keepdims)
    kept = [a for a in range(x.ndim) if a not in axes]
    n = math.prod(x.shape[a] for a in axes)
    z = permute_dims(x, [*kept, *axes])
    z = reshape(z, (*(x.shape[a] for a in kept), n))
    if x.dtype == "bool":
        z = astype(z, "int64")
    while n > 1:
        half, odd = n // 2, n % 2
        rest = getitem(z, (..., slice(2 * half, n)))
        z = getitem(z, (..., slice(half))) * getitem(z, (..., slice(half, 2 * half)))
        z, n = concat([z, rest], axis=-1) if odd else z, half + odd
    shape = shapes.reduced_shape(x.shape, axes, keepdims)
    return reshape(z, shape) if n else reshape(sum(z, axis=-1), shape) + 1


@named()
def all(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether no x is 0 or False, along an axis, several, or all (None).

    >>> all(Tensor([[True, False], [True, True]]), axis=1)
    Tensor([False, True], bool)
    """
    axes = axes_of("all", x, axis, keepdims)
    return sum(x == 0, axis=axes, keepdims=keepdims) == 0


@named()
def any(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether some x is not 0 or False, along an axis, several, or all (None).

    >>> any(Tensor([[True, False], [False, False]]), axis=1)
    Tensor([True, False], bool)
    """
    axes = axes_of("any", x, axis, keepdims)
    return sum(x != 0, axis=axes, keepdims=keepdims) > 0


@named()
def norm(
    x: Tensor, p: Any = 2, axis: Any = None, keepdims: bool = False, dtype: Any = None
) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over an axis, several, or all (None): by default the length, √Σx².
    Where it is 0 its gradient is 0, by choice.

    Args:
        p: 1, 2, any other number above 0; inf, the largest |x|, -inf the smallest; 0,
            how many are not 0; "fro" is 2.

    >>> norm(Tensor([3.0, 4.0]))
    Tensor(5.0, float64)
    """
    axes = axes_of("norm", x, axis, keepdims)
    x = floats_of(x) if dtype is None else astype(x, dtype)
    p = 2 if p in (None, "fro") else p
    if p in (math.inf, -math.inf):
        return (max if p > 0 else min)(abs(x), axis=axes, keepdims=keepdims)
    check_number("norm", "p", p, 0.0)
    if p == 0:
        return sum(astype(x != 0, x.dtype), axis=axes, keepdims=keepdims)
    if p == 1:
        return sum(abs(x), axis=axes, keepdims=keepdims)
    size = too_large_to_square(x, axes) if p == 2 else None
    y = x if size is None else x / size
    total = sum(y * y if p == 2 else abs(y) ** p, axis=axes, keepdims=keepdims)
    flat = total == 0.0
    root = where(flat, 1.0, total)
    z = where(flat, 0.0, sqrt(root) if p == 2 else root ** (1.0 / p))
    if size is None:
        return z
    return z * reshape(size, shapes.reduced_shape(x.shape, axes, keepdims))


def linalg_norm(x: Tensor, ord: Any = None, dim: Any = None, **options: Any) -> Tensor:
    """The norm of a vector, or of all numbers; that of a matrix is √Σx² alone."""
    matrix = isinstance(dim, (tuple, list)) or (dim is None and x.ndim == 2)
    if matrix and ord not in (None, "fro"):
        raise ValueError(
            f"linalg.norm: ord={ord!r} given for a matrix; it must be None or 'fro', "
            "the root of all x² (with dim= it takes vectors)"
        )
    return norm(x, 2 if ord is None else ord, axis=dim, **options)


def cdist(x: Tensor, y: Tensor, p: float = 2.0) -> Tensor:
    """How far each row of x (..., P, d) is from each of y (..., R, d): (..., P, R).

    >>> cdist(Tensor([[0.0, 0.0]]), Tensor([[3.0, 4.0]]))
    Tensor([[5.0]], float64)
    """
    if tensor("cdist", x).ndim < 2 or tensor("cdist", y).ndim < 2:
        raise ValueError(
            f"cdist: shapes {x.shape} and {y.shape} given; they must be (..., P, d) "
            "and (..., R, d)"
        )
    return norm(unsqueeze(x, -2) - unsqueeze(y, -3), p, axis=-1)


def bincount(x: Tensor, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often 0, 1, 2, ... stands in a vector; or the sum of the weights there.

    >>> bincount(Tensor([2, 0, 2]))
    Tensor([1, 0, 2], int64)
    """
    check_number("bincount", "minlength", minlength, 0, whole=True)
    if tensor("bincount", x).dtype != "int64" or x.ndim != 1:
        raise TypeError(
            f"bincount: {x.dtype} of shape {x.shape} given; it takes a vector of "
            "integers from 0"
        )
    largest = int(max(x)) + 1 if x.size else 0  # type: ignore[call-overload]
    classes = largest if largest > minlength else int(minlength)
    if not classes:
        return x
    rows = one_hot(x, classes)
    if weights is not None:
        rows = rows * unsqueeze(weights, 1)
    return sum(rows, axis=0)
