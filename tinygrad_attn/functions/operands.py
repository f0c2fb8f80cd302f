"""What may stand beside a Tensor, and the operators + - * / ** and comparisons.

    x + 1        a number, as it is
    x + [1, 2]   nested lists or an array: a Tensor on x's backend, in x's dtype
    x + "a"      TypeError; a class of the user's own is left to answer (NotImplemented)

`Tensor` in this folder is a type variable, for type checkers. The class Tensor
(tensor.py) is made of these functions, so they cannot import it. At run time they take
any `Recorded`, and `apply` returns a Tensor.
"""

from __future__ import annotations

import operator
from typing import Any, TypeVar

from ..arrays.backends import current_backend, namespace_of
from ..arrays.dtypes import FLOAT, INT64, PLACE, check_int64, fits_int64, promoted
from ..arrays.shapes import broadcast_shapes, one_axis, some_axes
from ..autograd.lines import source_line
from ..autograd.recording import NUMBERS, Recorded, apply, make_here
from ..context import context
from ..errors import check_flags, under_name
from ..rules import comparisons, movement, primitives
from ..rules.operation import Op

Operand = Any  # a Tensor, a number, an array or nested lists
Tensor = TypeVar("Tensor", bound="Arithmetic")


class Arithmetic(Recorded):
    """A recorded array with the operators of numbers, element by element.

    One line each: the rules stand in rules/primitives.py and rules/comparisons.py.
    """

    __slots__ = ()
    __array_ufunc__: Any = None  # NumPy's operators leave array + Tensor to Tensor
    __hash__ = object.__hash__  # == compares elements; the walk's dicts need identity

    def __neg__(self: Tensor) -> Tensor:
        return negative(self)

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
        return of_floats(primitives.div, self, y)

    def __rtruediv__(self: Tensor, y: Operand) -> Tensor:
        return of_floats(primitives.div, y, self)

    def __pow__(self: Tensor, y: Operand) -> Tensor:
        return of_floats(primitives.pow, self, y)

    def __rpow__(self: Tensor, y: Operand) -> Tensor:
        base = constant("pow", y, self)
        return of_floats(primitives.pow, y if base is None else base, self)

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

    # Of masks: not, and, or, one of both.

    def __invert__(self: Tensor) -> Tensor:
        return compare(comparisons.equal, bools("~", self), False)

    def __and__(self: Tensor, y: Operand) -> Tensor:
        return of_bools(primitives.mul, "&", self, y)

    def __or__(self: Tensor, y: Operand) -> Tensor:
        return of_bools(primitives.maximum, "|", self, y)

    def __xor__(self: Tensor, y: Operand) -> Tensor:
        return of_bools(comparisons.not_equal, "^", self, y)

    def __rand__(self: Tensor, y: Operand) -> Tensor:
        return self & y

    def __ror__(self: Tensor, y: Operand) -> Tensor:
        return self | y

    def __rxor__(self: Tensor, y: Operand) -> Tensor:
        return self ^ y


def binary(op: Op, x: Operand, y: Operand) -> Any:
    """An operator: a Tensor on one side, and a number, array or list on the other."""
    a, b = x, y
    if not isinstance(x, Recorded):
        a = x if type(x) in NUMBERS else constant(op.name, x, y)
    if not isinstance(y, Recorded):
        b = y if type(y) in NUMBERS else constant(op.name, y, x)
    like = b if type(a) in NUMBERS else a
    if a is None or b is None or type(like) in NUMBERS:
        return refuse_or_defer(op.name, x, y)
    dtype = like.array.dtype
    alone = type(a) in NUMBERS or type(b) in NUMBERS or b.array.dtype == dtype
    if alone and PLACE[dtype] >= FLOAT:  # one float dtype: the usual
        return apply(op, a, b)
    a, b = together(op.name, a, b)
    return fitting(op, apply(op, a, b), a, b)


def of_floats(op: Op, x: Operand, y: Operand) -> Any:
    """An operator whose results are floats: of those beside the whole numbers, or of
    the backend."""
    tensors = isinstance(x, Recorded) and isinstance(y, Recorded)
    if tensors and is_float(x) != is_float(y):
        return binary(op, x, y)
    return binary(op, floats_of(x), floats_of(y))


def negative(x: Any) -> Any:
    """-x."""
    z = apply(primitives.neg, x)
    return z if PLACE[z.array.dtype] >= FLOAT else fitting(primitives.neg, z, x)


def fitting(op: Op, z: Recorded, *operands: Any) -> Any:
    """z = op(operands), whole numbers, if they fit an int64."""
    if PLACE[z.array.dtype] == INT64:
        xp = namespace_of([z.array])
        arrays = [v.array if isinstance(v, Recorded) else v for v in operands]
        check(op.name, xp.check_int64, op.forward, *arrays)
    return z


def compare(op: Op, x: Recorded, y: Operand) -> Any:
    """A comparison, element by element, as a tensor of bools."""
    other = y if type(y) in NUMBERS else constant("comparison", y, x)
    if other is None:
        return NotImplemented
    if isinstance(other, Recorded):
        check("comparison", broadcast_shapes, x.shape, other.shape)
    return apply(op, *together("comparison", x, other))


def of_bools(op: Op, sign: str, x: Any, y: Any) -> Any:
    """An operator of masks: a tensor of bools, and another, a bool or lists."""
    other = y if type(y) is bool else constant(sign, y, x)
    if other is None:
        return refuse_or_defer(sign, x, y)
    x, other = bools(sign, x), bools(sign, other)
    if isinstance(other, Recorded):
        check(sign, broadcast_shapes, x.shape, other.shape)
    else:
        other = make_here(home(x).full((), other, "bool"))
    return apply(op, x, other)


