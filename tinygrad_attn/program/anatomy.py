"""What a program is made of: buffers, views of them, and five kinds of step.

    Map         z[i] = f(x[i], y[i], ...)        element by element; a copy is one
    Reduce      z = Σ x, or max x                along some axes
    Product     z = x y                          of matrices
    Gather      z[i] = x[indices[i]]             rows taken
    Scatter     z[indices[i]] += x[i]            rows added

and `Check`, which computes nothing: it refuses numbers that would be wrong.

A **buffer** is memory for numbers of one dtype. A **view** says which of them are meant
and in which order: element (i, j) lies at offset + i·strides[0] + j·strides[1]. So a
transpose, a slice and most reshapes move nothing. A step writes a buffer of its own, or
a part of one. Only parameters and an optimizer's state are written anew, by the last
steps. (A text may let several buffers lie in one place, one after the other.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from ..arrays.shapes import Shape, strides_of

# What a buffer is for.
ROLES = {
    "input": "given at each run",
    "random": "uniform random numbers, drawn at each run",
    "parameter": "a tensor that an optimizer may move, or that someone may load",
    "constant": "a tensor that the function found, or made of nothing but shapes",
    "state": "what an optimizer keeps for its parameters",
    "scalar": "a plain number, given at each run or computed of such",
    "local": "what a step computes",
}
LASTING = ("parameter", "state")  # what stays from one run to the next


@dataclass(eq=False)
class Buffer:
    """Memory for numbers.

    Attributes:
        shape, dtype: as it is first seen.
        role: one of ROLES.
        name: in the program; "" until named.
        value: a constant's numbers; a scalar's, if they decided something.
        owner: the tensor whose numbers these are.
        home: the buffer that it is a part of, and where in it, if it is.
    """

    shape: Shape
    dtype: str
    role: str = "local"
    name: str = ""
    value: Any = None
    owner: Any = None
    home: tuple[Buffer, int] | None = None

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def place(self) -> tuple[Buffer, int]:
        """The outermost buffer that it is in, and where."""
        buffer, offset = self, 0
        while buffer.home is not None:
            buffer, more = buffer.home
            offset += more
        return buffer, offset

    @property
    def alias(self) -> Buffer:
        """The outermost buffer that it is all of: one place has one name."""
        buffer = self
        while buffer.home is not None and buffer.home[0].size == buffer.size:
            buffer = buffer.home[0]
        return buffer

    def __repr__(self) -> str:
        return f"<{self.role} {self.name or hex(id(self))} {self.shape} {self.dtype}>"


class View:
    """Numbers of a buffer, as an array.

    Attributes:
        buffer, offset, shape, strides: element (i, j) is the buffer's number
            offset + i·strides[0] + j·strides[1].
        made: how it came from another view: (that, "reshape", shape), for writers that
            say it so; None for the whole buffer.
    """

    __slots__ = ("buffer", "made", "offset", "shape", "strides")

    def __init__(
        self,
        buffer: Buffer,
        shape: Shape | None = None,
        strides: Shape | None = None,
        offset: int = 0,
        made: tuple[Any, ...] | None = None,
    ) -> None:
        self.buffer = buffer
        self.shape = buffer.shape if shape is None else shape
        self.strides = strides_of(self.shape) if strides is None else strides
        self.offset = offset
        self.made = made

    @property
    def dtype(self) -> str:
        return self.buffer.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def contiguous(self) -> bool:
        """Whether its numbers lie side by side, in order."""
        return is_contiguous(self.shape, self.strides)

    @property
    def whole(self) -> bool:
        """Whether it is all of its buffer, in order."""
        return self.contiguous and self.size == self.buffer.size

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for views that are the same: along an axis of size 1 a stride means
        nothing."""
        strides = (s if n > 1 else 0 for n, s in zip(self.shape, self.strides))
        return self.buffer, self.offset, self.shape, tuple(strides)

    def __repr__(self) -> str:
        return f"{self.buffer.name or '?'}{self.shape}"


def is_contiguous(shape: Shape, strides: Shape) -> bool:
    """Whether an index that runs over the shape meets 0, 1, 2, ..."""
    step = 1
    for size, stride in zip(reversed(shape), reversed(strides)):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


