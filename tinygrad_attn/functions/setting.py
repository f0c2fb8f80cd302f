"""x[key] = y: some numbers of a tensor that nothing computed.

    counts = zeros(27, 27, dtype="int64")
    counts[a, b] += 1                                  # counts[a, b] = counts[a, b] + 1
    scores[scores < lowest] = -math.inf                # where a mask is True

It is an update like those of updates.py: the array that x had stays as it was, x gets
another. Nothing of it is recorded, so where a gradient shall pass it is refused, and a
new tensor is to be computed: with `where`, `concat` or `stack`.
"""

from __future__ import annotations

import math
from typing import Any

from ..arrays.backends import namespace_of
from ..arrays.dtypes import INT64, PLACE
from ..arrays.shapes import broadcast_shapes
from ..autograd.recording import Recorded, make_here
from ..context import context, no_grad
from .elementwise import astype, where
from .indexing import getitem
from .movement import reshape
from .operands import Tensor, check, constant, is_float
from .places import is_mask
from .updates import pass_on, refuse_program, replaced

WHO = "x[...] = y"


def setitem(x: Tensor, key: Any, y: Any) -> None:
    """Gives the elements x[key] the numbers y, which broadcast to their shape.

    Raises:
        RuntimeError: x was taken from another tensor, which has other numbers since.
        TypeError: a gradient is asked of x or y; y is no number, or a fraction for a
            whole number.

    >>> x = Tensor([0.0, 0.0])
    >>> setitem(x, 1, 5.0)
    >>> x
    Tensor([0.0, 5.0], float64)
    """
    refuse_program(x, WHO)
    for name, t in (("x", x), ("y", y)):
        graph = t is x and t._op is not None  # its rule needs the numbers that it has
        asked = isinstance(t, Recorded) and t.requires_grad
        if asked and (context.now.recording or graph):
            raise TypeError(
                f"{WHO}: {name} requires a gradient, and tensors of a graph are never "
                "changed in place; write x = where(mask, y, x), or concat the parts, "
                "or do it inside no_grad(), to a leaf"
            )
    xp = namespace_of([x.array])
    with no_grad():
        if (
            context.now.writer is not None
            and isinstance(key, Recorded)
            and is_mask(key)
        ):
            number = fitting(x, y)
            if number.size == 1:  # of more nobody knows which goes where
                pass_on(x, xp, masked(x, key, number).array, WHO)
                return
        at = places(x, xp, key)
        numbers = fitting(x, y)
        part = make_here(xp.zeros(at.shape, x.dtype))
        values = check(WHO, replaced, part, numbers)
        pass_on(x, xp, xp.put(x.array, reshape(at, -1).array, values.array), WHO)


def masked(x: Tensor, mask: Any, number: Any) -> Any:
    """x with one number where a mask is true, which may lack the last axes of x."""
    shape = (*mask.shape, *(1 for _ in x.shape[len(mask.shape) :]))
    check(WHO, broadcast_shapes, shape, x.shape)
    z = where(reshape(mask, shape), reshape(number, ()), x)
    return astype(z, x.dtype)


def places(x: Tensor, xp: Any, key: Any) -> Any:
    """Where in the flattened x the elements x[key] lie, as a Tensor of their shape."""
    keys = key if isinstance(key, tuple) else (key,)
    if len(keys) == len(x.shape) and all(type(k) is int for k in keys):
        at = 0  # one number, the usual: without counting all
        for k, n in zip(keys, x.shape):
            if not -n <= k < n:
                raise IndexError(
                    f"{WHO}: index {k} given for an axis of size {n}; allowed is "
                    f"{-n}..{n - 1}"
                )
            at = at * n + k % n
        return make_here(xp.asarray(at, "int64"))
    count = math.prod(x.shape)
    return getitem(reshape(make_here(xp.arange(0, count)), x.shape), key)


def fitting(x: Tensor, y: Any) -> Any:
    """y, if it can stand among the numbers of x: no fraction among whole numbers."""
    t = check(WHO, constant, WHO, y, x)
    if t is None:
        raise TypeError(
            f"{WHO}: a {type(y).__name__} given; y must be a number, a Tensor, an "
            "array or nested lists"
        )
    if not is_float(x) and PLACE[t.array.dtype] > INT64:
        whole = t.array.tolist() if not t.ndim else None
        if whole is None or whole % 1 != 0:
            raise TypeError(
                f"{WHO}: {t.dtype} given for a tensor of {x.dtype}; convert it first, "
                f"with y.astype({x.dtype!r})"
            )
    return t
