"""The namespace of Tensors: `xp` for rules whose computation shall be recorded.

Its functions have the names and meaning of the array namespaces (`backends/python.py`),
but take Tensors, and each call writes a node of the graph (`recording.apply`). So the
same rule, run with `xp = ops`, leaves its own computation behind as a graph;
`autograd.walk` uses this for gradients of gradients.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from . import movement, primitives, shapes
from .backends import NAMESPACES, namespace_of
from .recording import NUMBERS, apply, binary, constant, floats_of, promoted
from .tensor import Operand, Tensor, make

name = "ops"
records = True
NAMESPACES[Tensor] = sys.modules[__name__]

# --- the names of an array namespace --------------------------------------------------


def exp(x: Tensor) -> Tensor:
    """eˣ, element by element."""
    return apply(primitives.exp, floats_of(x))


def log(x: Tensor) -> Tensor:
    """ln x, element by element; -inf at 0, nan below."""
    return apply(primitives.log, floats_of(x))


def sqrt(x: Tensor) -> Tensor:
    """√x, element by element; nan below 0."""
    return apply(primitives.sqrt, floats_of(x))


def tanh(x: Tensor) -> Tensor:
    """tanh x, element by element."""
    return apply(primitives.tanh, floats_of(x))


def erf(x: Tensor) -> Tensor:
    """erf x = 2/√π ∫₀ˣ exp(-t²) dt, element by element."""
    return apply(primitives.erf, floats_of(x))


def div(x: Operand, y: Operand) -> Tensor:
    """x / y, element by element; of whole numbers too it makes floats."""
    return _named("div", primitives.div, floats_of(x), floats_of(y))


def pow(x: Operand, y: Operand) -> Tensor:
    """x to the power y, element by element; of whole numbers too it makes floats."""
    return _named("pow", primitives.pow, floats_of(x), floats_of(y))


def maximum(x: Operand, y: Operand) -> Tensor:
    """The larger of x and y, element by element; a tie halves the gradient."""
    return _named("maximum", primitives.maximum, x, y)


def where(condition: Tensor, x: Operand, y: Operand) -> Tensor:
    """x where the condition holds, else y, element by element.

    Raises:
        TypeError: the condition is not boolean.
    """
    if not isinstance(condition, Tensor) or condition.dtype != "bool":
        kind = getattr(condition, "dtype", type(condition).__name__)
        raise TypeError(
            f"where: a condition of {kind} given; it must be a Tensor of bool, such as "
            "x > 0"
        )
    like = next((v for v in (x, y) if isinstance(v, Tensor)), condition)
    if type(x) in NUMBERS and type(y) in NUMBERS:
        x = constant(x * 1.0 if float in (type(x), type(y)) else x, condition)
    x, y = (
        v if type(v) in NUMBERS else _numbers_only("where", constant(v, like), x, y)
        for v in (x, y)
    )
    if isinstance(x, Tensor) and isinstance(y, Tensor):
        x, y = promoted(x, y), promoted(y, x)
    return apply(primitives.where, condition, x, y)


def sum(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Σ x over an axis, several, or all (None); keepdims leaves them with size 1."""
    axes = _axes("sum", axis, x.ndim)
    return apply(primitives.sum, x, axis=axes, keepdims=keepdims)


