"""The namespace of Tensors: `xp` for rules whose computation shall be recorded.

Its functions have the names and meaning of the array namespaces (`backends/python.py`),
but take Tensors, and each call writes a node of the graph (`recording.apply`). So the
same rule, run with `xp = ops`, leaves its own computation behind as a graph;
`autograd.walk` uses this for gradients of gradients.

Here are the names that rules use. What is composed of them stands in `elementary.py`,
`reductions.py`, `shaping.py`, `indexing.py` and `einsum.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from .arrays import shapes
from .arrays.backends import NAMESPACES
from .autograd.recording import (
    NUMBERS,
    apply,
    binary,
    checked,
    constant,
    floats_of,
    promoted,
    whole_numbers,
)
from .errors import check_number, named
from .rules import comparisons as nondifferentiable
from .rules import movement, primitives
from .tensor import Operand, Tensor

__all__ = [
    "add",
    "astype",
    "broadcast_to",
    "concat",
    "cos",
    "div",
    "erf",
    "exp",
    "log",
    "log1p",
    "matmul",
    "max",
    "maximum",
    "mul",
    "neg",
    "permute_dims",
    "place",
    "pow",
    "reshape",
    "scatter_add",
    "sin",
    "sqrt",
    "stop_gradient",
    "sub",
    "sum",
    "take",
    "tanh",
    "where",
]

name = "ops"
records = True
NAMESPACES[Tensor] = sys.modules[__name__]

# --- one input ------------------------------------------------------------------------


@named
def neg(x: Tensor) -> Tensor:
    """-x, element by element.

    >>> neg(Tensor([1.0]))
    Tensor([-1.0], float64)
    """
    return apply(primitives.neg, x)


@named
def exp(x: Tensor) -> Tensor:
    """eˣ, element by element.

    >>> exp(Tensor([0.0]))
    Tensor([1.0], float64)
    """
    return apply(primitives.exp, floats_of(x))


@named
def log(x: Tensor) -> Tensor:
    """ln x, element by element; -inf at 0, nan below.

    >>> log(Tensor([1.0, 0.0]))
    Tensor([0.0, -inf], float64)
    """
    return apply(primitives.log, floats_of(x))


@named
def log1p(x: Tensor) -> Tensor:
    """ln(1 + x), element by element, exact for a small x too; -inf at -1, nan below.

    >>> log1p(Tensor([0.0]))
    Tensor([0.0], float64)
    """
    return apply(primitives.log1p, floats_of(x))


@named
def sqrt(x: Tensor) -> Tensor:
    """√x, element by element; nan below 0.

    >>> sqrt(Tensor([4.0]))
    Tensor([2.0], float64)
    """
    return apply(primitives.sqrt, floats_of(x))


@named
def sin(x: Tensor) -> Tensor:
    """sin x, element by element, x in radians.

    >>> sin(Tensor([0.0]))
    Tensor([0.0], float64)
    """
    return apply(primitives.sin, floats_of(x))


@named
def cos(x: Tensor) -> Tensor:
    """cos x, element by element, x in radians.

    >>> cos(Tensor([0.0]))
    Tensor([1.0], float64)
    """
    return apply(primitives.cos, floats_of(x))


@named
def tanh(x: Tensor) -> Tensor:
    """tanh x, element by element.

    >>> tanh(Tensor([0.0]))
    Tensor([0.0], float64)
    """
    return apply(primitives.tanh, floats_of(x))


@named
def erf(x: Tensor) -> Tensor:
    """erf x = 2/√π ∫₀ˣ exp(-t²) dt, element by element.

    >>> erf(Tensor([0.0]))
    Tensor([0.0], float64)
    """
    return apply(primitives.erf, floats_of(x))


@named
def astype(x: Tensor, dtype: Any) -> Tensor:
    """x in another dtype; its gradient comes back in that of x, and ends at integers.

    >>> astype(Tensor([1.5, 0.0]), "int64")
    Tensor([1, 0], int64)
    """
    if x.dtype == dtype:
        return x
    if not str(dtype).startswith("float"):  # whole numbers have no derivative
        x = x.detach()
    return apply(movement.astype, x, dtype=dtype)


@named
def stop_gradient(x: Tensor) -> Tensor:
    """x as a constant, from which no gradient flows back.

    >>> stop_gradient(Tensor([1.0], requires_grad=True))
    Tensor([1.0], float64)
    """
    return apply(nondifferentiable.stop_gradient, x)


# --- two inputs -----------------------------------------------------------------------


@named
def add(x: Operand, y: Operand) -> Tensor:
    """x + y, element by element, broadcasting.

    >>> add(Tensor([1.0, 2.0]), 1)
    Tensor([2.0, 3.0], float64)
    """
    return _named("add", primitives.add, x, y)


@named
def sub(x: Operand, y: Operand) -> Tensor:
    """x - y, element by element, broadcasting.

    >>> sub(1, Tensor([1.0, 2.0]))
    Tensor([0.0, -1.0], float64)
    """
    return _named("sub", primitives.sub, x, y)


@named
def mul(x: Operand, y: Operand) -> Tensor:
    """x · y, element by element, broadcasting.

    >>> mul(Tensor([1.0, 2.0]), 3)
    Tensor([3.0, 6.0], float64)
    """
    return _named("mul", primitives.mul, x, y)


@named
def div(x: Operand, y: Operand) -> Tensor:
    """x / y, element by element, broadcasting; of whole numbers too it makes floats.

    >>> div(Tensor([1, 2]), 2)
    Tensor([0.5000, 1.0000], float64)
    """
    return _named("div", primitives.div, floats_of(x), floats_of(y))


@named
def pow(x: Operand, y: Operand) -> Tensor:
    """x to the power y, element by element; of whole numbers too it makes floats.

    >>> pow(Tensor([1, 2]), 3)
    Tensor([1.0, 8.0], float64)
    """
    return _named("pow", primitives.pow, floats_of(x), floats_of(y))


@named
def maximum(x: Operand, y: Operand) -> Tensor:
    """The larger of x and y, element by element; a tie halves the gradient.

    >>> maximum(Tensor([1.0, 5.0]), 3.0)
    Tensor([3.0, 5.0], float64)
    """
    return _named("maximum", primitives.maximum, x, y)


@named
def where(condition: Tensor, x: Operand, y: Operand) -> Tensor:
    """x where the condition holds, else y, element by element.

    Raises:
        TypeError: the condition is not boolean.

    >>> x = Tensor([1.0, -2.0])
    >>> where(x > 0, x, 0.0)
    Tensor([1.0, 0.0], float64)
    """
    if not isinstance(condition, Tensor) or condition.dtype != "bool":
        is_tensor = isinstance(condition, Tensor)
        kind = condition.dtype if is_tensor else type(condition).__name__
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


@named
def matmul(x: Operand, y: Operand) -> Tensor:
    """The matrix product, (..., n, k) @ (..., k, m) → (..., n, m); batches broadcast.

    A vector (k,) on the left is a row (1, k), on the right a column (k, 1); the result
    then lacks that axis.

    Raises:
        ValueError: the inner sizes differ, or an operand is a single number.

    >>> matmul(Tensor([[1.0, 2.0]]), Tensor([3.0, 4.0]))
    Tensor([11.0], float64)
    """
    a, b = constant(x, y), constant(y, x)
    if a is None or b is None:
        _numbers_only("matmul", None, x, y)
    a, b = promoted(a, b), promoted(b, a)
    if min(a.ndim, b.ndim) != 1:
        return apply(primitives.matmul, a, b)
    shape = checked("matmul", shapes.matmul_shape, a.shape, b.shape)
    row = reshape(a, (1, a.size)) if a.ndim == 1 else a
    column = reshape(b, (b.size, 1)) if b.ndim == 1 else b
    return reshape(apply(primitives.matmul, row, column), shape)


# --- reductions -----------------------------------------------------------------------


@named
def sum(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Σ x over an axis, several, or all (None); keepdims leaves them with size 1.

    >>> sum(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    Tensor([4.0, 6.0], float64)
    """
    axes = checked("sum", shapes.some_axes, axis, x.ndim)
    return apply(primitives.sum, x, axis=axes, keepdims=keepdims)


