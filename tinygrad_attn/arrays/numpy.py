"""The NumPy namespace: the same names as `arrays/python.py`, at machine speed.

NumPy 2 follows the array API standard, so most names are NumPy's own: exp, where,
maximum and the like are taken from there. Those written out here are the few that NumPy
lacks, and the few where a shorter way through NumPy is worth its line: on arrays of
this size the call costs more than the arithmetic.
"""

from __future__ import annotations

import builtins
import itertools
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import say
from . import array as checked
from . import dtypes, python, reading, shapes
from .precision import BLOCK, FEW
from .shapes import Bounds, Shape

name = "numpy"
records = False  # what is computed here leaves no graph
float_dtypes = ("float32", "float64")
array_types = (np.ndarray, np.float32, np.float64, np.int64, np.bool_)

Array = Any  # an ndarray, or the NumPy scalar that full reductions give

# Linux's C library returns freed memory to the system, which clears each page before it
# lends it anew: up to a fifth of a training step's time. Once a block as large as this
# one was freed (nobody writes to it), it keeps up to 64 MB for the next arrays.
np.empty(2**25 - 2**13, np.uint8)


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
    """What reading.py takes, as an ndarray of floats, int64 or bool: a copy, as tensors
    are values."""
    x = _plain(obj)
    if x is None:  # exact where NumPy is not, or says which element is no number
        ours = checked.asarray(obj, None if dtype == "float32" else dtype)
        if type(ours) is not checked.Array:
            raise TypeError("a list of Values given; the NumPy backend takes numbers")
        x = np.array(ours.data, ours.dtype).reshape(ours.shape)
    if dtype is None:
        floats = "float32" if x.dtype.char == "f" else "float64"
        dtype = {"f": floats, "b": "bool"}.get(x.dtype.kind, "int64")
    return astype(x, dtype)


def _plain(obj: Any) -> Array | None:
    """obj as NumPy reads it; None where that would be wrong, or not a number each."""
    if type(obj) is float or type(obj) is np.ndarray:
        x = np.array(obj)
        return x if x.dtype.kind in "fiub" else None
    array = hasattr(obj, "__array__")
    try:
        if array:
            reading.refuse(obj)
        x = np.array(obj)
    except (ValueError, TypeError, OverflowError, RuntimeError, Warning):
        return None
    if array:  # NumPy reads all but bfloat16 and the like
        plain = reading.dtype_name(obj) in np.sctypeDict
    else:  # beside floats, whole numbers that do not fit an int64 are floats to NumPy
        floats = x.dtype.kind == "f" and x.size
        plain = not floats or (_starts_with_a_float(obj) and _fit_whole(x))
        plain = plain and _of_lists(obj, x.ndim)
    return x if plain and x.dtype.kind in "fiub" else None


def _fit_whole(x: Array) -> bool:
    """Whether no float is so large that it may stand for a whole number that does not
    fit an int64."""
    return bool(np.vdot(x, x) < 2.0**126)


def _starts_with_a_float(obj: Any) -> bool:
    """Whether the first number is one. (NumPy makes floats of some whole numbers: of
    uint64 beside others.)"""
    while type(obj) in LISTS and obj:
        obj = obj[0]
    return type(obj) is float


def _of_lists(obj: Any, depth: int) -> bool:
    """Whether obj is lists in lists, so deep: no mask and no deque is among them."""
    level = [obj]
    for left in range(depth - 1, -1, -1):
        if not LISTS.issuperset(map(type, level)):
            return False
        level = [v for inner in level for v in inner] if left else []
    return True


def full(shape: Sequence[int], fill: float, dtype: str = "float64") -> Array:
    return np.full(shape, asarray(fill, _check_dtype(dtype)))


def zeros(shape: Sequence[int], dtype: str = "float64") -> Array:
    return np.zeros(shape, _check_dtype(dtype))


def arange(start: float, stop: float, step: float = 1, dtype: str = "int64") -> Array:
    count = builtins.max(0, math.ceil((stop - start) / step))
    if dtype == "int64":  # the ends, if they are whole
        ends = start, start + step * builtins.max(0, count - 1)
        dtypes.check_int64(*(v for v in ends if type(v) is int))
        if type(start) is type(stop) is type(step) is int:
            return np.arange(start, start + step * count, step)
    return astype(np.arange(count) * step + start, dtype)


def uniform(raw: bytes, shape: Shape, dtype: str = "float64") -> Array:
    words = np.frombuffer(raw, "<u8") >> np.uint64(11)
    return (words * 2.0**-53).reshape(shape).astype(_check_dtype(dtype), copy=False)


def from_bytes(raw: Any, code: str, dtype: str, shape: Shape, kept: str) -> Array:
    little = np.dtype(dtype).newbyteorder("<")
    return np.frombuffer(raw, little).reshape(shape).astype(kept)