def bools(sign: str, x: Any) -> Any:
    """x, if it is true or false."""
    if type(x) is bool or x.dtype == "bool":
        return x
    raise TypeError(
        f"{sign}: {x.dtype} given; it takes bools (x != 0 makes them of numbers)"
    )


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
    if not numeric or not isinstance(like, Recorded) or isinstance(x, type):
        return None
    if getattr(x, "_fields", ()) == ("values", "indices"):
        raise TypeError(
            f"{who}: the pair (values, indices) given; x.max(1) is one, as in PyTorch, "
            "and x.max(axis=1) the largest numbers alone"
        )
    xp = home(like)
    if type(x) is int and is_float(like) and not fits_int64(x):
        x = check(who, float, x)
    array = check(who, xp.asarray, x)
    if PLACE[array.dtype] >= FLOAT:  # an array or list counts by its kind alone
        array = xp.astype(array, like.dtype if is_float(like) else default_float(xp))
    t = make_here(array)
    if context.now.tracing:
        t._where = source_line((x,))  # where it has a name: that of x
    return t


def together(who: str, *operands: Any) -> Any:
    """The operands, Tensors, numbers and None, in the dtype that comes out where they
    meet (arrays/dtypes.py). Numbers stay numbers: they follow."""
    first: Any = None
    for v in operands:
        if isinstance(v, Recorded):
            dtype = v.array.dtype
            if first is None:
                first = dtype
            elif dtype != first:
                break
    else:
        if PLACE[first] >= FLOAT or not NUMBERS.intersection(map(type, operands)):
            return operands  # of one dtype: the usual
    tensors = [v for v in operands if isinstance(v, Recorded)]
    numbers = [v for v in operands if type(v) in NUMBERS]
    kinds = {v.dtype for v in tensors} | {type(v).__name__ for v in numbers}
    if len(kinds) == 1:
        return operands
    xp = home(tensors[0])
    dtype = promoted(frozenset(kinds), default_float(xp))
    if dtype == "int64":
        check(who, check_int64, *(v for v in numbers if type(v) is int))
    return [
        apply(movement.astype, v, dtype=dtype)
        if isinstance(v, Recorded) and v.dtype != dtype
        else v
        for v in operands
    ]


def floats_together(who: str, *operands: Any) -> Any:
    """The operands, a Tensor first, in one dtype, and that one of floats."""
    operands = together(who, *operands)
    return operands if is_float(operands[0]) else map(floats_of, operands)


def floats_of(x: Any) -> Any:
    """x as floats, for the operations whose results are no whole numbers."""
    if not isinstance(x, Recorded) or is_float(x):
        return x
    return apply(movement.astype, x, dtype=default_float(home(x)))


def is_float(t: Recorded) -> bool:
    """Whether a tensor can have a gradient."""
    return PLACE[t.array.dtype] >= FLOAT


def home(x: Recorded) -> Any:
    """The namespace of a tensor's numbers; that of names, while a program is written:
    what is made beside them is a part of it."""
    if context.now.writer is not None:
        return current_backend().xp
    return namespace_of([x.array])


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


def axes_of(who: str, x: Any, axis: Any, keepdims: bool = False) -> tuple[int, ...]:
    """The axes of the Tensor x that are meant: one, several, or all (None). A reduction
    has its keepdims checked as well."""
    if keepdims is not True and keepdims is not False:
        check_flags(who, keepdims=keepdims)
    count = len(tensor(who, x).array.shape)
    if axis is None or (not count and is_first(axis)):
        return tuple(range(count))
    return check(who, some_axes, axis, count)


def is_first(axis: Any) -> bool:
    """Whether an axis is 0 or -1: these a single number has too, where functions along
    an axis take it for a row of one."""
    return hasattr(axis, "__index__") and operator.index(axis) in (0, -1)


def whole_numbers(
    who: str, x: Any, like: Recorded, count: int, what: str, but: int | None = None
) -> Any:
    """x as a Tensor of integers in 0..count-1 (or `but`), beside `like`."""
    t = constant(who, x, like)
    if t is not None and not t.size:  # an empty list says nothing of its dtype
        t = apply(movement.astype, t, dtype="int64")
    if t is None or t.dtype != "int64":
        kind = type(x).__name__ if t is None else t.dtype
        raise TypeError(f"{who}: each {what} must be an integer; {kind} given")
    if t.size:
        allowed = f"it is out of range, allowed is 0..{count - 1}"
        says = f"{who}: {what} {{}} given; {allowed}"
        t = checked(comparisons.in_range, t, count=count, says=says, but=but)
    return t


def plain(x: Any) -> list[Any]:
    """The numbers of x in a row, as Python's."""
    xp = namespace_of([x.array])
    return xp.reshape(xp.stop_gradient(x.array), (x.size,)).tolist()


def found(who: str, x: Any, array: Any) -> Any:
    """What was found in the plain numbers of x, as a constant. Inside record() it says
    so: a program would not find it anew."""
    t = make_here(array)
    if context.now.tracing:
        t._params = {"frozen": f"found by {who}"}
    return t


def checked(op: Op, t: Any, **params: Any) -> Any:
    """t, once a check has passed it. Inside record() the check is part of the graph: a
    program made of it (program/) shall check its own numbers."""
    if context.now.tracing or context.now.writer is not None:
        return apply(op, t, **params)
    op.forward(namespace_of([t.array]), t.array, **params)
    return t
