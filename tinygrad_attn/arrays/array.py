"""An n-dimensional array in pure Python: a flat list, a shape, and a dtype.

The flat list holds the elements row by row, the last axis fastest, and every Array owns
all of its list: a transpose is a rearranged copy. Arrays are values, nothing changes
one in place, so two may share a list (a reshape does). There is no gradient in this
file.

    >>> x = asarray([[1, 2, 3], [4, 5, 6]], "float64")
    >>> x.data, x.shape
    ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (2, 3))
    >>> (x * x[1] + 0.5).tolist()
    [[4.5, 10.5, 18.5], [16.5, 25.5, 36.5]]

What an element is stays open. `Array` takes the functions of single numbers (exp, div,
...) from `floats`; its subclass `ValueArray` takes them from `mixed`, and the very
same code then builds a graph of single numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from math import prod
from types import ModuleType
from typing import Any, Union

from .. import floats
from ..errors import say
from ..scalar import Value
from . import dtypes, mixed, reading, shapes
from .shapes import Shape

Operand = Union["Array", float, int, bool]


class Array:
    """`data`, a flat list of prod(shape) elements; `shape`; `dtype`, one of "float64",
    "int64" and "bool"."""

    __slots__ = ("data", "dtype", "ndim", "shape")
    __array_ufunc__ = None  # NumPy keeps its hands off: array + Array is a TypeError
    __hash__ = None  # type: ignore[assignment]
    scalars: ModuleType = floats

    def __init__(self, data: list[Any], shape: Shape, dtype: str = "float64") -> None:
        self.data = data
        self.shape = shape
        self.dtype = dtype
        self.ndim = len(shape)

    @property
    def size(self) -> int:
        return len(self.data)

    def tolist(self) -> Any:
        """Nested lists of plain numbers; one number for a shape of ()."""
        flat = [self.scalars.value(v) for v in self.data]
        for axis in range(self.ndim - 1, 0, -1):
            size, count = self.shape[axis], prod(self.shape[:axis])
            flat = [flat[i * size : (i + 1) * size] for i in range(count)]
        return flat if self.shape else flat[0]

    def __getitem__(self, key: Any) -> Array:
        """Basic indexing: ints, slices, None and ... ."""
        bounds, shape = shapes.basic_index(key, self.shape)
        sizes, strides, offset = [], [], 0
        for (start, stop, step), size, stride in zip(
            bounds, self.shape, shapes.strides_of(self.shape)
        ):
            picked = range(*slice(start, stop, step).indices(size))
            sizes.append(len(picked))
            strides.append(step * stride)
            offset += picked.start * stride
        index = shapes.flat_index(tuple(sizes), tuple(strides), offset)
        return like(self, pick(self.data, index), shape)

    def __repr__(self) -> str:
        return f"Array({self.tolist()}, dtype={self.dtype!r})"

    def __add__(self, y: Operand) -> Array:
        return elementwise(operator.add, self, y)

    def __radd__(self, y: Operand) -> Array:
        return elementwise(operator.add, y, self)

    def __sub__(self, y: Operand) -> Array:
        refuse_bools(self, y)
        return elementwise(operator.sub, self, y)

    def __rsub__(self, y: Operand) -> Array:
        refuse_bools(self, y)
        return elementwise(operator.sub, y, self)

    def __mul__(self, y: Operand) -> Array:
        return elementwise(operator.mul, self, y)

    def __rmul__(self, y: Operand) -> Array:
        return elementwise(operator.mul, y, self)

    def __truediv__(self, y: Operand) -> Array:
        return elementwise(self.scalars.div, self, y, dtype="float64")

    def __rtruediv__(self, y: Operand) -> Array:
        return elementwise(self.scalars.div, y, self, dtype="float64")

    def __pow__(self, y: Operand) -> Array:
        return elementwise(self.scalars.pow, self, y, dtype="float64")

    def __rpow__(self, y: Operand) -> Array:
        return elementwise(self.scalars.pow, y, self, dtype="float64")

    def __bool__(self) -> bool:
        """Of one number whether it is not 0."""
        if len(self.data) != 1:
            raise ValueError(
                f"an array of {len(self.data)} numbers is neither true nor false; "
                "choose number by number, with xp.where(condition, a, b)"
            )
        return bool(self.data[0])

    def __neg__(self) -> Array:
        refuse_bools(self)
        return elementwise(operator.neg, self)

    def __eq__(self, y: Operand) -> Array:  # type: ignore[override]
        return elementwise(self.scalars.equal, self, y, dtype="bool")

    def __ne__(self, y: Operand) -> Array:  # type: ignore[override]
        return elementwise(operator.not_, self == y, dtype="bool")

    def __gt__(self, y: Operand) -> Array:
        return elementwise(operator.gt, self, y, dtype="bool")

    def __ge__(self, y: Operand) -> Array:
        return elementwise(operator.ge, self, y, dtype="bool")

    def __lt__(self, y: Operand) -> Array:
        return elementwise(operator.lt, self, y, dtype="bool")

    def __le__(self, y: Operand) -> Array:
        return elementwise(operator.le, self, y, dtype="bool")


class ValueArray(Array):
    """An Array whose elements are `Value`s, or plain numbers where no gradient is
    needed. Together with an Array it makes a ValueArray."""

    __slots__ = ()
    __hash__ = None
    scalars = mixed


class Piece(Array):
    """An Array whose numbers are a part of a longer list, and cut out when somebody
    first asks: of what a training leaves behind, most is never looked at. What is
    computed from a piece, or copied, is a plain Array."""

    __slots__ = ("place", "whole")
    __hash__ = None

    place: tuple[slice, Shape, str]
    whole: list[Any]

    def __new__(cls, data: list[Any], shape: Shape, dtype: str = "float64") -> Any:
        return Array(data, shape, dtype)

    def __getattr__(self, name: str) -> Any:
        if name not in Array.__slots__:
            raise AttributeError(f"an array has no {name}", name=name, obj=self)
        at, shape, dtype = self.place
        self.__init__(self.whole[at], shape, dtype)  # type: ignore[misc]
        return getattr(self, name)

    def __reduce__(self) -> Any:
        return Array, (self.data, self.shape, self.dtype)


def piece(whole: list[Any], place: tuple[slice, Shape, str]) -> Piece:
    """Where `place` says, a list that nobody changes, as an array of that shape."""
    made: Piece = object.__new__(Piece)
    made.whole, made.place = whole, place
    return made


# --- making arrays --------------------------------------------------------------------


def asarray(obj: Any, dtype: str | None = None) -> Array:
    """Nested lists (or an Array, or what else reading.py takes) as an Array.

    Raises:
        ValueError: the lists are ragged, or a whole number does not fit.
        TypeError: an element is no number, or dtype is not one of this namespace.
    """
    if isinstance(obj, Array):
        return obj if dtype is None or obj.dtype == dtype else astype(obj, dtype)
    if 0 in reading.shape_of(obj):  # lists would lose the sizes that follow the 0
        empty = Array([], tuple(obj.shape), reading.kind_of_empty(obj))
        return empty if dtype is None else astype(empty, dtype)
    flat: list[Any] = [reading.lists(obj)]
    shape: Shape = ()
    while flat and all(isinstance(v, (list, tuple)) for v in flat):
        sizes = {len(v) for v in flat}
        if len(sizes) > 1:
            raise ValueError(
                f"ragged lists: at depth {len(shape) + 1} there are lists of lengths "
                f"{', '.join(map(str, sorted(sizes)))}; they must be equal"
            )
        shape += (sizes.pop(),)
        flat = [v for inner in flat for v in inner]
    for v in flat:
        if isinstance(v, (list, tuple)):
            raise ValueError(
                f"ragged lists: at depth {len(shape)} there are numbers beside lists"
            )
    if dtype is None:
        kinds = set(map(type, flat))
        whole = bool(kinds) and all(issubclass(k, int) for k in kinds)  # IntEnum too
        dtype = ("bool" if kinds == {bool} else "int64") if whole else "float64"
    kind = ValueArray if Value in map(type, flat) else Array
    return kind(cast(flat, dtype), shape, dtype)


def astype(x: Array, dtype: str) -> Array:
    """x with its elements as `dtype`."""
    return x if x.dtype == dtype else like(x, cast(x.data, dtype), x.shape, dtype)


def cast(data: list[Any], dtype: str) -> list[Any]:
    if dtype == "float64":
        return [v if isinstance(v, (float, Value)) else float(v) for v in data]
    if dtype == "int64":
        if not {int}.issuperset(map(type, data)):
            data = [int(mixed.value(v)) for v in data]
        dtypes.check_int64(max(data, default=0), min(data, default=0))
        return data
    if dtype == "bool":
        return [bool(mixed.value(v)) for v in data]
    raise TypeError(
        f"dtype {say(dtype)} given; the pure Python backend has float64, int64 and bool"
    )


# --- how it is done -------------------------------------------------------------------


def elementwise(f: Callable[..., Any], *operands: Any, dtype: str = "") -> Array:
    """f at every position, once all operands are broadcast to one shape."""
    for v in operands:
        if not isinstance(v, (Array, float, int)):
            return NotImplemented  # type: ignore[no-any-return]
    arrays = [v for v in operands if isinstance(v, Array)]
    shape = shapes.broadcast_shapes(*(v.shape for v in arrays))
    dtype = dtype or result_dtype(operands)
    columns: list[Iterable[Any]] = [
        broadcast(v, shape) if isinstance(v, Array) else repeat(dtypes.number(v, dtype))
        for v in operands
    ]
    data = list(map(f, *columns))
    return kind_of(arrays)(exact(data, dtype), shape, dtype)


def alike(operands: Sequence[Any]) -> Sequence[Any]:
    """The operands in the dtype that comes out where they meet: for what hands their
    elements through, as `where` does."""
    if {v.dtype for v in operands if isinstance(v, Array)} == {"float64"}:
        return operands
    dtype = result_dtype(operands)
    return [astype(v, dtype) if isinstance(v, Array) else v for v in operands]


def refuse_bools(*operands: Any) -> None:
    """As in NumPy, + and * of bools are "or" and "and", and - means nothing."""
    if result_dtype(operands) == "bool":
        raise TypeError("- of bools given; != tells where they differ")


def kind_of(operands: Iterable[Any]) -> type[Array]:
    """ValueArray if one of the operands is, else Array."""
    return ValueArray if ValueArray in map(type, operands) else Array


def like(x: Array, data: list[Any], shape: Shape, dtype: str | None = None) -> Array:
    return type(x)(data, shape, dtype or x.dtype)


def exact(data: list[Any], dtype: str) -> list[Any]:
    """Results of + - * as elements of a dtype; whole numbers must fit."""
    if dtype == "bool":
        return cast(data, dtype)
    if dtype == "int64" and data:
        dtypes.check_int64(max(data), min(data))
    return data


def combine(operands: Sequence[Any], data: list[Any], shape: Shape) -> Array:
    """Results computed from the operands as an array of their kind and dtype."""
    dtype = result_dtype(operands)
    return kind_of(operands)(exact(data, dtype), shape, dtype)


def result_dtype(operands: Iterable[Any]) -> str:
    """The dtype that comes out where arrays and numbers meet."""
    names = [v.dtype if isinstance(v, Array) else type(v).__name__ for v in operands]
    return dtypes.promoted(frozenset(names))


def broadcast(x: Array, shape: Shape) -> list[Any]:
    """The elements of x as if it had `shape`, which x.shape broadcasts to."""
    if x.shape == shape:
        return x.data
    return pick(x.data, flat_broadcast(x.shape, shape))


def flat_broadcast(shape: Shape, new: Shape) -> Sequence[int]:
    """For every position of `new`, where its element lies in an array of `shape`: an
    axis of size 1 has stride 0, so the same element is met again and again."""
    strides = shapes.strides_of(shape)
    steps = tuple(0 if size == 1 else step for size, step in zip(shape, strides))
    return flat_index(new, (0,) * (len(new) - len(shape)) + steps)


def flat_index(sizes: Shape, strides: Shape) -> Sequence[int]:
    """`shapes.flat_index`, remembered while small: a model asks for the same few."""
    small = prod(sizes) <= 1 << 16
    return (_remembered if small else shapes.flat_index)(sizes, strides)


_remembered = lru_cache(maxsize=256)(shapes.flat_index)


def pick(data: list[Any], index: Iterable[int]) -> list[Any]:
    """The elements at the positions of `index`."""
    return list(map(data.__getitem__, index))
