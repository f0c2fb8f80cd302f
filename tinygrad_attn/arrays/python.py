"""The pure Python namespace: Arrays in, Arrays out, no dependency.

This module is an `xp`: its functions have the names and the meaning of the Python array
API standard (`exp`, `sum`, `matmul`, `permute_dims`, `where`, ...), so that a rule
written against `xp` runs here as it runs on NumPy (`arrays/numpy.py`, the same
names). Four functions go beyond the standard, because gradients need them:
`stop_gradient`, `scatter_add` and `place` (the reverses of `take` and of a slice), and
`erf`.

    >>> x = asarray([[1, 2, 3], [4, 5, 6]], "float64")
    >>> matmul(x, permute_dims(x, (1, 0)))
    Array([[14.0, 32.0], [32.0, 77.0]], dtype='float64')

`arrays/values.py` is the same again for arrays of `Value`s.
"""

from __future__ import annotations

import builtins
import math
import operator
import struct
import sys
from array import array
from collections.abc import Sequence
from contextlib import nullcontext
from math import prod
from typing import Any

from .. import floats
from . import reading, shapes
from .array import (
    Array,
    Operand,
    alike,
    broadcast,
    cast,
    combine,
    elementwise,
    exact,
    flat_broadcast,
    flat_index,
    kind_of,
    like,
    pick,
    result_dtype,
)
from .array import asarray as asarray
from .array import astype as astype
from .shapes import Bounds, Shape

name = "python"
records = False  # what is computed here leaves no graph
quiet = nullcontext  # inf and nan are results, and make no noise
float_dtypes = ("float64",)
sumprod = getattr(math, "sumprod", None)  # the inner product, from Python 3.12 on

MANY = 2**26

# --- making arrays --------------------------------------------------------------------


def full(shape: Sequence[int], fill: float, dtype: str = "float64") -> Array:
    """An array of `shape` with `fill` everywhere."""
    if type(fill) not in reading.NUMBERS:
        fill = reading.lists(fill)  # which refuses what is no number
    return Array(cast([fill], dtype) * prod(shape), tuple(shape), dtype)


def zeros(shape: Sequence[int], dtype: str = "float64") -> Array:
    """An array of zeros."""
    return full(shape, 0, dtype)


def arange(start: float, stop: float, step: float = 1, dtype: str = "int64") -> Array:
    """start, start + step, ... up to but without stop."""
    count = builtins.max(0, math.ceil((stop - start) / step))
    if count > MANY:
        bytearray(8 * count)  # fails before the first is counted, if there is no memory
    data = [start + step * i for i in range(count)]
    return Array(cast(data, dtype), (len(data),), dtype)


def uniform(raw: bytes, shape: Shape, dtype: str = "float64") -> Array:
    """Random bytes as numbers in [0, 1): 8 bytes each, of which 53 bits are used."""
    words = struct.unpack(f"<{prod(shape)}Q", raw)
    return Array([(word >> 11) * 2.0**-53 for word in words], shape, dtype)


def put(x: Array, indices: Array, values: Array) -> Array:
    """x with these values at these places of the flattened x; the last one stays."""
    data = [*x.data]
    for i, v in zip(indices.data, values.data):
        data[i] = v
    return like(x, data, x.shape)


def from_bytes(raw: Any, code: str, dtype: str, shape: Shape, kept: str) -> Array:
    """Numbers as they lie in a file, little-endian, by their code in `array`."""
    numbers = array(code, bytes(raw))
    if sys.byteorder == "big":
        numbers.byteswap()
    return Array(cast(numbers.tolist(), kept), tuple(shape), kept)


# --- elementwise ----------------------------------------------------------------------


def exp(x: Array) -> Array:
    return elementwise(x.scalars.exp, x, dtype="float64")


def log(x: Array) -> Array:
    return elementwise(x.scalars.log, x, dtype="float64")


def log1p(x: Array) -> Array:
    return elementwise(x.scalars.log1p, x, dtype="float64")


def sqrt(x: Array) -> Array:
    return elementwise(x.scalars.sqrt, x, dtype="float64")


def tanh(x: Array) -> Array:
    return elementwise(x.scalars.tanh, x, dtype="float64")


def erf(x: Array) -> Array:
    return elementwise(x.scalars.erf, x, dtype="float64")


def sin(x: Array) -> Array:
    return elementwise(x.scalars.sin, x, dtype="float64")


def cos(x: Array) -> Array:
    return elementwise(x.scalars.cos, x, dtype="float64")


