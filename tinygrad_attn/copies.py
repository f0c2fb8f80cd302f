"""Copies of a tensor: `pickle`, `copy` and `deepcopy`.

A copy has the numbers, not the graph. A leaf is a leaf again. A result (a loss, or the
attention weights that a model keeps) becomes a constant, as `detach()` would make it:
its inputs belong to another calculation, or to another process. (PyTorch refuses to
deepcopy a result.) So no copy walks a graph, of 100,000 steps or of one.

Pickled numbers arrive on the backend of those who unpickle them, so that a worker
computes with them beside its own.

    >>> import pickle
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> pickle.loads(pickle.dumps((x, x * 2)))
    (Tensor([1.0, 2.0], float64, requires_grad), Tensor([2.0, 4.0], float64))
"""

from __future__ import annotations

import copy
from typing import Any

from .arrays.array import Array
from .arrays.backends import NAMESPACES, brought, current_backend, namespace_of
from .autograd.recording import Recorded, make


def reduced(t: Recorded, protocol: Any) -> tuple[Any, ...]:
    """For pickle: how to make it again. Values are written as their numbers."""
    array = t.array
    if isinstance(array, Array):
        numbers = [array.scalars.value(v) for v in array.data]
        array = Array(numbers, array.shape, array.dtype)
    return unpickled, (kind(t), array, learns(t)), getattr(t, "__dict__", None)


def unpickled(cls: type[Any], array: Any, requires_grad: bool) -> Any:
    """A tensor of a class, on the current backend."""
    backend, dtype = current_backend(), None
    foreign = NAMESPACES.get(type(array)) is not backend.xp
    if foreign and str(array.dtype).startswith("float"):
        dtype = backend.dtype
    return leaf(cls, brought(backend.xp, array, dtype), requires_grad)


def shallow_copy(t: Recorded) -> Any:
    """For copy.copy: a tensor with the same array."""
    twin = leaf(kind(t), namespace_of([t.array]).stop_gradient(t.array), learns(t))
    getattr(twin, "__dict__", {}).update(getattr(t, "__dict__", {}))
    return twin


def deep_copy(t: Recorded, memo: dict[int, Any]) -> Any:
    """For copy.deepcopy: a tensor on the same backend, its `grad` copied too."""
    xp = namespace_of([t.array])
    array = xp.asarray(xp.stop_gradient(t.array), t.dtype)
    memo[id(t)] = twin = leaf(kind(t), xp.reshape(array, t.shape), learns(t))
    if learns(t):
        twin._grad = copy.deepcopy(t._grad, memo)
    for name, value in getattr(t, "__dict__", {}).items():  # of a class of one's own
        setattr(twin, name, copy.deepcopy(value, memo))
    return twin


def kind(t: Recorded) -> type[Any]:
    """The class of a copy; of a view of another's numbers (`x.data`), Tensor."""
    return type(t) if t._owner is None else type(make(t.array))


def learns(t: Recorded) -> bool:
    """Whether a copy is a leaf that requires a gradient."""
    return t.requires_grad and t.is_leaf


def leaf(cls: type[Any], array: Any, requires_grad: bool) -> Any:
    """A tensor of a class around an array."""
    t, plain = object.__new__(cls), make(array)
    for name in Recorded.__slots__:
        if name != "__weakref__":
            setattr(t, name, getattr(plain, name))
    if requires_grad:
        t.requires_grad = True
    return t
