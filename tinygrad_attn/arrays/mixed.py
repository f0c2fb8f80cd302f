"""Functions of numbers of which some are Values and some are plain.

An Array of Values may hold plain numbers too: constants, masks, all that needs no
gradient. So `ValueArray` takes its functions from here, by the names that they have in
`floats.py`. Given Values they record, given plain numbers only they compute.

    >>> from tinygrad_attn import Value
    >>> exp(0.0), exp(Value(0.0))
    (1.0, Value(data=1.0, grad=0))

Three more rules stand here, which arrays need and chapter 1 does not: `log1p`, `erf`,
and the largest of several.
"""

from __future__ import annotations

import math

from .. import floats
from ..scalar import Number, Value, made


def value(x: Value | Number) -> Number:
    """The plain number inside."""
    return x.data if isinstance(x, Value) else x


def equal(x: Value | Number, y: Value | Number) -> bool:
    """Are the two numbers the same? (`==` on Values asks whether they are one node.)"""
    return value(x) == value(y)


# --- the rules of chapter 1 -----------------------------------------------------------


def exp(x: Value | Number) -> Value | Number:
    """eˣ."""
    return x.exp() if isinstance(x, Value) else floats.exp(x)


def log(x: Value | Number) -> Value | Number:
    """ln x."""
    return x.log() if isinstance(x, Value) else floats.log(x)


def sqrt(x: Value | Number) -> Value | Number:
    """√x."""
    return x.sqrt() if isinstance(x, Value) else floats.sqrt(x)


def tanh(x: Value | Number) -> Value | Number:
    """tanh x."""
    return x.tanh() if isinstance(x, Value) else floats.tanh(x)


def sin(x: Value | Number) -> Value | Number:
    """sin x."""
    return x.sin() if isinstance(x, Value) else floats.sin(x)


def cos(x: Value | Number) -> Value | Number:
    """cos x."""
    return x.cos() if isinstance(x, Value) else floats.cos(x)


def div(x: Value | Number, y: Value | Number) -> Value | Number:
    """x / y."""
    if isinstance(x, Value) or isinstance(y, Value):
        return x / y
    return floats.div(x, y)


def pow(x: Value | Number, y: Value | Number) -> Value | Number:
    """xʸ."""
    if isinstance(x, Value) or isinstance(y, Value):
        return x**y
    return floats.pow(x, y)


# --- rules that only arrays need ------------------------------------------------------


def log1p(x: Value | Number) -> Value | Number:
    """z = ln(1 + x), exact for a small x too;  ∂z/∂x = 1/(1 + x)."""
    if not isinstance(x, Value):
        return floats.log1p(x)
    dx = floats.div(1.0, 1.0 + x.data)
    return made(floats.log1p(x.data), "log1p", x, dx)


def erf(x: Value | Number) -> Value | Number:
    """z = erf x, the area under the bell curve;  ∂z/∂x = 2/√π · exp(-x²)."""
    if not isinstance(x, Value):
        return floats.erf(x)
    dx = 2.0 / math.sqrt(math.pi) * math.exp(-x.data * x.data)
    return made(floats.erf(x.data), "erf", x, dx)


def maximum(x: Value | Number, y: Value | Number) -> Value | Number:
    """The larger of two; where they are equal, each gets half of the gradient."""
    a, b = value(x), value(y)
    z = floats.maximum(a, b)
    share = 0.5 if a == b else float(z is a)
    if isinstance(x, Value):
        if isinstance(y, Value):
            return made(z, "maximum", x, share, y, 1.0 - share)
        return made(z, "maximum", x, share, y)
    if isinstance(y, Value):
        return made(z, "maximum", y, 1.0 - share, (x,))
    return z


def largest(xs: list[Value | Number]) -> Value | Number:
    """The largest of several; those equal to it share the gradient evenly."""
    z = floats.largest([value(x) for x in xs])
    ties = [x for x in xs if value(x) == z]
    winners = tuple(x for x in ties if isinstance(x, Value))
    if not winners:
        return z
    return Value(z, winners, "max", (1.0 / len(ties),) * len(winners))
