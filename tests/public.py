"""Every public function and method, found by looking: what the tables must cover."""

from __future__ import annotations

from importlib import import_module

from tinygrad_attn import (
    Tensor,
    creation,
    elementary,
    functional,
    indexing,
    ops,
    reductions,
    shaping,
)

einsum = import_module("tinygrad_attn.einsum")  # the name is also its function's
FILES = (
    ops,
    elementary,
    reductions,
    shaping,
    indexing,
    einsum,
    functional,
    creation,
)


def functions():
    """ "ops.exp" → the function, for all that these files offer."""
    return {
        f"{file.__name__.rpartition('.')[2]}.{name}": getattr(file, name)
        for file in FILES
        for name in file.__all__
    }


def methods():
    """The names of Tensor's public methods and properties."""
    return sorted(
        name
        for kind in Tensor.__mro__[:-1]
        for name in vars(kind)
        if not name.startswith("_")
    )