def astype(x: Array, dtype: str) -> Array:
    kind = x.dtype.kind
    if _check_dtype(dtype) == "int64" and kind in "fu":
        fits = x < 2**63 if kind == "u" else abs(x) < 2.0**63  # false for nan
        dtypes.check_int64(*map(int, x[~fits].tolist()))
    return x.astype(dtype, copy=False)


def stop_gradient(x: Array) -> Array:
    return x


def leaf(x: Array) -> Array:
    return x


def erf(x: Array) -> Array:
    return np.asarray(_erf(x)).astype(np.result_type(x.dtype, np.float32))


_erf = np.frompyfunc(math.erf, 1, 1)  # NumPy has none


def where(condition: Array, x: Any, y: Any) -> Array:
    """x where condition, elsewhere y. NumPy takes its time to choose among many. If
    one of them is 0, the bits of the other, read as a whole number, are multiplied by 0
    or 1: that picks as well (where a product of floats would make nan of inf · 0), in a
    fifth of the time."""
    if type(condition) is np.bool_ and type(x) is float and type(y) in FLOATS:
        return type(y)(x) if condition else y  # single numbers
    if condition.size > MANY and type(x) is not type(y) and condition.dtype == bool:
        if _is_zero(x):
            return _kept(~condition, y)
        if _is_zero(y):
            return _kept(condition, x)
    return np.where(condition, x, y)


MANY = 4096
FLOATS = frozenset((np.float32, np.float64))
WHOLE = {"f": np.int32, "d": np.int64}  # as many bits


def _kept(condition: Array, x: Array) -> Array:
    """x with all bits where condition, elsewhere 0."""
    if type(x) is np.ndarray and x.dtype.char in WHOLE:
        return np.multiply(x.view(WHOLE[x.dtype.char]), condition).view(x.dtype)
    return np.where(condition, x, 0.0)


def _is_zero(x: Any) -> bool:
    """Whether x is the number 0.0, all of whose bits are 0 (those of -0.0 are not)."""
    return type(x) is float and x == 0.0 and math.copysign(1.0, x) > 0.0


_sum: Any = np.add.reduce  # twice as fast as np.sum on small arrays
_max: Any = np.maximum.reduce
_min: Any = np.minimum.reduce


