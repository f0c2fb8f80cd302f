"""The namespace of Tensors: `xp` for rules whose computation shall be recorded.

Its functions have the names and meaning of the array namespaces (arrays/python.py), but
take Tensors, and each call writes a node of the graph (autograd/recording.py). So the
same rule, run with `xp = ops`, leaves its own computation behind as a graph; the walk
uses this for gradients of gradients.

Here are the names that rules use. They come from the folder functions/, where the other
functions are composed of them.
"""

from .autograd.recording import apply as apply
from .functions.elementwise import (
    add,
    astype,
    cos,
    div,
    erf,
    exp,
    log,
    log1p,
    maximum,
    mul,
    neg,
    pow,
    sin,
    sqrt,
    stop_gradient,
    sub,
    tanh,
    where,
)
from .functions.movement import (
    broadcast_to,
    concat,
    permute_dims,
    place,
    reshape,
    scatter_add,
    take,
)
from .functions.products import matmul
from .functions.reductions import max, sum

__all__ = [
    "add",
    "astype",
    "broadcast_to",
    "concat",
    "cos",
    "div",
    "erf",
    "exp",
    "log",
    "log1p",
    "matmul",
    "max",
    "maximum",
    "mul",
    "neg",
    "permute_dims",
    "place",
    "pow",
    "reshape",
    "scatter_add",
    "sin",
    "sqrt",
    "stop_gradient",
    "sub",
    "sum",
    "take",
    "tanh",
    "where",
]

name = "ops"
records = True  # what is computed here leaves a graph
