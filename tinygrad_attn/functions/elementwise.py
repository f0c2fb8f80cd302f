"""Functions of single numbers, element by element.

Those of the first two sections are primitives: the rule stands in rules/primitives.py,
here stand the checks. The others are composed of them and have no rule of their own.
Where a kink or a limit matters, the parts are chosen so that the right gradient comes
out; the comment says how.
"""

from __future__ import annotations

import math
from typing import Any

from ..arrays.backends import namespace_of
from ..arrays.shapes import broadcast_shapes
from ..autograd.recording import NUMBERS, Recorded, apply
from ..context import context
from ..errors import say
from ..rules import comparisons, movement, primitives
from .operands import (
    Operand,
    Tensor,
    binary,
    check,
    constant,
    floats_of,
    is_float,
    negative,
    of_floats,
    tensor,
    together,
)
from .spelling import named

__all__ = [
    "abs",
    "add",
    "astype",
    "clip",
    "cos",
    "div",
    "erf",
    "exp",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "mul",
    "neg",
    "pow",
    "rsqrt",
    "sin",
    "sqrt",
    "stop_gradient",
    "sub",
    "tanh",
    "where",
]

# --- one input ------------------------------------------------------------------------


def neg(x: Tensor) -> Tensor:
    """-x, element by element.

    >>> neg(Tensor([1.0]))
    Tensor([-1.0], float64)
    """
    return negative(x)


def exp(x: Tensor) -> Tensor:
    """eˣ, element by element.

    >>> exp(Tensor([0.0]))
    Tensor([1.0], float64)
    """
    return apply(primitives.exp, floats_of(x))


def log(x: Tensor) -> Tensor:
    """ln x, element by element; -inf at 0, nan below.

    >>> log(Tensor([1.0, 0.0]))
    Tensor([0.0, -inf], float64)
    """
    return apply(primitives.log, floats_of(x))


def log1p(x: Tensor) -> Tensor:
    """ln(1 + x), element by element, exact for a small x too; -inf at -1, nan below.

    >>> log1p(Tensor([0.0]))
    Tensor([0.0], float64)
    """
    return apply(primitives.log1p, floats_of(x))


def sqrt(x: Tensor) -> Tensor:
    """√x, element by element; nan below 0.

    >>> sqrt(Tensor([4.0]))
    Tensor([2.0], float64)
    """
    return apply(primitives.sqrt, floats_of(x))


def sin(x: Tensor) -> Tensor:
    """sin x, element by element, x in radians.

    >>> sin(Tensor([0.0]))
    Tensor([0.0], float64)
    """
    return apply(primitives.sin, floats_of(x))


def cos(x: Tensor) -> Tensor:
    """cos x, element by element, x in radians.

    >>> cos(Tensor([0.0]))
    Tensor([1.0], float64)
    """
    return apply(primitives.cos, floats_of(x))


def tanh(x: Tensor) -> Tensor:
    """tanh x, element by element.

    >>> tanh(Tensor([0.0]))
    Tensor([0.0], float64)
    """
    return apply(primitives.tanh, floats_of(x))


def erf(x: Tensor) -> Tensor:
    """erf x = 2/√π ∫₀ˣ exp(-t²) dt, element by element.

    >>> erf(Tensor([0.0]))
    Tensor([0.0], float64)
    """
    return apply(primitives.erf, floats_of(x))


def astype(x: Tensor, dtype: Any) -> Tensor:
    """x in another dtype; its gradient comes back in that of x, and ends at integers.

    >>> astype(Tensor([1.5, 0.0]), "int64")
    Tensor([1, 0], int64)
    """
    wanted = " ".join(str(dtype).split())
    if tensor("astype", x).dtype == wanted:
        return x
    if not wanted.startswith("float"):  # whole numbers have no derivative
        x = stop_gradient(x)
    return apply(movement.astype, x, dtype=wanted)


def stop_gradient(x: Tensor) -> Tensor:
    """x as a constant, from which no gradient flows back.

    >>> stop_gradient(Tensor([1.0], requires_grad=True))
    Tensor([1.0], float64)
    """
    return apply(comparisons.stop_gradient, x)


# --- two inputs -----------------------------------------------------------------------


def add(x: Operand, y: Operand) -> Any:
    """x + y, element by element, broadcasting.

    >>> add(Tensor([1.0, 2.0]), 1)
    Tensor([2.0, 3.0], float64)
    """
    return numeric("add", binary(primitives.add, x, y), x, y)


def sub(x: Operand, y: Operand) -> Any:
    """x - y, element by element, broadcasting.

    >>> sub(1, Tensor([1.0, 2.0]))
    Tensor([0.0, -1.0], float64)
    """
    return numeric("sub", binary(primitives.sub, x, y), x, y)


def mul(x: Operand, y: Operand) -> Any:
    """x · y, element by element, broadcasting.

    >>> mul(Tensor([1.0, 2.0]), 3)
    Tensor([3.0, 6.0], float64)
    """
    return numeric("mul", binary(primitives.mul, x, y), x, y)


def div(x: Operand, y: Operand) -> Any:
    """x / y, element by element, broadcasting; of whole numbers too it makes floats.

    >>> div(Tensor([1, 2]), 2)
    Tensor([0.5000, 1.0000], float64)
    """
    return numeric("div", of_floats(primitives.div, x, y), x, y)


def pow(x: Operand, y: Operand) -> Any:
    """x to the power y, element by element; of whole numbers too it makes floats.

    >>> pow(Tensor([1, 2]), 3)
    Tensor([1.0, 8.0], float64)
    """
    return numeric("pow", of_floats(primitives.pow, x, y), x, y)


