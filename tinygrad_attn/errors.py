"""One clear line for a wrong call: the function, what was given, what would be right.

A check that knows better raises its own sentence. What no check foresaw, a None for a
Tensor or a string for a number, would end deep inside as "'NoneType' object has no
attribute 'ndim'". `named` turns that into a sentence about the call itself, in which
the function's signature says what would be right.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from functools import wraps
from numbers import Integral, Real
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# How Python itself says that a value is of the wrong kind for what is done with it.
PYTHONS_OWN = re.compile(
    "has no attribute|not supported between|unsupported operand|bad operand|missing|"
    "not iterable|object is not|cannot be interpreted|unhashable|can't multiply|"
    "must be real|must be a string or|values to unpack|unexpected keyword|too large|"
    "takes .* argument|cannot convert|not subscriptable|slice indices|does not support|"
    "invalid literal"
)
UNFORESEEN = (AttributeError, KeyError, NameError, OverflowError, TypeError)


def named(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: the errors of a public function carry its name, and are one line."""
    name = function.__name__

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (*UNFORESEEN, ValueError, IndexError, ZeroDivisionError) as error:
            ours = in_words(name, function, error, args, kwargs)
            if ours is error:
                raise
        raise ours

    return call


def in_words(
    name: str, function: Any, error: Exception, args: Any, kwargs: Any
) -> Exception:
    """The error as a line that begins with the name; itself if it already does."""
    text = str(error)
    if text.startswith(f"{name}:") and "\n" not in text:
        return error
    if text and not PYTHONS_OWN.search(text):
        return type(error)(f"{name}: {' '.join(text.split())}")
    given = [type(a).__name__ for a in args]
    given += [f"{k}={type(v).__name__}" for k, v in kwargs.items()]
    takes = str(inspect.signature(function)).partition(" ->")[0].replace("'", "")
    kind = TypeError if isinstance(error, UNFORESEEN) else type(error)
    return kind(f"{name}: ({', '.join(given)}) given; it takes {takes}")


def under_name(who: str, error: Exception) -> Exception:
    """An error of the same kind whose one line begins with the function's name; to be
    raised `from` the first, so that nothing of where it arose is lost."""
    kinds = (IndexError, TypeError, ValueError, OverflowError)
    kind = next((kind for kind in kinds if isinstance(error, kind)), RuntimeError)
    return kind(f"{who}: {' '.join(str(error).split())}")


def check_number(
    who: str,
    what: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    whole: bool = False,
    open_low: bool = False,
    open_high: bool = False,
) -> None:
    """Refuses a setting that is no number, or not between low and high."""
    kinds: Any = Integral if whole else Real
    if isinstance(value, kinds) and not isinstance(value, bool):
        inside = low <= value <= high and not math.isinf(value)
        at_limit = (open_low and value == low) or (open_high and value == high)
        if inside and not at_limit:
            return
    kind = "an integer" if whole else "a number"
    limits = ""
    if low > -math.inf or high < math.inf:
        left = "(" if open_low or low == -math.inf else "["
        right = ")" if open_high or high == math.inf else "]"
        limits = f" in {left}{low:g}, {high:g}{right}"
    if isinstance(value, kinds) and not isinstance(value, bool):
        raise ValueError(f"{who}: {what}={value!r} given; it must be {kind}{limits}")
    raise TypeError(
        f"{who}: {what}={value!r}, a {type(value).__name__}, given; it must be "
        f"{kind}{limits}"
    )
