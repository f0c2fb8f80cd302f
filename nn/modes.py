"""Training or use: each thread may run a model in eval mode for a while.

One thread trains a model, another looks at it or decodes with it. The first must keep
its dropout, and the second must have none. So `in_eval_mode` does not change the
modules: it notes, for its thread, that they are in eval mode.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tinygrad_attn.context import Changes

from .tree import Tree


class Modes(threading.local):
    """By id, the `training` of each module that this thread runs `in_eval_mode`."""

    def __init__(self) -> None:
        self.training: dict[int, bool] = {}


own_modes = Modes()


@contextmanager
def in_eval_mode(model: Tree) -> Iterator[None]:
    """Runs the model in eval mode inside the block, for this thread only.

    Another thread that trains the same model keeps its dropout. Inside the block this
    thread may call `train()` or `eval()`; the end of the block undoes that.

    >>> import nn
    >>> model = nn.Module()
    >>> with in_eval_mode(model):
    ...     model.training
    False
    >>> model.training
    True
    """
    modules = [*model.modules()]  # kept alive, so that no id is used again
    own = own_modes.training
    outer = {id(m): own[id(m)] for m in modules if id(m) in own}  # of an outer block
    own.update((id(m), False) for m in modules)
    Changes.happened()
    try:
        yield
    finally:
        Changes.happened()
        for m in modules:
            del own[id(m)]
        own.update(outer)
