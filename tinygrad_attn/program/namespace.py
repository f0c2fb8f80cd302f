"""The namespace of names: `xp` for a computation that shall be written down.

Its functions have the names and the meaning of the other namespaces' (arrays/python.py,
arrays/numpy.py). They compute shapes, and note a step for the numbers. So the same
rule, run with this `xp`, leaves its own computation behind as a program.

What only looks at numbers in another order (a transpose, a slice, a broadcast, most
reshapes) is another view of the same buffer, and no step at all. What puts numbers in
another place (concat, take, place, the other reshapes) is a copy, and that is a step.
"""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from ..arrays import dtypes, shapes
from ..arrays.backends import NAMESPACES
from ..arrays.shapes import Bounds, Shape
from ..context import context
from .anatomy import Buffer, Check, Gather, Map, Product, Reduce, Scatter
from .traced import (
    Traced,
    common_dtype,
    getitem,
    mapped,
    named,
    new,
    of_floats,
    writer,
)
from .traced import reshape as reshape

name = "program"
records = False  # what is computed here leaves no graph of tensors
absorbs = True  # arrays of numbers beside names are constants
quiet = nullcontext


def __getattr__(name: str) -> Any:
    if name == "float_dtypes":  # of the backend that the function itself would use
        return writer().home.float_dtypes
    module = sys.modules[__name__]
    raise AttributeError(f"xp has no {name!r}", name=name, obj=module)


# --- making arrays --------------------------------------------------------------------


def full(shape: Sequence[int], fill: float, dtype: str = "float64") -> Traced:
    kind = {"int64": int, "bool": bool}.get(dtype, float)
    z = new(shape, dtype)
    writer().emit(Map(z, "copy", (dtypes.number(kind(fill), dtype),)))
    return z


def zeros(shape: Sequence[int], dtype: str = "float64") -> Traced:
    return full(shape, 0, dtype)


def arange(start: float, stop: float, step: float = 1, dtype: str = "int64") -> Traced:
    count = builtins.max(0, math.ceil((stop - start) / step))
    return asarray([start + step * i for i in range(count)], dtype)


def uniform(raw: bytes, shape: Shape, dtype: str = "float64") -> Traced:
    z = Traced(Buffer(tuple(shape), "float64", "random"))
    writer().randoms.append(z)
    return astype(z, dtype)


def asarray(obj: Any, dtype: str | None = None) -> Traced:
    """What the function itself would make of it, as a constant."""
    if isinstance(obj, Traced):
        return obj if dtype is None else astype(obj, dtype)
    tape = writer()
    array = tape.home.asarray(obj, dtype)
    floats = dtype is None and str(array.dtype).startswith("float")
    if floats and not hasattr(obj, "dtype"):  # lists count by their kind alone
        array = tape.home.astype(array, context.now.backend.dtype)
    return tape.constant(array)  # type: ignore[no-any-return]


def astype(x: Any, dtype: str) -> Traced:
    if x.dtype == dtype and not x.weak:
        return x  # type: ignore[no-any-return]
    if dtype == "bool":
        return mapped("ne", x, 0, dtype="bool")
    z = new(x.shape, dtype)
    writer().emit(Map(z, "copy", (x,)))
    return z


# --- element by element ---------------------------------------------------------------


def exp(x: Any) -> Traced:
    return of_floats("exp", x)


def log(x: Any) -> Traced:
    return of_floats("log", x)


def log1p(x: Any) -> Traced:
    return of_floats("log1p", x)


def sqrt(x: Any) -> Traced:
    return of_floats("sqrt", x)


def sin(x: Any) -> Traced:
    return of_floats("sin", x)


def cos(x: Any) -> Traced:
    return of_floats("cos", x)


def tanh(x: Any) -> Traced:
    return of_floats("tanh", x)


def erf(x: Any) -> Traced:
    return of_floats("erf", x)


def maximum(x: Any, y: Any) -> Traced:
    return mapped("maximum", x, y)


def floor_divide(x: Any, y: Any) -> Traced:
    return mapped("floor_divide", x, y)


def where(condition: Any, x: Any, y: Any) -> Traced:
    return mapped("where", condition, x, y)


def stop_gradient(x: Any) -> Any:
    return x


leaf = stop_gradient


def check_int64(f: Any, *operands: Any) -> None:
    """Whole numbers are not watched for an overflow in a program."""


def squares_fit(x: Any) -> bool:
    """A program has the usual form; nobody knows yet how large the numbers will be."""
    return True


def check_range(x: Any, count: int, says: str, but: int | None = None) -> None:
    op = writer().origin.op
    if op is not None and op.kind != "check":  # as `apply` says it
        says = f"{op.name}: {says}"
    writer().check(Check(x, "range", says, IndexError, count, but))


