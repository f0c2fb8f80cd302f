"""Numbers under PyTorch's names: add with alpha, div with rounding, lerp, eq, dot."""

from __future__ import annotations

import math
from typing import Any

from ..errors import check_number, say
from ..functions import elementwise
from ..functions.operands import check, tensor
from ..functions.products import einsum, matmul
from ..functions.spelling import named
from ..functions.updates import beside, in_place
from . import rounding

Tensor = Any  # the class, which is made of these functions

# --- two numbers ----------------------------------------------------------------------


@named()
def add(x: Any, y: Any, *, alpha: Any = 1) -> Any:
    """x + alpha · y."""
    return elementwise.add(x, share("add", x, y, alpha))


@named()
def sub(x: Any, y: Any, *, alpha: Any = 1) -> Any:
    """x - alpha · y."""
    return elementwise.sub(x, share("sub", x, y, alpha))


def share(who: str, x: Any, y: Any, alpha: Any) -> Any:
    """alpha · y, a Tensor, number, array or list beside x."""
    check_number(who, "alpha", alpha)
    if alpha != 1:  # a list is numbers too, and not to be repeated
        y = beside(who, x, y)
    if alpha != 1 and getattr(y, "dtype", None) == "bool":
        raise TypeError(
            f"{who}: alpha={alpha} given for bools; convert them first: y.long()"
        )
    return y if alpha == 1 else y * alpha


@named()
def mul(x: Any, y: Any) -> Any:
    """x · y."""
    return elementwise.mul(x, y)


@named()
def div(x: Any, y: Any, *, rounding_mode: Any = None) -> Any:
    """x / y; or the quotient's next whole number below ("floor"), or towards 0
    ("trunc")."""
    if rounding_mode not in (None, "floor", "trunc"):
        raise ValueError(
            f"div: rounding_mode={say(rounding_mode)} given; it must be 'floor', "
            "'trunc' or None"
        )
    if rounding_mode == "floor":
        return rounding.floor_divide(x, y)
    z = elementwise.div(x, y)
    if rounding_mode is None:
        return z
    whole = all(getattr(v, "dtype", type(v).__name__) in WHOLE for v in (x, y))
    z = rounding.trunc(z)
    return elementwise.astype(z, "int64") if whole else z


WHOLE = ("int64", "bool", "int")


@named()
def pow(x: Any, y: Any) -> Any:
    """x to the power y."""
    return elementwise.pow(x, y)


def lerp(x: Tensor, end: Any, weight: Any) -> Any:
    """From x, a share of the way to the end: x + weight · (end - x)."""
    end, weight = beside("lerp", x, end), beside("lerp", x, weight)
    return x + weight * (end - x)


def lerp_(x: Tensor, end: Any, weight: Any) -> Any:
    """Moves x a share of the way to the end; returns x. A running mean is
    `mean.lerp_(x, 0.1)`."""
    return in_place(x, "lerp_", lambda x, y: lerp(x, *y), (end, weight))


def clamp_min(x: Tensor, min: Any) -> Any:
    """No less than min."""
    return elementwise.clip(x, min=min)


def clamp_max(x: Tensor, max: Any) -> Any:
    """No more than max."""
    return elementwise.clip(x, max=max)


def clamp_(x: Tensor, min: Any = None, max: Any = None) -> Any:
    """Brings x between min and max; returns x."""
    return in_place(x, "clamp_", lambda x, y: elementwise.clip(x, *y), (min, max))


def square(x: Tensor) -> Any:
    """x²."""
    return x * x


def reciprocal(x: Tensor) -> Any:
    """1/x."""
    return 1.0 / x


def log2(x: Tensor) -> Any:
    """ln x / ln 2."""
    return elementwise.log(x) / math.log(2.0)


def log10(x: Tensor) -> Any:
    """ln x / ln 10."""
    return elementwise.log(x) / math.log(10.0)


# --- comparisons ----------------------------------------------------------------------


def eq(x: Tensor, other: Any) -> Any:
    """x == y."""
    return x == other


def ne(x: Tensor, other: Any) -> Any:
    """x != y."""
    return x != other


def gt(x: Tensor, other: Any) -> Any:
    """x > y."""
    return x > beside("gt", x, other)


def ge(x: Tensor, other: Any) -> Any:
    """x ≥ y."""
    return x >= beside("ge", x, other)


def lt(x: Tensor, other: Any) -> Any:
    """x < y."""
    return x < beside("lt", x, other)


def le(x: Tensor, other: Any) -> Any:
    """x ≤ y."""
    return x <= beside("le", x, other)


def logical_not(x: Tensor) -> Any:
    """Where x is 0."""
    return x == 0


def logical_and(x: Tensor, other: Any) -> Any:
    """Where neither is 0."""
    return (x != 0) & (other != 0)


def logical_or(x: Tensor, other: Any) -> Any:
    """Where one is not 0."""
    return (x != 0) | (other != 0)


def logical_xor(x: Tensor, other: Any) -> Any:
    """Where one is 0 and the other not."""
    return (x != 0) ^ (other != 0)


def equal(x: Tensor, other: Any) -> Any:
    """Whether shapes and all numbers are equal: True or False."""
    same = x.shape == tensor("equal", other).shape
    return same and (x == other).all().item()


def allclose(
    x: Tensor,
    other: Any,
    rtol: Any = 1e-05,
    atol: Any = 1e-08,
    equal_nan: Any = False,
) -> Any:
    """Whether all numbers are close (`isclose`): True or False."""
    return rounding.isclose(x, other, rtol, atol, equal_nan).all().item()


# --- products -------------------------------------------------------------------------


def outer(x: Tensor, other: Any) -> Any:
    """z_ij = x_i y_j."""
    return einsum("i,j->ij", x, tensor("outer", other))


@named()
def dot(x: Tensor, y: Tensor) -> Any:
    """Σ x y of two vectors."""
    return product("dot", x, y, 1, 1)


@named()
def mv(x: Tensor, vec: Tensor) -> Any:
    """A matrix times a vector."""
    return product("mv", x, vec, 2, 1)


@named()
def mm(x: Tensor, mat2: Tensor) -> Any:
    """A matrix times a matrix."""
    return product("mm", x, mat2, 2, 2)


@named()
def bmm(x: Tensor, mat2: Tensor) -> Any:
    """Each matrix of a batch times one of another."""
    if tensor("bmm", x).shape[:1] != tensor("bmm", mat2).shape[:1]:
        raise ValueError(
            f"bmm: batches of shapes {x.shape} and {mat2.shape} given; there must be "
            "as many matrices in both (matmul broadcasts them)"
        )
    return product("bmm", x, mat2, 3, 3)


def product(who: str, x: Any, y: Any, left: int, right: int) -> Any:
    """x @ y, of tensors with so many axes: `@` takes others too."""
    if (tensor(who, x).ndim, tensor(who, y).ndim) != (left, right):
        raise ValueError(
            f"{who}: shapes {x.shape} and {y.shape} given; they must have {left} and "
            f"{right} axes (matmul and @ take others)"
        )
    return check(who, matmul, x, y)
