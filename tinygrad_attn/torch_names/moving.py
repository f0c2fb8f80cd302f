"""Shapes under PyTorch's names: t, movedim, unflatten, diagonal, hstack, x.size()."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from ..arrays.shapes import integers, one_axis
from ..autograd.recording import make_here
from ..errors import check_number, say
from ..functions.elementwise import astype
from ..functions.indexing import getitem
from ..functions.movement import broadcast_to, concat, permute_dims, reshape
from ..functions.operands import axis_of, check, home, tensor
from ..functions.reductions import sum
from ..functions.shaping import transpose, unsqueeze

Tensor = Any  # the class, which is made of these functions


def t(x: Tensor) -> Any:
    """A matrix transposed; a vector stays what it is."""
    if tensor("t", x).ndim > 2:
        raise ValueError(
            f"t: shape {x.shape} given; it takes a matrix (mT transposes each of a "
            "batch, T reverses all axes)"
        )
    return permute_dims(x, tuple(reversed(range(x.ndim))))


def view_as(x: Tensor, other: Any) -> Any:
    """x in the shape of another tensor."""
    return reshape(x, tensor("view_as", other).shape)


def expand_as(x: Tensor, other: Any) -> Any:
    """x repeated up to the shape of another tensor."""
    return broadcast_to(x, tensor("expand_as", other).shape)


def permute(x: Tensor, *order: Any, dims: Any = None) -> Any:
    """The axes in another order: permute(1, 0) or permute((1, 0))."""
    return permute_dims(x, *order, axes=dims)


def unflatten(x: Tensor, dim: int, sizes: Any) -> Any:
    """One axis as several, of these sizes; one of them may be -1."""
    a = axis_of("unflatten", x, dim)
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(
            f"unflatten: sizes {say(sizes)} given; it takes several: (2, 3)"
        )
    sizes = check("unflatten", integers, sizes)
    known = math.prod(n for n in sizes if n != -1)
    rest = x.shape[a] // known if known else 0
    filled = [rest if n == -1 else n for n in sizes]
    if math.prod(filled) != x.shape[a]:
        raise ValueError(
            f"unflatten: sizes {say(sizes)} given for an axis of size {x.shape[a]}; "
            "their product must be that"
        )
    return reshape(x, (*x.shape[:a], *filled, *x.shape[a + 1 :]))


def movedim(x: Tensor, source: Any, destination: Any) -> Any:
    """One axis, or several, in another place; the others stay in order."""
    froms, tos = (
        [axis_of("movedim", x, a) for a in (v if isinstance(v, (tuple, list)) else [v])]
        for v in (source, destination)
    )
    if not len({*froms}) == len({*tos}) == len(froms) == len(tos):
        raise ValueError(
            f"movedim: {say(source)} and {say(destination)} given; there must be as "
            "many of both, and none twice"
        )
    order = [a for a in range(x.ndim) if a not in froms]
    for to, a in sorted(zip(tos, froms)):
        order.insert(to, a)
    return permute_dims(x, order)


def diagonal(x: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """The numbers of equal index along two axes."""
    check_number("diagonal", "offset", offset, whole=True)
    a, b = (axis_of("diagonal", x, d) for d in (dim1, dim2))
    if a == b:
        raise ValueError(f"diagonal: dim1={dim1} and dim2={dim2} given; they are one")
    rows, columns = x.shape[a], x.shape[b]
    i = [r for r in range(rows) if 0 <= r + offset < columns]
    keys = (..., i, [r + offset for r in i])
    return getitem(movedim(x, (a, b), (-2, -1)), keys)


def diag(x: Tensor, diagonal: int = 0) -> Any:
    """The diagonal of a matrix; of a vector, the matrix that has it there."""
    check_number("diag", "diagonal", diagonal, whole=True)
    if tensor("diag", x).ndim == 2:
        return DIAGONAL(x, diagonal)
    if x.ndim != 1 or diagonal:
        raise ValueError(
            f"diag: shape {x.shape} and diagonal={diagonal} given; it takes a matrix, "
            "or a vector for the main diagonal"
        )
    places = make_here(home(x).arange(0, x.shape[0]))
    return unsqueeze(x, 1) * astype(unsqueeze(places, 1) == places, x.dtype)


DIAGONAL = diagonal


def trace(x: Tensor) -> Any:
    """Σ of the diagonal of a matrix."""
    if tensor("trace", x).ndim != 2:
        raise ValueError(f"trace: shape {x.shape} given; it takes a matrix")
    return sum(diagonal(x))


# --- several tensors ------------------------------------------------------------------


def hstack(tensors: Any) -> Any:
    """Tensors beside each other: along axis 1, vectors along their only one."""
    given = [x if tensor("hstack", x).ndim else reshape(x, 1) for x in tensors]
    return concat(given, axis=0 if given and given[0].ndim == 1 else 1)


def vstack(tensors: Any) -> Any:
    """Tensors below each other: along axis 0. A vector is a row."""
    rows = [x if tensor("vstack", x).ndim > 1 else reshape(x, (1, -1)) for x in tensors]
    return concat(rows, axis=0)


def meshgrid(*vectors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """The coordinates of all points of a grid: a tensor for each vector.

    Args:
        indexing: "ij": the first vector goes down the rows; "xy": along them.
    """
    given = vectors[0] if isinstance(vectors[0], (tuple, list)) else vectors
    if indexing not in ("ij", "xy"):
        raise ValueError(
            f"meshgrid: indexing={say(indexing)} given; it must be 'ij' or 'xy'"
        )
    n, shape = len(given), [x.numel() for x in given]
    columns = ([-1 if b == a else 1 for b in range(n)] for a in range(n))
    grids = [broadcast_to(reshape(x, c), shape) for x, c in zip(given, columns)]
    turned = indexing == "xy" and len(grids) > 1
    return tuple(transpose(g, 0, 1) if turned else g for g in grids)


# --- how many numbers there are -------------------------------------------------------


class Count(int):
    """How many numbers there are in a shape; called, the shape."""

    shape: tuple[int, ...]

    def __call__(self, dim: Any = None) -> Any:
        if dim is None:
            return self.shape
        return self.shape[check("size", one_axis, dim, len(self.shape))]


@lru_cache(maxsize=1024)
def count_of(shape: tuple[int, ...]) -> Count:
    """The count of a shape."""
    count = Count(math.prod(shape))
    count.shape = shape
    return count
