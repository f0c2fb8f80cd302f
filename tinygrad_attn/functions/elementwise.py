"""Functions of single numbers, composed of the primitives: no rule of their own.

Their gradients are those of their parts. Where a kink or a limit matters, the parts are
chosen so that the right one comes out; the comment says how.
"""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd.recording import constant
from ..errors import named
from ..tensor import Operand, Tensor

__all__ = [
    "abs",
    "clip",
    "minimum",
    "rsqrt",
]


@named
def abs(x: Tensor) -> Tensor:
    """|x|, element by element; its derivative at 0 is 0, the mean of -1 and 1.

    >>> abs(Tensor([-2.0, 3.0]))
    Tensor([2.0, 3.0], float64)
    """
    if x.dtype == "bool":
        return x
    return ops.maximum(x, -x)  # a tie, at 0, halves the gradient: ½ - ½


@named
def rsqrt(x: Tensor) -> Tensor:
    """1/√x, element by element.

    >>> rsqrt(Tensor([4.0]))
    Tensor([0.5000], float64)
    """
    return 1.0 / ops.sqrt(x)


@named
def minimum(x: Operand, y: Operand) -> Tensor:
    """The smaller of x and y, element by element; a tie halves the gradient.

    >>> minimum(Tensor([1.0, 5.0]), 3.0)
    Tensor([1.0, 3.0], float64)
    """
    a: Tensor | None = constant(x, y)
    b: Tensor | None = constant(y, x)
    if a is None or b is None:
        return ops.maximum(x, y)  # which says what is wrong
    if a.dtype == b.dtype == "bool":
        return a * b
    return -ops.maximum(-a, -b)


@named
def clip(x: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """x, but no less than min and no more than max (numbers, Tensors, or None).

    The gradient passes where min ≤ x ≤ max, the bounds included, as in PyTorch's clamp.

    >>> clip(Tensor([-1.0, 0.5, 2.0]), 0.0, 1.0)
    Tensor([0.0000, 0.5000, 1.0000], float64)
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"clip: a {type(x).__name__} given; it takes a Tensor")
    if min is None and max is None:
        raise ValueError("clip: neither min nor max given; at least one is needed")
    if min is not None:
        x = ops.where(x < min, min, x)
    if max is not None:
        x = ops.where(x > max, max, x)
    return x
