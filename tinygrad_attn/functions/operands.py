"""What may stand beside a Tensor, and the operators + - * / ** and comparisons.

    x + 1        a number, as it is
    x + [1, 2]   nested lists or an array: a Tensor on x's backend, in x's dtype
    x + "a"      TypeError; a class of the user's own is left to answer (NotImplemented)

`Tensor` in this folder is a type variable, for type checkers. The class Tensor
(tensor.py) is made of these functions, so they cannot import it. At run time they take
any `Recorded`, and `apply` returns a Tensor.
"""

from __future__ import annotations

from typing import Any, TypeVar

from ..arrays.backends import current_backend, namespace_of
from ..arrays.shapes import broadcast_shapes, one_axis, some_axes
from ..autograd.lines import source_line
from ..autograd.recording import NUMBERS, Recorded, apply, make
from ..context import context
from ..errors import under_name
from ..rules import comparisons, movement, primitives
from ..rules.operation import Op

Operand = Any  # a Tensor, a number, an array or nested lists
Tensor = TypeVar("Tensor", bound="Arithmetic")


class Arithmetic(Recorded):
    """A recorded array with the operators of numbers, element by element.

    One line each: the rules stand in rules/primitives.py and rules/comparisons.py.
    """

    __slots__ = ()
    __array_ufunc__ = None  # NumPy's operators leave array + Tensor to Tensor
    __hash__ = object.__hash__  # == compares elements; the walk's dicts need identity

    def __neg__(self: Tensor) -> Tensor:
        return apply(primitives.neg, self)

    def __add__(self: Tensor, y: Operand) -> Tensor:
        return binary(primitives.add, self, y)

    def __radd__(self: Tensor, y: Operand) -> Tensor:
        return binary(primitives.add, y, self)

    def __sub__(self: Tensor, y: Operand) -> Tensor:
        return binary(primitives.sub, self, y)

    def __rsub__(self: Tensor, y: Operand) -> Tensor:
        return binary(primitives.sub, y, self)

    def __mul__(self: Tensor, y: Operand) -> Tensor:
        return binary(primitives.mul, self, y)

    def __rmul__(self: Tensor, y: Operand) -> Tensor:
        return binary(primitives.mul, y, self)

    def __truediv__(self: Tensor, y: Operand) -> Tensor:
        return binary(primitives.div, floats_of(self), floats_of(y))

    def __rtruediv__(self: Tensor, y: Operand) -> Tensor:
        return binary(primitives.div, floats_of(y), floats_of(self))

    def __pow__(self: Tensor, y: Operand) -> Tensor:
        return binary(primitives.pow, floats_of(self), floats_of(y))

    def __rpow__(self: Tensor, y: Operand) -> Tensor:
        base = constant("pow", y, self)
        return binary(primitives.pow, y if base is None else base, floats_of(self))

    # Comparisons give a tensor of bools. They are flat but for jumps: no gradient.

    def __eq__(self: Tensor, y: Operand) -> Tensor:  # type: ignore[override]
        return compare(comparisons.equal, self, y)

    def __ne__(self: Tensor, y: Operand) -> Tensor:  # type: ignore[override]
        return compare(comparisons.not_equal, self, y)

    def __lt__(self: Tensor, y: Operand) -> Tensor:
        return compare(comparisons.less, self, y)

    def __le__(self: Tensor, y: Operand) -> Tensor:
        return compare(comparisons.less_equal, self, y)

    def __gt__(self: Tensor, y: Operand) -> Tensor:
        return compare(comparisons.greater, self, y)

    def __ge__(self: Tensor, y: Operand) -> Tensor:
        return compare(comparisons.greater_equal, self, y)


def binary(op: Op, x: Operand, y: Operand) -> Any:
    """An operator: a Tensor on one side, and a number, array or list on the other."""
    a, b = x, y
    if not isinstance(x, Recorded):
        a = x if type(x) in NUMBERS else constant(op.name, x, y)
    if not isinstance(y, Recorded):
        b = y if type(y) in NUMBERS else constant(op.name, y, x)
    if a is None or b is None:
        return refuse_or_defer(op.name, x, y)
    if type(a) in NUMBERS or type(b) in NUMBERS or a.array.dtype == b.array.dtype:
        return apply(op, a, b)
    return apply(op, promote(a, b), promote(b, a))


