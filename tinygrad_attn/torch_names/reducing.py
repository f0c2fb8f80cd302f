"""More reductions: the product, whether all or any hold, the norm."""

from __future__ import annotations

import math
from typing import Any

from ..arrays import shapes
from ..errors import check_number
from ..functions.elementwise import abs, astype, sqrt, where
from ..functions.indexing import getitem
from ..functions.movement import concat, permute_dims, reshape
from ..functions.operands import Tensor, axes_of, floats_of
from ..functions.reductions import max, sum, too_large_to_square
from ..functions.spelling import named

__all__ = ["all", "any", "norm", "prod"]


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
        p: 1, 2, any other number above 0, or inf, the largest |x|; "fro" is 2.

    >>> norm(Tensor([3.0, 4.0]))
    Tensor(5.0, float64)
    """
    axes = axes_of("norm", x, axis, keepdims)
    x = floats_of(x) if dtype is None else astype(x, dtype)
    p = 2 if p in (None, "fro") else p
    if p != math.inf:
        check_number("norm", "p", p, 0.0, open_low=True)
    else:
        return max(abs(x), axis=axes, keepdims=keepdims)
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
