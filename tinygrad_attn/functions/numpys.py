"""NumPy's functions on Tensors: np.exp(x) is exp(x), np.sum(x, axis=0) is sum(x, 0).

NumPy asks its arguments first whether they know better, in two protocols: one for
functions of elements (`__array_ufunc__`), one for all others (`__array_function__`).
What this package has as well it computes itself, gradients included. Any other function
gets the numbers as arrays, and gives what it makes of them; so a tensor that requires a
gradient is refused there.

    np.sum(Tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)    # Tensor([4.0, 6.0], float64)
    np.sort(Tensor([3.0, 1.0]))                         # array([1., 3.])
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

from ..autograd.recording import Recorded
from . import elementwise, movement, products, reductions, shaping
from .indexing import getitem
from .operands import Tensor, axes_of

# NumPy's name → ours.
OF_ELEMENTS: dict[str, Callable[..., Any]] = {
    "negative": elementwise.neg,
    "exp": elementwise.exp,
    "log": elementwise.log,
    "log1p": elementwise.log1p,
    "sqrt": elementwise.sqrt,
    "sin": elementwise.sin,
    "cos": elementwise.cos,
    "tanh": elementwise.tanh,
    "absolute": elementwise.abs,
    "maximum": elementwise.maximum,
    "minimum": elementwise.minimum,
    "matmul": products.matmul,
}
# The operators: that of the left operand, and that of the right one.
OPERATORS = {
    "add": ("__add__", "__radd__"),
    "subtract": ("__sub__", "__rsub__"),
    "multiply": ("__mul__", "__rmul__"),
    "divide": ("__truediv__", "__rtruediv__"),
    "power": ("__pow__", "__rpow__"),
    "equal": ("__eq__", "__eq__"),
    "not_equal": ("__ne__", "__ne__"),
    "less": ("__lt__", "__gt__"),
    "less_equal": ("__le__", "__ge__"),
    "greater": ("__gt__", "__lt__"),
    "greater_equal": ("__ge__", "__le__"),
    "bitwise_and": ("__and__", "__rand__"),
    "bitwise_or": ("__or__", "__ror__"),
    "bitwise_xor": ("__xor__", "__rxor__"),
}


def array_ufunc(
    self: Tensor, ufunc: Any, method: str, *inputs: Any, **more: Any
) -> Any:
    """A function of elements with a Tensor among its inputs."""
    name = ufunc.__name__
    if method == "__call__" and not more:
        if name in OPERATORS:
            x, y = inputs
            own, turned = OPERATORS[name]
            if isinstance(x, Recorded):
                return getattr(x, own)(y)
            return getattr(y, turned)(x)
        if name in OF_ELEMENTS:
            return OF_ELEMENTS[name](*inputs)
    return getattr(ufunc, method)(*as_numbers(inputs), **as_numbers(more))


def array_function(
    self: Tensor, function: Any, types: Any, inputs: tuple[Any, ...], more: Any
) -> Any:
    """Another function with a Tensor among its inputs, or in a list of these."""
    name = function.__name__
    own = OTHERS.get(name) if function.__module__ == "numpy" else None
    if own is None or (name == "where" and len(inputs) != 3):
        return function(*as_numbers(inputs), **as_numbers(more))
    try:
        signature(own).bind(*inputs, **more)
    except TypeError as error:
        takes = ", ".join(signature(own).parameters)
        raise TypeError(
            f"numpy.{name}: {error}; of a Tensor it takes {takes}, and of x.numpy() all"
        ) from error
    return own(*inputs, **more)


def as_numbers(given: Any) -> Any:
    """The same with an array of NumPy for each Tensor, in lists and dicts too."""
    if isinstance(given, Recorded):
        return given.numpy()  # type: ignore[attr-defined]
    if type(given) in (list, tuple):
        return type(given)(map(as_numbers, given))
    if type(given) is dict:
        return {key: as_numbers(v) for key, v in given.items()}
    return given


# --- NumPy's arguments, where they have other names or defaults -----------------------


def reduction(ours: Callable[..., Any]) -> Callable[..., Any]:
    def of(a: Tensor, axis: Any = None, *, keepdims: bool = False) -> Any:
        return ours(a, axis, keepdims=keepdims)

    return of


def variance(ours: Callable[..., Any]) -> Callable[..., Any]:
    def of(
        a: Tensor, axis: Any = None, *, ddof: float = 0, keepdims: bool = False
    ) -> Any:  # NumPy divides by n, PyTorch (and ours) by n - 1
        return ours(a, axis, correction=ddof, keepdims=keepdims)

    return of


def in_shape(a: Tensor, shape: Any) -> Tensor:
    return movement.reshape(a, shape)


def in_a_row(a: Tensor) -> Tensor:
    return movement.reshape(a, -1)


def spread(array: Tensor, shape: Any) -> Tensor:
    return movement.broadcast_to(array, shape)


def permuted(a: Tensor, axes: Any = None) -> Tensor:
    order = range(a.ndim)[::-1] if axes is None else axes
    return movement.permute_dims(a, tuple(order))


def end_to_end(arrays: Any, axis: int = 0) -> Any:
    return movement.concat(arrays, axis)


def dot(a: Any, b: Any) -> Any:
    """The matrix product; that with a number is one of elements."""
    axes = [getattr(v, "ndim", 0) for v in (a, b)]
    if axes[1] > 2:
        raise ValueError(
            f"numpy.dot: {axes[1]} axes given on the right; of Tensors it takes up to "
            "two there, and matmul(x, y) any number"
        )
    return products.matmul(a, b) if all(axes) else elementwise.mul(a, b)


def turned_round(m: Tensor, axis: Any = None) -> Tensor:
    turned = axes_of("numpy.flip", m, axis)
    steps = [-1 if a in turned else 1 for a in range(m.ndim)]
    return getitem(m, tuple(slice(None, None, step) for step in steps))


def shape_of(a: Any) -> tuple[int, ...]:
    return a.shape


def ndim_of(a: Any) -> int:
    return a.ndim


def size_of(a: Any) -> int:
    return int(a.size)


OTHERS: dict[str, Callable[..., Any]] = {
    "sum": reduction(reductions.sum),
    "mean": reduction(reductions.mean),
    "max": reduction(reductions.max),
    "amax": reduction(reductions.max),
    "min": reduction(reductions.min),
    "amin": reduction(reductions.min),
    "argmax": reduction(reductions.argmax),
    "argmin": reduction(reductions.argmin),
    "var": variance(reductions.var),
    "std": variance(reductions.std),
    "reshape": in_shape,
    "ravel": in_a_row,
    "broadcast_to": spread,
    "transpose": permuted,
    "permute_dims": permuted,
    "concatenate": end_to_end,
    "concat": end_to_end,
    "flip": turned_round,
    "shape": shape_of,
    "ndim": ndim_of,
    "size": size_of,
    "where": elementwise.where,
    "clip": elementwise.clip,
    "stack": shaping.stack,
    "squeeze": shaping.squeeze,
    "expand_dims": shaping.unsqueeze,
    "swapaxes": shaping.swapaxes,
    "tril": shaping.tril,
    "triu": shaping.triu,
    "einsum": products.einsum,
    "dot": dot,
}
