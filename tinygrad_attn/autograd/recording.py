"""Chapter 4: how a calculation is recorded.

`apply` computes one operation and writes down where the result came from: the
operation, its inputs and its params. Every operator of a Tensor and every function ends
here, so the history of a result is complete without anybody thinking of it.

Recursion ends here too. `ops.exp(x)` is `apply(primitives.exp, x)`, and the primitive's
forward calls `xp.exp`; but apply hands it x's bare array, and so xp is NumPy or pure
Python, whose exp computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..arrays import values as scalars
from ..arrays.backends import NAMESPACES, current_backend, namespace_of
from ..arrays.shapes import broadcast_shapes
from ..context import Scope, context
from ..rules.operation import Op
from ..tensor import Operand, Tensor, make
from .debugging import check_forward
from .lines import source_line

NUMBERS = frozenset((float, int, bool))  # what a rule takes as it is, beside Tensors


def apply(op: Op, *inputs: Any, **params: Any) -> Tensor:
    """The result of an operation, which remembers how it was made.

    Args:
        op: a primitive or composite.
        inputs: Tensors; plain numbers and None where the operation takes them.
        params: its settings.

    Raises:
        ValueError, TypeError, IndexError: what the operation says of its inputs, under
            its name.
    """
    needs = [isinstance(x, Tensor) and x._requires_grad for x in inputs]
    now = context.now
    if op.vjp is None and not op.composite:  # no gradient passes it
        needs = [False] * len(inputs)
    record = now.recording and True in needs
    keep = record or (now.recording and now.tracing)  # in record(), constants too
    if keep and op.vjp is None and op.composite:  # without a rule: record its parts
        return in_scope(op, op.forward, NAMESPACES[Tensor], *inputs, **params)  # type: ignore[no-any-return]
    arrays = [x.data if isinstance(x, Tensor) else plain(x) for x in inputs]
    xp = namespace_of(arrays)
    if xp is scalars and not record:  # Values would record themselves
        arrays = [xp.stop_gradient(a) if hasattr(a, "shape") else a for a in arrays]
    try:
        z = op.forward(xp, *arrays, **params)
    except (ValueError, TypeError, IndexError) as error:
        raise explained(error, op.name, op.check, arrays) from None
    saved = None
    if type(z) is tuple:
        z, saved = z
    if xp is scalars and record:
        z, saved = xp.own_values(z, arrays), None
    t = make(z)
    if now.debug:
        t._where = check_forward(op, arrays, z)
    if keep:
        if now.tracing:
            t._where = source_line()
        t._requires_grad = record
        t._op = op
        t._inputs = inputs
        t._arrays = arrays
        t._needs = needs
        t._params = params
        t._saved = saved
        t._scope = now.scope
    if now.watcher is not None:
        now.watcher(op, inputs, params, t)
    return t


def plain(x: Any) -> Any:
    """What may stand beside Tensors as it is: a number, or None."""
    if x is None or type(x) in NUMBERS:
        return x
    raise TypeError(
        f"a {type(x).__name__} given; it takes Tensors (Tensor(x) makes one)"
    )


def in_scope(owner: Any, call: Any, *args: Any, **kwargs: Any) -> Any:
    """The result of a call. All that it records remembers that it was made for `owner`,
    a module or a composite: by this a picture can group and name what it shows."""
    now = context.now
    before = now.scope
    now.scope = Scope(owner, before)
    try:
        return call(*args, **kwargs)
    finally:
        now.scope = before


def watched(watcher: Callable[..., None], call: Any, *args: Any, **kwargs: Any) -> Any:
    """The result of a call. `watcher(op, inputs, params, z)` is told of every operation
    in it as soon as it is done, within `no_grad` too, where nothing is recorded. It may
    ask `context.now.scope` in which module that was. (Attention then runs opened, step
    by step, so that its weights are seen.)"""
    now = context.now
    before = now.watcher
    now.watcher = watcher
    try:
        return call(*args, **kwargs)
    finally:
        now.watcher = before


def explained(
    error: Exception, name: str, check: Any, arrays: Sequence[Any]
) -> Exception:
    """The error with the operation's name, and the shapes in our words."""
    try:
        if check is not None:
            check(*(getattr(a, "shape", ()) for a in arrays))
    except ValueError as ours:
        error = ours
    return type(error)(f"{name}: {error}")


