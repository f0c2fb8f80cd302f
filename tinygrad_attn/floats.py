"""Functions of one or two floats, with IEEE 754's answers where `math` would raise.

`math.exp(1000)`, `math.log(0)` and `1.0 / 0.0` are exceptions in Python. Inside a
network they are inf, -inf and inf: a number that can be seen, compared and masked.
`mixed.py` has the same functions, by the same names, for numbers that record
themselves; an `Array` calls whichever set fits its elements.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

inf, nan = math.inf, math.nan

tanh, erf = math.tanh, math.erf


def exp(x: float) -> float:
    """eˣ; inf from about x = 709.8."""
    try:
        return math.exp(x)
    except OverflowError:
        return inf


def log(x: float) -> float:
    """ln x; -inf at 0, nan below."""
    if x > 0:
        return math.log(x)
    return -inf if x == 0 else nan


def log1p(x: float) -> float:
    """ln(1 + x), exact for a small x too; -inf at -1, nan below."""
    if x > -1:
        return math.log1p(x)
    return -inf if x == -1 else nan


def sqrt(x: float) -> float:
    """√x; nan below 0."""
    return nan if x < 0 else math.sqrt(x)


def sin(x: float) -> float:
    """sin x; nan at ±inf."""
    return nan if math.isinf(x) else math.sin(x)


def cos(x: float) -> float:
    """cos x; nan at ±inf."""
    return nan if math.isinf(x) else math.cos(x)


def div(x: float, y: float) -> float:
    """x / y; ±inf over a zero, and nan for 0 / 0."""
    try:
        return x / y
    except ZeroDivisionError:
        if x == 0 or x != x:
            return nan
        return math.copysign(inf, x) * math.copysign(1.0, y)


def floor_divide(x: float, y: float) -> float:
    """⌊x / y⌋; ±inf over a zero, and nan for 0 / 0."""
    try:
        return x // y
    except ZeroDivisionError:
        if x == 0 or x != x:
            return nan
        return math.copysign(inf, x) * math.copysign(1.0, y)


def pow(x: float, y: float) -> float:
    """xʸ; inf on overflow and for 0 to a negative power, nan for (-8) ** (1/3)."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -inf if x < 0 and y % 2 == 1 else inf
    except ValueError:
        if x != 0:
            return nan
        return math.copysign(inf, x) if y % 2 == 1 else inf


def maximum(x: float, y: float) -> float:
    """The larger of the two; nan if either is nan."""
    return x if x >= y or x != x else y


def largest(xs: Sequence[float]) -> float:
    """The largest of several; nan if any is nan."""
    z = max(xs)
    return nan if z != z or any(x != x for x in xs) else z


def equal(x: float, y: float) -> bool:
    """x == y."""
    return x == y


def value(x: float) -> float:
    """The plain number inside: a float is its own (`mixed.value` is the other)."""
    return x