def maximum(x: Operand, y: Operand) -> Array:
    kind = kind_of((x, y))
    return elementwise(kind.scalars.maximum, *alike((x, y)))


def where(condition: Array, x: Operand, y: Operand) -> Array:
    """x where condition, y elsewhere: it picks, and computes nothing with the other."""
    dtype = result_dtype((x, y))
    return elementwise(_choose, condition, *alike((x, y)), dtype=dtype)


def _choose(condition: bool, x: Any, y: Any) -> Any:
    return x if condition else y


def floor_divide(x: Operand, y: Operand) -> Array:
    """⌊x / y⌋ of plain numbers; whole ones must not be divided by 0 (check_divisor)."""
    return elementwise(floats.floor_divide, x, y)


def stop_gradient(x: Array) -> Array:
    """x as plain numbers, from which no gradient flows back."""
    if type(x) is Array:
        return x
    return like(x, [x.scalars.value(v) for v in x.data], x.shape)


def leaf(x: Array) -> Array:
    """x as something that can collect a gradient: here, itself."""
    return x


def check_int64(f: Any, *operands: Operand) -> None:
    """Refuses whole numbers that do not fit: here f has done so (array.py, `cast`)."""


def check_range(x: Array, count: int, says: str, but: int | None = None) -> None:
    """Refuses a whole number outside 0..count-1 other than `but`, with a sentence."""
    for i in x.data:
        if not 0 <= i < count and i != but:
            raise IndexError(says.format(i))


def check_divisor(y: Array, says: str) -> None:
    """Refuses whole numbers of which one is 0."""
    if 0 in y.data:
        raise ZeroDivisionError(says)


def check_rows(mask: Array, says: str) -> None:
    """Refuses a mask with a row (along the last axis) that has no True."""
    rows, _ = _rows(mask, -1, False)
    if not all(map(any, rows)):
        raise ValueError(says)


# --- reductions -----------------------------------------------------------------------