def binary(op: Op, x: Operand, y: Operand) -> Tensor:
    """An operator, with a Tensor on one side and what can become one on the other."""
    given = x, y
    if not isinstance(x, Tensor) and type(x) not in NUMBERS:
        x = checked(op.name, constant, x, y)
    if not isinstance(y, Tensor) and type(y) not in NUMBERS:
        y = checked(op.name, constant, y, x)
    if x is None or y is None:
        return refused(op.name, *given)  # type: ignore[no-any-return]
    both = isinstance(x, Tensor) and isinstance(y, Tensor)
    if both and x.data.dtype != y.data.dtype:
        x, y = promoted(x, y), promoted(y, x)
    return apply(op, x, y)


def refused(who: str, x: Any, y: Any) -> Any:
    """What an operator does with what is no number: a class of somebody's own may know
    what to do with a Tensor, and is asked; Python's own do not."""
    other = y if isinstance(x, Tensor) else x
    if type(other).__module__ != "builtins":
        return NotImplemented
    raise TypeError(
        f"{who}: {type(x).__name__} and {type(y).__name__} given; beside a Tensor "
        "there must be a Tensor, a number, an array or nested lists"
    )


def promoted(x: Tensor, other: Tensor) -> Tensor:
    """x in the dtype of `other`, if x has whole numbers or bools and `other` floats:
    the whole numbers do not widen the floats, as NumPy would have it (int64, float32 →
    float64)."""
    return (
        NAMESPACES[Tensor].astype(x, other.dtype)
        if is_float(other) > is_float(x)
        else x
    )


def floats_of(x: Any) -> Any:
    """x as floats, for the operations whose results are no whole numbers."""
    if not isinstance(x, Tensor) or is_float(x):
        return x
    return x.astype(default_float(namespace_of([x.data])))


def constant(x: Any, like: Any) -> Any:
    """x (a number, an array, nested lists) as a Tensor beside `like`: on its backend,
    and in its dtype if both are floats. None if x is nothing of the kind, or `like` no
    Tensor.
    """
    if isinstance(x, Tensor):
        return x
    numeric = isinstance(x, (float, int, list, tuple)) or hasattr(x, "dtype")
    if not numeric or not isinstance(like, Tensor):
        return None
    xp = namespace_of([like.data])
    array = xp.asarray(x)
    if array.dtype == "float64":
        array = xp.astype(array, like.dtype if is_float(like) else default_float(xp))
    return make(array)


def is_float(t: Tensor) -> bool:
    """Whether a tensor can have a gradient."""
    return t.dtype.startswith("float")


def default_float(xp: Any) -> str:
    """What floats are on a backend: as it was chosen, if it is the current one."""
    backend = current_backend()
    return backend.dtype if backend.xp is xp else str(xp.float_dtypes[0])


def compare(op: Op, x: Tensor, y: Operand) -> Tensor:
    """A comparison, element by element, as a tensor of bools."""
    other = y if type(y) in NUMBERS else checked("comparison", constant, y, x)
    if other is None:
        return NotImplemented  # type: ignore[no-any-return]
    if isinstance(other, Tensor):
        checked("comparison", broadcast_shapes, x.shape, other.shape)
    return apply(op, x, other)


# --- checks that several operations share ---------------------------------------------


def checked(who: str, check: Any, *given: Any) -> Any:
    """What a check of `shapes` returns; its error under the operation's name."""
    try:
        return check(*given)
    except (ValueError, TypeError, IndexError) as error:
        raise type(error)(f"{who}: {error}") from None


def whole_numbers(who: str, x: Any, like: Tensor, count: int, what: str) -> Tensor:
    """x as a Tensor of integers in 0..count-1, beside `like`."""
    t: Tensor | None = constant(x, like)
    if t is not None and not t.size:  # an empty list says nothing of its dtype
        t = t.astype("int64")
    if t is None or t.dtype != "int64":
        kind = type(x).__name__ if t is None else t.dtype
        raise TypeError(f"{who}: each {what} must be an integer; {kind} given")
    if t.size:
        xp = namespace_of([t.data])
        for worst in (xp.max(t.data, axis=None), -xp.max(-t.data, axis=None)):
            if not 0 <= (i := int(worst.tolist())) < count:
                raise IndexError(
                    f"{who}: {what} {i} given; it is out of range, allowed is "
                    f"0..{count - 1}"
                )
    return t