def check_divisor(y: Any, says: str) -> None:
    there = mapped("ne", y, 0, dtype="bool")
    writer().check(Check(there, "true", says, ZeroDivisionError))


def check_rows(mask: Any, says: str) -> None:
    writer().check(Check(max(mask, axis=-1), "true", says, ValueError))


# --- reductions -----------------------------------------------------------------------


def reduced(function: str, x: Any, axis: Any, keepdims: bool, dtype: str) -> Traced:
    x = named(x)
    axis = tuple(axis) if isinstance(axis, list) else axis
    axes, _, length, shape = shapes.reduction(x.shape, axis, keepdims)
    if not length and function != "sum":
        raise ValueError(f"{function} of shape {x.shape}: nothing has no largest one")
    if length == 1 and function != "argmax":  # one number alone is its sum
        return reshape(astype(x, dtype), shape)
    z = new(shapes.reduced_shape(x.shape, axes, True), dtype)
    writer().emit(Reduce(z, function, x, axes))
    return reshape(z, shape)


def sum(array: Any, *, axis: Any = None, keepdims: bool = False) -> Traced:
    x = named(array)
    dtype = x.dtype if x.dtype.startswith("float") else "int64"
    if axis == () and x.dtype == dtype:
        return x
    return reduced("sum", x, axis, keepdims, dtype)


def max(x: Any, *, axis: Any = None, keepdims: bool = False) -> Traced:
    return reduced("max", x, axis, keepdims, str(x.dtype))


def argmax(x: Any, *, axis: int) -> Traced:
    return reduced("argmax", x, axis, False, "int64")


# --- the matrix product ---------------------------------------------------------------


def matmul(x: Any, y: Any) -> Traced:
    tape = writer()
    x, y = named(x), named(y)
    shape = shapes.matmul_shape(x.shape, y.shape)
    if y.ndim == 2 and x.ndim > 2:  # one y for a whole batch: one large product
        rows = reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))
        return reshape(matmul(rows, y), shape)
    z = new(shape, common_dtype((x, y)))
    tape.emit(Product(z, x, y))
    return z


# --- movement: other views ------------------------------------------------------------


def permute_dims(array: Any, axes: Sequence[int]) -> Traced:
    x = named(array)
    axes = shapes.permuted_axes(axes, x.ndim)
    if axes == tuple(range(x.ndim)):
        return x
    shape = tuple(x.shape[a] for a in axes)
    strides = tuple(x.strides[a] for a in axes)
    return Traced(x.buffer, shape, strides, x.offset, (x, "transpose", axes))


def broadcast_to(array: Any, shape: Sequence[int]) -> Traced:
    x = named(array)
    shape = shapes.broadcast_shape(x.shape, shape)
    if shape == x.shape:
        return x
    strides = shapes.broadcast_strides(x.shape, x.strides, shape)
    return Traced(x.buffer, shape, strides, x.offset, (x, "broadcast", shape))


def concat(arrays: Sequence[Any], *, axis: int = 0) -> Traced:
    tape = writer()
    parts = [named(a) for a in arrays]
    axis = shapes.one_axis(axis, parts[0].ndim)
    shape = shapes.concat_shape([p.shape for p in parts], axis)
    if len(parts) == 1:
        return parts[0]
    z, start = new(shape, common_dtype(parts)), 0
    for part in parts:
        stop = start + part.shape[axis]
        piece = getitem(z, (slice(None),) * axis + (slice(start, stop),))
        if part.size:
            tape.emit(Map(piece, "copy", (part,)))
        start = stop
    return z


def take(x: Any, indices: Any, *, axis: int = 0) -> Traced:
    tape = writer()
    x, indices = named(x), named(indices)
    z = new((*indices.shape, *x.shape[1:]), x.dtype)
    tape.emit(Gather(z, x, indices))
    return z


def scatter_add(g: Any, indices: Any, rows: int, adds: bool = True) -> Traced:
    tape = writer()
    g, indices = named(g), named(indices)
    z = new((rows, *g.shape[indices.ndim :]), g.dtype)
    tape.emit(Scatter(z, g, indices, adds))
    return z


def put(x: Any, indices: Any, values: Any) -> Traced:
    """x laid end to end, with these values where the indices say: of several for one
    place, the last."""
    size = math.prod(x.shape)
    places, given = (
        reshape(named(v), (math.prod(v.shape),)) for v in (indices, values)
    )
    there = scatter_add(full(places.shape, True, "bool"), places, size, adds=False)
    put = scatter_add(given, places, size, adds=False)
    return reshape(where(there, put, reshape(named(x), (size,))), x.shape)


def place(g: Any, bounds: Bounds, shape: Shape) -> Traced:
    z = zeros(shape, g.dtype)
    piece = getitem(z, tuple(slice(*b) for b in bounds))
    writer().emit(Map(piece, "copy", (g,)))
    return z


NAMESPACES[Traced] = sys.modules[__name__]
