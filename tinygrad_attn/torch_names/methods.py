"""Methods of Tensor under PyTorch's names.

The first part is a table, of other names for functions of the course. Then come small
methods that are PyTorch's alone, each one line of ours.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NoReturn

from ..arrays import backends
from ..arrays.backends import current_backend
from ..arrays.shapes import one_axis
from ..autograd.recording import Recorded, make_here
from ..devices import CPU, check_device, drawn_from
from ..errors import check_flags, say
from ..functions import (
    elementwise,
    movement,
    products,
    reductions,
    shaping,
    updates,
)
from ..functions.operands import check, found, home, plain, tensor
from ..functions.spelling import named
from . import reducing, repeating, rounding, sorting
from .instead import advice

Tensor = Any  # the class, which is made of these methods
FLOATS = ("float", "float32")  # in PyTorch; here what the backend has
WHOLE = ("int", "int8", "int16", "int32", "long", "short", "uint8")


class Methods:
    """What Tensor has of PyTorch's."""

    __slots__ = ()

    # --- ours under another name ------------------------------------------------------

    view = movement.reshape
    permute = movement.permute_dims
    clamp = elementwise.clip
    tile = repeating.tile
    absolute = elementwise.abs
    multiply = mul = elementwise.mul
    subtract = sub = elementwise.sub
    add = elementwise.add
    true_divide = divide = div = elementwise.div
    pow = elementwise.pow
    neg = negative = elementwise.neg
    mm = bmm = mv = dot = matmul = products.matmul
    swapdims = shaping.swapaxes

    # --- composed in the files beside this one --------------------------------------

    all = reducing.all
    any = reducing.any
    prod = reducing.prod
    norm = reducing.norm
    argsort = sorting.argsort
    sort = sorting.sort
    topk = sorting.topk
    cumsum = repeating.cumsum
    flip = repeating.flip
    repeat = repeating.repeat
    repeat_interleave = repeating.repeat_interleave
    roll = repeating.roll
    unbind = repeating.unbind
    ceil = rounding.ceil
    floor = rounding.floor
    floor_divide = rounding.floor_divide
    isclose = rounding.isclose
    isfinite = rounding.isfinite
    isinf = rounding.isinf
    isnan = rounding.isnan
    remainder = rounding.remainder
    round = rounding.round
    sgn = sign = rounding.sign
    trunc = rounding.trunc
    __floordiv__ = rounding.floor_divide
    __mod__ = rounding.remainder

    def __rfloordiv__(self, x: Any) -> Any:
        return rounding.floor_divide(x, self)

    def __rmod__(self, x: Any) -> Any:
        return rounding.remainder(x, self)

    # --- shapes -----------------------------------------------------------------------

    def dim(self: Tensor) -> int:
        """How many axes there are."""
        return int(self.ndim)

    ndimension = dim

    @property
    def size(self: Tensor) -> Count:
        """How many numbers there are; called, the shape, as PyTorch has it: x.size(),
        or along one axis, x.size(-1)."""
        return count_of(self.array.shape)

    def numel(self: Tensor) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)

    nelement = numel

    def t(self: Tensor) -> Any:
        """A matrix transposed; a vector stays what it is."""
        if self.ndim > 2:
            raise ValueError(
                f"t: shape {self.shape} given; it takes a matrix (mT transposes each "
                "of a batch, T reverses all axes)"
            )
        return self.T

    def view_as(self: Tensor, other: Any) -> Any:
        """x in the shape of another tensor."""
        return movement.reshape(self, tensor("view_as", other).shape)

    reshape_as = view_as

    def expand_as(self: Tensor, other: Any) -> Any:
        """x repeated up to the shape of another tensor."""
        return movement.broadcast_to(self, tensor("expand_as", other).shape)

    def unflatten(self: Tensor, dim: int, sizes: Any) -> Any:
        """One axis as several, of these sizes."""
        a = dim % self.ndim
        return movement.reshape(self, (*self.shape[:a], *sizes, *self.shape[a + 1 :]))

    def movedim(self: Tensor, source: int, destination: int) -> Any:
        """One axis in another place."""
        order = [a for a in range(self.ndim) if a != source % self.ndim]
        order.insert(destination % self.ndim, source % self.ndim)
        return movement.permute_dims(self, order)

    moveaxis = movedim

    def diagonal(self: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
        """The numbers of equal index along two axes."""
        rows, columns = self.shape[dim1], self.shape[dim2]
        i = [r for r in range(rows) if 0 <= r + offset < columns]
        x = self.movedim(dim2, -1).movedim(dim1 - (dim1 > dim2), -2)
        return x[..., i, [r + offset for r in i]]

    def trace(self: Tensor) -> Any:
        """Σ of the diagonal of a matrix."""
        return products.einsum("ii->", self)

    def contiguous(self: Tensor) -> Any:
        """x itself: how numbers lie in memory is no matter here."""
        return self

    def is_contiguous(self: Tensor) -> bool:
        """True."""
        return True

    # --- dtypes and devices -----------------------------------------------------------

    def to(self: Tensor, *targets: Any, **options: Any) -> Any:
        """x in a dtype, or that of another tensor; or on a device: the only one."""
        for name in ("non_blocking", "copy"):
            check_flags("to", **{name: options.pop(name, False)})
        targets += tuple(v for v in options.values() if v is not None)
        if set(options) - {"device", "dtype"}:
            raise TypeError(f"to: {say(set(options))} given; it takes device and dtype")
        x = self
        for given in targets:
            if isinstance(given, Recorded):
                x = elementwise.astype(x, given.dtype)
            elif isinstance(given, str) and is_dtype(given):
                x = elementwise.astype(x, dtype_of(given))
            else:
                check_device("to", given)
        return x

    def type(self: Tensor, dtype: Any = None) -> Any:
        """x in a dtype; without one, the name of its own."""
        return (
            self.dtype if dtype is None else elementwise.astype(self, dtype_of(dtype))
        )

    def type_as(self: Tensor, other: Any) -> Any:
        """x in the dtype of another tensor."""
        return elementwise.astype(self, tensor("type_as", other).dtype)

    def float(self: Tensor) -> Any:
        """x as floats: float32, where the backend has it."""
        return elementwise.astype(self, dtype_of("float"))

    def double(self: Tensor) -> Any:
        """x as float64."""
        return elementwise.astype(self, "float64")

    def long(self: Tensor) -> Any:
        """x as whole numbers."""
        return elementwise.astype(self, "int64")

    int = long

    def bool(self: Tensor) -> Any:
        """Where x is not 0."""
        return elementwise.astype(self, "bool")

    def cpu(self: Tensor) -> Any:
        """x itself."""
        return self

    def cuda(self: Tensor, *given: Any) -> NoReturn:
        """Refused: there is no such device here."""
        check_device("cuda", "cuda")
        raise AssertionError

    @property
    def device(self) -> Any:
        """The processor."""
        return CPU

    is_cuda = property(lambda self: False, doc="False.")
    is_floating_point = lambda self: self.dtype.startswith("float")  # noqa: E731

    def clone(self: Tensor, memory_format: Any = None) -> Any:
        """x with numbers of its own; its gradient is that of x."""
        if self.requires_grad:
            return self * 1.0
        return make_here(home(self).stop_gradient(self.array))

    def new_tensor(self: Tensor, data: Any, **options: Any) -> Any:
        """Numbers as a tensor in the dtype of x."""
        return made(self)(data, dtype=options.get("dtype") or self.dtype)

    def new_zeros(self: Tensor, *sizes: Any, **options: Any) -> Any:
        """Zeros in the dtype of x."""
        return self.new_full(movement.spell("new_zeros", sizes), 0, **options)

    def new_ones(self: Tensor, *sizes: Any, **options: Any) -> Any:
        """Ones in the dtype of x."""
        return self.new_full(movement.spell("new_ones", sizes), 1, **options)

    def new_full(self: Tensor, size: Any, fill_value: Any, **options: Any) -> Any:
        """One number everywhere, in the dtype of x."""
        x = made(self)(fill_value, dtype=options.get("dtype") or self.dtype)
        return self.new_tensor(movement.broadcast_to(x, size), **options)

    # --- element by element -----------------------------------------------------------

    def clamp_min(self: Tensor, min: Any) -> Any:
        """No less than min."""
        return elementwise.clip(self, min=min)

    def clamp_max(self: Tensor, max: Any) -> Any:
        """No more than max."""
        return elementwise.clip(self, max=max)

    def square(self: Tensor) -> Any:
        """x²."""
        return self * self

    def reciprocal(self: Tensor) -> Any:
        """1/x."""
        return 1.0 / self

    def log2(self: Tensor) -> Any:
        """ln x / ln 2."""
        return self.log() / math.log(2.0)

    def log10(self: Tensor) -> Any:
        """ln x / ln 10."""
        return self.log() / math.log(10.0)

    def eq(self: Tensor, other: Any) -> Any:
        """x == y."""
        return self == other

    def ne(self: Tensor, other: Any) -> Any:
        """x != y."""
        return self != other

    def gt(self: Tensor, other: Any) -> Any:
        """x > y."""
        return self > other

    def ge(self: Tensor, other: Any) -> Any:
        """x ≥ y."""
        return self >= other

    def lt(self: Tensor, other: Any) -> Any:
        """x < y."""
        return self < other

    def le(self: Tensor, other: Any) -> Any:
        """x ≤ y."""
        return self <= other

    def logical_not(self: Tensor) -> Any:
        """Where x is 0."""
        return self == 0

    def logical_and(self: Tensor, other: Any) -> Any:
        """Where neither is 0."""
        return (self != 0) & (other != 0)

    def logical_or(self: Tensor, other: Any) -> Any:
        """Where one is not 0."""
        return (self != 0) | (other != 0)

    def logical_xor(self: Tensor, other: Any) -> Any:
        """Where one is 0 and the other not."""
        return (self != 0) ^ (other != 0)

    def equal(self: Tensor, other: Any) -> Any:
        """Whether shapes and all numbers are equal: True or False."""
        same = self.shape == tensor("equal", other).shape
        return same and (self == other).all().item()

    def allclose(
        self: Tensor,
        other: Any,
        rtol: Any = 1e-05,
        atol: Any = 1e-08,
        equal_nan: Any = False,
    ) -> Any:
        """Whether all numbers are close (`isclose`): True or False."""
        return rounding.isclose(self, other, rtol, atol, equal_nan).all().item()

    def outer(self: Tensor, other: Any) -> Any:
        """z_ij = x_i y_j."""
        return products.einsum("i,j->ij", self, tensor("outer", other))

    @named()
    def amax(self: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
        """The largest x: `max` without where it is."""
        return reductions.max(self, axis=axis, keepdims=keepdims)

    @named()
    def amin(self: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
        """The smallest x."""
        return reductions.min(self, axis=axis, keepdims=keepdims)

    # --- by masks and indices ---------------------------------------------------------

    def masked_fill(self: Tensor, mask: Any, value: Any) -> Any:
        """One number where the mask is True, else x."""
        if is_tensor(value):
            value = elementwise.astype(value, self.dtype)
        else:
            updates.check_held("masked_fill", self, value)
        z = elementwise.where(mask, value, self)
        return z if z.dtype == self.dtype else elementwise.astype(z, self.dtype)

    def masked_fill_(self: Tensor, mask: Any, value: Any) -> Any:
        """Gives x one number where the mask is True; returns x."""
        return updates.in_place(
            self, "masked_fill_", lambda x, v: x.masked_fill(mask, v), value
        )

    def masked_select(self: Tensor, mask: Any) -> Any:
        """x where the mask is True, in a row."""
        return self[movement.broadcast_to(mask, self.shape)]

    def index_select(self: Tensor, dim: Any, index: Any) -> Any:
        """x at these places along an axis."""
        return self[(slice(None),) * (dim % self.ndim) + (index,)]

    def index_fill_(self: Tensor, dim: Any, index: Any, value: Any) -> Any:
        """Gives x one number at these places along an axis; returns x."""
        self[(slice(None),) * (dim % self.ndim) + (index,)] = value
        return self

    def scatter_(self: Tensor, dim: Any, index: Any, src: Any = None, **by: Any) -> Any:
        """Gives x numbers at these places along an axis, the reverse of gather; returns
        x."""
        value = by.pop("value", src)
        if by:
            raise TypeError(f"scatter_: {say(set(by))} given; it takes src or value")
        at = [
            list(range(n)) if a != dim % self.ndim else index
            for a, n in enumerate(index.shape)
        ]
        places = [
            made(self)(k).reshape([-1 if b == a else 1 for b in range(index.ndim)])
            if isinstance(k, list)
            else k
            for a, k in enumerate(at)
        ]
        if is_tensor(value):
            value = value[tuple(slice(n) for n in index.shape)]
        self[tuple(places)] = value
        return self

    def scatter(self: Tensor, dim: Any, index: Any, src: Any) -> Any:
        """A copy of x with other numbers at these places."""
        return self.detach().clone().scatter_(dim, index, src)

    def nonzero(self: Tensor, as_tuple: Any = False) -> Any:
        """Where x is not 0: a row of indices for each place."""
        check_flags("nonzero", as_tuple=as_tuple)
        flat = plain(self)
        xp, at = home(self), [i for i, v in enumerate(flat) if v]
        place = found("nonzero", self, xp.asarray(at or [0][:0], "int64"))
        columns: list[Any] = []
        for size in reversed(self.shape):
            columns.insert(0, place % size)
            place = place // size
        return tuple(columns) if as_tuple else shaping.stack(columns, 1)

    argwhere = nonzero

    # --- random numbers ---------------------------------------------------------------

    def uniform_(
        self: Tensor, a: Any = 0.0, b: Any = 1.0, generator: Any = None
    ) -> Any:
        """Gives x random numbers between a and b; returns x."""
        from_0 = drawn("uniform_", self, backends.uniform, generator)
        return updates.copy_(self, from_0 * (b - a) + a)

    def normal_(
        self: Tensor, mean: Any = 0.0, std: Any = 1.0, generator: Any = None
    ) -> Any:
        """Gives x random numbers of the normal distribution; returns x."""
        around_0 = drawn("normal_", self, backends.normal, generator)
        return updates.copy_(self, around_0 * std + mean)

    def clamp_(self: Tensor, min: Any = None, max: Any = None) -> Any:
        """Brings x between min and max; returns x."""
        return updates.in_place(
            self, "clamp_", lambda x, _: elementwise.clip(x, min, max), None
        )

    def __getattr__(self, name: str) -> NoReturn:
        """What is neither ours nor PyTorch's, or not here: with what to write."""
        known = [] if name.startswith("_") else dir(type(self))
        raise AttributeError(advice("Tensor", name, known), name=name, obj=self)


class Count(int):
    """How many numbers there are in a shape; called, the shape."""

    shape: tuple[int, ...]

    def __call__(self, dim: Any = None) -> Any:
        return self.shape if dim is None else self.shape[axis_in(dim, self.shape)]


@lru_cache(maxsize=1024)
def count_of(shape: tuple[int, ...]) -> Count:
    count = Count(math.prod(shape))
    count.shape = shape
    return count


def axis_in(dim: Any, shape: tuple[int, ...]) -> int:
    return check("size", one_axis, dim, len(shape))


def is_tensor(x: Any) -> Any:
    return isinstance(x, Recorded)


def made(x: Any) -> Any:
    """The class of tensors."""
    return Recorded._result


def drawn(who: str, x: Any, draw: Any, generator: Any) -> Any:
    """Random numbers in the shape and dtype of x."""
    return drawn_from(
        who, generator, lambda: make_here(draw(x.shape, x.dtype, backend=home(x)))
    )


def is_dtype(name: str) -> Any:
    return name in (*FLOATS, *WHOLE, "float64", "double", "int64", "bool")


def dtype_of(dtype: Any) -> str:
    """What a dtype of PyTorch's is here."""
    name = str(dtype).removeprefix("torch.")
    if name in FLOATS:
        floats = current_backend().xp.float_dtypes
        return "float32" if "float32" in floats else str(floats[0])
    return "int64" if name in WHOLE else "float64" if name == "double" else name
