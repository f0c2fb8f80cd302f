"""The namespace of Tensors: `xp` for rules whose computation shall be recorded.

Its functions have the names and meaning of the array namespaces (arrays/python.py), but
take Tensors, and each call writes a node of the graph (autograd/recording.py). So the
same rule, run with `xp = ops`, leaves its own computation behind as a graph; the walk
uses this for gradients of gradients.

Here are the functions of all rules, by their names. They come from the folder
functions/, where the other functions are composed of them.
"""

import sys
from typing import Any

from .autograd.recording import apply as apply
from .functions import elementwise, movement, products, reductions
from .rules import comparisons, primitives
from .rules import movement as moving
from .rules.operation import Op

_RULES = {
    name
    for rules in (primitives, comparisons, moving)
    for name, rule in vars(rules).items()
    if isinstance(rule, Op)
}
_FOUND = {
    name: getattr(functions, name)
    for functions in (elementwise, movement, products, reductions)
    for name in functions.__all__
    if name in _RULES
}
globals().update(_FOUND)
__all__ = sorted(_FOUND)  # noqa: PLE0605

name = "ops"
records = True  # what is computed here leaves a graph


def __getattr__(name: str) -> Any:
    """Tells type checkers that there is more than they see."""
    module = sys.modules[__name__]
    raise AttributeError(f"xp has no {name!r}", name=name, obj=module)
