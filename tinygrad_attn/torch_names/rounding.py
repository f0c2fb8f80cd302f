"""Whole numbers beside x, and which numbers are what: floor, //, %, sign, isclose, ...

All of them are flat but for jumps, so no gradient passes; but for %, whose quotient is
what is flat: x % y = x - (x // y) · y.
"""

from __future__ import annotations

import math
from typing import Any

from ..arrays.shapes import broadcast_shapes
from ..autograd.recording import NUMBERS
from ..errors import check_flags, check_number
from ..functions.aliases import own_numbers
from ..functions.elementwise import abs, astype, stop_gradient, where
from ..functions.operands import (
    Operand,
    Tensor,
    check,
    constant,
    found,
    home,
    is_float,
    tensor,
    together,
)
from ..functions.spelling import named

__all__ = [
    "ceil",
    "floor",
    "floor_divide",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "remainder",
    "round",
    "sign",
    "trunc",
]

# --- one input ------------------------------------------------------------------------


@own_numbers
def trunc(x: Tensor) -> Tensor:
    """x without what stands behind the point.

    >>> trunc(Tensor([1.5, -1.5]))
    Tensor([1.0, -1.0], float64)
    """
    if not is_float(tensor("trunc", x)):
        return x
    x = stop_gradient(x)
    small = abs(x) < 2.0**52  # from here on every float is whole
    whole = astype(astype(where(small, x, 0.0), "int64"), x.dtype)
    return where(small & (whole != x), whole, x)


@own_numbers
def floor(x: Tensor) -> Tensor:
    """The next whole number below x, or x.

    >>> floor(Tensor([1.5, -1.5]))
    Tensor([1.0, -2.0], float64)
    """
    z = trunc(x)
    return where(z > x, z - 1, z) if is_float(x) else z


@own_numbers
def ceil(x: Tensor) -> Tensor:
    """The next whole number above x, or x.

    >>> ceil(Tensor([1.5, -1.5]))
    Tensor([2.0, -1.0], float64)
    """
    return -floor(-x) if is_float(tensor("ceil", x)) else x


@own_numbers
def round(x: Tensor, decimals: int = 0) -> Tensor:
    """x to so many decimals; what lies in the middle goes to the even digit.

    >>> round(Tensor([0.5, 1.5, 2.7]))
    Tensor([0.0, 2.0, 3.0], float64)
    """
    check_number("round", "decimals", decimals, whole=True)
    if not is_float(tensor("round", x)):
        return x
    if decimals:
        tens = 10.0**decimals
        return round(x * tens) / tens
    below = floor(x)
    rest = stop_gradient(x) - below
    odd = below - 2.0 * floor(below / 2.0)
    return where((rest > 0.5) | ((rest == 0.5) & (odd == 1.0)), below + 1.0, below)


@own_numbers
def sign(x: Tensor) -> Tensor:
    """1 where x > 0, -1 where x < 0, else 0, in the dtype of x.

    >>> sign(Tensor([2.0, -3.0, 0.0]))
    Tensor([1.0, -1.0, 0.0], float64)
    """
    tensor("sign", x)
    if x.dtype == "bool":
        return x
    z = astype(x > 0, x.dtype) - astype(x < 0, x.dtype)
    return where(x == x, z, stop_gradient(x)) if is_float(x) else z


def isnan(x: Tensor) -> Tensor:
    """Where x is not a number.

    >>> isnan(Tensor([1.0, math.nan]))
    Tensor([False, True], bool)
    """
    return tensor("isnan", x) != x


def isinf(x: Tensor) -> Tensor:
    """Where x is inf or -inf.

    >>> isinf(Tensor([1.0, -math.inf]))
    Tensor([False, True], bool)
    """
    return abs(tensor("isinf", x)) == math.inf


def isfinite(x: Tensor) -> Tensor:
    """Where x is neither inf nor nan.

    >>> isfinite(Tensor([1.0, math.inf, math.nan]))
    Tensor([True, False, False], bool)
    """
    return abs(tensor("isfinite", x)) < math.inf


# --- two inputs -----------------------------------------------------------------------


@named()
def floor_divide(x: Operand, y: Operand) -> Any:
    """x // y: the quotient's next whole number below, element by element.

    Raises:
        ZeroDivisionError: of whole numbers, by 0.

    >>> floor_divide(Tensor([7, -7]), 2)
    Tensor([3, -4], int64)
    """
    who = "floor_divide"
    a, b = pair(who, x, y)
    xp = home(a)
    if not is_float(a) and not (type(y) in NUMBERS and y):
        says = f"{who}: {a.dtype} divided by 0; it has no quotient"
        xp.check_divisor(b.array, says)
    if a.dtype == "bool":
        a, b = astype(a, "int64"), astype(b, "int64")
    numbers = [
        given if type(given) in NUMBERS else xp.stop_gradient(v.array)
        for given, v in ((x, a), (y, b))
    ]
    return found(who, a, xp.floor_divide(*numbers))


@named()
def remainder(x: Operand, y: Operand) -> Any:
    """x % y = x - (x // y) · y, which has the sign of y.

    >>> remainder(Tensor([7, -7]), 3)
    Tensor([1, 2], int64)
    """
    x, y = (
        given if type(given) in NUMBERS else v
        for given, v in zip((x, y), pair("remainder", x, y))
    )
    return x - floor_divide(x, y) * y


@named()
def isclose(
    x: Operand,
    y: Operand,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Any:
    """Where |x - y| ≤ atol + rtol · |y|.

    >>> isclose(Tensor([1.0, 2.0]), Tensor([1.0 + 1e-9, 2.1]))
    Tensor([True, False], bool)
    """
    check_flags("isclose", equal_nan=equal_nan)
    check_number("isclose", "rtol", rtol, 0.0)
    check_number("isclose", "atol", atol, 0.0)
    x, y = pair("isclose", x, y)
    near = abs(x - y) <= atol + rtol * abs(y) if x.dtype != "bool" else x == y
    z = (x == y) | (near & isfinite(y))
    return z | (isnan(x) & isnan(y)) if equal_nan else z


def pair(who: str, x: Operand, y: Operand) -> tuple[Any, Any]:
    """Both as Tensors of one dtype."""
    a, b = constant(who, x, y), constant(who, y, x)
    if a is None or b is None:
        raise TypeError(
            f"{who}: {type(x).__name__} and {type(y).__name__} given; they must be "
            "Tensors, or one a Tensor and the other a number, an array or nested lists"
        )
    check(who, broadcast_shapes, a.shape, b.shape)
    a, b = together(who, a, b)
    return a, b
