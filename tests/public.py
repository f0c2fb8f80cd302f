"""Every public function and method, found by looking: what the tables must cover."""

from __future__ import annotations

from importlib import import_module

from tinygrad_attn import Tensor, creation, functional, ops
from tinygrad_attn.torch_names.methods import Methods

FOLDER = "tinygrad_attn.functions"
FILES = [
    ops,
    functional,
    creation,
    *(
        import_module(f"{FOLDER}.{name}")
        for name in ("elementwise", "reductions", "shaping", "indexing", "products")
    ),
]


def functions():
    """ "ops.exp" → the function, for all that these files offer."""
    found = {}
    for file in FILES:
        for name in file.__all__:
            function = getattr(file, name)
            if function not in found.values():
                found[f"{file.__name__.rpartition('.')[2]}.{name}"] = function
    return found


def methods():
    """The names of Tensor's public methods and properties, but for those that PyTorch
    alone has (tests/torch_names/)."""
    return sorted(
        name
        for kind in Tensor.__mro__[:-1]
        if kind is not Methods
        for name in vars(kind)
        if not name.startswith("_")
    )
