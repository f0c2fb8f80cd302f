"""The same numbers in other places: the rules of rules/movement.py, with checks.

shaping.py and indexing.py compose other functions of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arrays import shapes
from ..autograd.recording import apply
from ..errors import check_number, say
from ..rules import movement, primitives
from .operands import Tensor, axis_of, check, tensor, together, whole_numbers
from .spelling import named

__all__ = [
    "broadcast_to",
    "concat",
    "permute_dims",
    "place",
    "reshape",
    "scatter_add",
    "take",
]


def reshape(x: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements, in the same order, under another shape; one size may be -1.

    >>> reshape(Tensor([1, 2, 3, 4]), (2, -1))
    Tensor([[1, 2],
            [3, 4]], int64)
    """
    new = check(
        "reshape",
        shapes.fill_in,
        tensor("reshape", x).shape,
        spell("reshape", sizes, shape),
    )
    return apply(movement.reshape, x, shape=new)


def permute_dims(x: Tensor, *order: Any, axes: Any = None) -> Tensor:
    """The axes in another order: axis i of the result is axis axes[i] of x.

    >>> permute_dims(Tensor([[1, 2, 3]]), (1, 0)).shape
    (3, 1)
    """
    n = tensor("permute_dims", x).ndim
    front = check(
        "permute_dims", shapes.permuted_axes, spell("permute_dims", order, axes), n
    )
    return apply(movement.permute_dims, x, axes=front)


def broadcast_to(x: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """x repeated along axes of size 1, or along new axes on the left, up to a shape.

    >>> broadcast_to(Tensor([1, 2]), (2, 2))
    Tensor([[1, 2],
            [1, 2]], int64)
    """
    own = tensor("broadcast_to", x).shape
    new = check(
        "broadcast_to", shapes.broadcast_shape, own, spell("broadcast_to", sizes, shape)
    )
    return apply(primitives.broadcast_to, x, shape=new)


@named()
def concat(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Tensors laid end to end along an axis; off it their sizes must be equal.

    >>> concat([Tensor([1]), Tensor([2, 3])])
    Tensor([1, 2, 3], int64)
    """
    tensors = several_tensors("concat", tensors)
    at = axis_of("concat", tensors[0], axis)
    check("concat", shapes.concat_shape, [t.shape for t in tensors], at)
    return apply(movement.concat, *together("concat", *tensors), axis=at)


def take(x: Tensor, indices: Any, axis: int = 0) -> Tensor:
    """Rows of x by integer index: (n, ...) and (*I) → (*I, ...).

    Raises:
        TypeError: the indices are no integers.
        IndexError: one is outside 0..n-1.

    >>> take(Tensor([[1.0], [2.0]]), [1, 1, 0]).shape
    (3, 1)
    """
    if not isinstance(axis, int) or axis != 0:
        raise ValueError(
            f"take: axis {say(axis)} given; only rows can be taken, axis 0"
        )
    if not tensor("take", x).ndim:
        raise ValueError("take: shape () given; a single number has no rows")
    indices = whole_numbers("take", indices, x, x.shape[0], "index")
    return apply(movement.take, x, indices)


def scatter_add(x: Tensor, indices: Any, rows: int) -> Tensor:
    """Zeros of so many rows, to which each row of x is added at its index.

    >>> scatter_add(Tensor([1.0, 2.0, 4.0]), [0, 0, 2], 3)
    Tensor([3.0, 0.0, 4.0], float64)
    """
    check_number("scatter_add", "rows", rows, 0, whole=True)
    tensor("scatter_add", x)
    indices = whole_numbers("scatter_add", indices, x, rows, "index")
    if x.shape[: indices.ndim] != indices.shape:
        raise ValueError(
            f"scatter_add: indices of shape {indices.shape} given for rows of shape "
            f"{x.shape}; x must begin with the shape of the indices"
        )
    return apply(movement.scatter_add, x, indices, rows=rows)


def place(x: Tensor, bounds: shapes.Bounds, shape: shapes.Shape) -> Tensor:
    """Zeros of a shape, with x where the slice of these bounds lies: the reverse of a
    slice, as the rules need it.

    >>> place(Tensor([1.0]), ((1, 2, 1),), (3,))
    Tensor([0.0, 1.0, 0.0], float64)
    """
    tensor("place", x)
    for what, given in (("bounds", bounds), ("shape", shape)):
        if not isinstance(given, (tuple, list)):
            raise TypeError(f"place: {what} {say(given)} given; it must be a tuple")
    bounds, shape = tuple(bounds), tuple(shape)
    for size in shape:
        check_number("place", "shape", size, 0, whole=True)
    if len(bounds) != len(shape) or not all(isinstance(b, tuple) for b in bounds):
        raise ValueError(
            f"place: bounds {bounds} given for shape {shape}; there must be a (start, "
            "stop, step) for each axis"
        )
    slices = tuple(slice(*b) for b in bounds)
    _, sizes = check("place", shapes.basic_index, slices, shape)
    if sizes != x.shape:
        raise ValueError(
            f"place: x of shape {x.shape} given; bounds {bounds} of shape {shape} have "
            f"shape {sizes}"
        )
    return apply(movement.place, x, bounds=bounds, shape=shape)


# --- checks ---------------------------------------------------------------------------


def spell(who: str, sizes: tuple[Any, ...], whole: Any = None) -> tuple[Any, ...]:
    """(2, 3) of f(x, 2, 3), of f(x, (2, 3)) and of f(x, shape=(2, 3))."""
    if sizes and whole is not None:
        raise TypeError(f"{who}: {sizes} and {whole} given; one of them is enough")
    given = sizes if whole is None else (whole,)
    one = len(given) == 1 and isinstance(given[0], (tuple, list))
    return tuple(given[0]) if one else given


def several_tensors(who: str, tensors: Any) -> list[Any]:
    """Tensors as a list, of which there must be at least one."""
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(f"{who}: {type(tensors).__name__} given; it takes a list")
    if not tensors:
        raise ValueError(
            f"{who}: an empty list given; it must have at least one tensor"
        )
    return [tensor(who, t) for t in tensors]