def compare(op: Op, x: Recorded, y: Operand) -> Any:
    """A comparison, element by element, as a tensor of bools."""
    other = y if type(y) in NUMBERS else constant("comparison", y, x)
    if other is None:
        return NotImplemented
    if isinstance(other, Recorded):
        check("comparison", broadcast_shapes, x.shape, other.shape)
    return apply(op, x, other)


def refuse_or_defer(who: str, x: Any, y: Any) -> Any:
    """For a non-numeric operand: NotImplemented lets a user's class try; built-ins are
    refused."""
    other = y if isinstance(x, Recorded) else x
    if type(other).__module__ != "builtins":
        return NotImplemented
    raise TypeError(
        f"{who}: {type(x).__name__} and {type(y).__name__} given; beside a Tensor "
        "there must be a Tensor, a number, an array or nested lists"
    )


# --- other things as tensors, other dtypes --------------------------------------------


def constant(who: str, x: Any, like: Any) -> Any:
    """x (a number, an array, nested lists) as a Tensor beside `like`: on its backend,
    and in its dtype if both are floats. None if x is nothing of the kind, or `like` no
    Tensor.

    Raises:
        TypeError, ValueError: ragged lists, or an element that is no number.
    """
    if isinstance(x, Recorded):
        return x
    numeric = isinstance(x, (float, int, list, tuple)) or hasattr(x, "dtype")
    if not numeric or not isinstance(like, Recorded):
        return None
    xp = namespace_of([like.array])
    array = check(who, xp.asarray, x)
    if array.dtype == "float64":
        array = xp.astype(array, like.dtype if is_float(like) else default_float(xp))
    t = make(array)
    if context.now.tracing:
        t._where = source_line((x,))  # where it has a name: that of x
    return t


def promote(x: Recorded, other: Recorded) -> Any:
    """x in the dtype of `other`, if x has whole numbers or bools and `other` floats:
    an int64 does not widen a float32 to float64, as it would in NumPy."""
    if is_float(other) > is_float(x):
        return apply(movement.astype, x, dtype=other.dtype)
    return x


def floats_of(x: Any) -> Any:
    """x as floats, for the operations whose results are no whole numbers."""
    if not isinstance(x, Recorded) or is_float(x):
        return x
    return apply(movement.astype, x, dtype=default_float(namespace_of([x.array])))


def is_float(t: Recorded) -> bool:
    """Whether a tensor can have a gradient."""
    return t.dtype.startswith("float")


def default_float(xp: Any) -> str:
    """What floats are on a backend: as chosen, if it is the current one."""
    backend = current_backend()
    return backend.dtype if backend.xp is xp else str(xp.float_dtypes[0])


# --- checks that several functions share ----------------------------------------------


def tensor(who: str, x: Any) -> Any:
    """x, if it is a Tensor."""
    if isinstance(x, Recorded):
        return x
    raise TypeError(
        f"{who}: {type(x).__name__} given; it takes a Tensor (Tensor(x) makes one)"
    )


def check(who: str, question: Any, *given: Any) -> Any:
    """The answer to a question (of arrays/shapes.py, say); its error under our name."""
    try:
        return question(*given)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise under_name(who, error) from error


def axis_of(who: str, x: Any, axis: Any) -> int:
    """The axis of the Tensor x that is meant, counted from the front."""
    return check(who, one_axis, axis, len(tensor(who, x).array.shape))


def axes_of(who: str, x: Any, axis: Any) -> tuple[int, ...]:
    """The axes of the Tensor x that are meant: one, several, or all (None)."""
    count = len(tensor(who, x).array.shape)
    if axis is None:
        return tuple(range(count))
    return check(who, some_axes, axis, count)


def whole_numbers(who: str, x: Any, like: Recorded, count: int, what: str) -> Any:
    """x as a Tensor of integers in 0..count-1, beside `like`."""
    t = constant(who, x, like)
    if t is not None and not t.size:  # an empty list says nothing of its dtype
        t = apply(movement.astype, t, dtype="int64")
    if t is None or t.dtype != "int64":
        kind = type(x).__name__ if t is None else t.dtype
        raise TypeError(f"{who}: each {what} must be an integer; {kind} given")
    if t.size:
        xp = namespace_of([t.array])
        for worst in (xp.max(t.array, axis=None), -xp.max(-t.array, axis=None)):
            if not 0 <= (i := int(worst.tolist())) < count:
                raise IndexError(
                    f"{who}: {what} {i} given; it is out of range, allowed is "
                    f"0..{count - 1}"
                )
    return t
