"""Which arrays hold the numbers: choosing a backend, and finding one by array type.

| name | arrays | default dtype |
|---|---|---|
| "python" | `Array`: a flat list and a shape | float64 |
| "numpy"  | `numpy.ndarray`; NumPy is imported when it is first chosen | float32 |
| "scalar" | `Array`s of `Value`s: every number records itself | float64 |

The default is "python", or the value of the environment variable TINYGRAD_ATTN_BACKEND.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from random import Random
from typing import Any

from ..errors import how_to_install, say
from ..switching import Switch, at_thread_start, context
from . import python, values
from .array import Array, Piece, ValueArray

NAMES = ("python", "numpy", "scalar")
VARIABLE = "TINYGRAD_ATTN_BACKEND"

# The namespace that computes on arrays of a type. `ops` enters itself for Tensor.
NAMESPACES: dict[type, Any] = {Array: python, Piece: python, ValueArray: values}


@dataclass(frozen=True)
class Backend:
    """A namespace, and the dtype that floats have in it by default."""

    xp: Any
    dtype: str

    @property
    def name(self) -> str:
        return str(self.xp.name)


def get_backend(name: str, dtype: str | None = None) -> Backend:
    """The backend called `name`, with floats of `dtype`.

    Raises:
        ValueError: there is no such backend, or it has no such dtype.
        RuntimeError: NumPy is not installed.
    """
    if not isinstance(name, str) or name not in NAMES:
        raise ValueError(
            f"backend {say(name)} given; it must be one of {', '.join(NAMES)}"
        )
    if name == "numpy" and not find_spec("numpy"):
        raise RuntimeError(
            "backend 'numpy' needs NumPy, which is not installed: "
            f"{how_to_install('numpy')}, or choose the backend 'python', which needs "
            "nothing"
        )
    xp = {"python": python, "scalar": values}.get(name)
    if xp is None:
        xp = import_module(".numpy", __package__)
        NAMESPACES.update((kind, xp) for kind in xp.array_types)
    if dtype is not None and str(dtype) not in xp.float_dtypes:
        raise ValueError(
            f"backend {say(name)} has floats of {' or '.join(xp.float_dtypes)}; "
            f"{say(dtype)} given"
        )
    return Backend(xp, dtype or xp.float_dtypes[0])


_default: list[Backend] = []  # the process's, once it is known


def set_backend(name: str, dtype: str | None = None) -> None:
    """Makes `name` the backend of new tensors, in the whole process.

    Args:
        name: "python", "numpy" or "scalar".
        dtype: what floats are: "float32" (NumPy's default) or "float64".

    Under NumPy its warnings about inf and nan are switched off too, in this thread and
    in new ones, until another backend is set: inf and nan are results like others.

    >>> set_backend("python")
    """
    _default[:] = [get_backend(name, dtype)]
    follow_default()  # in this thread from here on, and in those to come
    at_thread_start[:] = [follow_default]


def follow_default() -> None:
    """This thread is as quiet about inf and nan as the process's backend, no more."""
    now = context.now
    if now.quiet is not None:
        now.quiet.__exit__(None, None, None)
    now.quiet = _default[0].xp.quiet()
    now.quiet.__enter__()


class use_backend(Switch):
    """Inside, new tensors of this thread live on `name`; see `set_backend`.

    As a context or a decorator.

    >>> with use_backend("scalar"):
    ...     current_backend().name
    'scalar'
    """

    def __init__(self, name: str, dtype: str | None = None) -> None:
        backend = get_backend(name, dtype)
        super().__init__({"backend": backend}, backend.xp.quiet)


def current_backend() -> Backend:
    """The backend that a new tensor gets."""
    if context.now.backend is None and not _default:
        wanted = os.environ.get(VARIABLE) or "python"
        try:
            set_backend(wanted)
        except (ValueError, RuntimeError) as error:
            raise type(error)(f"{VARIABLE}={wanted}: {error}") from None
    return context.now.backend or _default[0]


def namespace_of(operands: Iterable[Any], who: str = "namespace_of") -> Any:
    """The namespace that computes on `operands`, by the types of the arrays among them.

    Raises:
        TypeError: arrays of two backends meet, or there is none, in a call of `who`.
    """
    found: Any = None
    for operand in operands:
        xp = NAMESPACES.get(type(operand))
        if xp is None or xp is found:
            continue
        if found is None:
            found = xp
        elif {found, xp} <= {python, values}:
            found = values  # plain numbers beside Values
        elif hasattr(xp, "absorbs") or hasattr(found, "absorbs"):
            found = xp if hasattr(xp, "absorbs") else found  # numbers beside names
        else:
            raise TypeError(
                f"{who}: two backends meet, {found.name!r} and {xp.name!r}; create "
                "both operands on one"
            )
    if found is None:
        kinds = ", ".join(type(operand).__name__ for operand in operands)
        raise TypeError(f"{who}: {kinds} given; one operand must be a Tensor")
    return found


def brought(xp: Any, array: Any, dtype: str | None = None) -> Any:
    """An array of any backend as one of the namespace xp, without a graph.

    Args:
        dtype: of the result; by default that of the array. For floats of another
            backend it is to be given: not all have float32.
    """
    own: Any = NAMESPACES.get(type(array))  # None: a backend not used here so far
    if own is not None:
        array = own.stop_gradient(array)
    if own is xp:
        return array if dtype is None else xp.astype(array, dtype)
    lists = xp.asarray(array.tolist(), dtype or str(array.dtype))
    return xp.reshape(lists, array.shape)  # lists lose the sizes that follow a 0


def uniform(shape: tuple[int, ...], dtype: str = "float64", backend: Any = None) -> Any:
    """Uniform numbers in [0, 1) as an array of the backend, from this thread's seed."""
    xp = backend or current_backend().xp
    return xp.uniform(random_bytes(8 * math.prod(shape)), shape, dtype)


AT_ONCE = 2**26  # Python's generator gives at most 2²⁸ bytes


def random_bytes(count: int) -> Any:
    """So many random bytes. (The pieces are those of the whole.)"""
    draw = context.now.random.randbytes
    if count <= AT_ONCE:
        return draw(count)
    if type(context.now.random) is not Random:  # shapes_only() has one without bytes
        return draw(count)
    raw = bytearray(count)  # fails before any is drawn, if there is no memory
    for start in range(0, count, AT_ONCE):
        raw[start : start + AT_ONCE] = draw(min(AT_ONCE, count - start))
    return raw


def normal(shape: tuple[int, ...], dtype: str = "float64", backend: Any = None) -> Any:
    """Normal numbers of mean 0 and variance 1, as `uniform`.

    Box & Muller 1958: of two uniforms u, v the pair √(-2 ln u)·(cos 2πv, sin 2πv) has
    two independent normals.
    """
    xp = backend or current_backend().xp
    n = math.prod(shape)
    half = (n + 1) // 2
    u, v = uniform((half,), backend=xp), uniform((half,), backend=xp)
    radius = xp.sqrt(xp.log(1.0 - u) * -2.0)  # 1 - u is never 0
    angle = v * (2.0 * math.pi)
    both = xp.concat([radius * xp.cos(angle), radius * xp.sin(angle)], axis=0)
    return xp.astype(xp.reshape(both[:n], shape), dtype)