@named()
def maximum(x: Operand, y: Operand) -> Any:
    """The larger of x and y, element by element; a tie halves the gradient. A nan makes
    nan, and no gradient passes there.

    >>> maximum(Tensor([1.0, 5.0]), 3.0)
    Tensor([3.0, 5.0], float64)
    """
    return numeric("maximum", binary(primitives.maximum, x, y), x, y)


@named()
def where(condition: Tensor, x: Operand = None, y: Operand = None) -> Any:
    """x where the condition holds, else y, element by element. Of a condition alone,
    the indices of the places where it holds, a tensor for each axis.

    Raises:
        TypeError: the condition is not boolean.

    >>> x = Tensor([1.0, -2.0])
    >>> where(x > 0, x, 0.0)
    Tensor([1.0, 0.0], float64)
    """
    if x is None and y is None:
        return tensor("where", condition).nonzero(as_tuple=True)
    if not isinstance(condition, Recorded) or condition.dtype != "bool":
        is_tensor = isinstance(condition, Recorded)
        kind = condition.dtype if is_tensor else type(condition).__name__
        raise TypeError(
            f"where: a condition of {kind} given; it must be a Tensor of bool, such as "
            "x > 0"
        )
    like = next((v for v in (x, y) if isinstance(v, Recorded)), condition)
    if type(x) in NUMBERS and type(y) in NUMBERS:
        x = constant("where", x, condition)
    a, b = (
        v if type(v) in NUMBERS else numeric("where", constant("where", v, like), x, y)
        for v in (x, y)
    )
    return apply(primitives.where, condition, *together("where", a, b))


# --- composed of these ----------------------------------------------------------------


def abs(x: Tensor) -> Tensor:
    """|x|, element by element; its derivative at 0 is 0, the mean of -1 and 1.

    >>> abs(Tensor([-2.0, 3.0]))
    Tensor([2.0, 3.0], float64)
    """
    if tensor("abs", x).dtype == "bool":
        return x
    return maximum(x, -x)  # a tie, at 0, halves the gradient: ½ - ½


def rsqrt(x: Tensor) -> Tensor:
    """1/√x, element by element.

    >>> rsqrt(Tensor([4.0]))
    Tensor([0.5000], float64)
    """
    return 1.0 / sqrt(tensor("rsqrt", x))


@named()
def minimum(x: Operand, y: Operand) -> Any:
    """The smaller of x and y, element by element; a tie halves the gradient. A nan
    makes nan, and no gradient passes there.

    >>> minimum(Tensor([1.0, 5.0]), 3.0)
    Tensor([1.0, 3.0], float64)
    """
    a = numeric("minimum", constant("minimum", x, y), x, y)
    b = numeric("minimum", constant("minimum", y, x), x, y)
    check("minimum", broadcast_shapes, a.shape, b.shape)
    if a.dtype == b.dtype == "bool":
        return a * b
    a, b = together("minimum", a, b)
    return reverse(maximum(reverse(a), reverse(b)))


def reverse(x: Tensor) -> Tensor:
    """The numbers in the opposite order: -x, or of whole numbers -1 - x, as -2⁶³ has no
    negative. reverse(reverse(x)) is x."""
    return -1 - x if x.dtype in ("int64", "bool") else -x


@named()
def clip(x: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """x, but no less than min and no more than max (numbers, Tensors, or None).

    The gradient passes where min ≤ x ≤ max, the bounds included, as in PyTorch's clamp.
    A nan, in x or in a bound, makes nan, and no gradient passes there.

    >>> clip(Tensor([-1.0, 0.5, 2.0]), 0.0, 1.0)
    Tensor([0.0000, 0.5000, 1.0000], float64)
    """
    tensor("clip", x)
    if min is None and max is None:
        raise ValueError("clip: neither min nor max given; at least one is needed")
    limits = []
    z = x
    if min is not None:
        low = bound("min", min, x)
        z = where(z < low, low, z)
        limits.append(low)
    if max is not None:
        high = bound("max", max, x)
        z = where(z > high, high, z)
        limits.append(high)
    for v in (x, *limits):
        if has_nan(v):
            z = where(constant("clip", v, x) == v, z, math.nan)
    return z


# --- checks ---------------------------------------------------------------------------


def numeric(who: str, z: Any, x: Any, y: Any) -> Any:
    """z, unless it is None or NotImplemented because x or y is nothing numeric."""
    if z is None or z is NotImplemented:
        raise TypeError(
            f"{who}: {type(x).__name__} and {type(y).__name__} given; they must be "
            "Tensors, or one a Tensor and the other a number, an array or nested lists"
        )
    return z


def has_nan(x: Any) -> bool:
    """Whether a number or a Tensor is not a number, in any place. While a program is
    written nobody knows, and a float may be."""
    if not isinstance(x, Recorded):
        return bool(x != x)
    if not is_float(x):
        return False
    if context.now.writer is not None:
        return True
    xp = namespace_of([x.array])
    found = xp.astype(x.array != x.array, "int64")
    return bool(x.size) and xp.max(found, axis=None).tolist() > 0


def bound(what: str, given: Any, x: Recorded) -> Any:
    """A bound of clip as a number or a Tensor that broadcasts with x."""
    limit = given if type(given) in NUMBERS else constant("clip", given, x)
    if limit is None:
        raise TypeError(
            f"clip: {what}={say(given)}, a {type(given).__name__}, given; it must be a "
            "number, a Tensor or None"
        )
    if isinstance(limit, Recorded):
        check("clip", broadcast_shapes, x.shape, limit.shape)
    elif isinstance(limit, int):
        check("clip", float, limit)  # it may be too large
    return limit
