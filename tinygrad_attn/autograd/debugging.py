"""`debug()`: who made the first nan or inf?

Once a nan is somewhere it is soon everywhere, and the loss says only that it happened.
Inside `debug()` every operation looks at its result, and every vjp at its gradients;
the first one to make a nan or inf out of numbers that had none raises, and names
itself, the shapes, the places, and the line of your program that called it. Outside
nothing is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..arrays.backends import namespace_of
from ..switching import Switch
from .lines import SourceLine, users_line

SHOWN = 3  # places that a message lists

# What to write where a slope is infinite.
STEEP = (
    "; {op} has an infinite slope {where}: if this is a branch that a where() does not "
    "take, 0 · inf arose inside it: give it a harmless input there, where(ok, f(where("
    "ok, x, 1.0)), 0.0)"
)


class debug(Switch):
    """Inside, the first operation to make a nan or inf raises FloatingPointError.

    As a context or a decorator; for this thread. Slow: every number is looked at.

    >>> from tinygrad_attn import Tensor
    >>> with debug():
    ...     Tensor([1.0, 0.0]).log()  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    FloatingPointError: log made -inf at [1] of a result of shape (2,), from shape (2,)
    """

    values = {"debug": True}

    def __init__(self) -> None:
        pass


def check_forward(op: Any, arrays: Sequence[Any], z: Any) -> SourceLine:
    """Refuses a result with a nan or inf that the inputs did not have; returns the line
    of the user's program, to be kept for the way back."""
    line = users_line()
    found = trouble(z)
    if found and worse(found, arrays):
        shapes = ", ".join(
            str(a.shape) if hasattr(a, "shape") else str(a) for a in arrays
        )
        raise FloatingPointError(
            f"{op.name} made {found} of a result of shape {z.shape}, from shape "
            f"{shapes}; {line}"
        )
    return line


def check_backward(node: Any, g: Any, shares: Sequence[Any]) -> None:
    """Refuses a gradient with a nan or inf that neither g nor the forward had."""
    for i, (share, needed) in enumerate(zip(shares, node._needs)):
        if not needed or share is None:
            continue
        found = trouble(share)
        if found and worse(found, [g, node.array, *node._arrays]):
            op, steep = node._op.name, node._op.meaning.steep
            raise FloatingPointError(
                f"backward of {op} made {found} of the gradient of input {i}, of shape "
                f"{share.shape}; its forward: {node._where or 'outside debug()'}"
                + (STEEP.format(op=op, where=steep) if steep else "")
            )


def trouble(x: Any) -> str:
    """Which nan or inf an array has and where, in words; "" if it has none."""
    x = x.array if hasattr(x, "requires_grad") else x
    if isinstance(x, float):  # a plain number beside Tensors
        return "" if math.isfinite(x) else str(x)
    if not hasattr(x, "shape") or not str(x.dtype).startswith("float"):
        return ""
    xp = namespace_of([x])
    with xp.quiet():
        zero = float(xp.sum(xp.stop_gradient(x) * 0.0, axis=None).tolist())
    if zero == 0.0:
        return ""
    places = [(v, at) for v, at in number_each(x.tolist(), []) if not math.isfinite(v)]
    kinds = sorted({str(v) for v, _ in places})
    shown = ", ".join(str(at) for _, at in places[:SHOWN])
    more = f" and {len(places) - SHOWN} more places" if len(places) > SHOWN else ""
    return f"{' and '.join(kinds)} at {shown}{more}"


def number_each(values: Any, at: list[int]) -> Any:
    """Every number of nested lists, with its index."""
    if not isinstance(values, list):
        yield float(values), at
        return
    for i, v in enumerate(values):
        yield from number_each(v, [*at, i])


def worse(found: str, inputs: Sequence[Any]) -> bool:
    """Whether a nan or inf is new: a nan where no input had one, an inf where none had
    a nan or an inf."""
    before = " ".join(trouble(x) for x in inputs)
    return "nan" not in before and ("nan" in found or "inf" not in before)
