"""Three things that stand above and are needed below, without an import that looks up.

`__init__.py`, which stands above everything and runs before anything, fills them in.

    Tensor()   the class of results, for autograd/recording.py
    html(x)    how a notebook shows a Value, a Tensor or a graph
    autograd(name)   what a name of `torch.autograd` is here
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Tensor: Callable[[], type[Any]]
html: Callable[[Any], str]
autograd: Callable[[str], Any]
