"""Arrays that are names: a shape, a dtype, and no numbers.

    >>> x = Traced(Buffer((2, 3), "float64", "input", "x"))
    >>> x.shape, x.dtype
    ((2, 3), 'float64')

An operator computes the shape of its result, and notes a step on the tape (tape.py)
for its numbers. What only looks at numbers in another order (a transpose, a slice, most
reshapes) is another view of the same buffer, and no step at all.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from os.path import dirname, join
from typing import Any

from ..arrays import dtypes, shapes
from ..autograd.lines import users_line
from ..context import context
from .anatomy import Buffer, Map, View

HERE = join(dirname(dirname(__file__)), "")


class Traced(View):
    """An array that is a name.

    Attributes:
        weak: whether it is a plain number: it has a kind, and no dtype.
    """

    __slots__ = ("weak",)
    __hash__ = None  # type: ignore[assignment]
    __array_ufunc__ = None

    def __init__(self, *args: Any, weak: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.weak = weak

    def tolist(self) -> Any:
        raise undecided()

    __iter__ = __int__ = __index__ = __float__ = tolist

    def __bool__(self) -> bool:
        """Of a plain number that is given at each run: the program is written for
        numbers of which the same is true."""
        if self.buffer.role != "scalar" or self.buffer.value is None:
            raise undecided()
        found = bool(self.buffer.value)
        writer().decided[self.buffer] = found
        return found

    def __getitem__(self, key: Any) -> Traced:
        return getitem(self, key)

    def __neg__(self) -> Traced:
        return mapped("neg", self)

    def __add__(self, y: Any) -> Traced:
        return mapped("add", self, y)

    def __radd__(self, y: Any) -> Traced:
        return mapped("add", y, self)

    def __sub__(self, y: Any) -> Traced:
        return mapped("sub", self, y)

    def __rsub__(self, y: Any) -> Traced:
        return mapped("sub", y, self)

    def __mul__(self, y: Any) -> Traced:
        return mapped("mul", self, y)

    def __rmul__(self, y: Any) -> Traced:
        return mapped("mul", y, self)

    def __truediv__(self, y: Any) -> Traced:
        return of_floats("div", self, y)

    def __rtruediv__(self, y: Any) -> Traced:
        return of_floats("div", y, self)

    def __pow__(self, y: Any) -> Traced:
        if isinstance(y, float) and y == 1.0 and self.dtype.startswith("float"):
            return self
        return of_floats("pow", self, y)

    def __rpow__(self, y: Any) -> Traced:
        return of_floats("pow", y, self)

    def __eq__(self, y: Any) -> Traced:  # type: ignore[override]
        return mapped("eq", self, y, dtype="bool")

    def __ne__(self, y: Any) -> Traced:  # type: ignore[override]
        return mapped("ne", self, y, dtype="bool")

    def __lt__(self, y: Any) -> Traced:
        return mapped("lt", self, y, dtype="bool")

    def __le__(self, y: Any) -> Traced:
        return mapped("le", self, y, dtype="bool")

    def __gt__(self, y: Any) -> Traced:
        return mapped("gt", self, y, dtype="bool")

    def __ge__(self, y: Any) -> Traced:
        return mapped("ge", self, y, dtype="bool")


def writer() -> Any:
    """The tape of this thread (tape.py)."""
    tape = context.now.writer
    if tape is None:
        raise undecided()
    return tape


def undecided() -> RuntimeError:
    """What to say where a function asks for a number that only a run will know."""
    if context.now.writer is None:
        return RuntimeError(
            "this tensor was made while a program was written, and has no numbers; "
            "return it from the function, so that the program computes it"
        )
    line = users_line()
    where = f" ({line})" if line.readers else ""
    who = asked_by()
    how, instead = ASKED.get(who, ASKED[""])
    if who not in ASKED and not who.startswith(("_", "<")):
        how, instead = f" in {who}()", ELSEWHERE
    return RuntimeError(
        f"write: the function asks for a number of an array{how} while its program is "
        f"written, and there are only names; {instead}{where}"
    )


OUTSIDE = "return it beside the loss, and take it from what the program returns"
ELSEWHERE = "do that outside, and give the function what comes out as an input"
PRINTED = " to print it", "return it beside the loss, and print what a run returns"
# What was called → how that is said, and what to do instead.
ASKED = {
    "": (" (by item(), tolist(), float(), print or an `if`)", OUTSIDE),
    "__bool__": (" to decide (an `if`)", "choose with where(condition, a, b)"),
    "item": (" by item()", OUTSIDE),
    "tolist": (" by tolist()", OUTSIDE),
    "numpy": (" by numpy()", OUTSIDE),
    "__array__": (" as an array of NumPy", OUTSIDE),
    "__float__": (" by float()", OUTSIDE),
    "__int__": (" by int()", OUTSIDE),
    "__repr__": PRINTED,
    "__str__": PRINTED,
    "__format__": PRINTED,
}


WRAPPERS = ("call", "also", "drawn_from")  # of no name for who calls them


def asked_by() -> str:
    """The method that was called from outside of this package."""
    frame, name = sys._getframe(2), ""
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HERE):
        code, given = frame.f_code.co_name, frame.f_locals
        name = str(given.get("who") or name) if code in WRAPPERS else code
        frame = frame.f_back
    return name.lstrip(".")


def named(x: Any) -> Traced:
    """An array as a name: one of numbers is a constant."""
    return writer().name(x)  # type: ignore[no-any-return]


def new(shape: Sequence[int], dtype: str, weak: bool = False) -> Traced:
    """A buffer of its own."""
    return Traced(Buffer(tuple(shape), dtype, "scalar" if weak else "local"), weak=weak)


# --- element by element, and another shape --------------------------------------------


def mapped(function: str, *args: Any, dtype: str | None = None) -> Traced:
    """A step that computes number by number."""
    tape = writer()
    args = tuple(map(tape.name, args))
    shape = shapes.broadcast_shapes(*(a.shape for a in args if isinstance(a, Traced)))
    weak = all(not isinstance(a, Traced) or a.weak for a in args)
    if dtype is None:
        # what `where` decides by has no part in the dtype
        dtype = common_dtype(args[1:] if function == "where" else args)
    if dtype == "bool" and function in ("sub", "neg"):
        raise TypeError("- of bools given; != tells where they differ")
    if dtype == "bool" and function == "add":  # either: where none is 2
        function = "maximum"
    z = new(shape, dtype, weak)
    tape.emit(Map(z, function, args))
    return z


def common_dtype(args: Sequence[Any]) -> str:
    """The dtype that comes out where these meet; a plain number has only a kind."""
    kinds = set()
    for a in args:
        if not isinstance(a, Traced):
            kinds.add(type(a).__name__)
        else:
            kinds.add("float" if a.weak else a.dtype)
    backend = context.now.backend
    return dtypes.promoted(frozenset(kinds), backend.dtype if backend else "float64")


def of_floats(function: str, *args: Any) -> Traced:
    """A step whose results are floats."""
    dtype = common_dtype(args)
    return mapped(
        function, *args, dtype=dtype if dtype.startswith("float") else "float64"
    )


def reshape(x: Any, shape: Sequence[int]) -> Traced:
    view = named(x)
    return reshaped(view, shape)


def reshaped(x: Traced, shape: Sequence[int]) -> Traced:
    """A view under another shape; a copy, where no strides give it."""
    shape = shapes.fill_in(x.shape, shape)
    if shape == x.shape:
        return x
    strides = shapes.reshaped_strides(x.shape, x.strides, shape)
    if strides is None:
        x = contiguous(x)
        strides = shapes.strides_of(shape)
    return Traced(x.buffer, shape, strides, x.offset, (x, "reshape", shape))


def contiguous(x: Traced) -> Traced:
    """A copy whose numbers lie side by side."""
    z = new(x.shape, x.dtype)
    writer().emit(Map(z, "copy", (x,)))
    return z


def getitem(x: Traced, key: Any) -> Traced:
    bounds, shape = shapes.basic_index(key, x.shape)
    sizes, strides, offset = [], [], x.offset
    for (start, stop, step), size, stride in zip(bounds, x.shape, x.strides):
        picked = range(*slice(start, stop, step).indices(size))
        sizes.append(len(picked))
        strides.append(step * stride)
        offset += picked.start * stride if picked else 0
    if tuple(sizes) == x.shape and strides == list(x.strides):
        z = x
    else:
        made = (x, "slice", bounds)
        z = Traced(x.buffer, tuple(sizes), tuple(strides), offset, made)
    return reshape(z, shape)