@named
def max(x: Tensor, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest x along an axis, several, or all (None); ties share the gradient.

    >>> max(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=1)
    Tensor([2.0, 4.0], float64)
    """
    axes = checked("max", shapes.some_axes, axis, x.ndim)
    if 0 in (x.shape[a] for a in axes) and x.ndim:
        raise ValueError(f"max: shape {x.shape} is empty along axis {axis}")
    return apply(primitives.max, x, axis=axes, keepdims=keepdims)


# --- movement -------------------------------------------------------------------------


@named
def reshape(x: Tensor, shape: Any) -> Tensor:
    """The same elements, in the same order, under another shape; one size may be -1.

    >>> reshape(Tensor([1, 2, 3, 4]), (2, -1))
    Tensor([[1, 2],
            [3, 4]], int64)
    """
    new = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    new = checked("reshape", shapes.reshaped, x.shape, new)
    return apply(movement.reshape, x, shape=new)


@named
def permute_dims(x: Tensor, axes: Any) -> Tensor:
    """The axes in another order: axis i of the result is axis axes[i] of x.

    >>> permute_dims(Tensor([[1, 2, 3]]), (1, 0)).shape
    (3, 1)
    """
    order = tuple(axes) if isinstance(axes, (tuple, list)) else (axes,)
    order = checked("permute_dims", shapes.permuted_axes, order, x.ndim)
    return apply(movement.permute_dims, x, axes=order)


@named
def broadcast_to(x: Tensor, shape: Any) -> Tensor:
    """x repeated along axes of size 1, or along new axes on the left, up to a shape.

    >>> broadcast_to(Tensor([1, 2]), (2, 2))
    Tensor([[1, 2],
            [1, 2]], int64)
    """
    new = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    new = checked("broadcast_to", shapes.broadcast_shape, x.shape, new)
    return apply(primitives.broadcast_to, x, shape=new)


@named
def concat(tensors: Sequence[Tensor], *, axis: int = 0) -> Tensor:
    """Tensors laid end to end along an axis; off it their sizes must be equal.

    >>> concat([Tensor([1]), Tensor([2, 3])])
    Tensor([1, 2, 3], int64)
    """
    if isinstance(tensors, Tensor) or not tensors:
        raise ValueError("concat: a list of tensors is needed, with at least one in it")
    for t in tensors:
        if not isinstance(t, Tensor):
            raise TypeError(f"concat: a {type(t).__name__} given; it takes Tensors")
    at = checked("concat", shapes.one_axis, axis, tensors[0].ndim)
    checked("concat", shapes.concat_shape, [t.shape for t in tensors], at)
    return apply(movement.concat, *tensors, axis=at)


@named
def take(x: Tensor, indices: Any, *, axis: int = 0) -> Tensor:
    """Rows of x by integer index: (n, ...) and (*I) → (*I, ...).

    Raises:
        TypeError: the indices are no integers.
        IndexError: one is outside 0..n-1.

    >>> take(Tensor([[1.0], [2.0]]), [1, 1, 0]).shape
    (3, 1)
    """
    if axis != 0:
        raise ValueError(f"take: axis {axis} given; only rows can be taken, axis 0")
    if not x.ndim:
        raise ValueError("take: shape () given; a single number has no rows")
    indices = whole_numbers("take", indices, x, x.shape[0], "index")
    return apply(movement.take, x, indices)


@named
def scatter_add(x: Tensor, indices: Any, rows: int) -> Tensor:
    """Zeros of so many rows, to which each row of x is added at its index.

    >>> scatter_add(Tensor([1.0, 2.0, 4.0]), [0, 0, 2], 3)
    Tensor([3.0, 0.0, 4.0], float64)
    """
    check_number("scatter_add", "rows", rows, 0, whole=True)
    indices = whole_numbers("scatter_add", indices, x, rows, "index")
    if x.shape[: indices.ndim] != indices.shape:
        raise ValueError(
            f"scatter_add: indices of shape {indices.shape} given for rows of shape "
            f"{x.shape}; x must begin with the shape of the indices"
        )
    return apply(movement.scatter_add, x, indices, rows=rows)


@named
def place(x: Tensor, bounds: shapes.Bounds, shape: shapes.Shape) -> Tensor:
    """Zeros of a shape, with x where the slice of these bounds lies: the reverse of a
    slice, as the rules need it.

    >>> place(Tensor([1.0]), ((1, 2, 1),), (3,))
    Tensor([0.0, 1.0, 0.0], float64)
    """
    for size in shape:
        check_number("place", "shape", size, 0, whole=True)
    if len(bounds) != len(shape) or not all(isinstance(b, tuple) for b in bounds):
        raise ValueError(
            f"place: bounds {bounds} given for shape {shape}; there must be a (start, "
            "stop, step) for each axis"
        )
    _, sizes = shapes.basic_index(tuple(slice(*b) for b in bounds), shape)
    if sizes != x.shape:
        raise ValueError(
            f"place: x of shape {x.shape} given; bounds {bounds} of shape {shape} have "
            f"shape {sizes}"
        )
    return apply(movement.place, x, bounds=bounds, shape=shape)


# --- checks ---------------------------------------------------------------------------


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