def sum(x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
    kind = x.dtype.kind
    if kind == "f" and x.size > FEW:
        axes = (axis,) if type(axis) is int else axis
        length = x.size if axes is None else math.prod([x.shape[a] for a in axes])
        if length > FEW and not (length == x.size and x.flags.c_contiguous):
            return _exact_sum(x, axis, keepdims)
    z = _sum(x, axis=axis, keepdims=keepdims)
    if kind == "i" and not (x.size < HALF and _small(x)):
        _check_whole(
            [x.size * v for v in _ends(x)],
            lambda: _sum(x.astype(object), axis=axis, keepdims=keepdims),
        )
    return z


LISTS = frozenset((list, tuple))


def _exact_sum(x: Array, axis: Any, keepdims: bool) -> Array:
    """NumPy adds in pairs, whose sums it adds in pairs, but only along what lies side
    by side in memory. Along another axis it adds one row after the other, and the error
    grows with their number. So many rows are first added block by block."""
    axes, _, _, shape = shapes.reduction(x.shape, axis, keepdims)
    last = axes == tuple(range(x.ndim))[-len(axes) :]
    if last and x.flags.c_contiguous:
        return _sum(x, axis=axes, keepdims=keepdims)
    for a in axes:
        while (n := x.shape[a]) > FEW:
            front, back = [slice(None)] * (a + 1), [slice(None)] * (a + 1)
            front[a], back[a] = slice(n - n % BLOCK), slice(n - n % BLOCK, n)
            rest, sizes = x[tuple(back)], (n // BLOCK, BLOCK)
            blocks = x[tuple(front)].reshape(x.shape[:a] + sizes + x.shape[a + 1 :])
            x = _sum(blocks, axis=a + 1)
            if n % BLOCK:
                x = concat([x, _sum(rest, axis=a, keepdims=True)], axis=a)
        x = _sum(x, axis=a, keepdims=True)
    return x.reshape(shape)


def squares_fit(x: Array) -> bool:
    return bool(np.vdot(x, x) < np.inf)


def max(x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
    """With a number to begin with, NumPy compares all of a row alike. Without, it
    begins with the first, and the others no longer fill its registers."""
    if x.size > MANY and x.dtype.kind == "f":
        return _max(x, axis=axis, keepdims=keepdims, initial=-np.inf)
    return _max(x, axis=axis, keepdims=keepdims)


def matmul(x: Array, y: Array) -> Array:
    """One matrix for a whole batch is one large product, not a batch of small ones.
    (NumPy's `dot` of two matrices takes two thirds of the time of its `matmul`.)"""
    if y.dtype.kind == "i" and x.dtype.kind == "i":
        pairs = itertools.product(_ends(x), _ends(y))
        _check_whole(
            [x.shape[-1] * u * v for u, v in pairs],
            lambda: np.matmul(x.astype(object), y.astype(object)),
        )
    if y.ndim != 2 or x.ndim < 2:
        return np.matmul(x, y)
    if x.ndim == 2:
        return x.dot(y)
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    return rows.dot(y).reshape(*x.shape[:-1], y.shape[-1])


def reshape(x: Array, shape: Sequence[int]) -> Array:
    return x.reshape(shape)


def broadcast_to(x: Array, shape: Sequence[int]) -> Array:
    if x.size == 1 and math.prod(shape) <= MANY:  # faster than NumPy's own
        z = np.empty(shape, x.dtype)
        z[...] = x
        return z
    return np.broadcast_to(x, shape)


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
    def added(g: Array) -> Array:
        row = g.shape[indices.ndim :]
        z = np.zeros((rows, *row), g.dtype)
        if g.size > MANY:  # number by number, which NumPy does much faster
            width = math.prod(row)
            places = indices.reshape(-1, 1) * width + np.arange(width)
            np.add.at(z.reshape(-1), places.reshape(-1), g.reshape(-1))
        else:
            np.add.at(z, indices, g)
        return z

    if g.dtype.kind == "i":
        _check_whole(
            [indices.size * v for v in _ends(g)], lambda: added(g.astype(object))
        )
    return added(g)


def place(g: Array, bounds: Bounds, shape: Shape) -> Array:
    z = np.zeros(shape, g.dtype)
    z[tuple(slice(*b) for b in bounds)] = g
    return z


def put(x: Array, indices: Array, values: Array) -> Array:
    z = np.array(x, order="C")  # of a transposed x too, reshape then makes no copy
    z.reshape(-1)[indices] = np.reshape(values, -1)
    return z


def check_range(x: Array, count: int, says: str, but: int | None = None) -> None:
    least, most = _ends(x)
    if least < 0 or most >= count:
        wrong = (x < 0) | (x >= count)
        wrong &= x != but  # of None, none is equal
        if wrong.any():
            raise IndexError(says.format(x[wrong].flat[0]))


def floor_divide(x: Any, y: Any) -> Array:
    z = np.floor_divide(x, y)
    if z.dtype.kind == "i" and ((z < 0) & (np.less(x, 0) == np.less(y, 0))).any():
        dtypes.check_int64(2**63)  # -2**63 // -1, which NumPy wraps round
    return z


def check_divisor(y: Array, says: str) -> None:
    if not y.all():
        raise ZeroDivisionError(says)


def check_rows(mask: Array, says: str) -> None:
    if not mask.any(axis=-1).all():
        raise ValueError(says)


# --- whole numbers that do not fit ----------------------------------------------------


def check_int64(f: Any, *operands: Any) -> None:
    """Refuses whole numbers if f of them, one of + - * and minus, does not fit: NumPy
    wraps it round in silence. The largest and the smallest come from their ends."""
    if all(map(_small, operands)):
        return
    xp, ends = sys.modules[__name__], itertools.product(*map(_ends, operands))
    _check_whole(
        [int(f(xp, *corner)) for corner in ends],
        lambda: f(xp, *(np.asarray(v).astype(int).astype(object) for v in operands)),
    )


HALF = 2**31  # products of numbers below it, and sums of so many, fit


def _small(x: Any) -> bool:
    """Whether all of x, a whole number or an array of them, are below HALF in size."""
    if type(x) is int or type(x) is bool:
        return -HALF < x < HALF
    least, most = _ends(x)
    return least > -HALF and most < HALF


def _ends(x: Any) -> tuple[int, int]:
    """The smallest and the largest whole number of x."""
    x = np.asarray(x)
    if x.size > 64:
        return int(_min(x, axis=None)), int(_max(x, axis=None))
    few = x.ravel().tolist() or [0]  # faster than two reductions
    return min(few), builtins.max(few)


def _check_whole(bounds: Iterable[int], exact: Callable[[], Any]) -> None:
    """Refuses a result that does not fit. All is well if its bounds do, which are
    quickly found; else it is computed once more, in Python's integers."""
    if not all(map(dtypes.fits_int64, bounds)):
        dtypes.check_int64(*np.ravel(exact()).tolist())


def _check_dtype(dtype: str) -> str:
    if dtype not in (*float_dtypes, "int64", "bool"):
        raise TypeError(
            f"dtype {say(dtype)} given; the NumPy backend has float32, float64, int64 "
            "and bool"
        )
    return dtype
