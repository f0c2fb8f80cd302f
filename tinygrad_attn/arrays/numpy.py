"""The NumPy namespace: the same names as `arrays/python.py`, at machine speed.

NumPy 2 follows the array API standard, so most names are NumPy's own: exp, where,
maximum and the like are taken from there. Those written out here are the few that NumPy
lacks, and the few where a shorter way through NumPy is worth its line: on arrays of
this size the call costs more than the arithmetic.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import array as checked
from . import python
from .shapes import Bounds, Shape

name = "numpy"
records = False  # what is computed here leaves no graph
float_dtypes = ("float32", "float64")
array_types = (np.ndarray, np.float32, np.float64, np.int64, np.bool_)

Array = Any  # an ndarray, or the NumPy scalar that full reductions give


def __getattr__(name: str) -> Any:
    """NumPy's own function of this name, if the pure Python namespace has it too."""
    if name.startswith("_") or not hasattr(python, name):
        raise AttributeError(
            f"xp has no {name!r}", name=name, obj=sys.modules[__name__]
        )
    found = globals()[name] = getattr(np, name)
    return found


def quiet() -> Any:
    """A context in which inf and nan are results, and no occasion for a warning."""
    return np.errstate(all="ignore")


def asarray(obj: Any, dtype: str | None = None) -> Array:
    """Nested lists or arrays as an ndarray of floats, int64 or bool."""
    try:
        x: Array = np.array(obj)  # a copy: tensors are values
    except ValueError:
        x = checked.asarray(obj)  # names the ragged lists
    if x.dtype.kind not in "fiub":
        checked.asarray(obj)  # says which element is no number
        raise TypeError(f"dtype {x.dtype} given; floats, integers and bool can be")
    if dtype is None:
        floats = "float32" if x.dtype.itemsize <= 4 else "float64"
        dtype = {"f": floats, "b": "bool"}.get(x.dtype.kind, "int64")
    if dtype == "int64" and x.dtype.kind == "f" and not np.isfinite(x).all():
        raise ValueError("inf or nan given; neither is an int64")
    return astype(x, dtype)


def full(shape: Sequence[int], fill: float, dtype: str = "float64") -> Array:
    return np.full(shape, fill, _check_dtype(dtype))


def zeros(shape: Sequence[int], dtype: str = "float64") -> Array:
    return np.zeros(shape, _check_dtype(dtype))


def arange(start: float, stop: float, step: float = 1, dtype: str = "int64") -> Array:
    return np.arange(start, stop, step).astype(_check_dtype(dtype))


def uniform(raw: bytes, shape: Shape, dtype: str = "float64") -> Array:
    words = np.frombuffer(raw, "<u8") >> np.uint64(11)
    return (words * 2.0**-53).reshape(shape).astype(_check_dtype(dtype), copy=False)


def astype(x: Array, dtype: str) -> Array:
    return x.astype(_check_dtype(dtype), copy=False)


def stop_gradient(x: Array) -> Array:
    return x


def leaf(x: Array) -> Array:
    return x


def erf(x: Array) -> Array:
    return np.asarray(_erf(x)).astype(np.result_type(x.dtype, np.float32))


_erf = np.frompyfunc(math.erf, 1, 1)  # NumPy has none


_sum: Any = np.add.reduce  # twice as fast as np.sum on small arrays
_max: Any = np.maximum.reduce


def sum(x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
    return _sum(x, axis=axis, keepdims=keepdims)


def max(x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
    return _max(x, axis=axis, keepdims=keepdims)


def matmul(x: Array, y: Array) -> Array:
    """One matrix for a whole batch is one large product, not a batch of small ones."""
    if y.ndim == 2 and x.ndim > 2:
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1]) @ y
        return rows.reshape(*x.shape[:-1], y.shape[-1])
    return np.matmul(x, y)


def reshape(x: Array, shape: Sequence[int]) -> Array:
    return x.reshape(shape)


def permute_dims(x: Array, axes: Sequence[int]) -> Array:
    return x.transpose(axes)


def concat(arrays: Sequence[Array], *, axis: int = 0) -> Array:
    return np.concatenate(arrays, axis=axis)


def take(x: Array, indices: Array, *, axis: int = 0) -> Array:
    return x.take(indices, axis=axis)


def positions(shape: Shape, keys: tuple[Any, ...]) -> Array | None:
    """The array 0, 1, 2, ... of a shape, indexed by NumPy (see `indexing.py`); None if
    it cannot be, for whatever reason."""
    plain = tuple(
        np.asarray(k.tolist()) if isinstance(k, checked.Array) else k for k in keys
    )
    try:
        return np.arange(math.prod(shape)).reshape(shape)[plain]
    except (IndexError, ValueError, TypeError):
        return None


def scatter_add(g: Array, indices: Array, rows: int) -> Array:
    z = np.zeros((rows, *g.shape[indices.ndim :]), g.dtype)
    np.add.at(z, indices, g)
    return z


def place(g: Array, bounds: Bounds, shape: Shape) -> Array:
    z = np.zeros(shape, g.dtype)
    z[tuple(slice(*b) for b in bounds)] = g
    return z


def _check_dtype(dtype: str) -> str:
    if dtype not in (*float_dtypes, "int64", "bool"):
        raise TypeError(
            f"dtype {dtype!r} given; the NumPy backend has float32, float64, int64 "
            "and bool"
        )
    return dtype
