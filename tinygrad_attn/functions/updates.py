"""Updates: how a leaf gets other numbers, between one step of training and the next.

A result is never changed: the rules behind it need the numbers that it had. A leaf,
which nothing computed, may be given others:

    with no_grad():
        p -= lr * p.grad           # p is the same Tensor, with other numbers
    p.data -= lr * p.grad          # the same, in other words
    p.grad.zero_()                 # or p.grad = None

No array is written to, though. The leaf gets another one, and a graph that was
recorded before keeps the old one: its derivatives stay those of what it computed. A
walk that is itself recorded (create_graph) would have to differentiate at the new
numbers, and is refused (autograd/walk.py, `check_unchanged`).

Outside `no_grad` only `p -= y` and `p += y` do so, with a constant y: the gradient of a
sum is that of its terms, so p's is the same before the step and after it. `p *= y` on a
leaf that requires a gradient is refused, as all of these are in PyTorch: would p.grad
be that of the leaf, or of the product? A constant changes in place, under all its
names: `counts += 1`. Where a graph is to be kept, `x -= y` is x = x - y, as for
numbers: `total += loss` adds to a sum, with its graph.

A result of indexing, reshape or detach is changed together with what it was taken from,
as in PyTorch: `w[0].fill_(0.0)` (aliases.py).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from ..arrays.backends import brought, namespace_of
from ..autograd.recording import NUMBERS, Recorded
from ..context import context, no_grad
from ..errors import check_number, say, under_name
from .aliases import changes, note
from .elementwise import astype
from .movement import broadcast_to
from .operands import Operand, Tensor, constant, is_float

Compute = Callable[[Any, Any], Any]


def assign(x: Tensor, numbers: Any) -> None:
    """Gives a leaf other numbers: of the same shape and kind, on its own backend and in
    its own dtype. They are copied.

    Args:
        numbers: a Tensor, an array, or nested lists.

    Raises:
        ValueError: another shape.
        TypeError: no numbers, or of another kind: an int for a float, say.
        RuntimeError: x is the result of an operation.

    >>> w = Tensor([1.0, 2.0], requires_grad=True)
    >>> w.assign([3.0, 4.0])
    >>> w
    Tensor([3.0, 4.0], float64, requires_grad)
    """
    assigned(x, numbers, "assign")


def assigned(x: Tensor, numbers: Any, who: str) -> None:
    """Gives a leaf other numbers, on behalf of a function."""
    refuse_result(x, who)
    refuse_program(x, who)
    xp, array = namespace_of([x.array]), numbers
    if isinstance(numbers, Recorded):
        if numbers.array is x.array:
            return
        array = numbers.array
    else:
        try:
            array = xp.asarray(numbers)
        except (ValueError, TypeError, OverflowError) as error:
            raise under_name(who, error) from error
        if not hasattr(numbers, "dtype") and array.dtype == "int64" and is_float(x):
            array = xp.astype(array, x.dtype)  # [1, 2] for [1.0, 2.0]
    if tuple(array.shape) != x.shape:
        raise ValueError(
            f"{who}: numbers of shape {tuple(array.shape)} given for a tensor of shape "
            f"{x.shape}; they must be equal"
        )
    if kind(str(array.dtype)) != kind(x.dtype):
        raise TypeError(
            f"{who}: numbers of {array.dtype} given for a tensor of {x.dtype}; "
            f"convert them first, with astype({x.dtype!r})"
        )
    array = brought(xp, array, x.dtype)
    if who == "data":  # x.data = y gives x alone the numbers of y, in PyTorch too
        give(x, xp, array)
    else:
        pass_on(x, xp, array, who)


def pass_on(x: Tensor, xp: Any, array: Any, who: str) -> None:
    """Gives a leaf an array, and what it was taken from the same numbers."""
    for whose, _, _ in x._moved:
        refuse_program(whose(), who)
    others = changes(x, array, who) if x._moved else []
    for other, _ in others:
        refuse_result(other, who)
    give(x, xp, array)
    for other, numbers in others:
        give(other, namespace_of([numbers]), numbers)
    changed = [other for other, _ in others]
    for t in (x, *changed) if changed else ():
        note(t, changed)


def give(x: Tensor, xp: Any, array: Any) -> None:
    """Gives a leaf an array that fits, unasked: an optimizer moves many in a step."""
    x._op, x._inputs, x._arrays, x._needs = None, (), (), ()  # what record() noted
    x.array = xp.leaf(array) if x._requires_grad else array


def kind(dtype: str) -> str:
    """ "float", "int" or "bool"."""
    return dtype.rstrip("0123456789").removeprefix("u")


def refuse_result(x: Tensor, who: str) -> None:
    """A result keeps its numbers."""
    if x._op is not None and x._requires_grad:
        raise RuntimeError(
            f"{who}: this tensor is the result of {x._op.name}, and its rule needs the "
            "numbers that it has; compute a new tensor, or change a copy, Tensor(x)"
        )


def refuse_program(x: Recorded | None, who: str) -> None:
    """While a program is written, what was there before stays as it is: the program
    would change it once, and not at each run. What was made meanwhile is its own."""
    now = context.now.writer
    if now is not None and x is not None and not now.made(x.array):
        raise RuntimeError(
            f"{who}: a tensor that was there before is changed while a program is "
            "written, which would be done once and not at each run; parameters move by "
            "write(..., update=optimizer), anything else is returned from the function "
            "and set outside, and a copy, x.clone(), may change"
        )


def refuse_recording(x: Tensor, who: str) -> None:
    """A leaf moves between steps, and not within what is recorded."""
    if x._requires_grad and context.now.recording:
        raise RuntimeError(
            f"{who}: a leaf that requires a gradient is changed in place while "
            "operations are recorded; do it inside no_grad(), or compute a new tensor"
        )


def refuse_gradient(x: Tensor, y: Any, who: str) -> None:
    """What a change in place takes from y has no graph, so no gradient would reach it:
    no silent end of one. (x.data asks for that.)"""
    for v in y if isinstance(y, tuple) else (y,):
        asked = isinstance(v, Recorded) and v._requires_grad and context.now.recording
        if asked and x._owner is None:
            raise RuntimeError(
                f"{who}: y requires a gradient, and a change in place passes none on; "
                f"compute a new tensor, or give y.detach()"
            )


# --- the operators --------------------------------------------------------------------

SHIFTS = ("+=", "-=", "add_", "sub_")  # z = x ± y has the gradient that x has


def iadd(x: Tensor, y: Operand) -> Tensor:
    return updated(x, "+=", operator.add, y)


def isub(x: Tensor, y: Operand) -> Tensor:
    return updated(x, "-=", operator.sub, y)


def imul(x: Tensor, y: Operand) -> Tensor:
    return updated(x, "*=", operator.mul, y)


def itruediv(x: Tensor, y: Operand) -> Tensor:
    return updated(x, "/=", operator.truediv, y)


def ipow(x: Tensor, y: Operand) -> Tensor:
    return updated(x, "**=", operator.pow, y)


def imatmul(x: Tensor, y: Operand) -> Tensor:
    return updated(x, "@=", operator.matmul, y)


def updated(x: Tensor, who: str, compute: Compute, y: Operand) -> Any:
    """What `x += y` binds x to: a leaf, or the numbers of one (`p.data`), itself with
    other numbers. NotImplemented for the result of a graph, and for a constant beside
    what requires a gradient; then Python computes x + y."""
    writer = context.now.writer
    noted = x._op is not None and (x._requires_grad or writer is None)
    if x._owner is None and noted:
        return NotImplemented
    if not (x._requires_grad or x._trained or x._owner is not None):
        graph = isinstance(y, Recorded) and y._requires_grad and context.now.recording
        given = writer is not None and not writer.made(x.array)
        if graph or (given and not x._moved):
            return NotImplemented
    return in_place(x, who, compute, beside(who, x, y))


def in_place(x: Tensor, who: str, compute: Compute, y: Operand) -> Any:
    """x, once it was given the numbers compute(x, y)."""
    refuse_result(x, who)
    refuse_program(x, who)
    if who not in SHIFTS:
        refuse_recording(x, who)
    refuse_gradient(x, y, who)
    try:
        with no_grad():
            z = compute(x, y)
    except (ValueError, TypeError) as error:
        raise under_name(who, error) from error
    assigned(x, z, who)
    return x


def replaced(x: Tensor, y: Operand) -> Any:
    """y, in the shape and dtype of x."""
    z = constant("copy_", y, x)
    if z is None:
        raise TypeError(
            f"{say(y)} given; it must be a Tensor, a number or nested lists"
        )
    return astype(broadcast_to(z, x.shape), x.dtype)


# --- the methods that end in _ --------------------------------------------------------


def copy_(x: Tensor, numbers: Any) -> Tensor:
    """Gives x these numbers, which may be of another shape that broadcasts to its own,
    and of another dtype; returns x.

    >>> Tensor([1.0, 2.0]).copy_(Tensor([3, 4]))
    Tensor([3.0, 4.0], float64)
    """
    return in_place(x, "copy_", replaced, numbers)


def fill_(x: Tensor, number: float) -> Tensor:
    """Makes every number of x this one; returns x.

    >>> Tensor([1.0, 2.0]).fill_(3)
    Tensor([3.0, 3.0], float64)
    """
    if isinstance(number, Recorded) and number.size == 1:
        refuse_gradient(x, number, "fill_")
        number = number.item()
    if not isinstance(number, Real):
        raise TypeError(f"fill_: {say(number)} given; it must be a number")
    plain = int(number) if isinstance(number, Integral) else float(number)
    check_held("fill_", x, plain)
    return in_place(x, "fill_", replaced, plain)


def check_held(who: str, x: Tensor, number: float) -> None:
    """Refuses a fraction, nan or inf for whole numbers."""
    if not is_float(x) and number != number // 1:  # nan and inf neither
        raise TypeError(
            f"{who}: {number} given for a tensor of {x.dtype}; it must be a whole "
            "number"
        )


def zero_(x: Tensor) -> Tensor:
    """Makes every number of x 0; returns x. `w.grad.zero_()` forgets a gradient.

    >>> Tensor([1.0, 2.0]).zero_()
    Tensor([0.0, 0.0], float64)
    """
    return in_place(x, "zero_", replaced, 0)


def add_(x: Tensor, other: Operand, *, alpha: float = 1) -> Tensor:
    """Adds alpha · other to x; returns x.

    >>> Tensor([1.0, 2.0]).add_(Tensor([1.0, 1.0]), alpha=-2)
    Tensor([-1.0, 0.0], float64)
    """
    return in_place(x, "add_", operator.add, scaled("add_", x, other, alpha))


def sub_(x: Tensor, other: Operand, *, alpha: float = 1) -> Tensor:
    """Subtracts alpha · other from x; returns x.

    >>> Tensor([1.0, 2.0]).sub_(1.0)
    Tensor([0.0, 1.0], float64)
    """
    return in_place(x, "sub_", operator.sub, scaled("sub_", x, other, alpha))


def scaled(who: str, x: Tensor, other: Operand, alpha: float) -> Operand:
    """alpha · other, a Tensor, number, array or list beside x."""
    check_number(who, "alpha", alpha)
    other = beside(who, x, other)
    if alpha == 1:
        return other
    with no_grad():
        return other * alpha


def beside(who: str, x: Tensor, other: Operand) -> Any:
    """What may stand beside x: a number as it is, all else as a Tensor."""
    found = other if type(other) in NUMBERS else constant(who, other, x)
    if found is None:
        raise TypeError(
            f"{who}: {say(other)}, a {type(other).__name__}, given; it must be a "
            "Tensor, a number, an array or nested lists"
        )
    return found


def mul_(x: Tensor, other: Operand) -> Tensor:
    """Multiplies x by other; returns x.

    >>> Tensor([1.0, 2.0]).mul_(2.0)
    Tensor([2.0, 4.0], float64)
    """
    return in_place(x, "mul_", operator.mul, beside("mul_", x, other))


def div_(x: Tensor, other: Operand) -> Tensor:
    """Divides x by other; returns x.

    >>> Tensor([2.0, 4.0]).div_(2.0)
    Tensor([1.0, 2.0], float64)
    """
    return in_place(x, "div_", operator.truediv, beside("div_", x, other))
