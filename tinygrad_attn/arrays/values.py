"""The namespace of single numbers that record themselves: `python` over `Value`s.

Every computation is the pure Python namespace's own, taken over whole. What differs is
the array type: a ValueArray looks its functions up in `mixed.py`, and a tensor that
asks for a gradient holds fresh `Value`s. Numbers that need none stay plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..scalar import Value, made
from . import python
from .array import Array, ValueArray
from .shapes import Shape

name = "scalar"
records = False  # no graph of tensors, that is: the Values have their own
float_dtypes = ("float64",)


def __getattr__(name: str) -> Any:
    """The pure Python namespace's function: it computes with whatever an array has."""
    found = globals()[name] = getattr(python, name)
    return found


def leaf(x: Array) -> Array:
    """x with a fresh Value for every number: a leaf of the graph of numbers."""
    return ValueArray([Value(x.scalars.value(v)) for v in x.data], x.shape, x.dtype)


def own_values(z: Array, inputs: Sequence[Any]) -> Array:
    """z with a Value of its own wherever an operation handed one through unchanged.

    A reshape puts its input's very Values into its result. Were they shared, what flows
    to the input along another path would count as the result's gradient. So each gets
    a Value above it: the identity, ∂z/∂x = 1.
    """
    taken = {id(v) for x in inputs if isinstance(x, Array) for v in x.data}
    data = []
    for v in z.data:
        if isinstance(v, Value) and id(v) in taken:
            v = made(v.data, "", v, 1.0)
        taken.add(id(v))
        data.append(v)
    return ValueArray(data, z.shape, z.dtype)


def asarray(obj: Any, dtype: str | None = None) -> Array:
    return _as_values(python.asarray(obj, dtype))


def full(shape: Sequence[int], fill: float, dtype: str = "float64") -> Array:
    return _as_values(python.full(shape, fill, dtype))


def zeros(shape: Sequence[int], dtype: str = "float64") -> Array:
    return _as_values(python.zeros(shape, dtype))


def arange(start: float, stop: float, step: float = 1, dtype: str = "int64") -> Array:
    return _as_values(python.arange(start, stop, step, dtype))


def uniform(raw: bytes, shape: Shape, dtype: str = "float64") -> Array:
    return _as_values(python.uniform(raw, shape, dtype))


def _as_values(x: Array) -> Array:
    return ValueArray(x.data, x.shape, x.dtype)