Operand = Any  # a View, or a plain number


@dataclass(eq=False)
class Origin:
    """Why a step is in the program.

    Attributes:
        part: "forward", "backward" or "update".
        op: the operation it belongs to, if any.
        scope: in which module's call.
        node: the recorded tensor whose vjp it is, if it is of the walk backward.
        params: the operation's settings (`axis`, `p`, ...).
    """

    part: str = "forward"
    op: Any = None
    scope: Any = None
    node: Any = None
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Step:
    """A line of the program: what it writes, and what it reads.

    Attributes:
        out: what it writes.
        origin: why it is there.
        lines: the code in a rule that asked for it, and the instruction there; and
            those that had called it.
    """

    out: View
    origin: Origin = field(default_factory=Origin, kw_only=True)
    lines: Sequence[tuple[Any, int]] = field(default=(), kw_only=True)

    def operands(self) -> tuple[Operand, ...]:
        """What it reads, numbers included."""
        raise NotImplementedError

    def rewritten(self, change: Callable[[View], View]) -> None:
        """Puts other views in the place of its own."""
        raise NotImplementedError

    def reads(self) -> Iterator[View]:
        """The views that it reads."""
        return (v for v in self.operands() if isinstance(v, View))


@dataclass(eq=False)
class Map(Step):
    """out = function(args), element by element; smaller args broadcast."""

    function: str
    args: tuple[Operand, ...]

    def operands(self) -> tuple[Operand, ...]:
        return self.args

    def rewritten(self, change: Callable[[View], View]) -> None:
        self.out = change(self.out)
        self.args = tuple(change(v) if isinstance(v, View) else v for v in self.args)


@dataclass(eq=False)
class Reduce(Step):
    """out = the sum, max or argmax of x along axes, which out keeps with size 1."""

    function: str
    x: View
    axes: tuple[int, ...]

    def operands(self) -> tuple[Operand, ...]:
        return (self.x,)

    def rewritten(self, change: Callable[[View], View]) -> None:
        self.out, self.x = change(self.out), change(self.x)


@dataclass(eq=False)
class Product(Step):
    """out = x y: (..., n, k) and (..., k, m) → (..., n, m)."""

    x: View
    y: View

    def operands(self) -> tuple[Operand, ...]:
        return self.x, self.y

    def rewritten(self, change: Callable[[View], View]) -> None:
        self.out, self.x, self.y = change(self.out), change(self.x), change(self.y)


@dataclass(eq=False)
class Gather(Step):
    """out = x[indices]: (n, ...) and (*I) → (*I, ...)."""

    x: View
    indices: View

    def operands(self) -> tuple[Operand, ...]:
        return self.x, self.indices

    def rewritten(self, change: Callable[[View], View]) -> None:
        self.out, self.x = change(self.out), change(self.x)
        self.indices = change(self.indices)


@dataclass(eq=False)
class Scatter(Step):
    """out = 0, then out[indices[i]] += x[i]: (*I, ...) and (*I) → (n, ...).

    Attributes:
        adds: whether x[i] is added to what is there, and does not take its place.
    """

    x: View
    indices: View
    adds: bool = True

    def operands(self) -> tuple[Operand, ...]:
        return self.x, self.indices

    def rewritten(self, change: Callable[[View], View]) -> None:
        self.out, self.x = change(self.out), change(self.x)
        self.indices = change(self.indices)


@dataclass(eq=False)
class Check(Step):
    """Refuses numbers of `out` that would be wrong. Nothing is written.

    Attributes:
        question: "range" (0 ≤ x < count), "true" (each is True) or "finite".
        count, but: for "range"; `but` is a number that is allowed besides.
        sentence: the error's, in which {} stands for the number.
        error: its class.
    """

    question: str
    sentence: str
    error: type[Exception]
    count: int = 0
    but: int | None = None

    def operands(self) -> tuple[Operand, ...]:
        return (self.out,)

    def rewritten(self, change: Callable[[View], View]) -> None:
        self.out = change(self.out)