def sum(x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
    """The sum over an axis, several, or all (None)."""
    zero, dtype = (0.0, "float64") if x.dtype == "float64" else (0, "int64")
    rows, shape = _rows(x, axis, keepdims)
    sums = [builtins.sum(row, zero) for row in rows]
    if dtype == "int64":
        sums = cast(sums, dtype)
    return like(x, sums, shape, dtype)


def squares_fit(x: Array) -> bool:
    """Whether the sum of all x² is no more than the largest float."""
    data = x.data if type(x) is Array else [x.scalars.value(v) for v in x.data]
    return not data or (builtins.max(data) < 1e150 and builtins.min(data) > -1e150)


def max(x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
    """The largest element along an axis, several, or all (None)."""
    rows, shape = _rows(x, axis, keepdims)
    if [] in rows:
        raise ValueError(f"max of shape {x.shape}: nothing has no largest element")
    return like(x, [x.scalars.largest(row) for row in rows], shape)


def argmax(x: Array, *, axis: int) -> Array:
    """Where along an axis the largest element is, the first if there are several."""
    rows, shape = _rows(x, axis, keepdims=False)
    values = [[x.scalars.value(v) for v in row] for row in rows]
    where = []
    for row in values:
        nans = [i for i, v in enumerate(row) if v != v]  # a nan wins, as in max
        where.append(nans[0] if nans else row.index(builtins.max(row)))
    return like(x, where, shape, "int64")


def _rows(x: Array, axis: Any, keepdims: bool) -> tuple[list[list[Any]], Shape]:
    """What is reduced together, one list each, and the shape of the results."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    axes, kept, length, shape = shapes.reduction(x.shape, axis, keepdims)
    order = kept + axes
    data = x.data if order == tuple(range(len(order))) else permute_dims(x, order).data
    count = prod(shape)
    return [data[i * length : (i + 1) * length] for i in range(count)], shape


# --- the matrix product ---------------------------------------------------------------


def matmul(x: Array, y: Array) -> Array:
    """(..., n, k) @ (..., k, m) → (..., n, m); the leading axes broadcast."""
    shape = shapes.matmul_shape(x.shape, y.shape)
    zero = 0.0 if "float64" in (x.dtype, y.dtype) else 0  # whole numbers stay exact
    (n, k), m = x.shape[-2:], y.shape[-1]
    if len(y.shape) == 2:  # one matrix for all: x's rows are one long list of rows
        rows = prod(shape[:-1])
        return combine((x, y), _matmul(x.data, y.data, rows, k, m, zero), shape)
    xs = flat_broadcast(x.shape[:-2], shape[:-2])
    ys = flat_broadcast(y.shape[:-2], shape[:-2])
    data: list[Any] = []
    for i, j in zip(xs, ys):
        x_matrix = x.data[i * n * k : (i + 1) * n * k]
        y_matrix = y.data[j * k * m : (j + 1) * k * m]
        data += _matmul(x_matrix, y_matrix, n, k, m, zero)
    return combine((x, y), data, shape)


Array.__matmul__ = matmul  # type: ignore[operator]  # x @ y, as NumPy has it


def _matmul(
    x: list[Any], y: list[Any], n: int, k: int, m: int, zero: float
) -> list[Any]:
    """(n, k) @ (k, m) on flat lists: every row of x with every column of y."""
    columns = [y[j::m] for j in range(m)]
    rows = [x[i * k : (i + 1) * k] for i in range(n)]
    if k and sumprod:
        return [sumprod(row, column) for row in rows for column in columns]
    sum, mul = builtins.sum, operator.mul
    return [sum(map(mul, row, column), zero) for row in rows for column in columns]


# --- movement: the same elements in other places --------------------------------------


def reshape(x: Array, shape: Sequence[int]) -> Array:
    """The same elements in the same order under another shape."""
    new = tuple(shape)
    if prod(new) != len(x.data) or min(new, default=0) < 0:  # a -1, or an error
        new = shapes.fill_in(x.shape, new)
    return like(x, x.data, new)


def permute_dims(x: Array, axes: Sequence[int]) -> Array:
    """The axes in another order: result axis i is axis axes[i] of x."""
    front, counted = tuple(axes), list(range(len(x.shape)))
    if sorted(front) != counted:  # counted from the end, or an error
        front = shapes.permuted_axes(front, len(counted))
    if front == tuple(counted):
        return x
    strides = shapes.strides_of(x.shape)
    shape, steps = zip(*[(x.shape[a], strides[a]) for a in front])
    return like(x, pick(x.data, flat_index(shape, steps)), shape)


def broadcast_to(x: Array, shape: Sequence[int]) -> Array:
    """x repeated along axes of size 1, or along new axes on the left, up to shape."""
    new = tuple(shape)
    if shapes.broadcast_shapes(x.shape, new) != new:
        new = shapes.broadcast_shape(x.shape, new)  # which says why not
    return like(x, broadcast(x, new), new)


def concat(arrays: Sequence[Array], *, axis: int = 0) -> Array:
    """Arrays laid end to end along an axis."""
    axis = shapes.one_axis(axis, arrays[0].ndim)
    shape = shapes.concat_shape([a.shape for a in arrays], axis)
    arrays = alike(arrays)
    # how many elements lie together in each
    runs = [prod(a.shape[axis:]) for a in arrays]
    data: list[Any] = []
    for i in range(prod(shape[:axis])):
        for a, run in zip(arrays, runs):
            data += a.data[i * run : (i + 1) * run]
    return kind_of(arrays)(data, shape, arrays[0].dtype)


def take(x: Array, indices: Array, *, axis: int = 0) -> Array:
    """Rows of x by integer index: (n, ...) and (*I) → (*I, ...). `axis` must be 0."""
    n, run = x.shape[0], prod(x.shape[1:])
    data: list[Any] = []
    for i in indices.data:
        if not -n <= i < n:
            raise IndexError(f"index {i} is out of range for {n} rows")
        data += x.data[i % n * run : (i % n + 1) * run]
    return like(x, data, indices.shape + x.shape[1:])


def scatter_add(g: Array, indices: Array, rows: int) -> Array:
    """The reverse of `take`: zeros of `rows` rows, to which each row of g is added at
    its index; a row that was taken twice is added to twice."""
    shape = (rows, *g.shape[indices.ndim :])
    run = prod(shape[1:])
    zero = 0.0 if g.dtype == "float64" else 0
    totals: list[list[Any]] = [[zero] * run for _ in range(rows)]
    for position, i in enumerate(indices.data):
        row = g.data[position * run : (position + 1) * run]
        totals[i] = [*map(operator.add, totals[i], row)]
    data = [v for row in totals for v in row]
    return like(g, exact(data, g.dtype), shape)


def place(g: Array, bounds: Bounds, shape: Shape) -> Array:
    """The reverse of a slice: zeros of `shape` with g at x[bounds]."""
    where_to = Array(list(range(prod(shape))), shape, "int64")
    data: list[Any] = cast([0], g.dtype) * prod(shape)
    for position, v in zip(where_to[tuple(slice(*b) for b in bounds)].data, g.data):
        data[position] = v
    return like(g, data, shape)
