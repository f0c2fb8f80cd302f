"""By masks and indices: masked_fill, index_select, scatter, nonzero, ...

One idea serves all that writes to places: p = 0, 1, 2, ... in the shape of x says where
in the flattened x each element lies, and `gather(p, dim, index)` where those lie that
an index means.
"""

from __future__ import annotations

from typing import Any

from ..autograd.recording import Recorded, make_here
from ..errors import check_flags, say
from ..functions.elementwise import astype, where
from ..functions.indexing import gather, getitem
from ..functions.movement import broadcast_to, concat, reshape, scatter_add, take
from ..functions.operands import axis_of, check, constant, found, home, plain, tensor
from ..functions.shaping import stack
from ..functions.updates import check_held, in_place
from .rounding import floor_divide, remainder

Tensor = Any  # the class, which is made of these functions

# --- masks ----------------------------------------------------------------------------


def masked_fill(x: Tensor, mask: Any, value: Any) -> Any:
    """One number where the mask is True, else x."""
    if getattr(mask, "dtype", "") != "bool":
        given = getattr(mask, "dtype", type(mask).__name__)
        raise TypeError(
            f"masked_fill: a mask of {given} given; it must be a Tensor of bool, such "
            "as x > 0"
        )
    if hasattr(value, "dtype"):
        value = astype(value, x.dtype)
    else:
        check_held("masked_fill", x, value)
    z = where(mask, value, x)
    return z if z.dtype == x.dtype else astype(z, x.dtype)


def masked_fill_(x: Tensor, mask: Any, value: Any) -> Any:
    """Gives x one number where the mask is True; returns x."""
    return in_place(x, "masked_fill_", lambda x, v: masked_fill(x, mask, v), value)


def masked_select(x: Tensor, mask: Any) -> Any:
    """x where the mask is True, in a row."""
    return getitem(x, broadcast_to(mask, x.shape))


def nonzero(x: Tensor, as_tuple: Any = False) -> Any:
    """Where x is not 0: a row of indices for each place."""
    check_flags("nonzero", as_tuple=as_tuple)
    flat = plain(tensor("nonzero", x))
    xp, at = home(x), [i for i, v in enumerate(flat) if v]
    place = found("nonzero", x, xp.asarray(at or [0][:0], "int64"))
    columns: list[Any] = []
    for size in reversed(x.shape):
        columns.insert(0, remainder(place, size))
        place = floor_divide(place, size)
    if not x.ndim:
        return (place,) if as_tuple else getitem(reshape(place, (-1, 1)), (..., []))
    return tuple(columns) if as_tuple else stack(columns, 1)


# --- along an axis --------------------------------------------------------------------


def index_select(x: Tensor, dim: Any, index: Any) -> Any:
    """x at these places along an axis."""
    return getitem(x, (slice(None),) * axis_of("index_select", x, dim) + (index,))


def index_fill_(x: Tensor, dim: Any, index: Any, value: Any) -> Any:
    """Gives x one number at these places along an axis; returns x."""
    x[(slice(None),) * axis_of("index_fill_", x, dim) + (index,)] = value
    return x


def take_along_dim(x: Tensor, indices: Any, dim: Any = None) -> Any:
    """`take_along_axis`; without an axis, of x as if it had one."""
    if dim is None:
        return getitem(reshape(x, -1), reshape(indices, -1))
    return x.take_along_axis(indices, dim)


def index_add(x: Tensor, dim: Any, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """x, to which each row of the source (along an axis) is added at its index."""
    a = axis_of("index_add", x, dim)
    shape = tensor("index_add", source).shape
    size = [-1 if b == a else 1 for b in range(len(shape))]
    at = broadcast_to(reshape(index, size), shape)
    return added(x, a, at, source * alpha, who="index_add")


def index_add_(x: Tensor, dim: Any, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """Adds to x each row of the source at its index; returns x."""
    return in_place(
        x, "index_add_", lambda x, y: index_add(x, dim, index, y, alpha=alpha), source
    )


def added(
    x: Tensor, dim: Any, index: Any, src: Any, *, who: str = "scatter_add"
) -> Any:
    """x, to which each number of src is added where its index says, along an axis."""
    at, y = places_of(who, x, dim, index, src)
    z = scatter_add(reshape(y, -1), at, x.numel())
    return x + reshape(z, x.shape)


def added_(x: Tensor, dim: Any, index: Any, src: Any) -> Any:
    """Adds to x each number of src where its index says; returns x."""
    return in_place(x, "scatter_add_", lambda x, y: added(x, dim, index, y), src)


def scatter(
    x: Tensor, dim: Any, index: Any, src: Any = None, *, value: Any = None
) -> Any:
    """x with other numbers where an index says, along an axis: the reverse of gather.

    Both x and src are laid end to end; then each place takes x's number or src's.
    """
    if (src is None) == (value is None):
        raise TypeError("scatter: it takes a src or a value, and one of them")
    at, y = places_of("scatter", x, dim, index, value if src is None else src)
    xp, n = home(x), x.numel()
    own = make_here(xp.arange(0, n)).array
    theirs = make_here(xp.arange(n, n + y.numel())).array
    order = found("scatter", x, xp.put(own, at.array, theirs))
    both = concat([reshape(x, -1), reshape(y, -1)])
    return reshape(take(both, order), x.shape)


def scatter_(
    x: Tensor, dim: Any, index: Any, src: Any = None, *, value: Any = None
) -> Any:
    """Gives x other numbers where an index says, along an axis; returns x."""
    if src is None:
        src = value
    return in_place(x, "scatter_", lambda x, y: scatter(x, dim, index, y), src)


def places_of(who: str, x: Tensor, dim: Any, index: Any, src: Any) -> tuple[Any, Any]:
    """Where in the flattened x the index points, in a row; and what is to go there."""
    xp = home(tensor(who, x))
    places = reshape(make_here(xp.arange(0, x.numel())), x.shape)
    if x.ndim:
        at = check(who, gather, places, axis_of(who, x, dim), index)
    else:
        at = reshape(places, -1)
    shape = index.shape
    y = constant(who, src, x)
    if y is None:
        raise TypeError(f"{who}: {say(src)} given; it takes a Tensor or a number")
    if not isinstance(src, Recorded):
        check_held(who, x, src)
        y = astype(broadcast_to(y, shape), x.dtype)
    if y.dtype != x.dtype:
        raise TypeError(
            f"{who}: {y.dtype} given for a tensor of {x.dtype}; convert it first, with "
            f"astype({x.dtype!r})"
        )
    if y.ndim != len(shape) or any(n > m for n, m in zip(shape, y.shape)):
        raise ValueError(
            f"{who}: numbers of shape {y.shape} given for an index of shape {shape}; "
            "along no axis may there be fewer"
        )
    return reshape(at, -1), getitem(y, tuple(slice(n) for n in shape))


def where_else(x: Tensor, condition: Tensor, other: Any) -> Any:
    """x where the condition holds, else the other."""
    return where(condition, x, other)