def mean(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Σ x / n over an axis, several, or all (None), n numbers each."""
    axes = _axes("mean", axis, x.ndim)
    z = sum(floats_of(x), axis=axes, keepdims=keepdims)
    return z / (x.size / z.size) if z.size else z


def max(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest x along an axis, several, or all (None); ties share the gradient."""
    axes = _axes("max", axis, x.ndim)
    return apply(primitives.max, x, axis=axes, keepdims=keepdims)


def argmax(x: Tensor, *, axis: int = -1) -> Tensor:
    """Where along an axis the largest x is (the first, if several are): integers."""
    at = _checked("argmax", shapes.one_axis, axis, x.ndim)
    if not x.shape[at]:
        raise ValueError(f"argmax: axis {axis} of shape {x.shape} is empty")
    return make(namespace_of([x.data]).argmax(x.data, axis=at))


def matmul(x: Operand, y: Operand) -> Tensor:
    """The matrix product, (..., n, k) @ (..., k, m) → (..., n, m); batches broadcast.

    A vector (k,) on the left is a row (1, k), on the right a column (k, 1); the result
    then lacks that axis.

    Raises:
        ValueError: the inner sizes differ, or an operand is a single number.
    """
    x, y = constant(x, y), constant(y, x)
    if x is None or y is None:
        _numbers_only("matmul", None, x, y)
    if min(x.ndim, y.ndim) != 1:
        return apply(primitives.matmul, x, y)
    shape = _checked("matmul", shapes.matmul_shape, x.shape, y.shape)
    row = reshape(x, (1, x.size)) if x.ndim == 1 else x
    column = reshape(y, (y.size, 1)) if y.ndim == 1 else y
    return reshape(apply(primitives.matmul, row, column), shape)


def reshape(x: Tensor, shape: Any) -> Tensor:
    """The same elements, in the same order, under another shape; one size may be -1."""
    new = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    new = _checked("reshape", shapes.reshaped, x.shape, new)
    return apply(movement.reshape, x, shape=new)


def permute_dims(x: Tensor, axes: Any) -> Tensor:
    """The axes in another order: axis i of the result is axis axes[i] of x."""
    order = _checked("permute_dims", shapes.permuted_axes, axes, x.ndim)
    return apply(movement.permute_dims, x, axes=order)


def swapped(x: Tensor, first: int, second: int) -> Tensor:
    """x with two axes exchanged."""
    axes = list(range(x.ndim))
    a, b = (_checked("swapped", shapes.one_axis, v, x.ndim) for v in (first, second))
    axes[a], axes[b] = b, a
    return permute_dims(x, axes)


def transposed(x: Tensor) -> Tensor:
    """x with its last two axes exchanged: every matrix transposed."""
    return swapped(x, -1, -2)


def broadcast_to(x: Tensor, shape: Any) -> Tensor:
    """x repeated along axes of size 1, or along new axes on the left, up to a shape."""
    new = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    _checked("broadcast_to", shapes.check_broadcast, x.shape, new)
    return apply(primitives.broadcast_to, x, shape=new)


def concat(tensors: Sequence[Tensor], *, axis: int = 0) -> Tensor:
    """Tensors laid end to end along an axis; off it their sizes must be equal."""
    if not tensors:
        raise ValueError("concat: no tensors given; at least one is needed")
    at = _checked("concat", shapes.one_axis, axis, tensors[0].ndim)
    _checked("concat", shapes.concat_shape, [t.shape for t in tensors], at)
    return apply(movement.concat, *tensors, axis=at)


def take(x: Tensor, indices: Tensor, *, axis: int = 0) -> Tensor:
    """Rows of x by integer index: (n, ...) and (*I) → (*I, ...).

    Raises:
        TypeError: the indices are no integers.
        IndexError: one is outside 0..n-1.
    """
    if axis != 0:
        raise ValueError(f"take: axis {axis} given; only rows can be taken, axis 0")
    indices = whole_numbers("take", indices, x, x.shape[0], "index")
    return apply(movement.take, x, indices)


def scatter_add(x: Tensor, indices: Tensor, rows: int) -> Tensor:
    """Zeros of so many rows, to which each row of x is added at its index."""
    return apply(movement.scatter_add, x, indices, rows=rows)


def place(x: Tensor, bounds: shapes.Bounds, shape: shapes.Shape) -> Tensor:
    """Zeros of a shape, with x where the slice of these bounds lies."""
    return apply(movement.place, x, bounds=bounds, shape=shape)


def astype(x: Tensor, dtype: Any) -> Tensor:
    """x in another dtype; its gradient comes back in that of x."""
    if x.dtype == dtype:
        return x
    if not str(dtype).startswith("float"):  # whole numbers have no derivative
        x = x.detach()
    return apply(movement.astype, x, dtype=dtype)


def stop_gradient(x: Tensor) -> Tensor:
    """x as a constant, from which no gradient flows back."""
    return x.detach()


# --- checks ---------------------------------------------------------------------------


def whole_numbers(who: str, x: Any, like: Tensor, count: int, what: str) -> Tensor:
    """x as a Tensor of integers in 0..count-1, beside `like`."""
    t: Tensor | None = constant(x, like)
    if t is None or t.dtype != "int64":
        kind = type(x).__name__ if t is None else t.dtype
        raise TypeError(f"{who}: each {what} must be an integer; {kind} given")
    if t.size:
        xp = namespace_of([t.data])
        for worst in (xp.max(t.data, axis=None), -xp.max(-t.data, axis=None)):
            if not 0 <= (i := int(worst.tolist())) < count:
                raise IndexError(
                    f"{who}: {what} {i} given; it is out of range, allowed is "
                    f"0..{count - 1}"
                )
    return t


def _named(who: str, op: Any, x: Any, y: Any) -> Tensor:
    """An operator called by its name: what is no number is an error there and then."""
    z: Tensor = _numbers_only(who, binary(op, x, y), x, y)
    return z


def _numbers_only(who: str, z: Any, x: Any, y: Any) -> Any:
    """z, unless it is None or NotImplemented because x or y is nothing numeric."""
    if z is None or z is NotImplemented:
        raise TypeError(
            f"{who}: {type(x).__name__} and {type(y).__name__} given; they must be "
            "Tensors, or one a Tensor and the other a number, an array or nested lists"
        )
    return z


def _axes(who: str, axis: Any, ndim: int) -> tuple[int, ...]:
    return _checked(who, shapes.some_axes, axis, ndim)  # type: ignore[no-any-return]


def _checked(who: str, check: Any, *given: Any) -> Any:
    try:
        return check(*given)
    except (ValueError, TypeError, IndexError) as error:
        raise type(error)(f"{who}: {error}") from None
