"""Methods of Tensor under PyTorch's names.

The first part is a table, of other names for functions of the course. Then come small
methods that are PyTorch's alone, each one line of ours.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

from ..arrays import backends
from ..arrays.backends import current_backend
from ..autograd.recording import Recorded, make_here
from ..context import context
from ..devices import CPU, check_device, drawn_from
from ..errors import check_flags, check_number, say
from ..functions import (
    aliases,
    elementwise,
    movement,
    products,
    reductions,
    shaping,
    updates,
)
from ..functions.operands import home, tensor
from ..functions.spelling import named
from . import (
    arithmetic,
    moving,
    picking,
    reducing,
    repeating,
    rounding,
    sorting,
)
from .instead import advice
from .keywords import understand

Tensor = Any  # the class, which is made of these methods
FLOATS = ("float", "float32")  # in PyTorch; here what the backend has
WHOLE = ("int", "int8", "int16", "int32", "long", "short", "uint8")


class Methods:
    """What Tensor has of PyTorch's."""

    __slots__ = ()

    # --- ours under another name ------------------------------------------------------

    view = movement.reshape
    clamp = elementwise.clip
    tile = repeating.tile
    absolute = elementwise.abs
    neg = negative = elementwise.neg
    matmul = products.matmul
    swapdims = shaping.swapaxes

    # --- composed in the files beside this one --------------------------------------

    all = reducing.all
    bincount = reducing.bincount
    any = reducing.any
    prod = reducing.prod
    norm = reducing.norm
    argsort = sorting.argsort
    sort = sorting.sort
    topk = sorting.topk
    unique = sorting.unique
    cumprod = repeating.cumprod
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
    multiply = mul = arithmetic.mul
    subtract = sub = arithmetic.sub
    add = arithmetic.add
    true_divide = divide = div = arithmetic.div
    pow = arithmetic.pow
    lerp, lerp_ = arithmetic.lerp, arithmetic.lerp_
    clamp_, clamp_min = arithmetic.clamp_, arithmetic.clamp_min
    clamp_max, square = arithmetic.clamp_max, arithmetic.square
    reciprocal = arithmetic.reciprocal
    log2, log10 = arithmetic.log2, arithmetic.log10
    eq, ne, gt = arithmetic.eq, arithmetic.ne, arithmetic.gt
    ge, lt, le = arithmetic.ge, arithmetic.lt, arithmetic.le
    logical_not, logical_and = arithmetic.logical_not, arithmetic.logical_and
    logical_or, logical_xor = arithmetic.logical_or, arithmetic.logical_xor
    equal, allclose = arithmetic.equal, arithmetic.allclose
    mm, bmm, mv = arithmetic.mm, arithmetic.bmm, arithmetic.mv
    dot, outer = arithmetic.dot, arithmetic.outer
    t, permute, trace = moving.t, moving.permute, moving.trace
    reshape_as = view_as = moving.view_as
    expand_as, unflatten = moving.expand_as, moving.unflatten
    moveaxis = movedim = moving.movedim
    diagonal, diag = moving.diagonal, moving.diag
    masked_fill, masked_fill_ = picking.masked_fill, picking.masked_fill_
    masked_select = picking.masked_select
    argwhere = nonzero = picking.nonzero
    index_select, index_fill_ = picking.index_select, picking.index_fill_
    index_add, index_add_ = picking.index_add, picking.index_add_
    scatter, scatter_ = picking.scatter, picking.scatter_
    scatter_add, scatter_add_ = picking.added, picking.added_
    take_along_dim = picking.take_along_dim
    where = picking.where_else
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
    def size(self: Tensor) -> moving.Count:
        """How many numbers there are; called, the shape, as PyTorch has it: x.size(),
        or along one axis, x.size(-1)."""
        return moving.count_of(self.array.shape)

    def numel(self: Tensor) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)

    nelement = numel

    def contiguous(self: Tensor) -> Any:
        """x itself; of a transposed one a copy, which changes alone."""
        if self._moved and aliases.from_transposed(self):
            return self.clone()
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

    int = short = long

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
        if context.now.writer is not None:  # another name
            return self ^ False if self.dtype == "bool" else self * 1
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

    @named()
    def amax(self: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
        """The largest x: `max` without where it is."""
        return reductions.max(self, axis=axis, keepdims=keepdims)

    @named()
    def amin(self: Tensor, axis: Any = None, keepdims: Any = False) -> Any:
        """The smallest x."""
        return reductions.min(self, axis=axis, keepdims=keepdims)

    # --- by masks and indices ---------------------------------------------------------

    # --- random numbers ---------------------------------------------------------------

    def uniform_(
        self: Tensor, a: Any = 0.0, b: Any = 1.0, generator: Any = None
    ) -> Any:
        """Gives x random numbers between a and b; returns x."""
        for what, v in (("a", a), ("b", b)):
            check_number("uniform_", what, v)
        from_0 = drawn("uniform_", self, backends.uniform, generator)
        return updates.copy_(self, from_0 * (b - a) + a)

    def normal_(
        self: Tensor, mean: Any = 0.0, std: Any = 1.0, generator: Any = None
    ) -> Any:
        """Gives x random numbers of the normal distribution; returns x."""
        check_number("normal_", "mean", mean)
        check_number("normal_", "std", std, 0.0)
        around_0 = drawn("normal_", self, backends.normal, generator)
        return updates.copy_(self, around_0 * std + mean)

    def __getattr__(self, name: str) -> NoReturn:
        """What is neither ours nor PyTorch's, or not here: with what to write."""
        known = [] if name.startswith("_") else dir(type(self))
        raise AttributeError(advice("Tensor", name, known), name=name, obj=self)


for name, method in [*vars(Methods).items()]:
    if callable(method) and not name.startswith("_"):
        understand(Methods, name)


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
